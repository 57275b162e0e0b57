//! What each fault does to a stream of HTTP/2, and to its neighbours on the connection.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use oauth_testkit::{Fault, ProtectedApi};
use tokio::time::Instant;

type Http2 = Client<HttpConnector, Empty<bytes::Bytes>>;

async fn api(fault: Fault) -> (ProtectedApi, Http2) {
    let api = ProtectedApi::open().await.unwrap();
    api.inject(fault);
    (api, Client::builder(TokioExecutor::new()).http2_only(true).build_http())
}

async fn get(api: &ProtectedApi, client: &Http2) -> Result<Response<Incoming>, legacy::Error> {
    client.get(api.url("/").parse().unwrap()).await
}

/// The kind of the I/O error that is behind an error.
fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

#[tokio::test]
async fn a_reset_and_garbage_both_abort_the_connection() {
    for fault in [Fault::reset(), Fault::garbage()] {
        let (api, client) = api(fault.clone()).await;
        let error = get(&api, &client).await.unwrap_err();
        assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionReset), "{fault:?} {error:?}");
        assert_eq!(get(&api, &client).await.unwrap().status(), 200);
        assert_eq!((api.requests(), api.connections()), (2, 2), "{fault:?}");
    }
}

#[tokio::test]
async fn a_truncated_response_is_a_head_and_a_part_and_then_a_reset_of_its_stream() {
    let (api, client) = api(Fault::truncated()).await;
    let answer = get(&api, &client).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let mut body = answer.into_body();
    assert_eq!(body.size_hint().exact(), Some(4096));
    let part = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(part, "{\"access_token\":\"trunc");
    body.frame().await.unwrap().unwrap_err();
    // The connection lives on.
    assert_eq!(get(&api, &client).await.unwrap().status(), 200);
    assert_eq!((api.requests(), api.connections()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_a_delay_of_the_normal_response() {
    let pace = Duration::from_secs(3600);
    let (api, client) = api(Fault::slow_head(pace)).await;
    for waited in [true, false] {
        let started = Instant::now();
        let answer = get(&api, &client).await.unwrap();
        assert_eq!((answer.status().as_u16(), started.elapsed() >= pace), (200, waited));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"{\"method\":\"GET\""));
    }
    assert_eq!((api.requests(), api.connections()), (2, 1));
}

#[tokio::test]
async fn an_endless_body_announces_no_end() {
    let (api, client) = api(Fault::endless_body()).await;
    let answer = get(&api, &client).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().size_hint().exact()), (200, None));
    let mut body = answer.into_body();
    let mut read = 0;
    while read < 1 << 20 {
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(data.iter().all(|byte| *byte == b' '));
        read += data.len();
    }
    drop(body);
    assert_eq!(get(&api, &client).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_response_without_a_body_ends_with_its_head() {
    let (api, client) = api(Fault::status(307)).await;
    let answer = get(&api, &client).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().is_end_stream()), (307, true));
    let answer = get(&api, &client).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().is_end_stream()), (200, false));
}
