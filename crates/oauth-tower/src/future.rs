//! A request on its way: at most one send, one renewal and one more send.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::AUTHORIZATION;
use http::{Request, Response, Uri, request};
use oauth_core::policy::Policy;
use oauth_core::slot::Authorized;
use oauth_core::{
    BoxError, Generation, IssuedToken, NotAttached, NotReplayed, Outcome, TokenSlot, Verdict,
};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::Error;
use crate::strategy::{Keep, Strategy};

/// Boxed: it is needed only where a request has to wait.
type TokenFuture = Pin<Box<dyn Future<Output = Result<IssuedToken, oauth_core::Error>> + Send>>;

pin_project! {
    /// The response future of [`OAuth`](crate::OAuth).
    ///
    /// Dropping it gives the request up and changes nothing for others: a token request that it
    /// waits for goes on.
    pub struct ResponseFuture<S, R, B>
    where
        S: Service<Request<R::Body>>,
        R: Strategy<B>,
    {
        policy: Arc<Policy>,
        // Of the latest send, if it carried our token.
        sent: Option<Generation>,
        #[pin]
        state: State<S, R, B>,
    }
}

/// Which send of the request it is, and what may follow.
pub(crate) enum Turn<S, R: Strategy<B>, B> {
    /// The first; a second may follow. Boxed: it would make every future large, those without
    /// replay too.
    First(Box<Kept<S, R, B>>),
    /// The first, without replay.
    Only,
    /// The second: whatever comes back is the caller's.
    Second,
}

/// What the second send needs, kept from before the first.
pub(crate) struct Kept<S, R: Strategy<B>, B> {
    pub(crate) head: request::Parts,
    /// Not polled ready: that comes right before the second send.
    pub(crate) service: S,
    pub(crate) keep: R::Keep,
}

/// A request that is sent as soon as there is a token and the service is ready.
pub(crate) struct Prepared<S, R: Strategy<B>, B> {
    pub(crate) request: Request<R::Body>,
    pub(crate) service: S,
    pub(crate) turn: Turn<S, R, B>,
}

pin_project! {
    #[project = StateProj]
    #[project_replace = StateOwned]
    enum State<S, R, B>
    where
        S: Service<Request<R::Body>>,
        R: Strategy<B>,
    {
        // There is no valid token. Nothing of the inner service is held while it is fetched.
        Waiting { token: TokenFuture, prepared: Prepared<S, R, B> },
        // There is a token; the inner service must say that it is ready.
        Readying { issued: IssuedToken, prepared: Prepared<S, R, B> },
        Answering {
            #[pin] answer: S::Future,
            uri: Option<Uri>,
            turn: Turn<S, R, B>,
        },
        // The first answer was a 401. Its future is gone, the first body stands still.
        Renewing { renewal: TokenFuture, refused: S::Response, kept: Box<Kept<S, R, B>> },
        // Sent without a token.
        Passing { #[pin] answer: S::Future, reason: NotAttached },
        Failed { error: oauth_core::Error },
        Done,
    }
}

impl<S, R, B> ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    fn new(policy: &Arc<Policy>, state: State<S, R, B>) -> Self {
        Self { policy: policy.clone(), sent: None, state }
    }

    /// The slot and the token whose bearer the answer is for, if it was ours.
    pub(crate) fn sent(&self) -> Option<(&TokenSlot, Generation)> {
        self.sent.map(|generation| (self.policy.slot(), generation))
    }

    pub(crate) fn answering(
        policy: &Arc<Policy>,
        answer: S::Future,
        generation: Generation,
        uri: Option<Uri>,
        turn: Turn<S, R, B>,
    ) -> Self {
        let state = State::Answering { answer, uri, turn };
        Self { policy: policy.clone(), sent: Some(generation), state }
    }

    pub(crate) fn waiting(policy: &Arc<Policy>, prepared: Prepared<S, R, B>) -> Self {
        Self::new(policy, State::waiting(policy.slot(), prepared))
    }

    pub(crate) fn passing(policy: &Arc<Policy>, answer: S::Future, reason: NotAttached) -> Self {
        Self::new(policy, State::Passing { answer, reason })
    }

    pub(crate) fn failed(policy: &Arc<Policy>, error: oauth_core::Error) -> Self {
        Self::new(policy, State::Failed { error })
    }
}

