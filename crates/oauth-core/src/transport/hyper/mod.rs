//! The default transport: hyper-util's client over rustls with the system's certificates.

mod builder;
mod connector;
mod tls;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, ResponseFuture};
use tower_service::Service;

pub use self::builder::HyperTransportBuilder;
pub use self::connector::{HyperConnector, HyperStream};
use crate::error::{BoxError, Error};

/// The default token transport: HTTP/1.1 or HTTP/2 over TLS.
///
/// - rustls with the ring provider, named explicitly: the process-wide default is not touched;
/// - the system's certificates, or those of the file that `SSL_CERT_FILE` names (none of them is a warning in
///   the log, and TLS fails then); a private CA's root goes there or into the [builder](Self::builder);
/// - 5 s to connect, no proxy, no redirects, no retries;
/// - `User-Agent: oauth-core/` and its version, `Accept-Encoding: identity`;
/// - no pooled connections: token requests are rare, and an idle connection could belong to a
///   runtime that is gone.
///
/// Cheap to clone: clones, and so all sources over them, share one TLS configuration and its roots.
#[derive(Clone)]
pub struct HyperTransport {
    client: Client<HyperConnector, Full<Bytes>>,
    connector: HyperConnector,
    /// Sent with each request, unless it has them.
    headers: Arc<HeaderMap>,
}

impl HyperTransport {
    /// Creates a transport with the defaults. The system's certificates are read once in a process, by the
    /// first of them; needs no runtime until it is called.
    ///
    /// # Errors
    /// If the TLS provider offers no protocol version, which does not happen in a working build.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Starts a transport with settings.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::new()
    }

    /// Returns the connector: for another client, with the same roots, client certificate, proxy and limit.
    pub fn connector(&self) -> HyperConnector {
        self.connector.clone()
    }
}

impl Service<Request<Full<Bytes>>> for HyperTransport {
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = HyperTransportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.client.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> HyperTransportFuture {
        for name in self.headers.keys() {
            if !request.headers().contains_key(name) {
                for value in self.headers.get_all(name) {
                    request.headers_mut().append(name, value.clone());
                }
            }
        }
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

    use rustls::pki_types::CertificateDer;

    use super::tls::roots_of;
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
                roots_of(certificates, 0, true)
            });
            assert_eq!((roots.len(), events.load(Ordering::Relaxed)), (usable, warnings));
        }
    }
}
