//! Tokens that the API refuses.

use std::time::Duration;

use oauth_core::TokenSlot;
use oauth_core::adapter::Authorized;
use tokio::time::Instant;

use crate::script::*;
use crate::subscriber::captured;

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_by_one_flight() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    pass(secs(10)).await;
    let newer = slot.replace(refused).await.unwrap();
    assert_eq!(newer.expose_secret(), "secret-2");
    assert_ne!(newer.generation(), refused);
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_401_for_an_old_generation_keeps_the_newer_token() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let old = slot.token().await.unwrap().generation();
    let newer = slot.replace(old).await.unwrap();
    for _ in 0..100 {
        let answer = slot.replace(old).await.unwrap();
        assert_eq!(answer.generation(), newer.generation());
        slot.report_refused(old).unwrap();
    }
    settle().await;
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!(source.calls(), 2);
}

/// 100 responds with 401 over half a second; the token endpoint takes 50 ms.
async fn revocation(slot: &TokenSlot, expected: &str) {
    let refused = slot.token().await.unwrap().generation();
    let mut waiters = Vec::new();
    for _ in 0..100 {
        waiters.push(refused_caller(slot, refused));
        tokio::time::sleep(ms(5)).await;
    }
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_late_401s_are_one_token_request_and_so_is_the_next_revocation() {
    let source = script([Step::token(HOUR), Step::token(HOUR).takes(ms(50))]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(secs(10)).await;
    revocation(&slot, "secret-2").await;
    println!("100 late 401s: {} token request", source.calls() - 1);
    assert_eq!(source.calls(), 2);
    tokio::time::sleep(ms(500)).await;
    // One second after the first.
    revocation(&slot, "secret-3").await;
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_concurrent_401s_are_one_token_request() {
    let source = script([Step::token(HOUR), Step::token(HOUR).takes(ms(50))]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    let waiters: Vec<_> = (0..10_000).map(|_| refused_caller(&slot, refused)).collect();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), "secret-2");
    }
    println!("10,000 concurrent 401s: {} token request", source.calls() - 1);
    assert_eq!(source.calls(), 2);
}

/// An API that refuses everything, a hundred calls a second for an hour.
async fn refused_hour(step: Step) -> (usize, usize) {
    let source = script([step]);
    let slot = slot(&source);
    let (mut calls, mut replays) = (0, 0);
    let ends = tokio::time::Instant::now() + HOUR;
    while tokio::time::Instant::now() < ends {
        let token = slot.token().await.unwrap();
        calls += 1;
        if slot.replace(token.generation()).await.is_ok() {
            replays += 1;
        }
        tokio::time::sleep(ms(10)).await;
    }
    assert!(replays <= calls);
    (source.calls(), replays)
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_everything_for_an_hour_costs_at_most_131_token_requests() {
    let (requests, replays) = refused_hour(Step::token(HOUR)).await;
    println!("refusing hour: {requests} token requests, {replays} replays");
    assert!((60..=131).contains(&requests), "{requests}");
    assert!(replays <= requests);
    // Refreshes by age come on top.
    let (requests, _) = refused_hour(Step::token(secs(60))).await;
    println!("refusing hour, lives of 60 s: {requests} token requests");
    assert!(requests <= 131, "{requests}");
    // A slow token endpoint.
    let (requests, _) = refused_hour(Step::token(HOUR).takes(secs(3))).await;
    println!("refusing hour, a slow token endpoint: {requests} token requests");
    assert!(requests <= 131, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn ten_refreshes_that_were_not_accepted_are_made_at_once_and_one_more_each_30_s() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let mut refused = slot.token().await.unwrap().generation();
    for _ in 0..10 {
        refused = slot.replace(refused).await.unwrap().generation();
    }
    for count in 11..14 {
        let error = slot.replace(refused).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(secs(30)), "{error}");
        assert!(error.to_string().contains("several new tokens in a row"), "{error}");
        assert!(error.hint().unwrap().contains("check audience, scope and API URL"), "{error}");
        pass(secs(30) - ms(1)).await;
        slot.replace(refused).await.unwrap_err();
        assert_eq!(source.calls(), count);
        pass(ms(1)).await;
        refused = slot.replace(refused).await.unwrap().generation();
        assert_eq!(source.calls(), count + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn thirty_refreshes_of_accepted_tokens_are_made_at_once_and_one_more_each_5_s() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let mut refused = slot.token().await.unwrap().generation();
    for _ in 0..30 {
        refused = slot.replace(refused).await.unwrap().generation();
        slot.report_accepted(refused).unwrap();
    }
    let error = slot.replace(refused).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(secs(5)), "{error}");
    assert!(error.to_string().contains("keeps refusing tokens"), "{error}");
    assert!(error.hint().unwrap().contains("another process uses the same client"), "{error}");
    pass(secs(5)).await;
    slot.replace(refused).await.unwrap();
    assert_eq!(source.calls(), 32);
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_refusals_without_another_token_one_is_warned_of_and_all_are_counted() {
    let (seen, _guard) = captured();
    let warnings = || seen.with("its refusals are delivered to the callers");
    let source =
        script([Step::token(HOUR), Step::permanent(), Step::token(HOUR), Step::permanent()]);
    let slot = slot(&source);
    let first = slot.token().await.unwrap().generation();
    for _ in 0..1_000 {
        slot.replace(first).await.unwrap_err();
    }
    assert_eq!((warnings().len(), seen.with("token request failed").len()), (1, 1));
    assert!(
        warnings()[0].contains("generation=1 error=the token source failed"),
        "{warnings:?}",
        warnings = warnings()
    );
    assert!(warnings()[0].contains("earlier=0 "), "{:?}", warnings());
    assert_eq!((slot.status().refusals_delivered, source.calls()), (1_000, 2));

    pass(slot.status().next_attempt_in.unwrap()).await;
    let second = slot.replace(first).await.unwrap().generation();
    assert_eq!((warnings().len(), slot.status().refusals_delivered), (1, 1_000));
    for _ in 0..1_000 {
        slot.replace(second).await.unwrap_err();
    }
    assert_eq!((warnings().len(), slot.status().refusals_delivered), (2, 2_000));
    assert!(warnings()[1].contains("generation=2 "), "{:?}", warnings());
    assert!(warnings()[1].contains("earlier=1000 "), "{:?}", warnings());
    assert_eq!(source.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_has_had_no_refusal_delivered() {
    let source = script([Step::token(HOUR), Step::hang()]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    let waiter = refused_caller(&slot, refused);
    settle().await;
    waiter.abort();
    settle().await;
    assert_eq!((slot.status().refusals_delivered, source.calls()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_used_up_refresh_budget_is_warned_of_once_a_minute_with_the_usual_cause() {
    let table = [
        (false, 10, 30, "check audience, scope and API URL"),
        (true, 30, 5, "another process uses the same client"),
    ];
    for (helps, at_once, interval, meaning) in table {
        let (seen, _guard) = captured();
        let warnings = || seen.with("the refresh budget is used up");
        let source = script([Step::token(HOUR)]);
        let slot = slot(&source);
        let mut newest = slot.token().await.unwrap().generation();
        for _ in 0..at_once {
            newest = slot.replace(newest).await.unwrap().generation();
            if helps {
                slot.report_accepted(newest).unwrap();
            }
        }
        assert_eq!(warnings().len(), 0);
        let began = Instant::now();
        for (after, count) in [(0, 1), (1, 1), (59_999, 1), (60_000, 2), (60_001, 2)] {
            pass(began + ms(after) - Instant::now()).await;
            while let Ok(newer) = slot.replace(newest).await {
                newest = newer.generation();
                if helps {
                    slot.report_accepted(newest).unwrap();
                }
            }
            assert_eq!(warnings().len(), count, "{after} ms");
        }
        assert!(warnings().iter().all(|warning| warning.contains(meaning)), "{:?}", warnings());
        assert_eq!(source.calls(), 1 + at_once + 60 / interval);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_fetched_by_age_and_revoked_seconds_later_is_refreshed_at_once() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(secs(2700)).await;
    secret(&slot).await;
    settle().await;
    let by_age = slot.token().await.unwrap();
    assert_eq!(by_age.expose_secret(), "secret-2");
    pass(secs(3)).await;
    let newer = slot.replace(by_age.generation()).await.unwrap();
    assert_eq!(newer.expose_secret(), "secret-3");
}

#[tokio::test(start_paused = true)]
async fn a_refreshed_token_that_held_for_a_minute_is_refreshed_at_once() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let mut generation = slot.token().await.unwrap().generation();
    for _ in 0..5 {
        generation = slot.replace(generation).await.unwrap().generation();
        pass(secs(60)).await;
    }
    assert_eq!(source.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_had_ended_counts_as_age() {
    let source = script([Step::token(secs(100)), Step::token(HOUR)]);
    let slot = slot(&source);
    let old = slot.token().await.unwrap().generation();
    pass(secs(200)).await;
    let second = slot.replace(old).await.unwrap();
    // The first refusal of a token that was minted by age.
    assert_eq!(slot.replace(second.generation()).await.unwrap().expose_secret(), "secret-3");
}

#[tokio::test(start_paused = true)]
async fn the_same_secret_again_is_an_error_and_keeps_its_generation() {
    let source = script([Step::secret("cached", HOUR)]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    let error = slot.replace(refused).await.unwrap_err();
    assert!(error.to_string().contains("the refused token again"), "{error}");
    assert!(error.hint().unwrap().contains("revoke it there as well"), "{error}");
    assert_eq!(slot.token().await.unwrap().generation(), refused);
    assert_eq!(source.calls(), 2);
    // And the issuer is not asked again for every 401.
    slot.replace(refused).await.unwrap_err();
    assert_eq!(source.calls(), 2);
    pass(secs(1)).await;
    source.now_do(Step::token(HOUR));
    assert_eq!(slot.replace(refused).await.unwrap().expose_secret(), "secret-3");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_caches_costs_at_most_120_token_requests_an_hour() {
    let (requests, replays) = refused_hour(Step::secret("cached", HOUR)).await;
    println!("refusing hour, same secret: {requests} token requests, {replays} replays");
    assert!(requests <= 120, "{requests}");
    assert_eq!(replays, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_without_life_does_not_bring_back_an_older_one() {
    let source = script([Step::token(secs(100)), Step::token(secs(0)), Step::token(HOUR)]);
    let slot = slot(&source);
    let first = slot.token().await.unwrap().generation();
    pass(secs(10)).await;
    let second = slot.replace(first).await.unwrap();
    assert_eq!(second.expose_secret(), "secret-2");
    assert_eq!(slot.replace(second.generation()).await.unwrap().expose_secret(), "secret-3");
    assert_eq!(source.times(), [secs(0), secs(10), secs(11)]);
}

#[tokio::test(start_paused = true)]
async fn report_refused_refreshes_for_the_next_request_and_waits_for_nothing() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    slot.report_refused(refused).unwrap();
    assert_eq!(source.calls(), 1);
    settle().await;
    assert_eq!(secret(&slot).await, "secret-2");
}

#[tokio::test(start_paused = true)]
async fn a_failed_replacement_is_an_error_and_keeps_the_token() {
    let source = script([Step::token(HOUR), Step::permanent()]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    for _ in 0..100 {
        slot.replace(refused).await.unwrap_err();
    }
    assert_eq!(source.calls(), 2);
    assert_eq!(slot.token().await.unwrap().generation(), refused);
}

#[tokio::test(start_paused = true)]
async fn a_generation_of_another_slot_is_refused() {
    let source = script([Step::token(HOUR)]);
    let (one, other) = (slot(&source), slot(&source));
    let foreign = other.token().await.unwrap().generation();
    secret(&one).await;
    assert!(one.replace(foreign).await.unwrap_err().to_string().contains("another slot"));
    assert!(one.report_refused(foreign).is_err());
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_without_any_life_is_what_the_second_send_carries_and_the_refused_one_goes() {
    let source = script([Step::token(HOUR), Step::token(Duration::ZERO)]);
    let slot = slot(&source);
    let refused = slot.token().await.unwrap().generation();
    pass(secs(10)).await;
    let renewed = slot.replace(refused).await.unwrap();
    let mut headers = http::HeaderMap::new();
    let Authorized::Attached(sent) = slot.authorize_with(&renewed, &mut headers) else {
        panic!("a token is there");
    };
    assert_eq!(sent.generation(), renewed.generation());
    assert_eq!(headers["authorization"], "Bearer secret-2");
    // The refused token is not sent again, and no one makes the slot spin.
    assert!(slot.cached().is_none());
    for _ in 0..3 {
        slot.token().await.unwrap();
    }
    assert_eq!(source.times(), [secs(0), secs(10), secs(11), secs(12), secs(13)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_drop_of_the_source_is_an_error_to_the_waiters_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }
    let source = oauth_core::source_fn(|| async {
        let _bomb = Bomb;
        std::future::pending::<()>().await;
        oauth_core::Token::bearer("never")
    });
    let slot = TokenSlot::builder(source)
        .clock(oauth_core::clock::TokioClock::new())
        .attempt_timeout(secs(1))
        .build();
    let error = slot.token().await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(error.retry_after().is_some());
    assert_eq!((slot.status().flights, slot.status().failures), (1, 1));
}
