//! The second send: the same request, whole, by every strategy; or the reason why there is none.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use http_body_util::{BodyExt, Full};
use oauth_core::{NotReplayed, Outcome, ReplayBody};
use oauth_tower::{Buffered, CloneBody, OAuthLayer};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::{Answer, Api, Seen, Streamed, full, get, post, streamed};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

#[derive(Clone, Debug, PartialEq)]
struct Marker(&'static str);

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("17"));
    trailers
}

/// A request in which everything that can differ from the default does.
fn peculiar<B>(body: B) -> Request<B> {
    let mut request = Request::builder()
        .method(Method::from_bytes(b"REPORT").unwrap())
        .uri("https://api.test/v1/things?a=b&a=c")
        .version(Version::HTTP_2)
        .header("x-many", "one")
        .header("x-many", "two")
        .header("content-type", "text/plain")
        .extension(Marker("kept"))
        .body(body)
        .unwrap();
    request.headers_mut().append("x-many", HeaderValue::from_static("three"));
    request
}

fn assert_the_same_but_for_the_token(seen: &[Seen]) {
    let [first, second] = seen else { panic!("{} sends", seen.len()) };
    assert_eq!((first.token(), second.token()), (Some("Bearer t1"), Some("Bearer t2")));
    assert_eq!(second.head.method, "REPORT");
    assert_eq!(second.head.uri, "https://api.test/v1/things?a=b&a=c");
    assert_eq!(second.head.version, Version::HTTP_2);
    assert_eq!(second.head.extensions.get(), Some(&Marker("kept")));
    let many: Vec<_> = second.head.headers.get_all("x-many").iter().collect();
    assert_eq!(many, ["one", "two", "three"]);
    let without_token = |seen: &Seen| {
        let mut headers = seen.head.headers.clone();
        headers.remove("authorization");
        headers
    };
    assert_eq!(without_token(first), without_token(second));
    assert!(first.complete && second.complete);
    assert_eq!(first.body, second.body);
    assert_eq!(first.trailers, second.trailers);
}

#[tokio::test(start_paused = true)]
async fn the_second_send_of_a_streamed_body_with_trailers_is_the_first_one_again() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Streamed>>::statuses([401]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let body = streamed(&["one, ", "", "two, ", "three"], Some(trailers()));
    let response = service.oneshot(peculiar(body)).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    let seen = api.seen();
    assert_the_same_but_for_the_token(&seen);
    assert_eq!(seen[1].body, "one, two, three");
    assert_eq!(seen[1].trailers, Some(trailers()));
}

#[tokio::test(start_paused = true)]
async fn a_service_with_its_own_body_type_gets_it_back_both_times() {
    let issuer = Issuer::new();
    let api = Api::<axum::body::Body>::statuses([401]);
    let strategy = Buffered::into_body(axum::body::Body::new);
    let service = OAuthLayer::new(issuer.slot()).replay(strategy).layer(api.clone());
    let body = axum::body::Body::new(streamed(&["one, ", "two"], Some(trailers())));
    service.oneshot(peculiar(body)).await.unwrap();
    let seen = api.seen();
    assert_the_same_but_for_the_token(&seen);
    assert_eq!(seen[1].body, "one, two");
    assert_eq!(seen[1].trailers, Some(trailers()));
}

#[tokio::test(start_paused = true)]
async fn a_cloned_body_goes_out_twice() {
    let issuer = Issuer::new();
    let api = Api::<Full<Bytes>>::statuses([401]);
    let service = OAuthLayer::new(issuer.slot()).replay(CloneBody).layer(api.clone());
    service.oneshot(peculiar(full("in memory"))).await.unwrap();
    let seen = api.seen();
    assert_the_same_but_for_the_token(&seen);
    assert_eq!(seen[1].body, "in memory");
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_stays_empty_and_is_replayed() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    service.oneshot(peculiar(full(""))).await.unwrap();
    assert_the_same_but_for_the_token(&api.seen());

    let api = Api::<axum::body::Body>::statuses([401]);
    let strategy = Buffered::into_body(axum::body::Body::new);
    let service = OAuthLayer::new(Issuer::new().slot()).replay(strategy).layer(api.clone());
    service.oneshot(peculiar(axum::body::Body::empty())).await.unwrap();
    assert_the_same_but_for_the_token(&api.seen());
}

