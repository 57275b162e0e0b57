//! Responses and their bodies.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

const SPACES: &[u8] = &[b' '; 8192];

pub(crate) enum ReplyBody {
    /// All of it, then the end.
    Full(Option<Bytes>),
    /// Spaces forever, as fast as the peer takes them.
    Endless,
    /// A part, then nothing until the stall breaks, then a failure of the stream.
    Stalled {
        part: Option<Bytes>,
        announced: u64,
        broken: Pin<Box<dyn Future<Output = ()> + Send>>,
    },
}

impl ReplyBody {
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        ReplyBody::Full((!bytes.is_empty()).then_some(bytes))
    }

    /// Only a full body that is longer can stall.
    pub(crate) fn stalled_after(
        self,
        bytes: usize,
        broken: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        match self {
            ReplyBody::Full(Some(mut body)) if body.len() > bytes => {
                let announced = body.len() as u64;
                body.truncate(bytes);
                let part = (!body.is_empty()).then_some(body);
                ReplyBody::Stalled { part, announced, broken: Box::pin(broken) }
            }
            other => other,
        }
    }
}

/// A response with a JSON body that is already written out.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A JSON string literal.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match &mut *self {
            ReplyBody::Full(rest) => rest.take().map(|data| Ok(Frame::data(data))),
            ReplyBody::Endless => Some(Ok(Frame::data(Bytes::from_static(SPACES)))),
            ReplyBody::Stalled { part, broken, .. } => match part.take() {
                Some(data) => Some(Ok(Frame::data(data))),
                None => {
                    ready!(broken.as_mut().poll(cx));
                    Some(Err(io::ErrorKind::UnexpectedEof.into()))
                }
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, ReplyBody::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Full(rest) => {
                SizeHint::with_exact(rest.as_ref().map_or(0, |data| data.len() as u64))
            }
            ReplyBody::Stalled { announced, .. } => SizeHint::with_exact(*announced),
            ReplyBody::Endless => SizeHint::default(),
        }
    }
}

/// What becomes of a request.
pub(crate) enum Outcome {
    Respond(Response<ReplyBody>),
    /// The connection ends without a response that hyper would write.
    End(Ending, Option<StatusCode>),
}

impl Outcome {
    /// The status that the peer gets to see, if there is one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Outcome::Respond(response) => Some(response.status()),
            Outcome::End(_, status) => *status,
        }
    }
}

/// How a connection is ended on purpose.
pub(crate) enum Ending {
    /// A TCP RST.
    Reset,
    /// Bytes as they are, then a FIN.
    Raw(Raw),
}

/// Bytes for the wire: a head, written a byte at a time if it has a pace, and a rest, written at once.
pub(crate) struct Raw {
    pub(crate) head: Bytes,
    pub(crate) pace: Duration,
    pub(crate) rest: Bytes,
}

impl Raw {
    pub(crate) fn at_once(bytes: &'static [u8]) -> Self {
        Raw { head: Bytes::new(), pace: Duration::ZERO, rest: Bytes::from_static(bytes) }
    }

    /// A response as HTTP/1.1 text whose head takes its time. Only a full body can be written this way.
    pub(crate) fn slow(response: Response<ReplyBody>, pace: Duration) -> Self {
        let (parts, body) = response.into_parts();
        let rest = match body {
            ReplyBody::Full(Some(bytes)) => bytes,
            _ => Bytes::new(),
        };
        let reason = parts.status.canonical_reason().unwrap_or("Unknown");
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_u16()).into_bytes();
        for (name, value) in &parts.headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(
            format!("content-length: {}\r\nconnection: close\r\n\r\n", rest.len()).as_bytes(),
        );
        Raw { head: head.into(), pace, rest }
    }
}

/// A handler's service never fails: failures are outcomes.
pub(crate) type Served = Result<Response<ReplyBody>, Infallible>;
