//! The server's own clock, by the `Date` of its response (RFC 9110 §6.6.1).
//!
//! Every other time of a response is read against it and never against our clock: the two may be hours
//! apart, and the difference would end up in a wait or a lifetime. Without a valid `Date`, such a time is
//! ignored.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::DATE;

/// The server's time when it sent the response, since 1970.
pub(super) fn server_time(headers: &HeaderMap) -> Option<Duration> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// An HTTP-date in one of its three forms (RFC 9110 §5.6.7), as the time since 1970.
pub(super) fn http_date(text: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    date.duration_since(UNIX_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn dates_are_read_in_their_three_forms_and_nothing_else_is() {
        for (value, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            (" Sun, 06 Nov 1994 08:49:37 GMT ", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("1994-11-06T08:49:37Z", None),
            ("784111777", None),
            ("", None),
            ("\u{e4}", None),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(DATE, value.clone())]);
            assert_eq!(server_time(&headers), seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(server_time(&HeaderMap::new()), None);
    }
}
