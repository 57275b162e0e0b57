//! Fuuffy's token endpoint and API, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{FORM, ask, ask_but, bearer, encode, good_fields, send, with_token};
use oauth_testkit::{AuthServer, DataEnvelope, Dialect, ErrorEnvelope, ProtectedApi, fixtures};

const OK: &str = fixtures::FUUFFY_TOKEN;
const OK_STRING: &str = fixtures::FUUFFY_TOKEN_IN_STRING;
const BAD_REQUEST: &str = fixtures::FUUFFY_INVALID_REQUEST;
const BAD_CLIENT: &str = fixtures::FUUFFY_INVALID_CLIENT;
const BAD_CLIENT_WRAPPED: &str = fixtures::FUUFFY_INVALID_CLIENT_WRAPPED;
const API_EXPIRED: &str = fixtures::FUUFFY_API_EXPIRED;

async fn start() -> AuthServer {
    AuthServer::start(Dialect::Fuuffy).await.unwrap()
}

#[tokio::test]
async fn a_request_in_order_gets_an_opaque_token_in_the_envelope() {
    let auth = start().await;
    let answer = ask(&auth).await;
    let token = answer.member("access_token");
    assert_eq!((answer.status, answer.body), (200, with_token(OK, &token)));
    assert!(token.starts_with("sk-") && token.len() == 35);
    assert!(auth.base_url().ends_with("/v1"));
    assert_eq!(auth.token_url(), format!("{}/auth/token", auth.base_url()));
}

#[tokio::test]
async fn data_may_be_a_string_or_missing() {
    let auth = start().await;
    auth.set_data_envelope(DataEnvelope::JsonString);
    let answer = ask(&auth).await;
    assert_eq!(answer.body, with_token(OK_STRING, &answer.member("access_token")));
    auth.set_data_envelope(DataEnvelope::None);
    assert!(ask(&auth).await.body.starts_with("{\"access_token\":\"sk-"));
}

#[tokio::test]
async fn the_grant_type_may_be_left_out_but_not_be_another() {
    let auth = start().await;
    assert_eq!(ask_but(&auth, "grant_type", None).await.status, 200);
    let answer = ask_but(&auth, "grant_type", Some("password")).await;
    assert_eq!((answer.status, &*answer.body), (400, BAD_REQUEST.trim_end()));
}

#[tokio::test]
async fn a_missing_credential_is_400013_in_an_envelope() {
    let auth = start().await;
    for name in ["client_id", "client_secret"] {
        let answer = ask_but(&auth, name, None).await;
        assert_eq!((answer.status, &*answer.body), (400, BAD_REQUEST.trim_end()));
    }
}

#[tokio::test]
async fn a_wrong_credential_is_401021_at_the_top_level_by_default() {
    let auth = start().await;
    let answer = ask_but(&auth, "client_secret", Some("other")).await;
    assert_eq!((answer.status, &*answer.body), (401, BAD_CLIENT.trim_end()));
    auth.set_error_envelope(ErrorEnvelope::Wrapped);
    let answer = ask_but(&auth, "client_id", Some("other")).await;
    assert_eq!((answer.status, &*answer.body), (401, BAD_CLIENT_WRAPPED.trim_end()));
    auth.set_error_envelope(ErrorEnvelope::TopLevel);
    let answer = ask_but(&auth, "client_id", None).await;
    assert!(answer.status == 400 && answer.body.starts_with("{\"code\":\"400013\""));
}

#[tokio::test]
async fn the_accept_header_must_name_json() {
    let auth = start().await;
    let body = encode(Dialect::Fuuffy, &good_fields(&auth));
    for (accept, status) in [
        ("accept: */*", 400),
        ("x-none: 1", 400),
        ("accept: text/html, Application/JSON;q=0.9", 200),
    ] {
        let answer =
            send(auth.addr(), "POST /v1/auth/token", &[FORM, accept], &body).await.unwrap();
        assert_eq!(answer.status, status, "{accept}");
    }
}

#[tokio::test]
async fn the_version_belongs_in_the_path() {
    let auth = start().await;
    for path in ["/auth/token", "/v1/v1/auth/token"] {
        let answer = send(auth.addr(), &format!("POST {path}"), &[FORM], "").await.unwrap();
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test]
async fn the_api_refuses_an_expired_token_in_fuuffys_words() {
    let auth = start().await;
    let api = ProtectedApi::start(&auth).await.unwrap();
    let answer = send(api.addr(), "GET /v1/x", &[&bearer("unknown")], "").await.unwrap();
    assert_eq!((answer.status, &*answer.body), (401, API_EXPIRED.trim_end()));
}
