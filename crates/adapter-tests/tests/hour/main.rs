//! Hours of calls on paused time: what a refusal means, whom it is charged to, and what that costs. Each
//! test prints its figures (`cargo test -p oauth-adapter-tests -- --nocapture`).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests that print their figures")]
#![expect(missing_docs, reason = "a part of tests")]

mod forbidden;
mod lag;
mod nodes;
mod processes;
mod unknown_life;
mod uploads;

use std::time::Duration;

use oauth_adapter_tests::Played;

pub const HOUR: Duration = Duration::from_secs(3_600);

pub fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A token request takes 0.05 to 2 s, a request to the API 0.1 to 1 s.
pub const TOKEN: std::ops::Range<f64> = 0.05..2.0;
pub const API: std::ops::Range<f64> = 0.1..1.0;

pub fn tell(what: &str, played: &Played) {
    println!(
        "{what:72} failed {:5} of {:6}, {:4} token requests",
        played.failed(),
        played.calls(),
        played.requests
    );
}
