//! Any bytes as the headers that say how long to wait.

use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{Apiera, ClientAuth, Error};

/// All of them.
const NAMES: [&str; 8] = [
    "retry-after",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "ratelimit",
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
];

/// A grant; all of them read the headers in one way.
pub(crate) fn grant() -> Apiera {
    let client = ClientAuth::secret("id", "secret");
    Apiera::builder(client).organization("org_A").build().expect("all is set")
}

/// Reads the bytes as each header, without and with a date, and as the date beside it.
pub(crate) fn check(grant: &impl Grant, input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
    let digits = value
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let seconds = digits.map(|digits| digits.parse().unwrap_or(u64::MAX));
    for name in NAMES {
        let dateless = refusal(grant, &[(name, &value)]).retry_after();
        let dated = refusal(grant, &[(name, &value), (DATE.as_str(), &date)]).retry_after();
        refusal(grant, &[(name, &date), (DATE.as_str(), &value)]);
        if name == "retry-after" && seconds.is_some() {
            assert_eq!(dated, seconds.map(Duration::from_secs));
        } else if name != "retry-after" && name != "ratelimit" {
            assert!(dated.is_some() || seconds.is_none(), "{name}");
        }
        // A date may add a meaning and changes none, but that of a list can have its longest time.
        let same = dateless == dated || name == "ratelimit";
        assert!(dateless.is_none() || same, "{name}: {dateless:?} {dated:?}");
    }
}

fn refusal(grant: &impl Grant, headers: &[(&'static str, &HeaderValue)]) -> Error {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    for (name, value) in headers {
        response.headers_mut().append(HeaderName::from_static(name), (*value).clone());
    }
    let Err(error) = grant.response(&TokenRequest::new(grant, grant.client().current()), &response)
    else {
        panic!("a token out of a refusal");
    };
    // No form of it overflows the text.
    assert!(error.to_string().len() < 4096);
    error
}
