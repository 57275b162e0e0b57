//! What is held on the heap: bytes of a slot, of a token, of a caller that waits, of a body that is
//! kept for a replay.
//!
//! `cargo bench -p oauth-benches --bench memory [-- --json | --record]`

#![expect(clippy::print_stdout, reason = "its output is what a bench is for")]

use std::convert::Infallible;
use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use oauth_benches::asked::Asked;
use oauth_benches::stats::round;
use oauth_benches::{recorded, request, secret};
use oauth_core::{Error, Origins, Token, TokenSlot, source_fn};
use oauth_tower::{Buffered, CloneBody, NoReplay, OAuthLayer, Strategy};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::{Layer, Service};

/// Averages over so many: growth of shared tables is spread over them.
const COUNT: usize = 1000;

fn main() {
    let Some(asked) = Asked::of_bench() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let mut rows = slots_and_tokens(&runtime);
    rows.extend(waiting_callers(&runtime));
    rows.extend(replays(&runtime));
    let figures = json!({
        "about": "Bytes on the heap, each the average of 1,000. Futures are boxed, so that their own size counts.",
        "rows": rows,
    });
    if asked.record {
        recorded::write("memory", &figures);
    }
    if asked.json {
        println!("{figures}");
        return;
    }
    println!("{:<58} {:>9} {:>12}", "what", "bytes", "allocations");
    for row in &rows {
        let what = row["what"].as_str().unwrap_or_default();
        println!(
            "{what:<58} {:>9} {:>12}",
            row["bytes"].to_string(),
            row["allocations"].to_string()
        );
    }
}

/// What is still held of what was allocated, less what is `without`.
fn held(what: &str, of: &AllocationInfo, without: Option<&AllocationInfo>) -> Value {
    let less = without.map_or((0, 0), |info| (info.bytes_current, info.count_current));
    let each = |count: i64| round(count as f64 / COUNT as f64, 1);
    json!({
        "what": what,
        "bytes": each(of.bytes_current - less.0),
        "allocations": each(of.count_current - less.1),
    })
}

fn origins() -> Origins {
    Origins::parse(["https://api.example.com"]).expect("an origin")
}

fn slot() -> TokenSlot {
    let source =
        source_fn(|| async { Ok(Token::bearer(secret())?.expires_in(Duration::from_secs(3600))) });
    TokenSlot::builder(source).origins(origins()).build()
}

/// Takes the tokens, and lets the tasks that fetched them end.
fn fill(runtime: &Runtime, slots: &[TokenSlot]) {
    runtime.block_on(async {
        for slot in slots {
            slot.token().await.expect("a token");
        }
        for _ in 0..COUNT {
            tokio::task::yield_now().await;
        }
    });
}

fn slots_and_tokens(runtime: &Runtime) -> Vec<Value> {
    // What is set up once, the runtime's queues and timers among it, is paid for here.
    let warm: Vec<_> = (0..COUNT).map(|_| slot()).collect();
    fill(runtime, &warm);
    let mut slots = Vec::with_capacity(COUNT);
    let empty = measure(|| slots.extend((0..COUNT).map(|_| slot())));
    let token = measure(|| fill(runtime, &slots));
    vec![
        held("a slot without a token, its source a closure", &empty, None),
        held("a fresh token of 1,024 bytes in it", &token, None),
    ]
}

fn polled<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    future
}

fn waiting_callers(runtime: &Runtime) -> Vec<Value> {
    // The timers of the waiting callers belong to a runtime.
    let _inside = runtime.enter();
    let never = || source_fn(|| async { pending::<Result<Token, Error>>().await });
    let slot = TokenSlot::builder(never()).origins(origins()).build();
    let _first = polled(async { slot.token().await });
    let mut waiting = Vec::with_capacity(COUNT);
    let bare = measure(|| waiting.extend((0..COUNT).map(|_| polled(async { slot.token().await }))));

    let service = OAuthLayer::new(slot.clone()).replay(NoReplay).layer(Sent);
    let requests: Vec<_> = (0..COUNT).map(|_| request(&Bytes::new())).collect();
    let mut calls = Vec::with_capacity(COUNT);
    let layer = measure(|| {
        calls.extend(requests.into_iter().map(|request| polled(service.clone().call(request))));
    });
    vec![
        held("a caller that waits in TokenSlot::token", &bare, None),
        held("a request that waits in the layer, its headers not counted", &layer, None),
    ]
}

fn replays(runtime: &Runtime) -> Vec<Value> {
    let slot = slot();
    fill(runtime, std::slice::from_ref(&slot));
    let _inside = runtime.enter();
    let mut rows = Vec::new();
    for (size, said) in [(0, "no body"), (1024, "a body of 1 KiB"), (32 * 1024, "a body of 32 KiB")]
    {
        let plain = in_flight(&slot, NoReplay, size);
        rows.push(held(
            &format!("kept for a replay, Buffered: {said}"),
            &in_flight(&slot, Buffered::new(), size),
            Some(&plain),
        ));
        rows.push(held(
            &format!("kept for a replay, CloneBody: {said}"),
            &in_flight(&slot, CloneBody, size),
            Some(&plain),
        ));
    }
    rows
}

/// Requests whose bodies are read, and that wait for the response.
fn in_flight<R>(slot: &TokenSlot, strategy: R, size: usize) -> AllocationInfo
where
    R: Strategy<Full<Bytes>>,
    R::Body: Body + Unpin,
{
    let mut service = OAuthLayer::new(slot.clone()).replay(strategy).layer(Sent);
    let mut calls = Vec::with_capacity(COUNT);
    measure(|| {
        calls
            .extend((0..COUNT).map(|_| polled(service.call(request(&Bytes::from(vec![0; size]))))));
    })
}

/// A service that takes the whole body and never responds.
#[derive(Clone)]
struct Sent;

impl<B: Body + Unpin> Service<Request<B>> for Sent {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pending<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut body = request.into_body();
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(_)) = Pin::new(&mut body).poll_frame(&mut cx) {}
        pending()
    }
}
