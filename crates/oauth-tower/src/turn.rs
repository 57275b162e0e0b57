//! Which send of a request it is, and what is kept for another one.

use std::borrow::Cow;

use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, request};
use oauth_core::ReplayChoice;
use oauth_core::policy::{GuardNote, Policy};
use oauth_core::slot::{Sent, Target};

use crate::head::Head;
use crate::strategy::Strategy;

/// Which send of the request it is: the first and only one, if nothing more is said.
pub(crate) type Turn<S, R, B> = Option<Box<Step<S, R, B>>>;

/// What more there is to a send.
pub(crate) enum Step<S, R: Strategy<B>, B> {
    /// It is the first; a second may follow.
    First(Kept<S, R, B>),
    /// The first and only one.
    Only(Trace),
    /// The second: whatever comes back is the caller's. With what it is for.
    Second(Target, Trace),
}

/// What must be known of a request with its response, and is not kept for another send.
pub(crate) struct Trace {
    /// Where it was sent.
    uri: Option<Uri>,
    note: Option<GuardNote>,
}

impl Trace {
    /// `is_asked`: somebody wants to know whether the API accepts the token.
    fn of<T>(policy: &Policy, request: &mut Request<T>, is_asked: bool) -> Self {
        let uri = request.uri();
        let uri = if is_asked { policy.requested_exactly(uri) } else { policy.requested(uri) };
        let note = policy.guard_note(is_asked);
        if let Some(note) = &note {
            request.extensions_mut().insert(note.clone());
        }
        Self { uri, note }
    }

    fn is_empty(&self) -> bool {
        self.uri.is_none() && self.note.is_none()
    }
}

/// What the second send needs, kept from before the first.
pub(crate) struct Kept<S, R: Strategy<B>, B> {
    pub(crate) head: Head,
    /// Not polled ready: that comes right before the second send.
    pub(crate) service: S,
    pub(crate) keep: R::Keep,
    note: Option<GuardNote>,
}

impl<S, R: Strategy<B>, B> Kept<S, R, B> {
    pub(crate) fn target(&self, policy: &Policy) -> Target {
        policy.target(self.head.method(), self.head.uri())
    }

    /// Whether a redirect was followed on the way to this response, and the request may have been acted
    /// on before.
    pub(crate) fn was_redirected(
        &self,
        policy: &Policy,
        status: StatusCode,
        response: &Extensions,
    ) -> bool {
        !self.head.is_safe() && self.on_its_way().was_followed(policy, status, response)
    }

    fn on_its_way(&self) -> OnItsWay<'_> {
        OnItsWay { uri: Some(self.head.uri()), note: self.note.as_ref() }
    }
}

/// What is known of where a request was sent.
struct OnItsWay<'a> {
    /// By us.
    uri: Option<&'a Uri>,
    /// By a guard.
    note: Option<&'a GuardNote>,
}

impl OnItsWay<'_> {
    /// Where it was sent. A guard knows better: a layer above it may have rewritten the URI.
    fn uri(&self, policy: &Policy) -> Option<Cow<'_, Uri>> {
        let noted = self.note.and_then(|note| policy.sent_to(note));
        noted.map(Cow::Owned).or(self.uri.map(Cow::Borrowed))
    }

    /// Whether a redirect was followed on the way to this response, as far as that is known: then it is
    /// another request's.
    fn was_followed(&self, policy: &Policy, status: StatusCode, response: &Extensions) -> bool {
        self.note.is_some_and(|note| note.was_redirected(status))
            || self.uri(policy).is_some_and(|uri| policy.is_of_another_uri(response, &uri))
    }

    fn is_elsewhere(&self, policy: &Policy, response: &Extensions) -> bool {
        policy.is_from_elsewhere(response, self.uri(policy).as_deref())
    }
}

/// A request that is sent as soon as there is a token and the service is ready.
pub(crate) struct Prepared<S, R: Strategy<B>, B> {
    pub(crate) outgoing: Outgoing<R, B>,
    pub(crate) service: S,
}

/// What is sent.
pub(crate) enum Outgoing<R: Strategy<B>, B> {
    /// The request as it came. What a second send needs is kept when it is sent and not while it
    /// waits: thousands may.
    First(Request<B>, R),
    /// The request once more.
    Second(Request<R::Body>),
}

