//! Grants: what to send to a token endpoint and how to read its response, without I/O. This module has what
//! your own [`Grant`] needs; the grants themselves are at the root of the crate.

pub(crate) mod client_credentials;
mod config;
pub(crate) mod provider;
pub(crate) mod request;
mod response;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::credentials::RotatingClient;
use crate::error::Error;
use crate::source::SourceInfo;
use crate::token::Token;

use request::params::Params;

pub use crate::credentials::Credentials;
pub use client_credentials::ClientCredentialsBuilder;
pub use provider::{ApieraBuilder, AtaccamaBuilder, FuuffyBuilder, OleriaBuilder};
pub use request::{Endpoint, TokenRequest};
pub use response::ErrorBuilder;

/// One provider's way to issue a token: what to send to its token endpoint, and how to read the
/// response.
///
/// Sans-IO: [`GrantSource`](crate::GrantSource) resolves what a [`TokenRequest`] needs, has the grant
/// write the request, carries it over a transport and has the grant read the response.
///
/// # Your own grant
/// If only details differ, wrap a [`ClientCredentials`](crate::ClientCredentials), forward to it, and
/// change what differs. Otherwise put the credentials where the provider wants them, and build errors that
/// say what its responses mean. This provider wants the secret in a header and rejects a wrong one with a
/// bare 403:
///
/// ```
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
/// use oauth_core::grant::{Endpoint, Grant, TokenRequest};
/// use oauth_core::{ClientAuth, Error, Origins, RotatingClient, SourceInfo, Token};
///
/// struct Vendor {
///     client: RotatingClient,
/// }
///
/// impl Grant for Vendor {
///     fn client(&self) -> &RotatingClient {
///         &self.client
///     }
///
///     fn endpoint(&self) -> Endpoint {
///         Endpoint::Fixed(Uri::from_static("https://login.vendor.example/v2/token"))
///     }
///
///     fn info(&self) -> SourceInfo {
///         let origins = Origins::parse(["https://api.vendor.example"]).unwrap_or(Origins::undeclared());
///         SourceInfo::new().with_name("Vendor").with_origins(origins)
///     }
///
///     fn request(&self, request: &TokenRequest) -> Request<Bytes> {
///         let mut to_send = Request::new(Bytes::new());
///         *to_send.method_mut() = Method::POST;
///         *to_send.uri_mut() = request.endpoint().clone();
///         let credentials = request.credentials();
///         let secret = credentials.expose_secret().unwrap_or_default();
///         for (name, value) in [("x-app", credentials.client_id()), ("x-app-secret", secret)] {
///             if let Ok(mut value) = HeaderValue::from_str(value) {
///                 value.set_sensitive(true);
///                 to_send.headers_mut().insert(name, value);
///             }
///         }
///         to_send
///     }
///
///     fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error> {
///         match response.status() {
///             StatusCode::OK => match std::str::from_utf8(response.body()) {
///                 Ok(secret) => Ok(Token::bearer(secret)?.expires_in(Duration::from_secs(300))),
///                 Err(_) => Err(request.unusable(response, "the token is not text")),
///             },
///             // Tries the fallback credentials, if there are some.
///             StatusCode::FORBIDDEN => {
///                 Err(request.error(response).bad_credentials().hint("see the app's page").build())
///             }
///             _ => Err(request.error(response).build()),
///         }
///     }
/// }
///
/// let client = RotatingClient::new(ClientAuth::secret("id", "secret"));
/// let grant = Vendor { client: client.clone() };
/// let request = TokenRequest::new(&grant, client.current());
/// assert_eq!(grant.request(&request).headers()["x-app-secret"], "secret");
/// let mut response = Response::new(Bytes::new());
/// *response.status_mut() = StatusCode::FORBIDDEN;
/// assert!(grant.response(&request, &response).unwrap_err().is_bad_credentials());
/// ```
pub trait Grant: Send + Sync + 'static {
    /// Returns the client. A [`GrantSource`](crate::GrantSource) calls this once, when it is created, and
    /// from then on passes the credentials of each request in its [`TokenRequest`].
    fn client(&self) -> &RotatingClient;

    /// Returns where token requests go.
    fn endpoint(&self) -> Endpoint;

    /// Returns what the token is requested for. Default: nothing in particular.
    fn params(&self) -> Arc<Params> {
        Arc::default()
    }

    /// Returns what is known besides the tokens: the provider's name, for errors and logs; advice for a
    /// token endpoint that cannot be reached or does not respond; the API origins that its tokens are for;
    /// its refresh window. The [endpoint](SourceInfo::endpoint) may be left out.
    fn info(&self) -> SourceInfo;

    /// Writes the request. It contains the secret: do not format or log it.
    fn request(&self, request: &TokenRequest) -> Request<Bytes>;

    /// Reads the token endpoint's response.
    ///
    /// # Errors
    /// For everything but a usable token; [`TokenRequest::error`] and [`TokenRequest::unusable`] create
    /// them. Text of the server may go into one only after it was [masked](TokenRequest::mask).
    fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error>;

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

    fn endpoint(&self) -> Endpoint {
        (**self).endpoint()
    }

    fn params(&self) -> Arc<Params> {
        (**self).params()
    }

    fn info(&self) -> SourceInfo {
        (**self).info()
    }

    fn request(&self, request: &TokenRequest) -> Request<Bytes> {
        (**self).request(request)
    }

    fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error> {
        (**self).response(request, response)
    }

    fn allows_plain_http(&self) -> bool {
        (**self).allows_plain_http()
    }
}

#[cfg(test)]
mod tests;
