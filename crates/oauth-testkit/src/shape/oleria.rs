//! Oleria: a bare RFC 6749 `error`, without a description.

use hyper::StatusCode;

use super::Problem;

pub(super) const API_REFUSAL: &str = r#"{"message":"The incoming token has expired"}"#;

pub(super) fn refusal(problem: &Problem) -> (StatusCode, String) {
    let (status, body) = match problem {
        Problem::NotFound | Problem::UnknownRealm => {
            (StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#)
        }
        // The card: 405 is also what a missing or wrong content type gets.
        Problem::MethodNotAllowed | Problem::ContentType => {
            (StatusCode::METHOD_NOT_ALLOWED, r#"{"message":"Method Not Allowed"}"#)
        }
        Problem::BadClient { .. } => (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#),
        _ => (StatusCode::BAD_REQUEST, r#"{"error":"invalid_request"}"#),
    };
    (status, body.to_owned())
}
