//! A request on its way: at most one send, one renewal and one more send.

mod aside;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use oauth_core::policy::Policy;
use oauth_core::slot::Sent;
use oauth_core::{BoxError, DeadlineElapsed, DeadlineTimer, NotAttached, Outcome};
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
        carried: Carried,
        // To the latest send, while it is awaited.
        #[pin]
        answer: Option<S::Future>,
        turn: Turn<S, R, B>,
        // While there is no answer to await. Boxed, as is the turn: the future of a request that finds
        // a fresh token is small.
        aside: Option<Box<Aside<S, R, B>>>,
        // Of a request that has a limit.
        timer: Option<DeadlineTimer>,
    }
}

/// What the latest send carried.
#[derive(Clone, Copy)]
pub(crate) enum Carried {
    /// Our token.
    Token(Sent),
    /// No token of ours, for this reason. Without one: it was not sent yet, or the answer is not the
    /// API's.
    Nothing(Option<NotAttached>),
}

/// A response to a request that carried our token, for those who read on in its body.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) policy: Arc<Policy>,
    pub(crate) sent: Sent,
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
        sent: Sent,
        turn: Turn<S, R, B>,
        timer: Option<DeadlineTimer>,
    ) -> Self {
        let (carried, answer) = (Carried::Token(sent), Some(answer));
        Self { policy, carried, answer, turn, aside: None, timer }
    }

    /// The request was sent without a token.
    pub(crate) fn bare(
        policy: Arc<Policy>,
        answer: S::Future,
        reason: NotAttached,
        timer: Option<DeadlineTimer>,
    ) -> Self {
        let (carried, answer) = (Carried::Nothing(Some(reason)), Some(answer));
        Self { policy, carried, answer, turn: None, aside: None, timer }
    }

    /// The request needs a token first.
    pub(crate) fn waiting(
        policy: Arc<Policy>,
        prepared: Prepared<S, R, B>,
        timer: Option<DeadlineTimer>,
    ) -> Self {
        let aside = Aside::waiting(&policy, prepared, timer.as_ref());
        Self::aside(policy, aside, timer)
    }

    /// The request is not sent.
    pub(crate) fn failed(policy: Arc<Policy>, error: oauth_core::Error) -> Self {
        Self::aside(policy, Aside::Failed { error }, None)
    }

    /// The request is not sent: its time was over before.
    pub(crate) fn late(policy: Arc<Policy>) -> Self {
        Self::aside(policy, Aside::Late, None)
    }

    fn aside(policy: Arc<Policy>, aside: Aside<S, R, B>, timer: Option<DeadlineTimer>) -> Self {
        let (carried, aside) = (Carried::Nothing(None), Some(Box::new(aside)));
        Self { policy, carried, answer: None, turn: None, aside, timer }
    }

    /// There is no answer yet: whether there is time left for it.
    #[cold]
    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let mut this = self.project();
        let Some(timer) = this.timer else { return Poll::Pending };
        ready!(timer.poll_elapsed(cx));
        // A request that is over keeps nothing.
        this.answer.set(None);
        *this.turn = None;
        Poll::Ready(Error::inner(DeadlineElapsed::default()))
    }

    /// What the answer is to, if it was our token and the answer is the API's.
    pub(crate) fn told(&self) -> Option<Told> {
        match self.carried {
            Carried::Token(sent) => Some(Told { policy: self.policy.clone(), sent }),
            Carried::Nothing(_) => None,
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
            let Poll::Ready(answered) = answer.poll(cx) else {
                if this.timer.is_none() {
                    return Poll::Pending;
                }
                return self.poll_elapsed(cx).map(Err);
            };
            // From here on the answer's future is gone, and with it what it held of the inner
            // service: the token request may need it.
            this.answer.set(None);
            match answered {
                Ok(response) => {
                    let step = this.turn.as_deref();
                    let is_settled =
                        matches!(this.carried, Carried::Token(sent) if sent.is_settled());
                    let plain = is_settled
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
        && (Outcome::is_recorded(extensions) || is_elsewhere(policy, step, extensions))
}

/// Whether a response is of another origin than the request's.
fn is_elsewhere<S, R: Strategy<B>, B>(
    policy: &Policy,
    step: Option<&Step<S, R, B>>,
    extensions: &Extensions,
) -> bool {
    match step {
        Some(step) => step.is_elsewhere(policy, extensions),
        None => policy.is_from_elsewhere(extensions, None),
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
