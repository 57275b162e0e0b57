//! A future that has given its result and is polled again panics, and says why.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oauth_core::{NoToken, OnForeignOrigin, ReplayBody, TokenSlot};
use oauth_tower::{Buffered, Error, NoReplay, OAuth, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::{Answer, Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer};

type Plain = Api<ReplayBody<Full<Bytes>>>;
type Answered = Result<Response<Full<Bytes>>, Error>;

/// Calls, has the result, and asserts how another poll ends.
async fn is_over_after<S>(mut service: S, request: Request<Full<Bytes>>) -> Answered
where
    S: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Error>,
{
    let mut call = pin!(service.ready().await.unwrap().call(request));
    let result = call.as_mut().await;
    let again = catch_unwind(AssertUnwindSafe(|| {
        call.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }));
    let message = again.unwrap_err();
    let message = message.downcast_ref::<&str>();
    assert_eq!(message, Some(&"`ResponseFuture` polled after it was ready"));
    result
}

fn request() -> Request<Full<Bytes>> {
    post(API, full("x"))
}

fn over(slot: TokenSlot, api: Plain) -> OAuth<Plain, Buffered> {
    OAuthLayer::new(slot).layer(api)
}

#[tokio::test(start_paused = true)]
async fn after_a_response() {
    let service = over(Issuer::new().ready_slot().await, Api::statuses([200]));
    assert_eq!(is_over_after(service, request()).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn after_a_response_that_was_asked_where_it_came_from() {
    let layer = OAuthLayer::new(Issuer::new().ready_slot().await).response_uri(|found| found.get());
    let service = layer.layer(Plain::statuses([200]));
    assert_eq!(is_over_after(service, request()).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn after_a_response_without_a_token() {
    let service = over(Issuer::new().ready_slot().await, Api::statuses([401]));
    let mut request = request();
    request.extensions_mut().insert(NoToken);
    assert_eq!(is_over_after(service, request).await.unwrap().status(), 401);
}

#[tokio::test(start_paused = true)]
async fn after_the_response_to_a_second_send() {
    let service = over(Issuer::new().slot(), Api::statuses([401]));
    assert_eq!(is_over_after(service, request()).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn after_a_401_that_is_not_replayed() {
    let layer = OAuthLayer::new(Issuer::new().ready_slot().await).replay(NoReplay);
    let service = layer.layer(Api::<Full<Bytes>>::statuses([401]));
    assert_eq!(is_over_after(service, request()).await.unwrap().status(), 401);
}

#[tokio::test(start_paused = true)]
async fn after_a_401_whose_token_could_not_be_refreshed() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.fail();
    let service = over(slot, Api::statuses([401]));
    assert_eq!(is_over_after(service, request()).await.unwrap().status(), 401);
}

#[tokio::test(start_paused = true)]
async fn after_the_error_of_a_first_send() {
    let service = over(Issuer::new().ready_slot().await, Api::new([Answer::broken()]));
    assert!(is_over_after(service, request()).await.unwrap_err().as_token().is_none());
}

#[tokio::test(start_paused = true)]
async fn after_the_error_of_a_second_send() {
    let answers = [Answer::status(401), Answer::broken()];
    let service = over(Issuer::new().ready_slot().await, Api::new(answers));
    assert!(is_over_after(service, request()).await.unwrap_err().as_token().is_none());
}

#[tokio::test(start_paused = true)]
async fn after_the_error_that_there_is_no_token() {
    let issuer = Issuer::new();
    issuer.fail();
    let service = over(issuer.slot(), Api::new([]));
    assert!(is_over_after(service, request()).await.unwrap_err().as_token().is_some());
}

#[tokio::test(start_paused = true)]
async fn after_a_request_that_was_refused_unsent() {
    let layer = OAuthLayer::new(Issuer::new().ready_slot().await)
        .on_foreign_origin(OnForeignOrigin::Refuse);
    let service = layer.layer(Plain::new([]));
    let foreign = post("https://b.test/", full("x"));
    assert!(is_over_after(service, foreign).await.unwrap_err().as_token().is_some());
}
