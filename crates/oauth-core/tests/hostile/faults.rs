//! The test kit's faults, and its tokens that change every time or never.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

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

/// A clock that stands still: what follows is exact however long it takes.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::from_secs(1000)
    }
}

/// A hundred refusals of whatever token the slot holds; how many of them brought another token,
/// and how many token requests they cost.
fn hundred_refusals(auth: &AuthServer) -> (usize, u64) {
    let source = source(auth, LONG);
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    let mut renewed = 0;
    let info = allocation_counter::measure(|| {
        client.block_on(async {
            let slot = TokenSlot::builder(source).clock(Still).build();
            slot.token().await.unwrap();
            for _ in 0..100 {
                let generation = slot.cached().unwrap().generation();
                match slot.replace(generation).await {
                    Ok(_) => renewed += 1,
                    Err(error) => assert!(!error.is_transient(), "{error:?}"),
                }
            }
        });
    });
    assert!(info.bytes_max < MOST, "{} bytes", info.bytes_max);
    (renewed, auth.token_requests())
}

#[test]
fn a_token_that_changes_every_time_and_is_always_refused_costs_two_token_requests() {
    let (_runtime, auth) = server();
    assert_eq!(hundred_refusals(&auth), (1, 2));
}

#[test]
fn a_token_that_never_changes_and_is_always_refused_costs_two_token_requests() {
    let (_runtime, auth) = server();
    auth.repeat_token(true);
    assert_eq!(hundred_refusals(&auth), (0, 2));
}
