//! How a refusal's code and its status go together, with every grant of the crate.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use bytes::Bytes;
use http::{Response, StatusCode};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{Apiera, Ataccama, ClientAuth, ClientCredentials, Error, Fuuffy, Oleria};

fn grants() -> Vec<(&'static str, Box<dyn Grant>)> {
    let client = || ClientAuth::secret("id", "the-secret");
    let generic = ClientCredentials::builder(client()).token_url("https://auth.example/t");
    let oleria = Oleria::builder(client())
        .authentication_url("https://auth.example/t")
        .api_url("https://devx.acme.oleria.io");
    let apiera = Apiera::builder(client()).organization("org_A");
    let fuuffy = Fuuffy::builder(client());
    let ataccama = Ataccama::builder(client()).environment("acme").realm("acme");
    vec![
        ("generic", Box::new(generic.build().unwrap())),
        ("oleria", Box::new(oleria.build().unwrap())),
        ("apiera", Box::new(apiera.build().unwrap())),
        ("fuuffy", Box::new(fuuffy.build().unwrap())),
        ("ataccama", Box::new(ataccama.build().unwrap())),
    ]
}

fn refusal(grant: &dyn Grant, status: u16, body: &str) -> Error {
    let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    grant.response(&TokenRequest::new(grant, grant.client().current()), &answer).unwrap_err()
}

/// Under every status with which a refusal can come, in the forms of RFC 6749 and of Fuuffy.
fn with_every(codes: &[&str], statuses: &[u16], check: impl Fn(&str, u16, &Error)) {
    for (name, grant) in grants() {
        for code in codes {
            for status in statuses {
                for body in [
                    format!(r#"{{"error":"{code}","error_description":"no"}}"#),
                    format!(r#"{{"error":{{"code":"{code}"}}}}"#),
                    format!(r#"{{"code":"{code}","message":"no"}}"#),
                ] {
                    let error = refusal(&*grant, *status, &body);
                    check(&format!("{name} {status} {body}: {error:?}"), *status, &error);
                }
            }
        }
    }
}

const STATUSES: [u16; 15] =
    [200, 400, 401, 402, 403, 404, 405, 408, 409, 422, 429, 451, 500, 503, 599];

#[test]
fn a_code_that_says_later_is_transient_under_every_status() {
    let codes = [
        "temporarily_unavailable",
        "Temporarily_Unavailable",
        "server_error",
        "service_unavailable",
        "internal_error",
        "internal_failure",
        "backend_error",
        "timeout",
        "request_timeout",
        "deadline_exceeded",
        "bad_gateway",
        "unavailable",
        "overloaded",
        // As gateways and frameworks write them.
        "temporarily-unavailable",
        "Service Unavailable",
        "InternalServerError",
        "DEADLINE_EXCEEDED",
    ];
    with_every(&codes, &STATUSES, |row, _, error| {
        assert!(error.is_transient() && !error.is_bad_credentials(), "{row}");
    });
    // Asking less often is what helps under a 429, whatever the code.
    with_every(&codes, &[408, 429, 503], |row, status, error| {
        let limited = error.to_string().contains("rate limited");
        assert_eq!(limited, status == 429, "{row}");
    });
    // And no advice that is for something else.
    for (name, grant) in grants() {
        for status in [400, 401, 403, 404, 405] {
            let error = refusal(&*grant, status, r#"{"error":"temporarily_unavailable"}"#);
            assert_eq!(error.hint(), None, "{name} {status}");
        }
    }
    let (_, fuuffy) = &grants()[3];
    let error = refusal(&**fuuffy, 500, r#"{"error":"temporarily_unavailable"}"#);
    assert_eq!(error.hint(), Some("if it stays, contact the provider's customer service"));
}

#[test]
fn a_code_that_says_slower_is_a_rate_limit_under_every_status() {
    let codes = [
        "slow_down",
        "too_many_requests",
        "rate_limit_exceeded",
        "rate_limited",
        "throttled",
        "request_limit_exceeded",
        "RESOURCE_EXHAUSTED",
        "Too Many Requests",
        "SlowDown",
        "rateLimitExceeded",
    ];
    with_every(&codes, &STATUSES, |row, _, error| {
        assert!(error.is_transient() && !error.is_bad_credentials(), "{row}");
        assert!(error.to_string().contains("rate limited"), "{row}");
    });
}

#[test]
fn a_code_that_says_wrong_client_is_bad_credentials_under_every_status_that_stays() {
    let codes = ["invalid_client", "INVALID_CLIENT", "invalid-client", "InvalidClient"];
    with_every(&codes, &STATUSES, |row, status, error| {
        let failed = status >= 500 || [408, 429].contains(&status);
        assert_eq!(error.is_bad_credentials(), !failed, "{row}");
        assert_eq!(error.is_transient(), failed, "{row}");
        assert!(failed || error.hint().is_some(), "{row}");
        let refused = error.to_string().contains("rejected the request");
        assert_eq!(refused, !failed || status == 408, "{row}");
        let limited = error.to_string().contains("rate limited");
        assert_eq!(limited, status == 429, "{row}");
    });
}

#[test]
fn a_code_that_only_looks_like_one_of_these_does_not_count() {
    let codes = [
        "temporarily_unavailable_scope",
        "unavailable_scope",
        "server_errors",
        "slow",
        "invalid_clients",
        "invalid.client_metadata",
        "\u{fc}timeout",
        "time/out",
        "_",
    ];
    with_every(&codes, &[200, 400, 402, 403], |row, _, error| {
        assert!(!error.is_transient() && !error.is_bad_credentials(), "{row}");
    });
}

#[test]
fn codes_that_a_contract_calls_wrong_client_are_bad_credentials_under_every_status_of_the_clients_fault()
 {
    for status in [200, 400, 401, 403, 404, 422] {
        let (_, ataccama) = &grants()[4];
        let error = refusal(&**ataccama, status, r#"{"error":"unauthorized_client"}"#);
        assert!(error.is_bad_credentials() && !error.is_transient(), "{status} {error}");
        let body = r#"{"error":"unauthorized_client","error_description":"Client not enabled to retrieve service account"}"#;
        let error = refusal(&**ataccama, status, body);
        assert!(!error.is_bad_credentials(), "{status} {error}");
        assert_eq!(error.hint(), Some("enable service accounts for this client"), "{status}");
        let (_, fuuffy) = &grants()[3];
        let error = refusal(&**fuuffy, status, r#"{"code":"401021"}"#);
        assert!(error.is_bad_credentials() && !error.is_transient(), "{status} {error}");
    }
}

#[test]
fn what_a_provider_means_by_its_own_codes_stays() {
    let bad = |at: usize, status, body: &str| {
        let (_, grant) = &grants()[at];
        refusal(&**grant, status, body).is_bad_credentials()
    };
    let denied = r#"{"error":"access_denied"}"#;
    assert!(bad(2, 401, denied) && !bad(2, 403, denied) && !bad(2, 400, denied));
    let unauthorized = r#"{"error":"unauthorized_client"}"#;
    assert!(!bad(0, 400, unauthorized) && !bad(0, 403, unauthorized) && bad(0, 401, unauthorized));
    for status in [400, 401, 403] {
        assert!(!bad(1, status, unauthorized) && !bad(1, status, denied), "{status}");
    }
    // Without a code, a 401 says it where the contract has no other meaning for it.
    assert!([0, 2, 3].iter().all(|at| bad(*at, 401, "")));
}
