//! Ataccama's token endpoint and API, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{FORM, ask, ask_but, ask_with, bearer, encode, good_fields, send, with_token};
use oauth_testkit::{AuthServer, Dialect, ProtectedApi, fixtures};

const OK: &str = fixtures::ATACCAMA_TOKEN;
const BAD_CLIENT: &str = fixtures::ATACCAMA_UNAUTHORIZED_CLIENT;
const NO_REALM: &str = fixtures::ATACCAMA_UNKNOWN_REALM;

async fn start() -> AuthServer {
    AuthServer::start(Dialect::Ataccama).await.unwrap()
}

#[tokio::test]
async fn a_request_in_order_gets_a_token_of_five_minutes() {
    let auth = start().await;
    let answer = ask(&auth).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, with_token(OK, &answer.member("access_token")));
}

#[tokio::test]
async fn a_missing_or_doubled_parameter_is_an_invalid_request() {
    let auth = start().await;
    for name in Dialect::Ataccama.fields() {
        for value in [None, Some("")] {
            let answer = ask_but(&auth, name, value).await;
            assert_eq!((answer.status, &*answer.member("error")), (400, "invalid_request"));
        }
        let mut fields = good_fields(&auth);
        fields.extend(good_fields(&auth).into_iter().filter(|(known, _)| known == name));
        let answer = ask_with(&auth, &fields).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (400, r#"{"error":"invalid_request","error_description":"duplicated parameter"}"#)
        );
    }
}

#[tokio::test]
async fn a_wrong_id_or_secret_is_an_unauthorized_client() {
    let auth = start().await;
    for name in ["client_id", "client_secret"] {
        let answer = ask_but(&auth, name, Some("other")).await;
        assert_eq!((answer.status, &*answer.body), (401, BAD_CLIENT.trim_end()));
    }
}

#[tokio::test]
async fn another_realm_does_not_exist() {
    let auth = start().await;
    let body = encode(Dialect::Ataccama, &good_fields(&auth));
    let start = "POST /auth/realms/other/protocol/openid-connect/token";
    let answer = send(auth.addr(), start, &[FORM], &body).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (404, NO_REALM.trim_end()));
    assert_eq!((auth.token_requests(), auth.stray_requests()), (1, 0));
    for path in [
        "/realms/testkit/protocol/openid-connect/token",
        "/auth/realms/a/b/protocol/openid-connect/token",
    ] {
        let answer = send(auth.addr(), &format!("POST {path}"), &[FORM], &body).await.unwrap();
        assert_eq!(answer.status, 404);
    }
    assert_eq!((auth.token_requests(), auth.stray_requests()), (1, 2));
}

#[tokio::test]
async fn a_realm_is_one_percent_encoded_segment() {
    let auth = start().await;
    auth.set_realm("a tenant/ü\"");
    assert!(auth.token_url().contains("/realms/a%20tenant%2F%C3%BC%22/"));
    assert_eq!(ask(&auth).await.status, 200);
}

#[tokio::test]
async fn a_content_type_with_a_charset_gets_415() {
    let auth = start().await;
    let body = encode(Dialect::Ataccama, &good_fields(&auth));
    let start = format!("POST {}", common::token_path(&auth));
    let answer = send(auth.addr(), &start, &[&format!("{FORM}; charset=utf-8")], &body).await;
    assert_eq!(answer.unwrap().status, 415);
}

#[tokio::test]
async fn the_api_challenges_in_keycloaks_words() {
    let auth = start().await;
    let api = ProtectedApi::start(&auth).await.unwrap();
    let answer = send(api.addr(), "GET /api/x", &[&bearer("unknown")], "").await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            r#"Bearer realm="testkit", error="invalid_token", error_description="Token verification failed""#
        )
    );
    // RFC 6750 §3.1
    let answer = send(api.addr(), "GET /api/x", &[], "").await.unwrap();
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"testkit\""));
}
