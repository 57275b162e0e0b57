//! What the programs and their tests share: the quickstart's scenarios, played against the servers of
//! `oauth-testkit` through either adapter, and the gateway.

mod client;
mod figures;
mod gateway;
mod scenario;
mod world;

pub use client::Adapter;
pub use figures::{Figures, table};
pub use gateway::gateway;
pub use scenario::{Scenario, play, play_and_tell};

/// The README's snippets, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
