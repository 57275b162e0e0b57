//! How connections end, on either side.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{encode, good_fields, headers, parse, token_path};
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

async fn api(fault: Fault) -> (ProtectedApi, TcpStream) {
    let api = ProtectedApi::open().await.unwrap();
    api.inject(fault);
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    stream.write_all(GET).await.unwrap();
    (api, stream)
}

async fn until_closed(api: &ProtectedApi) {
    while api.open_connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_its_last_byte_a_connection_takes_what_still_comes_until_the_peer_closes() {
    let (api, mut stream) = api(Fault::garbage()).await;
    let mut garbage = Vec::new();
    stream.read_to_end(&mut garbage).await.unwrap();
    assert!(!garbage.is_empty());
    assert_eq!(api.open_connections(), 1);
    for _ in 0..64 {
        stream.write_all(&[0; 4096]).await.unwrap();
    }
    assert_eq!(api.open_connections(), 1);
    drop(stream);
    until_closed(&api).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_close_is_waited_for_half_a_second() {
    let (api, mut stream) = api(Fault::garbage()).await;
    let started = Instant::now();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    while api.open_connections() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(started.elapsed().as_millis().abs_diff(500) <= 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_peer_that_leaves_ends_an_endless_body_and_a_slow_head() {
    for fault in [Fault::endless_body(), Fault::slow_head(Duration::from_millis(1))] {
        let (api, mut stream) = api(fault).await;
        stream.read_exact(&mut [0; 12]).await.unwrap();
        assert_eq!(api.open_connections(), 1);
        drop(stream);
        until_closed(&api).await;
    }
}

#[tokio::test]
async fn a_slow_head_may_have_no_pace_and_a_body_larger_than_any_buffer() {
    const SIZE: usize = 32 << 20;
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    auth.respond_with(|_| "x".repeat(SIZE));
    auth.inject(Fault::slow_head(Duration::ZERO));
    let mut stream = TcpStream::connect(auth.addr()).await.unwrap();
    let body = encode(Dialect::Oleria, &good_fields(&auth));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\n{}\r\ncontent-length: {}\r\n\r\n",
        token_path(&auth),
        headers(Dialect::Oleria)[0],
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    let answer = parse(&read).unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, SIZE));
    assert_eq!(answer.header("content-length"), Some(&*SIZE.to_string()));
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_reset_takes_along_the_requests_that_wait_behind_it() {
    let (api, mut stream) = api(Fault::reset().after(Duration::from_millis(1))).await;
    stream.write_all(GET).await.unwrap();
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    until_closed(&api).await;
    assert_eq!(api.requests(), 1);
}
