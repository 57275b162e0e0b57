//! How each provider words its responses: one file a provider.

mod apiera;
mod ataccama;
mod envelope;
mod fuuffy;
mod oleria;
mod problem;

pub(crate) use envelope::Envelopes;
pub use envelope::{DataEnvelope, ErrorEnvelope};
pub(crate) use problem::Problem;

use hyper::StatusCode;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue, PRAGMA, WWW_AUTHENTICATE};
use hyper::{Response, header::HeaderName};

use crate::Dialect;
use crate::reply::{ReplyBody, json};

pub(crate) fn refusal(
    dialect: Dialect,
    problem: &Problem,
    envelopes: Envelopes,
) -> Response<ReplyBody> {
    let (status, body) = match dialect {
        Dialect::Oleria => oleria::refusal(problem),
        Dialect::Apiera => apiera::refusal(problem),
        Dialect::Fuuffy => fuuffy::refusal(problem, envelopes.error),
        Dialect::Ataccama => ataccama::refusal(problem),
    };
    let mut response = json(status, body);
    let mut set = |name: HeaderName, value| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(CACHE_CONTROL, "no-store");
    match problem {
        Problem::MethodNotAllowed => set(ALLOW, "POST"),
        // RFC 6749 §5.2: the response names the scheme that the client used.
        Problem::BadClient { basic: true } => set(WWW_AUTHENTICATE, "Basic realm=\"token\""),
        _ => {}
    }
    response
}

/// The body that carries a token, in the provider's shape.
pub(crate) fn success(
    dialect: Dialect,
    token: &str,
    seconds: u64,
    scope: &str,
    data: DataEnvelope,
) -> String {
    match dialect {
        Dialect::Oleria | Dialect::Apiera => bearer(token, seconds),
        Dialect::Fuuffy => fuuffy::success(token, seconds, data),
        Dialect::Ataccama => ataccama::success(token, seconds, scope),
    }
}

/// A token response with its headers.
pub(crate) fn token_answer(body: String) -> Response<ReplyBody> {
    let mut response = json(StatusCode::OK, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// RFC 6749 §5.1 with the members that everyone sends.
fn bearer(token: &str, seconds: u64) -> String {
    format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#)
}

/// The body of the API's 401, for a server that speaks no dialect too.
pub(crate) fn api_refusal(dialect: Option<Dialect>) -> &'static str {
    match dialect {
        Some(Dialect::Oleria) => oleria::API_REFUSAL,
        Some(Dialect::Apiera) => apiera::API_REFUSAL,
        Some(Dialect::Fuuffy) => fuuffy::API_REFUSAL,
        Some(Dialect::Ataccama) => ataccama::API_REFUSAL,
        None => r#"{"message":"Unauthorized"}"#,
    }
}

/// The challenge of the API's 401: only Ataccama's is known to have one.
pub(crate) fn api_challenge(
    dialect: Option<Dialect>,
    realm: &str,
    has_token: bool,
) -> Option<HeaderValue> {
    match dialect {
        Some(Dialect::Ataccama) => ataccama::challenge(realm, has_token),
        _ => None,
    }
}
