//! What callers say of a token that was sent, and which token they get for it.

use std::sync::atomic::Ordering;

use http::Method;

use super::entry::Entry;
use super::entry::Guidance;
use super::flight::state::{Again, Guided, Refusal, Ruling};
use super::sent::Mark;
use super::sync::{runtime, timeout};
use super::trigger::Trigger;
use super::{Generation, IssuedToken, Sent, Target, TokenSlot};
use crate::challenge::Hints;
use crate::deadline::Deadline;
use crate::error::{Error, Kind};

/// For users of the slot itself.
impl TokenSlot {
    /// A token other than the one that the API refused: the newer one if it is there already, else the
    /// next one. A hundred callers that name one token cause one token request.
    ///
    /// Say of accepted tokens that they were, with [`report_accepted`](Self::report_accepted): else
    /// refreshes after refusals do not seem to help, and there are 10 at once and one in 30 s.
    ///
    /// # Errors
    /// As [`token`](Self::token). Also, with [`Error::retry_after`], when refusals have caused too many
    /// refreshes, or when the issuer handed out the same secret again: then another token would not help.
    /// And for a generation of another slot.
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    pub async fn replace(&self, refused: Generation) -> Result<IssuedToken, Error> {
        self.own(refused)?;
        self.after_refusal(Sent::unknown(refused), Target::UNKNOWN, None, None).await
    }

    /// Says that the API refused a token, and waits for nothing: if the slot still holds it, a flight
    /// refreshes it for the next request.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), where that is known at once; and when a flight may not start yet
    /// although nothing failed.
    pub fn report_refused(&self, refused: Generation) -> Result<(), Error> {
        self.own(refused)?;
        self.note_refusal(Sent::unknown(refused), Target::UNKNOWN, None)
    }

    /// Says that the API accepted a token. Adapters do it on their own.
    ///
    /// # Errors
    /// For a generation of another slot.
    pub fn report_accepted(&self, accepted: Generation) -> Result<(), Error> {
        self.own(accepted)?;
        self.note_acceptance(Sent::unknown(accepted), Target::UNKNOWN);
        Ok(())
    }

    /// A newer token than the one that is there: joins the flight under way or starts one. It is no
    /// refusal, so that the token that is there stays in use until then.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    pub async fn refresh(&self) -> Result<IssuedToken, Error> {
        self.acquire(Trigger::Demand, None, None).await
    }

    /// Takes the token out of use at once, its predecessor too, and what a flight under way would bring:
    /// its key, its certificate or its tenant is gone. Callers that wait get a token of a new flight; one that
    /// four of these calls have met in a single wait gets an error.
    pub fn retire(&self) {
        let ((_retired, ()), deferred) = self.shared.with_state(|state| {
            state.retire();
            (self.shared.current.swap(None), ())
        });
        deferred.run();
    }

    fn own(&self, generation: Generation) -> Result<(), Error> {
        let error = || Error::new(Kind::Usage, "this generation belongs to another slot");
        (generation.slot == self.shared.id).then_some(()).ok_or_else(error)
    }
}

/// For adapters.
impl TokenSlot {
    /// What a request is for, so that refusals of one target do not count against others.
    #[doc(hidden)]
    pub fn target(&self, method: &Method, scheme: &str, authority: &str, path: &str) -> Target {
        Target::of(self.shared.issued.hasher(), method, scheme, authority, path)
    }

    /// The token for a request that [`authorize`](Self::authorize) had none for: as
    /// [`token`](Self::token), and while a flight is under way that a refusal of the slot's token has
    /// started, it waits for that, a second and half of the time until `until` at most. `repeatable` says
    /// whether the request can be sent twice: such a one may try a token that the API did not know the last
    /// time. Nothing is awaited beyond `until`.
    ///
    /// # Errors
    /// As [`token`](Self::token), and when `until` is over.
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    #[doc(hidden)]
    pub async fn token_for(
        &self,
        target: Target,
        repeatable: bool,
        until: Option<Deadline>,
    ) -> Result<IssuedToken, Error> {
        let mut guided = self.guide(target, repeatable);
        // Held once: what begins meanwhile is the business of the next request.
        if let Some(Guided::Held(completion, left)) = guided {
            // Half of its own time is left for the send: the token that is there may be good for it.
            let limit = until.map_or(left, |until| left.min(until.remaining() / 2));
            let _ = timeout(limit, completion.end()).await;
            guided = self.guide(target, repeatable);
        }
        match guided {
            Some(Guided::Token(entry, guidance)) => Ok(IssuedToken { entry, guidance }),
            Some(Guided::Held(..)) => match self.cached() {
                Some(token) => Ok(token),
                None => self.acquire(Trigger::Age, None, until).await,
            },
            None => self.acquire(Trigger::Age, None, until).await,
        }
    }

