//! APIs that are malicious: the verdict on what they respond ends in bounded memory, and their response or
//! an error is the caller's.
//!
//! A separate binary: the counting allocator serves the whole process, and counts each thread for
//! itself. The client is on the thread that is measured, the API on another.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_core::adapter::{Verdict, verdict};
use oauth_core::challenge::{MAX_CHALLENGES, MAX_LINES, challenges};
use oauth_core::{Origins, Outcome, Token, TokenSlot, source_fn};
use oauth_tower::{Error, OAuthLayer};
use tower::{Layer, ServiceExt};

/// What one call may hold over what was there before it.
const MOST: u64 = 4 * 1024 * 1024;

/// An API that responds to each request with `head` and, forever, `more`; and closes if there is none.
fn api(head: String, more: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(n) if n > 0 => asked.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let mut result = stream.write_all(head.as_bytes());
            while result.is_ok() && !more.is_empty() {
                result = stream.write_all(&more);
            }
        }
    });
    address
}

fn refusal(lines: &str) -> String {
    format!("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n{lines}content-length: 0\r\n\r\n")
}

/// Calls the API once; its status and outcome, or the error, and how many tokens it cost.
fn call(address: SocketAddr) -> (Result<(StatusCode, Outcome), Error>, u64) {
    let minted = Arc::new(AtomicU64::new(0));
    let counter = minted.clone();
    let source = source_fn(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move { Token::bearer(format!("t{number}")) }
    });
    let slot = TokenSlot::builder(source)
        .origins(Origins::parse([format!("http://{address}")]).unwrap())
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut result = None;
    let info = allocation_counter::measure(|| {
        runtime.block_on(async {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let service = OAuthLayer::new(slot).layer(client);
            let request = Request::get(format!("http://{address}/"));
            let request = request.body(Full::<Bytes>::default()).unwrap();
            let answer = service.oneshot(request).await;
            result = Some(answer.map(|a| (a.status(), Outcome::of(a.extensions()))));
        });
    });
    assert!(info.bytes_max < MOST, "{} bytes", info.bytes_max);
    (result.unwrap(), minted.load(Ordering::SeqCst))
}

#[test]
fn a_hundred_thousand_challenges_in_a_line_are_judged_by_the_first_of_them() {
    let others = refusal(&format!("www-authenticate: {}Bearer\r\n", "B,".repeat(100_000)));
    let (result, minted) = call(api(others, Vec::new()));
    let (status, outcome) = result.unwrap();
    // What stands behind the limits counts as absent: another scheme is wanted.
    assert_eq!((status.as_u16(), minted), (401, 1));
    assert!(matches!(outcome, Outcome::Attached), "{outcome:?}");

    let bearer = refusal(&format!("www-authenticate: Bearer{}\r\n", ",Bearer".repeat(40_000)));
    let (result, minted) = call(api(bearer, Vec::new()));
    let (status, outcome) = result.unwrap();
    assert_eq!((status.as_u16(), minted), (401, 2));
    assert!(matches!(outcome, Outcome::Replayed), "{outcome:?}");
}

#[test]
fn a_hundred_thousand_lines_of_challenges_are_an_error_of_the_connection() {
    let lines = "www-authenticate: Bearer error=\"invalid_token\"\r\n".repeat(100_000);
    let (result, minted) = call(api(refusal(&lines), Vec::new()));
    assert!(matches!(result, Err(Error::Inner(_))), "{result:?}");
    assert_eq!(minted, 1);
}

#[test]
fn a_header_without_end_is_an_error_of_the_connection() {
    for head in ["HTTP/1.1 401 Unauthorized\r\nwww-authenticate: ", "HTTP/1.1 401 Unauthorized\r\n"]
    {
        let (result, minted) = call(api(head.into(), b"Bearer error=x, a: b".repeat(1000)));
        assert!(matches!(result, Err(Error::Inner(_))), "{result:?}");
        assert_eq!(minted, 1);
    }
}

#[test]
fn the_verdict_on_more_challenges_than_any_client_lets_pass_costs_no_memory() {
    let mut headers = HeaderMap::new();
    let line = HeaderValue::from_maybe_shared(Bytes::from("Basic,".repeat(100_000))).unwrap();
    for _ in 0..20_000 {
        headers.append(WWW_AUTHENTICATE, line.clone());
    }
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    let mut judged = None;
    let info = allocation_counter::measure(|| {
        judged = Some((
            verdict(StatusCode::UNAUTHORIZED, &headers, Some("Bearer")),
            challenges(&headers).count(),
        ));
    });
    assert_eq!(judged, Some((Verdict::Deliver, MAX_CHALLENGES)));
    assert_eq!(info.count_total, 0);
    // A line without any challenge counts as a line.
    let mut blank = HeaderMap::new();
    for _ in 0..MAX_LINES {
        blank.append(WWW_AUTHENTICATE, HeaderValue::from_static(","));
    }
    blank.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    assert_eq!(verdict(StatusCode::UNAUTHORIZED, &blank, Some("Bearer")), Verdict::Replace);
}
