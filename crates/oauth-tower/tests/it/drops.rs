//! A request that is given up, at whatever point, changes nothing for the others.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oauth_core::{ReplayBody, TokenSlot};
use oauth_tower::{Buffered, OAuth, OAuthLayer};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::Layer;
use tower::limit::ConcurrencyLimit;
use tower_test::mock;

use crate::scripted::{Answer, Api, Streamed, full, post, streamed};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

type Mocked = mock::Mock<Request<ReplayBody<Full<Bytes>>>, Response<Full<Bytes>>>;
type Handle = mock::Handle<Request<ReplayBody<Full<Bytes>>>, Response<Full<Bytes>>>;
type Service1 = mock::Spawn<OAuth<ConcurrencyLimit<Mocked>, Buffered>>;

/// A limit of one shows whatever is left behind: no one would be ready any more.
fn limited(slot: &TokenSlot) -> (Service1, Handle) {
    let layer = OAuthLayer::new(slot.clone());
    mock::spawn_with(move |inner| layer.layer(ConcurrencyLimit::new(inner, 1)))
}

fn answer(status: u16) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(full("")).unwrap()
}

/// Another request goes through at once, with this token.
async fn another_goes_through(service: &mut Service1, handle: &mut Handle, token: &str) {
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("y"))));
    assert_pending!(call.poll());
    let (request, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request.headers()["authorization"], token);
    send.send_response(answer(200));
    assert_ready_ok!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn dropped_before_its_first_poll() {
    let (mut service, mut handle) = limited(&Issuer::new().ready_slot().await);
    assert_ready_ok!(service.poll_ready());
    drop(service.call(post(API, full("x"))));
    drop(assert_ready!(handle.poll_request()));
    another_goes_through(&mut service, &mut handle, "Bearer t1").await;
}

#[tokio::test(start_paused = true)]
async fn dropped_while_it_waits_for_a_token_the_flight_goes_on_for_the_others() {
    let issuer = Issuer::new();
    issuer.hold();
    let (mut service, mut handle) = limited(&issuer.slot());
    assert_ready_ok!(service.poll_ready());
    let mut first = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(first.poll());
    assert_ready_ok!(service.poll_ready());
    let mut second = task::spawn(service.call(post(API, full("y"))));
    assert_pending!(second.poll());
    settle().await;
    drop(first);
    issuer.release();
    settle().await;
    assert_pending!(second.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    send.send_response(answer(200));
    assert_ready_ok!(second.poll());
    assert_eq!(issuer.requests(), 1);
    drop(second);
    another_goes_through(&mut service, &mut handle, "Bearer t1").await;
}

#[tokio::test(start_paused = true)]
async fn dropped_while_it_waits_for_the_service_it_gives_its_place_up() {
    let issuer = Issuer::new();
    issuer.hold();
    let (mut service, mut handle) = limited(&issuer.slot());
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    handle.allow(0);
    issuer.release();
    settle().await;
    // It has the only permit now, and the service below is not ready.
    assert_pending!(call.poll());
    drop(call);
    handle.allow(u64::MAX);
    another_goes_through(&mut service, &mut handle, "Bearer t1").await;
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_while_it_waits_for_its_first_response() {
    let (mut service, mut handle) = limited(&Issuer::new().ready_slot().await);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    drop(call);
    send.send_response(answer(401));
    another_goes_through(&mut service, &mut handle, "Bearer t1").await;
}

#[tokio::test(start_paused = true)]
async fn dropped_while_the_token_is_refreshed_the_next_request_has_the_new_one() {
    let issuer = Issuer::new();
    let (mut service, mut handle) = limited(&issuer.ready_slot().await);
    issuer.hold();
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    send.send_response(answer(401));
    assert_pending!(call.poll());
    settle().await;
    drop(call);
    issuer.release();
    settle().await;
    assert_eq!(issuer.requests(), 2);
    another_goes_through(&mut service, &mut handle, "Bearer t2").await;
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropped_while_the_token_is_refreshed_the_first_body_flows_on() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.hold();
    let api = Api::<ReplayBody<Streamed>>::new([Answer::status(401).early()]);
    let mut service = mock::Spawn::new(OAuthLayer::new(slot).layer(api.clone()));
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, streamed(&["one, ", "two"], None))));
    assert_pending!(call.poll());
    let mut first = task::spawn(api.unread());
    assert_pending!(first.enter(|cx, body| http_body::Body::poll_frame(body, cx)));
    drop(call);
    assert!(first.is_woken());
    let (sent, _, complete) = crate::scripted::read(first.into_inner()).await;
    assert_eq!((sent.as_ref(), complete), (&b"one, two"[..], true));
}

#[tokio::test(start_paused = true)]
async fn dropped_while_it_waits_for_its_second_response() {
    let issuer = Issuer::new();
    let (mut service, mut handle) = limited(&issuer.ready_slot().await);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    assert_pending!(call.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    send.send_response(answer(401));
    assert_pending!(call.poll());
    settle().await;
    assert_pending!(call.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    drop(call);
    send.send_response(answer(401));
    another_goes_through(&mut service, &mut handle, "Bearer t2").await;
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropped_without_a_token_while_it_waits_for_its_response() {
    let (mut service, mut handle) = limited(&Issuer::new().ready_slot().await);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post("https://b.test/", full("x"))));
    assert_pending!(call.poll());
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    drop(call);
    drop(send);
    another_goes_through(&mut service, &mut handle, "Bearer t1").await;
}
