//! oauth-core
pub mod challenge;
mod client_auth;
pub mod clock;
mod error;
pub mod grant;
mod origin;
mod outcome;
pub mod policy;
mod redact;
pub mod replay;
pub mod slot;
mod source;
mod token;
mod transport;
pub mod verdict;

pub use client_auth::{ClientAuth, RotatingClient};
pub use error::{BoxError, Error};
pub use grant::{Apiera, Ataccama, ClientCredentials, Fuuffy, Grant, Oleria};
pub use origin::{Origin, Origins};
pub use outcome::{NoToken, NotAttached, NotReplayed, Outcome};
pub use policy::OnForeignOrigin;
pub use replay::ReplayBody;
pub use slot::{Generation, IssuedToken, SlotBuilder, Status, TokenSlot};
pub use source::{SourceFn, StaticToken, TokenSource, source_fn};
pub use token::Token;
pub use transport::GrantSource;
#[cfg(feature = "hyper-transport")]
pub use transport::{HyperTransport, HyperTransportFuture};
pub use verdict::Verdict;
