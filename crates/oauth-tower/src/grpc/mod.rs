//! For gRPC: a status of `UNAUTHENTICATED` is a refused token as well.
//!
//! gRPC responds with HTTP 200 whatever happens and reports the result of a call in its trailers, as
//! `grpc-status`; 16 is `UNAUTHENTICATED`. [`OAuthLayer::grpc`](crate::OAuthLayer::grpc) creates a layer
//! that reads it:
//!
//! - A response with nothing but the status ("Trailers-Only") is handled like a 401: the token is
//!   refreshed, by generation, and the call is made once more, its messages whole.
//!   [`Outcome`](oauth_core::Outcome) says which.
//! - The same status in real trailers comes after headers, and perhaps messages, that the caller has
//!   seen. Nothing is sent again; the token is refreshed for the next call.
//! - A call's `grpc-timeout` covers the wait for a token, its refresh and both sends, until the response's
//!   head is there; each send carries it as it is.
//! - Other statuses are delivered, as is every response with an HTTP status other than 200 and 401.
//!
//! A server that checks tokens before its handlers run, as interceptors do, has not acted on a call
//! that it refuses so. But servers, tonic's too, send *every* error of a unary handler in this form:
//! one that acts and then passes on the `UNAUTHENTICATED` of a service behind it is called twice. Give
//! such calls, where twice is not the same as once,
//! [`ReplayChoice::Off`](oauth_core::ReplayChoice::Off).
//!
//! Around a tonic `Channel` the layer sees only relative URIs, so set where the channel leads, and give
//! tonic its own body type back:
//!
//! ```
//! use oauth_core::{Origin, ReplayBody, TokenSlot};
//! use oauth_tower::grpc::Grpc;
//! use oauth_tower::{Buffered, IntoBody, OAuthLayer};
//! use tonic::body::Body;
//! use tonic::transport::{Channel, Endpoint};
//! use tower::ServiceBuilder;
//!
//! type Guarded = Grpc<Channel, IntoBody<fn(ReplayBody<Body>) -> Body>>;
//!
//! fn guarded(slot: TokenSlot) -> Result<Guarded, Box<dyn std::error::Error>> {
//!     let channel = Endpoint::from_static("https://api.example.com").connect_lazy();
//!     let into_body: fn(ReplayBody<Body>) -> Body = Body::new;
//!     let layer = OAuthLayer::new(slot)
//!         .inner_origin(Origin::parse("https://api.example.com")?)
//!         .replay(Buffered::into_body(into_body))
//!         .grpc();
//!     // A generated client takes it: `GreeterClient::new(guarded(slot)?)`.
//!     Ok(ServiceBuilder::new().layer(layer).service(channel))
//! }
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let _entered = runtime.enter();
//! # let token = oauth_core::Token::bearer("abc")?;
//! # guarded(TokenSlot::new(oauth_core::StaticToken::new(token)))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Streams are kept for a second send up to the replay cap, 64 KiB by default; a stream that has
//! sent more when the refusal comes is not sent again.

mod body;
mod service;

pub use body::GrpcBody;
pub use service::{Grpc, GrpcFuture, GrpcLayer};
