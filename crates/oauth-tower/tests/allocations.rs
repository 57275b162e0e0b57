//! How often the way of a request through the layer allocates.
//!
//! A separate binary: the counting allocator serves the whole process. It counts each thread for
//! itself, so that the tests do not disturb each other.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use http::{Request, Response, Uri};
use http_body_util::{Empty, Full};
use oauth_core::{NoToken, Origins, StaticToken, Token, TokenSlot};
use oauth_tower::{Buffered, CloneBody, NoReplay, OAuthLayer, ResponseFuture, Strategy};
use tower::{Layer, Service};

const URI: &str = "https://api.test/v1/things";

#[derive(Clone)]
struct Noop;

impl<B> Service<Request<B>> for Noop {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_api = request.uri().host() == Some("api.test");
        assert!(!is_api || request.headers().contains_key("authorization"));
        black_box(request);
        ready(Ok(Response::new(())))
    }
}

/// Responds with something in the response's extensions, as hyper's connectors do.
#[derive(Clone)]
struct Marking;

#[derive(Clone)]
struct Mark;

impl<B> Service<Request<B>> for Marking {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        black_box(request);
        let mut response = Response::new(());
        response.extensions_mut().insert(Mark);
        ready(Ok(response))
    }
}

fn slot() -> TokenSlot {
    let slot = TokenSlot::builder(StaticToken::new(Token::bearer("abc").unwrap()))
        .origins(Origins::parse(["https://api.test"]).unwrap())
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(slot.token()).unwrap();
    slot
}

/// A request with four headers and room for ours.
fn request<B>(body: B) -> Request<B> {
    let mut request = Request::post(URI).body(body).unwrap();
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("test"));
    headers.insert(HeaderName::from_static("x-request-id"), HeaderValue::from_static("17"));
    *request.headers_mut() = headers;
    request
}

/// Allocations of one call through the layer.
fn allocations<R, B>(strategy: R, body: impl Fn() -> B) -> u64
where
    R: Strategy<B>,
{
    allocations_of(OAuthLayer::new(slot()).replay(strategy).layer(Noop), body)
}

/// Allocations of one call, from `poll_ready` to the response.
fn allocations_of<S, B>(service: S, body: impl Fn() -> B) -> u64
where
    S: Service<Request<B>>,
{
    allocations_for(service, || request(body()))
}

fn allocations_for<S, B>(mut service: S, request: impl Fn() -> Request<B>) -> u64
where
    S: Service<Request<B>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    let mut count = 0;
    // The first call pays for what is set up once a thread.
    for _ in 0..3 {
        let request = request();
        let measured = allocation_counter::measure(|| {
            assert!(service.poll_ready(&mut cx).is_ready());
            let call = pin!(service.call(request));
            assert!(matches!(call.poll(&mut cx), Poll::Ready(Ok(_))));
        });
        count = measured.count_total;
    }
    count
}

fn kilobyte() -> Full<Bytes> {
    Full::new(Bytes::from(vec![7; 1024]))
}

#[test]
fn the_counter_counts() {
    let measured = allocation_counter::measure(|| drop(black_box(vec![1, 2, 3])));
    assert_eq!(measured.count_total, 1);
}

#[test]
fn a_fresh_token_without_replay_costs_no_allocation() {
    assert_eq!(allocations(NoReplay, Empty::<Bytes>::new), 0);
    assert_eq!(allocations(NoReplay, kilobyte), 0);
}

#[test]
fn extensions_in_a_response_cost_no_allocation_of_ours() {
    let layer = OAuthLayer::new(slot()).replay(NoReplay);
    let bare = allocations_of(Marking, Empty::<Bytes>::new);
    assert!(bare > 0, "the extensions themselves");
    assert_eq!(allocations_of(layer.layer(Marking), Empty::<Bytes>::new), bare);
}

type MakeRequest = fn() -> Request<Empty<Bytes>>;

/// Requests that the layer leaves alone, and what one costs where the response has extensions.
fn left_alone() -> [(MakeRequest, u64); 3] {
    let foreign = || {
        let mut foreign = request(Empty::new());
        *foreign.uri_mut() = Uri::from_static("https://other.test/v1/things");
        foreign
    };
    let own = || {
        let mut own = request(Empty::new());
        own.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        own
    };
    let opted_out = || {
        let mut opted_out = request(Empty::new());
        opted_out.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        opted_out.extensions_mut().insert(NoToken);
        opted_out
    };
    // That the header is there already is found by appending to it, for which the map makes room.
    [(foreign, 0), (own, 1), (opted_out, 0)]
}

