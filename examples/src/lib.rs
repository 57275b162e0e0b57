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

/// The READMEs' snippets, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../crates/oauth-core/README.md")]
#[doc = include_str!("../../crates/oauth-tower/README.md")]
#[doc = include_str!("../../crates/oauth-reqwest/README.md")]
#[doc = include_str!("../../crates/oauth-testkit/README.md")]
pub struct Readme;
