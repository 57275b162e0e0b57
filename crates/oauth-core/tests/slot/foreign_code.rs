//! Code of others that runs inside the slot's calls: subscribers, clocks, sources, wakers. It may
//! panic or call the slot, and no other caller notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use http::{Extensions, HeaderMap};
use oauth_core::State;
use oauth_core::adapter::{Admission, Policy};
use oauth_core::clock::TokioClock;
use oauth_core::{Error, FetchContext, Origins, SourceInfo, Token, TokenSlot, TokenSource};
use tokio::time::Instant;

use crate::script::*;
use crate::subscriber::{captured, panicking_at};

const STARTS: &str = "token flight starts";
const FETCHED: &str = "token fetched";
const RETRY: &str = "trying again";

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_when_a_flight_starts_costs_no_caller_the_token() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let (seen, _listening) = panicking_at(STARTS);
    let before = Instant::now();
    let first = caller(&slot);
    settle().await;
    assert_eq!(secret(&slot).await, "secret-1");
    assert_eq!(first.await.unwrap().unwrap(), "secret-1");
    assert_eq!(seen.with(STARTS).len(), 1);
    assert_eq!((source.calls(), slot.status().flights), (1, 1));
    assert_eq!(before.elapsed(), secs(0));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_when_a_stale_token_is_handed_out_does_not_reach_the_request() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    secret(&slot).await;
    pass(secs(2700)).await;
    let (seen, _listening) = panicking_at(STARTS);
    assert_eq!(slot.cached().unwrap().expose_secret(), "secret-1");
    settle().await;
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!((source.calls(), seen.with(STARTS).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_when_a_token_arrives_costs_neither_its_waiters_nor_listeners() {
    // One that is published, and one that only its waiters can get.
    for life in [HOUR, secs(0)] {
        let source = script([Step::token(life), Step::token(HOUR)]);
        let slot = slot(&source);
        let mut changes = slot.subscribe();
        let (seen, listening) = panicking_at(FETCHED);
        let before = Instant::now();
        let waiters: Vec<_> = (0..100).map(|_| caller(&slot)).collect();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap().unwrap(), "secret-1");
        }
        assert!(tokio_test::task::spawn(changes.changed()).poll().is_ready());
        assert_eq!((source.calls(), slot.status().flights), (1, 1));
        assert_eq!((before.elapsed(), seen.with(FETCHED).len()), (secs(0), 1));
        drop(listening);
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_at_a_failure_costs_neither_its_waiters_nor_the_next_caller() {
    let source = script([Step::permanent(), Step::token(HOUR)]);
    let slot = slot(&source);
    let mut changes = slot.subscribe();
    let (seen, _listening) = panicking_at("token request failed");
    let before = Instant::now();
    let waiters: Vec<_> = (0..100).map(|_| caller(&slot)).collect();
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("the token source failed"), "{error}");
        assert!(error.retry_after().is_some());
    }
    assert!(tokio_test::task::spawn(changes.changed()).poll().is_ready());
    assert_eq!((source.calls(), slot.status().flights), (1, 1));
    source.rotate();
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!((source.calls(), before.elapsed()), (2, secs(0)));
    assert_eq!(seen.with("token request failed").len(), 1);
}

