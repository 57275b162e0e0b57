//! What the API takes and refuses, and what it tells.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{ask, bearer, send};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_testkit::{AuthServer, Challenge, Dialect, ProtectedApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Body = Full<bytes::Bytes>;

fn client(http2: bool) -> Client<HttpConnector, Body> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).http2_only(http2).build(connector)
}

async fn pair(dialect: Dialect) -> (AuthServer, ProtectedApi) {
    let auth = AuthServer::start(dialect).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    (auth, api)
}

async fn status(api: &ProtectedApi, headers: &[&str]) -> u16 {
    send(api.addr(), "GET /v1/x", headers, "").await.unwrap().status
}

#[tokio::test]
async fn a_good_token_gets_an_echo_of_the_request() {
    for dialect in Dialect::ALL {
        let (auth, api) = pair(dialect).await;
        auth.issue();
        let token = ask(&auth).await.member("access_token");
        let answer =
            send(api.addr(), "PATCH /v1/a%20b?c=d", &[&bearer(&token)], "abc").await.unwrap();
        assert_eq!(answer.status, 200, "{dialect}");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            answer.body,
            format!(
                r#"{{"method":"PATCH","path":"/v1/a%20b","length":3,"sha256":"{sha256}","token_seq":2}}"#
            )
        );
        assert_eq!(answer.header("x-body-sha256"), Some(sha256));
        assert_eq!(answer.header("x-body-length"), Some("3"));
        assert_eq!(api.last_request().unwrap().query(), Some("c=d"));
        assert_eq!((api.requests(), api.refused(), api.tokens_seen()), (1, 0, 1));
        assert_eq!(auth.tokens_issued(), 1);
    }
}

#[tokio::test]
async fn the_authorization_header_has_to_be_there_once_and_be_bearer() {
    let (auth, api) = pair(Dialect::Oleria).await;
    let token = auth.issue();
    let good = bearer(&token);
    assert_eq!(status(&api, &[&good]).await, 200);
    assert_eq!(status(&api, &[&format!("authorization: bEARER {token}")]).await, 200);
    assert_eq!(status(&api, &[]).await, 401);
    assert_eq!(status(&api, &[&good, &good]).await, 401);
    assert_eq!(status(&api, &[&format!("authorization: Basic {token}")]).await, 401);
    assert_eq!(status(&api, &[&format!("authorization: {token}")]).await, 401);
    assert_eq!(status(&api, &["authorization: Bearer \u{fc}"]).await, 401);
    assert_eq!(status(&api, &["authorization:"]).await, 401);
    assert_eq!((api.requests(), api.refused(), api.tokens_seen()), (8, 6, 7));
    api.reset_counters();
    assert_eq!((api.requests(), api.refused(), api.tokens_seen()), (0, 0, 0));
}

#[tokio::test]
async fn a_revoked_token_is_refused() {
    let (auth, api) = pair(Dialect::Apiera).await;
    let tokens = [auth.issue(), auth.issue(), auth.issue()].map(|token| bearer(&token));
    auth.revoke(tokens[0].rsplit(' ').next().unwrap());
    assert_eq!(status(&api, &[&tokens[0]]).await, 401);
    assert_eq!(status(&api, &[&tokens[1]]).await, 200);
    auth.revoke_all();
    assert_eq!(status(&api, &[&tokens[1]]).await, 401);
    assert_eq!(status(&api, &[&bearer(&auth.issue())]).await, 200);
}

#[tokio::test]
async fn a_token_expires_on_tokios_clock() {
    let (auth, api) = pair(Dialect::Ataccama).await;
    auth.set_lifetime(Duration::from_secs(90));
    let answer = ask(&auth).await;
    assert!(answer.body.contains("\"expires_in\":90,"));
    let token = bearer(&answer.member("access_token"));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(80)).await;
    tokio::time::resume();
    assert_eq!(status(&api, &[&token]).await, 200);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    assert_eq!(status(&api, &[&token]).await, 401);
}

#[tokio::test]
async fn a_lifetime_beyond_the_clock_does_not_end() {
    let (auth, api) = pair(Dialect::Oleria).await;
    auth.set_lifetime(Duration::MAX);
    let token = bearer(&ask(&auth).await.member("access_token"));
    assert_eq!(status(&api, &[&token]).await, 200);
}

#[tokio::test]
async fn a_repeated_token_stays_revoked() {
    let (auth, api) = pair(Dialect::Fuuffy).await;
    auth.repeat_token(true);
    let first = ask(&auth).await.member("access_token");
    assert_eq!(ask(&auth).await.member("access_token"), first);
    auth.revoke_all();
    assert_eq!(ask(&auth).await.member("access_token"), first);
    assert_eq!(status(&api, &[&bearer(&first)]).await, 401);
    auth.repeat_token(false);
    assert_ne!(ask(&auth).await.member("access_token"), first);
    assert_eq!(auth.tokens_issued(), 4);
}

#[tokio::test]
async fn another_servers_token_is_refused() {
    let (_auth, api) = pair(Dialect::Oleria).await;
    let other = AuthServer::start(Dialect::Oleria).await.unwrap();
    assert_eq!(status(&api, &[&bearer(&other.issue())]).await, 401);
}

