//! The service: decides in `call` what can be decided at once.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use oauth_core::policy::{Admission, Policy};
use oauth_core::slot::Authorized;
use oauth_core::{BoxError, NotAttached, ReplayChoice};
use tower_service::Service;

use crate::error::Error;
use crate::future::{Kept, Prepared, ResponseFuture, Turn};
use crate::strategy::Strategy;

/// A service whose requests carry the slot's token; made by [`OAuthLayer`](crate::OAuthLayer).
#[derive(Clone, Debug)]
pub struct OAuth<S, R> {
    pub(crate) inner: S,
    pub(crate) policy: Arc<Policy>,
    pub(crate) strategy: R,
}

impl<S, R, B, ResBody> Service<Request<B>> for OAuth<S, R>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    type Response = Response<ResBody>;
    type Error = Error;
    type Future = ResponseFuture<S, R, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::inner)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.policy.admit(request.uri(), request.headers(), request.extensions()) {
            Admission::Attach => {}
            Admission::Pass(reason) => return self.pass(request, reason),
            Admission::Refuse(error) => return self.refuse(error),
        }
        match self.policy.slot().authorize(request.headers_mut()) {
            Authorized::Attached(generation) => {
                let uri = self.policy.keeps_uri().then(|| request.uri().clone());
                let (request, turn) = self.first_turn(request);
                // The service that was polled ready, not the clone.
                let answer = self.inner.call(request);
                ResponseFuture::answering(&self.policy, answer, generation, uri, turn)
            }
            Authorized::Own => self.pass(request, NotAttached::OwnAuthorization),
            Authorized::Full => self.refuse(Policy::no_room()),
            Authorized::Empty => {
                // The wait may be long.
                self.release();
                let (request, turn) = self.first_turn(request);
                let prepared = Prepared { request, service: self.inner.clone(), turn };
                ResponseFuture::waiting(&self.policy, prepared)
            }
        }
    }
}

impl<S, R> OAuth<S, R> {
    /// Gives up that the inner service is ready: that may be a permit which others need, the token
    /// transport among them.
    fn release(&mut self)
    where
        S: Clone,
    {
        let idle = self.inner.clone();
        drop(mem::replace(&mut self.inner, idle));
    }

    /// Sends nothing.
    fn refuse<B>(&mut self, error: oauth_core::Error) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        self.release();
        ResponseFuture::failed(&self.policy, error)
    }

    /// Sends a request that gets no token.
    fn pass<B>(&mut self, request: Request<B>, reason: NotAttached) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>>,
        R: Strategy<B>,
    {
        let answer = self.inner.call(request.map(|body| self.strategy.pass(body)));
        ResponseFuture::passing(&self.policy, answer, reason)
    }

    /// Splits the body and, where there is replay, keeps what the second send needs.
    fn first_turn<B>(&self, request: Request<B>) -> (Request<R::Body>, Turn<S, R, B>)
    where
        S: Clone,
        R: Strategy<B>,
    {
        let (head, body) = request.into_parts();
        let (body, keep) = self.strategy.split(body, ReplayChoice::of(&head.extensions));
        let turn = match keep {
            Some(keep) => {
                let service = self.inner.clone();
                Turn::First(Box::new(Kept { head: head.clone(), service, keep }))
            }
            None => Turn::Only,
        };
        (Request::from_parts(head, body), turn)
    }
}
