//! What a landed flight leaves behind.

use std::sync::Arc;
use std::time::Duration;

use super::super::entry::{Entry, Generation};
use super::{Desk, Failure, Flight, Minted, Need};
use crate::clock::Reading;
use crate::error::{Details, Error, Kind};

/// What becomes of the slot's value.
pub(in super::super) enum Publish {
    /// It stays.
    Nothing,
    Token(Arc<Entry>),
    /// It goes, and nothing takes its place.
    Emptiness,
}

/// What a landed flight leaves.
pub(in super::super) struct Landing {
    pub(in super::super) publish: Publish,
    pub(in super::super) outcome: Result<Arc<Entry>, Error>,
}

/// The credentials that the failed attempt used and those of now.
#[derive(Clone, Copy)]
pub(in super::super) struct Epochs {
    pub(in super::super) tried: u64,
    pub(in super::super) now: u64,
}

impl Epochs {
    fn rotated(self) -> bool {
        self.tried != self.now
    }
}

impl Desk {
    /// A flight has its outcome. Returns what the waiters get and what is to be published, or
    /// nothing if the flight was given up in the meantime.
    pub(in super::super) fn land(
        &mut self,
        id: u64,
        result: Result<Minted, Error>,
        current: Option<&Arc<Entry>>,
        at: Reading,
        epochs: Epochs,
    ) -> Option<Landing> {
        let now = at.now;
        let Some(Flight { need, .. }) = self.flight.take_if(|flight| flight.id == id) else {
            self.spent.error(result.err());
            return None;
        };
        Some(match result {
            Ok(minted) if self.ended(&minted, now) => {
                self.fail(ended_on_its_way(), current, at, epochs)
            }
            Ok(minted) => self.succeed(minted, need, current, at),
            Err(error) => self.fail(error, current, at, epochs),
        })
    }

    /// Whether it had some life, and all of it passed while the answer was on its way.
    fn ended(&self, minted: &Minted, now: Duration) -> bool {
        let life = minted.token.lifetime().filter(|life| !life.is_zero());
        life.is_some() && self.settings.lifecycle.times(minted.started, life, 0.0).expires_at <= now
    }

    fn succeed(
        &mut self,
        minted: Minted,
        need: Need,
        current: Option<&Arc<Entry>>,
        at: Reading,
    ) -> Landing {
        let now = at.now;
        self.forget_failure();
        self.rest_until = minted.started.saturating_add(self.settings.least_interval);
        let Minted { token, started } = minted;
        let same = current.filter(|entry| entry.token.same_secret(&token));
        let generation = match same {
            // A caller with a 401 for this secret must not take it for a newer token.
            Some(entry) => entry.generation,
            None => {
                let number = self.next_generation;
                self.next_generation = number.saturating_add(1);
                Generation { slot: self.slot, number }
            }
        };
        let refused = matches!(need, Need::Refused(_));
        if refused && same.is_some() {
            self.damp(generation, started);
        }
        // A token that came by age while the API refuses them all is one more in the row.
        let after_refusal = refused || self.damping.as_ref().is_some_and(|d| now < d.until);
        let draw = self.rng.f64();
        let mut times = self.settings.lifecycle.times(started, token.lifetime(), draw);
        // Due before a flight by age may start again: not due until then, so that requests in
        // between take the hot path.
        times.stale_at = times.stale_at.max(self.rest_until).min(times.expires_at);
        let headers = token.header_lanes();
        let entry = Entry {
            fresh: at.horizon(times.stale_at),
            minted_at: now,
            token,
            headers,
            generation,
            times,
            started,
            after_refusal,
        };
        let entry = Arc::new(entry);
        let publish = match need {
            _ if !entry.single_use() => Publish::Token(entry.clone()),
            // The API refuses the one that is there, and its successor serves its waiters alone.
            Need::Refused(_) => Publish::Emptiness,
            Need::Age | Need::Prefetch => Publish::Nothing,
        };
        Landing { publish, outcome: Ok(entry) }
    }