#[tokio::test]
async fn the_challenge_is_the_tests_to_choose() {
    let (_auth, api) = pair(Dialect::Ataccama).await;
    for (challenge, expected) in [
        (Challenge::None, None),
        (Challenge::Custom("Bearer error=\"x\"".into()), Some("Bearer error=\"x\"")),
        (Challenge::Custom("a\r\nb: c".into()), None),
        (Challenge::ProviderDefault, Some("Bearer realm=\"testkit\"")),
    ] {
        api.challenge(challenge);
        let answer = send(api.addr(), "GET /", &[], "").await.unwrap();
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, expected));
    }
}

#[tokio::test]
async fn everything_can_be_refused_and_be_taken_again() {
    let (auth, api) = pair(Dialect::Oleria).await;
    let token = bearer(&auth.issue());
    api.refuse_everything(true);
    assert_eq!(status(&api, &[&token]).await, 401);
    api.refuse_everything(false);
    assert_eq!(status(&api, &[&token]).await, 200);
}

#[tokio::test]
async fn an_open_api_takes_everything_and_counts_the_tokens_it_sees() {
    let api = ProtectedApi::open().await.unwrap();
    assert_eq!(status(&api, &[]).await, 200);
    let answer = send(api.addr(), "GET /", &["authorization: Bearer leaked"], "").await.unwrap();
    assert!(answer.status == 200 && answer.body.ends_with("\"token_seq\":null}"));
    assert_eq!((api.requests(), api.tokens_seen(), api.dialect()), (2, 1, None));
}

#[tokio::test]
async fn an_early_response_does_not_wait_for_the_body() {
    let (auth, api) = pair(Dialect::Oleria).await;
    api.respond_early(true);
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nab").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    let good = send(api.addr(), "POST /", &[&bearer(&auth.issue())], "abc").await.unwrap();
    assert!(good.body.contains("\"length\":3"));
}

#[tokio::test]
async fn a_large_body_is_hashed_over_both_protocols() {
    let (auth, api) = pair(Dialect::Oleria).await;
    let token = auth.issue();
    for http2 in [false, true] {
        let request = hyper::Request::post(api.url("up"))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(vec![b'a'; 1_000_000]))
            .unwrap();
        let answer = client(http2).request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-body-length"], "1000000");
        assert_eq!(
            answer.headers()["x-body-sha256"],
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_at_once_all_get_a_response() {
    let (auth, api) = pair(Dialect::Oleria).await;
    let token = auth.issue();
    for http2 in [false, true] {
        let client = client(http2);
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let request = hyper::Request::get(api.url("/x"))
                .header("authorization", format!("Bearer {token}"))
                .body(Body::default())
                .unwrap();
            let call = client.request(request);
            calls.spawn(async move {
                let answer = call.await.unwrap();
                let status = answer.status();
                answer.into_body().collect().await.unwrap();
                status
            });
        }
        while let Some(done) = calls.join_next().await {
            assert_eq!(done.unwrap(), 200);
        }
    }
    assert_eq!(api.requests(), 2000);
}

#[tokio::test]
async fn connections_are_counted_as_accepted_open_and_at_most() {
    let api = ProtectedApi::open().await.unwrap();
    let mut held = TcpStream::connect(api.addr()).await.unwrap();
    assert_eq!(status(&api, &[]).await, 200);
    assert_eq!((api.connections(), api.max_connections()), (2, 2));
    while api.open_connections() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(api.open_connections(), 1);
    // The most at one time is counted anew from those that are open.
    api.reset_counters();
    assert_eq!((api.connections(), api.max_connections()), (0, 1));
    held.shutdown().await.unwrap();
    held.read_to_end(&mut Vec::new()).await.unwrap();
    while api.open_connections() > 0 {
        tokio::task::yield_now().await;
    }
    api.reset_counters();
    assert_eq!((api.connections(), api.max_connections()), (0, 0));
}

#[tokio::test]
async fn a_server_stops_with_its_last_clone_and_takes_its_connections_along() {
    let (auth, api) = pair(Dialect::Oleria).await;
    let (addr, clone) = (api.addr(), api.clone());
    drop(api);
    assert_eq!(status(&clone, &[&bearer(&auth.issue())]).await, 200);
    let mut held = TcpStream::connect(addr).await.unwrap();
    held.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    drop(clone);
    // Closed, by a FIN or a RST.
    let _ = held.read_to_end(&mut Vec::new()).await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn an_api_outlives_the_authorization_server() {
    let (auth, api) = pair(Dialect::Oleria).await;
    let token = bearer(&auth.issue());
    drop(auth);
    assert_eq!(status(&api, &[&token]).await, 200);
}

#[test]
fn a_start_outside_of_a_runtime_is_an_error() {
    let mut start = std::pin::pin!(AuthServer::start(Dialect::Oleria));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let started = start.as_mut().poll(&mut cx);
    assert!(matches!(started, std::task::Poll::Ready(Err(_))));
}
