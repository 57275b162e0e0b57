//! The task that refreshes without requests.

use std::sync::atomic::Ordering::SeqCst;

use oauth_core::State;

use crate::script::*;

#[tokio::test(start_paused = true)]
async fn it_fetches_the_first_token_and_refreshes_before_the_end_without_a_request() {
    let source = script([Step::token(secs(1000))]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    assert_eq!(source.calls(), 1);
    for renewed in 1..=10 {
        pass(secs(749)).await;
        assert_eq!((source.calls(), slot.status().state), (renewed, State::Fresh));
        pass(secs(1)).await;
        assert_eq!((source.calls(), slot.status().state), (renewed + 1, State::Fresh));
    }
}

#[tokio::test(start_paused = true)]
async fn it_follows_the_next_attempt_of_a_remembered_failure() {
    let source = script([Step::token(secs(1000)), Step::permanent()]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(750)).await;
    for probes in 2..10 {
        assert_eq!(source.calls(), probes);
        assert_eq!(slot.status().state, State::Fresh);
        pass(slot.status().next_attempt_in.unwrap() - ms(1)).await;
        assert_eq!(source.calls(), probes);
        pass(ms(2)).await;
    }
    pass(secs(200)).await;
    assert_eq!(slot.status().state, State::Expired);
    source.now_do(Step::token(secs(1000)));
    pass(secs(61)).await;
    assert_eq!(slot.status().state, State::Fresh);
}

#[tokio::test(start_paused = true)]
async fn an_empty_slot_whose_issuer_is_down_for_an_hour_costs_as_much_as_with_requests() {
    let source = script([Step::transient()]);
    let slot = slot(&source);
    let _keep = slot.keep_fresh().unwrap();
    pass(HOUR).await;
    println!("keep_fresh, transient hour: {} token requests", source.calls());
    assert!((100..=160).contains(&source.calls()));
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_after_a_panic_and_a_hang() {
    let source = script([Step::panic(), Step::hang(), Step::token(HOUR)]);
    let slot = slot(&source);
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(20)).await;
    assert_eq!(slot.status().state, State::Fresh);
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_by_a_401_moves_its_next_refresh() {
    let source = script([Step::token(secs(1000))]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(400)).await;
    let refused = slot.token().await.unwrap().generation();
    slot.replace(refused).await.unwrap();
    pass(secs(740)).await;
    assert_eq!(source.calls(), 2);
    pass(secs(20)).await;
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_life_is_not_fetched_again_by_itself() {
    let source = script([Step::token(secs(0))]);
    let slot = slot(&source);
    let _keep = slot.keep_fresh().unwrap();
    pass(HOUR).await;
    assert_eq!(source.calls(), 1);
    source.now_do(Step::token(secs(1000)));
    secret(&slot).await;
    pass(secs(800)).await;
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_change_without_end_do_not_make_it_spin() {
    let source = std::sync::Arc::new(crate::rotation::Restless::default());
    let slot = oauth_core::TokenSlot::builder(source.clone())
        .clock(oauth_core::clock::TokioClock::new())
        .build();
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(60)).await;
    assert!((1..=610).contains(&source.fetches()), "{}", source.fetches());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_guard_ends_it() {
    let source = script([Step::token(secs(100))]);
    let slot = slot(&source);
    let keep = slot.keep_fresh().unwrap();
    pass(secs(10)).await;
    drop(keep);
    pass(HOUR).await;
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_keep_the_slot_alive_and_ends_with_it() {
    for step in [Step::hang(), Step::token(HOUR), Step::token(secs(0)), Step::permanent()] {
        let hangs = matches!(format!("{step:?}"), text if text.contains("Hang"));
        let source = script([step]);
        let slot = slot(&source);
        let keep = slot.keep_fresh().unwrap();
        settle().await;
        assert!(format!("{keep:?}").contains("false"));
        drop(slot);
        settle().await;
        assert!(format!("{keep:?}").contains("true"));
        assert_eq!(source.dropped(), usize::from(hangs));
    }
}

#[tokio::test(start_paused = true)]
async fn it_lives_on_after_a_panic_of_the_clock() {
    let (source, clock) = (script([Step::token(HOUR)]), Faulty::default());
    let slot = builder(&source).clock(clock.clone()).build();
    clock.armed.store(true, SeqCst);
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    assert_eq!((source.calls(), clock.armed.load(SeqCst)), (0, false));
    pass(secs(1)).await;
    assert_eq!((source.calls(), slot.status().state), (1, State::Fresh));
}

#[test]
fn outside_of_a_runtime_it_is_a_clear_error() {
    let slot = oauth_core::TokenSlot::new(script([Step::token(HOUR)]));
    let error = slot.keep_fresh().unwrap_err();
    assert!(error.to_string().contains("no Tokio runtime"), "{error}");
}
