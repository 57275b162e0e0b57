//! Errors of a source whose drop calls the slot, or panics, in every place that lets one go.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use oauth_core::{Error, FetchContext, Token, TokenSlot, TokenSource};

use crate::runtimes::HandClock;
use crate::script::*;

/// What the errors of a test share.
#[derive(Default)]
struct Stage {
    slot: Mutex<Option<TokenSlot>>,
    dropped: AtomicUsize,
    panics: bool,
}

struct Noisy(Arc<Stage>);

impl fmt::Debug for Noisy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Noisy")
    }
}

impl fmt::Display for Noisy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a noisy error")
    }
}

impl std::error::Error for Noisy {}

impl Drop for Noisy {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, SeqCst);
        let slot = self.0.slot.lock().unwrap().clone();
        if let Some(slot) = slot {
            let status = slot.status();
            let _ = (slot.cached(), format!("{slot:?}"));
            if let Some(generation) = status.generation {
                let _ = slot.report_refused(generation);
            }
            let _ = tokio_test::task::spawn(slot.token()).poll();
        }
        assert!(!self.0.panics, "the error panics in its drop");
    }
}

enum Turn {
    Token,
    Transient,
    Permanent,
    /// Changes the credentials and fails, so that the flight asks again.
    RotateAndFail,
    /// Overstays until another flight has taken its place, and fails.
    Late,
}

struct Stubborn {
    turns: Mutex<VecDeque<Turn>>,
    stage: Arc<Stage>,
    clock: HandClock,
    epoch: AtomicU64,
    calls: AtomicUsize,
}

impl TokenSource for Stubborn {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        self.calls.fetch_add(1, SeqCst);
        let turn = self.turns.lock().unwrap().pop_front();
        match turn.unwrap_or(Turn::Token) {
            Turn::Token => Ok(Token::bearer("abc")?.expires_in(secs(100))),
            Turn::Transient => Err(Error::transient(Noisy(self.stage.clone()))),
            Turn::Permanent => Err(Error::permanent(Noisy(self.stage.clone()))),
            Turn::RotateAndFail => {
                self.epoch.fetch_add(1, SeqCst);
                Err(Error::permanent(Noisy(self.stage.clone())))
            }
            Turn::Late => {
                self.clock.add(secs(3600));
                let slot = self.stage.slot.lock().unwrap().clone().unwrap();
                let runtime = tokio::runtime::Handle::current();
                // On another thread: a source that waits for its own slot gets an error.
                std::thread::scope(|threads| {
                    threads.spawn(|| {
                        let _here = runtime.enter();
                        assert!(tokio_test::task::spawn(slot.token()).poll().is_pending());
                    });
                });
                assert_eq!(slot.status().flights, 2, "superseded");
                Err(Error::permanent(Noisy(self.stage.clone())))
            }
        }
    }

    fn credentials_epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }
}

/// Plays these turns, each in a flight of its own, then a token; how many errors were let go.
fn play(turns: impl IntoIterator<Item = Turn>, panics: bool) -> usize {
    let clock = HandClock::default();
    let stage = Arc::new(Stage { panics, ..Stage::default() });
    let source = Arc::new(Stubborn {
        turns: Mutex::new(turns.into_iter().collect()),
        stage: stage.clone(),
        clock: clock.clone(),
        epoch: AtomicU64::new(0),
        calls: AtomicUsize::new(0),
    });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let slot = TokenSlot::builder(source.clone()).clock(clock.clone()).seed(7).build();
    *stage.slot.lock().unwrap() = Some(slot.clone());
    runtime.unwrap().block_on(async {
        while !source.turns.lock().unwrap().is_empty() {
            clock.add(secs(3600));
            let _ = caller(&slot).await.unwrap();
            settle().await;
        }
        clock.add(secs(3600));
        assert_eq!(secret(&slot).await, "abc");
        settle().await;
    });
    let dropped = stage.dropped.load(SeqCst);
    // Else it and the errors that it keeps hold each other.
    stage.slot.lock().unwrap().take();
    // The last handle's drop is its owner's.
    let _ = catch_unwind(AssertUnwindSafe(|| drop((slot, source))));
    dropped
}

fn let_go(turns: fn() -> Vec<Turn>, errors: usize) {
    in_time(move || assert_eq!(play(turns(), false), errors));
    in_time(move || assert_eq!(play(turns(), true), errors));
}

#[test]
fn a_remembered_failure_is_replaced_by_the_next_one() {
    let_go(|| vec![Turn::Permanent, Turn::Permanent, Turn::Permanent], 2);
}

#[test]
fn the_newest_failure_is_replaced_after_a_success() {
    let_go(|| vec![Turn::Permanent, Turn::Token, Turn::Permanent], 1);
}

#[test]
fn the_newest_failure_is_replaced_within_a_flight() {
    let_go(|| vec![Turn::Permanent, Turn::Token, Turn::Transient, Turn::Transient], 2);
}

#[test]
fn a_failure_of_old_credentials_is_forgotten() {
    let_go(|| vec![Turn::Permanent, Turn::RotateAndFail, Turn::Token], 1);
}

#[test]
fn a_flight_that_was_given_up_brings_its_failure() {
    let_go(|| vec![Turn::Late, Turn::Token], 1);
}

#[test]
fn a_caller_without_patience_and_a_status_let_theirs_go() {
    in_time(|| {
        let stage = Arc::new(Stage::default());
        let shared = stage.clone();
        let source = oauth_core::source_fn(move || {
            let error = Error::transient(Noisy(shared.clone()));
            async { Err(error.with_retry_after(secs(2))) }
        });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let slot = TokenSlot::builder(source)
                .clock(oauth_core::clock::TokioClock::new())
                .acquire_timeout(secs(1))
                .build();
            *stage.slot.lock().unwrap() = Some(slot.clone());
            let error = slot.token().await.unwrap_err();
            assert!(error.is_timeout() && slot.status().last_error.is_some());
            pass(secs(1)).await;
            drop(error);
            assert_eq!(stage.dropped.load(SeqCst), 1);
            stage.slot.lock().unwrap().take();
        });
    });
}
