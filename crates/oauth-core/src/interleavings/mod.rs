//! The slot under a schedule explorer: compiled a second time over primitives that hand the choice
//! of who runs next to shuttle. Every run plays thousands of schedules of a few callers, a flight
//! and whatever happens to it; a caller that is never woken is a deadlock, which fails the run.
//!
//! Explored are the state's lock, the published value, what the slot knows of acceptances, every await,
//! and what waiters look for when they come or are woken. Tokio's `Notify` and `watch` are taken as
//! they are, one indivisible step a call. Time stands still until a test lets it pass.

#![expect(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "only the hand-over is explored, not every setter"
)]

mod callers;
mod ends;
mod evidence;
mod hold;
mod issuer;
mod pauses;
mod requests;
#[path = "../slot/mod.rs"]
pub(crate) mod slot;
mod superseded;
pub(crate) mod sync;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use shuttle::scheduler::RandomScheduler;
use shuttle::{Config, Runner};

/// Random schedules a test.
const SCHEDULES: usize = 2_000;

/// Of each task: futures of a debug build that wait for one another need more than the default.
const STACK: usize = 1 << 18;

fn explore(test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::default();
    config.stack_size = STACK;
    Runner::new(RandomScheduler::new(SCHEDULES), config).run(move || {
        sync::begin_schedule();
        test();
    });
}

/// How the schedules of a test end: all of what it returns in one of them. With so many schedules, what
/// can happen happens.
fn ends<T: Ord + Send + 'static>(test: impl Fn() -> T + Send + Sync + 'static) -> BTreeSet<T> {
    let ends = Arc::new(Mutex::new(BTreeSet::new()));
    let collected = ends.clone();
    explore(move || {
        let end = test();
        collected.lock().expect("no panic under it").insert(end);
    });
    Arc::into_inner(ends).expect("all schedules are over").into_inner().expect("no panic under it")
}

/// Lets others run until this is so.
fn run_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        shuttle::thread::yield_now();
    }
}
