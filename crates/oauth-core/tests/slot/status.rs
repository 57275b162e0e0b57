//! What operators see.

use oauth_core::State;

use crate::script::*;

#[tokio::test(start_paused = true)]
async fn the_status_has_state_times_and_counts() {
    let source =
        script([Step::token(secs(100)), Step::permanent(), Step::permanent(), Step::hang()]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let empty = slot.status();
    assert_eq!(empty.state, State::Empty);
    assert!(!empty.is_ready() && empty.generation.is_none() && empty.age.is_none());
    assert_eq!((empty.flights, empty.failures), (0, 0));

    let generation = slot.token().await.unwrap().generation();
    pass(secs(10)).await;
    let fresh = slot.status();
    assert!(fresh.is_ready());
    assert_eq!((fresh.state, fresh.generation), (State::Fresh, Some(generation)));
    assert_eq!((fresh.age, fresh.refresh_in), (Some(secs(10)), Some(secs(65))));
    assert_eq!(fresh.expires_in, Some(secs(85)));
    assert_eq!((fresh.flights, fresh.failures, fresh.refreshing), (1, 0, false));
    assert!(fresh.last_error.is_none() && fresh.next_attempt_in.is_none());

    pass(secs(65)).await;
    assert_eq!(slot.status().state, State::Stale);
    assert!(slot.status().is_ready());
    secret(&slot).await;
    assert!(slot.status().refreshing);
    pass(secs(2)).await;
    secret(&slot).await;
    pass(ms(500)).await;
    let failing = slot.status();
    assert_eq!((failing.flights, failing.failures), (3, 2));
    // Since the first failure, not since the last one.
    assert_eq!(failing.failing_for, Some(ms(2_500)));
    let (error, ago) = failing.last_error.unwrap();
    assert!(error.to_string().contains("the token source failed"));
    assert_eq!(ago, ms(500));
    assert!(failing.next_attempt_in.unwrap() >= ms(1_500));

    pass(secs(20)).await;
    let expired = slot.status();
    assert_eq!((expired.state, expired.expires_in), (State::Expired, Some(secs(0))));
    assert!(!expired.is_ready());
    let waiter = caller(&slot);
    settle().await;
    assert!(slot.status().refreshing && slot.status().flights == 4);
    waiter.abort();
}

#[tokio::test(start_paused = true)]
async fn a_slot_can_serve_when_the_next_request_has_a_token_or_would_try_for_one() {
    let cools = |wait| Step::transient().retry_after(secs(wait));
    let source =
        script([Step::token(secs(100)), cools(30), cools(60), cools(30), Step::token(HOUR)]);
    let slot = builder(&source).refresh_jitter(0.0).acquire_timeout(secs(1)).build();
    assert_eq!((slot.status().can_serve(), slot.status().is_ready()), (true, false), "unused");
    slot.token().await.unwrap();
    assert_eq!((slot.status().can_serve(), slot.status().is_ready()), (true, true), "fresh");

    pass(secs(80)).await;
    secret(&slot).await;
    settle().await;
    let failed = slot.status();
    assert_eq!((failed.failures, failed.next_attempt_in), (1, Some(secs(30))));
    assert!(failed.can_serve(), "a failed refresh takes no valid token away");

    pass(secs(20)).await;
    let expired = slot.status();
    assert_eq!((expired.state, expired.next_attempt_in), (State::Expired, Some(secs(10))));
    assert!(!expired.can_serve());
    pass(secs(10)).await;
    assert_eq!(slot.status().next_attempt_in, Some(secs(0)));
    assert!(slot.status().can_serve(), "the next request would try");

    slot.token().await.unwrap_err();
    assert!(!slot.status().can_serve(), "it tried, and failed");
    source.rotate();
    assert!(slot.status().can_serve(), "the failure was of other credentials");

    slot.token().await.unwrap_err();
    assert!(!slot.status().can_serve());
    pass(secs(30)).await;
    slot.token().await.unwrap();
    pass(HOUR).await;
    let idle = slot.status();
    assert_eq!((idle.state, idle.can_serve(), idle.is_ready()), (State::Expired, true, false));
    assert_eq!(source.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_slot_whose_credentials_were_rejected_cannot_serve() {
    let source = script([Step::permanent(), Step::token(HOUR)]);
    let slot = slot(&source);
    slot.prefetch().await.unwrap_err();
    assert!(!slot.status().can_serve());
    pass(slot.status().next_attempt_in.unwrap()).await;
    assert!(slot.status().can_serve());
    slot.token().await.unwrap();
    assert!(slot.status().can_serve() && slot.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_of_a_slot_its_builder_and_its_token_says_which_and_no_secret() {
    let source = script([Step::token(secs(100))]);
    let building = format!("{:?}", builder(&source).acquire_timeout(secs(7)));
    assert!(building.contains("acquire_timeout: 7s") && building.contains("origins"), "{building}");
    let slot = builder(&source).build();
    let issued = slot.token().await.unwrap();
    let shown = format!("{issued:?} {slot:?}");
    assert!(shown.contains("generation: 1") && shown.contains("lifetime: Some(100s)"), "{shown}");
    assert!(shown.contains("state: Fresh") && !shown.contains("secret-1"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn subscribers_are_notified_of_each_completed_flight() {
    let source = script([Step::token(HOUR), Step::permanent()]);
    let slot = slot(&source);
    let mut changes = slot.subscribe();
    assert!(tokio_test::task::spawn(changes.changed()).poll().is_pending());
    let generation = slot.token().await.unwrap().generation();
    let first = changes.changed().await.unwrap();
    assert_eq!((first.state, first.generation), (State::Fresh, Some(generation)));
    assert!(tokio_test::task::spawn(changes.changed()).poll().is_pending());
    slot.replace(generation).await.unwrap_err();
    let second = changes.changed().await.unwrap();
    assert_eq!((second.failures, second.generation), (1, Some(generation)));
    drop(slot);
    assert!(changes.changed().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_does_not_keep_the_slot_alive() {
    let source = script([Step::hang()]);
    let slot = slot(&source);
    let mut changes = slot.subscribe();
    let waiting = tokio::spawn(async move { changes.changed().await.is_none() });
    let waiter = caller(&slot);
    settle().await;
    waiter.abort();
    drop(slot);
    assert!(waiting.await.unwrap());
    settle().await;
    assert_eq!(source.dropped(), 1);
}
