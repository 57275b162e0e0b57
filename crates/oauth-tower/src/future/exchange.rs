//! One send of a request, and what is kept of it until its response arrives.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Method, Request, Response, StatusCode, Uri};
use oauth_core::adapter::{DeadlineTimer, Destination, GuardNote, Policy, Sent, Target};
use oauth_core::{NotAttached, Outcome, ReplayChoice};
use tower_service::Service;

use super::State;
use super::head::Head;
use crate::strategy::Strategy;

/// What a request was sent with.
#[derive(Clone, Copy)]
pub(crate) enum Attached {
    /// Our token.
    Token(Sent),
    /// No token of ours, for this reason.
    Nothing(NotAttached),
}

impl Attached {
    /// Whether something depends on the API accepting the token.
    #[inline(always)]
    fn is_watched(self) -> bool {
        matches!(self, Self::Token(sent) if !sent.is_settled())
    }

    /// The success of an OPTIONS says nothing about the token.
    #[inline(always)]
    fn weighed(self, method: &Method) -> Self {
        match self {
            Self::Token(sent) => Self::Token(Policy::weighed(sent, method)),
            Self::Nothing(_) => self,
        }
    }
}

/// A request that was sent, until its response arrives.
pub(crate) struct Exchange<S, R: Strategy<B>, B> {
    pub(super) policy: Arc<Policy>,
    pub(super) attached: Attached,
    /// `None` for most requests without replay. Boxed, to keep the future small.
    pub(super) kept: Option<Box<Kept<S, R, B>>>,
}

/// What is kept of a request.
pub(super) struct Kept<S, R: Strategy<B>, B> {
    /// Its deadline, if it has one.
    pub(super) timer: Option<DeadlineTimer>,
    /// Shared with a guard below, which records where the request was sent.
    pub(super) note: Option<GuardNote>,
    pub(super) send: SendKind<S, R, B>,
}

/// Which send of the request it is.
pub(super) enum SendKind<S, R: Strategy<B>, B> {
    /// The first; a second may follow.
    First(First<S, R, B>),
    /// The only one. With where it was sent, if that must be known.
    Only(Option<Uri>),
    /// The second: its response is the caller's, whatever it is.
    Second(Target, Option<Uri>),
}

/// What a second send needs.
pub(super) struct First<S, R: Strategy<B>, B> {
    pub(super) head: Head,
    /// Not polled ready yet: that happens right before the second send.
    pub(super) service: S,
    pub(super) body: R::Handle,
    pub(super) to: Destination,
}

/// A request with our token that the API responded to, for reading on in the response's body.
#[derive(Debug)]
pub(crate) struct TokenUse {
    pub(crate) policy: Arc<Policy>,
    pub(crate) sent: Sent,
    pub(crate) target: Target,
}

/// Sends a request for the first time. The service was polled ready.
#[inline(always)]
pub(crate) fn send<S, R, B>(
    service: &mut S,
    strategy: &R,
    mut request: Request<B>,
    policy: Arc<Policy>,
    (attached, to): (Attached, Destination),
    timer: Option<DeadlineTimer>,
) -> State<S, R, B>
where
    S: Service<Request<R::Body>> + Clone,
    R: Strategy<B>,
{
    let attached = attached.weighed(request.method());
    let choice = choice::<R, B>(&request);
    if choice == Some(ReplayChoice::Off) || matches!(attached, Attached::Nothing(_)) {
        let kept = Kept::only(&policy, &mut request, attached, to, timer);
        let response = service.call(strategy.pass(request));
        return State::Called { response, exchange: Exchange { policy, attached, kept } };
    }
    let (mut head, body) = request.into_parts();
    let cap = match choice {
        Some(ReplayChoice::UpTo(cap)) => Some(cap),
        Some(ReplayChoice::Off) | None => None,
    };
    let (body, handle) = strategy.split(body, cap);
    let note = policy.guard_note(attached.is_watched() || !Policy::is_safe(&head.method));
    let copy = Head::of(&head, policy.slot());
    let first = First { head: copy, service: service.clone(), body: handle, to };
    if let Some(note) = &note {
        head.extensions.insert(note.clone());
    }
    let kept = Some(Box::new(Kept { timer, note, send: SendKind::First(first) }));
    let response = service.call(Request::from_parts(head, body));
    State::Called { response, exchange: Exchange { policy, attached, kept } }
}

/// Sends a request once more. The service was polled ready.
pub(super) fn send_again<S, R, B>(
    service: &mut S,
    mut request: Request<R::Body>,
    policy: Arc<Policy>,
    (attached, to): (Attached, Destination),
    timer: Option<DeadlineTimer>,
) -> State<S, R, B>
where
    S: Service<Request<R::Body>>,
    R: Strategy<B>,
{
    let attached = match attached.weighed(request.method()) {
        Attached::Token(sent) => Attached::Token(sent.as_second()),
        nothing @ Attached::Nothing(_) => nothing,
    };
    let target = policy.target(request.method(), request.uri());
    let uri = policy.requested_exactly(request.uri(), to);
    let note = policy.guard_note(true);
    if let Some(note) = &note {
        request.extensions_mut().insert(note.clone());
    }
    let kept = Some(Box::new(Kept { timer, note, send: SendKind::Second(target, uri) }));
    let response = service.call(request);
    State::Called { response, exchange: Exchange { policy, attached, kept } }
}

