//! What a refusal or an acceptance leads to, and which token a request gets meanwhile.

use std::sync::Arc;
use std::time::Duration;

use super::super::completion::Completion;
use super::super::entry::Entry;
use super::super::entry::Guidance;
use super::super::evidence::{Evidence, Exhausted};
use super::super::sent::Sent;
use super::super::target::Target;
use super::super::trigger::{Charged, Trigger};
use super::{FlightState, Ticket};
use crate::error::{Details, Error, Kind};

/// An accepted token counts as proven at this age: the nodes of an API learn of it at different times.
const YOUNG: Duration = Duration::from_secs(60);

/// A request was refused.
#[derive(Clone, Copy)]
pub(in super::super::super) struct Refusal {
    pub(in super::super::super) sent: Sent,
    pub(in super::super::super) target: Target,
    pub(in super::super::super) again: Again,
}

/// Whether the request can be sent once more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super::super) enum Again {
    Possible,
    Impossible,
    /// It already was.
    Done,
}

/// What a refusal leads to.
pub(in super::super::super) enum Ruling {
    /// The request is sent again with this token.
    Send(Arc<Entry>, Guidance),
    /// It needs another token.
    Refresh(Trigger),
    /// The refusal is delivered, and no token is fetched. With the reason, if there is one.
    Deliver(Option<Error>),
}

/// Which token a request gets.
pub(in super::super::super) enum Guided {
    Token(Arc<Entry>, Guidance),
    /// Decided when the flight ends or this time has passed.
    Held(Completion, Duration),
}

