//! Refresh without requests.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::acquire::Joined;
use super::flight::completion::{Completion, FlightResult};
use super::rotation::unless_rotated;
use super::sync::{AbortHandle, runtime, timeout};
use super::trigger::Trigger;
use super::{Shared, TokenSlot};
use crate::error::Error;
use crate::unwind::{caught, contained};

/// Maximum sleep. A timer may not count the time that the machine is suspended, so the task checks at least
/// this often.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Wait after a failure that has no `retry_after`, or after an own flight that was aborted.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps a slot's token fresh until it is dropped, from [`TokenSlot::keep_fresh`].
#[must_use = "dropping it stops the background refresh"]
pub struct KeepFresh {
    task: AbortHandle,
}

impl TokenSlot {
    /// Refreshes the token when it is due even if no request comes, on a task of the current runtime; the
    /// first one is fetched at once. After a failure it retries when the next attempt may start; after a
    /// flight of its own that was aborted, a second later. It notices the flights of callers. While it
    /// waits because of a failure, new credentials wake it: at once if the source reports them
    /// ([`RotatingClient::rotate`](crate::RotatingClient::rotate) and
    /// [`with_fallback`](crate::RotatingClient::with_fallback) of a grant's client do), within 60 s if it
    /// only has another [`credentials_epoch`](crate::TokenSource::credentials_epoch) then. The task does
    /// not keep the slot alive, and ends when the last handle is gone.
    ///
    /// A token that arrives already expired is not fetched again until a caller asks for one.
    ///
    /// ```
    /// # use oauth_core::{Error, StaticToken, Token, TokenSlot};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let slot = TokenSlot::new(StaticToken::new(Token::bearer("abc")?));
    /// let keep_fresh = slot.keep_fresh()?;
    /// // … as long as the service runs …
    /// drop(keep_fresh);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Outside a Tokio runtime, or if it has no timers.
    pub fn keep_fresh(&self) -> Result<KeepFresh, Error> {
        let runtime = runtime()?;
        let settled = self.shared.settled.subscribe();
        let task = runtime.spawn(run(Arc::downgrade(&self.shared), settled));
        Ok(KeepFresh { task: task.abort_handle() })
    }
}

/// What to wait for before looking again.
enum Wait {
    /// This long, or until a flight completes; after a failure of these credentials, also until they
    /// change.
    For { time: Duration, unless_rotated: Option<u64> },
    /// The flight under way, until it is presumed dead.
    Flight { completion: Completion, dead_in: Duration, ours: bool },
}

/// Upgrades the handle for each look, never across an await.
async fn run(slot: Weak<Shared>, mut settled: watch::Receiver<u64>) {
    loop {
        let count = *settled.borrow_and_update();
        let Some(shared) = slot.upgrade() else { return };
        // Holds the source, not the slot, so that the slot can go away meanwhile.
        let source = shared.source.clone();
        let wait = TokenSlot { shared }.look();
        match wait {
            Wait::For { time, unless_rotated: epoch } => {
                let changed = timeout(time.min(LOOK_AGAIN), settled.changed());
                let end = match epoch {
                    // Caught, because what a source drops at the end of the wait can panic.
                    Some(epoch) => {
                        let wait = caught(unless_rotated(changed, &*source, epoch));
                        wait.await.unwrap_or_default()
                    }
                    None => Some(changed.await),
                };
                // Closed: the slot is gone.
                if let Some(Ok(Err(_))) = end {
                    return;
                }
            }
            Wait::Flight { completion, dead_in, ours } => {
                let (after, known) = match timeout(dead_in, completion.end()).await {
                    Ok(Some(end)) => (After::of(end), count + 1),
                    // Aborted: this runtime may be shutting down, so give it the chance.
                    Ok(None) if ours => (After::Pause, count),
                    // Its runtime has shut down or is not driven: ask again.
                    Ok(None) | Err(_) => (After::Look, count),
                };
                // It holds the result, perhaps an error of the source.
                contained(|| drop(completion));
                let rest = match after {
                    // Another one has completed meanwhile.
                    _ if *settled.borrow_and_update() > known => Ok(()),
                    After::Look => Ok(()),
                    After::Pause => timeout(PAUSE, settled.changed()).await.unwrap_or(Ok(())),
                    // Until a caller's flight brings another token.
                    After::Rest => settled.changed().await,
                };
                // Closed: the slot is gone.
                if rest.is_err() {
                    return;
                }
            }
        }
    }
}

/// What to do after a flight.
enum After {
    Look,
    Pause,
    Rest,
}

impl After {
    fn of(settled: &FlightResult) -> Self {
        match settled {
            Ok(entry) if entry.single_use() => Self::Rest,
            // Not remembered because the credentials changed, so nothing else holds the task back.
            Err(error) if error.retry_after().is_none() => Self::Pause,
            _ => Self::Look,
        }
    }
}

impl TokenSlot {
    /// Refreshes the token if it is due. The clock or the source may be foreign code and panic: the task
    /// lives on.
    fn look(&self) -> Wait {
        let look = contained(|| self.refresh_if_due());
        look.unwrap_or(Wait::For { time: PAUSE, unless_rotated: None })
    }

    fn refresh_if_due(&self) -> Wait {
        let (now, epoch) = (self.shared.clock.now(), self.shared.source.credentials_epoch());
        let failed = self.shared.state().failed_epoch();
        // A failure of other credentials postpones nothing.
        if failed.is_none_or(|failed| failed == epoch) {
            let due = self.shared.current.load().as_ref().map_or(now, |e| e.times.stale_at);
            if now < due {
                return Wait::For { time: due - now, unless_rotated: failed };
            }
        }
        match self.start_flight(Trigger::Age, None, None) {
            Ok(Joined::Flight { completion, dead_in, ours }) => {
                Wait::Flight { completion, dead_in, ours }
            }
            // Published since: check again.
            Ok(Joined::Ready(_)) => Wait::For { time: Duration::ZERO, unless_rotated: None },
            Err(error) => Wait::For {
                time: error.retry_after().unwrap_or(LOOK_AGAIN),
                // A change of credentials does not end a pause that no failure caused.
                unless_rotated: failed.filter(|failed| *failed == epoch),
            },
        }
    }
}

impl Drop for KeepFresh {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepFresh").field("ended", &self.task.is_finished()).finish()
    }
}
