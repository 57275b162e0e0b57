//! The service: decides in `call` what can be decided at once.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use oauth_core::adapter::{
    Admission, Authorized, DeadlineTimer, Destination, Policy, Shard, Sharded,
};
use oauth_core::{BoxError, NotAttached};
use tower_service::Service;

use crate::error::Error;
use crate::future::{Attached, ResponseFuture, Slow, send};
use crate::strategy::Strategy;

/// A service whose requests carry the slot's token; made by [`OAuthLayer`](crate::OAuthLayer).
#[derive(Clone, Debug)]
pub struct OAuth<S, R> {
    pub(crate) inner: S,
    pub(crate) policy: Arc<Sharded<Arc<Policy>>>,
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

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shard = Shard::mine();
        let policy = self.policy.of(shard);
        let to = match policy.admit(request.uri(), request.headers(), request.extensions()) {
            Admission::Attach(to) => to,
            Admission::Pass(reason) => return self.pass(request, reason),
            Admission::Refuse(error) => return self.refuse(Error::Token(error)),
        };
        let attached = match policy.slot().authorize_in(shard, request.headers_mut()) {
            Authorized::Attached(sent) => Attached::Token(sent),
            Authorized::Own => return self.pass(request, NotAttached::OwnAuthorization),
            Authorized::Full => return self.refuse(Error::Token(Policy::no_room())),
            Authorized::Empty => return self.wait(request, to),
        };
        let timer = timer(policy, &request);
        if timer.as_ref().is_some_and(DeadlineTimer::is_over) {
            return self.refuse(Error::elapsed());
        }
        // With the service that was polled ready, not with a clone.
        let (service, strategy, policy) = (&mut self.inner, &self.strategy, policy.clone());
        ResponseFuture::new(send(service, strategy, request, policy, (attached, to), timer))
    }
}

impl<S, R> OAuth<S, R> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, without the layer.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Gives back the inner service's readiness: it may be a permit that others need, the token
    /// transport among them.
    fn release(&mut self)
    where
        S: Clone,
    {
        let idle = self.inner.clone();
        drop(mem::replace(&mut self.inner, idle));
    }

    /// Sends the request when there is a token.
    #[cold]
    fn wait<B>(&mut self, request: Request<B>, to: Destination) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        // The wait may be long.
        self.release();
        let policy = self.policy.mine().clone();
        let timer = timer(&policy, &request);
        let (strategy, service) = (self.strategy.clone(), self.inner.clone());
        ResponseFuture::slow(Slow::wait(policy, request, to, strategy, service, timer))
    }

    /// Sends nothing.
    #[cold]
    fn refuse<B>(&mut self, error: Error) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        self.release();
        ResponseFuture::slow(Slow::failed(self.policy.mine().clone(), error))
    }

    /// Sends a request that gets no token.
    fn pass<B>(&mut self, request: Request<B>, reason: NotAttached) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        let policy = self.policy.mine().clone();
        let timer = timer(&policy, &request);
        if timer.as_ref().is_some_and(DeadlineTimer::is_over) {
            return self.refuse(Error::elapsed());
        }
        let attached = (Attached::Nothing(reason), Destination::Other);
        let (service, strategy) = (&mut self.inner, &self.strategy);
        ResponseFuture::new(send(service, strategy, request, policy, attached, timer))
    }
}

/// Of a request that has a limit.
#[inline]
fn timer<B>(policy: &Policy, request: &Request<B>) -> Option<DeadlineTimer> {
    let until = policy.deadline(request.extensions(), request.headers());
    until.and_then(DeadlineTimer::new)
}
