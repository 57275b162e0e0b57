//! The same names as `crate::primitives`, under the explorer's control.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) use shuttle::sync::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Error;

/// A value behind the explorer's lock: each load and store is a point where others may run.
pub(crate) struct Published<T>(Mutex<Option<Arc<T>>>);

/// What `arc_swap` calls a guard.
pub(crate) struct Loaded<T>(Option<Arc<T>>);

impl<T> Deref for Loaded<T> {
    type Target = Option<Arc<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> Published<T> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn load(&self) -> Loaded<T> {
        Loaded(self.load_full())
    }

    pub(crate) fn load_full(&self) -> Option<Arc<T>> {
        self.0.lock().expect("no panic under it").clone()
    }

    pub(crate) fn swap(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        std::mem::replace(&mut *self.0.lock().expect("no panic under it"), value)
    }
}

/// Set once. After each look and before it is set others may run.
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self(std::sync::OnceLock::new())
    }
}

impl<T> OnceLock<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        let value = self.0.get();
        others_may_run();
        value
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        others_may_run();
        self.0.set(value)
    }
}

/// Others may run before each look and each change.
pub(crate) struct AtomicU64(std::sync::atomic::AtomicU64);

impl AtomicU64 {
    pub(crate) const fn new(value: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        others_may_run();
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        others_may_run();
        self.0.store(value, order);
    }
}

thread_local! {
    // The explorer runs all of a schedule's tasks on one thread.
    static FLIGHTS: RefCell<Vec<AbortHandle>> = const { RefCell::new(Vec::new()) };
    // The desk's own tests run without an explorer.
    static EXPLORING: Cell<bool> = const { Cell::new(false) };
    static SLEEPS_ARE_HELD: Cell<bool> = const { Cell::new(false) };
}

fn others_may_run() {
    if EXPLORING.get() {
        shuttle::thread::yield_now();
    }
}

/// Ends a task, which drops its future when it comes to run: shuttle's own abort drops it on the
/// spot, where the explored lock cannot be taken.
#[derive(Clone)]
pub(crate) struct AbortHandle(Arc<std::sync::Mutex<Option<oneshot::Sender<()>>>>);

impl AbortHandle {
    pub(crate) fn abort(&self) {
        if let Some(cut) = self.0.lock().expect("no panic under it").take() {
            // Whether it still runs or not.
            let _ = cut.send(());
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.lock().expect("no panic under it").as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

/// Spawns on the explorer.
#[derive(Debug)]
pub(crate) struct Runtime;

/// What `spawn` returns.
pub(crate) struct Task(AbortHandle);

impl Task {
    pub(crate) fn abort_handle(&self) -> AbortHandle {
        self.0.clone()
    }
}

impl Runtime {
    pub(crate) fn spawn(&self, flight: impl Future<Output = ()> + Send + 'static) -> Task {
        let (cut, is_cut) = oneshot::channel();
        let handle = AbortHandle(Arc::new(std::sync::Mutex::new(Some(cut))));
        let never_if_dropped = async {
            if is_cut.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        shuttle::future::spawn(async {
            tokio::select! { biased; () = never_if_dropped => {}, () = flight => {} }
        });
        FLIGHTS.with_borrow_mut(|flights| flights.push(handle.clone()));
        Task(handle)
    }
}

pub(crate) fn runtime() -> Result<Runtime, Error> {
    Ok(Runtime)
}

/// What the end of a runtime does to the newest flight on it, if there is one by now.
pub(crate) fn end_one_flight() {
    if let Some(flight) = FLIGHTS.with_borrow_mut(Vec::pop) {
        flight.abort();
    }
}

/// A schedule begins without flights of the one before.
pub(crate) fn begin_schedule() {
    EXPLORING.set(true);
    SLEEPS_ARE_HELD.set(false);
    FLIGHTS.with_borrow_mut(Vec::clear);
}

pub(crate) async fn explored_yield() {
    shuttle::future::yield_now().await;
}

/// No limit is ever met: a caller that would only be saved by one is left behind, and that is what
/// the explorer looks for.
pub(crate) async fn timeout<F: Future>(_: Duration, future: F) -> Result<F::Output, ()> {
    Ok(future.await)
}

/// As [`timeout`].
pub(crate) async fn timeout_at<F: Future>(_: Instant, future: F) -> Result<F::Output, ()> {
    Ok(future.await)
}

pub(crate) async fn sleep(_: Duration) {
    explored_yield().await;
    while SLEEPS_ARE_HELD.get() {
        explored_yield().await;
    }
}

/// Whether who sleeps goes on sleeping.
pub(crate) fn hold_sleeps(held: bool) {
    SLEEPS_ARE_HELD.set(held);
}
