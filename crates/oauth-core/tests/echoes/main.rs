//! A token endpoint, or a transport, that echoes what it was sent in another spelling: no error and
//! no token shows any of it.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

mod encoders;
mod places;
mod readable;
mod samples;
mod spellings;
