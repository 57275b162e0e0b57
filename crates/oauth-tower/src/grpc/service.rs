//! The layer, its service and its future: those of [`OAuth`] with another response body.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use oauth_core::adapter::Policy;
use oauth_core::replay::Buffered;
use oauth_core::{BoxError, TokenSlot};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::GrpcBody;
use crate::error::Error;
use crate::future::ResponseFuture;
use crate::layer::OAuthLayer;
use crate::service::OAuth;
use crate::strategy::Strategy;

/// [`OAuthLayer`] for gRPC; made by [`OAuthLayer::grpc`], after its other settings.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct GrpcLayer<R = Buffered> {
    layer: OAuthLayer<R>,
}

impl<R> OAuthLayer<R> {
    /// Reads responses as those of gRPC servers, whose `UNAUTHENTICATED` comes with HTTP 200: see
    /// [`grpc`](crate::grpc).
    pub fn grpc(self) -> GrpcLayer<R> {
        GrpcLayer { layer: self.with(Policy::set_grpc) }
    }
}

impl<S, R: Clone> Layer<S> for GrpcLayer<R> {
    type Service = Grpc<S, R>;

    fn layer(&self, inner: S) -> Grpc<S, R> {
        Grpc { calls: self.layer.layer(inner) }
    }
}

/// A service whose calls carry the slot's token; made by [`GrpcLayer`].
#[derive(Clone, Debug)]
pub struct Grpc<S, R> {
    calls: OAuth<S, R>,
}

impl<S, R, B, ResBody> Service<Request<B>> for Grpc<S, R>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    type Response = Response<GrpcBody<ResBody>>;
    type Error = Error;
    type Future = GrpcFuture<S, R, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.calls.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        GrpcFuture { response: self.calls.call(request) }
    }
}

impl<S> Grpc<S, Buffered> {
    /// A service around `inner` with the defaults of [`OAuthLayer::new`]; the layer has the settings.
    pub fn new(inner: S, slot: TokenSlot) -> Self {
        OAuthLayer::new(slot).grpc().layer(inner)
    }
}

impl<S, R> Grpc<S, R> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        self.calls.get_ref()
    }

    /// The inner service, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        self.calls.get_mut()
    }

    /// The inner service, without the layer.
    pub fn into_inner(self) -> S {
        self.calls.into_inner()
    }
}

pin_project! {
    /// The response future of [`Grpc`]; dropping it is as dropping a [`ResponseFuture`].
    pub struct GrpcFuture<S, R, B>
    where
        S: Service<Request<R::Body>>,
        R: Strategy<B>,
    {
        #[pin]
        response: ResponseFuture<S, R, B>,
    }
}

impl<S, R, B, ResBody> Future for GrpcFuture<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    type Output = Result<Response<GrpcBody<ResBody>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut token_use = None;
        let response = ready!(self.project().response.poll_with(cx, Some(&mut token_use)))?;
        // What others than the API say in trailers says nothing about the token.
        let token_use = token_use.filter(|_| response.status() == StatusCode::OK);
        Poll::Ready(Ok(response.map(|body| GrpcBody::new(body, token_use))))
    }
}

impl<S, R, B> fmt::Debug for GrpcFuture<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcFuture").finish_non_exhaustive()
    }
}
