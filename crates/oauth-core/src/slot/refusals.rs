//! What callers report about a token that was sent, and which token they get next.

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
    /// Returns a token other than the one that the API refused: the newer one if there already is one, else
    /// the next one. A hundred callers with the same token cause one token request.
    ///
    /// Report accepted tokens with [`report_accepted`](Self::report_accepted). Otherwise refreshes after
    /// refusals do not seem to help, and are limited to 10 at once and one in 30 s.
    ///
    /// # Errors
    /// As [`token`](Self::token). Also, with [`Error::retry_after`], if the refresh budget is used up, or
    /// if the issuer returned the same secret again, so that another token would not help. And for a
    /// generation of another slot.
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    pub async fn replace(&self, refused: Generation) -> Result<IssuedToken, Error> {
        self.own(refused)?;
        self.after_refusal(Sent::unknown(refused), Target::UNKNOWN, None, None).await
    }

    /// Reports that the API refused a token. Does not wait: if the slot still holds it, a flight refreshes
    /// it for the next request.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), where that is known at once; and if a flight may not start yet
    /// although nothing failed.
    pub fn report_refused(&self, refused: Generation) -> Result<(), Error> {
        self.own(refused)?;
        self.note_refusal(Sent::unknown(refused), Target::UNKNOWN, None)
    }

    /// Reports that the API accepted a token. Adapters do this themselves.
    ///
    /// # Errors
    /// For a generation of another slot.
    pub fn report_accepted(&self, accepted: Generation) -> Result<(), Error> {
        self.own(accepted)?;
        self.note_acceptance(Sent::unknown(accepted), Target::UNKNOWN);
        Ok(())
    }

    /// Fetches a newer token: joins the flight under way or starts one. This is not a refusal: the current
    /// token stays in use until then, and no refusal budget is charged.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    pub async fn refresh(&self) -> Result<IssuedToken, Error> {
        self.acquire(Trigger::Demand, None, None).await
    }

    /// Stops using the token at once, with its predecessor and the result of a flight under way, because
    /// its key, certificate or tenant is gone. Waiting callers get a token of a new flight; a caller that
    /// four of these calls hit in a single wait gets an error.
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
    /// The target of a request, so that refusals by one target do not count against others.
    #[doc(hidden)]
    pub fn target(&self, method: &Method, scheme: &str, authority: &str, path: &str) -> Target {
        Target::of(self.shared.issued.hasher(), method, scheme, authority, path)
    }

    /// Returns the token for a request that [`authorize`](Self::authorize) had none for: as
    /// [`token`](Self::token). While a flight is under way that a refusal of the slot's token started, it
    /// waits for that, for a second and half of the time until `until` at most. `repeatable` is whether the
    /// request can be sent twice: only then may it try a token that the API did not know the last time.
    /// Nothing is awaited beyond `until`.
    ///
    /// # Errors
    /// As [`token`](Self::token), and at `until`.
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
        // Held only once: a flight that starts meanwhile holds the next request.
        if let Some(Guided::Held(completion, left)) = guided {
            // Half of its time is left for the send: the current token may be good for it.
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

    /// The same decision without waiting; `None` if there is no valid token.
    fn guide(&self, target: Target, repeatable: bool) -> Option<Guided> {
        let shared = &self.shared;
        // Starts a flight if it is stale.
        self.cached()?;
        let (now, epoch) = (shared.clock.now(), shared.source.credentials_epoch());
        let (guided, deferred) = shared.with_state(|state| {
            // Loaded again: a flight that completed since may have made the one above the predecessor.
            let entry = shared.current.load_full().filter(|entry| entry.valid(now))?;
            Some((state.guide(target, repeatable, &entry, now, epoch), entry))
        });
        deferred.run();
        match guided? {
            // Without timers a request cannot be held.
            (Guided::Held(..), entry) if runtime().is_err() => {
                Some(Guided::Token(entry, Guidance::Newest))
            }
            (guided, _) => Some(guided),
        }
    }

    /// A request was refused that can be sent again. Returns the token to send it with, which may be the
    /// same one if the refusal is out of date. Nothing is awaited beyond `until`.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), and at `until`: deliver the refusal.
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
        // Alone, so that the future does not grow.
        let refused = sent.generation.number;
        let again = match self.rule(Refusal { sent, target, again: Again::Possible }) {
            Ruling::Send(entry, guidance) => Ok(IssuedToken { entry, guidance }),
            Ruling::Refresh(trigger) => self.acquire(trigger, hints, until).await,
            Ruling::Deliver(error) => Err(error.unwrap_or_else(not_again)),
        };
        again.inspect_err(|error| {
            let shared = &self.shared;
            shared.counts.to_add().delivered.note(shared.who(), refused, error);
        })
    }

    /// A request was refused that cannot be sent again. Does not wait.
    ///
    /// # Errors
    /// Why no token is fetched for the next request.
    #[doc(hidden)]
    pub fn note_refusal(
        &self,
        sent: Sent,
        target: Target,
        hints: Option<&Hints>,
    ) -> Result<(), Error> {
        match self.rule(Refusal { sent, target, again: Again::Impossible }) {
            Ruling::Refresh(trigger) => self.start_flight(trigger, hints, None).map(drop),
            Ruling::Deliver(Some(error)) => Err(error),
            Ruling::Send(..) | Ruling::Deliver(None) => Ok(()),
        }
    }

    /// A request that had been sent again was refused again.
    #[doc(hidden)]
    pub fn note_second_refusal(&self, sent: Sent, target: Target) {
        let _ = self.rule(Refusal { sent, target, again: Again::Done });
    }

    /// A request was accepted by the first send. Needed if [`Sent::is_settled`] is false.
    #[doc(hidden)]
    #[cold]
    pub fn note_acceptance(&self, sent: Sent, target: Target) {
        // Of thousands that are accepted together, one takes the lock.
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