impl<S, R, B, ResBody> Future for ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    type Output = Result<Response<ResBody>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let policy: &Policy = this.policy;
        let mut state = this.state;
        loop {
            match state.as_mut().project() {
                StateProj::Waiting { token, .. } => {
                    let issued = ready!(token.as_mut().poll(cx));
                    let StateOwned::Waiting { prepared, .. } = state.as_mut().take() else {
                        continue;
                    };
                    match issued {
                        Ok(issued) => state.set(State::Readying { issued, prepared }),
                        Err(error) => return Poll::Ready(Err(Error::Token(error))),
                    }
                }
                StateProj::Readying { prepared, .. } => {
                    ready!(prepared.service.poll_ready(cx)).map_err(Error::inner)?;
                    let StateOwned::Readying { issued, prepared } = state.as_mut().take() else {
                        continue;
                    };
                    let (next, sent) = State::send(policy, &issued, prepared);
                    *this.sent = sent;
                    state.set(next);
                }
                StateProj::Answering { answer, uri, .. } => {
                    let judged = ready!(answer.poll(cx))
                        .map(|response| judge(policy, response, uri.as_ref()));
                    // From here on the first response future is gone, and with it what it held of
                    // the inner service: the token request may need it. A request that has its
                    // answer keeps nothing either, even if this future is not dropped yet.
                    let StateOwned::Answering { turn, .. } = state.as_mut().take() else {
                        continue;
                    };
                    let (response, verdict) = judged.map_err(Error::inner)?;
                    let generation = match *this.sent {
                        Some(generation) if verdict == Verdict::Replace => generation,
                        _ => {
                            return Poll::Ready(Ok(match turn {
                                Turn::Second => told(response, Outcome::Replayed),
                                Turn::First(_) | Turn::Only => told(response, Outcome::Attached),
                            }));
                        }
                    };
                    match turn.freeze() {
                        Ok(kept) => {
                            let slot = policy.slot().clone();
                            let renewal = Box::pin(async move { slot.replace(generation).await });
                            state.set(State::Renewing { renewal, refused: response, kept });
                        }
                        Err(outcome) => {
                            // For the next request. What the slot says to it (it renews already,
                            // or waits) changes nothing for this one.
                            let _ = policy.slot().report_refused(generation);
                            return Poll::Ready(Ok(told(response, outcome)));
                        }
                    }
                }
                StateProj::Renewing { renewal, .. } => {
                    let renewed = ready!(renewal.as_mut().poll(cx));
                    let StateOwned::Renewing { refused, kept, .. } = state.as_mut().take() else {
                        continue;
                    };
                    let next = renewed
                        .map_err(Outcome::RefreshFailed)
                        .and_then(|issued| kept.again(issued).map_err(Outcome::NotReplayed));
                    match next {
                        Ok(next) => {
                            // Before the second send: hyper drains a small body that is dropped,
                            // and the connection is free again.
                            drop(refused);
                            state.set(next);
                        }
                        Err(outcome) => return Poll::Ready(Ok(told(refused, outcome))),
                    }
                }
                StateProj::Passing { answer, reason } => {
                    let response = ready!(answer.poll(cx)).map_err(Error::inner)?;
                    return Poll::Ready(Ok(told(response, Outcome::NotAttached(*reason))));
                }
                StateProj::Failed { .. } => {
                    if let StateOwned::Failed { error } = state.as_mut().take() {
                        return Poll::Ready(Err(Error::Token(error)));
                    }
                }
                StateProj::Done => panic!("`ResponseFuture` polled after it was ready"),
            }
        }
    }
}

impl<S, R, B> State<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    fn take(self: Pin<&mut Self>) -> StateOwned<S, R, B> {
        self.project_replace(Self::Done)
    }

    fn waiting(slot: &TokenSlot, prepared: Prepared<S, R, B>) -> Self {
        let slot = slot.clone();
        Self::Waiting { token: Box::pin(async move { slot.token().await }), prepared }
    }

    /// Sends the request, and says with which token. The inner service has just said that it is
    /// ready.
    fn send(
        policy: &Policy,
        issued: &IssuedToken,
        prepared: Prepared<S, R, B>,
    ) -> (Self, Option<Generation>)
    where
        S: Clone,
    {
        let Prepared { mut request, mut service, turn } = prepared;
        let slot = policy.slot();
        let state = match slot.authorize_with(issued, request.headers_mut()) {
            Authorized::Attached(generation) => {
                let uri = policy.keeps_uri().then(|| request.uri().clone());
                let state = Self::Answering { answer: service.call(request), uri, turn };
                return (state, Some(generation));
            }
            // The token ended while the inner service was not ready: another one, please. The
            // service's readiness goes back meanwhile; a clone has none.
            Authorized::Empty => {
                let service = service.clone();
                Self::waiting(slot, Prepared { request, service, turn })
            }
            Authorized::Own => Self::Passing {
                answer: service.call(request),
                reason: NotAttached::OwnAuthorization,
            },
            Authorized::Full => Self::Failed { error: Policy::no_room() },
        };
        (state, None)
    }
}

impl<S, R: Strategy<B>, B> Turn<S, R, B> {
    /// Stops the first body, so that it can be sent again; or says what became of the request.
    fn freeze(self) -> Result<Box<Kept<S, R, B>>, Outcome> {
        match self {
            Self::First(kept) => match kept.keep.freeze() {
                Ok(()) => Ok(kept),
                Err(reason) => Err(Outcome::NotReplayed(reason)),
            },
            Self::Only => Err(Outcome::NotReplayed(NotReplayed::Off)),
            Self::Second => Err(Outcome::Replayed),
        }
    }
}

impl<S, R: Strategy<B>, B> Kept<S, R, B> {
    /// The second send. The first body ends with an error now.
    fn again(self, issued: IssuedToken) -> Result<State<S, R, B>, NotReplayed>
    where
        S: Service<Request<R::Body>>,
    {
        let body = self.keep.again()?;
        let mut request = Request::from_parts(self.head, body);
        request.headers_mut().remove(AUTHORIZATION);
        let prepared = Prepared { request, service: self.service, turn: Turn::Second };
        Ok(State::Readying { issued, prepared })
    }
}

fn judge<ResBody>(
    policy: &Policy,
    response: Response<ResBody>,
    requested: Option<&Uri>,
) -> (Response<ResBody>, Verdict) {
    if !policy.wants_to_judge(response.status(), response.headers()) {
        return (response, Verdict::Deliver);
    }
    let (head, body) = response.into_parts();
    let elsewhere = requested.is_some_and(|uri| policy.is_from_elsewhere(&head.extensions, uri));
    let verdict = policy.judge(&head, elsewhere);
    (Response::from_parts(head, body), verdict)
}

fn told<ResBody>(mut response: Response<ResBody>, outcome: Outcome) -> Response<ResBody> {
    outcome.record(response.extensions_mut());
    response
}

impl<S, R, B> fmt::Debug for ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
