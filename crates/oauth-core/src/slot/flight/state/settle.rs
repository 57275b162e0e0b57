//! What a completed flight leaves behind.

use std::sync::Arc;
use std::time::Duration;

use super::super::entry::{Entry, Generation};
use super::super::trigger::Trigger;
use super::in_flight::InFlight;
use super::{Failure, Fetched, FlightState};
use crate::clock::{CoarseDeadline, Reading};
use crate::error::{Details, Error, Kind};

/// Minimum wait before a source that returned `not_now` is asked again.
const SOONEST: Duration = Duration::from_secs(1);

/// What happens to the slot's value.
pub(in super::super::super) enum Publish {
    /// It stays.
    Nothing,
    Token(Arc<Entry>),
    /// It is removed.
    Emptiness,
}

/// What a completed flight leaves behind.
pub(in super::super::super) struct Settled {
    pub(in super::super::super) publish: Publish,
    pub(in super::super::super) outcome: Result<Arc<Entry>, Error>,
    /// For how long token requests had been failing before.
    pub(in super::super::super) failing_for: Option<Duration>,
    /// How many callers gave up meanwhile.
    pub(in super::super::super) callers_left: u32,
}

/// What to publish, and what the waiters get.
type Effect = (Publish, Result<Arc<Entry>, Error>);

/// The credentials that the failed attempt used and those of now.
#[derive(Clone, Copy)]
pub(in super::super::super) struct Epochs {
    pub(in super::super::super) tried: u64,
    pub(in super::super::super) now: u64,
}

impl Epochs {
    fn rotated(self) -> bool {
        self.tried != self.now
    }
}

impl FlightState {
    /// A flight has completed. Returns what its waiters get and what to publish; `None` if the flight was
    /// given up in the meantime.
    pub(in super::super::super) fn settle(
        &mut self,
        id: u64,
        result: Result<Fetched, Error>,
        current: Option<&Arc<Entry>>,
        at: Reading,
        epochs: Epochs,
    ) -> Option<Settled> {
        let now = at.now;
        let brings = result.as_ref().is_ok_and(|fetched| !self.ended(fetched, now));
        let Some(flight) = self.take_settled(id, brings) else {
            self.deferred.error(result.err());
            return None;
        };
        self.end_hold_of(id);
        let InFlight { trigger, callers_left, .. } = *flight;
        let failing_for = self.failure.as_ref().map(|failure| now.saturating_sub(failure.since));
        let (publish, outcome) = match result {
            Ok(fetched) if self.ended(&fetched, now) => {
                self.fail(id, ended_on_its_way(&fetched, now), current, at, epochs)
            }
            Ok(fetched) => self.succeed(id, fetched, trigger, current, at, epochs.tried),
            Err(error) if error.is_not_now() => self.put_off(id, error, trigger, current, at),
            Err(error) => self.fail(id, error, current, at, epochs),
        };
        Some(Settled { publish, outcome, failing_for, callers_left })
    }

    /// Removes the flight and returns it; `None` if it was given up. A flight that was presumed
    /// dead counts if it brings a token before its successor ends; the successor is then aborted.
    fn take_settled(&mut self, id: u64, brings: bool) -> Option<Box<InFlight>> {
        if let Some(flight) = self.flight.take_if(|flight| flight.id == id) {
            self.drop_superseded();
            return Some(flight);
        }
        let superseded = self.superseded.take_if(|flight| flight.id == id && brings)?;
        let successor = self.flight.take();
        if let Some(flight) = successor {
            self.end_hold_of(flight.id);
            if let Some(evidence) = &mut self.evidence {
                evidence.cut_off(flight.id);
            }
            self.deferred.flight(flight.abort);
        }
        Some(superseded)
    }

    /// Whether it had a lifetime that ran out before the response arrived.
    fn ended(&self, fetched: &Fetched, now: Duration) -> bool {
        let life = fetched.token.lifetime().filter(|life| !life.is_zero());
        life.is_some()
            && self.settings.lifecycle.times(fetched.started, life, 0.0).expires_at <= now
    }

