//! The layer, proven by hand-polled services, over Tower's own layers, and on real connections.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod carrier;
mod choice;
mod context;
mod contract;
mod deadlines;
mod debugged;
mod drops;
mod followed;
mod followers;
mod grpc;
mod grpc_body;
mod grpc_evidence;
mod grpc_matrix;
mod grpc_world;
mod guard;
mod h1_drain;
mod matrix;
mod origins;
mod outcomes;
mod poll_after_ready;
mod property;
mod redirects;
mod replay;
mod responses;
mod reuse;
mod rewrites;
mod scripted;
mod shedding;
mod stacks;
mod transparency;
mod verdicts;
mod warnings;
mod wire;
