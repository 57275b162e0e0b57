//! The middleware of `oauth-reqwest` in the cases that hold for both adapters.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests that print their figures")]

mod callers {
    pub(crate) mod reqwest;
}
mod cases;

use callers::reqwest as caller;
