//! reqwest-retry outside and inside.

use std::time::Duration;

use oauth_reqwest::token_error;
use oauth_testkit::Fault;
use reqwest_middleware::ClientBuilder;
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{RetryTransientMiddleware, Retryable, RetryableStrategy};

use crate::world::{World, is_replayed, plain};

fn twice() -> ExponentialBackoff {
    ExponentialBackoff::builder()
        .retry_bounds(Duration::ZERO, Duration::from_millis(1))
        .build_with_max_retries(2)
}

#[tokio::test]
async fn under_reqwest_retry_every_try_is_replayed_for_itself() {
    let world = World::revoked().await;
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(RetryTransientMiddleware::new_with_policy(twice()))
        .with(world.middleware())
        .build();
    // The first send meets the revoked token, the second one this.
    world.api.inject(Fault::delay(Duration::ZERO));
    world.api.inject(Fault::status(503));
    let response = world.post(&client, "x").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(world.counts(), (3, 1, 2));
}

#[tokio::test]
async fn over_reqwest_retry_the_tries_carry_one_token() {
    let world = World::revoked().await;
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(world.middleware())
        .with(RetryTransientMiddleware::new_with_policy(twice()))
        .build();
    world.api.inject(Fault::status(503));
    let response = world.post(&client, "x").send().await.unwrap();
    assert!(is_replayed(&response));
    assert_eq!(response.status(), 200);
    assert_eq!(world.counts(), (3, 1, 2));
}

/// Tries again whatever happens.
struct Stubborn;

impl RetryableStrategy for Stubborn {
    fn handle(
        &self,
        result: &Result<reqwest::Response, reqwest_middleware::Error>,
    ) -> Option<Retryable> {
        result.is_err().then_some(Retryable::Transient)
    }
}

#[tokio::test]
async fn the_token_error_is_found_in_what_reqwest_retry_makes_of_it() {
    let world = World::empty().await;
    world.refuse_tokens();
    for retry in [
        RetryTransientMiddleware::new_with_policy_and_strategy(twice(), Stubborn).boxed(),
        RetryTransientMiddleware::new_with_policy(twice()).boxed(),
    ] {
        let client = ClientBuilder::new(plain().build().unwrap())
            .with_arc(retry)
            .with(world.middleware())
            .build();
        let error = world.post(&client, "x").send().await.unwrap_err();
        let error = token_error(&error).expect("ours");
        assert_eq!(error.code(), Some("invalid_client"));
        assert!(error.retry_after().is_some());
    }
    assert_eq!((world.api.requests(), world.auth.token_requests()), (0, 1));
}

trait Boxed {
    fn boxed(self) -> std::sync::Arc<dyn reqwest_middleware::Middleware>;
}

impl<M: reqwest_middleware::Middleware> Boxed for M {
    fn boxed(self) -> std::sync::Arc<dyn reqwest_middleware::Middleware> {
        std::sync::Arc::new(self)
    }
}
