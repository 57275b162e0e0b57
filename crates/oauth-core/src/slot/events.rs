//! The slot's `tracing` events. A subscriber is foreign code: if it panics, no one else notices.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Span, debug, info, warn, warn_span};

use super::entry::Entry;
use super::sync::instant_now;
use crate::error::Error;
use crate::source::{FetchReason, SourceInfo};
use crate::unwind::contained;

/// A caller that gives up earlier is no sign of trouble, unless an attempt has failed.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// Which slot it is about.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) slot: u64,
    /// The name that the user gave it.
    pub(super) client: Option<&'a str>,
}

/// What is logged of one flight: its events and those of the source are in a span of their own.
pub(super) struct FlightLog {
    span: Span,
    started: Instant,
    attempts: u32,
    failed: bool,
}

/// How a flight ended.
pub(super) struct Ended<'a> {
    pub(super) outcome: &'a Result<Arc<Entry>, Error>,
    /// Whether the slot's token stays or there is a new one.
    pub(super) kept: bool,
    /// For how long token requests had been failing.
    pub(super) failing_for: Option<Duration>,
    /// How many callers gave up meanwhile.
    pub(super) callers_left: u32,
}

impl FlightLog {
    /// Of a flight that is registered: it logs nothing yet, because the state's lock is held.
    pub(super) fn registered() -> Self {
        Self { span: Span::none(), started: instant_now(), attempts: 0, failed: false }
    }

    /// `pause` is how long the flight waits before its first token request.
    pub(super) fn begin(
        &mut self,
        who: Who<'_>,
        source: impl FnOnce() -> SourceInfo,
        flight: u64,
        reason: FetchReason,
        pause: Duration,
    ) {
        let info = contained(source);
        let span = contained(|| {
            // A root, because a caller's span would stay open until the end of the flight. At the level of
            // its most serious events, so that a filter that lets them pass lets it pass, too.
            warn_span!(
                parent: None,
                "oauth.token.request",
                provider = info.as_ref().and_then(SourceInfo::name),
                client = who.client,
                slot = who.slot,
                flight,
                reason = reason.name(),
                elapsed_ms = Empty,
            )
        });
        contained(|| drop(info));
        self.span = span.unwrap_or_else(Span::none);
        let pause_ms = (!pause.is_zero()).then_some(millis(pause));
        contained(|| debug!(parent: &self.span, pause_ms, "token flight starts"));
    }

    /// The pause is over: times count from now.
    pub(super) fn pause_ends(&mut self) {
        self.started = instant_now();
    }

    pub(super) fn attempt_starts(&mut self) {
        self.attempts += 1;
    }

    /// Polls it in the span.
    pub(super) async fn within<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let entered = contained(|| self.span.enter());
            let poll = future.as_mut().poll(cx);
            contained(|| drop(entered));
            poll
        })
        .await
    }

    pub(super) fn trying_again(&mut self, error: &Error, wait: Duration) {
        self.failed = true;
        let (attempt, wait_ms) = (self.attempts, millis(wait));
        contained(|| {
            warn!(parent: &self.span, %error, attempt, wait_ms, "token request failed, trying again");
        });
    }

    pub(super) fn ended(&self, ended: &Ended<'_>) {
        let Self { span, attempts, .. } = self;
        let elapsed_ms = millis(instant_now().saturating_duration_since(self.started));
        let callers_left = (ended.callers_left > 0).then_some(ended.callers_left);
        let token_kept = ended.kept;
        contained(|| span.record("elapsed_ms", elapsed_ms));
        contained(|| match ended.outcome {
            Ok(entry) => {
                let generation = entry.generation.number.get();
                let lifetime_s = entry.token.lifetime().map(|life| life.as_secs());
                let failing_for_s = ended.failing_for.map(|time| time.as_secs());
                if failing_for_s.is_some() || self.failed {
                    info!(
                        parent: span, generation, lifetime_s, attempts, elapsed_ms, failing_for_s,
                        callers_left, "token fetched after failures"
                    );
                } else {
                    debug!(
                        parent: span, generation, lifetime_s, elapsed_ms, callers_left, "token fetched"
                    );
                }
            }
            Err(error) if error.is_not_now() => {
                debug!(parent: span, %error, token_kept, elapsed_ms, "no other token yet");
            }
            Err(error) => {
                warn!(
                    parent: span, %error, token_kept, attempts, elapsed_ms, callers_left,
                    "token request failed"
                );
            }
        });
    }
}

impl Drop for FlightLog {
    fn drop(&mut self) {
        let span = std::mem::replace(&mut self.span, Span::none());
        contained(|| drop(span));
    }
}

/// A caller gave up before there was a token, after this time. `first`: of those that wait for the same
/// flight; the others are counted at its end.
pub(super) fn caller_left(who: Who<'_>, waited: Duration, first: bool, last: Option<&Error>) {
    let Who { slot, client } = who;
    let waited_ms = millis(waited);
    contained(|| {
        let last_error = last.map(tracing::field::display);
        if first && (waited >= LONG_WAIT || last.is_some()) {
            warn!(client, slot, waited_ms, last_error, "a caller gave up waiting for a token");
        } else {
            debug!(client, slot, waited_ms, last_error, "a caller gave up waiting for a token");
        }
    });
}

/// The first refusal of this generation for which there is no other token; `earlier` is how many there have
/// been of others.
pub(super) fn refusals_are_delivered(who: Who<'_>, generation: u64, error: &Error, earlier: u64) {
    let Who { slot, client } = who;
    contained(|| {
        warn!(
            client,
            slot,
            generation,
            %error,
            earlier,
            "the API refuses the token and there is no other: its refusals are delivered to the callers"
        );
    });
}

pub(super) fn budget_exhausted(who: Who<'_>, error: &Error) {
    let Who { slot, client } = who;
    contained(|| {
        warn!(
            client, slot, %error, "a refused token is not refreshed: the refresh budget is used up"
        );
    });
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
