//! Hours of calls on paused time: what a refusal means, whom it is charged to, and what that costs. Each
//! test prints its figures (`cargo test -p oauth-adapter-tests -- --nocapture`).

mod forbidden;
mod lag;
mod nodes;
mod processes;
mod unknown_life;
mod uploads;

use std::time::Duration;

use crate::world::Played;

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A token request takes 0.05 to 2 s, a request to the API 0.1 to 1 s.
pub(crate) const TOKEN: std::ops::Range<f64> = 0.05..2.0;
pub(crate) const API: std::ops::Range<f64> = 0.1..1.0;

pub(crate) fn tell(what: &str, played: &Played) {
    println!(
        "{what:72} failed {:5} of {:6}, {:4} token requests",
        played.failed(),
        played.calls(),
        played.requests
    );
}