#[tokio::test(start_paused = true)]
async fn the_size_of_the_body_is_as_exact_as_without_the_layer() {
    use http_body::Body as _;
    let issuer = Issuer::new();
    let inner = tower::service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
        let exact = request.body().size_hint().exact();
        let status = if exact == Some(5) { 200 } else { 500 };
        let token = request.headers()["authorization"].to_str().unwrap();
        let status = if token == "Bearer t1" { 401 } else { status };
        let response = http::Response::builder().status(status).body(full(""));
        Ok::<_, std::convert::Infallible>(response.unwrap())
    });
    let service = OAuthLayer::new(issuer.slot()).layer(inner);
    let response = service.oneshot(post(API, full("hello"))).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_stream_over_the_cap_is_sent_once_and_the_token_refreshed_for_the_next_request() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let api = Api::<ReplayBody<Streamed>>::new([Answer::status(401).body("no")]);
    let layer = OAuthLayer::new(slot).replay(Buffered::new().cap(8));
    let mut service = layer.layer(api.clone());
    let body = streamed(&["1234", "5678", "9"], None);
    let response = service.ready().await.unwrap().call(post(API, body)).await.unwrap();
    assert_eq!(response.status(), 401);
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::BodyTooLarge)), "{outcome:?}");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "no");
    settle().await;
    assert_eq!(issuer.requests(), 2);
    let body = streamed(&["1234", "5678"], None);
    service.ready().await.unwrap().call(post(API, body)).await.unwrap();
    let seen = api.seen();
    assert_eq!((seen[0].body.as_ref(), seen[0].complete), (&b"123456789"[..], true));
    assert_eq!(seen[1].token(), Some("Bearer t2"));
    assert_eq!(seen.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_exactly_the_cap_is_replayed() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Streamed>>::statuses([401]);
    let layer = OAuthLayer::new(issuer.slot()).replay(Buffered::new().cap(8));
    let response = layer
        .layer(api.clone())
        .oneshot(post(API, streamed(&["1234", "5678"], None)))
        .await
        .unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!(api.seen()[1].body, "12345678");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_says_that_it_is_over_the_cap_is_sent_once_by_either_buffering_strategy() {
    let text = full("123456789");
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401]);
    let layer = OAuthLayer::new(issuer.slot()).replay(Buffered::new().cap(8));
    let response = layer.layer(api.clone()).oneshot(post(API, text.clone())).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::BodyTooLarge)));
    assert_eq!(api.seen()[0].body, "123456789");

    let api = Api::<axum::body::Body>::statuses([401]);
    let strategy = Buffered::into_body(axum::body::Body::new).cap(8);
    let layer = OAuthLayer::new(issuer.slot()).replay(strategy);
    let body = axum::body::Body::new(text);
    let response = layer.layer(api.clone()).oneshot(post(API, body)).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::BodyTooLarge)));
    assert_eq!(api.seen()[0].body, "123456789");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_failed_in_the_first_send_is_not_sent_again() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Streamed>>::statuses([401]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let frames = [Ok(http_body::Frame::data(Bytes::from_static(b"a"))), Err("torn".into())];
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    let response = service.oneshot(post(API, body.boxed_unsync())).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::BodyUnavailable)));
    assert_eq!(api.seen().len(), 1);
}

/// Polls a body once.
fn frame<B>(body: &mut task::Spawn<B>) -> std::task::Poll<Option<Result<(), B::Error>>>
where
    B: http_body::Body,
{
    body.enter(|cx, body| body.poll_frame(cx).map(|frame| frame.map(|frame| frame.map(drop))))
}

