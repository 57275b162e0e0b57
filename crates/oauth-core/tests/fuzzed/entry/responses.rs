//! Any bytes as the body of a token endpoint's response, in every dialect.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{Apiera, Ataccama, ClientAuth, ClientCredentials, Error, Fuuffy, Oleria, Token};

const SECRET: &str = "s3cr+t of/the client";
/// As a form carries it.
const ENCODED: &str = "s3cr%2Bt+of%2Fthe+client";
const STATUSES: [u16; 6] = [200, 302, 400, 401, 429, 503];
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The grants of the crate.
pub(crate) fn grants() -> Vec<Box<dyn Grant>> {
    let client = || ClientAuth::secret("id", SECRET);
    let generic = ClientCredentials::builder(client()).token_url("https://auth.test/t");
    let oleria = Oleria::builder(client())
        .authentication_url("https://auth.test/t")
        .api_url("https://api.test");
    let apiera = Apiera::builder(client()).organization("org_A");
    let fuuffy = Fuuffy::builder(client());
    let ataccama = Ataccama::builder(client()).environment("acme").realm("acme");
    vec![
        Box::new(generic.build().expect("all is set")),
        Box::new(oleria.build().expect("all is set")),
        Box::new(apiera.build().expect("all is set")),
        Box::new(fuuffy.build().expect("all is set")),
        Box::new(ataccama.build().expect("all is set")),
    ]
}

/// Reads the body with every grant and every kind of status.
pub(crate) fn check(grants: &[Box<dyn Grant>], body: &[u8]) {
    // The same bytes once as a header too, if they are one.
    let header = HeaderValue::from_bytes(&body[..body.len().min(64)]).ok();
    let body = Bytes::copy_from_slice(body);
    for grant in grants {
        let client = grant.client().current();
        for status in STATUSES {
            let mut response = Response::new(body.clone());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            if let Some(header) = &header {
                response.headers_mut().insert(CONTENT_TYPE, header.clone());
            }
            match grant.response(&TokenRequest::new(&**grant, client.clone()), &response) {
                Ok(token) => check_token(&token, status),
                Err(error) => check_error(&error),
            }
        }
    }
}

fn check_token(token: &Token, status: u16) {
    assert_eq!(status, 200, "a token under {status}");
    let secret = token.expose_secret();
    assert!(!secret.is_empty() && secret.len() <= 64 * 1024);
    assert!(secret.bytes().all(|b| b.is_ascii_graphic()), "a token that injects");
    assert!(token.lifetime().is_some_and(|life| life <= TEN_YEARS));
}

fn check_error(error: &Error) {
    assert!(error.provider().is_some());
    let text = error.to_string();
    assert!(text.len() < 4096, "{} bytes of text", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!text.contains(SECRET) && !text.contains(ENCODED), "{text}");
}
