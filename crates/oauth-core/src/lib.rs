//! OAuth 2.0 client credentials for services: token sources, and a slot that keeps a token fresh.
//!
//! This crate is the core of `oauth-tower` (a Tower layer) and `oauth-reqwest` (a reqwest-middleware).
//! Services add one of these two; what they configure is here:
//!
//! 1. [`ClientAuth`]: the client's credentials, in a [`RotatingClient`] if they change while the
//!    service runs; or a [`SecretProvider`] that knows them, for example [`FileSecret`].
//! 2. A grant: [`Oleria`], [`Apiera`], [`Fuuffy`], [`Ataccama`], or [`ClientCredentials`] for any
//!    server that implements RFC 6749 §4.4. Or your own [`Grant`](grant::Grant) or [`TokenSource`].
//! 3. [`TokenSlot`]: holds the token, refreshes it before it expires in a single flight, and replaces
//!    it when the API refuses it.
//!
//! ```no_run
//! use oauth_core::{ClientAuth, Oleria, TokenSlot};
//!
//! # async fn demo() -> Result<(), oauth_core::Error> {
//! # #[cfg(feature = "hyper-transport")] {
//! let grant = Oleria::builder(ClientAuth::secret("id", "secret"))
//!     .authentication_url("https://auth.example.com/oauth2/token")
//!     .api_url("https://devx.acme.oleria.io")
//!     .build()?;
//! let slot = TokenSlot::for_grant(grant)?;
//!
//! // At start-up: one attempt, so that a wrong configuration is seen at once.
//! slot.prefetch().await?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Manual
//! The [`manual`] has three pages: [`manual::guarantees`], what holds, with limits and figures;
//! [`manual::replay`], when a refused request is sent again and with which body; [`manual::security`], what
//! is defended, and against whom.
//!
//! # Where a token may go
//! A token is attached only to requests for the [`Origins`] that its grant names, over https, or over plain
//! http to loopback. Other requests are sent without one, and never silently: see [`OnForeignOrigin`] and
//! [`Outcome`]. For sources that name no origins, set them with [`SlotBuilder::origins`] or on the adapter.
//!
//! # Features
//! - `hyper-transport` (default): [`HyperTransport`], the default token transport, and
//!   [`TokenSlot::for_grant`]. Without it, bring any `tower::Service` for a [`GrantSource`].
//! - `rustls` (part of the one above): over any transport, a TLS handshake of rustls 0.23 that fails for
//!   good is a permanent error. See [`GrantSource`].
//!
//! # For an adapter of your own
//! [`TokenSlot::token`] and [`TokenSlot::replace`] are all that another client needs. `oauth-tower` and
//! `oauth-reqwest` share more: what they need is in a hidden module that is exempt from semantic
//! versioning.

#![cfg_attr(test, allow(clippy::duplicate_mod, reason = "`interleavings` compiles the slot twice"))]

#[doc(hidden)]
pub mod adapter;
pub mod challenge;
pub mod clock;
mod credentials;
mod deadline;
mod error;
pub mod grant;
#[cfg(test)]
mod interleavings;
pub mod manual;
mod origin;
mod outcome;
mod redact;
pub mod replay;
mod sharding;
mod slot;
mod source;
mod sync;
mod token;
mod transport;
mod unwind;

pub use adapter::{OnForeignOrigin, Verdict};
pub use credentials::{ClientAuth, FileSecret, IntoSecret, RotatingClient, SecretProvider};
pub use deadline::{Deadline, DeadlineElapsed};
pub use error::{BoxError, Error};
pub use grant::client_credentials::ClientCredentials;
pub use grant::provider::{Apiera, Ataccama, Fuuffy, Oleria};
pub use grant::request::params::Params;
pub use origin::{Origin, Origins};
pub use outcome::{NoToken, NotAttached, NotReplayed, Outcome};
pub use replay::{ReplayBody, ReplayChoice};
pub use slot::{
    Changes, Generation, IssuedToken, KeepFresh, SlotBuilder, State, Status, TokenSlot,
};
pub use source::{
    FetchContext, FetchReason, Identity, SourceFn, SourceFnWith, SourceInfo, StaticToken,
    TokenSource, source_fn, source_fn_with,
};
pub use token::Token;
pub use transport::{BoxTransport, GrantSource};
#[cfg(feature = "hyper-transport")]
pub use transport::{
    HyperConnector, HyperStream, HyperTransport, HyperTransportBuilder, HyperTransportFuture,
};
