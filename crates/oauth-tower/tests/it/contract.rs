//! What Tower asks of a service: when it is ready, what it holds while it waits, and what it lets go.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use oauth_core::clock::TokioClock;
use oauth_core::{OnForeignOrigin, Origins, Outcome, ReplayBody, Token, TokenSlot, source_fn};
use oauth_tower::grpc::Grpc;
use oauth_tower::{CloneBody, Error, OAuth, OAuthLayer};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

use crate::scripted::{Answer, Api, full, get, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

pub type Mocked = mock::Mock<Request<ReplayBody<Full<Bytes>>>, Response<Full<Bytes>>>;

pub fn token_of<B>(request: &Request<B>) -> &str {
    request.headers()[AUTHORIZATION].to_str().unwrap()
}

pub fn answer(status: u16) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(full("")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_inner_service_can_be_looked_at_changed_and_had_back() {
    let layer = OAuthLayer::new(Issuer::new().slot());
    let mut service = layer.clone().layer(String::from("inner"));
    service.get_mut().push_str(" changed");
    assert_eq!(service.get_ref(), "inner changed");
    assert_eq!(service.into_inner(), "inner changed");
    let mut calls = layer.grpc().layer(String::from("inner"));
    calls.get_mut().push_str(" changed");
    assert_eq!(calls.get_ref(), "inner changed");
    assert_eq!(calls.into_inner(), "inner changed");
}

#[tokio::test(start_paused = true)]
async fn a_service_can_be_made_without_naming_the_layer() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401]);
    let service = OAuth::new(api.clone(), issuer.ready_slot().await);
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!(api.tokens(), [Some("Bearer t1".to_owned()), Some("Bearer t2".to_owned())]);

    let refused = Answer::status(200).header("grpc-status", "16");
    let api = Api::<ReplayBody<Full<Bytes>>>::new([refused]);
    let service = Grpc::new(api.clone(), issuer.ready_slot().await);
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!(api.tokens().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_layer_is_ready_only_when_the_inner_service_is() {
    let slot = Issuer::new().ready_slot().await;
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| OAuthLayer::new(slot.clone()).layer(inner));
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    handle.send_error("closed for today");
    let error = tokio_test::assert_ready_err!(service.poll_ready());
    assert!(matches!(error, Error::Inner(inner) if inner.to_string() == "closed for today"));
}

#[tokio::test(start_paused = true)]
async fn the_second_send_waits_until_the_service_says_again_that_it_is_ready() {
    let slot = Issuer::new().ready_slot().await;
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| OAuthLayer::new(slot.clone()).layer(inner));
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    let (first, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&first), "Bearer t1");
    send.send_response(answer(401));
    assert!(call.is_woken());
    assert_pending!(call.poll());
    settle().await;
    assert!(call.is_woken(), "the new token is there");
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    handle.allow(1);
    assert!(call.is_woken(), "the service is ready");
    assert_pending!(call.poll());
    let (second, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&second), "Bearer t2");
    send.send_response(answer(200));
    let response = assert_ready_ok!(call.poll());
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_pending!(handle.poll_request());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_for_its_token_is_sent_only_when_the_service_is_ready_again() {
    let issuer = Issuer::new();
    issuer.hold();
    let slot = issuer.slot();
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| OAuthLayer::new(slot.clone()).layer(inner));
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    settle().await;
    assert_pending!(handle.poll_request());
    handle.allow(0);
    issuer.release();
    settle().await;
    assert!(call.is_woken(), "the token is there");
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    handle.allow(1);
    assert!(call.is_woken(), "the service is ready");
    assert_pending!(call.poll());
    let (request, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&request), "Bearer t1");
    send.send_response(answer(200));
    assert_ready_ok!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_before_the_second_send_fails_the_request() {
    let slot = Issuer::new().ready_slot().await;
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| OAuthLayer::new(slot.clone()).layer(inner));
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    send.send_response(answer(401));
    assert_pending!(call.poll());
    settle().await;
    handle.send_error("gone");
    let error = tokio_test::assert_ready_err!(call.poll());
    assert!(matches!(error, Error::Inner(inner) if inner.to_string() == "gone"));
}

/// A slot whose token requests go through the very service that the API requests go through.
fn slot_through<S>(service: S) -> TokenSlot
where
    S: Service<Request<ReplayBody<Full<Bytes>>>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<oauth_core::BoxError>,
{
    let minted = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let source = source_fn(move || {
        let (service, minted) = (service.clone(), minted.clone());
        async move {
            let request = get("https://issuer.test/token");
            service.oneshot(request).await.map_err(|e| oauth_core::Error::permanent(e.into()))?;
            let number = 1 + minted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Token::bearer(format!("t{number}"))
        }
    });
    let origins = Origins::parse([API]).unwrap();
    TokenSlot::builder(source).origins(origins).clock(TokioClock::new()).build()
}

