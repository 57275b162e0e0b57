//! Time, which passes when a test says so. No limit is met before that: a caller that only its limit
//! would save is left behind, and that is what the explorer looks for.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::sync::OnceLock;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::others_may_run;

const START: Duration = Duration::from_secs(1000);

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(START) };
    static TIMERS: RefCell<Vec<(Duration, Waker)>> = const { RefCell::new(Vec::new()) };
    static SLEEPS_ARE_HELD: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn begin() {
    NOW.set(START);
    TIMERS.with_borrow_mut(Vec::clear);
    hold_sleeps(false);
}

/// The slot's clock.
pub(crate) fn now() -> Duration {
    NOW.get()
}

/// The same for timers.
pub(crate) fn instant_now() -> Instant {
    static START_OF_ALL: OnceLock<Instant> = OnceLock::new();
    *START_OF_ALL.get_or_init(Instant::now) + now()
}

/// Lets time pass. Others may see what the clock shows before the timers end.
pub(crate) fn pass(time: Duration) {
    let now = now() + time;
    NOW.set(now);
    others_may_run();
    let timers = TIMERS.take();
    let (ended, ahead): (Vec<_>, Vec<_>) = timers.into_iter().partition(|(end, _)| *end <= now);
    TIMERS.set(ahead);
    for (_, waker) in ended {
        waker.wake();
    }
}

async fn until(end: Duration) {
    poll_fn(|cx| {
        if now() >= end {
            return Poll::Ready(());
        }
        TIMERS.with_borrow_mut(|timers| timers.push((end, cx.waker().clone())));
        Poll::Pending
    })
    .await;
}

pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, ()> {
    let end = now() + limit;
    tokio::select! { biased; output = future => Ok(output), () = until(end) => Err(()) }
}

pub(crate) async fn timeout_at<F: Future>(end: Instant, future: F) -> Result<F::Output, ()> {
    timeout(end.saturating_duration_since(instant_now()), future).await
}

pub(crate) async fn yield_now() {
    shuttle::future::yield_now().await;
}

/// Ends at any time, unless it is held: pauses do not depend on the clock here.
pub(crate) async fn sleep(_: Duration) {
    yield_now().await;
    while SLEEPS_ARE_HELD.get() {
        yield_now().await;
    }
}

/// Whether who sleeps goes on sleeping.
pub(crate) fn hold_sleeps(held: bool) {
    SLEEPS_ARE_HELD.set(held);
}
