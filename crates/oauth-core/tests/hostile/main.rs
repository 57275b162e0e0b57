//! Token endpoints that are malicious, or are merely broken: each ends in a token or in a typed error,
//! within the time limit and in bounded memory.
//!
//! The counting allocator serves the whole process and counts each thread for itself: the client,
//! the default transport's tasks included, runs on the thread that is measured, its peer on another.
#![cfg(feature = "hyper-transport")]

mod bodies;
mod every_byte;
mod faults;
mod framing;
mod lives;
mod measured;
mod peer;
