//! A request that cannot be sent at once: it waits for a token, for the inner service, or for the refresh
//! after a refusal.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use oauth_core::adapter::{Authorized, DeadlineTimer, Destination, Policy, Target};
use oauth_core::challenge::Hints;
use oauth_core::{BoxError, IssuedToken, NotAttached, NotReplayed, Outcome, ReplayChoice};
use tower_service::Service;

use super::State;
use super::exchange::{Attached, First, TokenUse, choice, recorded, send, send_again};
use crate::error::Error;
use crate::strategy::{Handle, Strategy};

type TokenFuture = Pin<Box<dyn Future<Output = Result<IssuedToken, oauth_core::Error>> + Send>>;

/// A request before its first send, or between two.
pub(crate) struct Slow<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    policy: Arc<Policy>,
    /// Of a request that has a limit.
    timer: Option<DeadlineTimer>,
    stage: Stage<S, R, B>,
}

enum Stage<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// It is sent as soon as it can be.
    Send { waits_for: WaitsFor, unsent: Unsent<R, B>, to: Destination, service: S },
    /// The first response was a refusal. Its future is gone, and the first body is stopped.
    Refresh { token: TokenFuture, refused: S::Response, token_use: TokenUse, first: First<S, R, B> },
    /// It is not sent.
    Failed(Error),
}

/// What a request waits for before it is sent.
enum WaitsFor {
    /// There is no valid token. Nothing of the inner service is held while it is fetched.
    Token(TokenFuture),
    /// There is a token; the inner service is polled ready.
    Service(IssuedToken),
}

/// What is sent.
enum Unsent<R: Strategy<B>, B> {
    /// The request as it came. What a second send needs is kept when it is sent and not while it
    /// waits: thousands may.
    First(Request<B>, R),
    /// The request once more.
    Second(Request<R::Body>),
}

/// What a slow request waited for.
pub(super) enum Event {
    Service,
    Refresh(Result<IssuedToken, oauth_core::Error>),
    Failure,
}

/// What comes next.
pub(super) enum Next<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// It was sent, or waits for something else.
    Go(State<S, R, B>),
    /// The first response is the caller's.
    Deliver(S::Response, TokenUse),
    /// It failed.
    Fail(Error),
}

impl<S, R, B> Slow<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// A request that needs a token first. The service is not polled ready.
    pub(crate) fn wait(
        policy: Arc<Policy>,
        request: Request<B>,
        to: Destination,
        strategy: R,
        service: S,
        timer: Option<DeadlineTimer>,
    ) -> Self {
        Self::wait_for_token(policy, Unsent::First(request, strategy), to, service, timer)
    }

    fn wait_for_token(
        policy: Arc<Policy>,
        unsent: Unsent<R, B>,
        to: Destination,
        service: S,
        timer: Option<DeadlineTimer>,
    ) -> Self {
        let slot = policy.slot().clone();
        let (target, repeatable) = unsent.purpose(&policy);
        let until = timer.as_ref().map(DeadlineTimer::until);
        let token = Box::pin(async move { slot.token_for(target, repeatable, until).await });
        let waits_for = WaitsFor::Token(token);
        Self { policy, timer, stage: Stage::Send { waits_for, unsent, to, service } }
    }

    /// A request that was refused and can be sent again.
    pub(super) fn refresh(
        token_use: TokenUse,
        first: First<S, R, B>,
        refused: S::Response,
        hints: Box<Hints>,
        timer: Option<DeadlineTimer>,
    ) -> Self {
        let policy = token_use.policy.clone();
        let (slot, until) = (policy.slot().clone(), timer.as_ref().map(DeadlineTimer::until));
        let (sent, target) = (token_use.sent, token_use.target);
        let token =
            Box::pin(async move { slot.after_refusal(sent, target, Some(hints), until).await });
        Self { policy, timer, stage: Stage::Refresh { token, refused, token_use, first } }
    }

    /// A request that is not sent.
    pub(crate) fn failed(policy: Arc<Policy>, error: Error) -> Self {
        Self { policy, timer: None, stage: Stage::Failed(error) }
    }

    /// Waits for what the request needs to go on.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>>
    where
        S::Error: Into<BoxError>,
    {
        let event = match &mut self.stage {
            Stage::Send { waits_for, service, .. } => {
                if let WaitsFor::Token(token) = waits_for {
                    let issued = ready!(token.as_mut().poll(cx)).map_err(Error::Token)?;
                    *waits_for = WaitsFor::Service(issued);
                }
                let ready = service.poll_ready(cx);
                // Waits for tokens end by the deadline on their own, with an error that says what was
                // waited for.
                if self.timer.as_mut().is_some_and(|timer| timer.poll_elapsed(cx).is_ready()) {
                    return Poll::Ready(Err(Error::elapsed()));
                }
                ready!(ready).map_err(Error::inner)?;
                Event::Service
            }
            Stage::Refresh { token, .. } => Event::Refresh(ready!(token.as_mut().poll(cx))),
            Stage::Failed(_) => Event::Failure,
        };
        Poll::Ready(Ok(event))
    }
}

