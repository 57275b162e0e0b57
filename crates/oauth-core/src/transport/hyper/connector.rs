//! How the default transport connects: TCP, or a proxy's tunnel, then TLS. The parts are boxed, so that a
//! user's own TCP connector needs no type parameter.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Parts};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tower_service::Service;

use crate::error::{BoxError, Error};
use crate::origin::is_loopback;

type Connecting = Pin<Box<dyn Future<Output = Result<HyperStream, BoxError>> + Send>>;

/// The connector of a [`HyperTransport`](super::HyperTransport), for other clients: the same roots, client
/// certificate, proxy and connect limit, with `TCP_NODELAY`.
///
/// It is a connector for hyper-util's `Client`, of which an API may have one that keeps its connections.
/// Cheap to clone; clones share one TLS configuration and its sessions.
#[derive(Clone)]
pub struct HyperConnector(HttpsConnector<Route>);

impl HyperConnector {
    pub(super) fn new(route: Route, tls: Arc<ClientConfig>) -> Self {
        Self(HttpsConnector::from((route, tls)))
    }
}

impl Service<Uri> for HyperConnector {
    type Response = HyperStream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<HyperStream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async move { Ok(HyperStream::new(connecting.await?)) })
    }
}

impl fmt::Debug for HyperConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperConnector").finish_non_exhaustive()
    }
}

/// Connects by TCP.
#[derive(Clone)]
pub(super) struct Tcp(Arc<dyn Connect>);

trait Connect: Send + Sync {
    fn connect(&self, to: Uri) -> Connecting;
}

struct Connector<C>(C);

impl<C> Connect for Connector<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Read + Write + Connection + Send + Unpin + 'static,
    C::Future: Send,
    C::Error: Into<BoxError>,
{
    fn connect(&self, to: Uri) -> Connecting {
        let mut connector = self.0.clone();
        Box::pin(async move {
            poll_fn(|cx| connector.poll_ready(cx)).await.map_err(Into::into)?;
            Ok(HyperStream::new(connector.call(to).await.map_err(Into::into)?))
        })
    }
}

impl Tcp {
    pub(super) fn new<C>(connector: C) -> Self
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Read + Write + Connection + Send + Unpin + 'static,
        C::Future: Send,
        C::Error: Into<BoxError>,
    {
        Self(Arc::new(Connector(connector)))
    }
}

impl Service<Uri> for Tcp {
    type Response = HyperStream;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Connecting {
        self.0.connect(to)
    }
}

/// Directly, or through the proxy that there is for a URL.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) tcp: Tcp,
    pub(super) proxy: Option<Arc<Matcher>>,
    /// For a proxy that is itself reached by https. Without ALPN, because `CONNECT` is sent by HTTP/1.1.
    pub(super) proxy_tls: Arc<ClientConfig>,
    /// For all of it: TCP, the proxy's handshake and its response.
    pub(super) limit: Duration,
}

impl Route {
    fn connecting(&mut self, to: Uri) -> Connecting {
        // Never for loopback, whatever the proxy's rules say: this machine is not the proxy's.
        let proxied = !to.host().is_some_and(is_loopback);
        let proxy = self.proxy.as_ref().filter(|_| proxied).and_then(|proxy| proxy.intercept(&to));
        let Some(proxy) = proxy else { return self.tcp.call(to) };
        let first = HttpsConnector::from((self.tcp.clone(), self.proxy_tls.clone()));
        let mut tunnel = Tunnel::new(proxy.uri().clone(), first);
        if let Some(password) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(password.clone());
        }
        let tunnel = tunnel.call(with_port(to));
        Box::pin(async move {
            match tunnel.await {
                Ok(stream) => Ok(HyperStream::new(stream)),
                Err(error) => Err(through_proxy(error)),
            }
        })
    }
}

impl Service<Uri> for Route {
    type Response = HyperStream;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Connecting {
        let connecting = self.connecting(to);
        let limit = self.limit;
        Box::pin(async move {
            tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_| {
                let text = format!("timed out connecting (connect limit of {limit:?})");
                Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
            })
        })
    }
}

/// The tunnel takes a URL without a port for one of https.
fn with_port(to: Uri) -> Uri {
    let Some(host) = to.host().filter(|_| to.port().is_none()) else { return to };
    let port = if to.scheme_str() == Some("http") { 80 } else { 443 };
    let Ok(authority) = Authority::try_from(format!("{host}:{port}")) else { return to };
    let mut parts = Parts::from(to.clone());
    parts.authority = Some(authority);
    Uri::from_parts(parts).unwrap_or(to)
}

/// A wrong password stays wrong. The error's text tells its kinds apart.
fn through_proxy(error: impl Into<BoxError>) -> BoxError {
    let error = error.into();
    if error.to_string().contains("authorization required") {
        let problem = "the proxy wants another user and password: they are a part of its URL";
        return Error::permanent(problem).into();
    }
    error
}

trait Io: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

/// A connection of a [`HyperConnector`].
pub struct HyperStream(Box<dyn Io>);

impl HyperStream {
    fn new(stream: impl Io + 'static) -> Self {
        Self(Box::new(stream))
    }
}

impl Connection for HyperStream {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

impl Read for HyperStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buffer)
    }
}

impl Write for HyperStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, slices)
    }
}

impl fmt::Debug for HyperStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperStream").finish_non_exhaustive()
    }
}
