//! No secret and no token in any `Debug`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{ask, bearer, encode, good_fields, headers, send, token_path};
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};

fn both<T: std::fmt::Debug>(value: &T) -> String {
    format!("{value:?} {value:#?}")
}

#[tokio::test]
async fn servers_show_their_dialect_and_address_alone() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let api = ProtectedApi::start(&auth).await.unwrap();
        let token = auth.issue();
        ask(&auth).await;
        let shown = both(&auth) + &both(&api);
        for hidden in [auth.client_id(), auth.client_secret(), auth.organization(), token] {
            assert!(!shown.contains(&hidden));
        }
        assert_eq!(
            format!("{auth:?}"),
            format!("AuthServer {{ dialect: {dialect:?}, addr: {}, .. }}", auth.addr())
        );
        assert_eq!(
            format!("{api:?}"),
            format!("ProtectedApi {{ dialect: Some({dialect:?}), addr: {}, .. }}", api.addr())
        );
    }
}

#[tokio::test]
async fn a_recorded_request_shows_no_credentials() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let mut all = headers(dialect);
        all.extend(["authorization: Basic c2VjcmV0", "cookie: secret", "x-shown: plain"]);
        let start = format!("POST {}?q=secret", token_path(&auth));
        let body = encode(dialect, &good_fields(&auth));
        send(auth.addr(), &start, &all, &body).await.unwrap();
        let recorded = auth.last_token_request().unwrap();
        assert_eq!(recorded.body_text(), body);
        assert_eq!(recorded.header("authorization"), Some("Basic c2VjcmV0"));
        assert_eq!(recorded.fields(), good_fields(&auth));
        let shown = both(&recorded) + &both(&auth.token_request_log());
        for hidden in ["secret", "c2VjcmV0", &auth.client_secret(), &auth.client_id()] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.contains("plain"));
    }
}

#[tokio::test]
async fn an_api_keeps_no_token_that_debug_would_show() {
    let auth = AuthServer::start(Dialect::Fuuffy).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    let token = auth.issue();
    send(api.addr(), "GET /", &[&bearer(&token)], "").await.unwrap();
    assert!(!both(&api.request_log()).contains(&token));
}

#[test]
fn a_fault_shows_its_kind_and_not_its_body() {
    let fault = Fault::status(200).body("sk-secret").header("x", "sk-secret").times(3);
    assert_eq!(
        format!("{fault:?}"),
        r#"Fault { kind: "answer", status: 200, after: 0ns, times: Some(3), .. }"#
    );
}

#[test]
fn every_kind_of_fault_has_a_name() {
    let second = std::time::Duration::from_secs(1);
    for (fault, shown) in [
        (Fault::delay(second), r#"kind: "normal", after: 1s, times: Some(1)"#),
        (Fault::redirect(302, "/x"), r#"kind: "answer", status: 302, after: 0ns, times: Some(1)"#),
        (Fault::hang().after(second), r#"kind: "hang", after: 1s, times: Some(1)"#),
        (Fault::reset().times(2), r#"kind: "reset", after: 0ns, times: Some(2)"#),
        (Fault::garbage().forever(), r#"kind: "garbage", after: 0ns, times: None"#),
        (Fault::endless_body(), r#"kind: "endless_body", after: 0ns, times: Some(1)"#),
        (Fault::truncated(), r#"kind: "truncated", after: 0ns, times: Some(1)"#),
        (Fault::slow_head(second), r#"kind: "slow_head", after: 0ns, times: Some(1)"#),
    ] {
        assert_eq!(format!("{fault:?}"), format!("Fault {{ {shown}, .. }}"));
    }
}

#[test]
fn a_dialect_is_displayed_in_lower_case() {
    let names = Dialect::ALL.map(|dialect| dialect.to_string());
    assert_eq!(names, ["oleria", "apiera", "fuuffy", "ataccama"]);
}
