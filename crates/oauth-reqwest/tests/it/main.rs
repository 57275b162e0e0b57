//! The middleware and the token transport, on real connections to servers on loopback.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../../../oauth-tower/tests/it/acceptance.rs"]
mod acceptance;
mod bodies;
mod caller;
mod carrier;
mod choice;
mod context;
mod default_headers;
#[path = "../../../oauth-tower/tests/it/demand.rs"]
mod demand;
#[path = "../../../oauth-tower/tests/it/gated.rs"]
mod gated;
#[path = "../../../oauth-tower/tests/it/issuer.rs"]
mod issuer;
#[path = "../../../oauth-tower/tests/it/limits.rs"]
mod limits;
#[path = "../../../oauth-tower/tests/it/lives.rs"]
mod lives;
mod matrix;
#[path = "../../../oauth-tower/tests/it/matrix_table.rs"]
mod matrix_table;
#[path = "../../../oauth-tower/tests/it/outcome_table.rs"]
mod outcome_table;
mod outcomes;
mod outcomes_reachable;
#[path = "../../../oauth-tower/tests/it/play.rs"]
mod play;
mod redirects;
mod refusals;
#[path = "../../../oauth-tower/tests/it/refused_once.rs"]
mod refused_once;
mod retries;
mod rewrites;
#[path = "../../../oauth-tower/tests/it/standstill.rs"]
mod standstill;
mod timeouts;
mod traces;
mod transparency;
mod transport;
#[path = "../../../oauth-tower/tests/it/troubles.rs"]
mod troubles;
#[path = "../../../oauth-tower/tests/it/uploads.rs"]
mod uploads;
#[path = "../../../oauth-tower/tests/it/verdict_table.rs"]
mod verdict_table;
mod verdicts;
mod world;
