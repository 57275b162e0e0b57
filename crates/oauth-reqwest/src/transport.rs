//! A reqwest client as a token transport.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderValue;
use http::header::USER_AGENT;
use http_body_util::Full;
use oauth_core::BoxError;
use reqwest::{Body, Client, ClientBuilder};
use tower_service::Service;

const AGENT: &str = concat!("oauth-reqwest/", env!("CARGO_PKG_VERSION"));

/// A token transport from a [`reqwest::ClientBuilder`], with the user's proxy, TLS and timeouts.
///
/// Its `User-Agent` is the builder's or, if that sets none, `oauth-reqwest/` and its version: some firewalls
/// answer requests without one with 403.
///
/// It never follows a redirect and never sends a token request twice: either could pass the secret to
/// another party. A response from another URL than the request's is an error.
///
/// A certificate that does not verify is a permanent error, at once and with its cause, if reqwest uses
/// rustls and this crate's feature `rustls` or `oauth-core`'s `hyper-transport` (a default) is on. With
/// another TLS library it is retried like a broken connection. A private CA's root goes into the builder
/// (`tls_certs_merge`).
///
/// ```
/// use oauth_core::{ClientAuth, GrantSource, Oleria, TokenSlot};
/// use oauth_reqwest::ReqwestTransport;
///
/// let grant = Oleria::builder(ClientAuth::secret("id", "secret"))
///     .authentication_url("https://auth.example.com/oauth2/token")
///     .api_url("https://devx.acme.oleria.io")
///     .build()?;
/// let transport = ReqwestTransport::from_builder(reqwest::Client::builder())?;
/// let slot = TokenSlot::new(GrantSource::new(grant, transport));
/// # drop(slot);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    /// Sent with each request, unless the client has one of its own.
    agent: Option<HeaderValue>,
}

impl ReqwestTransport {
    /// Builds the client. Its redirect and retry policies are replaced by "never", and idle connections are
    /// not kept: they may belong to a runtime that has shut down.
    ///
    /// The builder's default headers go to the token endpoint too: an `Authorization` among them would be a
    /// second client authentication, which servers reject (RFC 6749 §2.3).
    ///
    /// # Errors
    /// If reqwest rejects the builder's settings.
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, oauth_core::Error> {
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|e| oauth_core::Error::setting("reqwest::ClientBuilder", e))?;
        let agent = (!has_agent(&client)).then(|| HeaderValue::from_static(AGENT));
        Ok(Self { client, agent })
    }
}

/// Whether the client adds a `User-Agent` by itself. reqwest has no getter for its default headers, and one
/// in the request would take the place of the client's. A wrong guess costs no more than that.
fn has_agent(client: &Client) -> bool {
    format!("{client:?}").contains("\"user-agent\"")
}

impl Service<http::Request<Full<Bytes>>> for ReqwestTransport {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Full<Bytes>>) -> Self::Future {
        if let Some(agent) = &self.agent {
            request.headers_mut().entry(USER_AGENT).or_insert_with(|| agent.clone());
        }
        let client = self.client.clone();
        Box::pin(async move {
            // Wrapped, so that reqwest treats it as a stream and cannot send it twice.
            let request = reqwest::Request::try_from(request.map(Body::wrap))
                .map_err(reqwest::Error::without_url)?;
            let url = request.url().clone();
            let response = client.execute(request).await.map_err(reqwest::Error::without_url)?;
            if *response.url() != url {
                return Err("the response came from another URL than the token endpoint's".into());
            }
            Ok(response.into())
        })
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's `Debug` shows default headers, which may be secrets.
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}
