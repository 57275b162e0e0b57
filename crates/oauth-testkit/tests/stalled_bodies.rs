//! Responses whose body stops in the middle.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Answer, parse, send};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_testkit::{Fault, ProtectedApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn api(fault: Fault) -> ProtectedApi {
    let api = ProtectedApi::open().await.unwrap();
    api.inject(fault);
    api
}

async fn get(api: &ProtectedApi) -> TcpStream {
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    stream
}

/// Reads until the body holds that many bytes.
async fn read_part(stream: &mut TcpStream, bytes: usize) -> (Answer, Vec<u8>) {
    let mut read = Vec::new();
    loop {
        if let Some(answer) = parse(&read).filter(|answer| answer.body.len() >= bytes) {
            return (answer, read);
        }
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the connection has ended");
    }
}

async fn get_http2(api: &ProtectedApi) -> hyper::Response<Incoming> {
    let client: Client<_, Empty<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    client.get(api.url("/").parse().unwrap()).await.unwrap()
}

fn is_pending<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
}

#[tokio::test]
async fn a_stalled_body_announces_the_whole_and_breaks_off_with_the_clearing() {
    for part in ["", "a", "ab"] {
        let api = api(Fault::status(203).body("abc").stalls_after(part.len())).await;
        let mut stream = get(&api).await;
        let (answer, mut read) = read_part(&mut stream, part.len()).await;
        assert_eq!((answer.status, &*answer.body), (203, part));
        assert_eq!(answer.header("content-length"), Some("3"));
        {
            let mut rest = std::pin::pin!(stream.read_to_end(&mut read));
            assert!(is_pending(rest.as_mut()));
            api.clear_faults();
            rest.await.unwrap();
        }
        assert_eq!(parse(&read).unwrap().body, part);
        assert_eq!(send(api.addr(), "GET /", &[], "").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn over_http2_a_stalled_body_breaks_off_with_a_reset_of_its_stream() {
    for part in ["", "a", "ab"] {
        let api = api(Fault::status(203).body("abc").stalls_after(part.len())).await;
        let answer = get_http2(&api).await;
        assert_eq!(
            (answer.status(), answer.body().size_hint().exact()),
            (203.try_into().unwrap(), Some(3))
        );
        let mut body = answer.into_body();
        if !part.is_empty() {
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first, part);
        }
        {
            let mut next = std::pin::pin!(body.frame());
            assert!(is_pending(next.as_mut()));
            api.clear_faults();
            next.await.unwrap().unwrap_err();
        }
        assert_eq!(get_http2(&api).await.status(), 200);
    }
}

#[tokio::test]
async fn a_body_that_is_no_longer_than_its_stall_does_not_stall() {
    for (body, bytes) in [("abc", 3), ("abc", 4), ("", 0), ("", 1)] {
        let api = api(Fault::status(203).body(body).stalls_after(bytes).times(2)).await;
        let answer = send(api.addr(), "GET /", &[], "").await.unwrap();
        assert_eq!((answer.status, &*answer.body), (203, body));
        let answer = get_http2(&api).await.into_body().collect().await.unwrap();
        assert_eq!(answer.to_bytes(), body);
    }
}

#[tokio::test]
async fn a_fault_without_a_response_of_its_own_has_no_body_to_stall() {
    let fault =
        Fault::delay(std::time::Duration::ZERO).body("abc").header("a", "b").stalls_after(1);
    let api = api(fault).await;
    let answer = send(api.addr(), "GET /", &[], "").await.unwrap();
    assert_eq!((answer.status, answer.header("a")), (200, None));
    assert!(answer.body.starts_with("{\"method\":\"GET\""));
}

#[tokio::test]
async fn a_stalled_body_ends_with_the_server() {
    let api = api(Fault::status(203).body("abc").stalls_after(1)).await;
    let mut stream = get(&api).await;
    let (_, mut read) = read_part(&mut stream, 1).await;
    drop(api);
    // Closed, by a FIN or a RST.
    let _ = stream.read_to_end(&mut read).await;
    assert_eq!(parse(&read).unwrap().body, "a");
}