impl FlightState {
    pub(in super::super::super) fn rule(
        &mut self,
        refusal: Refusal,
        current: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Ruling {
        let Refusal { sent, target, again } = refusal;
        let Some(entry) = current.filter(|entry| entry.valid(now)) else {
            let refresh =
                Trigger::Refused(Charged { generation: sent.generation, target, again: true });
            return if again == Again::Done {
                Ruling::Deliver(None)
            } else {
                Ruling::Refresh(refresh)
            };
        };
        self.tidy(Some(entry), now);
        let number = sent.generation.number;
        let newest = entry.generation.number;
        // A token without a lifetime is newer than the slot's and never replaces it.
        let newest_seen = newest.max(number);
        let is_current = entry.generation == sent.generation;
        let is_predecessor = self.is_predecessor(sent);
        let accepted = self.has_accepted(entry);

        // Accepted since this request was sent: the refusal says nothing.
        let overtaken = is_current && accepted && !sent.was_accepted();
        let evidence = self.evidence.get_or_insert_default();
        if (is_current || is_predecessor) && !overtaken {
            evidence.strike(is_predecessor, target, now);
        }
        let is_newer = newest > number;
        let refusing = evidence.is_refusing(target);
        let predecessor = self.good_predecessor(target, now, epoch);
        let predecessor = predecessor.filter(|_| newest >= number);
        let predecessor = predecessor.filter(|entry| entry.generation != sent.generation);
        let backoff = &self.settings.backoff;
        let evidence = self.evidence.get_or_insert_default();
        if again != Again::Possible && !(refusing && predecessor.is_some()) {
            evidence.refused_for_good(target, number, newest_seen, now, backoff);
        }
        if again == Again::Done {
            return Ruling::Deliver(None);
        }
        let young = !accepted || now.saturating_sub(entry.issued_at) < YOUNG;
        let other = match predecessor {
            _ if is_newer && accepted => Some((entry.clone(), Guidance::Newest)),
            Some(predecessor) if young => {
                if is_current && !overtaken {
                    evidence.propagation.refused(sent.is_trial(), now, backoff);
                }
                Some((predecessor, Guidance::Predecessor))
            }
            _ => (is_newer || overtaken).then(|| (entry.clone(), Guidance::Newest)),
        };
        match other {
            Some(_) if again == Again::Impossible => return Ruling::Deliver(None),
            Some((entry, guidance)) => return Ruling::Send(entry, guidance),
            None => {}
        }
        if let Some(pause) = evidence.pause(target, number, now) {
            let put_off = self.put_off.as_deref().cloned();
            let error = put_off.filter(|_| evidence.pause_with(number, now) == Some(pause));
            let error = error.unwrap_or_else(futile).remembered(pause);
            return Ruling::Deliver(Some(error));
        }
        evidence.refused(target, newest_seen);
        Ruling::Refresh(Trigger::Refused(Charged {
            generation: sent.generation,
            target,
            again: refusing,
        }))
    }

    /// Starts the flight that a refusal of the slot's token asks for.
    ///
    /// # Errors
    /// When there have been too many of them.
    pub(super) fn refresh(
        &mut self,
        refused: Charged,
        now: Duration,
        epoch: u64,
    ) -> Result<Ticket, Error> {
        let evidence = self.evidence.get_or_insert_default();
        let holds = !refused.again && evidence.budgets.allow_hold(now);
        if let Err(exhausted) = evidence.budgets.take(now) {
            let error = too_many(&exhausted);
            if exhausted.warn {
                self.deferred.exhausted(self.slot, &self.settings, &error);
            }
            return Err(error);
        }
        let hold_until = holds.then(|| now.saturating_add(self.settings.hold));
        let hold_until = hold_until.filter(|until| *until > now);
        let ticket = self.start(Trigger::Refused(refused), Duration::ZERO, now, epoch);
        let flight = self.flights;
        self.evidence.get_or_insert_default().started_for(flight, refused.target, hold_until);
        Ok(ticket)
    }

    /// A request was accepted.
    pub(in super::super::super) fn accept(
        &mut self,
        sent: Sent,
        target: Target,
        current: Option<&Arc<Entry>>,
        now: Duration,
    ) {
        if !sent.has_weight() {
            return;
        }
        let number = sent.generation.number;
        let is_current = current.is_some_and(|entry| entry.generation == sent.generation);
        let is_predecessor = self.is_predecessor(sent);
        let is_first = is_current && self.accepted < number.get();
        if is_first {
            self.accepted = number.get();
        }
        if let Some(evidence) = self.evidence.as_mut().filter(|_| is_current || is_predecessor) {
            if is_first {
                evidence.accepted_first();
            }
            evidence.accepted(is_predecessor, target, number, now);
            let held_for = evidence.holding_for();
            if is_current && held_for.is_some_and(|flight| sent.was_sent_during(flight)) {
                self.end_hold();
            }
        }
        self.tidy(current, now);
    }

    /// Which token a request gets that has not been sent yet. `current` is valid.
    pub(in super::super::super) fn guide(
        &mut self,
        target: Target,
        repeatable: bool,
        current: &Arc<Entry>,
        now: Duration,
        epoch: u64,
    ) -> Guided {
        if let Some(evidence) = &mut self.evidence {
            self.deferred.hold(evidence.end_hold_in_time(now));
        }
        self.tidy(Some(current), now);
        let newest = || Guided::Token(current.clone(), Guidance::Newest);
        let accepted = self.has_accepted(current);
        let Some(evidence) = &mut self.evidence else { return newest() };
        if let Some((completion, left)) = evidence.held(now) {
            return Guided::Held(completion, left);
        }
        if self.predecessor.is_none() {
            return newest();
        }
        let backoff = &self.settings.backoff;
        match evidence.propagation.guidance(accepted, repeatable, now, backoff) {
            Guidance::Predecessor => {
                let predecessor = self.good_predecessor(target, now, epoch);
                let predecessor = predecessor.map(|p| Guided::Token(p, Guidance::Predecessor));
                predecessor.unwrap_or_else(newest)
            }
            guidance => Guided::Token(current.clone(), guidance),
        }
    }

    pub(super) fn has_accepted(&self, entry: &Entry) -> bool {
        self.accepted >= entry.generation.number.get()
    }

    fn is_predecessor(&self, sent: Sent) -> bool {
        self.predecessor.as_ref().is_some_and(|entry| entry.generation == sent.generation)
    }

    /// The predecessor, if it can be used for this target.
    fn good_predecessor(&self, target: Target, now: Duration, epoch: u64) -> Option<Arc<Entry>> {
        let predecessor = self.predecessor.as_ref()?;
        let allows = |evidence: &Evidence| evidence.allows_predecessor(target);
        let good = predecessor.valid(now)
            && predecessor.epoch == epoch
            && self.evidence.as_deref().is_none_or(allows);
        good.then(|| predecessor.clone())
    }

    /// Forgets what no longer affects anything.
    fn tidy(&mut self, current: Option<&Arc<Entry>>, now: Duration) {
        let proven = current.is_some_and(|entry| {
            self.has_accepted(entry) && now.saturating_sub(entry.issued_at) >= YOUNG
        });
        if self.predecessor.as_ref().is_some_and(|entry| proven || !entry.valid(now)) {
            self.forget_predecessor();
        }
        self.evidence.take_if(|evidence| evidence.is_void(now));
    }

    pub(super) fn forget_predecessor(&mut self) {
        let predecessor = self.predecessor.take();
        self.deferred.token(predecessor);
        if let Some(evidence) = &mut self.evidence {
            evidence.forget_propagation();
        }
    }

    pub(super) fn end_hold(&mut self) {
        let hold = self.evidence.as_mut().and_then(|evidence| evidence.end_hold());
        self.deferred.hold(hold);
    }

    pub(super) fn end_hold_of(&mut self, flight: u64) {
        if self.evidence.as_ref().and_then(|evidence| evidence.holding_for()) == Some(flight) {
            self.end_hold();
        }
    }
}

fn futile() -> Error {
    let details = Details {
        hint: Some("the API refuses new tokens too: check audience, scope and API URL".into()),
        ..Details::new(Kind::RefusedAgain, "the API refused a token that had just been refreshed")
    };
    details.into()
}

fn too_many(exhausted: &Exhausted) -> Error {
    let (problem, hint) = if exhausted.helps {
        (
            "the API keeps refusing tokens soon after they were refreshed",
            "usually another process uses the same client and each new token revokes the other's (give each \
             its own client), or one node of the API has stale keys",
        )
    } else {
        (
            "the API refused several new tokens in a row",
            "usually the API does not accept these tokens at all: check audience, scope and API URL; or \
             most of its nodes have stale keys",
        )
    };
    let details = Details { hint: Some(hint.into()), ..Details::new(Kind::RefusedAgain, problem) };
    Error::from(details).remembered(exhausted.wait)
}
