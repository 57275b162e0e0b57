//! The test kit's faults, and its tokens that change every time or never.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_core::clock::Clock;
use oauth_core::{ClientAuth, GrantSource, HyperTransport, Oleria, TokenSlot, TokenSource};
use oauth_testkit::{AuthServer, Dialect, Fault};
use tokio::runtime::{Builder, Runtime};

use crate::measured::{LONG, MOST, SHORT, assert_typed, measure, transport};

/// The server, on a thread of its own, which is not measured.
fn server() -> (Runtime, AuthServer) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let auth = runtime.block_on(AuthServer::start(Dialect::Oleria)).unwrap();
    (runtime, auth)
}

fn source(auth: &AuthServer, limit: Duration) -> GrantSource<Oleria, HyperTransport> {
    GrantSource::new(grant(auth), transport()).time_limit(limit)
}

fn grant(auth: &AuthServer) -> Oleria {
    Oleria::builder(ClientAuth::secret(auth.client_id(), auth.client_secret()))
        .authentication_url(auth.token_url())
        .api_url("https://api.test")
        .build()
        .unwrap()
}

/// A fault, its time limit, and whether its error is transient and a time-out.
fn faults() -> [(Fault, Duration, bool, bool); 7] {
    [
        (Fault::endless_body(), LONG, false, false),
        (Fault::reset(), LONG, true, false),
        (Fault::garbage(), LONG, true, false),
        (Fault::truncated(), LONG, true, false),
        (Fault::hang(), SHORT, true, true),
        // Of HTTP/2 it is one pause, longer than the limit.
        (Fault::slow_head(10 * SHORT), SHORT, true, true),
        (Fault::redirect(307, "http://127.0.0.1:1/"), LONG, false, false),
    ]
}

fn play<S: TokenSource>(source: impl Fn(&AuthServer, Duration) -> S) {
    for (fault, limit, transient, timeout) in faults() {
        let (_runtime, auth) = server();
        let name = format!("{fault:?}");
        auth.inject(fault);
        let (result, peak) = measure(source(&auth, limit));
        let error = result.unwrap_err();
        assert_typed(&error);
        assert_eq!((error.is_transient(), error.is_timeout()), (transient, timeout), "{error:?}");
        assert_eq!(auth.token_requests(), 1, "{name}");
        assert!(peak < MOST, "{name}: {peak} bytes");
    }
}

#[test]
fn every_fault_of_the_test_kit_ends_in_a_typed_error_in_bounded_memory() {
    play(source);
}

#[test]
fn over_h2_every_fault_of_the_test_kit_ends_in_a_typed_error_in_bounded_memory() {
    play(|auth, limit| {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        GrantSource::new(grant(auth), client).time_limit(limit)
    });
}

/// A clock that stands still until it is set: what follows is exact however long it takes.
#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// At each of these milliseconds, a hundred refusals of whatever token the slot holds: how many of them
/// brought another token, and how many token requests there were until then.
fn hundred_refusals(auth: &AuthServer, at: &[u64]) -> Vec<(usize, u64)> {
    let (source, clock) = (source(auth, LONG), Hand::default());
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    let mut found = Vec::new();
    let info = allocation_counter::measure(|| {
        client.block_on(async {
            let slot = TokenSlot::builder(source).clock(clock.clone()).build();
            slot.token().await.unwrap();
            for millis in at {
                clock.0.store(*millis, Ordering::SeqCst);
                let mut renewed = 0;
                for _ in 0..100 {
                    let generation = slot.cached().unwrap().generation();
                    match slot.replace(generation).await {
                        Ok(_) => renewed += 1,
                        Err(error) => assert!(!error.is_transient(), "{error:?}"),
                    }
                }
                found.push((renewed, auth.token_requests()));
            }
        });
    });
    assert!(info.bytes_max < MOST, "{} bytes", info.bytes_max);
    found
}

/// Of whose refusals nothing more is known than the token: pauses are for targets.
#[test]
fn a_token_that_changes_every_time_and_is_always_refused_is_refreshed_ten_times_and_once_more_each_30_s()
 {
    let (_runtime, auth) = server();
    let found = hundred_refusals(&auth, &[0, 29_999, 30_000, 59_999, 60_000]);
    assert_eq!(found, [(10, 11), (0, 11), (1, 12), (0, 12), (1, 13)]);
}

#[test]
fn a_token_that_never_changes_and_is_always_refused_costs_a_token_request_after_1_s_2_s_and_4_s() {
    let (_runtime, auth) = server();
    auth.repeat_token(true);
    let found = hundred_refusals(&auth, &[0, 999, 1000, 2999, 3000, 6999, 7000]);
    assert_eq!(found, [(0, 2), (0, 2), (0, 3), (0, 3), (0, 4), (0, 4), (0, 5)]);
}
