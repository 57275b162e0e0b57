//! A reqwest-middleware that attaches OAuth 2.0 client credentials tokens.
mod error;
mod middleware;
mod replay;
mod transport;

pub use error::token_error;
pub use middleware::OAuthMiddleware;
pub use replay::{Buffered, NoReplay, Strategy};
pub use transport::ReqwestTransport;