    fn succeed(
        &mut self,
        id: u64,
        fetched: Fetched,
        trigger: Trigger,
        current: Option<&Arc<Entry>>,
        at: Reading,
        epoch: u64,
    ) -> Effect {
        let now = at.now;
        self.forget_failure();
        let put_off = self.put_off.take();
        self.deferred.error(put_off.map(|error| *error));
        self.rest_until = fetched.started.saturating_add(self.settings.least_interval);
        let Fetched { token, started } = fetched;
        let same = current.filter(|entry| entry.token.is_same(&token));
        let generation = match same {
            // The same secret is the same generation: a caller with a 401 for it must not take it for
            // newer.
            Some(entry) => entry.generation,
            None => {
                let number = self.next_generation;
                self.next_generation = number.saturating_add(1);
                Generation { slot: self.slot, number }
            }
        };
        let is_same = same.is_some();
        let draw = self.rng.f64();
        let mut times = self.settings.lifecycle.times(started, token.lifetime(), draw);
        // If it is due before a flight by age may start again, postpone it until then, so that requests in
        // between stay on the hot path.
        times.stale_at = times.stale_at.max(self.rest_until).min(times.expires_at);
        let headers = token.sharded_header(self.settings.header_shards);
        let entry = Entry {
            fresh: self.fresh_until(times.stale_at, at),
            issued_at: now,
            token,
            headers,
            generation,
            times,
            epoch,
        };
        let entry = Arc::new(entry);
        // A token without a lifetime serves only its waiters; the current one stays, unless the API refuses
        // it.
        let takes_place = !entry.single_use() || matches!(trigger, Trigger::Refused(_));
        if is_same {
            self.got_the_same(id, trigger, generation, now);
        } else if takes_place {
            self.keep_predecessor(id, &entry, current, now);
        }
        let publish = match trigger {
            _ if !entry.single_use() => Publish::Token(entry.clone()),
            // The API refuses the current token, and the new one serves only its waiters.
            Trigger::Refused(_) => Publish::Emptiness,
            Trigger::Age | Trigger::Prefetch | Trigger::Demand => Publish::Nothing,
        };
        (publish, Ok(entry))
    }

    /// The issuer returned the current token once more.
    fn got_the_same(&mut self, id: u64, trigger: Trigger, generation: Generation, now: Duration) {
        if let (Trigger::Refused(_), Some(evidence)) = (trigger, &mut self.evidence) {
            evidence.brought_the_same(id, generation.number, now, &self.settings.backoff);
        }
    }

    /// The current token is replaced. If it was accepted, it stays beside the newer one for now.
    fn keep_predecessor(
        &mut self,
        id: u64,
        newer: &Entry,
        current: Option<&Arc<Entry>>,
        now: Duration,
    ) {
        let proven = current.filter(|entry| self.has_accepted(entry) && !newer.single_use());
        let keeps = proven.is_none();
        if let Some(entry) = proven {
            let before = self.predecessor.replace(entry.clone());
            self.deferred.token(before);
        }
        if let Some(evidence) = &mut self.evidence {
            evidence.brought(id, newer.generation.number, keeps);
        }
        // Fetched with other credentials, or for another scope.
        let is_other = |entry: &Arc<Entry>| {
            !entry.valid(now)
                || entry.epoch != newer.epoch
                || entry.token.scope() != newer.token.scope()
        };
        if self.predecessor.as_ref().is_some_and(is_other) {
            self.forget_predecessor();
        }
    }

    fn fail(
        &mut self,
        id: u64,
        error: Error,
        current: Option<&Arc<Entry>>,
        at: Reading,
        epochs: Epochs,
    ) -> Effect {
        let now = at.now;
        self.failures += 1;
        self.set_last_error(&error, now);
        if let Some(evidence) = &mut self.evidence {
            evidence.brought_nothing(id);
        }
        if epochs.rotated() {
            // The old credentials' failure says nothing about the new ones.
            return (Publish::Nothing, Err(error));
        }
        // Failures of other credentials are counted separately.
        let row = self.failure.as_ref().filter(|failure| failure.epoch == epochs.now);
        let (since, before) = row.map_or((now, 0), |f| (f.since, f.in_a_row));
        let in_a_row = before.saturating_add(1);
        let wait = self.settings.backoff.cool_down(
            in_a_row,
            error.is_transient(),
            self.rng.f64(),
            error.retry_after(),
        );
        self.forget_failure();
        let until = now.saturating_add(wait);
        let epoch = epochs.now;
        self.failure =
            Some(Box::new(Failure { error: error.clone(), since, until, epoch, in_a_row }));
        let publish = self.kept(current, at, |_| until);
        (publish, Err(error.cooling_down(wait)))
    }

    /// The source has no other token yet, and nothing is wrong: this is not a failure, and no flight starts
    /// until it may have one.
    fn put_off(
        &mut self,
        id: u64,
        error: Error,
        trigger: Trigger,
        current: Option<&Arc<Entry>>,
        at: Reading,
    ) -> Effect {
        let least = self.settings.least_interval.max(SOONEST);
        let wait = error.retry_after().unwrap_or_default().max(least);
        let until = at.now.saturating_add(wait);
        if let Some(evidence) = &mut self.evidence {
            evidence.put_off(id);
            if let Trigger::Refused(refused) = trigger {
                evidence.wait_with(refused.generation.number, until);
            }
        }
        self.rest_until = self.rest_until.max(until);
        let before = self.put_off.replace(Box::new(error.clone()));
        self.deferred.error(before.map(|error| *error));
        let publish = self.kept(current, at, |stale_at| stale_at.max(until));
        (publish, Err(error.with_retry_after(wait)))
    }

    /// A valid token stays, with its generation, and goes stale at another time.
    fn kept(
        &self,
        current: Option<&Arc<Entry>>,
        at: Reading,
        stale_at: impl FnOnce(Duration) -> Duration,
    ) -> Publish {
        let Some(entry) = current.filter(|entry| entry.valid(at.now)) else {
            return Publish::Nothing;
        };
        let mut kept = Entry::clone(entry);
        kept.times.stale_at = stale_at(kept.times.stale_at).min(kept.times.expires_at);
        kept.fresh = self.fresh_until(kept.times.stale_at, at);
        Publish::Token(Arc::new(kept))
    }

