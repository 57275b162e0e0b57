//! A Tower layer that attaches OAuth 2.0 client credentials tokens to `http` requests and handles a 401
//! with one refresh and one replay.
//!
//! ```no_run
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use oauth_core::{ClientAuth, Oleria, TokenSlot};
//! use oauth_tower::OAuthLayer;
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let grant = Oleria::builder(ClientAuth::secret("id", "secret"))
//!     .authentication_url("https://auth.example.com/oauth2/token")
//!     .api_url("https://devx.acme.oleria.io")
//!     .build()?;
//! let oauth = OAuthLayer::new(TokenSlot::for_grant(grant)?);
//! let client = ServiceBuilder::new()
//!     .layer(oauth.clone())
//!     // Directly around the client: whatever comes between, the token goes to the API alone.
//!     .layer(oauth.guard())
//!     .service(Client::builder(TokioExecutor::new()).build_http());
//!
//! let request = http::Request::get("https://devx.acme.oleria.io/v1/users");
//! let response = client.oneshot(request.body(Full::<Bytes>::default())?).await?;
//! # drop(response);
//! # Ok(())
//! # }
//! ```
//!
//! # What happens to a request
//! - A fresh token is put into the header and the inner service is called, with nothing awaited,
//!   locked or boxed.
//! - Without a valid token the inner service's readiness is given back, the slot's one flight is
//!   awaited, and the request is sent when the inner service is ready again.
//! - A 401 about the token (see [`oauth_core::manual::replay`]) refreshes it, by generation, so that a
//!   hundred of them cost one token request, and sends the request once more. If the token cannot
//!   be refreshed, or the body cannot be sent again, the original 401 is delivered whole.
//! - A request for another origin, with an `Authorization` of its own, or with
//!   [`NoToken`](oauth_core::NoToken) in its extensions passes as it is.
//! - A [`Deadline`](oauth_core::Deadline) in its extensions covers the wait for a token, its refresh and both
//!   sends together, until the response's head is there. One whose time is over is not sent.
//!
//! [`Outcome::of`](oauth_core::Outcome::of) reads from a response's extensions what happened. The rules in
//! full, the cap and what is never sent again: [`oauth_core::manual::replay`]. For gRPC: [`grpc`].
//!
//! # Which body does my client take?
//! - Its body type is open, as that of hyper's `Client` until it is called: the default. It becomes
//!   [`ReplayBody`](oauth_core::ReplayBody) of yours.
//! - It is typed for axum's or tonic's body: [`Buffered::into_body`], whose service can be named as
//!   `OAuth<Client<.., Body>, IntoBody<fn(ReplayBody<Body>) -> Body>>`.
//! - It is typed for `Full<Bytes>` or another body that clones: [`CloneBody`].
//!
//! A wrong choice is a compile error that says that `OAuth<…>` has no method `ready` or `oneshot`.
//!
//! # Order of layers
//! A redirect follower below the layer needs one of three beside it: the [guard](OAuthLayer::guard),
//! the feature `tower-http-06` or `tower-http-07` for tower-http's `FollowRedirect` of that version, or
//! [`response_uri`](OAuthLayer::response_uri). **Without one of them the layer does not know of redirects, and a
//! request that was acted on can be sent twice**: `POST /orders`, 303, `GET /orders/1`, 401, `POST /orders`.
//! The guard alone also knows of a redirect back to the same URI, and keeps the token from foreign hosts.
//!
//! Retries and time limits for the whole call go outside this one, concurrency limits inside.
//!
//! The guard goes directly around the client. A redirect follower between the two would take the token to
//! foreign hosts otherwise: tower-http 0.6 does from the second hop on, 0.7 with every policy but
//! `Standard`. A follower *outside* of the layer never holds the token; but each hop passes the layer
//! anew, and a foreign server that redirects to the API steers a request there with a token, at a path of
//! its choice.
//!
//! # Features
//! None is on by default.
//! - `tower-http-06`, `tower-http-07`: the layer reads by itself what tower-http's `FollowRedirect` of
//!   that version leaves in a response (its `RequestUri`, another type in each), as if
//!   [`response_uri`](OAuthLayer::response_uri) had been set to it, at the same cost. A function that you set
//!   takes its place. Both may be on. tower-http 0.6 and 0.7 need Rust 1.64 and 1.65; this crate's 1.85
//!   holds with them.

mod error;
#[cfg(any(feature = "tower-http-06", feature = "tower-http-07"))]
mod follower;
mod future;
pub mod grpc;
mod guard;
mod layer;
mod service;
mod strategy;

pub use error::{Error, token_error};
pub use future::ResponseFuture;
pub use guard::{Guard, GuardFuture, GuardLayer};
pub use layer::OAuthLayer;
pub use oauth_core::replay::{Buffered, IntoBody, NoReplay};
pub use service::OAuth;
pub use strategy::{CloneBody, Strategy};
