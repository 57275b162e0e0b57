//! The layer over and under Tower's own and tower-http's, and what is `Clone`, `Send` and `Sync`.

use std::future::{Ready, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_core::{BoxError, Outcome, ReplayBody};
use oauth_tower::{Buffered, CloneBody, Error, NoReplay, OAuth, OAuthLayer, ResponseFuture};
use tower::buffer::Buffer;
use tower::load_shed::error::Overloaded;
use tower::retry::{Policy, Retry};
use tower::timeout::error::Elapsed;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_http::trace::TraceLayer;

use crate::scripted::{Answer, Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer};

const LONG: Duration = Duration::from_secs(60);

type Plain = Api<ReplayBody<Full<Bytes>>>;

fn is_replayed<B>(response: &Response<B>) -> bool {
    matches!(Outcome::of(response.extensions()), Outcome::Replayed)
}

/// Sends one request and asserts that it went out twice, the second time with another token.
async fn replays<S, B>(service: S, api: &Plain)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    let response = service.oneshot(post(API, full("x"))).await.map_err(Into::into).unwrap();
    assert!(is_replayed(&response));
    assert_eq!(response.status(), 200);
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t2".into())]);
}

#[tokio::test(start_paused = true)]
async fn between_time_limits() {
    let api = Plain::statuses([401]);
    let stack = ServiceBuilder::new()
        .timeout(LONG)
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .timeout(LONG)
        .service(api.clone());
    replays(stack, &api).await;
}

#[tokio::test(start_paused = true)]
async fn under_and_over_a_buffer() {
    let api = Plain::statuses([401]);
    let stack = ServiceBuilder::new()
        .buffer(4)
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .buffer(4)
        .service(api.clone());
    replays(stack, &api).await;
}

#[tokio::test(start_paused = true)]
async fn over_a_buffer_with_one_place() {
    let api = Plain::statuses([401]);
    let service = OAuthLayer::new(Issuer::new().slot()).layer(Buffer::new(api.clone(), 1));
    replays(service, &api).await;
}

#[tokio::test(start_paused = true)]
async fn under_and_over_load_shedding_with_a_limit_of_one() {
    let api = Plain::statuses([401]);
    let stack = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .load_shed()
        .concurrency_limit(1)
        .service(api.clone());
    replays(stack, &api).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_shed_below_fails_with_the_shedders_error() {
    let (mock, mut handle) =
        tower_test::mock::pair::<Request<Full<Bytes>>, Response<Full<Bytes>>>();
    handle.allow(0);
    let stack = ServiceBuilder::new()
        .layer(OAuthLayer::new(Issuer::new().slot()).replay(CloneBody))
        .load_shed()
        .service(mock);
    let error = stack.oneshot(post(API, full("x"))).await.unwrap_err();
    assert!(matches!(error, Error::Inner(inner) if inner.is::<Overloaded>()));
}

#[tokio::test(start_paused = true)]
async fn over_a_rate_limit_behind_a_buffer_the_second_send_waits_for_its_turn() {
    let api = Plain::statuses([401]);
    let started = tokio::time::Instant::now();
    let stack = ServiceBuilder::new()
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .buffer(1)
        .rate_limit(1, Duration::from_secs(7))
        .service(api.clone());
    replays(stack, &api).await;
    assert_eq!(started.elapsed().as_secs(), 7);
}

/// Each send takes its turn below; above, both are one.
#[tokio::test(start_paused = true)]
async fn under_a_rate_limit_behind_a_buffer_two_sends_count_as_one() {
    let api = Plain::statuses([401]);
    let started = tokio::time::Instant::now();
    let mut stack = ServiceBuilder::new()
        .buffer(1)
        .rate_limit(1, Duration::from_secs(7))
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .service(api.clone());
    replays(stack.clone(), &api).await;
    assert_eq!(started.elapsed().as_secs(), 0);
    stack.ready().await.unwrap().call(post(API, full("x"))).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 7);
    assert_eq!(api.tokens(), [Some("Bearer t2".into())]);
}

