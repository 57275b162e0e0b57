//! The default transport: hyper-util's client over rustls with the system's certificates.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

use crate::error::{BoxError, Error, Kind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The default token transport: HTTP/1.1 or HTTP/2 over TLS.
///
/// - rustls with the ring provider, named explicitly: the process-wide default is not touched;
/// - the system's certificates, or those of the file that `SSL_CERT_FILE` names: a private CA's root
///   goes there (none of them is a warning in the log, and TLS fails then);
/// - 5 s to connect, no proxy, no redirects, no retries;
/// - no pooled connections: token requests are rare, and an idle connection could belong to a
///   runtime that is gone.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct HyperTransport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl HyperTransport {
    /// Creates a transport with its own client. Reads the system's certificates here, once; needs no
    /// runtime until it is called.
    ///
    /// # Errors
    /// If the TLS provider offers no protocol version, which does not happen in a working build.
    pub fn new() -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::new(Kind::Usage, "the TLS provider has no usable version"))?
            .with_root_certificates(system_roots())
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        // The connector above handles https.
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        // Plain http is only for loopback, which `GrantSource` enforces.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self { client })
    }
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    roots_of(found.certs, found.errors.len())
}

fn roots_of(certificates: Vec<CertificateDer<'_>>, errors: usize) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (usable, broken) = roots.add_parsable_certificates(certificates);
    if usable == 0 {
        tracing::warn!(
            errors,
            broken,
            "the system has no usable root certificates: https to a token endpoint will fail"
        );
    }
    roots
}

impl Service<Request<Full<Bytes>>> for HyperTransport {
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = HyperTransportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.client.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> HyperTransportFuture {
        HyperTransportFuture(self.client.call(request))
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

/// The response future of a [`HyperTransport`].
pub struct HyperTransportFuture(ResponseFuture);

impl Future for HyperTransportFuture {
    type Output = Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = std::task::ready!(Pin::new(&mut self.get_mut().0).poll(cx))?;
        Poll::Ready(Ok(response.map(|body| body.map_err(Into::into).boxed_unsync())))
    }
}

impl fmt::Debug for HyperTransportFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransportFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Counts events.
    struct Events(Arc<AtomicUsize>);

    impl Subscriber for Events {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn only_a_system_without_usable_roots_is_warned_of() {
        let own = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap();
        let broken = CertificateDer::from_slice(b"no certificate");
        for (certificates, usable, warnings) in [
            (vec![own.cert.der().clone(), broken.clone()], 1, 0),
            (vec![broken], 0, 1),
            (Vec::new(), 0, 1),
        ] {
            let events = Arc::new(AtomicUsize::new(0));
            let roots = tracing::subscriber::with_default(Events(events.clone()), || {
                roots_of(certificates, 0)
            });
            assert_eq!((roots.len(), events.load(Ordering::Relaxed)), (usable, warnings));
        }
    }
}
