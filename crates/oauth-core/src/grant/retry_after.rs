//! How long a server asks to wait: `Retry-After` (RFC 9110 §10.2.3) and its cousins.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The wait of a `Retry-After` header, in seconds or until an HTTP-date. A past date is zero,
/// what cannot be read is nothing, and the longest wait that fits stands for longer ones: the
/// slot caps it.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(seconds) = whole_seconds(text) {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// The wait until the Unix time in `x-ratelimit-reset`; the past is zero.
pub(crate) fn rate_limit_reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let at = whole_seconds(headers.get("x-ratelimit-reset")?.to_str().ok()?.trim())?;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Some(Duration::from_secs(at).saturating_sub(now))
}

/// Digits alone: no sign, no fraction. Too many of them saturate.
fn whole_seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(784_111_777);

    fn wait(name: &'static str, value: &str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )]);
        let now = UNIX_EPOCH + NOW;
        retry_after(&headers, now).or_else(|| rate_limit_reset(&headers, now))
    }

    #[test]
    fn seconds_and_dates_are_read_and_garbage_is_not() {
        // RFC 9110 §10.2.3.
        for (value, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10)),
            ("Sun Nov  6 08:49:47 1994", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("12 s", None),
            ("Sun, 06 Nov 1994 08:49:47", None),
            ("\u{e4}", None),
        ] {
            assert_eq!(wait("retry-after", value), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_rate_limit_reset_is_a_unix_time() {
        for (value, seconds) in [("784111837", Some(60)), ("60", Some(0)), ("soon", None)] {
            let want = seconds.map(Duration::from_secs);
            assert_eq!(wait("x-ratelimit-reset", value), want, "{value}");
        }
    }
}