impl<S, R: Strategy<B>, B> Kept<S, R, B> {
    /// For a request that is sent once.
    #[inline(always)]
    fn only<T>(
        policy: &Policy,
        request: &mut Request<T>,
        attached: Attached,
        to: Destination,
        timer: Option<DeadlineTimer>,
    ) -> Option<Box<Self>> {
        // Most requests: it cannot be known where the response comes from.
        let knows_origins = policy.knows_origins() && matches!(attached, Attached::Token(_));
        if timer.is_none() && !knows_origins {
            return None;
        }
        Self::only_slowly(policy, request, attached, to, timer)
    }

    #[cold]
    fn only_slowly<T>(
        policy: &Policy,
        request: &mut Request<T>,
        attached: Attached,
        to: Destination,
        timer: Option<DeadlineTimer>,
    ) -> Option<Box<Self>> {
        let (mut uri, mut note) = (None, None);
        if matches!(attached, Attached::Token(_)) {
            let is_watched = attached.is_watched();
            let asked = request.uri();
            uri = if is_watched {
                policy.requested_exactly(asked, to)
            } else {
                policy.requested(asked, to)
            };
            note = policy.guard_note(is_watched);
        }
        if let Some(note) = &note {
            request.extensions_mut().insert(note.clone());
        }
        let is_empty = timer.is_none() && uri.is_none() && note.is_none();
        (!is_empty).then(|| Box::new(Self { timer, note, send: SendKind::Only(uri) }))
    }

    /// The request's target, if that was kept.
    pub(super) fn target(&self, policy: &Policy) -> Target {
        match &self.send {
            SendKind::First(first) => policy.target(first.head.method(), first.head.uri()),
            SendKind::Only(_) => Target::UNKNOWN,
            SendKind::Second(target, _) => *target,
        }
    }

    /// Where it was sent. A guard knows better: a layer above it may have rewritten the URI.
    fn uri(&self, policy: &Policy) -> Option<Cow<'_, Uri>> {
        let noted = self.note.as_ref().and_then(|note| policy.sent_to(note)).map(Cow::Owned);
        noted.or_else(|| {
            let uri = match &self.send {
                SendKind::First(first) => Some(first.head.uri()),
                SendKind::Only(uri) | SendKind::Second(_, uri) => uri.as_ref(),
            };
            uri.map(Cow::Borrowed)
        })
    }

    /// Whether a redirect was followed on the way to this response, as far as that is known: then it is
    /// the response to another request.
    pub(super) fn was_followed(
        &self,
        policy: &Policy,
        status: StatusCode,
        response: &Extensions,
    ) -> bool {
        self.note.as_ref().is_some_and(|note| note.was_redirected(status))
            || self.uri(policy).is_some_and(|uri| policy.is_of_another_uri(response, &uri))
    }
}

impl<S, R: Strategy<B>, B> Exchange<S, R, B> {
    /// Whether the response can be delivered as it is and has no news for the slot.
    #[inline(always)]
    pub(super) fn is_plain<T>(&self, response: &Response<T>) -> bool {
        matches!(self.attached, Attached::Token(sent) if sent.is_settled())
            && !self.policy.wants_to_judge(response.status(), response.headers())
            && !self.is_noted(response.extensions())
    }

    /// Whether a layer below recorded something that matters here: an outcome, or where the response is
    /// from.
    #[inline(always)]
    fn is_noted(&self, response: &Extensions) -> bool {
        !response.is_empty()
            && (Outcome::is_recorded(response) || self.is_redirected_away(response))
    }

    /// Whether the response came from another origin than the request was sent to.
    pub(super) fn is_redirected_away(&self, response: &Extensions) -> bool {
        let uri = self.kept.as_ref().and_then(|kept| kept.uri(&self.policy));
        self.policy.is_redirected_away(response, uri.as_deref())
    }

    /// Whether the request's deadline has passed; `false` without one.
    #[inline]
    pub(super) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.kept.as_mut().and_then(|kept| kept.timer.as_mut()) {
            Some(timer) => timer.poll_elapsed(cx),
            None => Poll::Pending,
        }
    }

    /// What a [plain](Self::is_plain) response belongs to.
    pub(super) fn token_use(&self) -> Option<TokenUse> {
        match self.attached {
            Attached::Token(sent) => {
                Some(TokenUse { policy: self.policy.clone(), sent, target: self.target() })
            }
            Attached::Nothing(_) => None,
        }
    }

    pub(super) fn target(&self) -> Target {
        self.kept.as_ref().map_or(Target::UNKNOWN, |kept| kept.target(&self.policy))
    }
}

/// The request's own choice about a second send. With a strategy that never replays: that there is none.
#[inline(always)]
pub(super) fn choice<R: Strategy<B>, B>(request: &Request<B>) -> Option<ReplayChoice> {
    if R::REPLAYS { ReplayChoice::of(request.extensions()) } else { Some(ReplayChoice::Off) }
}

pub(super) fn recorded<ResBody>(
    mut response: Response<ResBody>,
    outcome: Outcome,
) -> Response<ResBody> {
    outcome.record(response.extensions_mut());
    response
}
