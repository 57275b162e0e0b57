//! Grants: what to send to a token endpoint and how to read its answer, without any I/O.

mod client_credentials;
mod config;
mod provider;
pub(crate) mod request;
mod response;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::credentials::{ClientAuth, RotatingClient};
use crate::error::Error;
use crate::source::SourceInfo;
use crate::token::Token;

pub use client_credentials::{ClientCredentials, ClientCredentialsBuilder};
pub use provider::{
    Apiera, ApieraBuilder, Ataccama, AtaccamaBuilder, Fuuffy, FuuffyBuilder, Oleria, OleriaBuilder,
};

/// One provider's way to mint a token with client credentials (RFC 6749 §4.4).
///
/// Sans-IO: [`GrantSource`](crate::GrantSource) carries the request over a transport.
pub trait Grant: Send + Sync + 'static {
    /// The credentials, as they are now and as they will be after a rotation.
    fn client(&self) -> &RotatingClient;

    /// The token request for these credentials. It holds the secret: do not format or log it.
    fn request(&self, client: &ClientAuth) -> Request<Bytes>;

    /// Reads the token endpoint's answer to a request with these credentials.
    ///
    /// # Errors
    /// For everything but a usable token. Text of the server goes into it only after the
    /// credentials and everything token-shaped were masked.
    fn response(&self, client: &ClientAuth, response: &Response<Bytes>) -> Result<Token, Error>;

    /// What is known besides its tokens: the provider's name, for errors and logs; what to advise when
    /// the token endpoint cannot be reached or does not respond; the API origins that its tokens are
    /// for; its refresh window.
    fn info(&self) -> SourceInfo;

    /// Whether the request may go over plain http beyond loopback. Default: no.
    fn allows_plain_http(&self) -> bool {
        false
    }
}

/// A grant behind an `Arc`, chosen at run time: `Arc<dyn Grant>`.
impl<G: Grant + ?Sized> Grant for Arc<G> {
    fn client(&self) -> &RotatingClient {
        (**self).client()
    }

    fn request(&self, client: &ClientAuth) -> Request<Bytes> {
        (**self).request(client)
    }

    fn response(&self, client: &ClientAuth, response: &Response<Bytes>) -> Result<Token, Error> {
        (**self).response(client, response)
    }

    fn info(&self) -> SourceInfo {
        (**self).info()
    }

    fn allows_plain_http(&self) -> bool {
        (**self).allows_plain_http()
    }
}

#[cfg(test)]
mod tests;
