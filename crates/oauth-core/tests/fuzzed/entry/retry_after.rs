//! Any bytes as the headers that say how long to wait.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use oauth_core::{Apiera, ClientAuth, Grant};

/// The grant that reads both headers.
pub(crate) fn grant() -> Apiera {
    let client = ClientAuth::secret("id", "secret");
    Apiera::builder(client).organization("org_A").build().expect("all is set")
}

/// Reads the bytes as `Retry-After` and as `x-ratelimit-reset`.
pub(crate) fn check(grant: &impl Grant, input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let digits = value
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let seconds = digits.map(|digits| digits.parse().unwrap_or(u64::MAX));
    for name in [RETRY_AFTER.as_str(), "x-ratelimit-reset"] {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let name = http::HeaderName::from_static(name);
        let is_wait = name == RETRY_AFTER;
        response.headers_mut().insert(name, value.clone());
        let client = grant.client().current();
        let Err(error) = grant.response(&client, &response) else {
            panic!("a token out of a refusal");
        };
        let wait = error.retry_after();
        if is_wait && seconds.is_some() {
            assert_eq!(wait, seconds.map(Duration::from_secs));
        } else if !is_wait {
            assert_eq!(wait.is_some(), seconds.is_some(), "{wait:?}");
        }
        // No form of it overflows the text.
        assert!(error.to_string().len() < 4096);
    }
}
