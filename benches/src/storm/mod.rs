//! Many callers at once: what they cost the token endpoint, and how long they wait.
//!
//! The token endpoint is the test kit's, over loopback, on a thread and a runtime of its own, so that
//! the callers do not take its time. The API is in the process: it is not what is measured, and
//! 10,000 callers need no 10,000 sockets.

mod api;
mod endpoint;
mod herd;
mod loops;
mod ours;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;

pub use self::api::Api;
pub use self::endpoint::{TOKEN_LATENCY, TokenEndpoint};
pub use self::herd::{Herd, herd};
pub use self::loops::{Looped, looping};
pub use self::ours::{MovableClock, Ours};

/// One call of the API by the client that is measured: the status of the response, or why there is
/// none.
pub type Call = Arc<dyn Fn() -> BoxFuture<'static, Result<StatusCode, String>> + Send + Sync>;
