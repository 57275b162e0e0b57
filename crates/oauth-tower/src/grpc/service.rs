//! The layer, its service and its future: those of [`OAuth`] with another answer body.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use oauth_core::slot::Target;
use oauth_core::{BoxError, ReplayChoice};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::GrpcBody;
use crate::error::Error;
use crate::future::ResponseFuture;
use crate::layer::OAuthLayer;
use crate::service::OAuth;
use crate::strategy::{Buffered, Strategy};
use crate::turn::choice;

/// [`OAuthLayer`] for gRPC; made by [`OAuthLayer::grpc`], after its other settings.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct GrpcLayer<R = Buffered> {
    layer: OAuthLayer<R>,
}

impl<R> GrpcLayer<R> {
    pub(crate) fn new(layer: OAuthLayer<R>) -> Self {
        Self { layer }
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
        // What nothing is kept of is known to nobody afterwards.
        let known = choice::<R, B>(&request) != Some(ReplayChoice::Off);
        let target = if known { self.calls.target_of(&request) } else { Target::UNKNOWN };
        GrpcFuture { answer: self.calls.call(request), target }
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
        answer: ResponseFuture<S, R, B>,
        target: Target,
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
        let this = self.project();
        let (mut answer, target) = (this.answer, *this.target);
        let response = ready!(answer.as_mut().poll(cx))?;
        // What anybody else than the API says in trailers is nothing about the token.
        let told = answer.told().filter(|_| response.status() == StatusCode::OK);
        Poll::Ready(Ok(response.map(|body| GrpcBody::new(body, told, target))))
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
