//! What is not the plain path: waiting for a token, the renewal after a 401, and the second send.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::AGE;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use oauth_core::policy::Policy;
use oauth_core::slot::{Authorized, Target};
use oauth_core::{
    BoxError, DeadlineElapsed, DeadlineTimer, IssuedToken, NotAttached, NotReplayed, Outcome,
    ReplayChoice, Verdict,
};
use tower_service::Service;

use super::{Carried, ResponseFuture, is_elsewhere};
use crate::error::Error;
use crate::strategy::{Keep, Strategy};
use crate::turn::{Kept, Outgoing, Prepared, Step, cap, choice};

type TokenFuture = Pin<Box<dyn Future<Output = Result<IssuedToken, oauth_core::Error>> + Send>>;

/// A request that is between two sends, or before its first.
pub(super) enum Aside<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// It is sent as soon as it can be.
    Prepared { until: Until, prepared: Prepared<S, R, B> },
    /// The first answer was a 401. Its future is gone, the first body stands still.
    Renewing { renewal: TokenFuture, refused: S::Response, kept: Kept<S, R, B> },
    /// It may not have a token, and is not sent.
    Failed { error: oauth_core::Error },
    /// Its time was over before it could be sent.
    Late,
}

/// What a prepared request waits for.
pub(super) enum Until {
    /// There is no valid token. Nothing of the inner service is held while it is fetched.
    Token(TokenFuture),
    /// There is a token; the inner service must say that it is ready.
    Ready(IssuedToken),
}

impl<S, R, B> Aside<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    pub(super) fn waiting(
        policy: &Policy,
        prepared: Prepared<S, R, B>,
        timer: Option<&DeadlineTimer>,
    ) -> Self {
        let slot = policy.slot().clone();
        let (target, repeatable) = prepared.outgoing.purpose(policy);
        let until = timer.map(DeadlineTimer::until);
        let token = Box::pin(async move { slot.token_for(target, repeatable, until).await });
        Self::Prepared { until: Until::Token(token), prepared }
    }

    /// Whether it can go on.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        timer: Option<&mut DeadlineTimer>,
    ) -> Poll<Result<Ready, Error>>
    where
        S::Error: Into<BoxError>,
    {
        let ready = match self {
            Self::Prepared { until, prepared } => {
                if let Until::Token(token) = until {
                    let issued = ready!(token.as_mut().poll(cx)).map_err(Error::Token)?;
                    *until = Until::Ready(issued);
                }
                let ready = prepared.service.poll_ready(cx);
                // The waits for tokens end in time by themselves, and say what was waited for.
                if timer.is_some_and(|timer| timer.poll_elapsed(cx).is_ready()) {
                    return Poll::Ready(Err(Error::inner(DeadlineElapsed::default())));
                }
                ready!(ready).map_err(Error::inner)?;
                Ready::Service
            }
            Self::Renewing { renewal, .. } => Ready::Renewal(ready!(renewal.as_mut().poll(cx))),
            Self::Failed { error } => return Poll::Ready(Err(Error::Token(error.clone()))),
            Self::Late => return Poll::Ready(Err(Error::inner(DeadlineElapsed::default()))),
        };
        Poll::Ready(Ok(ready))
    }
}

/// What an [`Aside`] waited for.
enum Ready {
    Service,
    Renewal(Result<IssuedToken, oauth_core::Error>),
}