    /// The same decision without a wait; nothing where there is no valid token.
    fn guide(&self, target: Target, repeatable: bool) -> Option<Guided> {
        let shared = &self.shared;
        // Starts a flight on the way if it is stale.
        self.cached()?;
        let (now, epoch) = (shared.clock.now(), shared.source.credentials_epoch());
        let (guided, deferred) = shared.with_state(|state| {
            // Not the one from above: what has landed since made that the predecessor, perhaps.
            let entry = shared.current.load_full().filter(|entry| entry.valid(now))?;
            Some((state.guide(target, repeatable, &entry, now, epoch), entry))
        });
        deferred.run();
        match guided? {
            // Without timers no one can be held.
            (Guided::Held(..), entry) if runtime().is_err() => {
                Some(Guided::Token(entry, Guidance::Newest))
            }
            (guided, _) => Some(guided),
        }
    }

    /// A request was refused that can be sent again: the token to send it with, which may be the same if
    /// the refusal says nothing any more. Nothing is awaited beyond `until`.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), and when `until` is over: the refusal is to be delivered.
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    #[doc(hidden)]
    pub async fn after_refusal(
        &self,
        sent: Sent,
        target: Target,
        hints: Option<Box<Hints>>,
        until: Option<Deadline>,
    ) -> Result<IssuedToken, Error> {
        match self.rule(Refusal { sent, target, again: Again::Possible }) {
            Ruling::Send(entry, guidance) => Ok(IssuedToken { entry, guidance }),
            Ruling::Renew(trigger) => self.acquire(trigger, hints, until).await,
            Ruling::Deliver(error) => Err(error.unwrap_or_else(not_again)),
        }
    }

    /// A request was refused that cannot be sent again. Waits for nothing.
    ///
    /// # Errors
    /// Why nothing is done for the next request.
    #[doc(hidden)]
    pub fn note_refusal(
        &self,
        sent: Sent,
        target: Target,
        hints: Option<&Hints>,
    ) -> Result<(), Error> {
        match self.rule(Refusal { sent, target, again: Again::Impossible }) {
            Ruling::Renew(trigger) => self.start_flight(trigger, hints, None).map(drop),
            Ruling::Deliver(Some(error)) => Err(error),
            Ruling::Send(..) | Ruling::Deliver(None) => Ok(()),
        }
    }

    /// A request that had been sent again was refused again.
    #[doc(hidden)]
    pub fn note_second_refusal(&self, sent: Sent, target: Target) {
        let _ = self.rule(Refusal { sent, target, again: Again::Done });
    }

    /// A request was accepted by the first send. Needed where [`Sent::is_settled`] says no.
    #[doc(hidden)]
    #[cold]
    pub fn note_acceptance(&self, sent: Sent, target: Target) {
        // Of thousands that are accepted together one says so.
        if !self.mark().is_settled(sent.generation.number) {
            self.accept(sent, target);
        }
    }

    /// A request that had been sent again was accepted.
    #[doc(hidden)]
    pub fn note_second_acceptance(&self, sent: Sent, target: Target) {
        self.accept(sent, target);
    }

    fn accept(&self, sent: Sent, target: Target) {
        let now = self.shared.clock.now();
        let (_current, deferred) = self.shared.with_state(|state| {
            let current = self.shared.current.load_full();
            state.accept(sent, target, current.as_ref(), now);
            current
        });
        deferred.run();
    }

    fn rule(&self, refusal: Refusal) -> Ruling {
        let shared = &self.shared;
        let (now, epoch) = (shared.clock.now(), shared.source.credentials_epoch());
        let ((ruling, _current), deferred) = shared.with_state(|state| {
            let current = shared.current.load_full();
            (state.rule(refusal, current.as_ref(), now, epoch), current)
        });
        deferred.run();
        ruling
    }

    #[inline(always)]
    pub(super) fn mark(&self) -> Mark {
        Mark::of(self.shared.mark.load(Ordering::Acquire))
    }

    /// What is known of a token when it is sent.
    pub(super) fn sent_with(&self, entry: &Entry, guidance: Guidance) -> Sent {
        let sent = Sent::plainly(entry.generation, self.mark());
        if guidance == Guidance::Trial { sent.as_trial() } else { sent }
    }
}

fn not_again() -> Error {
    Error::new(Kind::RefusedAgain, "the API refused the token, and another one would not help")
}
