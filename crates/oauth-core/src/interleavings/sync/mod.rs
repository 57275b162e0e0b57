//! The same names as `crate::sync`, under the explorer's control.

mod flights;
mod time;

use std::cell::Cell;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use shuttle::sync::{Mutex, MutexGuard};

pub(crate) use self::flights::{
    AbortHandle, Runtime, Stalled, end_one_flight, forget_flights, runtime, stall_newest_flight,
};
pub(crate) use self::time::{
    hold_sleeps, instant_now, now, pass, sleep, timeout, timeout_at, yield_now,
};

thread_local! {
    // The explorer runs all of a schedule's tasks on one thread.
    // The state's own tests run without an explorer.
    static EXPLORING: Cell<bool> = const { Cell::new(false) };
}

/// A schedule begins without flights of the one before, at the beginning of time.
pub(crate) fn begin_schedule() {
    EXPLORING.set(true);
    forget_flights();
    time::begin();
}

fn others_may_run() {
    if EXPLORING.get() {
        shuttle::thread::yield_now();
    }
}

/// No source waits for a slot here. A task-local would be seen by whoever runs next on this thread.
pub(crate) fn fetching<T>(_: u64, source: impl Future<Output = T>) -> impl Future<Output = T> {
    source
}

pub(crate) fn fetching_for() -> Option<u64> {
    None
}

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
