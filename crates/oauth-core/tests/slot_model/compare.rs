//! What the slot shows of itself, beside what the model says.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use oauth_core::State;

use crate::model::{Phase, Seen};
use crate::play::Play;

impl Play {
    pub(crate) fn seen(&self) -> Seen {
        let Some(slot) = &self.slot else {
            // Only the callers hold it: the last comparisons need no draws.
            return Seen { refreshing: false, next_attempt_in: None };
        };
        let status = slot.status();
        Seen { refreshing: status.refreshing, next_attempt_in: status.next_attempt_in }
    }

    pub(crate) fn compare(&self) {
        let (model, status) = (&self.model, self.slot().status());
        let now = model.now;
        let state = match &model.token {
            None => State::Empty,
            Some(token) if now < token.stale_at => State::Fresh,
            Some(token) if now < token.ends_at => State::Stale,
            Some(_) => State::Expired,
        };
        let left = |at: Duration| (at != Duration::MAX).then(|| at.saturating_sub(now));
        assert_eq!(status.state, state);
        assert_eq!(status.refreshing, model.flight.is_some(), "refreshing");
        assert_eq!((status.flights, status.failures), (model.flights, model.failures));
        assert_eq!(status.next_attempt_in, model.next_attempt().map(|at| at.saturating_sub(now)));
        if let Some(token) = &model.token {
            let huge = token.ends_at > Duration::from_secs(u64::MAX / 4);
            assert_eq!(status.expires_in, left(token.ends_at));
            assert!(huge || status.refresh_in == left(token.stale_at), "{status:?} {token:?}");
        }
        assert_eq!(self.remote.calls.load(SeqCst), model.calls, "token requests");
        let flights = model.flight.iter().chain(&model.silent).chain(&model.given_up);
        let asking = flights.filter(|flight| matches!(flight.phase, Phase::Asking { .. }));
        let running = u64::try_from(asking.count()).unwrap();
        assert_eq!(self.remote.running.load(SeqCst), running, "running token requests");
    }
}
