//! What is logged of flights and of those who wait for them.

use oauth_core::{Error, TokenSlot, source_fn};

use crate::script::{HOUR, Step, builder, caller, ms, pass, script, secret, secs, settle};
use crate::subscriber::{captured, panicking_at};

#[tokio::test(start_paused = true)]
async fn a_flight_and_what_its_source_logs_are_in_a_span_that_names_slot_reason_and_time() {
    let source = source_fn(|| async {
        tracing::info!("of the source");
        tokio::time::sleep(ms(250)).await;
        Err(Error::permanent("no route"))
    });
    let slot = TokenSlot::builder(source).name("billing").build();
    assert_eq!(slot.name(), Some("billing"));
    assert!(format!("{slot:?}").starts_with(r#"TokenSlot { name: "billing", status: "#));
    let (seen, _listening) = captured();
    slot.token().await.unwrap_err();
    settle().await;
    let (spans, closed) = seen.spans();
    assert_eq!((spans.len(), closed), (1, 1));
    assert!(spans[0].starts_with(r#"oauth.token.request{client="billing" slot="#), "{spans:?}");
    assert!(spans[0].ends_with(r#" flight=1 reason="first" elapsed_ms=250 "#), "{spans:?}");
    for event in ["token flight starts", "of the source", "token request failed"] {
        let events = seen.with(event);
        assert_eq!(events.len(), 1, "{event}");
        assert!(events[0].contains(r#" oauth.token.request{client="billing""#), "{events:?}");
    }
    let failed = &seen.with("token request failed")[0];
    assert!(failed.starts_with("WARN ") && failed.contains("no route"), "{failed}");
    assert!(failed.contains("attempts=1 elapsed_ms=250"), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_span_is_a_root_and_the_callers_span_closes_while_the_flight_runs() {
    let slot = builder(&script([Step::token(HOUR).takes(secs(5))])).build();
    let (seen, _listening) = captured();
    let span = tracing::info_span!("request");
    let call = tracing::Instrument::instrument(tokio::time::timeout(secs(1), slot.token()), span);
    call.await.unwrap_err();
    assert_eq!(seen.spans().1, 1);
    secret(&slot).await;
    settle().await;
    assert_eq!(seen.spans().1, 2);
}

#[tokio::test(start_paused = true)]
async fn two_slots_without_a_name_are_told_apart() {
    let slots = [(); 2].map(|()| builder(&script([Step::token(HOUR)])).build());
    let (seen, _listening) = captured();
    for slot in &slots {
        secret(slot).await;
    }
    let (spans, _) = seen.spans();
    assert!(spans.iter().all(|span| span.contains("slot=")), "{spans:?}");
    assert_ne!(spans[0], spans[1]);
}

#[tokio::test(start_paused = true)]
async fn each_failed_attempt_is_logged_with_its_cause_when_it_fails() {
    let source = script([Step::transient(), Step::transient(), Step::token(HOUR)]);
    let slot = builder(&source).build();
    let (seen, _listening) = captured();
    let call = caller(&slot);
    settle().await;
    let failed = seen.with("token request failed, trying again");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].starts_with("WARN ") && failed[0].contains("attempt=1 "), "{failed:?}");
    assert!(failed[0].contains("error=the token source failed: "), "{failed:?}");
    pass(secs(10)).await;
    call.await.unwrap().unwrap();
    let failed = seen.with("token request failed, trying again");
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[1].contains("attempt=2 "), "{failed:?}");
    let fetched = &seen.with("token fetched after failures")[0];
    assert!(fetched.starts_with("INFO ") && fetched.contains("attempts=3 "), "{fetched}");
    assert!(!fetched.contains("failing_for_s"), "{fetched}");
}

#[tokio::test(start_paused = true)]
async fn the_first_token_after_failed_flights_is_logged_with_the_time_that_they_failed() {
    let source = script([Step::permanent(), Step::permanent(), Step::token(secs(100))]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let (seen, _listening) = captured();
    slot.token().await.unwrap_err();
    pass(secs(600)).await;
    slot.token().await.unwrap_err();
    pass(secs(600)).await;
    secret(&slot).await;
    let fetched = &seen.with("token fetched")[0];
    assert!(fetched.starts_with("INFO ") && fetched.contains("after failures"), "{fetched}");
    assert!(fetched.contains("failing_for_s=1200 "), "{fetched}");
    // The next one is nothing special.
    source.now_do(Step::token(HOUR));
    pass(secs(80)).await;
    secret(&slot).await;
    settle().await;
    let fetched = &seen.with("token fetched")[1];
    assert!(fetched.starts_with("DEBUG ") && !fetched.contains("after"), "{fetched}");
}

#[tokio::test(start_paused = true)]
async fn the_first_caller_that_gives_up_is_a_warning_with_its_time_and_the_rest_are_counted() {
    let slot = builder(&script([Step::transient(), Step::permanent().takes(secs(20))]))
        .name("billing")
        .build();
    let (seen, _listening) = captured();
    let calls: Vec<_> = (0..5).map(|_| tokio::time::timeout(secs(8), slot.token())).collect();
    for end in futures_util::future::join_all(calls).await {
        end.unwrap_err();
    }
    let left = seen.with("a caller gave up");
    assert_eq!(left.len(), 5);
    assert!(left[0].starts_with("WARN "), "{left:?}");
    assert!(left[0].contains(r#"client="billing" slot="#), "{left:?}");
    assert!(left[0].contains("waited_ms=8000 last_error=the token source failed"), "{left:?}");
    assert!(left[1..].iter().all(|event| event.starts_with("DEBUG ")), "{left:?}");
    pass(secs(30)).await;
    let failed = &seen.with("token_kept")[0];
    assert!(failed.contains("callers_left=5 "), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_acquire_limit_passes_gave_up_too() {
    let slot =
        builder(&script([Step::token(HOUR).takes(secs(9))])).acquire_timeout(secs(2)).build();
    let (seen, _listening) = captured();
    slot.token().await.unwrap_err();
    let left = seen.with("a caller gave up");
    assert_eq!(left.len(), 1);
    assert!(left[0].starts_with("WARN ") && left[0].contains("waited_ms=2000 "), "{left:?}");
    assert!(!left[0].contains("last_error"), "{left:?}");
    pass(secs(9)).await;
    assert!(seen.with("token fetched")[0].contains("callers_left=1 "));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_early_or_is_served_is_no_warning() {
    let slot = builder(&script([Step::token(HOUR).takes(secs(2))])).build();
    let (seen, _listening) = captured();
    tokio::time::timeout(ms(999), slot.token()).await.unwrap_err();
    let left = seen.with("a caller gave up");
    assert!(left[0].starts_with("DEBUG ") && left[0].contains("waited_ms=999 "), "{left:?}");
    tokio::time::timeout(secs(5), slot.token()).await.unwrap().unwrap();
    assert_eq!(seen.with("a caller gave up").len(), 1);
    // One that leaves before it was polled waited for nothing.
    drop(slot.refresh());
    assert_eq!(seen.with("a caller gave up").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_does_not_name_a_failure_that_is_over() {
    let source =
        script([Step::permanent(), Step::token(secs(100)), Step::token(HOUR).takes(secs(9))]);
    let slot = builder(&source).acquire_timeout(secs(2)).build();
    slot.token().await.unwrap_err();
    pass(secs(600)).await;
    secret(&slot).await;
    pass(secs(600)).await;
    let error = slot.token().await.unwrap_err();
    assert!(error.is_timeout() && std::error::Error::source(&error).is_none(), "{error}");
    assert!(error.to_string().contains("the source has not responded"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_at_spans_or_callers_costs_no_token() {
    for at in ["oauth.token.request{", "enter", "exit", "record", "close", "a caller gave up"] {
        let slot = builder(&script([Step::token(HOUR).takes(secs(2))])).build();
        let (_seen, _listening) = panicking_at(at);
        tokio::time::timeout(secs(1), slot.token()).await.unwrap_err();
        assert_eq!(secret(&slot).await, "secret-1", "{at}");
        settle().await;
        assert_eq!((slot.status().flights, slot.status().failures), (1, 0), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_one_shot_tool_says_nothing_of_later_attempts() {
    let slot =
        builder(&script([Step::permanent(), Step::transient().retry_after(secs(20))])).build();
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.retry_after().is_some());
    assert!(!error.to_string().contains("attempt for"), "{error}");
    let again = slot.token().await.unwrap_err();
    assert!(again.to_string().contains("; no new attempt for "), "{again}");
    pass(secs(600)).await;
    let asked = slot.prefetch().await.unwrap_err();
    assert!(asked.to_string().ends_with("; retry after 20.0 s"), "{asked}");
}
