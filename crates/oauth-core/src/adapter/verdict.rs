//! What a response means for the token that was sent. Pure functions.

use http::header::HeaderMap;
use http::{StatusCode, header::WWW_AUTHENTICATE};

use crate::challenge::challenges;

/// What to do with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The response goes to the caller as it is.
    Deliver,
    /// The token was refused: replace it and send the request once more.
    Replace,
}

/// The verdict on a response to a request that carried our token with this scheme (RFC 6750 §3.1, RFC
/// 9110 §15.5.2).
///
/// Only a 401 can mean that the token is at fault: one whose challenge names `invalid_token`, no error, or
/// an error that no standard defines, or one without any challenge. Delivered are a 401 whose challenges
/// are all of other schemes (another kind of credential is wanted) and one with `insufficient_scope` or
/// `invalid_request` (another token would not help), as is every other status: a 403 is never repeated
/// with the same credentials, a 407 is the proxy's.
///
/// `Bearer` challenges count for every scheme: many servers send no other. For a token without a scheme
/// (`None`) all challenges count.
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
/// use oauth_core::adapter::{Verdict, verdict};
///
/// let bearer = Some("Bearer");
/// let mut headers = HeaderMap::new();
/// assert_eq!(verdict(StatusCode::UNAUTHORIZED, &headers, bearer), Verdict::Replace);
/// headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"x\""));
/// assert_eq!(verdict(StatusCode::UNAUTHORIZED, &headers, bearer), Verdict::Deliver);
/// assert_eq!(verdict(StatusCode::FORBIDDEN, &headers, bearer), Verdict::Deliver);
/// ```
pub fn verdict(status: StatusCode, headers: &HeaderMap, scheme: Option<&str>) -> Verdict {
    if status == StatusCode::UNAUTHORIZED { challenged(headers, scheme) } else { Verdict::Deliver }
}

/// The verdict on a response of a gRPC server: as [`verdict()`], and a response that is nothing but
/// the status `UNAUTHENTICATED` counts as a 401.
///
/// gRPC responds with HTTP 200 and puts the call's status into the trailers. A response with nothing but
/// the status has it among the headers ("Trailers-Only" in the specification of gRPC over HTTP/2): the
/// caller has seen nothing yet, and the call can be made again. Challenges are read as usual, for those
/// servers that send them.
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use oauth_core::adapter::{Verdict, grpc_verdict};
///
/// let bearer = Some("Bearer");
/// let mut headers = HeaderMap::new();
/// assert_eq!(grpc_verdict(StatusCode::OK, &headers, bearer), Verdict::Deliver);
/// headers.insert("grpc-status", HeaderValue::from_static("16"));
/// assert_eq!(grpc_verdict(StatusCode::OK, &headers, bearer), Verdict::Replace);
/// ```
pub fn grpc_verdict(status: StatusCode, headers: &HeaderMap, scheme: Option<&str>) -> Verdict {
    if status == StatusCode::OK && is_unauthenticated(headers) {
        return challenged(headers, scheme);
    }
    verdict(status, headers, scheme)
}

/// Whether gRPC headers or trailers say `UNAUTHENTICATED` (status 16).
pub fn is_unauthenticated(fields: &HeaderMap) -> bool {
    fields.get("grpc-status").is_some_and(|status| status.as_bytes() == b"16")
}

