//! Credentials that change while the slot works.

use oauth_core::{Error, FetchContext, Token, TokenSlot, TokenSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::script::*;

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_old_credentials_is_retried_with_the_new_ones() {
    let door = gate();
    let source = script([Step::permanent().behind(&door), Step::token(HOUR)]);
    let slot = slot(&source);
    let waiter = caller(&slot);
    settle().await;
    source.rotate();
    door.add_permits(1);
    assert_eq!(waiter.await.unwrap().unwrap(), "secret-2");
    let status = slot.status();
    assert_eq!((status.flights, status.failures), (1, 0));
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flight_cut_short_over_a_rotation_is_not_remembered() {
    let source = script([Step::hang(), Step::token(HOUR)]);
    let slot = builder(&source).attempt_timeout(HOUR).flight_timeout(secs(5)).build();
    let waiter = caller(&slot);
    pass(secs(1)).await;
    source.rotate();
    assert!(waiter.await.unwrap().unwrap_err().is_timeout());
    assert_eq!(secret(&slot).await, "secret-2");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_clears_the_remembered_failure() {
    let source = script([Step::permanent(), Step::transient(), Step::token(HOUR)]);
    let slot = slot(&source);
    slot.token().await.unwrap_err();
    assert!(slot.status().next_attempt_in.is_some());
    source.rotate();
    let status = slot.status();
    assert_eq!((status.next_attempt_in, status.failing_for), (None, None));
    // The first flight again: it tries again inside itself.
    assert_eq!(secret(&slot).await, "secret-3");
}

#[tokio::test(start_paused = true)]
async fn failures_of_new_credentials_are_counted_on_their_own() {
    let door = gate();
    let source = script([
        Step::permanent(),
        Step::permanent(),
        Step::permanent(),
        Step::permanent().behind(&door),
        Step::permanent(),
    ]);
    let slot = slot(&source);
    for _ in 0..3 {
        let error = slot.token().await.unwrap_err();
        pass(error.retry_after().unwrap() + ms(1)).await;
    }
    let waiter = caller(&slot);
    settle().await;
    source.rotate();
    door.add_permits(1);
    // Not the 8 s of a fourth failure in a row.
    let wait = waiter.await.unwrap().unwrap_err().retry_after().unwrap();
    assert!((secs(1)..=ms(1_100)).contains(&wait), "{wait:?}");
    assert_eq!(slot.status().failing_for, Some(secs(0)));
    assert_eq!(source.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_keeps_the_valid_token() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let before = slot.token().await.unwrap().generation();
    source.rotate();
    assert_eq!(slot.token().await.unwrap().generation(), before);
    assert_eq!(source.calls(), 1);
}

/// Says at each question that the credentials have changed.
#[derive(Default)]
pub(crate) struct Restless(AtomicU64, AtomicU64);

impl Restless {
    pub(crate) fn fetches(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

impl TokenSource for Restless {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        let fetched = self.0.fetch_add(1, SeqCst);
        assert!(fetched < 10_000, "it spins");
        Err(Error::permanent("no"))
    }

    fn credentials_epoch(&self) -> u64 {
        self.1.fetch_add(1, SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_change_without_end_do_not_make_the_flight_spin() {
    let source = Arc::new(Restless::default());
    let slot =
        TokenSlot::builder(source.clone()).clock(oauth_core::clock::TokioClock::new()).build();
    slot.token().await.unwrap_err();
    assert!(source.fetches() <= 10);
}
