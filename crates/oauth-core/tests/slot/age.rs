//! Fresh, stale, expired; windows, margins, lives.

use std::time::Duration;

use http::HeaderMap;
use oauth_core::State;
use oauth_core::adapter::Authorized;

use crate::script::*;

#[tokio::test(start_paused = true)]
async fn a_fresh_token_is_attached_without_another_request() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    assert_eq!(secret(&slot).await, "secret-1");
    pass(secs(2600)).await;
    for _ in 0..1000 {
        let mut headers = HeaderMap::new();
        assert!(matches!(slot.authorize(&mut headers), Authorized::Attached(_)));
        assert_eq!(headers["authorization"], "Bearer secret-1");
    }
    settle().await;
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_is_attached_and_the_first_to_notice_starts_the_flight() {
    let door = gate();
    let source = script([Step::token(HOUR), Step::token(HOUR).behind(&door)]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(secs(2700)).await;
    assert_eq!(slot.status().state, State::Stale);
    for _ in 0..1000 {
        assert_eq!(slot.cached().unwrap().expose_secret(), "secret-1");
        assert_eq!(secret(&slot).await, "secret-1");
    }
    settle().await;
    assert_eq!((source.calls(), source.most_at_once()), (2, 1));
    door.add_permits(1);
    settle().await;
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_never_attached() {
    let source = script([Step::token(secs(100)), Step::hang()]);
    let slot = slot(&source);
    let issued = slot.token().await.unwrap();
    // The margin: min(5 s, life / 10).
    pass(ms(94_999)).await;
    assert!(slot.cached().is_some());
    pass(ms(1)).await;
    assert!(slot.cached().is_none());
    let mut headers = HeaderMap::new();
    assert_eq!(slot.authorize(&mut headers), Authorized::Empty);
    assert_eq!(slot.authorize_with(&issued, &mut headers), Authorized::Empty);
    assert!(headers.is_empty());
    assert_eq!(slot.status().state, State::Expired);
}

#[tokio::test(start_paused = true)]
async fn with_an_expired_token_callers_wait_for_the_flight() {
    let source = script([Step::token(secs(100)), Step::token(HOUR).takes(secs(3))]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(secs(200)).await;
    let waiter = caller(&slot);
    pass(ms(2_990)).await;
    assert!(!waiter.is_finished());
    pass(ms(10)).await;
    assert_eq!(waiter.await.unwrap().unwrap(), "secret-2");
}

async fn refresh_in(window: Option<Duration>, life: Duration) -> Duration {
    let source = windowed(window, [Step::token(life)]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    secret(&slot).await;
    slot.status().refresh_in.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_window_is_the_smaller_of_the_sources_and_a_quarter_of_life() {
    assert_eq!(refresh_in(None, HOUR).await, secs(2700));
    assert_eq!(refresh_in(Some(secs(60)), HOUR).await, secs(3540));
    assert_eq!(refresh_in(Some(secs(60)), secs(80)).await, secs(60));
}

#[tokio::test(start_paused = true)]
async fn the_windows_jitter_is_drawn_once_a_token_and_from_the_seed() {
    let draws = |seed: u64| async move {
        let source = script([Step::token(HOUR)]);
        let slot = builder(&source).seed(seed).build();
        let mut draws = Vec::new();
        for _ in 0..5 {
            let generation = slot.token().await.unwrap().generation();
            let first = slot.status().refresh_in.unwrap();
            assert!((secs(2610)..=secs(2700)).contains(&first), "{first:?}");
            pass(secs(1)).await;
            assert_eq!(slot.status().refresh_in.unwrap(), first - secs(1));
            draws.push(first);
            pass(secs(100)).await;
            let _ = slot.replace(generation).await;
        }
        draws
    };
    let one = draws(1).await;
    assert_eq!(one, draws(1).await);
    assert_ne!(one, draws(2).await);
    assert!(one.windows(2).all(|pair| pair[0] != pair[1]), "{one:?}");
}

#[tokio::test(start_paused = true)]
async fn life_counts_from_before_the_request_was_sent() {
    let source = script([Step::token(secs(100)).takes(secs(5))]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    secret(&slot).await;
    let status = slot.status();
    assert_eq!(status.refresh_in, Some(secs(70)));
    assert_eq!(status.expires_in, Some(secs(90)));
    assert_eq!(status.age, Some(secs(0)));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_on_its_way_is_an_error_and_never_handed_out() {
    // Past its end; or past its margin, a tenth of its life, alone.
    for (takes, took) in [(ms(5_000), "5.0s"), (ms(3_700), "3.7s")] {
        let source = script([Step::token(secs(4)).takes(takes), Step::token(HOUR)]);
        let slot = slot(&source);
        let error = slot.token().await.unwrap_err();
        assert!(error.is_transient() && error.retry_after().is_some(), "{error}");
        let text = format!(
            "the token expired before it arrived: it lives 4s, and the response took {took}; "
        );
        assert!(error.to_string().contains(&text), "{error}");
        assert!(error.hint().unwrap().contains("takes longer than its tokens can be used"));
        assert!(slot.cached().is_none());
        assert_eq!(source.calls(), 1);
        pass(secs(2)).await;
        assert_eq!(secret(&slot).await, "secret-2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_polled_after_the_tokens_end_asks_again() {
    let source = script([Step::token(secs(10)), Step::token(HOUR)]);
    let slot = slot(&source);
    let mut late = tokio_test::task::spawn(slot.token());
    assert!(late.poll().is_pending());
    pass(secs(20)).await;
    assert!(late.poll().is_pending());
    settle().await;
    assert_eq!(late.await.unwrap().expose_secret(), "secret-2");
}

#[tokio::test(start_paused = true)]
async fn a_token_without_life_serves_exactly_the_waiters_of_its_flight() {
    let door = gate();
    let source = script([Step::token(secs(0)).behind(&door), Step::token(HOUR)]);
    let slot = slot(&source);
    let waiters: Vec<_> = (0..100).map(|_| caller(&slot)).collect();
    settle().await;
    door.add_permits(1);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), "secret-1");
    }
    assert!(slot.cached().is_none());
    let before = tokio::time::Instant::now();
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!((before.elapsed(), source.calls()), (secs(1), 2));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_life_does_not_displace_a_valid_one() {
    let source = script([Step::token(secs(100)), Step::token(secs(0))]);
    let slot = slot(&source);
    let first = slot.token().await.unwrap().generation();
    pass(secs(80)).await;
    for _ in 0..10 {
        assert_eq!(slot.token().await.unwrap().generation(), first);
        pass(secs(1)).await;
    }
    // Refresh by age is tried once a second.
    assert_eq!(source.calls(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_life_is_attached_for_its_waiter() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    let issued = slot.token().await.unwrap();
    let mut headers = HeaderMap::new();
    assert!(matches!(slot.authorize_with(&issued, &mut headers), Authorized::Attached(_)));
}

/// A caller every 10 ms; the issuer is asked once a second.
async fn asked_for_a_minute(life: Duration) {
    let source = script([Step::token(life)]);
    let slot = slot(&source);
    let callers: Vec<_> = (0..6_000)
        .map(|n| {
            let slot = slot.clone();
            tokio::spawn(async move {
                tokio::time::sleep(ms(10 * n)).await;
                slot.token().await.map(drop)
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(source.calls(), 61);
    assert!(source.times().windows(2).all(|pair| pair[1] - pair[0] == secs(1)));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_of_dead_tokens_gets_one_request_a_second() {
    asked_for_a_minute(secs(0)).await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_of_nearly_expired_tokens_does_not_make_the_slot_spin() {
    asked_for_a_minute(ms(400)).await;
}

#[tokio::test(start_paused = true)]
async fn huge_lives_saturate() {
    for life in [secs(u64::MAX), Duration::MAX, secs(1_000_000_000_000_000_000)] {
        let source = script([Step::token(life)]);
        let slot = slot(&source);
        pass(secs(10)).await;
        secret(&slot).await;
        pass(secs(1_000_000)).await;
        assert_eq!(secret(&slot).await, "secret-1");
        assert_eq!(slot.status().state, State::Fresh);
        assert!(!format!("{slot:?}").is_empty());
        assert_eq!(source.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_known_end_is_kept() {
    let source = script([Step::endless()]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(secs(1_000_000)).await;
    assert_eq!(secret(&slot).await, "secret-1");
    assert_eq!((slot.status().refresh_in, slot.status().expires_in), (None, None));
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn window_and_margin_can_be_set() {
    let source = windowed(Some(secs(600)), [Step::token(HOUR)]);
    let slot = builder(&source)
        .refresh_jitter(0.0)
        .refresh_window(secs(30))
        .expiry_margin(secs(10))
        .build();
    secret(&slot).await;
    assert_eq!(slot.status().refresh_in, Some(secs(3570)));
    assert_eq!(slot.status().expires_in, Some(secs(3590)));
    let slot = builder(&source).refresh_jitter(0.0).refresh_fraction(0.01).build();
    secret(&slot).await;
    assert_eq!(slot.status().refresh_in, Some(secs(3564)));
}
