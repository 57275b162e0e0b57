//! A transport whose type is chosen at run time.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tower_service::Service;

use crate::error::BoxError;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type BoxResponse = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// Any token transport behind one type, so that a source over one that is chosen at run time is written
/// once. Cheap to clone. It costs two allocations per token request.
///
/// ```
/// # #[cfg(feature = "hyper-transport")]
/// # fn demo() -> Result<(), oauth_core::Error> {
/// use oauth_core::{BoxTransport, ClientAuth, ClientCredentials, GrantSource, HyperTransport};
///
/// // Perhaps another one in tests.
/// let transport = BoxTransport::new(HyperTransport::new()?);
/// let grant = ClientCredentials::builder(ClientAuth::secret("id", "secret"))
///     .token_url("https://auth.example.com/oauth2/token")
///     .build()?;
/// let source: GrantSource<ClientCredentials, BoxTransport> = GrantSource::new(grant, transport);
/// # drop(source);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BoxTransport(Arc<dyn Transport>);

impl BoxTransport {
    /// Boxes this transport.
    pub fn new<T, B>(transport: T) -> Self
    where
        T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        T::Future: Send,
        T::Error: Into<BoxError>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Arc::new(Shared(transport)))
    }
}

trait Transport: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<Result<BoxResponse, BoxError>>;
}

struct Shared<T>(T);

impl<T, B> Transport for Shared<T>
where
    T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    T::Future: Send,
    T::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<Result<BoxResponse, BoxError>> {
        let mut transport = self.0.clone();
        Box::pin(async move {
            // Of this clone, which is the one that is called.
            poll_fn(|cx| transport.poll_ready(cx)).await.map_err(Into::into)?;
            let response = transport.call(request).await.map_err(Into::into)?;
            Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

impl Service<Request<Full<Bytes>>> for BoxTransport {
    type Response = BoxResponse;
    type Error = BoxError;
    type Future = BoxFuture<Result<BoxResponse, BoxError>>;

    /// Always ready: the transport inside is polled ready by the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        self.0.send(request)
    }
}

impl fmt::Debug for BoxTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxTransport").finish_non_exhaustive()
    }
}
