//! Ataccama: Keycloak's wording.

use hyper::StatusCode;
use hyper::header::HeaderValue;

use super::Problem;
use crate::reply::quoted;

pub(super) const API_REFUSAL: &str = r#"{"error":"HTTP 401 Unauthorized"}"#;

pub(super) fn refusal(problem: &Problem) -> (StatusCode, String) {
    let (status, error, description) = match problem {
        Problem::NotFound => (StatusCode::NOT_FOUND, "HTTP 404 Not Found", None),
        Problem::UnknownRealm => (StatusCode::NOT_FOUND, "Realm does not exist", None),
        Problem::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed", None)
        }
        Problem::ContentType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP 415 Unsupported Media Type", None)
        }
        Problem::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "HTTP 413 Request Entity Too Large", None)
        }
        Problem::GrantType => {
            (StatusCode::BAD_REQUEST, "unsupported_grant_type", Some(problem.explanation()))
        }
        Problem::BadClient { .. } => (
            StatusCode::UNAUTHORIZED,
            "unauthorized_client",
            Some("Invalid client or Invalid client credentials".to_owned()),
        ),
        Problem::Missing(name) => (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Some(format!("Missing form parameter: {name}")),
        ),
        Problem::Duplicate(_) => {
            (StatusCode::BAD_REQUEST, "invalid_request", Some("duplicated parameter".to_owned()))
        }
        _ => (StatusCode::BAD_REQUEST, "invalid_request", Some(problem.explanation())),
    };
    let body = match description {
        None => format!(r#"{{"error":"{error}"}}"#),
        Some(text) => format!(r#"{{"error":"{error}","error_description":{}}}"#, quoted(&text)),
    };
    (status, body)
}

pub(super) fn success(token: &str, seconds: u64, scope: &str) -> String {
    format!(
        r#"{{"access_token":"{token}","expires_in":{seconds},"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":0,"scope":{}}}"#,
        quoted(scope)
    )
}

/// RFC 6750 §3.1: without a token there is no `error`.
pub(super) fn challenge(realm: &str, has_token: bool) -> Option<HeaderValue> {
    let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
    let error = if has_token {
        r#", error="invalid_token", error_description="Token verification failed""#
    } else {
        ""
    };
    HeaderValue::from_str(&format!(r#"Bearer realm="{realm}"{error}"#)).ok()
}
