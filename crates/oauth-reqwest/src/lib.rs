//! A reqwest-middleware that attaches OAuth 2.0 client credentials tokens and handles a 401 with one
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
//! // Only redirects within the API's origin: reqwest's own policy can take the token elsewhere.
//! let client = reqwest::Client::builder().redirect(oauth_reqwest::redirects()).build()?;
//! let client = reqwest_middleware::ClientBuilder::new(client)
//!     .with(OAuthMiddleware::new(slot))
//!     .build();
//! let response = client.get("https://api.apiera.io/v1/things").send().await?;
//! # drop(response);
//! # Ok(())
//! # }
//! ```
//!
//! The rules are those of `oauth-tower`, by the same code: which requests get a token
//! ([`oauth_core::Origins`]), what a 401 means, and when a request is sent again
//! ([`oauth_core::manual::replay`]), and what a caller can see ([`oauth_core::Outcome`], in the response's
//! extensions).
//!
//! - Bodies of bytes are sent again as they are, whatever their size, and are never wrapped, so
//!   that reqwest's own redirects and retries keep working. Only streams are kept on the way, up
//!   to a cap.
//! - reqwest follows redirects below the middleware, **and its default policy takes our header to a foreign
//!   host that redirects once more**. Build the client with [`redirects`], as above. A response from
//!   another origin is recorded as [`Outcome::RedirectedAway`](oauth_core::Outcome::RedirectedAway) and
//!   warned of once. A 401 from there may be the API's, if something below rewrites hosts: it refreshes the
//!   token like any other; with a [`Stamp`] below, a redirect is recognized, and its 401 is delivered.
//! - A client's `default_headers` are added below the middleware, which cannot see them: a default
//!   `Host` goes out beside our token, and a default `Authorization` is replaced by it. Set neither for
//!   a client that has this middleware.
//! - A request's own `timeout`, or a [`Deadline`](oauth_core::Deadline) among its extensions, covers the wait
//!   for a token, its refresh and both sends together. A client-wide timeout cannot be seen by a middleware
//!   and counts for each send.
//! - In a chain the first `.with(..)` is the outermost: retries go before this one.
//!
//! TLS is reqwest's: choose one of its features. This crate switches none on. Its own feature `rustls`
//! makes a certificate that does not verify a permanent error: see [`ReqwestTransport`].

mod error;
mod limit;
mod middleware;
mod redirects;
mod replay;
mod stamp;
mod transport;
mod way;

pub use error::token_error;
pub use middleware::OAuthMiddleware;
pub use oauth_core::replay::{Buffered, NoReplay};
pub use redirects::redirects;
pub use replay::Strategy;
pub use stamp::Stamp;
pub use transport::ReqwestTransport;
