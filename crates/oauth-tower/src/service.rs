//! The service: decides in `call` what can be decided at once.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use oauth_core::lanes::{Lane, Lanes};
use oauth_core::policy::{Admission, Policy};
use oauth_core::slot::Authorized;
use oauth_core::{BoxError, NotAttached, ReplayChoice};
use tower_service::Service;

use crate::error::Error;
use crate::future::{Kept, Prepared, ResponseFuture, Turn, requested};
use crate::strategy::Strategy;

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

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let lane = Lane::mine();
        let policy = self.policy.of(lane);
        match policy.admit(request.uri(), request.headers(), request.extensions()) {
            Admission::Attach => {}
            Admission::Pass(reason) => return self.pass(request, reason),
            Admission::Refuse(error) => return self.refuse(error),
        }
        match policy.slot().authorize_in(lane, request.headers_mut()) {
            Authorized::Attached(generation) => {
                let policy = policy.clone();
                // The service that was polled ready, not the clone.
                if !R::REPLAYS {
                    // Nothing is kept of it, and it is moved once.
                    let turn = Turn::Only(requested(&policy, &request));
                    let answer = self.inner.call(self.strategy.pass(request));
                    return ResponseFuture::answering(policy, answer, generation, turn);
                }
                let (request, turn) = self.first_turn(&policy, request);
                let answer = self.inner.call(request);
                ResponseFuture::answering(policy, answer, generation, turn)
            }
            Authorized::Own => self.pass(request, NotAttached::OwnAuthorization),
            Authorized::Full => self.refuse(Policy::no_room()),
            Authorized::Empty => {
                // The wait may be long.
                let policy = policy.clone();
                self.release();
                let (request, turn) = self.first_turn(&policy, request);
                let prepared = Prepared { request, service: self.inner.clone(), turn };
                ResponseFuture::waiting(policy, prepared)
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
        ResponseFuture::failed(self.policy.mine().clone(), error)
    }

    /// Sends a request that gets no token.
    fn pass<B>(&mut self, request: Request<B>, reason: NotAttached) -> ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>>,
        R: Strategy<B>,
    {
        let answer = self.inner.call(self.strategy.pass(request));
        ResponseFuture::bare(self.policy.mine().clone(), answer, reason)
    }

    /// The first send and, where there is replay, what the second one needs.
    #[inline]
    fn first_turn<B>(
        &self,
        policy: &Policy,
        request: Request<B>,
    ) -> (Request<R::Body>, Turn<S, R, B>)
    where
        S: Clone,
        R: Strategy<B>,
    {
        let choice = if R::REPLAYS { ReplayChoice::of(request.extensions()) } else { None };
        if !R::REPLAYS || choice == Some(ReplayChoice::Off) {
            let turn = Turn::Only(requested(policy, &request));
            return (self.strategy.pass(request), turn);
        }
        let cap = match choice {
            Some(ReplayChoice::UpTo(cap)) => Some(cap),
            Some(ReplayChoice::Off) | None => None,
        };
        let (head, body) = request.into_parts();
        let (body, keep) = self.strategy.split(body, cap);
        let kept = Kept { head: head.clone(), service: self.inner.clone(), keep };
        (Request::from_parts(head, body), Turn::First(Box::new(kept)))
    }
}
