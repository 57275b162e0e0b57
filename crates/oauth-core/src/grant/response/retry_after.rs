//! How long a server asks to wait: `Retry-After` (RFC 9110 §10.2.3) and Azure's form of it.

use std::time::Duration;

use http::HeaderMap;

use super::server_time::http_date;

/// In milliseconds, besides `Retry-After` or in its place.
const MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// The wait of a `Retry-After` header, in seconds or until an HTTP-date by the server's clock, which shows
/// `now`; else the one in milliseconds, which may be shorter than whole seconds can say. A past date is
/// zero; values that cannot be read are ignored; too long a wait saturates, and the slot caps it. Of
/// several values the longest counts.
pub(super) fn retry_after(headers: &HeaderMap, now: Option<Duration>) -> Option<Duration> {
    let wait = values(headers, "retry-after").filter_map(|text| seconds_or_date(text, now)).max();
    let milliseconds = || MILLISECONDS.into_iter().flat_map(|name| values(headers, name));
    wait.or_else(|| milliseconds().filter_map(decimal).map(|ms| seconds(ms / 1000.0)).max())
}

/// The readable values of a header.
pub(super) fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| Some(value.to_str().ok()?.trim()))
}

/// A number without sign and exponent; too large ones are infinite.
pub(super) fn decimal(text: &str) -> Option<f64> {
    // Rust's parser would also take `inf`, `NaN` and `.5`.
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

/// Seconds, from a number that [`decimal`] has read.
pub(super) fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX)
}

fn seconds_or_date(text: &str, now: Option<Duration>) -> Option<Duration> {
    match whole_seconds(text) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => Some(http_date(text)?.saturating_sub(now?)),
    }
}

/// Digits alone: no sign, no fraction. Too many of them saturate.
fn whole_seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: Duration = Duration::from_secs(784_111_777);

    fn wait(name: &'static str, value: &str, now: Option<Duration>) -> Option<Duration> {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        retry_after(&HeaderMap::from_iter([(HeaderName::from_static(name), value)]), now)
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
            let want = seconds.map(Duration::from_secs);
            assert_eq!(wait("retry-after", value, Some(NOW)), want, "{value}");
            let dateless = want.filter(|_| !value.starts_with("Sun"));
            assert_eq!(wait("retry-after", value, None), dateless, "{value}");
        }
    }

    #[test]
    fn milliseconds_are_read_where_seconds_are_missing() {
        for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
            for (value, micros) in [
                ("1500", Some(1_500_000)),
                (" 33.5 ", Some(33_500)),
                ("0", Some(0)),
                ("", None),
                ("-1", None),
                ("+1", None),
                ("1e3", None),
                ("inf", None),
                (".5", None),
                ("1.2.3", None),
                ("00:00:00.033", None),
                ("\u{e4}", None),
            ] {
                let want = micros.map(Duration::from_micros);
                assert_eq!(wait(name, value, None), want, "{value}");
            }
            for huge in ["1".repeat(30), "9".repeat(400)] {
                assert_eq!(wait(name, &huge, None), Some(Duration::MAX));
            }
        }
    }
}