impl<R: Strategy<B>, B> Outgoing<R, B> {
    /// What it is for, as far as that is kept of such a request, and whether it can be sent again.
    pub(crate) fn purpose(&self, policy: &Policy) -> (Target, bool) {
        match self {
            Self::First(request, _) if choice::<R, B>(request) == Some(ReplayChoice::Off) => {
                (Target::UNKNOWN, false)
            }
            Self::First(request, _) => (policy.target(request.method(), request.uri()), true),
            Self::Second(request) => (policy.target(request.method(), request.uri()), false),
        }
    }

    pub(crate) fn method(&self) -> &Method {
        match self {
            Self::First(request, _) => request.method(),
            Self::Second(request) => request.method(),
        }
    }

    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Self::First(request, _) => request.headers_mut(),
            Self::Second(request) => request.headers_mut(),
        }
    }
}

impl<S, R: Strategy<B>, B> Step<S, R, B> {
    fn on_its_way(&self) -> OnItsWay<'_> {
        match self {
            Self::First(kept) => kept.on_its_way(),
            Self::Only(trace) | Self::Second(_, trace) => {
                OnItsWay { uri: trace.uri.as_ref(), note: trace.note.as_ref() }
            }
        }
    }

    /// Whether the response says that it is from another origin than the request was sent to.
    pub(crate) fn is_elsewhere(&self, policy: &Policy, response: &Extensions) -> bool {
        self.on_its_way().is_elsewhere(policy, response)
    }

    /// Whether a redirect was followed on the way to this response, as far as that is known: then it is
    /// another request's.
    pub(crate) fn was_followed(
        &self,
        policy: &Policy,
        status: StatusCode,
        response: &Extensions,
    ) -> bool {
        self.on_its_way().was_followed(policy, status, response)
    }

    /// What it is for, if that was kept.
    pub(crate) fn target(&self, policy: &Policy) -> Target {
        match self {
            Self::First(kept) => kept.target(policy),
            Self::Only(_) => Target::UNKNOWN,
            Self::Second(target, _) => *target,
        }
    }

    /// The turn of a request that is sent once.
    #[inline]
    pub(crate) fn only<T>(
        policy: &Policy,
        request: &mut Request<T>,
        sent: Option<Sent>,
    ) -> Turn<S, R, B> {
        // Most layers: nobody says where a response is from.
        if !policy.keeps_others() {
            return None;
        }
        let trace = Trace::of(policy, request, is_asked(sent));
        (!trace.is_empty()).then(|| Box::new(Self::Only(trace)))
    }

    /// The turn of a request with this head that may be sent twice.
    pub(crate) fn first(
        policy: &Policy,
        head: &mut request::Parts,
        service: &S,
        keep: R::Keep,
        sent: Option<Sent>,
    ) -> Turn<S, R, B>
    where
        S: Clone,
    {
        let note = policy.guard_note(is_asked(sent) || !Policy::is_safe(&head.method));
        let kept = Kept { head: Head::of(head), service: service.clone(), keep, note };
        if let Some(note) = &kept.note {
            head.extensions.insert(note.clone());
        }
        Some(Box::new(Self::First(kept)))
    }

    /// The turn of a second send.
    pub(crate) fn second<T>(policy: &Policy, request: &mut Request<T>) -> Turn<S, R, B> {
        let target = policy.target(request.method(), request.uri());
        Some(Box::new(Self::Second(target, Trace::of(policy, request, true))))
    }
}

/// Whether something depends on whether the API accepts the token of a request.
#[inline(always)]
fn is_asked(sent: Option<Sent>) -> bool {
    sent.is_some_and(|sent| !sent.is_settled())
}

/// What the request itself says about a second send. With a strategy that never replays: that there
/// is none.
#[inline(always)]
pub(crate) fn choice<R: Strategy<B>, B>(request: &Request<B>) -> Option<ReplayChoice> {
    if R::REPLAYS { ReplayChoice::of(request.extensions()) } else { Some(ReplayChoice::Off) }
}

/// The cap that it sets, in bytes.
pub(crate) fn cap(choice: Option<ReplayChoice>) -> Option<usize> {
    match choice {
        Some(ReplayChoice::UpTo(cap)) => Some(cap),
        Some(ReplayChoice::Off) | None => None,
    }
}
