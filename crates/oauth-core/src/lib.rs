//! oauth-core
mod client_auth;
pub mod clock;
mod error;
pub mod grant;
mod origin;
mod redact;
mod source;
mod token;
mod transport;

pub use client_auth::{ClientAuth, RotatingClient};
pub use error::{BoxError, Error};
pub use grant::{Apiera, Ataccama, ClientCredentials, Fuuffy, Grant, Oleria};
pub use origin::{Origin, Origins};
pub use source::{SourceFn, StaticToken, TokenSource, source_fn};
pub use token::Token;
pub use transport::GrantSource;
#[cfg(feature = "hyper-transport")]
pub use transport::{HyperTransport, HyperTransportFuture};
