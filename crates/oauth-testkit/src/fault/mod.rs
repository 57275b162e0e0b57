//! Scripted faults.

mod queue;

pub(crate) use queue::FaultQueue;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Response, StatusCode};

use crate::reply::{JSON, ReplyBody};

/// A misbehaviour that a server shows to the next request, or to the next few.
///
/// Faults queue up: each serves as many requests as [`times`](Fault::times) says (default: one), in the
/// order of injection; then the normal behaviour is back. A request that meets a fault is counted and
/// recorded like any other.
///
/// ```
/// use oauth_testkit::Fault;
///
/// let throttled = Fault::status(503).body(r#"{"message":"busy"}"#).header("retry-after", "1").times(3);
/// let slow_failure = Fault::status(500).after(std::time::Duration::from_secs(2));
/// let outage = Fault::reset().forever();
/// ```
#[derive(Clone)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    pub(crate) kind: Kind,
    pub(crate) after: Duration,
    /// `None`: forever.
    times: Option<u64>,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Normal,
    Answer { status: StatusCode, headers: HeaderMap, body: Bytes, stall: Option<usize> },
    Hang,
    Reset,
    Garbage,
    EndlessBody,
    Truncated,
    SlowHead(Duration),
}

impl Fault {
    const fn new(kind: Kind) -> Self {
        Self { kind, after: Duration::ZERO, times: Some(1) }
    }

    /// Responds with this status and an empty body. A number that no final response can have (below 200,
    /// above 999) becomes 500.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| !status.is_informational())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self::new(Kind::Answer { status, headers, body, stall: None })
    }

    /// Responds with a redirect to `location`, and an empty body.
    pub fn redirect(status: u16, location: impl AsRef<str>) -> Self {
        Self::status(status).header(LOCATION.as_str(), location)
    }

    /// Responds normally, after a delay on tokio's clock.
    pub const fn delay(delay: Duration) -> Self {
        Self { kind: Kind::Normal, after: delay, times: Some(1) }
    }

    /// Takes the request and never responds. When the faults are cleared, a request that hangs gets its
    /// normal response; when the server stops, its connection is closed.
    pub const fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// Takes the request, then aborts the connection with a TCP RST; over HTTP/2 that takes every other
    /// stream of the connection along.
    pub const fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// Takes the request, then writes bytes that are not HTTP and closes the connection. Over HTTP/2 it is a
    /// [`reset`](Fault::reset).
    pub const fn garbage() -> Self {
        Self::new(Kind::Garbage)
    }

    /// Responds with 200 with the content type of JSON, and a body of spaces that does not end. It is written as
    /// fast as the peer reads and no faster.
    pub const fn endless_body() -> Self {
        Self::new(Kind::EndlessBody)
    }

    /// Responds with 200, announces more bytes than it sends, and breaks off 10 ms later (on tokio's clock): over
    /// HTTP/1.1 the connection closes, over HTTP/2 the stream is reset.
    pub const fn truncated() -> Self {
        Self::new(Kind::Truncated)
    }

    /// Responds normally, but writes the head of the response one byte at a time, `pace` apart, and closes the
    /// connection after the body. Over HTTP/2 the whole response is delayed by `pace`.
    pub const fn slow_head(pace: Duration) -> Self {
        Self::new(Kind::SlowHead(pace))
    }

    /// The body of the response; JSON by its content type unless [`header`](Fault::header) names another.
    /// Ignored by faults that do not come from [`status`](Fault::status) or [`redirect`](Fault::redirect).
    pub fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        if let Kind::Answer { headers, body, .. } = &mut self.kind {
            *body = Bytes::copy_from_slice(bytes.as_ref());
            if !headers.contains_key(CONTENT_TYPE) {
                let _ = headers.try_insert(CONTENT_TYPE, JSON);
            }
        }
        self
    }

    /// The response announces its whole body, sends that many bytes of it, and no more. When the faults are
    /// cleared, it breaks off there: over HTTP/1.1 the connection closes, over HTTP/2 the stream is reset.
    /// Ignored like [`body`](Fault::body), and by a body that is not longer than that.
    pub fn stalls_after(mut self, bytes: usize) -> Self {
        if let Kind::Answer { stall, .. } = &mut self.kind {
            *stall = Some(bytes);
        }
        self
    }

    /// Sets a header of the response; a second `set-cookie` or `www-authenticate` is added to the first.
    /// What is not a valid name or value is left out, and so is whatever frames the message
    /// (`content-length`, `transfer-encoding`, `connection`). Ignored by faults that have no response of
    /// their own.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let Kind::Answer { headers, .. } = &mut self.kind else {
            return self;
        };
        let name = HeaderName::from_bytes(name.as_ref().as_bytes());
        let value = HeaderValue::from_str(value.as_ref());
        if let (Ok(name), Ok(value)) = (name, value) {
            if [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) {
                return self;
            }
            if ["set-cookie", "www-authenticate"].contains(&name.as_str()) {
                // Fails beyond 32,768 headers alone; the header is then left out like any that cannot be sent.
                let _ = headers.try_append(name, value);
            } else {
                let _ = headers.try_insert(name, value);
            }
        }
        self
    }

    /// Shows the fault only after a delay on tokio's clock.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// How many requests meet the fault. With 0, none does.
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Every request from then on meets the fault, until the faults are cleared.
    pub const fn forever(mut self) -> Self {
        self.times = None;
        self
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Kind::Normal => "normal",
            Kind::Answer { .. } => "answer",
            Kind::Hang => "hang",
            Kind::Reset => "reset",
            Kind::Garbage => "garbage",
            Kind::EndlessBody => "endless_body",
            Kind::Truncated => "truncated",
            Kind::SlowHead(_) => "slow_head",
        }
    }
}

pub(crate) fn answer(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::full(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A scripted body may hold a token, so that neither it nor the headers are shown.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Fault");
        shown.field("kind", &self.kind.name());
        if let Kind::Answer { status, .. } = &self.kind {
            shown.field("status", &status.as_u16());
        }
        shown.field("after", &self.after).field("times", &self.times).finish_non_exhaustive()
    }
}
