//! Apiera: `error` and `error_description`; `access_denied` for credentials and for audiences.

use hyper::StatusCode;

use super::Problem;
use crate::reply::quoted;

pub(super) const API_REFUSAL: &str = r#"{"error":"invalid_token","message":"Token has expired"}"#;

pub(super) fn refusal(problem: &Problem) -> (StatusCode, String) {
    let explanation = problem.explanation();
    let (status, error, description) = match problem {
        Problem::NotFound | Problem::UnknownRealm => {
            (StatusCode::NOT_FOUND, "not_found", explanation)
        }
        Problem::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", explanation)
        }
        Problem::ContentType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", explanation)
        }
        Problem::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", explanation),
        Problem::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type", explanation),
        Problem::BadClient { .. } => {
            (StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized".to_owned())
        }
        Problem::Audience(_) => (StatusCode::FORBIDDEN, "access_denied", explanation),
        _ => (StatusCode::BAD_REQUEST, "invalid_request", explanation),
    };
    let body = format!(r#"{{"error":"{error}","error_description":{}}}"#, quoted(&description));
    (status, body)
}
