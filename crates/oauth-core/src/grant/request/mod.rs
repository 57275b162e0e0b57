//! What is sent to a token endpoint.

pub(super) mod body;
mod endpoint;
pub(crate) mod params;
pub(super) mod settings;
mod token_request;

pub use endpoint::Endpoint;
pub use token_request::TokenRequest;