    /// Until when a token may be attached by the coarse clocks alone. Never, if it is not sent in
    /// `Authorization`: the hot path knows no other header.
    fn fresh_until(&self, stale_at: Duration, at: Reading) -> CoarseDeadline {
        match self.settings.header {
            None => at.coarse_deadline(stale_at),
            Some(_) => CoarseDeadline::NONE,
        }
    }
}

fn ended_on_its_way(fetched: &Fetched, now: Duration) -> Error {
    let lifetime = fetched.token.lifetime().unwrap_or_default();
    let took = now.saturating_sub(fetched.started);
    let problem = format!(
        "the token expired before it arrived: it lives {lifetime:?}, and the response took {took:.1?}"
    );
    let details = Details {
        transient: true,
        hint: Some("the token endpoint takes longer than its tokens can be used".into()),
        ..Details::new(Kind::Response, problem)
    };
    details.into()
}

#[cfg(test)]
mod tests {
    use super::super::super::builder::Settings;
    use super::super::super::target::Target;
    use super::super::super::trigger::Charged;
    use super::super::Ticket;
    use super::*;
    use crate::token::Token;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const EPOCHS: Epochs = Epochs { tried: 0, now: 0 };

    /// What is published by a flight that started at `started` and lands a second later, while the
    /// coarse clocks show as much.
    fn fly(
        state: &mut FlightState,
        started: u64,
        result: Result<Token, Error>,
        current: Option<&Arc<Entry>>,
    ) -> Arc<Entry> {
        let Ok(Ticket::Start(spec, ..)) = state.ask(Trigger::Age, None, current, S(started), 0)
        else {
            panic!("a flight may start");
        };
        let fetched = result.map(|token| Fetched { token, started: S(started) });
        let at = Reading::beside(S(started + 1), [started as i64 + 1; 2]);
        match state.settle(spec.id, fetched, current, at, EPOCHS).unwrap().publish {
            Publish::Token(entry) => entry,
            _ => panic!("a token is there"),
        }
    }

    fn state() -> FlightState {
        let mut settings = Settings { seed: Some(1), ..Settings::default() };
        settings.lifecycle.jitter = 0.0;
        FlightState::new(1, Arc::new(settings))
    }

    fn token() -> Result<Token, Error> {
        Ok(token_of("abc"))
    }

    fn token_of(secret: &str) -> Token {
        Token::bearer(secret).unwrap().expires_in(S(1000))
    }

    #[test]
    fn a_token_is_fresh_at_a_glance_until_its_refresh_is_due_and_no_longer() {
        let entry = fly(&mut state(), 100, token(), None);
        assert_eq!(entry.times.stale_at, S(850));
        assert!(entry.fresh.is_ahead_at([844; 2]));
        assert!(!entry.fresh.is_ahead_at([845; 2]));
    }

    /// Starts a flight at this time.
    fn start(
        state: &mut FlightState,
        trigger: Trigger,
        current: Option<&Arc<Entry>>,
        at: u64,
    ) -> u64 {
        let ticket = state.ask(trigger, None, current, S(at), 0);
        let Ok(Ticket::Start(spec, ..)) = ticket else { panic!("a flight may start at {at} s") };
        spec.id
    }

    #[test]
    fn a_late_token_that_has_ended_takes_nothing_from_the_flight_that_took_its_place() {
        let mut state = state();
        let superseded = start(&mut state, Trigger::Age, None, 100);
        let successor = start(&mut state, Trigger::Age, None, 107);
        let token = Token::bearer("late").unwrap().expires_in(S(5));
        let late = Ok(Fetched { token, started: S(100) });
        let at = Reading::beside(S(107), [107; 2]);
        assert!(state.settle(superseded, late, None, at, EPOCHS).is_none());
        assert!(state.is_flying());
        assert_eq!(state.failures, 0);
        let fetched = Ok(Fetched { token: token_of("next"), started: S(107) });
        assert!(state.settle(successor, fetched, None, at, EPOCHS).unwrap().outcome.is_ok());
    }

    #[test]
    fn refreshes_that_are_never_heard_of_cost_no_budget() {
        let mut state = state();
        let entry = fly(&mut state, 100, token(), None);
        let generation = entry.generation;
        let charged = Charged { generation, target: Target::UNKNOWN, again: false };
        for n in 0..40 {
            start(&mut state, Trigger::Refused(charged), Some(&entry), 200 + 7 * n);
        }
    }

    #[test]
    fn a_token_whose_refresh_failed_is_fresh_at_a_glance_until_the_next_attempt() {
        let mut state = state();
        let entry = fly(&mut state, 100, token(), None);
        let later = Error::new(Kind::Usage, "later").with_retry_after(S(30));
        let kept = fly(&mut state, 860, Err(later), Some(&entry));
        assert_eq!(kept.times.stale_at, S(891));
        assert!(kept.fresh.is_ahead_at([885; 2]));
        assert!(!kept.fresh.is_ahead_at([886; 2]));
    }
}