/// The limit is around the whole request: its permit is kept while the token is refreshed, and the token
/// request must not need it.
#[tokio::test(start_paused = true)]
async fn under_a_limit_of_one_a_request_keeps_its_place_until_it_has_its_response() {
    let api = Plain::statuses([401]);
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.hold();
    let stack = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(OAuthLayer::new(slot))
        .service(api.clone());
    let mut first = tokio_test::task::spawn(stack.clone().oneshot(post(API, full("1"))));
    assert!(first.poll().is_pending());
    let mut second = tokio_test::task::spawn(stack.oneshot(post(API, full("2"))));
    assert!(second.poll().is_pending());
    issuer.release();
    assert!(is_replayed(&first.await.unwrap()));
    assert!(!is_replayed(&second.await.unwrap()));
    let bodies: Vec<_> = api.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["1", "1", "2"]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn under_load_shedding_a_second_request_is_shed_while_the_first_is_refreshed() {
    let api = Plain::statuses([401]);
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.hold();
    let stack = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .layer(OAuthLayer::new(slot))
        .service(api.clone());
    let mut first = tokio_test::task::spawn(stack.clone().oneshot(post(API, full("1"))));
    assert!(first.poll().is_pending());
    let error = stack.oneshot(post(API, full("2"))).await.unwrap_err();
    assert!(error.is::<Overloaded>());
    issuer.release();
    assert!(is_replayed(&first.await.unwrap()));
    assert_eq!(api.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_outside_covers_the_wait_for_the_token() {
    let issuer = Issuer::new();
    issuer.hold();
    let api = Plain::new([]);
    let stack = ServiceBuilder::new()
        .timeout(Duration::from_secs(3))
        .layer(OAuthLayer::new(issuer.slot()))
        .service(api.clone());
    let error = stack.oneshot(post(API, full("x"))).await.unwrap_err();
    assert!(error.is::<Elapsed>());
    assert_eq!(api.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_inside_is_for_each_send_alone() {
    let slow = tower::service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let refused = request.headers()["authorization"] == "Bearer t1";
        let status = if refused { 401 } else { 200 };
        Ok::<_, BoxError>(Response::builder().status(status).body(full("")).unwrap())
    });
    let stack = ServiceBuilder::new()
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .timeout(Duration::from_secs(3))
        .service(slow);
    let response = stack.oneshot(post(API, full("x"))).await.unwrap();
    assert!(is_replayed(&response));
}

/// Tries again after a 503.
#[derive(Clone)]
struct After503;

impl<E> Policy<Request<Full<Bytes>>, Response<Full<Bytes>>, E> for After503 {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<Full<Bytes>>, E>,
    ) -> Option<Ready<()>> {
        result.as_ref().is_ok_and(|answer| answer.status() == 503).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn under_a_retry_layer_every_try_is_replayed_for_itself() {
    let issuer = Issuer::new();
    let api = Plain::statuses([401, 503, 200]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let response = Retry::new(After503, service).oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let (old, new) = (Some("Bearer t1".to_owned()), Some("Bearer t2".to_owned()));
    assert_eq!(api.tokens(), [old, new.clone(), new]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn over_a_retry_layer_the_tries_carry_one_token() {
    let issuer = Issuer::new();
    let api = Api::<Full<Bytes>>::statuses([503, 401, 503, 200]);
    let stack = OAuthLayer::new(issuer.slot()).replay(CloneBody);
    let service = stack.layer(Retry::new(After503, api.clone()));
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert!(is_replayed(&response));
    let (old, new) = (Some("Bearer t1".to_owned()), Some("Bearer t2".to_owned()));
    assert_eq!(api.tokens(), [old.clone(), old, new.clone(), new]);
}

#[tokio::test(start_paused = true)]
async fn between_tracing_layers() {
    let api = Plain::statuses([401]);
    let stack = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(OAuthLayer::new(Issuer::new().slot()))
        .layer(TraceLayer::new_for_http())
        .service(api.clone());
    replays(stack, &api).await;
}

#[tokio::test(start_paused = true)]
async fn boxed_and_cloned() {
    let api = Plain::statuses([401]);
    let service = OAuthLayer::new(Issuer::new().slot()).layer(api.clone());
    replays(tower::util::BoxCloneSyncService::new(service), &api).await;
}

#[tokio::test(start_paused = true)]
async fn two_layers_attach_one_token_and_the_outer_one_wins() {
    let issuer = Issuer::new();
    let api = Api::new([Answer::status(401)]);
    let slot = issuer.slot();
    let stack = ServiceBuilder::new()
        .layer(OAuthLayer::new(slot.clone()))
        .layer(OAuthLayer::new(slot))
        .service(api.clone());
    let response = stack.oneshot(post(API, full("x"))).await.unwrap();
    assert!(is_replayed(&response));
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t2".into())]);
}

#[tokio::test(start_paused = true)]
async fn errors_go_through_the_question_mark() {
    async fn call(issuer: &Issuer, api: Plain) -> anyhow::Result<http::StatusCode> {
        let service = OAuthLayer::new(issuer.slot()).layer(api);
        Ok(service.oneshot(post(API, full("x"))).await?.status())
    }
    let issuer = Issuer::new();
    assert_eq!(call(&issuer, Plain::new([])).await.unwrap(), 200);
    let error = call(&issuer, Plain::new([Answer::broken()])).await.unwrap_err();
    assert_eq!(error.to_string(), "the request failed: the connection broke");
    issuer.fail();
    let error = call(&issuer, Plain::new([])).await.unwrap_err();
    let why = "no token for the request: the token source failed: the issuer says no";
    assert_eq!(error.to_string(), why);
    assert!(error.chain().any(|cause| cause.is::<oauth_core::Error>()));
}

type Hyper<B> = Client<HttpConnector, B>;

fn client<B>() -> Hyper<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new()).build_http()
}

fn is_send_sync_clone<T: Clone + Send + Sync + 'static>(_: &T) {}

#[tokio::test]
async fn services_are_clone_send_and_sync_and_their_futures_are_send() {
    fn is_send<T: Send + 'static>(_: T) {}
    let layer = OAuthLayer::new(Issuer::new().slot());
    is_send_sync_clone(&layer);

    let mut generic = layer.layer(client::<ReplayBody<Full<Bytes>>>());
    is_send_sync_clone(&generic);
    is_send(generic.call(post(API, full("x"))));

    let strategy = Buffered::into_body(axum::body::Body::new);
    let mut typed = layer.clone().replay(strategy).layer(client::<axum::body::Body>());
    is_send_sync_clone(&typed);
    is_send(typed.call(post(API, axum::body::Body::empty())));

    let mut cloned = layer.clone().replay(CloneBody).layer(client::<Full<Bytes>>());
    is_send_sync_clone(&cloned);
    is_send(cloned.call(post(API, full("x"))));

    let mut once = layer.replay(NoReplay).layer(client::<axum::body::Body>());
    is_send_sync_clone(&once);
    is_send(once.call(post(API, axum::body::Body::empty())));
}

/// The types can be named.
#[expect(dead_code, reason = "it compiles")]
struct Named {
    service: OAuth<Hyper<ReplayBody<Full<Bytes>>>, Buffered>,
    call: ResponseFuture<Hyper<ReplayBody<Full<Bytes>>>, Buffered, Full<Bytes>>,
}
