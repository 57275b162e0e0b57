//! The layer, proven by hand-polled services, over Tower's own layers, and on real connections.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod acceptance;
mod caller;
mod carrier;
mod choice;
mod context;
mod contract;
mod deadlines;
mod debugged;
mod demand;
mod drops;
mod followed;
mod followers;
mod gated;
mod grpc;
mod grpc_body;
mod grpc_evidence;
mod grpc_matrix;
mod grpc_world;
mod guard;
mod h1_drain;
mod issuer;
mod limits;
mod lives;
mod matrix;
mod matrix_table;
mod origins;
mod outcome_table;
mod outcomes;
mod play;
mod poll_after_ready;
mod property;
mod redirects;
mod refused_once;
mod replay;
mod responses;
mod reuse;
mod rewrites;
mod scripted;
mod shedding;
mod stacks;
mod standstill;
mod transparency;
mod troubles;
mod uploads;
mod verdict_table;
mod verdicts;
mod warnings;
mod wire;
