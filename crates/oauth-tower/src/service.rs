//! The service: decides in `call` what can be decided at once.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use oauth_core::lanes::{Lane, Lanes};
use oauth_core::policy::{Admission, Policy};
use oauth_core::slot::{Authorized, Target};
use oauth_core::{BoxError, DeadlineTimer, NotAttached, ReplayChoice};
use tower_service::Service;

use crate::error::Error;
use crate::future::ResponseFuture;
use crate::strategy::Strategy;
use crate::turn::{Outgoing, Prepared, Step, cap, choice};

/// A service whose requests carry the slot's token; made by [`OAuthLayer`](crate::OAuthLayer).
#[derive(Clone, Debug)]
pub struct OAuth<S, R> {
    pub(crate) inner: S,
    pub(crate) policy: Arc<Lanes<Arc<Policy>>>,
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
        let lane = Lane::mine();
        let policy = self.policy.of(lane);
        match policy.admit(request.uri(), request.headers(), request.extensions()) {
            Admission::Attach => {}
            Admission::Pass(reason) => return self.pass(request, reason),
            Admission::Refuse(error) => return self.refuse(error),
        }
        let sent = match policy.slot().authorize_in(lane, request.headers_mut()) {
            Authorized::Attached(sent) => Policy::weighed(sent, request.method()),
            Authorized::Own => return self.pass(request, NotAttached::OwnAuthorization),
            Authorized::Full => return self.refuse(Policy::no_room()),
            Authorized::Empty => return self.wait(request),
        };
        let timer = timer(policy, &request);
        if timer.as_ref().is_some_and(DeadlineTimer::is_over) {
            return self.come_too_late();
        }
        let policy = policy.clone();
        // Both send with the service that was polled ready, not with a clone.
        let choice = choice::<R, B>(&request);
        if choice == Some(ReplayChoice::Off) {
            let turn = Step::only(&policy, &mut request, Some(sent));
            let answer = self.inner.call(self.strategy.pass(request));
            return ResponseFuture::answering(policy, answer, sent, turn, timer);
        }
        let (mut head, body) = request.into_parts();
        let (body, keep) = self.strategy.split(body, cap(choice));
        let turn = Step::first(&policy, &mut head, &self.inner, keep, Some(sent));
        let answer = self.inner.call(Request::from_parts(head, body));
        ResponseFuture::answering(policy, answer, sent, turn, timer)
    }
}

impl<S, R> OAuth<S, R> {
    pub(crate) fn target_of<B>(&self, request: &Request<B>) -> Target {
        self.policy.mine().target(request.method(), request.uri())
    }

    /// Gives up that the inner service is ready: that may be a permit which others need, the token
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
    fn wait<B>(&mut self, request: Request<B>) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        // The wait may be long.
        self.release();
        let policy = self.policy.mine().clone();
        let timer = timer(&policy, &request);
        let outgoing = Outgoing::First(request, self.strategy.clone());
        let prepared = Prepared { outgoing, service: self.inner.clone() };
        ResponseFuture::waiting(policy, prepared, timer)
    }

    /// Sends nothing.
    #[cold]
    fn refuse<B>(&mut self, error: oauth_core::Error) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        self.release();
        ResponseFuture::failed(self.policy.mine().clone(), error)
    }

    /// Sends nothing: the request's time is over.
    #[cold]
    fn come_too_late<B>(&mut self) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>> + Clone,
        R: Strategy<B>,
    {
        self.release();
        ResponseFuture::late(self.policy.mine().clone())
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
            return self.come_too_late();
        }
        let answer = self.inner.call(self.strategy.pass(request));
        ResponseFuture::bare(policy, answer, reason, timer)
    }
}

/// Of a request that has a limit.
#[inline]
fn timer<B>(policy: &Policy, request: &Request<B>) -> Option<DeadlineTimer> {
    let until = policy.deadline(request.extensions(), request.headers());
    until.and_then(DeadlineTimer::new)
}
