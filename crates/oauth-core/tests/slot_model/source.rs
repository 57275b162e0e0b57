//! A source whose responses are moves of the history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_core::clock::{Clock, TokioClock};
use oauth_core::{Error, FetchContext, Token, TokenSource};
use tokio::sync::{Notify, oneshot};

use crate::model::Answer;

#[derive(Default)]
pub(crate) struct Remote {
    asked: Mutex<Vec<(u64, oneshot::Sender<Option<Answer>>)>>,
    pub(crate) calls: AtomicU64,
    pub(crate) running: AtomicU64,
    pub(crate) epoch: AtomicU64,
    pub(crate) called: Notify,
    changed: Notify,
}

impl Remote {
    pub(crate) fn rotate(&self) {
        self.epoch.fetch_add(1, SeqCst);
        self.changed.notify_waiters();
    }

    /// Responds to this call; `None` is a panic.
    pub(crate) fn answer(&self, call: u64, answer: Option<Answer>) {
        let mut asked = self.asked.lock().unwrap();
        let at = asked.iter().position(|(number, _)| *number == call).expect("it was made");
        asked.swap_remove(at).1.send(answer).unwrap();
    }
}

struct Running<'a>(&'a AtomicU64);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl TokenSource for Remote {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        let (sender, receiver) = oneshot::channel();
        let call = self.calls.fetch_add(1, SeqCst) + 1;
        self.asked.lock().unwrap().push((call, sender));
        self.running.fetch_add(1, SeqCst);
        let _running = Running(&self.running);
        self.called.notify_one();
        match receiver.await.expect("the history answers or nobody does") {
            Some(Answer::Token { secret, life, scope }) => {
                let token = Token::bearer(format!("s{secret}"))?.with_scope(format!("{scope}"));
                Ok(match life {
                    Some(life) => token.expires_in(life),
                    None => token,
                })
            }
            Some(Answer::Fail { transient, retry_after }) => {
                let error =
                    if transient { Error::transient("down") } else { Error::permanent("no") };
                Err(retry_after.map_or(error.clone(), |wait| error.with_retry_after(wait)))
            }
            None => std::panic::resume_unwind(Box::new("as the history says")),
        }
    }

    fn credentials_epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    async fn credentials_changed(&self, epoch: u64) {
        loop {
            let changed = self.changed.notified();
            if self.epoch.load(SeqCst) != epoch {
                return;
            }
            changed.await;
        }
    }
}

/// The paused clock, also for a reader inside another runtime.
#[derive(Clone, Debug)]
pub(crate) struct SharedClock {
    tokio: TokioClock,
    frozen: Arc<AtomicU64>,
}

impl SharedClock {
    pub(crate) fn new() -> Self {
        Self { tokio: TokioClock::new(), frozen: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Runs `f` while the clock stands.
    pub(crate) fn stand<T>(&self, f: impl FnOnce() -> T) -> T {
        let now = u64::try_from(self.now().as_millis()).unwrap();
        self.frozen.store(now, SeqCst);
        let result = f();
        self.frozen.store(u64::MAX, SeqCst);
        result
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Duration {
        match self.frozen.load(SeqCst) {
            u64::MAX => self.tokio.now(),
            frozen => Duration::from_millis(frozen),
        }
    }
}

/// Model generations and the slot's opaque ones, one to one.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<u64, oauth_core::Generation>);

impl Names {
    pub(crate) fn check(&mut self, model: u64, real: oauth_core::Generation) {
        if let Some(known) = self.0.get(&model) {
            assert_eq!(*known, real, "generation {model} changed its name");
            return;
        }
        assert!(self.0.values().all(|g| *g != real), "two tokens, one name");
        self.0.insert(model, real);
    }

    /// So many before the newest that a caller has seen.
    pub(crate) fn back(&self, back: u64) -> Option<(u64, oauth_core::Generation)> {
        self.0.iter().nth_back(usize::try_from(back).ok()?).map(|(m, r)| (*m, *r))
    }
}