#[tokio::test(start_paused = true)]
async fn after_an_early_401_the_first_body_stands_still_until_the_second_send_takes_it_over() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.hold();
    let api = Api::<ReplayBody<Streamed>>::new([Answer::status(401).early()]);
    let mut service = OAuthLayer::new(slot).layer(api.clone());
    service.ready().await.unwrap();
    let body = streamed(&["one, ", "two, ", "three"], Some(trailers()));
    let mut call = task::spawn(service.call(post(API, body)));
    assert_pending!(call.poll());
    let mut first = task::spawn(api.unread());
    assert_pending!(frame(&mut first));
    issuer.release();
    settle().await;
    let response = assert_ready_ok!(call.poll());
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    let seen = api.seen();
    assert_eq!(seen[1].body, "one, two, three");
    assert_eq!(seen[1].trailers, Some(trailers()));
    assert!(seen[1].complete);
    assert!(first.is_woken(), "or its connection waits for ever");
    let error = assert_ready!(frame(&mut first)).expect("no clean end").unwrap_err();
    assert!(error.is_taken_over());
}

#[tokio::test(start_paused = true)]
async fn after_an_early_401_and_a_failed_refresh_the_first_body_flows_on() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.hold();
    issuer.fail();
    let api = Api::<ReplayBody<Streamed>>::new([Answer::status(401).early().body("no")]);
    let mut service = OAuthLayer::new(slot).layer(api.clone());
    service.ready().await.unwrap();
    let mut call = task::spawn(service.call(post(API, streamed(&["one, ", "two"], None))));
    assert_pending!(call.poll());
    let mut first = task::spawn(api.unread());
    assert_pending!(frame(&mut first));
    issuer.release();
    settle().await;
    let response = assert_ready_ok!(call.poll());
    assert!(matches!(Outcome::of(response.extensions()), Outcome::RefreshFailed(_)));
    assert!(first.is_woken(), "or the 401 and its upload wait for each other");
    let (sent, _, complete) = crate::scripted::read(first.into_inner()).await;
    assert_eq!((sent.as_ref(), complete), (&b"one, two"[..], true));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "no");
}

#[tokio::test(start_paused = true)]
async fn after_an_early_401_over_the_cap_the_first_body_flows_on() {
    let slot = Issuer::new().ready_slot().await;
    let api = Api::<ReplayBody<Full<Bytes>>>::new([Answer::status(401).early()]);
    let layer = OAuthLayer::new(slot).replay(Buffered::new().cap(3));
    let response = layer.layer(api.clone()).oneshot(post(API, full("four"))).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::BodyTooLarge)));
    let (sent, _, complete) = crate::scripted::read(api.unread()).await;
    assert_eq!((sent.as_ref(), complete), (&b"four"[..], true));
}

#[tokio::test(start_paused = true)]
async fn an_early_response_that_is_delivered_ends_the_keeping_of_the_body() {
    let slot = Issuer::new().ready_slot().await;
    let api = Api::<ReplayBody<Streamed>>::new([Answer::status(202).early()]);
    let mut service = OAuthLayer::new(slot).layer(api.clone());
    service.ready().await.unwrap();
    let alive = std::sync::Arc::new(());
    let held = alive.clone();
    let frames = futures_util::stream::unfold(held, |held| async move {
        Some((Ok(http_body::Frame::data(Bytes::from_static(b"x"))), held))
    });
    let body = http_body_util::StreamBody::new(frames).boxed_unsync();
    let mut call = task::spawn(service.call(post(API, body)));
    let _response = assert_ready_ok!(call.poll());
    let mut first = task::spawn(api.unread());
    assert!(frame(&mut first).is_ready());
    drop(first);
    // The finished call is still held, as in a `select!`.
    assert_eq!(std::sync::Arc::strong_count(&alive), 1, "the upload is over");
}

#[tokio::test(start_paused = true)]
async fn requests_that_get_no_token_keep_nothing_of_their_body() {
    let slot = Issuer::new().ready_slot().await;
    let api = Api::<ReplayBody<Streamed>>::statuses([401]);
    let service = OAuthLayer::new(slot).layer(api.clone());
    let body = streamed(&["a", "b"], Some(trailers()));
    let response = service.oneshot(post("https://elsewhere.test/", body)).await.unwrap();
    assert_eq!(response.status(), 401);
    let seen = api.seen();
    assert_eq!((seen.len(), seen[0].body.as_ref()), (1, &b"ab"[..]));
    assert_eq!(seen[0].trailers, Some(trailers()));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_to_speak_of_is_replayed_for_every_default() {
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401]);
    let service = OAuthLayer::new(Issuer::new().slot()).layer(api.clone());
    let response = service.oneshot(get(API)).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!(api.seen().len(), 2);
}
