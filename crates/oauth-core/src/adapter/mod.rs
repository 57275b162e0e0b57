//! What both adapters share: which requests get a token, and what their responses mean for it.
//!
//! Only `oauth-tower` and `oauth-reqwest` use this module, and they depend on exactly this version of the
//! crate: it is exempt from semantic versioning.
//!
//! - [`Policy`] has the settings that both adapters offer. `admit` decides whether a request gets a token
//!   and where it goes; `judge` and `accepts` what a response means for the token; `is_redirected_away`
//!   whether the response is not the API's own.
//! - [`verdict()`] and [`grpc_verdict`] interpret a refusal.
//! - [`TokenSlot::authorize_in`](crate::TokenSlot::authorize_in) attaches a token; [`Sent`] is what the slot
//!   must know of that request with its response, [`Target`] what the request was for.
//! - [`Sharded`] spreads reference counts over threads.

mod admission;
mod evidence;
mod guard;
mod judgement;
mod policy;
mod response_origin;
mod verdict;

pub use self::admission::{Admission, Destination, OnForeignOrigin};
pub use self::guard::GuardNote;
pub use self::judgement::ResponseUriFn;
pub use self::policy::Policy;
pub use self::verdict::{Verdict, grpc_verdict, is_unauthenticated, verdict};
pub use crate::deadline::DeadlineTimer;
pub use crate::sharding::{Shard, Sharded};
pub use crate::slot::{Authorized, Sent, Target};