impl<S, R, B, ResBody> ResponseFuture<S, R, B>
where
    S: Service<Request<R::Body>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    R: Strategy<B>,
{
    /// One step: `None` where the request goes on.
    #[cold]
    pub(super) fn poll_aside(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Response<ResBody>, Error>>> {
        let this = self.as_mut().project();
        let Some(aside) = this.aside else { panic!("`ResponseFuture` polled after it was ready") };
        let ready = ready!(aside.poll(cx, this.timer.as_mut()));
        // Taken out before anything else: a finished future keeps nothing.
        let aside = this.aside.take().map(|aside| *aside);
        match (aside, ready?) {
            (Some(Aside::Prepared { until: Until::Ready(issued), prepared }), Ready::Service) => {
                self.send(&issued, prepared);
            }
            (Some(Aside::Renewing { refused, kept, .. }), Ready::Renewal(renewed)) => {
                let next = renewed
                    .map_err(Outcome::RefreshFailed)
                    .and_then(|issued| kept.again(issued).map_err(Outcome::NotReplayed));
                match next {
                    Ok(next) => {
                        // Before the second send: hyper drains a small body that is dropped, and
                        // the connection is free again.
                        drop(refused);
                        self.step_aside(next);
                    }
                    Err(outcome) => return Poll::Ready(Some(Ok(told(refused, outcome)))),
                }
            }
            // It waits for the one or for the other.
            _ => {}
        }
        Poll::Ready(None)
    }

    fn step_aside(self: Pin<&mut Self>, aside: Aside<S, R, B>) {
        *self.project().aside = Some(Box::new(aside));
    }

    /// Sends the request. The inner service has just said that it is ready.
    fn send(mut self: Pin<&mut Self>, issued: &IssuedToken, prepared: Prepared<S, R, B>) {
        let mut this = self.as_mut().project();
        let Prepared { mut outgoing, mut service } = prepared;
        let slot = this.policy.slot();
        let sent = match slot.authorize_with(issued, outgoing.headers_mut()) {
            Authorized::Attached(sent) => Some(Policy::weighed(sent, outgoing.method())),
            Authorized::Own => None,
            // The token ended while the inner service was not ready: another one, please. The
            // service's readiness goes back meanwhile; a clone has none.
            Authorized::Empty => {
                let service = service.clone();
                let prepared = Prepared { outgoing, service };
                let aside = Aside::waiting(this.policy, prepared, this.timer.as_ref());
                return self.step_aside(aside);
            }
            Authorized::Full => return self.step_aside(Aside::Failed { error: Policy::no_room() }),
        };
        let is_second = matches!(outgoing, Outgoing::Second(_));
        let sent = sent.map(|sent| if is_second { sent.as_second() } else { sent });
        let own = Carried::Nothing(Some(NotAttached::OwnAuthorization));
        *this.carried = sent.map_or(own, Carried::Token);
        let (request, turn) = match outgoing {
            Outgoing::First(mut request, strategy) => {
                let choice = choice::<R, B>(&request);
                if choice == Some(ReplayChoice::Off) {
                    let turn = Step::only(this.policy, &mut request, sent);
                    (strategy.pass(request), turn)
                } else {
                    let (mut head, body) = request.into_parts();
                    let (body, keep) = strategy.split(body, cap(choice));
                    let turn = Step::first(this.policy, &mut head, &service, keep, sent);
                    (Request::from_parts(head, body), turn)
                }
            }
            Outgoing::Second(mut request) => {
                let turn = Step::second(this.policy, &mut request);
                (request, turn)
            }
        };
        *this.turn = turn;
        this.answer.set(Some(service.call(request)));
    }

    /// What an answer leads to that is not plainly the caller's: it is handed back, with a record of
    /// what happened, or the token is renewed first.
    #[cold]
    pub(super) fn settle(
        mut self: Pin<&mut Self>,
        response: Response<ResBody>,
    ) -> Option<Response<ResBody>> {
        let this = self.as_mut().project();
        let turn = this.turn.take().map(|step| *step);
        let bare = match *this.carried {
            Carried::Nothing(reason) => reason,
            Carried::Token(_) => None,
        };
        let (mut head, body) = response.into_parts();
        let elsewhere =
            bare.is_none() && is_elsewhere(this.policy, turn.as_ref(), &head.extensions);
        if elsewhere {
            this.policy.note_from_elsewhere(&mut head.extensions);
            *this.carried = Carried::Nothing(None);
        }
        let is_refused = matches!(this.carried, Carried::Token(_))
            && this.policy.wants_to_judge(head.status, &head.headers)
            && this.policy.judge(&head, elsewhere) == Verdict::Replace;
        let redirected = matches!(&turn, Some(Step::First(kept))
            if kept.was_redirected(this.policy, head.status, &head.extensions));
        let (status, headers) = (head.status, &head.headers);
        let is_anothers =
            is_anothers(this.policy, turn.as_ref(), status, headers, &head.extensions);
        let is_accepted = !is_refused && !is_anothers && this.policy.accepts(status, headers);
        let response = Response::from_parts(head, body);
        let delivered = match bare {
            Some(reason) => Outcome::NotAttached(reason),
            _ if elsewhere => Outcome::RedirectedAway,
            _ if matches!(this.carried, Carried::Token(sent) if sent.is_second()) => {
                Outcome::Replayed
            }
            _ => Outcome::Attached,
        };
        let Carried::Token(sent) = *this.carried else {
            return Some(told(response, delivered));
        };
        let slot = this.policy.slot();
        let target = turn.as_ref().map_or(Target::UNKNOWN, |step| step.target(this.policy));
        if is_accepted {
            if sent.is_second() {
                slot.note_second_acceptance(sent, target);
            } else if !sent.is_settled() {
                slot.note_acceptance(sent, target);
            }
        }
        if !is_refused {
            if is_anothers {
                *this.carried = Carried::Token(sent.without_weight());
            }
            return Some(told(response, delivered));
        }
        if sent.is_second() {
            slot.note_second_refusal(sent, target);
            return Some(told(response, delivered));
        }
        let frozen = match turn {
            Some(Step::First(_)) if redirected => Err(NotReplayed::Redirected),
            Some(Step::First(kept)) => kept.keep.freeze().map(|()| kept),
            _ => Err(NotReplayed::Off),
        };
        match frozen {
            Ok(kept) => {
                let (slot, until) = (slot.clone(), this.timer.as_ref().map(DeadlineTimer::until));
                let renewal =
                    Box::pin(async move { slot.after_refusal(sent, target, until).await });
                self.step_aside(Aside::Renewing { renewal, refused: response, kept });
                None
            }
            Err(reason) => {
                // For the next request. What the slot says to it (it renews already, or waits)
                // changes nothing for this one.
                let _ = slot.note_refusal(sent, target);
                Some(told(response, Outcome::NotReplayed(reason)))
            }
        }
    }
}

impl<S, R: Strategy<B>, B> Kept<S, R, B> {
    /// The second send. The first body ends with an error now.
    fn again(self, issued: IssuedToken) -> Result<Aside<S, R, B>, NotReplayed>
    where
        S: Service<Request<R::Body>>,
    {
        let body = self.keep.again()?;
        let request = self.head.with_body(body);
        let prepared = Prepared { outgoing: Outgoing::Second(request), service: self.service };
        Ok(Aside::Prepared { until: Until::Ready(issued), prepared })
    }
}

/// Whether the response is to another request than the one that carried the token: it is out of a cache, or
/// a redirect was followed. Its success says nothing.
fn is_anothers<S, R: Strategy<B>, B>(
    policy: &Policy,
    step: Option<&Step<S, R, B>>,
    status: StatusCode,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> bool {
    headers.contains_key(AGE)
        || step.is_some_and(|step| step.was_followed(policy, status, extensions))
}

fn told<ResBody>(mut response: Response<ResBody>, outcome: Outcome) -> Response<ResBody> {
    outcome.record(response.extensions_mut());
    response
}
