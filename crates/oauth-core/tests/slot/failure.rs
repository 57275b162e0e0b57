//! What a failed flight leaves behind.

use std::time::Duration;

use oauth_core::State;

use crate::script::*;

#[tokio::test(start_paused = true)]
async fn the_first_failed_flight_tries_again_inside_itself() {
    let source = script([Step::transient(), Step::transient(), Step::token(HOUR)]);
    let slot = slot(&source);
    assert_eq!(secret(&slot).await, "secret-3");
    let times = source.times();
    assert!(times[1] <= ms(201) && times[2] - times[1] <= ms(401), "{times:?}");
    assert_eq!((slot.status().flights, slot.status().failures), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn its_waits_have_full_jitter_and_a_cap() {
    let mut least = Duration::MAX;
    let mut most = Duration::ZERO;
    let mut longest = Duration::ZERO;
    for seed in 0..100 {
        let source = script([Step::transient()]);
        let slot = builder(&source).seed(seed).acquire_timeout(HOUR).build();
        slot.token().await.unwrap_err();
        let times = source.times();
        assert!(times.len() <= 10 && times[times.len() - 1] <= secs(30), "{times:?}");
        least = least.min(times[1]);
        most = most.max(times[1]);
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] <= ms(5_001), "{times:?}");
            longest = longest.max(pair[1] - pair[0]);
        }
    }
    assert!(least < ms(20) && most > ms(180), "{least:?} {most:?}");
    assert!(longest > ms(4_500), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_is_not_tried_again_inside_the_flight() {
    let source = script([Step::permanent()]);
    let slot = slot(&source);
    slot.token().await.unwrap_err();
    assert_eq!((source.calls(), slot.status().failures), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_inside_the_flight() {
    let source = script([Step::transient().retry_after(secs(7)), Step::token(HOUR)]);
    let slot = slot(&source);
    secret(&slot).await;
    assert_eq!(source.times(), [secs(0), secs(7)]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_longer_than_the_rest_of_the_flight_ends_it_at_once() {
    let source = script([Step::transient().retry_after(secs(60)), Step::token(HOUR)]);
    let slot = slot(&source);
    let before = tokio::time::Instant::now();
    let error = slot.token().await.unwrap_err();
    assert_eq!(before.elapsed(), secs(0));
    assert_eq!(error.retry_after(), Some(secs(60)));
    pass(ms(59_990)).await;
    assert_eq!(slot.token().await.unwrap_err().retry_after(), Some(ms(10)));
    assert_eq!(source.calls(), 1);
    pass(ms(10)).await;
    assert_eq!(secret(&slot).await, "secret-2");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_capped() {
    let source = script([Step::transient().retry_after(secs(1_000_000_000)), Step::token(HOUR)]);
    let capped = builder(&source).retry_after_cap(secs(45)).build();
    assert_eq!(capped.token().await.unwrap_err().retry_after(), Some(secs(45)));
    pass(secs(45)).await;
    assert_eq!(secret(&capped).await, "secret-2");
}

#[tokio::test(start_paused = true)]
async fn after_the_first_failed_flight_each_one_is_one_probe() {
    let source = script([Step::transient()]);
    let slot = slot(&source);
    slot.token().await.unwrap_err();
    let first = source.calls();
    assert!((2..=10).contains(&first), "{first}");
    for probe in 1..=5 {
        pass(slot.status().next_attempt_in.unwrap()).await;
        slot.token().await.unwrap_err();
        assert_eq!(source.calls(), first + probe);
    }
}

/// Cool-downs after failed flights, in tenths of seconds rounded down.
async fn cool_downs(failure: Step, flights: usize) -> Vec<f64> {
    let source = script([failure]);
    let slot = slot(&source);
    let mut waits = Vec::new();
    for _ in 0..flights {
        let error = slot.token().await.unwrap_err();
        let wait = error.retry_after().unwrap();
        waits.push(wait.as_secs_f64());
        pass(wait + ms(1)).await;
    }
    waits
}

#[tokio::test(start_paused = true)]
async fn remembered_failures_cool_down_from_one_second_to_their_cap() {
    let within = |waits: &[f64], steps: &[f64]| {
        assert_eq!(waits.len(), steps.len());
        for (wait, step) in waits.iter().zip(steps) {
            assert!((*step..=step * 1.1).contains(wait), "{waits:?}");
        }
    };
    within(&cool_downs(Step::transient(), 7).await, &[1., 2., 4., 8., 16., 30., 30.]);
    within(&cool_downs(Step::permanent(), 8).await, &[1., 2., 4., 8., 16., 32., 60., 60.]);
}

#[tokio::test(start_paused = true)]
async fn callers_without_a_token_get_the_remembered_error_at_once() {
    let source = script([Step::permanent()]);
    let slot = slot(&source);
    slot.token().await.unwrap_err();
    let before = tokio::time::Instant::now();
    for _ in 0..1_000 {
        let error = slot.token().await.unwrap_err();
        assert!(error.to_string().contains("the token source failed"), "{error}");
        assert!(error.retry_after().is_some());
    }
    assert_eq!(before.elapsed(), secs(0));
    assert_eq!(source.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_success_clears_the_remembered_failure() {
    let source = script([
        Step::permanent(),
        Step::permanent(),
        Step::token(secs(100)),
        Step::transient(),
        Step::token(HOUR),
    ]);
    let slot = slot(&source);
    slot.token().await.unwrap_err();
    pass(secs(2)).await;
    slot.token().await.unwrap_err();
    pass(secs(3)).await;
    assert_eq!(secret(&slot).await, "secret-3");
    let status = slot.status();
    assert_eq!((status.next_attempt_in, status.failing_for), (None, None));
    pass(secs(200)).await;
    // It tries again inside itself, as the first one did.
    assert_eq!(secret(&slot).await, "secret-5");
    assert_eq!(slot.status().failures, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_keeps_the_same_token_and_generation() {
    let source = script([Step::token(HOUR), Step::permanent()]);
    let slot = slot(&source);
    let generation = slot.token().await.unwrap().generation();
    pass(secs(2700)).await;
    for probes in 1..=5 {
        let kept = slot.token().await.unwrap();
        assert_eq!((kept.expose_secret(), kept.generation()), ("secret-1", generation));
        settle().await;
        assert_eq!(source.calls(), 1 + probes);
        // Not due before the next attempt: the requests in between take the hot path.
        let status = slot.status();
        assert_eq!(status.state, State::Fresh);
        assert_eq!(status.refresh_in, status.next_attempt_in);
        for _ in 0..100 {
            assert_eq!(slot.token().await.unwrap().generation(), generation);
        }
        settle().await;
        assert_eq!(source.calls(), 1 + probes);
        pass(status.next_attempt_in.unwrap()).await;
    }
    source.now_do(Step::token(HOUR));
    secret(&slot).await;
    settle().await;
    assert_eq!(secret(&slot).await, "secret-7");
}

/// A hundred calls a second for an hour; the second number: how long until recovery was noticed.
async fn an_hour_of(failure: Step) -> (usize, Duration) {
    let source = script([failure]);
    let slot = slot(&source);
    let ends = tokio::time::Instant::now() + HOUR;
    while tokio::time::Instant::now() < ends {
        for _ in 0..10 {
            // Callers that wait inside a flight are tasks of their own.
            let mut call = tokio_test::task::spawn(slot.token());
            if let std::task::Poll::Ready(result) = call.poll() {
                result.unwrap_err();
            }
        }
        tokio::time::sleep(ms(100)).await;
    }
    let calls = source.calls();
    source.now_do(Step::token(HOUR));
    let recovered = tokio::time::Instant::now();
    while slot.cached().is_none() {
        let _ = tokio_test::task::spawn(slot.token()).poll();
        tokio::time::sleep(ms(10)).await;
    }
    (calls, recovered.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_500_costs_at_most_160_token_requests_and_recovery_is_noticed_in_30_s() {
    let (calls, noticed) = an_hour_of(Step::transient()).await;
    println!("transient hour: {calls} token requests, recovery noticed after {noticed:?}");
    assert!((100..=160).contains(&calls), "{calls}");
    assert!(noticed <= ms(30_020), "{noticed:?}");
    // A slow failure as well: each attempt meets its limit.
    let (calls, _) = an_hour_of(Step::hang()).await;
    println!("hanging hour: {calls} token requests");
    assert!(calls <= 160, "{calls}");
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_invalid_client_costs_at_most_70_token_requests() {
    let (calls, noticed) = an_hour_of(Step::permanent()).await;
    println!("permanent hour: {calls} token requests, recovery noticed after {noticed:?}");
    assert!((50..=70).contains(&calls), "{calls}");
    assert!(noticed <= ms(60_020), "{noticed:?}");
}
