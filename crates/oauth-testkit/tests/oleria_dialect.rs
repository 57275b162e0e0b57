//! Oleria's token endpoint and API, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{FORM, ask, ask_but, ask_with, bearer, encode, good_fields, send, with_token};
use oauth_testkit::{AuthServer, Dialect, ProtectedApi, fixtures};

const OK: &str = fixtures::OLERIA_TOKEN;
const INVALID_REQUEST: &str = fixtures::OLERIA_INVALID_REQUEST;
const INVALID_CLIENT: &str = fixtures::OLERIA_INVALID_CLIENT;

async fn start() -> AuthServer {
    AuthServer::start(Dialect::Oleria).await.unwrap()
}

#[tokio::test]
async fn a_request_in_order_gets_a_token_of_one_hour() {
    let auth = start().await;
    let answer = ask(&auth).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, with_token(OK, &answer.member("access_token")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.member("access_token").split('.').count(), 3);
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (1, 1));
}

#[tokio::test]
async fn each_missing_empty_or_doubled_field_is_an_invalid_request() {
    let auth = start().await;
    for name in Dialect::Oleria.fields() {
        for value in [None, Some("")] {
            let answer = ask_but(&auth, name, value).await;
            assert_eq!((answer.status, &*answer.body), (400, INVALID_REQUEST.trim_end()), "{name}");
        }
        let mut fields = good_fields(&auth);
        fields.extend(good_fields(&auth).into_iter().filter(|(known, _)| known == name));
        assert_eq!(ask_with(&auth, &fields).await.status, 400, "{name}");
    }
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (12, 0));
}

#[tokio::test]
async fn a_wrong_grant_or_scope_is_an_invalid_request() {
    let auth = start().await;
    for name in ["grant_type", "scope"] {
        let answer = ask_but(&auth, name, Some("other")).await;
        assert_eq!((answer.status, &*answer.body), (400, INVALID_REQUEST.trim_end()));
    }
}

#[tokio::test]
async fn a_wrong_id_or_secret_is_an_invalid_client() {
    let auth = start().await;
    for name in ["client_id", "client_secret"] {
        let answer = ask_but(&auth, name, Some("other")).await;
        assert_eq!((answer.status, &*answer.body), (401, INVALID_CLIENT.trim_end()));
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn a_method_or_content_type_of_its_own_gets_405() {
    let auth = start().await;
    let body = encode(Dialect::Oleria, &good_fields(&auth));
    let charset = format!("{FORM};charset=UTF-8");
    for (start, headers) in [
        ("PUT /oauth2/token", vec![FORM]),
        ("POST /oauth2/token", vec![]),
        ("POST /oauth2/token", vec!["content-type: application/json"]),
        ("POST /oauth2/token", vec![&*charset]),
        ("POST /oauth2/token", vec![FORM, FORM]),
    ] {
        let answer = send(auth.addr(), start, &headers, &body).await.unwrap();
        assert_eq!(answer.status, 405, "{start} {headers:?}");
    }
}

#[tokio::test]
async fn another_path_is_not_found_and_not_a_token_request() {
    let auth = start().await;
    let answer = send(auth.addr(), "POST /oauth/token", &[FORM], "").await.unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!((auth.token_requests(), auth.stray_requests()), (0, 1));
}

#[tokio::test]
async fn the_api_refuses_an_expired_token_without_a_challenge() {
    let auth = start().await;
    let api = ProtectedApi::start(&auth).await.unwrap();
    let answer = send(api.addr(), "GET /v1/x", &[&bearer("unknown")], "").await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(answer.body, r#"{"message":"The incoming token has expired"}"#);
    assert_eq!(answer.header("www-authenticate"), None);
}