impl<S, R, B, ResBody> Slow<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    R: Strategy<B>,
{
    /// Goes on after what it waited for.
    pub(super) fn go_on(self, event: Event) -> Next<S, R, B> {
        let Self { policy, timer, stage } = self;
        match (stage, event) {
            (
                Stage::Send { waits_for: WaitsFor::Service(issued), unsent, to, service },
                Event::Service,
            ) => send_with(policy, &issued, unsent, to, service, timer),
            (Stage::Refresh { refused, token_use, first, .. }, Event::Refresh(refreshed)) => {
                let again = refreshed
                    .map_err(Outcome::RefreshFailed)
                    .and_then(|issued| Ok((issued, first.again().map_err(Outcome::NotReplayed)?)));
                match again {
                    Ok((issued, (request, to, service))) => {
                        // Before the second send: hyper drains a small body that is dropped, and
                        // the connection is free again.
                        drop(refused);
                        let unsent = Unsent::Second(request);
                        let waits_for = WaitsFor::Service(issued);
                        let stage = Stage::Send { waits_for, unsent, to, service };
                        Next::Go(State::slow(Self { policy, timer, stage }))
                    }
                    Err(outcome) => Next::Deliver(recorded(refused, outcome), token_use),
                }
            }
            (Stage::Failed(error), _) => Next::Fail(error),
            // Each stage has its own event.
            (stage, _) => Next::Go(State::slow(Self { policy, timer, stage })),
        }
    }
}

/// Sends the request with a token that was waited for. The service was just polled ready.
fn send_with<S, R, B>(
    policy: Arc<Policy>,
    issued: &IssuedToken,
    mut unsent: Unsent<R, B>,
    to: Destination,
    mut service: S,
    timer: Option<DeadlineTimer>,
) -> Next<S, R, B>
where
    S: Service<Request<R::Body>> + Clone,
    R: Strategy<B>,
{
    let attached = match policy.slot().authorize_with(issued, unsent.headers_mut()) {
        Authorized::Attached(sent) => Attached::Token(sent),
        Authorized::Own => Attached::Nothing(NotAttached::OwnAuthorization),
        // The token expired while the inner service was not ready: another one is needed. The service's
        // readiness is given back meanwhile; a clone has none.
        Authorized::Empty => {
            let service = service.clone();
            let slow = Slow::wait_for_token(policy, unsent, to, service, timer);
            return Next::Go(State::slow(slow));
        }
        Authorized::Full => return Next::Fail(Error::Token(Policy::no_room())),
    };
    let attached = (attached, to);
    Next::Go(match unsent {
        Unsent::First(request, strategy) => {
            send(&mut service, &strategy, request, policy, attached, timer)
        }
        Unsent::Second(request) => send_again(&mut service, request, policy, attached, timer),
    })
}

impl<S, R: Strategy<B>, B> First<S, R, B> {
    /// The request once more. The first body ends with an error now.
    fn again(self) -> Result<(Request<R::Body>, Destination, S), NotReplayed> {
        let body = self.body.again()?;
        Ok((self.head.with_body(body), self.to, self.service))
    }
}

impl<R: Strategy<B>, B> Unsent<R, B> {
    /// Its target, as far as that is kept, and whether it can be sent again.
    fn purpose(&self, policy: &Policy) -> (Target, bool) {
        match self {
            Self::First(request, _) if choice::<R, B>(request) == Some(ReplayChoice::Off) => {
                (Target::UNKNOWN, false)
            }
            Self::First(request, _) => (policy.target(request.method(), request.uri()), true),
            Self::Second(request) => (policy.target(request.method(), request.uri()), false),
        }
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Self::First(request, _) => request.headers_mut(),
            Self::Second(request) => request.headers_mut(),
        }
    }
}
