//! Where the token endpoint looks for credentials, and which it takes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{ask, ask_with, encode, good_fields, headers, send, token_path};
use oauth_testkit::{AuthServer, Dialect};

// RFC 6749 §2.3.1
#[tokio::test]
async fn a_parameter_of_the_body_in_the_query_gets_400_and_any_other_is_let_through() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let body = encode(dialect, &good_fields(&auth));
        for (query, status) in [("client_secret=x", 400), ("tenant=a", 200)] {
            let start = format!("POST {}?{query}", token_path(&auth));
            let answer = send(auth.addr(), &start, &headers(dialect), &body).await.unwrap();
            assert_eq!(answer.status, status, "{dialect} {query}");
            assert_eq!(auth.last_token_request().unwrap().query(), Some(query));
        }
    }
}

#[tokio::test]
async fn fields_out_of_order_get_400_by_default() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let mut fields = good_fields(&auth);
        fields.swap(0, 1);
        assert_eq!(ask_with(&auth, &fields).await.status, 400, "{dialect}");
        auth.strict_order(false);
        assert_eq!(ask_with(&auth, &fields).await.status, 200, "{dialect}");
        let names: Vec<String> =
            auth.last_token_request().unwrap().fields().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..2], [dialect.fields()[1], dialect.fields()[0]]);
    }
}

#[tokio::test]
async fn a_field_beyond_the_contract_is_let_through() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let mut fields = good_fields(&auth);
        fields.insert(1, ("tenant".to_owned(), "a b".to_owned()));
        assert_eq!(ask_with(&auth, &fields).await.status, 200, "{dialect}");
        assert_eq!(auth.last_token_request().unwrap().field("tenant").as_deref(), Some("a b"));
    }
}

// RFC 6749 §3.2
#[tokio::test]
async fn a_field_beyond_the_contract_that_is_empty_or_doubled_gets_400() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let field = |value: &str| ("tenant".to_owned(), value.to_owned());
        for extra in [vec![field("")], vec![field("a"), field("b")]] {
            let fields = [good_fields(&auth), extra].concat();
            assert_eq!(ask_with(&auth, &fields).await.status, 400, "{dialect}");
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (2, 0));
    }
}

#[tokio::test]
async fn a_rotated_secret_is_the_only_one_that_is_good() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let old = good_fields(&auth);
    let secret = auth.rotate_secret();
    assert_eq!(secret, auth.client_secret());
    assert_eq!(ask_with(&auth, &old).await.status, 401);
    assert_eq!(ask(&auth).await.status, 200);
}

#[tokio::test]
async fn during_a_roll_out_old_and_new_are_good_until_the_old_are_retired() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let first = good_fields(&auth);
    assert_eq!(auth.add_secret(), auth.client_secret());
    let second = good_fields(&auth);
    assert_eq!(auth.add_client(), (auth.client_id(), auth.client_secret()));
    for fields in [&first, &second, &good_fields(&auth)] {
        assert_eq!(ask_with(&auth, fields).await.status, 200);
    }
    auth.retire_old_clients();
    assert_eq!(ask_with(&auth, &first).await.status, 401);
    assert_eq!(ask_with(&auth, &second).await.status, 401);
    assert_eq!(ask(&auth).await.status, 200);
}

#[tokio::test]
async fn a_body_of_the_tests_own_making_carries_a_token_that_works() {
    let auth = AuthServer::start(Dialect::Apiera).await.unwrap();
    auth.respond_with(|token| format!(r#"{{"access_token":"{token}","expires_in":null}}"#));
    let answer = ask(&auth).await;
    assert!(answer.body.ends_with(r#"","expires_in":null}"#));
    let api = oauth_testkit::ProtectedApi::start(&auth).await.unwrap();
    let token = common::bearer(&answer.member("access_token"));
    assert_eq!(send(api.addr(), "GET /", &[&token], "").await.unwrap().status, 200);
    auth.respond_normally();
    assert!(ask(&auth).await.body.contains("86400"));
}

#[tokio::test]
async fn a_body_beyond_any_token_request_is_refused() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let start = format!("POST {}", token_path(&auth));
        let mut stream = tokio::net::TcpStream::connect(auth.addr()).await.unwrap();
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let head = format!("{start} HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&[b'a'; 70_000]).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{dialect}");
    }
}
