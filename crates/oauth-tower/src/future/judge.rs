//! What a response leads to.

use http::header::AGE;
use http::{Request, Response};
use oauth_core::adapter::{Policy, Sent, Target};
use oauth_core::challenge::Hints;
use oauth_core::{NotReplayed, Outcome, Verdict};
use tower_service::Service;

use super::exchange::{Attached, Exchange, First, Kept, SendKind, TokenUse, recorded};
use super::slow::Slow;
use crate::strategy::{Handle, Strategy};

/// What to do with a response.
pub(super) enum Judged<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    /// Deliver it. With what it belongs to, if it is the API's response to our token.
    Deliver(S::Response, Option<TokenUse>),
    /// The token was refused, and the request can be sent again.
    Refresh(Box<Slow<S, R, B>>),
}

impl<S, R: Strategy<B>, B> Exchange<S, R, B> {
    /// Handles a response that is not plain: it is delivered with a record of what happened, or the token
    /// is refreshed first.
    #[cold]
    pub(super) fn judge<ResBody>(self, response: Response<ResBody>) -> Judged<S, R, B>
    where
        S: Service<Request<R::Body>, Response = Response<ResBody>>,
    {
        let sent = match self.attached {
            Attached::Token(sent) => sent,
            Attached::Nothing(reason) => {
                return Judged::Deliver(recorded(response, Outcome::NotAttached(reason)), None);
            }
        };
        let (mut head, body) = response.into_parts();
        if self.is_redirected_away(&head.extensions) {
            self.policy.note_from_elsewhere(&mut head.extensions);
            let response = Response::from_parts(head, body);
            return Judged::Deliver(recorded(response, Outcome::RedirectedAway), None);
        }
        let target = self.target();
        let Self { policy, kept, .. } = self;
        let is_refused = policy.wants_to_judge(head.status, &head.headers)
            && policy.judge(&head) == Verdict::Replace;
        let was_followed = kept
            .as_ref()
            .is_some_and(|kept| kept.was_followed(&policy, head.status, &head.extensions));
        // From a cache, or to another request: its success says nothing.
        let is_anothers = was_followed || head.headers.contains_key(AGE);
        let is_accepted = !is_anothers && policy.accepts(head.status, &head.headers);
        let response = Response::from_parts(head, body);
        let slot = policy.slot();
        let attached = if sent.is_second() { Outcome::Replayed } else { Outcome::Attached };
        if !is_refused {
            if is_accepted {
                note_acceptance(&policy, sent, target);
            }
            let sent = if is_anothers { sent.without_weight() } else { sent };
            let token_use = TokenUse { policy, sent, target };
            return Judged::Deliver(recorded(response, attached), Some(token_use));
        }
        if sent.is_second() {
            slot.note_second_refusal(sent, target);
            let token_use = TokenUse { policy, sent, target };
            return Judged::Deliver(recorded(response, attached), Some(token_use));
        }
        let (timer, first) = match kept.map(|kept| *kept) {
            Some(Kept { timer, send: SendKind::First(first), .. }) => {
                (timer, first.frozen(was_followed))
            }
            _ => (None, Err(NotReplayed::Off)),
        };
        match first {
            Ok(first) => {
                let token_use = TokenUse { policy, sent, target };
                let hints = Box::new(Hints::of(response.headers()));
                Judged::Refresh(Box::new(Slow::refresh(token_use, first, response, hints, timer)))
            }
            Err(reason) => {
                // For the next request. The result changes nothing for this one.
                let _ = slot.note_refusal(sent, target, Some(&Hints::of(response.headers())));
                let token_use = TokenUse { policy, sent, target };
                Judged::Deliver(recorded(response, Outcome::NotReplayed(reason)), Some(token_use))
            }
        }
    }
}

impl<S, R: Strategy<B>, B> First<S, R, B> {
    /// With its body stopped, if the request can be sent again.
    fn frozen(self, was_followed: bool) -> Result<Self, NotReplayed> {
        // The refused request is the last one of a chain; the first one may have been acted on.
        if was_followed && !self.head.is_safe() {
            return Err(NotReplayed::Redirected);
        }
        self.body.freeze().map(|()| self)
    }
}

/// The API accepted the token of a request.
pub(crate) fn note_acceptance(policy: &Policy, sent: Sent, target: Target) {
    if sent.is_second() {
        policy.slot().note_second_acceptance(sent, target);
    } else if !sent.is_settled() {
        policy.slot().note_acceptance(sent, target);
    }
}