/// The verdict on a refusal with these headers.
fn challenged(headers: &HeaderMap, scheme: Option<&str>) -> Verdict {
    if !headers.contains_key(WWW_AUTHENTICATE) {
        return Verdict::Replace;
    }
    let mut any = false;
    for challenge in challenges(headers) {
        any = true;
        let is_ours = |scheme| challenge.is(scheme) || challenge.is("Bearer");
        if !scheme.is_none_or(is_ours) {
            continue;
        }
        let other_fault = challenge.param("error").is_some_and(|error| {
            ["insufficient_scope", "invalid_request"]
                .iter()
                .any(|code| error.eq_ignore_ascii_case(code))
        });
        if !other_fault {
            return Verdict::Replace;
        }
    }
    // A header without any challenge counts as none.
    if any { Verdict::Deliver } else { Verdict::Replace }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_a_401_about_the_token_replaces_it() {
        use Verdict::{Deliver, Replace};
        let table: &[(u16, &[&str], Verdict)] = &[
            (401, &[], Replace),
            (401, &["Bearer"], Replace),
            (401, &["Bearer realm=\"x\""], Replace),
            (401, &["bearer ERROR=\"invalid_token\""], Replace),
            (401, &["Bearer error=invalid_token"], Replace),
            (401, &["Bearer error=\"expired\""], Replace),
            (401, &["Basic realm=\"x\", Bearer error=\"invalid_token\""], Replace),
            (401, &["Negotiate", "Bearer"], Replace),
            (401, &["Bearer error=\"insufficient_scope\""], Deliver),
            (401, &["Bearer error=\"invalid_request\""], Deliver),
            (401, &["Basic realm=\"x\""], Deliver),
            (401, &["Negotiate abc==, Basic realm=\"Bearer\""], Deliver),
            (401, &["Basic error=\"invalid_token\""], Deliver),
            (401, &["===,,,\"\""], Replace),
            (400, &["Bearer error=\"invalid_request\""], Deliver),
            (403, &["Bearer error=\"insufficient_scope\""], Deliver),
            (403, &["Bearer error=\"invalid_token\""], Deliver),
            (407, &["Bearer error=\"invalid_token\""], Deliver),
            (429, &[], Deliver),
            (500, &[], Deliver),
            (200, &["Bearer error=\"invalid_token\""], Deliver),
        ];
        for (status, lines, expected) in table {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(line));
            }
            let status = StatusCode::from_u16(*status).unwrap();
            assert_eq!(verdict(status, &headers, Some("Bearer")), *expected, "{status} {lines:?}");
            // Without a gRPC status the response is judged as any other.
            assert_eq!(
                grpc_verdict(status, &headers, Some("Bearer")),
                *expected,
                "{status} {lines:?}"
            );
        }
    }

    #[test]
    fn a_grpc_status_counts_only_as_the_whole_response_and_only_16() {
        use Verdict::{Deliver, Replace};
        let table: &[(u16, &str, Option<&str>, Verdict)] = &[
            (200, "16", None, Replace),
            (200, "16", Some("Bearer error=\"invalid_token\""), Replace),
            (200, "16", Some("Bearer error=\"insufficient_scope\""), Deliver),
            (200, "16", Some("Basic realm=\"x\""), Deliver),
            (200, "0", None, Deliver),
            (200, "7", None, Deliver),
            (200, "016", None, Deliver),
            (200, "", None, Deliver),
            (500, "16", None, Deliver),
            (403, "16", None, Deliver),
            (401, "16", None, Replace),
            (401, "14", None, Replace),
        ];
        for (status, grpc_status, challenge, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", HeaderValue::from_static(grpc_status));
            if let Some(challenge) = challenge {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            let status = StatusCode::from_u16(*status).unwrap();
            let told = format!("{status} {grpc_status} {challenge:?}");
            assert_eq!(grpc_verdict(status, &headers, Some("Bearer")), *expected, "{told}");
        }
    }

    #[test]
    fn challenges_of_the_tokens_own_scheme_count_and_bearer_ones_for_every_scheme() {
        use Verdict::{Deliver, Replace};
        let table: &[(Option<&str>, &str, Verdict)] = &[
            (Some("DPoP"), "DPoP error=\"invalid_token\"", Replace),
            (Some("DPoP"), "dpop", Replace),
            (Some("DPoP"), "Bearer error=\"invalid_token\"", Replace),
            (Some("DPoP"), "DPoP error=\"insufficient_scope\"", Deliver),
            (Some("DPoP"), "Basic realm=\"x\"", Deliver),
            (Some("Bearer"), "DPoP error=\"invalid_token\"", Deliver),
            (None, "Basic realm=\"x\"", Replace),
            (None, "Basic error=\"invalid_request\"", Deliver),
        ];
        for (scheme, challenge, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            let verdict = verdict(StatusCode::UNAUTHORIZED, &headers, *scheme);
            assert_eq!(verdict, *expected, "{scheme:?} {challenge}");
        }
    }
}
