//! One flight: who starts it, who waits for it, who may leave, what ends it.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_core::{Token, TokenSlot, source_fn};

use crate::script::*;

async fn one_flight_for(waiters: usize) {
    let door = gate();
    let source = script([Step::token(HOUR).behind(&door)]);
    let slot = slot(&source);
    let waiters: Vec<_> = (0..waiters).map(|_| caller(&slot)).collect();
    settle().await;
    door.add_permits(2);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), "secret-1");
    }
    assert_eq!((source.calls(), source.most_at_once()), (1, 1));
    assert_eq!(slot.status().flights, 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waiters_share_one_flight() {
    one_flight_for(1_000).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_waiters_share_one_flight() {
    one_flight_for(10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_waiters_on_four_threads_share_one_flight() {
    one_flight_for(10_000).await;
}

#[tokio::test(start_paused = true)]
async fn waiters_are_woken_in_the_order_in_which_they_came() {
    let slot = slot(&script([Step::token(HOUR).takes(secs(1))]));
    let served = Arc::new(Mutex::new(Vec::new()));
    let waiters: Vec<_> = (0..1_000)
        .map(|place| {
            let (slot, served) = (slot.clone(), served.clone());
            tokio::spawn(async move {
                slot.token().await.unwrap();
                served.lock().unwrap().push(place);
            })
        })
        .collect();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    let served = served.lock().unwrap();
    assert!(served.iter().copied().eq(0..1_000), "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn waiters_of_a_failed_flight_all_get_its_error_and_none_fetches() {
    let source = script([Step::permanent().takes(secs(1))]);
    let slot = slot(&source);
    let waiters: Vec<_> = (0..1_000).map(|_| caller(&slot)).collect();
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert!(error.retry_after().is_some() && !error.is_transient());
    }
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_caller_that_started_the_flight_changes_nothing() {
    let door = gate();
    let source = script([Step::token(HOUR).behind(&door)]);
    let slot = slot(&source);
    let first = caller(&slot);
    settle().await;
    let second = caller(&slot);
    settle().await;
    first.abort();
    settle().await;
    door.add_permits(1);
    assert_eq!(second.await.unwrap().unwrap(), "secret-1");
    assert_eq!((source.calls(), source.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_flight_goes_on_without_any_caller() {
    let door = gate();
    let source = script([Step::token(HOUR).behind(&door)]);
    let slot = slot(&source);
    // One poll starts it; then the caller is gone.
    let mut only = tokio_test::task::spawn(slot.token());
    assert!(only.poll().is_pending());
    drop(only);
    settle().await;
    door.add_permits(1);
    settle().await;
    assert_eq!(slot.cached().unwrap().expose_secret(), "secret-1");
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_callers_at_every_poll_leaves_the_others_their_token() {
    let door = gate();
    let source = script([Step::token(HOUR).behind(&door)]);
    let slot = slot(&source);
    for polls in 0..5 {
        let mut leaver = tokio_test::task::spawn(slot.token());
        for _ in 0..polls {
            assert!(leaver.poll().is_pending());
            settle().await;
        }
    }
    let stays = caller(&slot);
    settle().await;
    let mut woken = tokio_test::task::spawn(slot.token());
    assert!(woken.poll().is_pending());
    door.add_permits(1);
    settle().await;
    // Woken with its outcome, never polled again.
    assert!(woken.is_woken());
    drop(woken);
    assert_eq!(stays.await.unwrap().unwrap(), "secret-1");
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_panics_while_it_completes_is_started_again() {
    let clock = Faulty::default();
    let first = Arc::new(AtomicBool::new(true));
    let armed = clock.armed.clone();
    let source = source_fn(move || {
        // The clock is read next when the token is there.
        armed.store(first.swap(false, SeqCst), SeqCst);
        async { Token::bearer("abc") }
    });
    let slot = TokenSlot::builder(source).clock(clock).build();
    assert_eq!(secret(&slot).await, "abc");
    assert_eq!(slot.status().flights, 2);
}

async fn survives(panic: Step) {
    let source = script([panic, Step::token(HOUR)]);
    let slot = slot(&source);
    let waiters: Vec<_> = (0..10).map(|_| caller(&slot)).collect();
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("the token source panicked"), "{error}");
        assert!(!error.to_string().contains("as the script says"), "{error}");
    }
    assert_eq!(source.calls(), 1);
    pass(secs(2)).await;
    assert_eq!(secret(&slot).await, "secret-2");
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_first_await_is_an_error_to_the_waiters_and_the_slot_works_on() {
    survives(Step::panic_in_call()).await;
    survives(Step::panic()).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_after_an_await_is_an_error_to_the_waiters_and_the_slot_works_on() {
    survives(Step::panic().takes(secs(1))).await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_after_ten_seconds() {
    let source = script([Step::hang(), Step::token(HOUR)]);
    let slot = slot(&source);
    assert_eq!(secret(&slot).await, "secret-2");
    let second = source.times()[1];
    assert!((secs(10)..=ms(10_201)).contains(&second), "{second:?}");
    assert_eq!(source.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flight_ends_after_thirty_seconds() {
    let source = script([Step::hang()]);
    let slot = builder(&source).acquire_timeout(HOUR).build();
    let before = tokio::time::Instant::now();
    let error = slot.token().await.unwrap_err();
    assert!(error.is_timeout() && error.is_transient(), "{error}");
    assert!(error.to_string().contains("flight"), "{error}");
    assert_eq!(before.elapsed(), secs(30));
    assert_eq!((source.calls(), source.dropped()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_acquire_ends_after_thirty_seconds_and_names_the_last_failure() {
    let source = script([Step::transient(), Step::hang()]);
    let slot = builder(&source).attempt_timeout(HOUR).flight_timeout(HOUR).build();
    let before = tokio::time::Instant::now();
    let error = slot.token().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(before.elapsed(), secs(30));
    assert_eq!(
        error.to_string(),
        "timed out waiting for a token (acquire limit of 30s): the token source failed: as \
         scripted: down"
    );
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.is::<oauth_core::Error>());
    // The flight goes on.
    assert!(slot.status().refreshing);
    assert_eq!(source.running(), 1);
}

#[tokio::test(start_paused = true)]
async fn limits_without_end_do_not_panic() {
    // Almost two years.
    let time = secs(60_000_000);
    let source = script([Step::token(2 * time).takes(time)]);
    let slot = builder(&source)
        .attempt_timeout(Duration::MAX)
        .flight_timeout(Duration::MAX)
        .acquire_timeout(Duration::MAX)
        .least_interval(Duration::MAX)
        .retry_after_cap(Duration::MAX)
        .build();
    assert_eq!(secret(&slot).await, "secret-1");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_aborts_the_flight() {
    let source = script([Step::hang()]);
    let slot = slot(&source);
    let other = slot.clone();
    let waiter = caller(&slot);
    settle().await;
    assert_eq!(source.running(), 1);
    waiter.abort();
    settle().await;
    drop(slot);
    settle().await;
    assert_eq!((source.running(), source.dropped()), (1, 0));
    drop(other);
    settle().await;
    assert_eq!((source.running(), source.dropped()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn prefetch_is_one_attempt() {
    let source = script([Step::transient(), Step::token(HOUR)]);
    let slot = slot(&source);
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(source.calls(), 1);
    let again = slot.prefetch().await.unwrap_err();
    assert!(again.retry_after().is_some());
    assert_eq!(source.calls(), 1);
    pass(secs(2)).await;
    assert_eq!(slot.prefetch().await.unwrap().expose_secret(), "secret-2");
    assert_eq!(slot.prefetch().await.unwrap().expose_secret(), "secret-2");
    assert_eq!(source.calls(), 2);
}
