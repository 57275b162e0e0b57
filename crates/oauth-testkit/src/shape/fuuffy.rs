//! Fuuffy: a `data` envelope, and numeric codes in an `error` envelope that comes and goes.

use hyper::StatusCode;

use super::{DataEnvelope, ErrorEnvelope, Problem, bearer};
use crate::reply::quoted;

pub(super) const API_REFUSAL: &str =
    r#"{"error":{"code":"invalid_token","message":"The access token expired"}}"#;

pub(super) fn refusal(problem: &Problem, envelope: ErrorEnvelope) -> (StatusCode, String) {
    let (status, code, reason, message) = match problem {
        Problem::NotFound | Problem::UnknownRealm => {
            (StatusCode::NOT_FOUND, "404000", "not_found", "Not found")
        }
        Problem::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, "405000", "method_not_allowed", "Method not allowed")
        }
        Problem::BadClient { .. } => (
            StatusCode::UNAUTHORIZED,
            "401021",
            "invalid_client",
            "Invalid client_id, client_secret, or session_key",
        ),
        _ => {
            (StatusCode::BAD_REQUEST, "400013", "invalid_request", "Missing or invalid parameters")
        }
    };
    let members = format!(r#"{{"code":"{code}","code_reason":"{reason}","message":"{message}"}}"#);
    let wrapped = match envelope {
        ErrorEnvelope::AsDocumented => status == StatusCode::BAD_REQUEST,
        ErrorEnvelope::Wrapped => true,
        ErrorEnvelope::TopLevel => false,
    };
    (status, if wrapped { format!(r#"{{"error":{members}}}"#) } else { members })
}

pub(super) fn success(token: &str, seconds: u64, envelope: DataEnvelope) -> String {
    let members = bearer(token, seconds);
    match envelope {
        DataEnvelope::Object => format!(r#"{{"data":{members}}}"#),
        DataEnvelope::JsonString => format!(r#"{{"data":{}}}"#, quoted(&members)),
        DataEnvelope::None => members,
    }
}