#[tokio::test(start_paused = true)]
async fn over_a_limit_of_one_the_permit_is_free_for_the_token_request() {
    let api = Api::new([]);
    let limited = ConcurrencyLimit::new(api.clone(), 1);
    let service = OAuthLayer::new(slot_through(limited.clone())).layer(limited);
    service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(api.tokens(), [None, Some("Bearer t1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn over_a_limit_of_one_the_permit_of_the_first_send_is_free_for_the_refresh() {
    let api = Api::statuses([200, 401, 200, 200]);
    let limited = ConcurrencyLimit::new(api.clone(), 1);
    let service = OAuthLayer::new(slot_through(limited.clone())).layer(limited);
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let expected = [None, Some("Bearer t1".into()), None, Some("Bearer t2".into())];
    assert_eq!(api.tokens(), expected);
}

#[tokio::test(start_paused = true)]
async fn over_a_limit_of_one_a_handle_that_is_kept_holds_no_permit_while_it_waits() {
    let issuer = Issuer::new();
    issuer.hold();
    let limited = ConcurrencyLimit::new(Api::<ReplayBody<Full<Bytes>>>::new([]), 1);
    let mut service = OAuthLayer::new(issuer.slot()).layer(limited.clone());
    service.ready().await.unwrap();
    let mut waiting = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(waiting.poll());
    let mut other = task::spawn(limited.oneshot(get("https://elsewhere.test/")));
    assert_ready_ok!(other.poll());
    issuer.release();
    settle().await;
    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn over_a_limit_of_one_a_token_that_ended_while_the_service_was_busy_frees_the_permit_again()
{
    let issuer = Issuer::new();
    issuer.hold();
    let slot = issuer.slot();
    let (mock, mut handle) = mock::pair();
    let limited: ConcurrencyLimit<Mocked> = ConcurrencyLimit::new(mock, 1);
    let mut service = OAuthLayer::new(slot).layer(limited.clone());
    service.ready().await.unwrap();
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    handle.allow(0);
    issuer.release();
    settle().await;
    assert_pending!(call.poll());
    tokio::time::advance(Duration::from_secs(3600)).await;
    handle.allow(u64::MAX);
    assert_pending!(call.poll());
    settle().await;
    assert_eq!(issuer.requests(), 2, "the first token has ended");
    let mut other = limited.clone();
    let mut ready = task::spawn(other.ready());
    assert_ready_ok!(ready.poll(), "the token request may need the permit");
    drop(ready);
    drop(other);
    issuer.release();
    settle().await;
    assert_pending!(call.poll());
    let (request, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&request), "Bearer t2");
    send.send_response(answer(200));
    assert_ready_ok!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn over_a_limit_of_one_a_request_that_is_refused_leaves_no_permit_with_its_handle() {
    let slot = Issuer::new().ready_slot().await;
    let limited = ConcurrencyLimit::new(Api::<ReplayBody<Full<Bytes>>>::new([]), 1);
    let mut service =
        OAuthLayer::new(slot).on_foreign_origin(OnForeignOrigin::Refuse).layer(limited.clone());
    let foreign = post("https://b.test/", full("x"));
    let mut full_map = post(API, full("x"));
    *full_map.headers_mut() = crowded();
    for request in [foreign, full_map] {
        service.ready().await.unwrap().call(request).await.unwrap_err();
        let mut other = task::spawn(limited.clone().oneshot(get(API)));
        assert_ready_ok!(other.poll());
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_401_is_dropped_before_the_second_send() {
    let slot = Issuer::new().ready_slot().await;
    let inner = tower_test::mock::pair::<Request<Full<Bytes>>, Response<std::sync::Arc<()>>>();
    let (inner, mut handle) = inner;
    let service = OAuthLayer::new(slot).replay(CloneBody).layer(inner);
    let mut call = task::spawn(service.oneshot(post(API, full("x"))));
    assert_pending!(call.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    let body = std::sync::Arc::new(());
    send.send_response(Response::builder().status(401).body(body.clone()).unwrap());
    assert_pending!(call.poll());
    assert_eq!(std::sync::Arc::strong_count(&body), 2, "it may have to be delivered");
    settle().await;
    assert_pending!(call.poll());
    let _second = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(std::sync::Arc::strong_count(&body), 1);
}

fn crowded() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for i in 0..1 << 16 {
        let name = HeaderName::from_bytes(format!("x-{i}").as_bytes()).unwrap();
        if headers.try_insert(name, HeaderValue::from_static("x")).is_err() {
            return headers;
        }
    }
    panic!("a header map without end");
}

#[tokio::test(start_paused = true)]
async fn a_header_map_without_room_is_an_error_with_a_token_and_while_waiting_for_one() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Full<Bytes>>>::new([]);
    let mut service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    for _ in 0..2 {
        let mut request = post(API, full("x"));
        *request.headers_mut() = crowded();
        let error = service.ready().await.unwrap().call(request).await.unwrap_err();
        let error = error.as_token().expect("ours");
        assert_eq!(error.to_string(), "the request has too many headers for one more");
    }
    assert_eq!(api.seen().len(), 0);
}
