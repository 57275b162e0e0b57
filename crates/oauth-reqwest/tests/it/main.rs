//! The middleware and the token transport, on real connections to servers on loopback.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod alone;
mod bodies;
mod choice;
mod default_headers;
#[path = "../../../oauth-tower/tests/it/gated.rs"]
mod gated;
mod matrix;
#[path = "../../../oauth-tower/tests/it/matrix_table.rs"]
mod matrix_table;
#[path = "../../../oauth-tower/tests/it/outcome_table.rs"]
mod outcome_table;
mod outcomes;
mod reached;
mod redirects;
mod refusals;
mod retries;
mod rewrites;
mod traces;
mod transport;
#[path = "../../../oauth-tower/tests/it/troubles.rs"]
mod troubles;
#[path = "../../../oauth-tower/tests/it/verdict_table.rs"]
mod verdict_table;
mod verdicts;
mod world;
