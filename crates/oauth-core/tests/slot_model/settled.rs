//! What the source's responses do: attempts that fail, flights that complete.

use std::time::Duration;

use crate::model::{Answer, FLIGHT, Failure, Flight, Got, Model, Phase, SECOND, Seen, Token};
use crate::model::{believed, step};

const MOST_ATTEMPTS: u32 = 10;

impl Model {
    /// The source responded to this call. Gives the flight that this ends, and what its waiters get.
    pub(crate) fn answered(
        &mut self,
        call: u64,
        answer: Answer,
        seen: &Seen,
    ) -> Option<(u64, Got)> {
        let silent = self.silent.as_ref().is_some_and(|flight| flight.is_asking(call));
        match (answer, silent) {
            (Answer::Token { secret, life, scope }, false) => {
                let flight = self.flight.take().expect("a flight lands");
                let silent = self.silent.take();
                self.give_up(silent);
                Some((flight.id, self.minted(flight, secret, life, scope, seen)))
            }
            (Answer::Token { secret, life, scope }, true) => {
                let flight = self.silent.take().expect("just seen");
                let started = flight.asked_at();
                if !is_lifeless(life) && ends(started, life) <= self.now {
                    self.cut.push(flight.id);
                    return None;
                }
                let successor = self.flight.take().expect("it is under way");
                self.end_hold(Some(successor.id));
                self.cut_off(successor.id);
                self.give_up(Some(successor));
                Some((flight.id, self.minted(flight, secret, life, scope, seen)))
            }
            (Answer::Fail { transient, retry_after }, false) => {
                self.attempt_failed(transient, retry_after, seen)
            }
            (Answer::Fail { .. }, true) => {
                let flight = self.silent.as_mut().expect("just seen");
                if flight.tried == self.epoch || flight.attempts >= MOST_ATTEMPTS {
                    // No one hears of it.
                    self.cut.push(flight.id);
                    self.silent = None;
                } else {
                    self.calls += 1;
                    flight.asks(self.now, self.calls, self.epoch);
                }
                None
            }
        }
    }

    fn minted(
        &mut self,
        flight: Flight,
        secret: u64,
        life: Option<Duration>,
        scope: u8,
        seen: &Seen,
    ) -> Got {
        self.end_hold(Some(flight.id));
        let started = flight.asked_at();
        let ends_at = ends(started, life);
        let lifeless = is_lifeless(life);
        if !lifeless && ends_at <= self.now {
            return self.remember(&flight, true, None, seen);
        }
        let end = life.map_or(Duration::MAX, |life| started.saturating_add(life));
        let stale_at = life.map_or(end, |life| end.saturating_sub(life / 4));
        self.failure = None;
        self.rest_until = started + SECOND;
        let same = self.token.as_ref().filter(|token| token.secret == secret);
        let is_same = same.is_some();
        let generation = same.map_or(self.minted + 1, |token| token.generation);
        self.minted = self.minted.max(generation);
        let token = Token {
            secret,
            generation,
            stale_at: stale_at.max(self.rest_until).min(ends_at),
            ends_at,
            scope,
            epoch: flight.tried,
            minted_at: self.now,
        };
        // One without life leaves the one that is there in its place, unless that was refused.
        if !is_same && (!lifeless || flight.refused) {
            self.brought(flight.id, &token, lifeless);
        }
        if is_same && flight.refused {
            self.brought_the_same(flight.id, generation);
        }
        if !lifeless {
            self.token = Some(token);
        } else if flight.refused {
            // The refused one is not sent again, and its successor served its waiters.
            self.token = None;
        }
        Ok(generation)
    }

    pub(crate) fn attempt_failed(
        &mut self,
        transient: bool,
        retry_after: Option<Duration>,
        seen: &Seen,
    ) -> Option<(u64, Got)> {
        let now = self.now;
        let flight = self.flight.as_mut().expect("a flight fails");
        if flight.attempts < MOST_ATTEMPTS && flight.tried != self.epoch {
            self.ask();
            return None;
        }
        flight.failed += 1;
        let from = believed(retry_after);
        let to = (200 * 2_u64.pow(flight.failed - 1)).min(5_000);
        let to = Duration::from_millis(to).max(from);
        let left = (flight.started + FLIGHT).saturating_sub(now);
        let ends =
            !flight.retries || !transient || flight.attempts >= MOST_ATTEMPTS || from >= left;
        if ends || (to >= left && !seen.refreshing) {
            return Some(self.failed(transient, retry_after, seen));
        }
        flight.phase = Phase::Waiting { from: now + from, to: now + to };
        None
    }

    /// The flight ends with a failure: remembered, unless the credentials changed meanwhile.
    pub(crate) fn failed(
        &mut self,
        transient: bool,
        retry_after: Option<Duration>,
        seen: &Seen,
    ) -> (u64, Got) {
        let flight = self.flight.take().expect("a flight fails");
        let silent = self.silent.take();
        self.give_up(silent);
        self.end_hold(Some(flight.id));
        (flight.id, self.remember(&flight, transient, retry_after, seen))
    }

    fn remember(
        &mut self,
        flight: &Flight,
        transient: bool,
        retry_after: Option<Duration>,
        seen: &Seen,
    ) -> Got {
        self.failures += 1;
        self.brought_nothing(flight.id);
        if flight.tried != self.epoch {
            return Err(retry_after);
        }
        let before = self.failure.as_ref().filter(|f| f.epoch == self.epoch);
        let in_a_row = before.map_or(0, |f| f.in_a_row) + 1;
        let cap = if transient { 30 } else { 60 };
        let least = step(in_a_row, cap);
        let most = (least * 11 / 10).min(Duration::from_secs(cap)).max(believed(retry_after));
        let wait = seen.next_attempt_in.expect("a failure is remembered");
        assert!(least.max(believed(retry_after)) <= wait && wait <= most, "cools down {wait:?}");
        let until = self.now + wait;
        self.failure = Some(Failure { until, in_a_row, epoch: self.epoch });
        if let Some(token) = self.token.as_mut().filter(|token| self.now < token.ends_at) {
            token.stale_at = until.min(token.ends_at);
        }
        Err(Some(wait))
    }
}

fn is_lifeless(life: Option<Duration>) -> bool {
    life == Some(Duration::ZERO)
}

fn ends(started: Duration, life: Option<Duration>) -> Duration {
    life.map_or(Duration::MAX, |life| {
        started.saturating_add(life).saturating_sub((5 * SECOND).min(life / 10))
    })
}
