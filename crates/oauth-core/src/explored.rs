//! The slot under a schedule explorer: compiled a second time over primitives that hand the choice
//! of who runs next to shuttle. Every run plays thousands of schedules of a few callers, a flight
//! and whatever befalls it; a caller that is never woken is a deadlock, which fails the run.
//!
//! Explored are the desk's lock, the published value, every await, and what waiters look for
//! when they come or are woken. Tokio's `Notify` and `watch` are taken as they are, one indivisible
//! step a call.

#![expect(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "only the hand-over is explored, not every setter"
)]

pub(crate) mod primitives;
#[path = "slot/mod.rs"]
pub(crate) mod slot;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::future::{self, JoinHandle};
use tokio::sync::Notify;

use self::primitives::explored_yield;
use self::slot::{IssuedToken, State, TokenSlot};
use crate::clock::Clock;
use crate::error::Error;
use crate::source::TokenSource;
use crate::token::Token;

/// Random schedules a test.
const SCHEDULES: usize = 2_000;

fn explore(test: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(
        move || {
            primitives::begin_schedule();
            test();
        },
        SCHEDULES,
    );
}

#[derive(Debug, Default)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::from_secs(1000)
    }
}

/// Mints `token-1`, `token-2`, …; counts, and fails the test if two fetches overlap.
#[derive(Clone, Default)]
struct Mint(Arc<Counts>);

#[derive(Default)]
struct Counts {
    fetches: AtomicU64,
    under_way: AtomicUsize,
    failing: bool,
    /// Its tokens have no life: the slot pauses after each flight.
    lifeless: bool,
    hanging: bool,
    /// With the first credentials alone it fails.
    epoch: AtomicU64,
    changed: Notify,
}

struct UnderWay(Arc<Counts>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Mint {
    fn failing() -> Self {
        Self(Arc::new(Counts { failing: true, ..Counts::default() }))
    }

    fn lifeless() -> Self {
        Self(Arc::new(Counts { lifeless: true, ..Counts::default() }))
    }

    fn rotate(&self) {
        self.0.epoch.fetch_add(1, Ordering::SeqCst);
        shuttle::thread::yield_now();
        self.0.changed.notify_waiters();
    }

    fn fetches(&self) -> u64 {
        self.0.fetches.load(Ordering::SeqCst)
    }

    fn slot(&self) -> TokenSlot {
        TokenSlot::builder(self.clone()).clock(Still).seed(1).build()
    }
}

impl TokenSource for Mint {
    async fn fetch(&self) -> Result<Token, Error> {
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        assert_eq!(self.0.under_way.fetch_add(1, Ordering::SeqCst), 0, "two fetches at once");
        let _guard = UnderWay(self.0.clone());
        explored_yield().await;
        if self.0.hanging {
            std::future::pending::<()>().await;
        }
        if self.0.failing && self.0.epoch.load(Ordering::SeqCst) == 0 {
            return Err(Error::permanent("no"));
        }
        let life = if self.0.lifeless { 0 } else { 3600 };
        Ok(Token::bearer(format!("token-{number}"))?.expires_in(Duration::from_secs(life)))
    }

    fn credentials_epoch(&self) -> u64 {
        self.0.epoch.load(Ordering::SeqCst)
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

type Caller = JoinHandle<Result<IssuedToken, Error>>;

fn ask(slot: &TokenSlot) -> Caller {
    let slot = slot.clone();
    future::spawn(async move { slot.token().await })
}

/// Counts the caller once it waits.
fn ask_and_count(slot: &TokenSlot, waiting: &Arc<AtomicUsize>) -> Caller {
    let (slot, waiting) = (slot.clone(), waiting.clone());
    future::spawn(async move {
        let mut call = std::pin::pin!(slot.token());
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
        assert!(first.await.is_pending());
        waiting.fetch_add(1, Ordering::SeqCst);
        call.await
    })
}

fn secret(caller: Caller) -> String {
    let issued = future::block_on(caller).expect("not aborted").expect("a token");
    issued.expose_secret().to_owned()
}

#[test]
fn callers_of_an_empty_slot_share_one_flight_and_none_is_left_behind() {
    explore(|| {
        let mint = Mint::default();
        let slot = mint.slot();
        let callers: Vec<_> = (0..4).map(|_| ask(&slot)).collect();
        for caller in callers {
            assert_eq!(secret(caller), "token-1");
        }
        assert_eq!(mint.fetches(), 1);
    });
}

#[test]
fn a_caller_that_goes_away_takes_nobody_with_it() {
    explore(|| {
        let mint = Mint::default();
        let slot = mint.slot();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let leaver = ask(&slot);
        leaver.abort();
        for caller in callers {
            assert_eq!(secret(caller), "token-1");
        }
        assert_eq!(mint.fetches(), 1);
    });
}

#[test]
fn refusals_of_one_token_cost_one_flight_however_they_meet() {
    explore(|| {
        let mint = Mint::default();
        let slot = mint.slot();
        let first = future::block_on(slot.token()).expect("a token");
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let (slot, refused) = (slot.clone(), first.generation());
                future::spawn(async move { slot.replace(refused).await })
            })
            .collect();
        let reader = ask(&slot);
        for caller in callers {
            assert_eq!(secret(caller), "token-2");
        }
        assert!(["token-1", "token-2"].contains(&secret(reader).as_str()));
        assert_eq!(mint.fetches(), 2);
    });
}

#[test]
fn a_failure_reaches_every_waiter_and_is_not_asked_for_again() {
    explore(|| {
        let mint = Mint::failing();
        let slot = mint.slot();
        let callers: Vec<_> = (0..4).map(|_| ask(&slot)).collect();
        for caller in callers {
            let error = future::block_on(caller).expect("not aborted").expect_err("a failure");
            assert!(error.retry_after().is_some(), "{error}");
        }
        assert_eq!((mint.fetches(), slot.status().failures), (1, 1));
    });
}

#[test]
fn a_flight_that_its_runtime_drops_at_any_point_is_flown_again() {
    explore(|| {
        let mint = Mint::default();
        let slot = mint.slot();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            // Any number of others' steps lie before it.
            shuttle::thread::yield_now();
            primitives::end_one_flight();
        });
        let tokens: Vec<_> = callers.into_iter().map(secret).collect();
        ender.join().expect("no panic");
        // Before its fetch, within it, or after: at most one more, and all have the last one.
        assert!((1..=2).contains(&mint.fetches()), "{} fetches", mint.fetches());
        let newest = format!("token-{}", mint.fetches());
        assert!(tokens.iter().all(|token| *token == newest), "{tokens:?}");
        assert!(!slot.status().refreshing);
    });
}

