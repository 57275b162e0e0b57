//! What is not the plain path: waiting for a token, the renewal after a 401, and the second send.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::AUTHORIZATION;
use http::{Request, Response, Uri};
use oauth_core::policy::Policy;
use oauth_core::slot::Authorized;
use oauth_core::{BoxError, IssuedToken, NotAttached, NotReplayed, Outcome, TokenSlot, Verdict};
use tower_service::Service;

use super::{Kept, Prepared, ResponseFuture, Turn};
use crate::error::Error;
use crate::strategy::{Keep, Strategy};

type TokenFuture = Pin<Box<dyn Future<Output = Result<IssuedToken, oauth_core::Error>> + Send>>;

/// A request that is between two sends, or before its first.
pub(super) enum Aside<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// There is no valid token. Nothing of the inner service is held while it is fetched.
    Waiting { token: TokenFuture, prepared: Prepared<S, R, B> },
    /// There is a token; the inner service must say that it is ready.
    Readying { issued: IssuedToken, prepared: Prepared<S, R, B> },
    /// The first answer was a 401. Its future is gone, the first body stands still.
    Renewing { renewal: TokenFuture, refused: S::Response, kept: Box<Kept<S, R, B>> },
    /// It may not have a token, and is not sent.
    Failed { error: oauth_core::Error },
}

impl<S, R, B> Aside<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    pub(super) fn waiting(slot: &TokenSlot, prepared: Prepared<S, R, B>) -> Self {
        let slot = slot.clone();
        Self::Waiting { token: Box::pin(async move { slot.token().await }), prepared }
    }

    /// Whether it can go on.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Ready, S::Error>> {
        Poll::Ready(Ok(match self {
            Self::Waiting { token, .. } => Ready::Token(ready!(token.as_mut().poll(cx))),
            Self::Renewing { renewal, .. } => Ready::Token(ready!(renewal.as_mut().poll(cx))),
            Self::Readying { prepared, .. } => {
                ready!(prepared.service.poll_ready(cx))?;
                Ready::Service
            }
            Self::Failed { error } => Ready::Token(Err(error.clone())),
        }))
    }
}

