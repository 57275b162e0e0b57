//! The slot's `tracing` events. A subscriber is foreign code: if it panics, no one else notices.

use std::time::Duration;

use super::entry::Entry;
use super::trigger::Trigger;
use crate::error::Error;
use crate::unwind::contained;

/// A flight is registered; `pause` is how long it waits before its first token request.
pub(super) fn flight_starts(flight: u64, trigger: Trigger, pause: Duration) {
    let pause_ms = (!pause.is_zero()).then_some(pause.as_millis());
    contained(|| tracing::debug!(flight, ?trigger, pause_ms, "token flight starts"));
}

pub(super) fn trying_again(error: &Error, wait: Duration) {
    let wait_ms = wait.as_millis();
    contained(|| tracing::debug!(%error, wait_ms, "token request failed, trying again"));
}

pub(super) fn flight_ended(flight: u64, outcome: &Result<impl AsRef<Entry>, Error>, kept: bool) {
    contained(|| match outcome {
        Ok(entry) => {
            let entry = entry.as_ref();
            let generation = entry.generation.number.get();
            let lifetime_s = entry.token.lifetime().map(|life| life.as_secs());
            tracing::debug!(flight, generation, lifetime_s, "token fetched");
        }
        Err(error) if error.is_not_now() => {
            tracing::debug!(flight, %error, token_kept = kept, "no other token yet");
        }
        Err(error) => {
            tracing::warn!(flight, %error, token_kept = kept, "token request failed");
        }
    });
}

/// The first refusal of this generation for which there is no other token; `earlier` is how many there have
/// been of others.
pub(super) fn refusals_are_delivered(generation: u64, error: &Error, earlier: u64) {
    contained(|| {
        tracing::warn!(
            generation,
            %error,
            earlier,
            "the API refuses the token and there is no other: its refusals are delivered to the callers"
        );
    });
}

pub(super) fn budget_exhausted(error: &Error) {
    contained(
        || tracing::warn!(%error, "a refused token is not refreshed: the refresh budget is used up"),
    );
}
