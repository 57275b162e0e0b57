//! Sources that wait for slots. A source that waits, directly or through others, for the slot that it serves
//! would wait until its time limit: it gets an error instead, which names the circle.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::events::Who;
use super::sync::fetching_for;
use crate::error::{Details, Error, Kind};
use crate::source::SourceInfo;

/// The waits of all flights for slots. There are few: most sources wait for none.
static WAITS: Mutex<Vec<Edge>> = Mutex::new(Vec::new());

struct Edge {
    /// The slot whose source waits.
    from: u64,
    /// The slot that it waits for.
    to: u64,
    /// What that one is called.
    name: String,
}

/// Removes the wait when it is over.
#[derive(Debug)]
pub(super) struct Wait {
    from: u64,
    to: u64,
}

/// A caller is about to wait for a flight of this slot. `None` if the caller is no source.
///
/// # Errors
/// If the flight waits for the caller.
pub(super) fn enter(
    who: Who<'_>,
    source: impl FnOnce() -> SourceInfo,
) -> Result<Option<Box<Wait>>, Error> {
    let Some(from) = fetching_for() else { return Ok(None) };
    let to = who.slot;
    let name = name(who, source);
    let mut waits = waits();
    waits.push(Edge { from, to, name });
    // Of two that close a circle at the same time, the second one sees it.
    let circle = path_to(from, &waits);
    let wait = Box::new(Wait { from, to });
    let problem = circle.map(|names| match &*names {
        [own] => format!("the token source of `{own}` waits for its own slot"),
        [.., last] => {
            format!("token sources wait for each other: `{last}` for `{}`", names.join("` for `"))
        }
        [] => unreachable!("the newest wait leads somewhere"),
    });
    // Dropping the wait takes the lock.
    drop(waits);
    match problem {
        None => Ok(Some(wait)),
        Some(problem) => Err(Details {
            hint: Some("a source must not wait for a token of the slot that it serves".into()),
            ..Details::new(Kind::Usage, problem)
        }
        .into()),
    }
}

/// The names of the slots that the newest wait leads to, one after the other, as far as `end`; `None` if it
/// does not lead there.
fn path_to(end: u64, waits: &[Edge]) -> Option<Vec<String>> {
    // The wait by which each slot is reached, and that one's place in this list that it is reached from.
    let mut reached = vec![waits.len().checked_sub(1)?];
    let mut before = vec![None];
    let mut next = 0;
    while next < reached.len() {
        let at = waits[reached[next]].to;
        if at == end {
            let mut names = Vec::new();
            let mut step = Some(next);
            while let Some(index) = step {
                names.push(waits[reached[index]].name.clone());
                step = before[index];
            }
            names.reverse();
            return Some(names);
        }
        for (index, wait) in waits.iter().enumerate() {
            if wait.from == at && !reached.iter().any(|&other| waits[other].to == wait.to) {
                reached.push(index);
                before.push(Some(next));
            }
        }
        next += 1;
    }
    None
}

fn name(who: Who<'_>, source: impl FnOnce() -> SourceInfo) -> String {
    match who.client {
        Some(client) => client.to_owned(),
        None => match source().name() {
            Some(provider) => format!("{provider} (slot {})", who.slot),
            None => format!("slot {}", who.slot),
        },
    }
}

fn waits() -> MutexGuard<'static, Vec<Edge>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waits = waits();
        let index = waits.iter().position(|wait| wait.from == self.from && wait.to == self.to);
        if let Some(index) = index {
            waits.swap_remove(index);
        }
    }
}
