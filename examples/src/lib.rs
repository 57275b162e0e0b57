//! What the quickstart and its test share: the scenarios, played against the servers of
//! `oauth-testkit` through either adapter.

mod client;
mod figures;
mod scenario;
mod world;

pub use client::Adapter;
pub use figures::{Figures, table};
pub use scenario::{Scenario, play, play_and_tell};

/// The README's snippets, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
