//! Both adapters in the same worlds, on paused time.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests that print their figures")]

mod hour;
mod property;
mod world;
