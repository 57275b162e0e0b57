//! A pause between two flights although nothing failed: callers wait it out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use oauth_core::State;
use oauth_core::clock::TokioClock;
use oauth_core::{Error, FetchContext, Token, TokenSlot, TokenSource};
use tokio::time::{Instant, sleep};
use tokio_test::task;

use crate::runtimes::{HandClock, on, runtime};
use crate::script::*;

/// Ten calls a second for a minute, none of which may fail: the longest of them.
async fn a_minute_of_calls(slot: &TokenSlot) -> Duration {
    let begin = Instant::now();
    let callers: Vec<_> = (0..600_u64)
        .map(|n| {
            let slot = slot.clone();
            tokio::spawn(async move {
                sleep(ms(100 * n)).await;
                let before = Instant::now();
                slot.token().await.map(|_| before.elapsed())
            })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for caller in callers {
        longest = longest.max(caller.await.unwrap().expect("no call fails"));
    }
    assert!(begin.elapsed() <= secs(61));
    longest
}

#[tokio::test(start_paused = true)]
async fn tokens_without_life_fail_no_call_and_cost_one_request_a_second() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    let longest = a_minute_of_calls(&slot).await;
    assert_eq!((source.calls(), source.most_at_once()), (61, 1));
    // One that comes right after a flight waits for the whole pause.
    assert_eq!(longest, ms(900));
    assert_eq!(slot.status().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_one_second_make_callers_wait_for_a_tenth_of_it() {
    let source = script([Step::token(secs(1))]);
    let slot = slot(&source);
    let longest = a_minute_of_calls(&slot).await;
    assert_eq!((source.calls(), longest), (61, ms(100)));
}

#[tokio::test(start_paused = true)]
async fn tokens_of_less_than_the_pause_fail_no_call() {
    let source = script([Step::token(ms(400))]);
    let slot = slot(&source);
    let longest = a_minute_of_calls(&slot).await;
    assert_eq!((source.calls(), longest), (61, ms(600)));
}

/// Returns one token until its end, with what is left of it in whole seconds.
struct Caching {
    clock: Instant,
    life: Duration,
    calls: AtomicU64,
}

impl TokenSource for Caching {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        self.calls.fetch_add(1, SeqCst);
        let (life, now) = (self.life.as_millis(), self.clock.elapsed().as_millis());
        let left = u64::try_from((life - now % life) / 1_000).unwrap();
        Ok(Token::bearer(format!("number-{}", now / life))?.expires_in(secs(left)))
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hands_one_token_out_until_its_end_fails_no_call_at_it() {
    let source =
        Arc::new(Caching { clock: Instant::now(), life: ms(10_500), calls: AtomicU64::new(0) });
    let slot = TokenSlot::builder(source.clone()).clock(TokioClock::new()).seed(7).build();
    let longest = a_minute_of_calls(&slot).await;
    let calls = source.calls.load(SeqCst);
    println!("a caching issuer: {calls} token requests, the longest wait {longest:?}");
    assert!(calls <= 61 && longest <= secs(1), "{calls} {longest:?}");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_that_wait_out_the_pause_cause_one_token_request() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(ms(300)).await;
    let before = Instant::now();
    let callers: Vec<_> = (0..10_000).map(|_| caller(&slot)).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "secret-2");
    }
    assert_eq!((before.elapsed(), source.calls()), (ms(700), 2));
    assert_eq!(source.times(), [secs(0), secs(1)]);
}

#[tokio::test(start_paused = true)]
async fn the_caller_that_began_the_wait_leaves_and_the_others_have_their_token_in_time() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    secret(&slot).await;
    let mut first = task::spawn(slot.token());
    assert!(first.poll().is_pending());
    pass(ms(400)).await;
    let second = caller(&slot);
    settle().await;
    drop(first);
    pass(ms(400)).await;
    assert!(!second.is_finished());
    pass(ms(200)).await;
    assert_eq!(second.await.unwrap().unwrap(), "secret-2");
    assert_eq!(source.times(), [secs(0), secs(1)]);
    assert_eq!((source.dropped(), slot.status().flights), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_pause_as_long_as_the_acquire_limit_is_an_error_at_once() {
    for (limit, waits) in [(ms(999), false), (secs(1), false), (ms(1_001), true)] {
        let source = script([Step::token(secs(0))]);
        let slot = builder(&source).acquire_timeout(limit).build();
        secret(&slot).await;
        let before = Instant::now();
        if waits {
            assert_eq!(secret(&slot).await, "secret-2");
            assert_eq!((before.elapsed(), source.calls()), (secs(1), 2));
        } else {
            let error = slot.token().await.unwrap_err();
            assert_eq!(error.retry_after(), Some(secs(1)));
            assert!(error.is_transient() && error.hint().is_some(), "{error}");
            assert!(error.to_string().contains("the next token request is not due yet"), "{error}");
            assert_eq!((before.elapsed(), source.calls()), (secs(0), 1));
            assert_eq!((slot.status().flights, slot.status().refreshing), (1, false));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_acquire_limit_covers_the_pause_and_the_flight_after_it() {
    let source = script([Step::token(secs(0)), Step::hang()]);
    let slot = builder(&source).acquire_timeout(secs(5)).build();
    secret(&slot).await;
    let before = Instant::now();
    let error = slot.token().await.unwrap_err();
    assert!(error.is_timeout());
    let text = "timed out waiting for a token (acquire limit of 5s): the source has not responded";
    assert_eq!(error.to_string(), text);
    assert_eq!((before.elapsed(), source.calls()), (secs(5), 2));
}

#[tokio::test(start_paused = true)]
async fn the_flights_own_limits_count_from_the_end_of_the_pause() {
    let source = script([Step::token(secs(0)), Step::hang()]);
    let slot = builder(&source).acquire_timeout(HOUR).build();
    secret(&slot).await;
    let before = Instant::now();
    let error = slot.token().await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("flight"), "{error}");
    assert_eq!((before.elapsed(), source.calls()), (secs(31), 4));
    assert_eq!(slot.status().flights, 2);
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_token_that_was_waited_for_counts_from_its_own_request() {
    let source = script([Step::token(secs(0)), Step::token(secs(100))]);
    let slot = builder(&source).refresh_jitter(0.0).least_interval(secs(20)).build();
    secret(&slot).await;
    secret(&slot).await;
    assert_eq!(source.times(), [secs(0), secs(20)]);
    assert_eq!(slot.status().refresh_in, Some(secs(75)));
    assert_eq!(slot.status().expires_in, Some(secs(95)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_pause_reaches_everybody_who_waited_for_it() {
    let source = script([Step::token(secs(0)), Step::permanent()]);
    let slot = slot(&source);
    secret(&slot).await;
    let callers: Vec<_> = (0..100).map(|_| caller(&slot)).collect();
    for caller in callers {
        assert!(caller.await.unwrap().unwrap_err().retry_after().is_some());
    }
    // What failed is not waited for.
    let before = Instant::now();
    slot.token().await.unwrap_err();
    assert_eq!((before.elapsed(), source.calls()), (secs(0), 2));
}

#[tokio::test(start_paused = true)]
async fn prefetch_and_a_replacement_that_turned_into_age_wait_too() {
    let source = script([Step::token(secs(100)), Step::token(secs(0))]);
    let slot = slot(&source);
    let first = slot.token().await.unwrap().generation();
    pass(secs(10)).await;
    // Leaves the slot empty: the refused token is gone and its successor had no life.
    slot.replace(first).await.unwrap();
    assert_eq!(slot.status().state, State::Empty);
    let before = Instant::now();
    assert_eq!(slot.replace(first).await.unwrap().expose_secret(), "secret-3");
    assert_eq!(before.elapsed(), secs(1));
    assert_eq!(slot.prefetch().await.unwrap().expose_secret(), "secret-4");
    assert_eq!(before.elapsed(), secs(2));
    assert_eq!(source.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn cached_authorize_and_report_refused_neither_wait_nor_make_others_wait() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    let spent = slot.token().await.unwrap().generation();
    for _ in 0..10 {
        assert!(slot.cached().is_none());
        let mut headers = http::HeaderMap::new();
        let empty = oauth_core::adapter::Authorized::Empty;
        assert_eq!(slot.authorize(&mut headers), empty);
        let error = slot.report_refused(spent).unwrap_err();
        assert!(error.retry_after().is_some_and(|wait| wait <= secs(1)), "{error}");
    }
    assert_eq!((slot.status().flights, slot.status().refreshing), (1, false));
    pass(secs(10)).await;
    assert_eq!(source.calls(), 1);
    // And while others wait, the flight that comes is the response.
    slot.token().await.unwrap();
    let waiter = caller(&slot);
    settle().await;
    slot.report_refused(spent).unwrap();
    assert!(slot.cached().is_none() && slot.status().refreshing);
    assert_eq!(waiter.await.unwrap().unwrap(), "secret-3");
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_comes_too_late_for_a_short_token_waits_for_the_next_one() {
    let source = script([Step::token(ms(500)), Step::token(HOUR)]);
    let slot = slot(&source);
    let mut late = task::spawn(slot.token());
    assert!(late.poll().is_pending());
    pass(ms(600)).await;
    assert!(late.poll().is_pending());
    pass(ms(399)).await;
    assert_eq!(source.calls(), 1);
    assert_eq!(late.await.unwrap().expose_secret(), "secret-2");
    assert_eq!(source.times(), [secs(0), secs(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_limit_ends_within_the_pause_has_its_error_at_once() {
    let source = script([Step::token(ms(500)), Step::token(HOUR)]);
    let slot = builder(&source).acquire_timeout(ms(700)).build();
    let mut late: Vec<_> = (0..2).map(|_| task::spawn(slot.token())).collect();
    for call in &mut late {
        assert!(call.poll().is_pending());
    }
    pass(ms(600)).await;
    let mut ends_at_once = || {
        let mut call = late.pop().unwrap();
        // 100 ms of its limit are left and 400 ms of the pause.
        let std::task::Poll::Ready(Err(error)) = call.poll() else { panic!("it waits") };
        assert_eq!(error.retry_after(), Some(ms(400)), "{error}");
    };
    ends_at_once();
    assert_eq!((source.calls(), slot.status().refreshing), (1, false));
    // Nor does one join a flight that others have begun to wait for.
    let other = caller(&slot);
    settle().await;
    assert!(slot.status().refreshing);
    ends_at_once();
    assert_eq!(other.await.unwrap().unwrap(), "secret-2");
    assert_eq!(source.times(), [secs(0), secs(1)]);
}

#[tokio::test(start_paused = true)]
async fn the_last_handles_drop_ends_a_pause_without_a_token_request() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    secret(&slot).await;
    let waiter = caller(&slot);
    pass(ms(500)).await;
    waiter.abort();
    drop(slot);
    pass(secs(10)).await;
    assert_eq!(source.calls(), 1);
    assert_eq!(Arc::strong_count(&source), 1);
}

#[test]
fn when_the_runtime_of_a_pause_ends_the_waiters_in_another_get_a_token() {
    let clock = HandClock::default();
    let source = script([Step::token(secs(0)), Step::token(HOUR)]);
    let slot = TokenSlot::builder(source.clone()).clock(clock.clone()).build();
    let (ends, stays) = (runtime(), runtime());
    ends.block_on(secret(&slot));
    let first = on(&ends, || caller(&slot));
    ends.block_on(settle());
    let waiters: Vec<_> = (0..10).map(|_| on(&stays, || caller(&slot))).collect();
    stays.block_on(settle());
    assert_eq!((slot.status().flights, source.calls()), (2, 1));
    drop((ends, first));
    clock.add(secs(1));
    stays.block_on(async {
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap().unwrap(), "secret-2");
        }
    });
    assert_eq!((slot.status().flights, source.calls()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refreshing_task_adds_no_token_request_and_does_not_spin() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    let longest = a_minute_of_calls(&slot).await;
    // The first call comes right after its own first fetch.
    assert_eq!((source.calls(), longest), (61, secs(1)));
    pass(HOUR).await;
    // No one waits any more: it looks once, and then rests.
    assert!(source.calls() <= 62, "{}", source.calls());
    let source = script([Step::token(secs(1))]);
    let slot = builder(&source).build();
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(60)).await;
    assert_eq!(source.calls(), 61);
}
