//! Apiera's token endpoint and API, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{FORM, JSON, ask, ask_but, ask_with, bearer, encode, good_fields, send, with_token};
use oauth_testkit::{AuthServer, Dialect, ProtectedApi, fixtures};

const OK: &str = fixtures::APIERA_TOKEN;
const UNAUTHORIZED: &str = fixtures::APIERA_ACCESS_DENIED;
const API_EXPIRED: &str = fixtures::APIERA_API_EXPIRED;

async fn start() -> AuthServer {
    AuthServer::start(Dialect::Apiera).await.unwrap()
}

#[tokio::test]
async fn a_request_in_order_gets_a_token_of_one_day() {
    let auth = start().await;
    let answer = ask(&auth).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, with_token(OK, &answer.member("access_token")));
    assert!(auth.organization().starts_with("org_"));
    assert_eq!(auth.audience(), "https://api.apiera.io");
}

#[tokio::test]
async fn each_missing_empty_or_doubled_member_gets_400() {
    let auth = start().await;
    for name in Dialect::Apiera.fields() {
        for value in [None, Some("")] {
            let answer = ask_but(&auth, name, value).await;
            assert_eq!(answer.status, 400, "{name}");
            assert_eq!(answer.member("error"), "invalid_request");
        }
        let mut fields = good_fields(&auth);
        fields.extend(good_fields(&auth).into_iter().filter(|(known, _)| known == name));
        assert_eq!(ask_with(&auth, &fields).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn a_wrong_id_or_secret_is_access_denied() {
    let auth = start().await;
    for name in ["client_id", "client_secret"] {
        let answer = ask_but(&auth, name, Some("other")).await;
        assert_eq!((answer.status, &*answer.body), (401, UNAUTHORIZED.trim_end()));
    }
}

#[tokio::test]
async fn a_wrong_organization_gets_400_and_a_wrong_audience_403() {
    let auth = start().await;
    let answer = ask_but(&auth, "organization", Some("org_other")).await;
    assert_eq!((answer.status, &*answer.member("error")), (400, "invalid_request"));
    let answer = ask_but(&auth, "audience", Some("https://other")).await;
    assert_eq!((answer.status, &*answer.member("error")), (403, "access_denied"));
}

#[tokio::test]
async fn an_audience_of_its_own_is_taken() {
    let auth = start().await;
    auth.set_audience("https://eu.api.apiera.io");
    assert_eq!(ask(&auth).await.status, 200);
    assert_eq!(ask_but(&auth, "audience", Some("https://api.apiera.io")).await.status, 403);
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_gets_400() {
    let auth = start().await;
    let good = encode(Dialect::Apiera, &good_fields(&auth));
    let trailing = format!("{good}x");
    for body in ["", "[]", "null", "{", "\"a\"", "\u{feff}{}", &good[..good.len() - 1], &trailing] {
        let answer = send(auth.addr(), "POST /oauth/token", &[JSON], body).await.unwrap();
        assert_eq!(answer.status, 400, "{body}");
    }
    let answer = send(auth.addr(), "POST /oauth/token", &[FORM], &good).await.unwrap();
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn the_api_refuses_an_expired_token_in_apieras_words() {
    let auth = start().await;
    let api = ProtectedApi::start(&auth).await.unwrap();
    let answer = send(api.addr(), "GET /v1/x", &[&bearer("unknown")], "").await.unwrap();
    assert_eq!((answer.status, &*answer.body), (401, API_EXPIRED.trim_end()));
    assert_eq!(answer.header("www-authenticate"), None);
}