async fn retried() -> (std::time::Duration, usize) {
    let source = script([Step::transient(), Step::token(HOUR)]);
    let slot = slot(&source);
    let before = Instant::now();
    let first = caller(&slot);
    settle().await;
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!(first.await.unwrap().unwrap(), "secret-2");
    assert_eq!((slot.status().flights, slot.status().failures), (1, 0));
    (before.elapsed(), source.calls())
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_between_two_attempts_changes_neither_their_number_nor_time() {
    let plain = retried().await;
    let (seen, _listening) = panicking_at(RETRY);
    assert_eq!(retried().await, plain);
    assert_eq!((plain.1, seen.with(RETRY).len()), (2, 1));
}

fn policy(slot: &TokenSlot) -> Policy {
    let mut policy = Policy::new(slot.clone());
    policy.set_origins(Origins::parse(["https://api.example.com"]).unwrap());
    policy
}

fn request_to(policy: &Policy, uri: &str) {
    let uri = uri.parse().unwrap();
    let admitted = policy.admit(&uri, &HeaderMap::new(), &Extensions::new());
    assert!(matches!(admitted, Admission::Pass(_)), "{admitted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_at_a_foreign_request_leaves_the_counts_and_the_slot_whole() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let policy = policy(&slot);
    let (seen, _listening) = panicking_at("origin=");
    for _ in 0..3 {
        request_to(&policy, "https://elsewhere.example/");
        policy.note_foreign_response("https", "other.example");
    }
    let told = |name| seen.with(name).len();
    assert_eq!((slot.status().foreign_requests, told("elsewhere")), (3, 1));
    assert_eq!((slot.status().foreign_responses, told("other")), (3, 1));
    request_to(&policy, "https://third.example/");
    assert_eq!((slot.status().foreign_requests, told("third")), (4, 1));
    let token = slot.token().await.unwrap();
    let header = token.header_value().clone();
    let mut redirected = http::Request::get("https://led.example/")
        .header("authorization", header)
        .body(())
        .unwrap();
    assert!(policy.guard(&mut redirected).is_some());
    assert!(redirected.headers().is_empty());
    let another = http::HeaderValue::from_static("Bearer another");
    assert!(!slot.has_issued(&another));
    redirected.headers_mut().insert("authorization", another);
    assert!(policy.guard(&mut redirected).is_some());
    assert_eq!(redirected.headers()["authorization"], "Bearer another");
    assert_eq!((slot.status().tokens_withheld, told("led.example")), (1, 1));
    assert_eq!(secret(&slot).await, "secret-1");
}

#[tokio::test(start_paused = true)]
async fn user_information_of_a_foreign_request_is_not_in_the_warning() {
    let slot = slot(&script([Step::token(HOUR)]));
    let policy = policy(&slot);
    let (seen, _listening) = captured();
    request_to(&policy, "https://someone:fake-password@elsewhere.example:8443/");
    policy.note_foreign_response("https", "a@b@third.example");
    let warnings = seen.with("origin=");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("origin=https://elsewhere.example:8443 "), "{warnings:?}");
    assert!(warnings[0].contains("https://api.example.com"), "{warnings:?}");
    assert!(warnings[1].contains("origin=https://third.example "), "{warnings:?}");
    // The same host again, with other user information, is the same origin.
    request_to(&policy, "https://another:fake@elsewhere.example:8443/");
    assert_eq!(seen.with("origin=").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn foreign_origins_are_logged_up_to_64_times_and_counted_for_ever() {
    let slot = slot(&script([Step::token(HOUR)]));
    let policy = policy(&slot);
    let (seen, _listening) = captured();
    for n in 0..100 {
        request_to(&policy, &format!("https://host-{n}.example/"));
    }
    let told = seen.with("passes without a token");
    assert_eq!((told.len(), slot.status().foreign_requests), (64, 100));
    assert!(told[63].contains("host-63.example"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_flight_name_it_and_how_it_ended() {
    let source = script([Step::token(secs(100)), Step::permanent(), Step::permanent()]);
    let slot = slot(&source);
    let (seen, _listening) = captured();
    secret(&slot).await;
    let starts = &seen.with(STARTS)[0];
    assert!(starts.contains("flight=1 reason=\"first\"") && !starts.contains("pause"), "{starts}");
    let fetched = seen.with(FETCHED);
    assert!(fetched[0].contains("flight=1 "), "{fetched:?}");
    assert!(fetched[0].contains("generation=1 lifetime_s=100"), "{fetched:?}");
    pass(secs(80)).await;
    secret(&slot).await;
    settle().await;
    pass(secs(50)).await;
    slot.token().await.unwrap_err();
    let failed = seen.with("token request failed");
    assert!(
        failed[0].contains("flight=2 reason=\"age\"") && failed[0].contains(" token_kept=true")
    );
    assert!(failed[1].contains("flight=3") && failed[1].contains(" token_kept=false"));
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_flight_that_waits_first_says_how_long() {
    let slot = slot(&script([Step::token(secs(0))]));
    let (seen, _listening) = captured();
    secret(&slot).await;
    pass(ms(300)).await;
    secret(&slot).await;
    let starts = &seen.with(STARTS)[1];
    assert!(starts.contains("flight=2") && starts.contains("pause_ms=700"), "{starts}");
}

/// Panics where the test says, once.
#[derive(Default)]
struct Trap {
    fetches: AtomicUsize,
    epochs: AtomicUsize,
    epoch_panics_at: usize,
    fetch_hangs: bool,
    info_panics: AtomicUsize,
}

impl TokenSource for Trap {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        let fetches = self.fetches.fetch_add(1, SeqCst) + 1;
        if self.fetch_hangs && fetches == 1 {
            std::future::pending::<()>().await;
        }
        Ok(Token::bearer("abc")?.expires_in(HOUR))
    }

    fn credentials_epoch(&self) -> u64 {
        let looked = self.epochs.fetch_add(1, SeqCst) + 1;
        assert_ne!(looked, self.epoch_panics_at, "the epoch panics");
        0
    }

    fn info(&self) -> SourceInfo {
        let left = self.info_panics.load(SeqCst);
        self.info_panics.store(left.saturating_sub(1), SeqCst);
        assert_eq!(left, 0, "the info panics");
        SourceInfo::new()
    }
}

fn trapped(trap: Trap) -> (Arc<Trap>, TokenSlot) {
    let trap = Arc::new(trap);
    let slot = TokenSlot::builder(trap.clone()).clock(TokioClock::new()).seed(7).build();
    (trap, slot)
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_epoch_panics_at_any_call_leaves_no_caller_waiting() {
    for look in 1..4 {
        let (trap, slot) = trapped(Trap { epoch_panics_at: look, ..Trap::default() });
        let before = Instant::now();
        let first = caller(&slot);
        settle().await;
        // The caller's own look; the flight's, which makes it fail; that at its end, which is taken
        // from the last one that is known.
        match look {
            1 => assert!(first.await.unwrap_err().is_panic()),
            2 => assert!(first.await.unwrap().unwrap_err().to_string().contains("panicked")),
            _ => assert_eq!(first.await.unwrap().unwrap(), "abc"),
        }
        if look == 2 {
            pass(secs(2)).await;
        }
        assert_eq!(secret(&slot).await, "abc");
        assert_eq!(trap.fetches.load(SeqCst), 1, "look {look}");
        assert!(before.elapsed() <= secs(2) && !slot.status().refreshing);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_when_it_is_asked_for_its_name_is_a_failure_like_any_other() {
    let (trap, slot) = trapped(Trap { fetch_hangs: true, ..Trap::default() });
    // For the log, where it is not missed, and for the error.
    trap.info_panics.store(2, SeqCst);
    let error = slot.token().await.unwrap_err();
    assert!(error.to_string().contains("panicked") && error.retry_after().is_some(), "{error}");
    pass(secs(2)).await;
    assert_eq!(secret(&slot).await, "abc");
    assert_eq!(trap.fetches.load(SeqCst), 2);
}

/// Calls the slot when it is woken, and panics then if it may.
struct Busy {
    slot: TokenSlot,
    woken: AtomicU64,
    panics: bool,
}

impl Wake for Busy {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, SeqCst);
        assert_eq!(self.slot.status().state, State::Fresh);
        assert!(self.slot.cached().is_some());
        assert!(!self.panics, "the waker panics");
    }
}

#[test]
fn a_waker_that_calls_the_slot_or_panics_neither_hangs_nor_ends_the_flight() {
    in_time(|| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            for panics in [false, true] {
                let source = script([Step::token(HOUR)]);
                let slot = slot(&source);
                let busy = Busy { slot: slot.clone(), woken: AtomicU64::new(0), panics };
                let busy = Arc::new(busy);
                let mut changes = slot.subscribe();
                {
                    let waker = Waker::from(busy.clone());
                    let mut cx = Context::from_waker(&waker);
                    let mut call = std::pin::pin!(slot.token());
                    let mut change = std::pin::pin!(changes.changed());
                    assert!(call.as_mut().poll(&mut cx).is_pending());
                    assert!(change.as_mut().poll(&mut cx).is_pending());
                    let others: Vec<_> = (0..100).map(|_| caller(&slot)).collect();
                    let mut listener = slot.subscribe();
                    let listens = tokio::spawn(async move { listener.changed().await });
                    let before = Instant::now();
                    settle().await;
                    for other in others {
                        assert_eq!(other.await.unwrap().unwrap(), "secret-1");
                    }
                    assert!(listens.await.unwrap().is_some());
                    assert_eq!(before.elapsed(), secs(0));
                    assert!(call.as_mut().poll(&mut cx).is_ready());
                    assert!(change.as_mut().poll(&mut cx).is_ready());
                }
                assert_eq!((busy.woken.load(SeqCst), source.calls()), (2, 1));
                assert_eq!(slot.status().flights, 1);
            }
        });
    });
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_polled_elsewhere_is_woken_there() {
    let source = script([Step::token(HOUR).takes(secs(1))]);
    let slot = slot(&source);
    let mut call = Box::pin(slot.token());
    let (before, after) = (Arc::new(Count::default()), Arc::new(Count::default()));
    for count in [&before, &after] {
        let waker = Waker::from(count.clone());
        assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    pass(secs(1)).await;
    assert_eq!((before.0.load(SeqCst), after.0.load(SeqCst)), (0, 1));
    assert_eq!(call.await.unwrap().expose_secret(), "secret-1");
}

#[derive(Default)]
struct Count(AtomicU64);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refreshing_task_lives_on_when_the_subscriber_panics_at_every_event() {
    for at in [STARTS, FETCHED, "token request failed", RETRY] {
        let source = script([Step::transient(), Step::token(secs(100)), Step::permanent()]);
        let slot = builder(&source).refresh_jitter(0.0).build();
        let (_seen, listening) = panicking_at(at);
        let keep = slot.keep_fresh().unwrap();
        pass(secs(1)).await;
        assert_eq!((slot.status().state, source.calls()), (State::Fresh, 2), "{at}");
        pass(secs(80)).await;
        source.now_do(Step::token(secs(100)));
        pass(secs(40)).await;
        assert_eq!(slot.status().state, State::Fresh, "{at}");
        assert!(format!("{keep:?}").contains("false"));
        drop(listening);
    }
}
