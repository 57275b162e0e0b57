//! The manual: what holds, against whom, and what becomes of a refused request.
//!
//! - [`guarantees`]: what holds under concurrency and faults, with the limits, figures and tests.
//! - [`replay`]: when a refused request is sent again, with which body, and when it never is.
//! - [`security`]: what is defended against whom, and the limits of it.

pub mod guarantees;
pub mod replay;
pub mod security;