#[test]
fn a_request_that_is_left_alone_costs_nothing_where_the_response_has_extensions() {
    let bare = allocations_of(Marking, Empty::<Bytes>::new);
    for (request, cost) in left_alone() {
        let layer = OAuthLayer::new(slot());
        assert_eq!(allocations_for(layer.clone().layer(Marking), request), bare + cost);
        let once = layer.replay(NoReplay);
        assert_eq!(allocations_for(once.layer(Marking), request), bare + cost);
    }
}

#[test]
fn a_request_that_is_left_alone_costs_the_map_of_extensions_where_the_response_has_none() {
    for (request, cost) in left_alone() {
        let service = OAuthLayer::new(slot()).replay(NoReplay).layer(Noop);
        // `http::Extensions` of one entry: a box and a table. Of the entry itself there is none.
        assert_eq!(allocations_for(service, request), 2 + cost);
    }
}

#[test]
fn a_layer_around_the_layer_that_serves_the_request_costs_nothing_where_there_are_extensions() {
    let inner = OAuthLayer::new(slot()).replay(NoReplay).layer(Marking);
    let other = TokenSlot::builder(StaticToken::new(Token::bearer("other").unwrap()))
        .origins(Origins::parse(["https://other.test"]).unwrap())
        .build();
    let bare = allocations_of(Marking, Empty::<Bytes>::new);
    let both = OAuthLayer::new(other).replay(NoReplay).layer(inner);
    assert_eq!(allocations_of(both, Empty::<Bytes>::new), bare);
}

#[test]
fn a_request_that_passes_a_guard_to_its_origin_costs_nothing() {
    let oauth = OAuthLayer::new(slot()).replay(NoReplay);
    let guarded = oauth.guard().layer(Noop);
    assert_eq!(allocations_of(oauth.layer(guarded), Empty::<Bytes>::new), 0);
}

/// What a guard notes: with one origin, of a request that may be sent again and is no GET, HEAD or OPTIONS;
/// with several, of each.
#[test]
fn what_a_guard_notes_costs_four_allocations_more() {
    let oauth = OAuthLayer::new(slot());
    let again = oauth.clone().replay(CloneBody);
    let bare = allocations_of(again.layer(Noop), kilobyte);
    assert_eq!(allocations_of(again.layer(oauth.guard().layer(Noop)), kilobyte), bare + 4);

    let origins = Origins::parse(["https://api.test", "https://other.test"]).unwrap();
    let several = OAuthLayer::new(slot()).origins(origins).replay(NoReplay);
    let guarded = several.layer(several.guard().layer(Noop));
    let own = || {
        let mut own = request(Empty::<Bytes>::new());
        own.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        own
    };
    let bare = allocations_for(several.guard().layer(Noop), own);
    assert!(bare > 0, "where it was sent is in the response");
    // And what is kept of the request.
    assert_eq!(allocations_of(guarded, Empty::<Bytes>::new), bare + 5);
}

#[test]
fn knowing_where_a_response_came_from_costs_one_for_all_but_the_first_origin() {
    let layer = OAuthLayer::new(slot()).replay(NoReplay).response_uri(|found| found.get());
    assert_eq!(allocations_of(layer.clone().layer(Noop), Empty::<Bytes>::new), 0);
    let second = Origins::parse(["https://other.test", "https://api.test"]).unwrap();
    // The URI.
    assert_eq!(allocations_of(layer.origins(second).layer(Noop), Empty::<Bytes>::new), 1);
}

#[test]
fn a_buffered_request_without_a_body_costs_two() {
    assert_eq!(allocations(Buffered::new(), Empty::<Bytes>::new), 2);
}

#[test]
fn a_buffered_kilobyte_costs_four() {
    assert_eq!(allocations(Buffered::new(), kilobyte), 4);
}

#[test]
fn a_cloned_kilobyte_costs_three() {
    assert_eq!(allocations(CloneBody, kilobyte), 3);
}

#[test]
fn the_future_is_the_inner_one_and_40_bytes_whatever_the_body() {
    fn ours<R: Strategy<B>, B>() -> usize
    where
        Noop: Service<Request<R::Body>, Future = Inner>,
    {
        size_of::<ResponseFuture<Noop, R, B>>() - size_of::<Inner>()
    }
    type Inner = Ready<Result<Response<()>, Infallible>>;
    assert_eq!(size_of::<Inner>(), 112, "a small one");
    let sizes = [
        ours::<NoReplay, Full<Bytes>>(),
        ours::<Buffered, Full<Bytes>>(),
        ours::<CloneBody, Full<Bytes>>(),
        ours::<CloneBody, [u8; 4096]>(),
    ];
    assert_eq!(sizes, [40; 4]);
}
