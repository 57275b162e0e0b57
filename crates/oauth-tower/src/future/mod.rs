//! The response future: at most one send, one refresh and one more send.

mod exchange;
mod head;
mod judge;
mod slow;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use oauth_core::BoxError;
use pin_project_lite::pin_project;
use tower_service::Service;

use self::exchange::Exchange;
pub(crate) use self::exchange::{Attached, TokenUse, send};
use self::judge::Judged;
pub(crate) use self::judge::note_acceptance;
pub(crate) use self::slow::Slow;
use self::slow::{Event, Next};
use crate::error::Error;
use crate::strategy::Strategy;

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
        #[pin]
        state: State<S, R, B>,
    }
}

pin_project! {
    #[project = StateProj]
    #[project_replace = StateOwned]
    pub(crate) enum State<S, R, B>
    where
        S: Service<Request<R::Body>>,
        R: Strategy<B>,
    {
        // Sent; waiting for the response.
        Called {
            #[pin]
            response: S::Future,
            exchange: Exchange<S, R, B>,
        },
        // Not sent yet, or to be sent once more. Boxed, to keep the future of a request with a fresh token
        // small.
        Slow { slow: Box<Slow<S, R, B>> },
        // The response was returned, and nothing is kept.
        Done,
    }
}

impl<S, R, B> ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    #[inline(always)]
    pub(crate) fn new(state: State<S, R, B>) -> Self {
        Self { state }
    }

    /// The request is not sent, or not yet.
    pub(crate) fn slow(slow: Slow<S, R, B>) -> Self {
        Self { state: State::slow(slow) }
    }
}

impl<S, R, B, ResBody> ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    /// Polls the request. Stores into `token_use`, if given, what a response of the API belongs to.
    #[inline(always)]
    pub(crate) fn poll_with(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        token_use: Option<&mut Option<TokenUse>>,
    ) -> Poll<Result<Response<ResBody>, Error>> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Called { response, exchange } => {
                    let response = match response.poll(cx) {
                        Poll::Ready(Ok(response)) => response,
                        Poll::Ready(Err(error)) => {
                            state.set(State::Done);
                            return Poll::Ready(Err(Error::inner(error)));
                        }
                        Poll::Pending => {
                            ready!(exchange.poll_elapsed(cx));
                            state.set(State::Done);
                            return Poll::Ready(Err(Error::elapsed()));
                        }
                    };
                    if exchange.is_plain(&response) {
                        if let Some(token_use) = token_use {
                            *token_use = exchange.token_use();
                        }
                        state.set(State::Done);
                        return Poll::Ready(Ok(response));
                    }
                    match state.as_mut().judge(response) {
                        Judged::Deliver(response, used) => {
                            if let Some(token_use) = token_use {
                                *token_use = used;
                            }
                            return Poll::Ready(Ok(response));
                        }
                        Judged::Refresh(slow) => state.set(State::Slow { slow }),
                    }
                }
                StateProj::Slow { slow } => {
                    let event = ready!(slow.poll(cx));
                    match state.as_mut().go_on(event) {
                        Next::Go(next) => state.set(next),
                        Next::Deliver(response, used) => {
                            if let Some(token_use) = token_use {
                                *token_use = Some(used);
                            }
                            return Poll::Ready(Ok(response));
                        }
                        Next::Fail(error) => return Poll::Ready(Err(error)),
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
    fn slow(slow: Slow<S, R, B>) -> Self {
        Self::Slow { slow: Box::new(slow) }
    }
}

impl<S, R, B, ResBody> State<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    R: Strategy<B>,
{
    /// Takes the exchange out and judges its response. The response future is dropped first, with what it
    /// held of the inner service: the token request may need it.
    #[cold]
    fn judge(self: Pin<&mut Self>, response: Response<ResBody>) -> Judged<S, R, B> {
        match self.project_replace(Self::Done) {
            StateOwned::Called { exchange, .. } => exchange.judge(response),
            _ => unreachable!("the response is that of a request that was sent"),
        }
    }

    /// Takes the slow request out, so that a finished future keeps nothing, and goes on with it.
    #[cold]
    fn go_on(self: Pin<&mut Self>, event: Result<Event, Error>) -> Next<S, R, B> {
        match (self.project_replace(Self::Done), event) {
            (StateOwned::Slow { slow }, Ok(event)) => slow.go_on(event),
            (_, Err(error)) => Next::Fail(error),
            _ => unreachable!("the event is that of a slow request"),
        }
    }
}

impl<S, R, B, ResBody> Future for ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    type Output = Result<Response<ResBody>, Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(cx, None)
    }
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
