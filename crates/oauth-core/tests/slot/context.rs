//! What a source is told with each call, and what follows when it has no other token yet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};
use oauth_core::challenge::Hints;
use oauth_core::clock::TokioClock;
use oauth_core::{
    Error, FetchContext, FetchReason, Generation, SlotBuilder, State, Token, TokenSlot, TokenSource,
};
use tokio::time::Instant;

use crate::script::*;
use crate::sends::{send, target};
use crate::subscriber::captured;

/// Keeps the context of each call, and does what its script says.
struct Told {
    contexts: Mutex<Vec<FetchContext>>,
    script: Arc<Script>,
}

impl TokenSource for Told {
    async fn fetch(&self, cx: FetchContext) -> Result<Token, Error> {
        self.contexts.lock().unwrap().push(cx.clone());
        self.script.fetch(cx).await
    }
}

fn told(steps: impl IntoIterator<Item = Step>) -> (Arc<Told>, TokenSlot) {
    let (source, builder) = told_with(steps);
    (source, builder.build())
}

fn told_with(steps: impl IntoIterator<Item = Step>) -> (Arc<Told>, SlotBuilder) {
    let source = Arc::new(Told { contexts: Mutex::default(), script: script(steps) });
    (source.clone(), TokenSlot::builder(source).clock(TokioClock::new()).seed(7))
}

impl Told {
    /// Reason and token of each call.
    fn reasons(&self) -> Vec<(FetchReason, Option<String>)> {
        let contexts = self.contexts.lock().unwrap();
        let secret = |cx: &FetchContext| cx.token().map(|t| t.expose_secret().to_owned());
        contexts.iter().map(|cx| (cx.reason(), secret(cx))).collect()
    }

    fn last(&self) -> FetchContext {
        self.contexts.lock().unwrap().last().unwrap().clone()
    }
}

fn held(secret: &str) -> Option<String> {
    Some(secret.to_owned())
}

fn hints(challenge: &'static str) -> Hints {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    Hints::of(&headers)
}

async fn generation(slot: &TokenSlot) -> Generation {
    slot.token().await.unwrap().generation()
}

#[tokio::test(start_paused = true)]
async fn each_reason_is_named_and_the_valid_token_comes_with_it() {
    let (source, slot) = told([Step::token(HOUR)]);
    let first = generation(&slot).await;
    slot.refresh().await.unwrap();
    pass(HOUR * 9 / 10).await;
    // Stale, and valid: a flight behind it.
    assert!(slot.cached().is_some());
    settle().await;
    slot.replace(generation(&slot).await).await.unwrap();
    // None valid is left.
    pass(2 * HOUR).await;
    slot.token().await.unwrap();
    // A late 401 for a token that has ended long ago.
    pass(2 * HOUR).await;
    slot.replace(first).await.unwrap();
    let reasons = [
        (FetchReason::First, None),
        (FetchReason::Demand, held("secret-1")),
        (FetchReason::Age, held("secret-2")),
        (FetchReason::Refused, held("secret-3")),
        (FetchReason::Age, None),
        (FetchReason::Age, None),
    ];
    assert_eq!(source.reasons(), reasons);
}

#[tokio::test(start_paused = true)]
async fn a_prefetch_of_an_empty_slot_is_the_first_fetch_and_so_is_each_attempt_of_it() {
    let (source, slot) = told([Step::transient(), Step::transient(), Step::token(HOUR)]);
    slot.token().await.unwrap();
    assert_eq!(source.reasons(), vec![(FetchReason::First, None); 3]);
    let (source, slot) = told([Step::token(HOUR)]);
    slot.prefetch().await.unwrap();
    assert_eq!(source.reasons(), [(FetchReason::First, None)]);
}

#[tokio::test(start_paused = true)]
async fn after_a_retirement_there_is_no_token_to_pass_on() {
    let (source, slot) = told([Step::token(HOUR)]);
    slot.token().await.unwrap();
    slot.retire();
    slot.token().await.unwrap();
    let reasons = [(FetchReason::First, None), (FetchReason::Age, None)];
    assert_eq!(source.reasons(), reasons);
}

