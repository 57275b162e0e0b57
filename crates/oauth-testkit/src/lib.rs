//! An OAuth 2.0 authorization server and an API behind it, on loopback, for tests of client credentials
//! clients.
//!
//! - [`AuthServer`] has a token endpoint that speaks the [`Dialect`] of one of four providers, holds the
//!   client to that provider's contract, and responds in its words.
//! - [`ProtectedApi`] takes the tokens that an [`AuthServer`] issued, for as long as they live, and echoes
//!   what it was sent.
//! - [`Fault`]s script what goes wrong at either of them: statuses, delays, hangs, resets, bodies without end.
//! - Both count and record what reaches them.
//! - [`fixtures`] are response bodies as the providers document them.
//!
//! Time is tokio's clock: under `tokio::time::pause`, tokens expire by `tokio::time::advance`. A paused clock
//! also moves on by itself when every task waits for the network; to make tokens expire without that, pause,
//! advance and resume between two requests.
//!
//! With `oauth-core`, a slot's own clock follows only with `.clock(oauth_core::clock::TokioClock::new())`, and
//! these are the settings of the four grants:
//!
//! | | |
//! |---|---|
//! | `Oleria` | `.authentication_url(auth.token_url()).api_url(api.base_url())` |
//! | `Apiera` | `.organization(auth.organization()).token_url(auth.token_url()).api_url(api.base_url())` |
//! | `Fuuffy` | `.base_url(auth.base_url()).api_url(api.base_url())` |
//! | `Ataccama` | `.realm(auth.realm()).base_url(auth.base_url()).api_url(api.base_url())` |
//!
//! What a provider does not document is chosen by this crate, in the style of that provider's other responses:
//! the bodies of 404, 405, 413 and 415, and the descriptions beside Apiera's and Ataccama's `invalid_request`.
//! A test should not depend on them.
//!
//! This is for tests and for them alone: traffic is plain text, secrets are compared and kept carelessly, and
//! recorded requests hold credentials. `Debug` shows none of them.
//!
//! ```
//! use std::time::Duration;
//!
//! use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let auth = AuthServer::start(Dialect::Ataccama).await?;
//! let api = ProtectedApi::start(&auth).await?;
//!
//! auth.set_lifetime(Duration::from_secs(60));
//! auth.inject(Fault::status(503).header("retry-after", "1").times(2));
//! // Hand `auth.token_url()`, `auth.client_id()`, `auth.client_secret()` and `api.base_url()` to your client,
//! // let it work, and see what it did. Here is a call by hand, with a token made out of band:
//! let token = auth.issue();
//! let call = format!(
//!     "GET /v1/tables HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
//! );
//! let mut connection = TcpStream::connect(api.addr()).await?;
//! connection.write_all(call.as_bytes()).await?;
//! let mut answer = String::new();
//! connection.read_to_string(&mut answer).await?;
//!
//! assert!(answer.starts_with("HTTP/1.1 200 OK"));
//! assert!(answer.contains(r#""path":"/v1/tables""#) && answer.contains(r#""token_seq":1"#));
//! assert_eq!((api.requests(), api.refused(), auth.token_requests()), (1, 0, 0));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod api;
mod auth;
mod dialect;
mod fault;
pub mod fixtures;
mod random;
mod recorded;
mod reply;
mod serve;
mod shape;
mod sync;
mod tokens;

pub use api::{Challenge, ProtectedApi};
pub use auth::AuthServer;
pub use dialect::Dialect;
pub use fault::Fault;
pub use recorded::RecordedRequest;
pub use shape::{DataEnvelope, ErrorEnvelope};
