//! A slot's state, for operators.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::Generation;
use super::{Shared, TokenSlot};
use crate::error::Error;
use crate::unwind::woken_quietly;

/// Whether a request would get a token, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// There is no token.
    Empty,
    /// The token is valid and not due for refresh.
    Fresh,
    /// The token is valid and due for refresh.
    Stale,
    /// The token has expired: the next request waits for another.
    Expired,
}

/// A snapshot of a slot, from [`TokenSlot::status`]. All times are as of the snapshot.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Whether there is a token, and whether it is fresh.
    pub state: State,
    /// The token's generation, if there is one.
    pub generation: Option<Generation>,
    /// How long ago it was fetched.
    pub age: Option<Duration>,
    /// How long until it is due for refresh; zero if it is due. `None` without a token or an expiry.
    pub refresh_in: Option<Duration>,
    /// How long until it is no longer attached; zero if it has expired.
    pub expires_in: Option<Duration>,
    /// Whether a token request is under way.
    pub refreshing: bool,
    /// The newest failure of a token request, and how long ago it was.
    pub last_error: Option<(Error, Duration)>,
    /// How long token requests have been failing without a success.
    pub failing_for: Option<Duration>,
    /// How long until a token request may be made again after the failure; zero if it may now. `None` if
    /// none has failed since the last success.
    pub next_attempt_in: Option<Duration>,
    /// Number of flights so far.
    pub flights: u64,
    /// Number of failed flights so far.
    pub failures: u64,
    /// Number of refusals so far for which there was no other token, so that the caller got the 401:
    /// [`Outcome::RefreshFailed`](crate::Outcome::RefreshFailed), and errors of
    /// [`replace`](TokenSlot::replace).
    pub refusals_delivered: u64,
    /// Number of requests so far that were sent without a token because they went to another origin.
    pub foreign_requests: u64,
    /// Number of responses so far, to requests with a token, that came from another origin than the
    /// request's: see [`Outcome::RedirectedAway`](crate::Outcome::RedirectedAway).
    pub foreign_responses: u64,
    /// Number of requests so far from which a guard removed the token because they went to another origin.
    pub tokens_withheld: u64,
}

impl Status {
    /// Whether a request would get a token now without waiting.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Fresh | State::Stale)
    }

    /// Whether a request sent now would get a token or at least try for one: there is a valid token, or no
    /// token request has failed since the last success, or the next attempt may be made now. This is what
    /// a readiness probe asks. [`is_ready`](Self::is_ready) is stricter: a service that has been idle has
    /// no valid token, yet its next request fetches one.
    ///
    /// During an outage it is `false` while [`next_attempt_in`](Self::next_attempt_in) has not passed. A
    /// liveness probe must not ask it: a restart does not mend the issuer.
    ///
    /// ```
    /// # use oauth_core::{StaticToken, Token, TokenSlot};
    /// # fn main() -> Result<(), oauth_core::Error> {
    /// let slot = TokenSlot::new(StaticToken::new(Token::bearer("abc")?));
    /// // Nothing has been fetched, and nothing has failed.
    /// assert!(!slot.status().is_ready() && slot.status().can_serve());
    /// # Ok(())
    /// # }
    /// ```
    pub fn can_serve(&self) -> bool {
        self.is_ready() || self.next_attempt_in.is_none_or(|wait| wait.is_zero())
    }
}

/// Reports a slot's changes, from [`TokenSlot::subscribe`]. It does not keep the slot alive.
#[derive(Debug)]
pub struct Changes {
    pub(super) slot: Weak<Shared>,
    pub(super) settled: watch::Receiver<u64>,
}

impl Changes {
    /// Waits until a flight has completed since the last call, and returns the state after it; `None` once
    /// the slot is gone. That a token goes stale or expires is not a change: ask [`TokenSlot::status`] for
    /// that.
    ///
    /// # Cancel safety
    /// Dropping a call loses no change: the next one returns at once.
    pub async fn changed(&mut self) -> Option<Status> {
        woken_quietly(self.settled.changed()).await.ok()?;
        let slot = TokenSlot { shared: self.slot.upgrade()? };
        Some(slot.status())
    }
}

impl TokenSlot {
    /// Returns a snapshot for readiness probes and metrics. Cheap: a short lock and no I/O.
    pub fn status(&self) -> Status {
        let now = self.shared.clock.now();
        let epoch = self.shared.source.credentials_epoch();
        let flights = self.shared.state();
        let entry = self.shared.current.load_full();
        let ago = |at: Duration| now.saturating_sub(at);
        let left = |at: Duration| (at != Duration::MAX).then(|| at.saturating_sub(now));
        let counts = self.shared.counts.so_far();
        let state = match &entry {
            None => State::Empty,
            Some(e) if now < e.times.stale_at => State::Fresh,
            Some(e) if e.valid(now) => State::Stale,
            Some(_) => State::Expired,
        };
        Status {
            state,
            generation: entry.as_ref().map(|e| e.generation),
            age: entry.as_ref().map(|e| ago(e.issued_at)),
            refresh_in: entry.as_ref().and_then(|e| left(e.times.stale_at)),
            expires_in: entry.as_ref().and_then(|e| left(e.times.expires_at)),
            refreshing: flights.is_flying(),
            last_error: flights.last_error().map(|(error, at)| (error.clone(), ago(*at))),
            failing_for: flights.failing_since(epoch).map(ago),
            next_attempt_in: flights.next_attempt(epoch).map(|at| at.saturating_sub(now)),
            flights: flights.flights,
            failures: flights.failures,
            refusals_delivered: counts.map_or(0, |c| c.delivered.so_far()),
            foreign_requests: counts.map_or(0, |c| c.foreign.requests.so_far()),
            foreign_responses: counts.map_or(0, |c| c.foreign.responses.so_far()),
            tokens_withheld: counts.map_or(0, |c| c.foreign.withheld.so_far()),
        }
    }

    /// Returns a listener for changes of the slot.
    pub fn subscribe(&self) -> Changes {
        Changes { slot: Arc::downgrade(&self.shared), settled: self.shared.settled.subscribe() }
    }
}