#[test]
fn callers_wait_out_a_pause_together_and_one_that_leaves_takes_nobody_with_it() {
    explore(|| {
        let mint = Mint::lifeless();
        let slot = mint.slot();
        future::block_on(slot.token()).expect("a token");
        primitives::hold_sleeps(true);
        let waiting = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..3).map(|_| ask_and_count(&slot, &waiting)).collect();
        let leaver = ask(&slot);
        leaver.abort();
        // The pause ends once all of them wait; the leaver may have begun it or not.
        while waiting.load(Ordering::SeqCst) < callers.len() {
            shuttle::thread::yield_now();
        }
        primitives::hold_sleeps(false);
        for caller in callers {
            assert_eq!(secret(caller), "token-2");
        }
        // One that asks after the landing begins another before it leaves.
        assert!((2..=3).contains(&slot.status().flights));
    });
}

#[test]
fn a_pause_that_its_runtime_cuts_off_is_waited_out_again() {
    explore(|| {
        let mint = Mint::lifeless();
        let slot = mint.slot();
        future::block_on(slot.token()).expect("a token");
        primitives::begin_schedule();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            shuttle::thread::yield_now();
            primitives::end_one_flight();
        });
        for caller in callers {
            assert!(["token-2", "token-3", "token-4", "token-5"].contains(&&*secret(caller)));
        }
        ender.join().expect("no panic");
        // A caller that asks after a landing waits for the next flight.
        assert!((2..=5).contains(&mint.fetches()), "{} fetches", mint.fetches());
    });
}

#[test]
fn a_renewing_task_misses_no_change_of_the_credentials() {
    explore(|| {
        let mint = Mint::failing();
        let slot = mint.slot();
        let _keep = slot.keep_fresh().expect("a runtime");
        let rotater = shuttle::thread::spawn({
            let mint = mint.clone();
            move || mint.rotate()
        });
        // No time passes here: a task that missed it would sleep for ever.
        let mut changes = slot.subscribe();
        while slot.cached().is_none() {
            future::block_on(changes.changed()).expect("the slot is there");
        }
        rotater.join().expect("no panic");
        assert!((1..=2).contains(&mint.fetches()), "{} fetches", mint.fetches());
    });
}

#[test]
fn the_last_handle_takes_the_flight_along() {
    explore(|| {
        let mint = Mint::default();
        let slot = mint.slot();
        let caller = ask(&slot);
        let counts = Arc::downgrade(&mint.0);
        drop((slot, mint));
        caller.abort();
        // Whoever it was that held the slot last: the source goes with it, once the explorer has
        // let everybody run.
        let _ = future::block_on(caller);
        while counts.strong_count() > 0 {
            shuttle::thread::yield_now();
        }
    });
}

#[test]
fn the_last_handle_takes_a_flight_along_that_came_after_one_was_cut_off() {
    explore(|| {
        let mint = Mint(Arc::new(Counts { hanging: true, ..Counts::default() }));
        let slot = mint.slot();
        let callers: Vec<_> = (0..2).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            shuttle::thread::yield_now();
            primitives::end_one_flight();
        });
        ender.join().expect("no panic");
        for _ in 0..20 {
            shuttle::thread::yield_now();
        }
        let counts = Arc::downgrade(&mint.0);
        drop((slot, mint));
        for caller in callers {
            caller.abort();
            let _ = future::block_on(caller);
        }
        while counts.strong_count() > 0 {
            shuttle::thread::yield_now();
        }
    });
}

#[test]
fn a_reader_never_sees_a_token_disappear() {
    explore(|| {
        let mint = Mint::default();
        let slot = mint.slot();
        let first = future::block_on(slot.token()).expect("a token");
        let replacer = {
            let (slot, refused) = (slot.clone(), first.generation());
            future::spawn(async move { slot.replace(refused).await })
        };
        let reader = shuttle::thread::spawn({
            let slot = slot.clone();
            move || {
                for _ in 0..3 {
                    assert!(slot.cached().is_some());
                    assert_ne!(slot.status().state, State::Empty);
                }
            }
        });
        assert_eq!(secret(replacer), "token-2");
        reader.join().expect("the reader's assertions");
    });
}
