//! A reqwest-middleware that attaches OAuth 2.0 client credentials tokens.
mod middleware;
mod replay;
mod transport;

pub use middleware::{OAuthMiddleware, token_error};
pub use replay::{Buffered, NoReplay, Strategy};
pub use transport::ReqwestTransport;
