//! The middleware and the token transport, on real connections to servers on loopback.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod bodies;
mod carrier;
mod choice;
mod context;
mod default_headers;
mod matrix;
mod outcomes;
mod outcomes_reachable;
mod redirects;
mod refusals;
mod retries;
mod rewrites;
mod timeouts;
mod traces;
mod transparency;
mod transport;
mod verdicts;
mod world;
