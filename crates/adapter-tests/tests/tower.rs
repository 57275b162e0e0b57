//! The layer of `oauth-tower` in the cases that hold for both adapters.

#![allow(unreachable_pub, reason = "modules of a test binary")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests that print their figures")]

mod callers {
    pub(crate) mod tower;
}
mod cases;

use callers::tower as caller;
