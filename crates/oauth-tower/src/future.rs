//! A request on its way: at most one send, one renewal and one more send.

mod aside;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use oauth_core::policy::Policy;
use oauth_core::{BoxError, Generation, NotAttached, Outcome};
use pin_project_lite::pin_project;
use tower_service::Service;

use self::aside::Aside;
use crate::error::Error;
use crate::strategy::Strategy;
use crate::turn::{Prepared, Step, Turn};

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
        sent: Sent,
        // To the latest send, while it is awaited.
        #[pin]
        answer: Option<S::Future>,
        turn: Turn<S, R, B>,
        // While there is no answer to await. Boxed, as is the turn: the future of a request that finds
        // a fresh token is small.
        aside: Option<Box<Aside<S, R, B>>>,
    }
}

/// What the latest send carried.
#[derive(Clone, Copy)]
pub(crate) enum Sent {
    /// Our token, this one.
    Token(Generation),
    /// No token of ours, for this reason. Without one: it was not sent yet, or the answer is not the
    /// API's.
    Bare(Option<NotAttached>),
}

impl<S, R, B> ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// The request was sent with this token.
    #[inline]
    pub(crate) fn answering(
        policy: Arc<Policy>,
        answer: S::Future,
        generation: Generation,
        turn: Turn<S, R, B>,
    ) -> Self {
        Self { policy, sent: Sent::Token(generation), answer: Some(answer), turn, aside: None }
    }

    /// The request was sent without a token.
    pub(crate) fn bare(policy: Arc<Policy>, answer: S::Future, reason: NotAttached) -> Self {
        let (sent, answer) = (Sent::Bare(Some(reason)), Some(answer));
        Self { policy, sent, answer, turn: None, aside: None }
    }

    /// The request needs a token first.
    pub(crate) fn waiting(policy: Arc<Policy>, prepared: Prepared<S, R, B>) -> Self {
        let aside = Aside::waiting(policy.slot(), prepared);
        Self::aside(policy, aside)
    }

    /// The request is not sent.
    pub(crate) fn failed(policy: Arc<Policy>, error: oauth_core::Error) -> Self {
        Self::aside(policy, Aside::Failed { error })
    }

    fn aside(policy: Arc<Policy>, aside: Aside<S, R, B>) -> Self {
        let aside = Some(Box::new(aside));
        Self { policy, sent: Sent::Bare(None), answer: None, turn: None, aside }
    }

    /// The token that the answer is to, if it was ours and the answer the API's.
    pub(crate) fn sent(&self) -> Option<(Arc<Policy>, Generation)> {
        match self.sent {
            Sent::Token(generation) => Some((self.policy.clone(), generation)),
            Sent::Bare(_) => None,
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
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let Some(answer) = this.answer.as_mut().as_pin_mut() else {
                match ready!(self.as_mut().poll_aside(cx)) {
                    Some(done) => return Poll::Ready(done),
                    None => continue,
                }
            };
            let answered = ready!(answer.poll(cx));
            // From here on the answer's future is gone, and with it what it held of the inner
            // service: the token request may need it.
            this.answer.set(None);
            match answered {
                Ok(response) => {
                    let step = this.turn.as_deref();
                    let first = matches!(this.sent, Sent::Token(_))
                        && !matches!(step, Some(Step::Second(_)));
                    let plain = first
                        && !this.policy.wants_to_judge(response.status(), response.headers())
                        && !is_noted(this.policy, response.extensions(), step);
                    if plain {
                        // A request that has its answer keeps nothing.
                        *this.turn = None;
                        return Poll::Ready(Ok(response));
                    }
                    if let Some(response) = self.as_mut().settle(response) {
                        return Poll::Ready(Ok(response));
                    }
                }
                Err(error) => {
                    *this.turn = None;
                    return Poll::Ready(Err(Error::inner(error)));
                }
            }
        }
    }
}

/// Whether a layer below has left a note that decides what is recorded: an outcome, or where the response
/// is from.
#[inline]
fn is_noted<S, R: Strategy<B>, B>(
    policy: &Policy,
    extensions: &Extensions,
    step: Option<&Step<S, R, B>>,
) -> bool {
    !extensions.is_empty()
        && (Outcome::is_recorded(extensions)
            || policy.is_from_elsewhere(extensions, step.and_then(Step::requested)))
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