    fn fail(
        &mut self,
        error: Error,
        current: Option<&Arc<Entry>>,
        at: Reading,
        epochs: Epochs,
    ) -> Landing {
        let now = at.now;
        self.failures += 1;
        self.set_last_error(&error, now);
        if epochs.rotated() {
            // The old credentials' failure says nothing about the new ones.
            return Landing { publish: Publish::Nothing, outcome: Err(error) };
        }
        // Other credentials' failures are another row.
        let row = self.failure.as_ref().filter(|failure| failure.epoch == epochs.now);
        let (since, before) = row.map_or((now, 0), |f| (f.since, f.in_a_row));
        let in_a_row = before.saturating_add(1);
        let wait = self.settings.patience.cool_down(
            in_a_row,
            error.is_transient(),
            self.rng.f64(),
            error.retry_after(),
        );
        self.forget_failure();
        let until = now.saturating_add(wait);
        let epoch = epochs.now;
        self.failure = Some(Failure { error: error.clone(), since, until, epoch, in_a_row });
        // A valid token stays, the same one of the same generation: it is merely not renewed
        // before the next attempt.
        let publish = match current.filter(|entry| entry.valid(now)) {
            None => Publish::Nothing,
            Some(entry) => {
                let mut kept = Entry::clone(entry);
                kept.times.stale_at = until.min(kept.times.expires_at);
                kept.fresh = at.horizon(kept.times.stale_at);
                Publish::Token(Arc::new(kept))
            }
        };
        Landing { publish, outcome: Err(error.with_retry_after(wait)) }
    }
}

fn ended_on_its_way() -> Error {
    let details = Details {
        transient: true,
        ..Details::new(Kind::Answer, "the token ended before it arrived")
    };
    details.into()
}

#[cfg(test)]
mod tests {
    use super::super::super::builder::Settings;
    use super::super::Answer;
    use super::*;
    use crate::token::Token;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const EPOCHS: Epochs = Epochs { tried: 0, now: 0 };

    /// What is published by a flight that started at `started` and lands a second later, while the
    /// coarse clocks show as much.
    fn fly(
        desk: &mut Desk,
        started: u64,
        result: Result<Token, Error>,
        current: Option<&Arc<Entry>>,
    ) -> Arc<Entry> {
        let Ok(Answer::Start(takeoff, ..)) = desk.ask(Need::Age, None, current, S(started), 0)
        else {
            panic!("a flight may start");
        };
        let minted = result.map(|token| Minted { token, started: S(started) });
        let at = Reading::beside(S(started + 1), [started as i64 + 1; 2]);
        match desk.land(takeoff.id, minted, current, at, EPOCHS).unwrap().publish {
            Publish::Token(entry) => entry,
            _ => panic!("a token is there"),
        }
    }

    fn desk() -> Desk {
        let mut settings = Settings { seed: Some(1), ..Settings::default() };
        settings.lifecycle.jitter = 0.0;
        Desk::new(1, Arc::new(settings))
    }

    fn token() -> Result<Token, Error> {
        Ok(Token::bearer("abc").unwrap().expires_in(S(1000)))
    }

    #[test]
    fn a_token_is_fresh_at_a_glance_until_its_renewal_is_due_and_no_longer() {
        let entry = fly(&mut desk(), 100, token(), None);
        assert_eq!(entry.times.stale_at, S(850));
        assert!(entry.fresh.is_ahead_at([844; 2]));
        assert!(!entry.fresh.is_ahead_at([845; 2]));
    }

    #[test]
    fn a_token_whose_renewal_failed_is_fresh_at_a_glance_until_the_next_attempt() {
        let mut desk = desk();
        let entry = fly(&mut desk, 100, token(), None);
        let later = Error::new(Kind::Usage, "later").with_retry_after(S(30));
        let kept = fly(&mut desk, 860, Err(later), Some(&entry));
        assert_eq!(kept.times.stale_at, S(891));
        assert!(kept.fresh.is_ahead_at([885; 2]));
        assert!(!kept.fresh.is_ahead_at([886; 2]));
    }
}
