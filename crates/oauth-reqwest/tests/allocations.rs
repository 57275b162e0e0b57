//! How often the way of a request through the middleware allocates: with it, and without.
//!
//! A separate binary: the counting allocator serves the whole process. It counts each thread for
//! itself, so that the tests do not disturb each other.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::Extensions;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use oauth_core::{Origins, StaticToken, Token, TokenSlot};
use oauth_reqwest::{Buffered, NoReplay, OAuthMiddleware, Strategy};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};

/// Responds at once, in the place of a network.
struct Answer;

#[async_trait::async_trait]
impl Middleware for Answer {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        // Whatever reqwest has received has extensions.
        let mut response = http::Response::new("");
        response.extensions_mut().insert(());
        Ok(response.into())
    }
}

fn middleware(strategy: impl Into<Strategy>) -> OAuthMiddleware {
    let slot = TokenSlot::builder(StaticToken::new(Token::bearer("abc").unwrap()))
        .origins(Origins::parse(["https://api.test"]).unwrap())
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(slot.token()).unwrap();
    OAuthMiddleware::new(slot).replay(strategy)
}

fn client(ours: Option<OAuthMiddleware>) -> ClientWithMiddleware {
    let mut builder = ClientBuilder::new(reqwest::Client::new());
    if let Some(ours) = ours {
        builder = builder.with(ours);
    }
    builder.with(Answer).build()
}

fn request() -> Request {
    let mut request = Request::new(http::Method::POST, "https://api.test/v1".parse().unwrap());
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.headers_mut() = headers;
    *request.body_mut() = Some(vec![7; 1024].into());
    request
}

fn allocations(client: &ClientWithMiddleware) -> u64 {
    allocations_of(client, request)
}

fn allocations_of(client: &ClientWithMiddleware, request: impl Fn() -> Request) -> u64 {
    let mut count = 0;
    // The first call pays for what is set up once a thread.
    for _ in 0..3 {
        let request = request();
        let measured = allocation_counter::measure(|| {
            let call = pin!(client.execute(request));
            let polled = call.poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Ready(Ok(_))));
        });
        count = measured.count_total;
    }
    count
}

#[test]
fn a_fresh_token_without_replay_costs_the_chains_own_box_alone() {
    let (with, without) =
        (allocations(&client(Some(middleware(NoReplay)))), allocations(&client(None)));
    println!("no replay: {with}, without us: {without}");
    assert_eq!(with, without + 1);
}

#[test]
fn a_request_of_bytes_that_can_be_replayed_costs_a_copy_of_its_head_more() {
    let (with, without) =
        (allocations(&client(Some(middleware(Buffered::new())))), allocations(&client(None)));
    println!("bytes: {with}, without us: {without}");
    assert_eq!(with, without + 9);
}

#[test]
fn a_request_that_is_left_alone_costs_the_chains_own_box_alone() {
    let foreign = || {
        let mut request = request();
        *request.url_mut() = "https://other.test/v1".parse().unwrap();
        request
    };
    let own = || {
        let mut request = request();
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        request
    };
    let without = allocations(&client(None));
    // That the header is there already is found by appending to it, for which the map makes room.
    for (request, more) in [(foreign as fn() -> Request, 0), (own, 1)] {
        let with = allocations_of(&client(Some(middleware(Buffered::new()))), request);
        assert_eq!(with, without + 1 + more);
    }
}
