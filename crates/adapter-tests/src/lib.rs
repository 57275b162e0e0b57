//! What the tests of both adapters share: a scripted token source and API, bodies behind gates, the tables of
//! what must hold for each of them.
//!
//! Cases that hold for both adapters are in `tests/cases`; `tests/tower.rs` and `tests/reqwest.rs` run them.
//! `tests/worlds` puts both adapters into the same worlds.

#![allow(missing_docs, missing_debug_implementations, reason = "for the tests beside it alone")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "for tests, which fail by it and print"
)]

pub mod gated;
pub mod issuer;
pub mod matrix_table;
pub mod outcome_table;
pub mod play;
pub mod troubles;
pub mod verdict_table;
