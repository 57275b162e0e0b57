//! Each fault as a peer sees it, and the order in which they are served.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use common::{ask, send};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const HOUR: Duration = Duration::from_secs(3600);

async fn open() -> ProtectedApi {
    ProtectedApi::open().await.unwrap()
}

async fn get(api: &ProtectedApi) -> std::io::Result<common::Answer> {
    send(api.addr(), "GET /", &[], "").await
}

/// Everything that comes over the wire, and how it ends.
async fn wire(api: &ProtectedApi) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    (bytes, end)
}

async fn get_http2(api: &ProtectedApi) -> Result<bytes::Bytes, String> {
    let client: Client<_, Full<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let answer = client.get(api.url("/").parse().unwrap()).await.map_err(|e| e.to_string())?;
    Ok(answer.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes())
}

#[tokio::test]
async fn a_status_comes_with_its_body_and_headers_as_often_as_set() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    auth.inject(Fault::status(503).body("{}").header("Retry-After", "1").times(2));
    auth.inject(Fault::status(429).body("slow").header("content-type", "text/plain"));
    for _ in 0..2 {
        let answer = ask(&auth).await;
        assert_eq!((answer.status, &*answer.body), (503, "{}"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let answer = ask(&auth).await;
    assert_eq!((answer.status, answer.header("content-type")), (429, Some("text/plain")));
    assert_eq!(ask(&auth).await.status, 200);
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (4, 1));
    assert_eq!(auth.token_request_log().len(), 4);
}

#[tokio::test]
async fn a_fault_for_ever_lasts_until_the_faults_are_cleared() {
    let api = open().await;
    api.inject(Fault::status(500).forever());
    api.inject(Fault::status(501));
    for _ in 0..5 {
        assert_eq!(get(&api).await.unwrap().status, 500);
    }
    api.clear_faults();
    assert_eq!(get(&api).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_fault_for_no_request_is_none() {
    let api = open().await;
    api.inject(Fault::reset().times(0));
    assert_eq!(get(&api).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_scripted_401_counts_as_refused() {
    let api = open().await;
    api.inject(Fault::status(401).header("www-authenticate", "A").header("www-authenticate", "B"));
    let answer = get(&api).await.unwrap();
    assert_eq!(answer.head.matches("www-authenticate").count(), 2);
    assert_eq!(api.refused(), 1);
}

#[tokio::test]
async fn what_cannot_be_sent_is_left_out() {
    let api = open().await;
    for status in [0, 100, 101, 1000, u16::MAX] {
        api.inject(
            Fault::status(status)
                .body("x")
                .header("content-length", "9")
                .header("transfer-encoding", "chunked")
                .header("a b", "c")
                .header("d", "e\r\nf: g"),
        );
        let answer = get(&api).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (500, "x"));
        assert_eq!(answer.header("content-length"), Some("1"));
    }
}

#[tokio::test]
async fn a_header_is_set_once_but_for_the_two_that_add_up() {
    let api = open().await;
    let names = ["x-a", "location", "Set-Cookie", "WWW-Authenticate", "content-type"];
    let mut fault = Fault::status(500);
    for name in names {
        fault = fault.header(name, "1").header(name, "2");
    }
    // The body does not change a content type that is there.
    api.inject(fault.body("x"));
    let answer = get(&api).await.unwrap();
    let sent = |name: &str| -> Vec<&str> {
        let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    };
    assert_eq!(names.map(|name| sent(name).concat()), ["2", "2", "12", "12", "2"]);
}

#[tokio::test]
async fn a_response_without_a_body_has_no_content_type() {
    let api = open().await;
    api.inject(Fault::status(500));
    let answer = get(&api).await.unwrap();
    assert_eq!((answer.header("content-type"), answer.header("content-length")), (None, Some("0")));
}

#[tokio::test]
async fn a_redirect_names_its_location() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    auth.inject(Fault::redirect(307, "http://127.0.0.1:1/x"));
    let answer = ask(&auth).await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("http://127.0.0.1:1/x")));
}

#[tokio::test]
async fn a_reset_is_a_reset_over_both_protocols() {
    let api = open().await;
    api.inject(Fault::reset().times(2));
    let (bytes, end) = wire(&api).await;
    assert_eq!((bytes.len(), end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
    get_http2(&api).await.unwrap_err();
    assert_eq!(get(&api).await.unwrap().status, 200);
    assert_eq!(api.requests(), 3);
}

#[tokio::test]
async fn garbage_is_not_http_and_ends_in_order() {
    let api = open().await;
    api.inject(Fault::garbage().times(2));
    let (bytes, end) = wire(&api).await;
    assert!(end.is_ok() && !bytes.is_empty() && !bytes.starts_with(b"HTTP"));
    get_http2(&api).await.unwrap_err();
}

#[tokio::test]
async fn a_truncated_response_promises_more_than_it_sends() {
    let api = open().await;
    api.inject(Fault::truncated().times(2));
    let (bytes, end) = wire(&api).await;
    let answer = common::parse(&bytes).unwrap();
    assert!(end.is_ok() && answer.status == 200);
    let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert!(!answer.body.is_empty() && answer.body.len() < promised);
    get_http2(&api).await.unwrap_err();
}

#[tokio::test]
async fn an_endless_body_goes_on_and_waits_for_its_reader() {
    let api = open().await;
    api.inject(Fault::endless_body());
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut bytes = vec![0; 8 << 20];
    stream.read_exact(&mut bytes).await.unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"));
    // The server still serves others while this one is not read.
    assert_eq!(get(&api).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_hang_ends_with_the_clearing_and_then_responds_normally() {
    for http2 in [false, true] {
        let api = open().await;
        api.inject(Fault::hang());
        let call =
            async { if http2 { get_http2(&api).await.is_ok() } else { get(&api).await.is_ok() } };
        let mut call = std::pin::pin!(call);
        assert!(timeout(HOUR, call.as_mut()).await.is_err());
        assert_eq!(api.requests(), 1);
        api.clear_faults();
        assert!(call.await);
    }
}

#[tokio::test]
async fn a_hang_ends_with_the_server() {
    let api = open().await;
    api.inject(Fault::hang());
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    while api.requests() == 0 {
        tokio::task::yield_now().await;
    }
    drop(api);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delay_responds_normally_and_any_fault_can_be_late() {
    let api = open().await;
    api.inject(Fault::delay(HOUR));
    api.inject(Fault::status(500).after(HOUR));
    for (status, hours) in [(200, 1), (500, 1), (200, 0)] {
        let started = Instant::now();
        assert_eq!(get(&api).await.unwrap().status, status);
        assert_eq!(started.elapsed().as_secs(), hours * 3600);
    }
}

#[tokio::test(start_paused = true)]
async fn token_latency_holds_back_faults_too_until_it_is_zero() {
    let auth = AuthServer::start(Dialect::Fuuffy).await.unwrap();
    auth.inject(Fault::status(500));
    for (status, latency) in [(500, HOUR), (200, HOUR), (200, Duration::ZERO)] {
        auth.set_token_latency(latency);
        let started = Instant::now();
        assert_eq!(ask(&auth).await.status, status);
        assert_eq!(started.elapsed().as_secs(), latency.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_token_starts_before_the_latency() {
    let auth = AuthServer::start(Dialect::Ataccama).await.unwrap();
    auth.set_lifetime(HOUR * 2);
    auth.set_token_latency(HOUR);
    let token = ask(&auth).await.member("access_token");
    tokio::time::advance(HOUR - Duration::from_secs(1)).await;
    assert!(auth.accepts(&token));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!auth.accepts(&token));
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_comes_byte_by_byte_with_a_good_response() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    auth.inject(Fault::slow_head(Duration::from_secs(1)));
    let started = Instant::now();
    let answer = ask(&auth).await;
    assert_eq!(answer.status, 200);
    assert!(answer.member("access_token").len() > 100);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // The blank line at its end is a part of the head.
    assert_eq!(started.elapsed().as_secs(), answer.head.len() as u64 + 4);
}

#[tokio::test]
async fn bytes_that_are_not_http_do_no_harm() {
    let api = open().await;
    for bytes in [&b"\x00\xff\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff", b"GET"]
    {
        let mut stream = TcpStream::connect(api.addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    for start in ["CONNECT a:1", "OPTIONS *", "HEAD /", "XYZ http://a/b"] {
        let mut stream = TcpStream::connect(api.addr()).await.unwrap();
        let text = format!("{start} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(common::parse(&answer).unwrap().status, 200, "{start}");
    }
    assert_eq!(get(&api).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_status_that_has_no_body_gets_none() {
    let api = open().await;
    for status in [204, 205, 304, 599, 999] {
        api.inject(Fault::status(status).body(String::from("x")).times(2));
        assert_eq!(get(&api).await.unwrap().status, status);
        let _ = get_http2(&api).await;
    }
    assert_eq!(get(&api).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_stopped_server_leaves_no_task_behind() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = open().await;
    api.inject(Fault::hang().forever());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let api = api.addr();
        calls.spawn(async move {
            let client: Client<_, Full<bytes::Bytes>> =
                Client::builder(TokioExecutor::new()).http2_only(true).build_http();
            client.get(format!("http://{api}/").parse().unwrap()).await.unwrap_err();
        });
    }
    while api.requests() < 3 {
        tokio::task::yield_now().await;
    }
    drop((auth, api));
    while calls.join_next().await.is_some() {}
    while tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