#[tokio::test(start_paused = true)]
async fn the_challenge_of_the_refusal_that_started_the_flight_reaches_the_source() {
    let (source, slot) = told([Step::token(HOUR)]);
    let (_, sent) = send(&slot, target(&slot, "/a")).await;
    assert!(source.last().hints().is_empty());
    let asked = hints(r#"Bearer error="invalid_token", scope="b", claims="e30=""#);
    slot.after_refusal(sent, target(&slot, "/a"), Some(Box::new(asked.clone())), None)
        .await
        .unwrap();
    assert_eq!(source.last().hints(), &asked);
    assert_eq!(source.last().refused_token().unwrap().expose_secret(), "secret-1");
    // Those of the one that cannot be sent again, too.
    let (_, sent) = send(&slot, target(&slot, "/b")).await;
    let asked = hints(r#"DPoP error="use_dpop_nonce""#);
    slot.note_refusal(sent, target(&slot, "/b"), Some(&asked)).unwrap();
    settle().await;
    assert_eq!(source.last().hints(), &asked);
    // And of no later flight.
    slot.refresh().await.unwrap();
    assert!(source.last().hints().is_empty());
    assert_eq!(source.script.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn hints_of_a_refusal_that_asks_for_an_ended_token_are_not_passed_on() {
    let (source, slot) = told([Step::token(secs(100))]);
    let (_, sent) = send(&slot, target(&slot, "/a")).await;
    pass(secs(200)).await;
    let asked = Box::new(hints(r#"Bearer error="invalid_token""#));
    slot.after_refusal(sent, target(&slot, "/a"), Some(asked), None).await.unwrap();
    assert_eq!(source.last().reason(), FetchReason::Age);
    assert!(source.last().hints().is_empty());
}

#[tokio::test(start_paused = true)]
async fn callers_that_join_a_flight_change_nothing_about_its_reason() {
    let gate = gate();
    let (source, slot) = told([Step::token(HOUR), Step::token(HOUR).behind(&gate)]);
    let refused = generation(&slot).await;
    let waiter = refused_caller(&slot, refused);
    settle().await;
    let refresh = tokio::spawn({
        let slot = slot.clone();
        async move { slot.refresh().await }
    });
    settle().await;
    gate.add_permits(1);
    waiter.await.unwrap().unwrap();
    refresh.await.unwrap().unwrap();
    let reasons = [(FetchReason::First, None), (FetchReason::Refused, held("secret-1"))];
    assert_eq!(source.reasons(), reasons);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_when_the_slot_drops_the_call() {
    let begin = Instant::now();
    let (source, builder) = told_with([Step::hang()]);
    let slot = builder.attempt_timeout(secs(3)).flight_timeout(secs(5)).build();
    slot.token().await.unwrap_err();
    assert_eq!(begin.elapsed(), secs(5));
    let contexts = source.contexts.lock().unwrap().clone();
    let deadlines: Vec<_> =
        contexts.iter().map(|cx| cx.deadline().unwrap().instant() - begin).collect();
    assert_eq!(deadlines.len(), 2);
    // The attempt's limit, and then what is left of the flight's.
    assert_eq!(deadlines, [secs(3), secs(5)]);
    assert_eq!(source.script.dropped(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_delivered_when_there_is_no_other_token_and_the_token_stays() {
    let (source, slot) = told([Step::token(HOUR), Step::not_now(secs(30))]);
    let refused = generation(&slot).await;
    let error = slot.replace(refused).await.unwrap_err();
    assert!(error.is_not_now() && error.is_transient(), "{error}");
    assert_eq!(error.retry_after(), Some(secs(30)));
    assert_eq!(secret(&slot).await, "secret-1");
    assert_eq!(slot.status().failures, 0);
    assert!(slot.status().last_error.is_none());
    assert_eq!(slot.status().state, State::Fresh);
    pass(secs(29)).await;
    assert!(slot.replace(refused).await.is_err());
    assert_eq!(source.script.calls(), 2);
    pass(secs(1)).await;
    source.script.now_do(Step::token(HOUR));
    assert_eq!(slot.replace(refused).await.unwrap().expose_secret(), "secret-3");
}

#[tokio::test(start_paused = true)]
async fn no_attempt_follows_within_the_flight_and_the_log_has_no_warning() {
    let (seen, _listening) = captured();
    let source = script([Step::not_now(secs(30))]);
    let before = Instant::now();
    // A pause as long as the acquire limit is too long.
    assert!(slot(&source).token().await.unwrap_err().is_not_now());
    assert_eq!((source.calls(), before.elapsed()), (1, Duration::ZERO));
    assert_eq!(seen.with("no other token yet").len(), 1);
    assert!(seen.with("token request failed").is_empty());
}

#[tokio::test(start_paused = true)]
async fn callers_without_a_token_wait_if_their_limit_allows_it() {
    let source = script([Step::not_now(secs(20)), Step::token(HOUR)]);
    let slot = slot(&source);
    let before = Instant::now();
    // The limit of 30 s covers the wait, of those that were there before as of later ones.
    let waiters: Vec<_> = (0..100).map(|_| caller(&slot)).collect();
    pass(secs(10)).await;
    assert_eq!(secret(&slot).await, "secret-2");
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), "secret-2");
    }
    assert_eq!((before.elapsed(), source.calls()), (secs(20), 2));
    assert_eq!(slot.status().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn callers_without_a_token_wait_again_if_there_is_none_then_and_not_beyond_their_limit() {
    let source = script([Step::not_now(secs(20))]);
    let slot = slot(&source);
    let before = Instant::now();
    let error = slot.token().await.unwrap_err();
    assert!(error.is_not_now(), "{error}");
    // The second wait would end after the limit of 30 s.
    assert_eq!((before.elapsed(), source.calls()), (secs(20), 2));
    assert_eq!(error.retry_after(), Some(secs(20)));
}

#[tokio::test(start_paused = true)]
async fn a_prefetch_and_a_refresh_get_the_error_at_once() {
    let source = script([Step::not_now(secs(20)), Step::token(HOUR), Step::not_now(secs(20))]);
    let slot = slot(&source);
    let before = Instant::now();
    assert!(slot.prefetch().await.unwrap_err().is_not_now());
    assert_eq!((before.elapsed(), source.calls()), (Duration::ZERO, 1));
    assert_eq!(secret(&slot).await, "secret-2");
    pass(secs(20)).await;
    let before = Instant::now();
    assert!(slot.refresh().await.unwrap_err().is_not_now());
    assert_eq!((before.elapsed(), source.calls()), (Duration::ZERO, 3));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_in_the_pause_cause_no_token_request() {
    let source = script([Step::not_now(secs(60)), Step::token(HOUR)]);
    let slot = slot(&source);
    slot.token().await.unwrap_err();
    for _ in 0..1_000 {
        let error = slot.token().await.unwrap_err();
        assert!(error.is_not_now() && error.retry_after() == Some(secs(60)), "{error}");
        assert!(slot.cached().is_none());
    }
    assert_eq!((source.calls(), slot.status().flights), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_put_off_leaves_a_fresh_token_until_then() {
    let source = script([Step::token(HOUR), Step::not_now(secs(60)), Step::token(HOUR)]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    secret(&slot).await;
    pass(slot.status().refresh_in.unwrap()).await;
    secret(&slot).await;
    settle().await;
    assert_eq!((source.calls(), slot.status().refresh_in), (2, Some(secs(60))));
    assert_eq!(slot.status().state, State::Fresh);
    for _ in 0..59 {
        pass(secs(1)).await;
        assert_eq!(secret(&slot).await, "secret-1");
    }
    assert_eq!(source.calls(), 2);
    pass(secs(1)).await;
    secret(&slot).await;
    settle().await;
    assert_eq!((source.calls(), secret(&slot).await), (3, "secret-3".into()));
}

#[tokio::test(start_paused = true)]
async fn keep_fresh_asks_again_when_the_time_has_passed_and_no_sooner() {
    let source = script([Step::not_now(secs(60))]);
    let slot = slot(&source);
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(601)).await;
    let times: Vec<_> = (0..=10).map(|n| secs(60 * n)).collect();
    assert_eq!(source.times(), times);
    // With a valid token, too.
    let source = script([Step::token(HOUR), Step::not_now(secs(60))]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    let due = slot.status().refresh_in.unwrap();
    pass(due + secs(150)).await;
    assert_eq!(source.times(), [secs(0), due, due + secs(60), due + secs(120)]);
    assert_eq!(secret(&slot).await, "secret-1");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_names_a_time_is_asked_once_a_second() {
    let source = script([Step::not_now(Duration::ZERO)]);
    let slot = slot(&source);
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(10)).await;
    assert_eq!(source.calls(), 11);
}
