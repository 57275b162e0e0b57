//! Load shedding around the layer, with nothing that limits it.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use oauth_core::{BoxError, Outcome, ReplayBody};
use oauth_tower::OAuthLayer;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::load_shed::LoadShed;
use tower::load_shed::error::Overloaded;
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

use crate::contract::{Mocked, answer, token_of};
use crate::scripted::{Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

fn is_replayed<B>(response: &Response<B>) -> bool {
    matches!(Outcome::of(response.extensions()), Outcome::Replayed)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_replayed() {
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401]);
    let service = OAuthLayer::new(Issuer::new().slot()).layer(api.clone());
    let response = LoadShed::new(service).oneshot(post(API, full("x"))).await.unwrap();
    assert!(is_replayed(&response));
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t2".into())]);
}

/// A layer that waits is no load: only the inner service says that it is not ready.
#[tokio::test(start_paused = true)]
async fn nothing_is_shed_while_requests_wait_for_a_token() {
    let issuer = Issuer::new();
    issuer.hold();
    let api = Api::<ReplayBody<Full<Bytes>>>::new([]);
    let mut service = LoadShed::new(OAuthLayer::new(issuer.slot()).layer(api.clone()));
    let mut calls = Vec::new();
    for _ in 0..3 {
        let call = service.ready().await.unwrap().call(post(API, full("x")));
        let mut call = task::spawn(call);
        assert_pending!(call.poll());
        calls.push(call);
    }
    issuer.release();
    for call in calls {
        assert_eq!(call.await.unwrap().status(), 200);
    }
    assert_eq!((api.seen().len(), issuer.requests()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_shed_when_the_inner_service_is_not_ready_and_the_next_one_passes() {
    let slot = Issuer::new().ready_slot().await;
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| LoadShed::new(OAuthLayer::new(slot.clone()).layer(inner)));
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    let error = service.call(post(API, full("shed"))).await.unwrap_err();
    assert!(error.is::<Overloaded>());
    assert_pending!(handle.poll_request());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    let (request, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&request), "Bearer t1");
    send.send_response(answer(200));
    assert_ready_ok!(call.poll());
    assert_pending!(handle.poll_request());
}

/// No one can be shed any more: the request was taken.
#[tokio::test(start_paused = true)]
async fn a_second_send_waits_for_the_inner_service_and_is_not_shed() {
    let slot = Issuer::new().ready_slot().await;
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| LoadShed::new(OAuthLayer::new(slot.clone()).layer(inner)));
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    send.send_response(answer(401));
    assert_pending!(call.poll());
    settle().await;
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    assert_ready_ok!(service.poll_ready());
    let error: BoxError = service.call(post(API, full("shed"))).await.unwrap_err();
    assert!(error.is::<Overloaded>());
    handle.allow(1);
    assert!(call.is_woken(), "the service is ready");
    assert_pending!(call.poll());
    let (second, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&second), "Bearer t2");
    send.send_response(answer(200));
    assert!(is_replayed(&assert_ready_ok!(call.poll())));
    assert_pending!(handle.poll_request());
}
