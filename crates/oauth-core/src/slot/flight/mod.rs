//! The single flight: one token request at a time, whatever the number of callers.
//!
//! - [`state`]: whether a flight is under way, who may start one, what it leaves behind. Synchronous, without
//!   I/O, behind a mutex that is held for a few comparisons.
//! - [`task`]: the flight itself, a spawned task that calls the source, retries where that helps, and settles.
//! - [`completion`]: how a flight's waiters learn its result. [`acquire`](super::acquire) is the waiter's side.
//! - [`shared`]: what all handles of a slot and its flight share.
//! - [`evidence`]: what refusals and acceptances by the API have shown.
//!
//! What a drop does:
//! - A waiter: nothing; the flight goes on for the others.
//! - The task (its runtime has ended, or it was aborted): the flight is taken off the state, then its waiters
//!   are woken and ask for another one.
//! - The last handle of the slot: the flight is aborted. The task holds the slot weakly.
//! - A task that is never polled again, on a runtime that is not driven: the flight misses its heartbeat,
//!   and the next caller starts another one.

pub(super) mod completion;
pub(super) mod evidence;
pub(super) mod shared;
pub(super) mod state;
pub(super) mod task;

use super::{
    builder, counts, entry, events, issued, rotation, schedule, sent, sync, target, trigger,
};
