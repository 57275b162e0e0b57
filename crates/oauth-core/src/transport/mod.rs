//! Tokens of a grant over any `tower::Service`: https only, limited in time and size, redirects not
//! followed.

mod boxed;
mod collect;
mod credentials;
mod exchange;
mod failure;
#[cfg(feature = "hyper-transport")]
mod hyper;
#[cfg(feature = "rustls")]
mod tls;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;
use tower_service::Service;

use crate::credentials::RotatingClient;
use crate::error::{BoxError, Error, Kind};
use crate::grant::Grant;
use crate::source::{FetchContext, SourceInfo, TokenSource};
use crate::token::Token;
use crate::unwind::contained;

pub use boxed::BoxTransport;
#[cfg(feature = "hyper-transport")]
pub use hyper::{
    HyperConnector, HyperStream, HyperTransport, HyperTransportBuilder, HyperTransportFuture,
};

/// Just below the slot's limit for one attempt (10 s), so that this error, with the provider's name and
/// hint, comes first.
const TIME_LIMIT: Duration = Duration::from_millis(9_500);
const SIZE_CAP: usize = 1024 * 1024;

/// A [`Grant`] and a transport: a [`TokenSource`].
///
/// The transport is any `tower::Service` from `http::Request<Full<Bytes>>` to an `http::Response`. It must
/// not follow redirects (a 307 would pass the secret on) and should not retry: the slot does. Each request
/// is made on a clone of it, and fails on plain http beyond loopback before anything is sent.
///
/// A failure of the transport is transient, so that the slot tries again, with two exceptions:
/// - the transport's own verdict: an [`Error`] in the chain of its error decides, so a transport returns
///   [`Error::permanent`] where no later attempt can help, or [`Error::transient`];
/// - with the feature `rustls` (the default transport switches it on), a handshake of rustls 0.23 that
///   fails for good: a certificate that does not verify, a peer with no TLS version or protocol in
///   common, a refused client certificate. A certificate that is not valid yet, a server's internal
///   error and a cut connection stay transient. So do the failures of other TLS libraries and other
///   major versions of rustls, which are not known here.
///
/// Either way the error's text names the cause.
///
/// Request and response are held in memory that is wiped after use; what the transport, TLS or the kernel
/// buffer is out of reach.
///
/// ```
/// # #[cfg(feature = "hyper-transport")] {
/// use oauth_core::{Apiera, ClientAuth, GrantSource};
///
/// let grant = Apiera::builder(ClientAuth::secret("id", "secret"))
///     .organization("org_EXAMPLE")
///     .build()?;
/// let source = GrantSource::with_default_transport(grant)?;
/// # drop(source);
/// # }
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct GrantSource<G, T> {
    grant: G,
    client: RotatingClient,
    transport: T,
    time_limit: Duration,
    size_cap: usize,
}

impl<G: Grant, T> GrantSource<G, T> {
    /// Creates a source of the grant's tokens over this transport.
    pub fn new(grant: G, transport: T) -> Self {
        let client = grant.client().clone();
        Self { grant, client, transport, time_limit: TIME_LIMIT, size_cap: SIZE_CAP }
    }

    /// Sets how long one exchange may take, from polling the transport ready to the end of the response's
    /// body. Default: 9.5 s, just below the slot's 10 s for one attempt, which a longer limit here does not
    /// stretch.
    ///
    /// Everything in one fetch shares it: asking a [`SecretProvider`](crate::SecretProvider), and the
    /// exchange with other credentials.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how large a response may be, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn size_cap(mut self, cap: usize) -> Self {
        self.size_cap = cap;
        self
    }

    /// Returns the grant.
    pub fn grant(&self) -> &G {
        &self.grant
    }
}

#[cfg(feature = "hyper-transport")]
impl<G: Grant> GrantSource<G, HyperTransport> {
    /// Creates a source of the grant's tokens over its own [`HyperTransport`].
    ///
    /// # Errors
    /// As [`HyperTransport::new`].
    pub fn with_default_transport(grant: G) -> Result<Self, Error> {
        Ok(Self::new(grant, HyperTransport::new()?))
    }
}

impl<G, T, B> TokenSource for GrantSource<G, T>
where
    G: Grant,
    T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    T::Future: Send,
    T::Error: Into<BoxError>,
    B: Body + Send,
    B::Error: Into<BoxError>,
{
    /// # Cancel safety
    /// Dropping it drops the call of a secret provider and the exchange; nothing is kept of them but the
    /// credentials that [`RotatingClient::current`] returns.
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        let (first, fallback) = self.client.in_use();
        // Tokio's timer panics without a runtime.
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(self.failed(Kind::Runtime, "there is no Tokio runtime here".into()).into());
        }
        // All credentials and their provider share the limit: the slot's own comes right after it.
        let started = Instant::now();
        let error = match self.ask_first(&first, started).await? {
            Err(error) if error.is_bad_credentials() => error,
            result => return result,
        };
        let Some(fallback) = fallback else { return Err(error) };
        let info = self.grant.info();
        contained(|| {
            tracing::info!(provider = info.name(), "bad credentials, trying the fallback")
        });
        match self.ask(fallback, started).await {
            // Both are wrong: the first is the one to look at.
            Err(second) if second.is_bad_credentials() => Err(error),
            result => result,
        }
    }

    fn info(&self) -> SourceInfo {
        let info = self.grant.info();
        match self.grant.endpoint().origin() {
            Some(origin) if info.endpoint().is_none() => info.with_endpoint(origin),
            _ => info,
        }
    }

    fn credentials_epoch(&self) -> u64 {
        self.client.epoch()
    }

    fn credentials_changed(&self, epoch: u64) -> impl Future<Output = ()> + Send {
        self.client.changed(epoch)
    }
}

impl<G: fmt::Debug, T> fmt::Debug for GrantSource<G, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantSource")
            .field("grant", &self.grant)
            .field("time_limit", &self.time_limit)
            .field("size_cap", &self.size_cap)
            .finish_non_exhaustive()
    }
}
