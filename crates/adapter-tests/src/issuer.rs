//! A token source that counts, and does what the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use oauth_core::SlotBuilder;
use oauth_core::clock::TokioClock;
use oauth_core::{Error, Origins, Token, TokenSlot, source_fn};
use tokio::sync::Semaphore;

/// The API that the tokens are for.
pub const API: &str = "https://api.test";

#[derive(Clone)]
pub struct Issuer(Arc<Shared>);

struct Shared {
    requests: AtomicU64,
    open: AtomicBool,
    gate: Semaphore,
    /// How long a token request takes, in milliseconds.
    delay: AtomicU64,
    failing: AtomicBool,
    repeating: AtomicBool,
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

impl Issuer {
    /// Issues `t1`, `t2`, … at once.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            requests: AtomicU64::new(0),
            open: AtomicBool::new(true),
            gate: Semaphore::new(0),
            delay: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            repeating: AtomicBool::new(false),
        }))
    }

    /// From now on every token request waits for a [`release`](Self::release).
    pub fn hold(&self) {
        self.0.open.store(false, Ordering::SeqCst);
    }

    /// From now on every token request takes so long.
    pub fn takes(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.0.delay.store(millis, Ordering::SeqCst);
    }

    pub fn release(&self) {
        self.0.gate.add_permits(1);
    }

    /// From now on every token request fails for good.
    pub fn fail(&self) {
        self.0.failing.store(true, Ordering::SeqCst);
    }

    /// From now on it is the same token again.
    pub fn repeat(&self) {
        self.0.repeating.store(true, Ordering::SeqCst);
    }

    /// Token requests so far.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::SeqCst)
    }

    pub fn builder(&self) -> SlotBuilder {
        let shared = self.0.clone();
        let source = source_fn(move || {
            let shared = shared.clone();
            async move {
                let number = shared.requests.fetch_add(1, Ordering::SeqCst) + 1;
                if !shared.open.load(Ordering::SeqCst) {
                    shared.gate.acquire().await.expect("never closed").forget();
                }
                match shared.delay.load(Ordering::SeqCst) {
                    0 => {}
                    delay => tokio::time::sleep(Duration::from_millis(delay)).await,
                }
                if shared.failing.load(Ordering::SeqCst) {
                    return Err(Error::permanent("the issuer says no"));
                }
                let number = if shared.repeating.load(Ordering::SeqCst) { 1 } else { number };
                Ok(Token::bearer(format!("t{number}"))?.expires_in(Duration::from_secs(3600)))
            }
        });
        TokenSlot::builder(source)
            .origins(Origins::parse([API]).unwrap())
            .clock(TokioClock::new())
            .seed(7)
    }

    pub fn slot(&self) -> TokenSlot {
        self.builder().build()
    }

    /// A slot that holds `t1` already.
    pub async fn ready_slot(&self) -> TokenSlot {
        let slot = self.slot();
        slot.token().await.unwrap();
        slot
    }
}

/// Lets the tasks of the runtime run until they wait. Time stands still meanwhile.
pub async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}
