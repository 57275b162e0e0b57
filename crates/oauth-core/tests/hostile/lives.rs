//! What an endpoint says about time, and tokens that change or do not.

use std::time::Duration;

use crate::measured::{LONG, assert_typed, fetch};
use crate::peer::{answer, ok, says};

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

#[test]
fn every_expires_in_is_a_life_between_nothing_and_ten_years_or_the_default() {
    let zero = Duration::ZERO;
    let default = Duration::from_secs(300);
    for (json, life) in [
        ("0", zero),
        ("-1", zero),
        ("-9223372036854775809", zero),
        ("-1e308", zero),
        ("9223372036854775807", TEN_YEARS),
        ("18446744073709551616", TEN_YEARS),
        ("1e308", TEN_YEARS),
        ("\"1e999\"", TEN_YEARS),
        ("1e-300", zero),
        ("null", default),
        ("\"never\"", default),
        ("[]", default),
        ("true", default),
        ("\"NaN\"", default),
    ] {
        let body = format!("{{\"access_token\":\"abc\",\"expires_in\":{json}}}");
        let token = fetch(says(ok(body)), LONG).unwrap();
        assert_eq!(token.lifetime(), Some(life), "{json}");
    }
}

#[test]
fn a_retry_after_of_thirty_thousand_years_is_reported_and_overflows_nothing() {
    for (value, seconds) in
        [("1000000000000", 1_000_000_000_000), ("99999999999999999999999999999999", u64::MAX)]
    {
        let headers = format!("retry-after: {value}\r\n");
        let error = fetch(says(answer("503 Busy", &headers, "")), LONG).unwrap_err();
        assert_typed(&error);
        assert!(error.is_transient());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
    }
    let far =
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n";
    let error = fetch(says(answer("429 Slow down", far, "")), LONG).unwrap_err();
    assert!(error.retry_after() > Some(TEN_YEARS), "{error:?}");
}
