//! How long a caller waits for its response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::sync::runtime;

/// The deadline of one request: put it into the request's extensions. It covers the wait for a token, its
/// refresh and both sends together.
///
/// A limit that the request already has counts without it: the `timeout` of a reqwest request, and
/// `grpc-timeout` where the layer is for gRPC. Of several, the earliest counts. What the client below does
/// about its own limits stays as it is.
///
/// With Tower it ends with the response's head: the body may take longer. With reqwest it is the request's
/// `timeout`, which includes the body.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::Deadline;
///
/// let request = http::Request::get("https://api.example.com/orders")
///     .extension(Deadline::within(Duration::from_millis(500)))
///     .body(())?;
/// # drop(request);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Creates a deadline this long from now.
    pub fn within(limit: Duration) -> Self {
        Self(after(Instant::now(), limit))
    }

    /// Creates a deadline at this instant of Tokio's clock.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// Returns the time until then; zero if it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The instant.
    pub fn instant(self) -> Instant {
        self.0
    }
}

/// Ends at a deadline. For adapters.
#[doc(hidden)]
#[derive(Debug)]
pub struct DeadlineTimer(Pin<Box<Sleep>>);

impl DeadlineTimer {
    /// `None` without a runtime, or if it has no timers.
    #[cold]
    pub fn new(until: Deadline) -> Option<Self> {
        runtime().ok().map(|_| Self(Box::pin(sleep_until(until.0))))
    }

    /// The deadline.
    pub fn until(&self) -> Deadline {
        Deadline(self.0.deadline())
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        self.until().remaining().is_zero()
    }

    /// Ready once it has passed.
    pub fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

/// The request's [`Deadline`] passed without a response, or before the request could be sent. There was a
/// token.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DeadlineElapsed;

impl fmt::Display for DeadlineElapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out: no response from the API within the request's time limit")
    }
}

impl std::error::Error for DeadlineElapsed {}

/// The timeout of a gRPC call, from its headers: at most eight digits and a unit ("Requests" in the
/// specification of gRPC over HTTP/2). `None` for anything else.
pub(crate) fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let unit = value.chars().next_back()?;
    let digits = value.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = digits.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(count * 3600),
        'M' => Duration::from_secs(count * 60),
        'S' => Duration::from_secs(count),
        'm' => Duration::from_millis(count),
        'u' => Duration::from_micros(count),
        'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Saturates to "never" where Tokio's addition panics.
pub(crate) fn after(start: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);
    start.checked_add(wait).unwrap_or_else(|| start + NEVER)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_grpc_timeout_has_up_to_eight_digits_and_a_unit() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(value));
            grpc_timeout(&headers)
        };
        let table = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("6n", Some(Duration::from_nanos(6))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("1", None),
            ("1s", None),
            ("+1S", None),
            ("-1S", None),
            ("1 S", None),
            ("1.5S", None),
            ("1SS", None),
        ];
        for (value, expected) in table {
            assert_eq!(read(value), expected, "{value:?}");
        }
        assert_eq!(grpc_timeout(&HeaderMap::new()), None);
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_bytes(b"1\xc3\xa4").unwrap());
        assert_eq!(grpc_timeout(&headers), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_over_at_its_instant_and_no_earlier() {
        let start = Instant::now();
        let deadline = Deadline::within(Duration::from_millis(500));
        let mut timer = DeadlineTimer::new(deadline).unwrap();
        assert_eq!(timer.until(), deadline);
        assert_eq!(deadline.instant(), start + Duration::from_millis(500));
        for (elapsed, remaining) in [(0, 500), (499, 1), (500, 0), (501, 0)] {
            let now = start + Duration::from_millis(elapsed);
            tokio::time::advance(now - Instant::now()).await;
            assert_eq!(deadline.remaining(), Duration::from_millis(remaining));
            assert_eq!(timer.is_over(), remaining == 0, "{elapsed}");
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert_eq!(timer.poll_elapsed(&mut cx).is_ready(), remaining == 0, "{elapsed}");
        }
    }

    #[test]
    fn without_a_runtime_there_is_no_timer() {
        assert!(DeadlineTimer::new(Deadline::within(Duration::from_secs(1))).is_none());
    }

    #[test]
    fn what_elapsed_is_said() {
        let text = DeadlineElapsed.to_string();
        assert_eq!(text, "timed out: no response from the API within the request's time limit");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_beyond_every_clock_is_far_away() {
        let deadline = Deadline::within(Duration::MAX);
        assert!(deadline > Deadline::within(Duration::from_secs(86_400 * 365 * 29)));
        assert_eq!(Deadline::at(deadline.instant()), deadline);
    }
}
