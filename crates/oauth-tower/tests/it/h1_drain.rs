//! Exactly how much of a 401 hyper's HTTP/1.1 client takes off a connection when it is dropped: over
//! a connection in memory, where all of it is there at once or a part never comes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Uri;
use http_body_util::Empty;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioExecutor;
use oauth_core::{Outcome, ReplayBody};
use oauth_tower::OAuthLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::scripted::get;
use oauth_adapter_tests::issuer::{API, Issuer, settle};

/// What one read of hyper's takes at most: the first, and the next after one that was filled.
const FIRST_READ: usize = 8 * 1024;
const SECOND_READ: usize = 16 * 1024;

/// The head of the refusal.
const HEAD: usize = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 00000000\r\n\r\n".len();

/// A connection whose server responds to each request when it is written.
struct Wire {
    number: usize,
    refusal: Vec<Bytes>,
    /// In pieces: a read takes of one alone.
    unread: VecDeque<Bytes>,
    reader: Option<Waker>,
    /// The number of the connection of each request.
    seen: Arc<Mutex<Vec<usize>>>,
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(piece) = self.unread.front_mut() else {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        buf.put_slice(&piece.split_to(piece.len().min(buf.remaining())));
        if piece.is_empty() {
            self.unread.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        head: &[u8],
    ) -> Poll<io::Result<usize>> {
        assert!(head.ends_with(b"\r\n\r\n"), "a request without a body, in one piece");
        let number = self.number;
        self.seen.lock().unwrap().push(number);
        let refused = head.windows(9).any(|part| part == b"Bearer t1");
        let welcome = Bytes::from_static(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        self.unread = if refused { self.refusal.clone() } else { vec![welcome] }.into();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(head.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// A 401 of so many bytes on the wire, of which only the first ones come.
fn refusal(length: usize, sent: usize) -> Bytes {
    let body = length - HEAD;
    let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {body:08}\r\n\r\n");
    assert_eq!(head.len(), HEAD);
    let mut text = head + &"x".repeat(body);
    text.truncate(sent);
    text.into()
}

/// Which connections the two sends took: each its number, from 1.
async fn connections_of(refusal: impl Into<Vec<Bytes>>) -> Vec<usize> {
    let (refusal, seen) = (refusal.into(), Arc::new(Mutex::new(Vec::new())));
    let (log, made) = (seen.clone(), Arc::new(Mutex::new(0)));
    let connector = service_fn(move |_: Uri| {
        let (refusal, seen, made) = (refusal.clone(), log.clone(), made.clone());
        Box::pin(async move {
            // What a connection takes on a network: a free one is found first.
            settle().await;
            let mut made = made.lock().unwrap();
            *made += 1;
            Ok::<_, Infallible>(Wire {
                number: *made,
                refusal,
                unread: VecDeque::new(),
                reader: None,
                seen,
            })
        }) as Pin<Box<dyn Future<Output = _> + Send>>
    });
    let client: Client<_, ReplayBody<Empty<Bytes>>> =
        Client::builder(TokioExecutor::new()).build(connector);
    let service = OAuthLayer::new(Issuer::new().ready_slot().await).layer(client);
    let response = service.oneshot(get::<Empty<Bytes>>(API)).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test(start_paused = true)]
async fn a_401_that_comes_in_one_read_with_its_head_keeps_the_connection() {
    for length in [100, FIRST_READ - 1, FIRST_READ] {
        let connections = connections_of([refusal(length, length)]).await;
        assert_eq!(connections, [1, 1], "{length} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn the_drop_reads_once_more_and_what_that_does_not_end_costs_a_connection() {
    const MOST: usize = FIRST_READ + SECOND_READ;
    for (length, second) in [(FIRST_READ + 1, 1), (MOST - 1, 1), (MOST, 1), (MOST + 1, 2)] {
        let connections = connections_of([refusal(length, length)]).await;
        assert_eq!(connections, [1, second], "{length} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_alone_leaves_the_two_reads_to_the_body() {
    const MOST: usize = FIRST_READ + SECOND_READ;
    for (body, second) in [(FIRST_READ, 1), (MOST, 1), (MOST + 1, 2)] {
        let head = refusal(HEAD + body, HEAD);
        let body = refusal(HEAD + body, HEAD + body).split_off(HEAD);
        let connections = connections_of([head, body.clone()]).await;
        assert_eq!(connections, [1, second], "{} bytes", body.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_401_of_which_one_byte_is_missing_costs_a_connection_whatever_its_size() {
    for length in [100, FIRST_READ, FIRST_READ + 1, FIRST_READ + SECOND_READ] {
        let connections = connections_of([refusal(length, length - 1)]).await;
        assert_eq!(connections, [1, 2], "{length} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_401_in_one_chunk_keeps_the_connection_and_one_in_two_chunks_costs_one() {
    for (chunks, second) in [(0, 1), (1, 1), (2, 2)] {
        let chunks = "5\r\nno no\r\n".repeat(chunks);
        let head = "HTTP/1.1 401 Unauthorized\r\ntransfer-encoding: chunked\r\n\r\n";
        let connections = connections_of([format!("{head}{chunks}0\r\n\r\n").into()]).await;
        assert_eq!(connections, [1, second], "{chunks:?}");
    }
}
