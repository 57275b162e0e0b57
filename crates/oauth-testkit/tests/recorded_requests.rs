//! What the servers keep of the requests that reach them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::future::ready;
use std::io::ErrorKind;
use std::mem::MaybeUninit;

use common::{FORM, JSON, bearer, send, token_path};
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi, RecordedRequest};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const AB: &str = "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async fn pair() -> (AuthServer, ProtectedApi) {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    (auth, api)
}

/// A request whose head announces that many bytes, with the first of them.
async fn start_upload(api: &ProtectedApi, announced: usize, first: &str) -> TcpStream {
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    let head =
        format!("POST /up HTTP/1.1\r\nhost: a\r\ncontent-length: {announced}\r\n\r\n{first}");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn until(api: &ProtectedApi, is_so: impl Fn(&RecordedRequest) -> bool) -> RecordedRequest {
    loop {
        if let Some(request) = api.last_request().filter(&is_so) {
            return request;
        }
        tokio::task::yield_now().await;
    }
}

async fn status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    std::str::from_utf8(&start[9..]).unwrap().parse().unwrap()
}

/// Asks the socket itself: tokio's readiness may be late.
fn has_no_answer(stream: &TcpStream) -> bool {
    let read = SockRef::from(stream).recv(&mut [MaybeUninit::uninit()]);
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn an_api_lists_its_requests_in_their_order_until_it_is_reset() {
    let (_auth, api) = pair().await;
    assert!(api.last_request().is_none() && api.request_log().is_empty());
    send(api.addr(), "PUT /a%20b", &["x-a: 1", "x-a: 2"], "abc").await.unwrap();
    send(api.addr(), "GET /b?c=%64", &["x-b: \u{fc}"], "").await.unwrap();

    let log = api.request_log();
    let starts: Vec<_> = log.iter().map(|r| (r.method(), r.path(), r.query())).collect();
    assert_eq!(starts, [("PUT", "/a%20b", None), ("GET", "/b", Some("c=%64"))]);
    assert_eq!(
        (log[0].header("X-A"), log[0].headers().get_all("x-a").iter().count()),
        (Some("1"), 2)
    );
    assert_eq!((log[1].header("x-a"), log[1].header("x-b")), (None, None));
    assert!(log[1].headers().contains_key("x-b"));
    assert_eq!(api.last_request().unwrap().path(), "/b");

    api.reset_counters();
    assert!(api.last_request().is_none() && api.request_log().is_empty());
    send(api.addr(), "GET /c", &[], "").await.unwrap();
    assert_eq!((api.requests(), api.request_log().len()), (1, 1));
}

#[tokio::test]
async fn an_api_knows_a_body_by_its_length_and_hash_and_keeps_none() {
    let (auth, api) = pair().await;
    let token = bearer(&auth.issue());
    for (headers, body, sha256) in
        [(vec![&*token], "abc", ABC), (vec![], "ab", AB), (vec![], "", NOTHING)]
    {
        send(api.addr(), "POST /", &headers, body).await.unwrap();
        let request = api.last_request().unwrap();
        assert_eq!(
            (request.body_length(), request.body_sha256()),
            (body.len() as u64, sha256.into())
        );
        assert!(request.is_complete() && !request.is_broken_off());
        assert_eq!((request.body(), &*request.body_text()), (&b""[..], ""));
        assert!(request.trailers().is_empty());
    }
}

#[tokio::test]
async fn an_upload_is_seen_while_it_goes_on() {
    let (_auth, api) = pair().await;
    let mut upload = start_upload(&api, 3, "ab").await;
    let request = until(&api, |request| request.body_length() == 2).await;
    assert_eq!(request.body_sha256(), AB);
    assert!(!request.is_complete() && !request.is_broken_off() && has_no_answer(&upload));
    upload.write_all(b"c").await.unwrap();
    assert_eq!(status(&mut upload).await, 401);
    // What was taken from the log before is the same request.
    assert_eq!((request.body_length(), request.body_sha256()), (3, ABC.into()));
    assert!(request.is_complete() && !request.is_broken_off());
}

#[tokio::test]
async fn an_upload_that_ends_before_its_time_is_broken_off() {
    let (_auth, api) = pair().await;
    let upload = start_upload(&api, 3, "ab").await;
    until(&api, |request| request.body_length() == 2).await;
    drop(upload);
    let request = until(&api, RecordedRequest::is_broken_off).await;
    assert!(!request.is_complete());
    assert_eq!((request.body_length(), request.body_sha256()), (2, AB.into()));
    assert_eq!((api.requests(), api.refused()), (1, 0));
}

#[tokio::test]
async fn trailers_are_kept_over_both_protocols() {
    let (auth, api) = pair().await;
    let token = auth.issue();
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    let start = "POST / HTTP/1.1\r\nhost: a\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n";
    let body = "\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n";
    let text = format!("{start}{}\r\n{body}", bearer(&token));
    stream.write_all(text.as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, 200);

    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    let body = Full::new(bytes::Bytes::from("abc")).with_trailers(ready(Some(Ok(trailers))));
    let request = hyper::Request::post(api.url("/"))
        .header("authorization", format!("Bearer {token}"))
        .body(body)
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    assert_eq!(client.request(request).await.unwrap().status(), 200);

    let log = api.request_log();
    assert_eq!(log.len(), 2);
    for request in log {
        assert_eq!(
            (request.trailers().len(), &request.trailers()["x-sum"]),
            (1, &"1".parse().unwrap())
        );
        assert_eq!((request.body_length(), request.body_sha256()), (3, ABC.into()));
        assert!(request.is_complete());
    }
}

#[tokio::test]
async fn a_refusal_or_a_fault_after_some_bytes_waits_for_them_and_for_no_more() {
    let (_auth, api) = pair().await;
    api.respond_after(3);
    api.inject(Fault::status(503));
    for expected in [503, 401] {
        let mut upload = start_upload(&api, 100, "ab").await;
        until(&api, |request| request.body_length() == 2).await;
        assert!(has_no_answer(&upload));
        upload.write_all(b"c").await.unwrap();
        assert_eq!(status(&mut upload).await, expected);
        let request = api.last_request().unwrap();
        assert_eq!((request.body_length(), request.body_sha256()), (3, ABC.into()));
        assert!(!request.is_complete());
        api.reset_counters();
    }
    // A body that is shorter is read to its end.
    let answer = send(api.addr(), "POST /", &[], "ab").await.unwrap();
    assert!(answer.status == 401 && api.last_request().unwrap().is_complete());
}

#[tokio::test]
async fn a_good_request_is_read_to_its_end_whenever_refusals_come() {
    let (auth, api) = pair().await;
    let token = bearer(&auth.issue());
    api.respond_after(1);
    let answer = send(api.addr(), "POST /", &[&token], "abc").await.unwrap();
    assert_eq!((answer.status, answer.header("x-body-length")), (200, Some("3")));
    api.respond_early(true);
    let answer = send(api.addr(), "POST /", &[&token], "abc").await.unwrap();
    assert_eq!((answer.status, answer.header("x-body-sha256")), (200, Some(ABC)));
}

#[tokio::test]
async fn without_an_early_response_a_refusal_waits_for_the_whole_body_again() {
    let (_auth, api) = pair().await;
    api.respond_early(true);
    api.respond_early(false);
    let mut upload = start_upload(&api, 3, "ab").await;
    until(&api, |request| request.body_length() == 2).await;
    assert!(has_no_answer(&upload));
    upload.write_all(b"c").await.unwrap();
    assert_eq!(status(&mut upload).await, 401);
    assert!(api.last_request().unwrap().is_complete());
}

#[tokio::test]
async fn the_latest_1024_requests_are_kept() {
    let api = ProtectedApi::open().await.unwrap();
    let mut stream = TcpStream::connect(api.addr()).await.unwrap();
    let mut text = String::new();
    for number in 1..=1026 {
        let close = if number == 1026 { "connection: close\r\n" } else { "" };
        text.push_str(&format!("GET /{number} HTTP/1.1\r\nhost: a\r\n{close}\r\n"));
    }
    let (mut reads, mut writes) = stream.split();
    let mut answers = Vec::new();
    let (read, written) =
        tokio::join!(reads.read_to_end(&mut answers), writes.write_all(text.as_bytes()));
    written.unwrap();
    read.unwrap();
    let log = api.request_log();
    assert_eq!((api.requests(), log.len()), (1026, 1024));
    assert_eq!((log[0].path(), log[1023].path()), ("/3", "/1026"));
    assert_eq!(api.last_request().unwrap().path(), "/1026");
}

#[tokio::test]
async fn a_token_request_is_kept_with_its_body_and_fields() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let start = format!("POST {}", token_path(&auth));
    let pairs = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let form = "b=1&a=%2B+x&b=2&c";
    let in_form = pairs(&[("b", "1"), ("a", "+ x"), ("b", "2"), ("c", "")]);
    let json = r#"{"b":"1","a":null,"b":2,"c":{"d":[true]}}"#;
    let in_json = pairs(&[("b", "1"), ("a", ""), ("b", "2"), ("c", r#"{"d":[true]}"#)]);
    for (content_type, body, fields) in [
        (FORM, form, &in_form),
        ("content-type: Application/X-WWW-form-urlencoded ; charset=utf-8", form, &in_form),
        (JSON, json, &in_json),
        (JSON, form, &vec![]),
        (JSON, "{\"b\":\"1\"} ]", &vec![]),
        ("content-type: text/plain", form, &vec![]),
        ("x-none: 1", form, &vec![]),
    ] {
        send(auth.addr(), &start, &[content_type], body).await.unwrap();
        let request = auth.last_token_request().unwrap();
        assert_eq!((request.body(), &*request.body_text()), (body.as_bytes(), body));
        assert_eq!(request.body_length(), body.len() as u64);
        assert!(request.is_complete() && !request.is_broken_off());
        assert_eq!(&request.fields(), fields, "{content_type} {body}");
        let first =
            |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        for name in ["a", "b", "c", "d"] {
            assert_eq!(request.field(name).as_ref(), first(name), "{content_type} {name}");
        }
    }
    send(auth.addr(), &start, &[FORM], "abc").await.unwrap();
    assert_eq!(auth.last_token_request().unwrap().body_sha256(), ABC);
    assert_eq!((auth.token_requests(), auth.token_request_log().len()), (8, 8));
}
