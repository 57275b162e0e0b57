//! The end of a request's time limit, wherever the request is then: the error says so, nothing of it is
//! kept, and what comes too late is not sent.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oauth_core::{Deadline, DeadlineElapsed, NoToken, ReplayBody, TokenSlot};
use oauth_tower::{Error, NoReplay, OAuthLayer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tower::limit::ConcurrencyLimitLayer;
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::scripted::{Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

type Plain = Api<ReplayBody<Full<Bytes>>>;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn within(limit: Duration, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.extensions_mut().insert(Deadline::within(limit));
    request
}

fn order() -> Request<Full<Bytes>> {
    post(API, full("x"))
}

fn assert_elapsed(error: &Error) {
    let Error::Inner(inner) = error else { panic!("{error:?}") };
    assert!(inner.is::<DeadlineElapsed>(), "{error:?}");
    let text = inner.to_string();
    assert_eq!(text, "timed out: no response from the API within the request's time limit");
}

/// What the request could have, and that it is not sent.
#[tokio::test(start_paused = true)]
async fn a_request_whose_time_is_over_is_not_sent_and_holds_no_place() {
    let own = || {
        let mut request = order();
        request.headers_mut().insert("authorization", "Bearer mine".parse().unwrap());
        request
    };
    let opted_out = || {
        let mut request = order();
        request.extensions_mut().insert(NoToken);
        request
    };
    let foreign = || post("https://b.test/", full("x"));
    let slot = Issuer::new().ready_slot().await;
    let api = Plain::new([]);
    let stack = OAuthLayer::new(slot).layer(ConcurrencyLimitLayer::new(1).layer(api.clone()));
    for request in [order(), own(), opted_out(), foreign()] {
        let mut service = stack.clone();
        let call = service.ready().await.unwrap().call(within(Duration::ZERO, request));
        // Its place is free before it is polled.
        assert_eq!(stack.clone().oneshot(order()).await.unwrap().status(), 200);
        assert_elapsed(&call.await.unwrap_err());
    }
    assert_eq!(api.seen().len(), 4);
}

/// There is no valid token, and nothing is waited for.
#[tokio::test(start_paused = true)]
async fn a_request_whose_time_is_over_before_there_is_a_token_fails_at_once() {
    let issuer = Issuer::new();
    issuer.hold();
    let (slot, api) = (issuer.slot(), Plain::new([]));
    let began = Instant::now();
    let service = OAuthLayer::new(slot).layer(api.clone());
    let error = service.oneshot(within(Duration::ZERO, order())).await.unwrap_err();
    assert!(error.as_token().unwrap().is_timeout(), "{error:?}");
    assert!(began.elapsed() <= ms(2));
    assert_eq!(api.seen().len(), 0);
}

/// A slot that another request holds for the first, and the second send.
#[tokio::test(start_paused = true)]
async fn an_inner_service_that_is_not_ready_counts() {
    for first in [true, false] {
        let issuer = Issuer::new();
        let slot = if first { issuer.slot() } else { issuer.ready_slot().await };
        issuer.takes(ms(100));
        let place = Arc::new(Semaphore::new(1));
        let api = Plain::statuses([401]);
        let limited = tower::limit::ConcurrencyLimit::with_semaphore(api.clone(), place.clone());
        let service = OAuthLayer::new(slot).layer(limited);
        let began = Instant::now();
        let call = tokio::spawn(service.oneshot(within(ms(500), order())));
        // While the token is on its way, the place is free.
        settle().await;
        sleep(ms(50)).await;
        let taken = place.clone().try_acquire_owned().unwrap();
        assert_elapsed(&call.await.unwrap().unwrap_err());
        let after = began.elapsed();
        assert!((ms(500)..=ms(502)).contains(&after), "{after:?}");
        drop(taken);
        assert_eq!(place.available_permits(), 1);
        assert_eq!(api.seen().len(), usize::from(!first));
    }
}

type Answered = Response<Full<Bytes>>;

/// A service that never responds, and what each of its calls holds.
fn hanging(held: &Arc<()>) -> BoxCloneService<Request<Full<Bytes>>, Answered, Error> {
    let held = held.clone();
    let inner = service_fn(move |_: Request<Full<Bytes>>| {
        let held = held.clone();
        async move {
            pending::<()>().await;
            drop(held);
            Ok::<Answered, Infallible>(Response::default())
        }
    });
    let slot = TokenSlot::builder(oauth_core::source_fn(|| async {
        Ok(oauth_core::Token::bearer("t1")?.expires_in(Duration::from_secs(3600)))
    }));
    let slot = slot.origins(oauth_core::Origins::parse([API]).unwrap()).build();
    BoxCloneService::new(OAuthLayer::new(slot).replay(NoReplay).layer(inner))
}

#[tokio::test(start_paused = true)]
async fn a_future_that_has_ended_by_its_limit_keeps_nothing_of_the_request() {
    let held = Arc::new(());
    let mut service = hanging(&held);
    let idle = Arc::strong_count(&held);
    for opted_out in [false, true] {
        let mut request = within(ms(500), order());
        if opted_out {
            request.extensions_mut().insert(NoToken);
        }
        let mut call = pin!(service.ready().await.unwrap().call(request));
        tokio::select! {
            biased;
            _ = &mut call => panic!("answered"),
            () = sleep(ms(400)) => {}
        }
        assert_eq!(Arc::strong_count(&held), idle + 1);
        assert_elapsed(&call.as_mut().await.unwrap_err());
        assert_eq!(Arc::strong_count(&held), idle, "{opted_out}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_has_ended_by_its_limit_is_not_polled_again() {
    let slot = Issuer::new().ready_slot().await;
    let inner = service_fn(|_: Request<Full<Bytes>>| pending::<Result<Answered, Infallible>>());
    let mut service = OAuthLayer::new(slot).replay(NoReplay).layer(inner);
    let mut call = pin!(service.ready().await.unwrap().call(within(ms(500), order())));
    assert_elapsed(&call.as_mut().await.unwrap_err());
    let again = catch_unwind(AssertUnwindSafe(|| {
        call.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }));
    let message = again.unwrap_err();
    let message = message.downcast_ref::<&str>();
    assert_eq!(message, Some(&"`ResponseFuture` polled after it was ready"));
}

/// Its head is there in time; what the body takes is the caller's business.
#[tokio::test(start_paused = true)]
async fn a_response_that_comes_with_the_end_of_the_limit_is_delivered() {
    let slot = Issuer::new().ready_slot().await;
    let inner = service_fn(|_: Request<Full<Bytes>>| async {
        sleep(ms(500)).await;
        Ok::<Answered, Infallible>(Response::default())
    });
    let mut service = OAuthLayer::new(slot).replay(NoReplay).layer(inner);
    let call = service.ready().await.unwrap().call(within(ms(500), order()));
    assert_eq!(call.await.unwrap().status(), 200);
}