/// What an [`Aside`] waited for.
enum Ready {
    Token(Result<IssuedToken, oauth_core::Error>),
    Service,
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
        let ready = ready!(aside.poll(cx));
        // Taken out before anything else: a finished future keeps nothing.
        let aside = this.aside.take().map(|aside| *aside);
        let token = match ready.map_err(Error::inner)? {
            Ready::Token(token) => Some(token),
            Ready::Service => None,
        };
        match (aside, token) {
            (Some(Aside::Waiting { prepared, .. }), Some(issued)) => {
                let issued = issued.map_err(Error::Token)?;
                *this.aside = Some(Box::new(Aside::Readying { issued, prepared }));
            }
            (Some(Aside::Renewing { refused, kept, .. }), Some(renewed)) => {
                let next = renewed
                    .map_err(Outcome::RefreshFailed)
                    .and_then(|issued| kept.again(issued).map_err(Outcome::NotReplayed));
                match next {
                    Ok(next) => {
                        // Before the second send: hyper drains a small body that is dropped, and
                        // the connection is free again.
                        drop(refused);
                        *this.aside = Some(Box::new(next));
                    }
                    Err(outcome) => return Poll::Ready(Some(Ok(told(refused, outcome)))),
                }
            }
            (Some(Aside::Readying { issued, prepared }), _) => self.send(&issued, prepared),
            (_, Some(Err(error))) => return Poll::Ready(Some(Err(Error::Token(error)))),
            _ => {}
        }
        Poll::Ready(None)
    }

    /// Sends the request. The inner service has just said that it is ready.
    fn send(self: Pin<&mut Self>, issued: &IssuedToken, prepared: Prepared<S, R, B>) {
        let mut this = self.project();
        let Prepared { mut request, mut service, turn } = prepared;
        let slot = this.policy.slot();
        *this.sent = None;
        *this.turn = match slot.authorize_with(issued, request.headers_mut()) {
            Authorized::Attached(generation) => {
                *this.sent = Some(generation);
                match turn {
                    Turn::Second(_) => Turn::Second(requested(this.policy, &request)),
                    first => first,
                }
            }
            // The token ended while the inner service was not ready: another one, please. The
            // service's readiness goes back meanwhile; a clone has none.
            Authorized::Empty => {
                let service = service.clone();
                let prepared = Prepared { request, service, turn };
                *this.aside = Some(Box::new(Aside::waiting(slot, prepared)));
                return;
            }
            Authorized::Full => {
                *this.aside = Some(Box::new(Aside::Failed { error: Policy::no_room() }));
                return;
            }
            Authorized::Own => Turn::Bare(NotAttached::OwnAuthorization),
        };
        this.answer.set(Some(service.call(request)));
    }

    /// What an answer leads to that is not plainly the caller's: it is handed back, with a record of
    /// what happened, or the token is renewed first.
    #[cold]
    pub(super) fn settle(
        self: Pin<&mut Self>,
        response: Response<ResBody>,
    ) -> Option<Response<ResBody>> {
        let this = self.project();
        let turn = mem::replace(this.turn, Turn::Only(None));
        let (head, body) = response.into_parts();
        let requested = match &turn {
            Turn::First(kept) => Some(&kept.head.uri),
            Turn::Only(uri) | Turn::Second(uri) => uri.as_deref(),
            Turn::Bare(_) => None,
        };
        let elsewhere =
            requested.is_some_and(|uri| this.policy.is_from_elsewhere(&head.extensions, uri));
        if elsewhere {
            *this.sent = None;
        }
        let refused = match *this.sent {
            Some(generation) if this.policy.wants_to_judge(head.status, &head.headers) => {
                let verdict = this.policy.judge(&head, elsewhere);
                (verdict == Verdict::Replace).then_some(generation)
            }
            _ => None,
        };
        let response = Response::from_parts(head, body);
        let Some(generation) = refused else {
            return Some(told(response, turn.delivered()));
        };
        let slot = this.policy.slot();
        match turn.freeze() {
            Ok(kept) => {
                let slot = slot.clone();
                let renewal = Box::pin(async move { slot.replace(generation).await });
                *this.aside = Some(Box::new(Aside::Renewing { renewal, refused: response, kept }));
                None
            }
            Err(outcome) => {
                // For the next request. What the slot says to it (it renews already, or waits)
                // changes nothing for this one.
                let _ = slot.report_refused(generation);
                Some(told(response, outcome))
            }
        }
    }
}

impl<S, R: Strategy<B>, B> Turn<S, R, B> {
    /// What became of a request whose answer says nothing about the token.
    fn delivered(&self) -> Outcome {
        match self {
            Self::First(_) | Self::Only(_) => Outcome::Attached,
            Self::Second(_) => Outcome::Replayed,
            Self::Bare(reason) => Outcome::NotAttached(*reason),
        }
    }

    /// Stops the first body, so that it can be sent again; or says what became of the request.
    fn freeze(self) -> Result<Box<Kept<S, R, B>>, Outcome> {
        match self {
            Self::First(kept) => match kept.keep.freeze() {
                Ok(()) => Ok(kept),
                Err(reason) => Err(Outcome::NotReplayed(reason)),
            },
            Self::Only(_) => Err(Outcome::NotReplayed(NotReplayed::Off)),
            Self::Second(_) | Self::Bare(_) => Err(self.delivered()),
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
        let mut request = Request::from_parts(self.head, body);
        request.headers_mut().remove(AUTHORIZATION);
        let prepared = Prepared { request, service: self.service, turn: Turn::Second(None) };
        Ok(Aside::Readying { issued, prepared })
    }
}

/// Where a request is sent, if the layer asks where answers come from.
#[inline]
pub(crate) fn requested<B>(policy: &Policy, request: &Request<B>) -> Option<Box<Uri>> {
    policy.keeps_uri().then(|| Box::new(request.uri().clone()))
}

fn told<ResBody>(mut response: Response<ResBody>, outcome: Outcome) -> Response<ResBody> {
    outcome.record(response.extensions_mut());
    response
}
