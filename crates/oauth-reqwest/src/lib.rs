//! A reqwest-middleware that attaches OAuth 2.0 client credentials tokens and answers a 401 by one
//! refresh and one replay; and reqwest as a transport for token requests.
//!
//! ```no_run
//! use oauth_core::{Apiera, ClientAuth, GrantSource, TokenSlot};
//! use oauth_reqwest::{OAuthMiddleware, ReqwestTransport};
//!
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let grant = Apiera::builder(ClientAuth::secret("id", "secret")).organization("org_acme").build()?;
//! let transport = ReqwestTransport::from_builder(reqwest::Client::builder())?;
//! let slot = TokenSlot::new(GrantSource::new(grant, transport));
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(OAuthMiddleware::new(slot))
//!     .build();
//! let response = client.get("https://api.apiera.io/v1/things").send().await?;
//! # drop(response);
//! # Ok(())
//! # }
//! ```
//!
//! The rules are those of `oauth-tower`, by the same code: which requests get a token
//! ([`oauth_core::policy`]), what a 401 says ([`oauth_core::verdict`]), when a request is sent again
//! ([`oauth_core::replay`]), and what a caller can see ([`oauth_core::Outcome`], in the response's
//! extensions).
//!
//! - Bodies of bytes are sent again as they are, whatever their size, and are never wrapped, so
//!   that reqwest's own redirects and retries keep working. Only streams are kept on the way, up
//!   to a cap.
//! - reqwest follows redirects below the middleware. It drops our header across origins, and a 401
//!   from another origin is delivered.
//! - In a chain the first `.with(..)` is the outermost: retries go before this one.
//!
//! TLS is reqwest's: choose one of its features. This crate switches none on. Its own feature `rustls`
//! makes a certificate that does not verify a permanent error: see [`ReqwestTransport`].

mod error;
mod middleware;
mod replay;
mod transport;

pub use error::token_error;
pub use middleware::OAuthMiddleware;
pub use replay::{Buffered, NoReplay, Strategy};
pub use transport::ReqwestTransport;
