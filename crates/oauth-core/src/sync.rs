//! The slot's synchronization primitives, in one place, so that a schedule explorer can replace them: the
//! tests compile the slot a second time, over `interleavings::sync`.

pub(crate) use std::sync::atomic::AtomicU64;
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock};

/// The slot's value: written under the state's lock, read by every request.
pub(crate) use arc_swap::ArcSwapOption as Published;
pub(crate) use tokio::task::AbortHandle;
pub(crate) use tokio::time::{sleep, timeout, timeout_at};

use std::future::Future;
use std::panic::catch_unwind;
use std::time::Duration;

pub(crate) use tokio::runtime::Handle as Runtime;
use tokio::time::Instant;

use crate::error::{Details, Error, Kind};

/// The clock of the timers.
pub(crate) fn instant_now() -> Instant {
    Instant::now()
}

tokio::task_local! {
    /// The slot whose source this task polls.
    static FETCHING_FOR: u64;
}

/// Polls the source of this slot.
pub(crate) fn fetching<T>(slot: u64, source: impl Future<Output = T>) -> impl Future<Output = T> {
    FETCHING_FOR.scope(slot, source)
}

/// The slot whose source is polled here, if one is.
pub(crate) fn fetching_for() -> Option<u64> {
    FETCHING_FOR.try_with(|slot| *slot).ok()
}

/// The runtime to spawn a flight on.
///
/// Tokio has no way to ask whether a runtime has timers, and panics when it has none.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let no_runtime = |problem: &'static str| {
        Error::from(Details {
            hint: Some("call it within a Tokio runtime that is built with `enable_all`".into()),
            ..Details::new(Kind::Runtime, problem)
        })
    };
    let handle =
        Runtime::try_current().map_err(|_| no_runtime("there is no Tokio runtime to fetch on"))?;
    catch_unwind(|| drop(sleep(Duration::ZERO)))
        .map_err(|_| no_runtime("the Tokio runtime has no timers"))?;
    Ok(handle)
}
