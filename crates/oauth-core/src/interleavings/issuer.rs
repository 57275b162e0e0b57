//! The source of the explored slots, and their clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::slot::{SlotBuilder, TokenSlot};
use super::sync::{now, yield_now};
use crate::clock::Clock;
use crate::error::Error;
use crate::source::{FetchContext, TokenSource};
use crate::token::Token;

/// Stands still until a test lets time pass.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        now()
    }
}

/// What a fetch does.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Step {
    Token,
    /// A token that has no life: the slot pauses after each flight.
    Lifeless,
    /// With the first credentials; with others it is a token.
    Failure,
    Hang,
    /// Once the gate is open.
    TokenBehindGate,
    FailureBehindGate,
}

/// Issues `token-1`, `token-2`, …, as its steps say, the last of which is forever. It counts, and a fetch
/// fails if more than so many are under way.
#[derive(Clone)]
pub(super) struct Issuer(Arc<State>);

struct State {
    steps: &'static [Step],
    most_at_once: usize,
    fetches: AtomicU64,
    under_way: AtomicUsize,
    gate: Semaphore,
    epoch: AtomicU64,
    changed: Notify,
}

struct UnderWay(Arc<State>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}

impl Issuer {
    pub(super) fn of(steps: &'static [Step]) -> Self {
        Self::overlapping(1, steps)
    }

    /// Some flights are superseded while they fetch.
    pub(super) fn overlapping(most_at_once: usize, steps: &'static [Step]) -> Self {
        Self(Arc::new(State {
            steps,
            most_at_once,
            fetches: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            epoch: AtomicU64::new(0),
            changed: Notify::new(),
        }))
    }

    pub(super) fn rotate(&self) {
        self.0.epoch.fetch_add(1, SeqCst);
        shuttle::thread::yield_now();
        self.0.changed.notify_waiters();
    }

    pub(super) fn open_gate(&self) {
        self.0.gate.close();
    }

    pub(super) fn fetches(&self) -> u64 {
        self.0.fetches.load(SeqCst)
    }

    pub(super) fn under_way(&self) -> usize {
        self.0.under_way.load(SeqCst)
    }

    /// Whether someone else has it.
    pub(super) fn watch(&self) -> impl Fn() -> bool + use<> {
        let state = Arc::downgrade(&self.0);
        move || state.strong_count() > 0
    }

    pub(super) fn builder(&self) -> SlotBuilder {
        TokenSlot::builder(self.clone()).clock(Still).seed(1)
    }

    pub(super) fn slot(&self) -> TokenSlot {
        self.builder().build()
    }
}

impl TokenSource for Issuer {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        let state = &self.0;
        let number = state.fetches.fetch_add(1, SeqCst) + 1;
        let at_once = state.under_way.fetch_add(1, SeqCst) + 1;
        let _guard = UnderWay(state.clone());
        assert!(at_once <= state.most_at_once, "too many fetches at once");
        let at = usize::try_from(number).expect("few") - 1;
        let step = state.steps[at.min(state.steps.len() - 1)];
        yield_now().await;
        match step {
            Step::Token | Step::Lifeless => {}
            Step::Failure if self.credentials_epoch() > 0 => {}
            Step::Failure => return Err(Error::permanent("no")),
            Step::Hang => std::future::pending().await,
            Step::TokenBehindGate | Step::FailureBehindGate => {
                // Opened by being closed.
                let _ = state.gate.acquire().await;
                if step == Step::FailureBehindGate {
                    return Err(Error::permanent("no"));
                }
            }
        }
        let life = Duration::from_secs(if step == Step::Lifeless { 0 } else { 3600 });
        Ok(Token::bearer(format!("token-{number}"))?.expires_in(life))
    }

    fn credentials_epoch(&self) -> u64 {
        self.0.epoch.load(SeqCst)
    }

    async fn credentials_changed(&self, epoch: u64) {
        loop {
            let changed = self.0.changed.notified();
            if self.credentials_epoch() != epoch {
                return;
            }
            shuttle::thread::yield_now();
            changed.await;
        }
    }
}
