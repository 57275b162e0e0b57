//! A token source that does what the test says, and counts.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use oauth_core::clock::{Clock, TokioClock};
use oauth_core::{Error, FetchContext, SlotBuilder, SourceInfo, Token, TokenSlot, TokenSource};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[derive(Clone, Debug)]
enum End {
    Token { secret: Option<&'static str>, life: Option<Duration> },
    Fail { transient: bool, retry_after: Option<Duration> },
    NotNow(Duration),
    Hang,
    Panic,
}

/// What one call of the source does.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    takes: Duration,
    end: End,
    panics_in_call: bool,
    gate: Option<Arc<Semaphore>>,
}

impl Step {
    fn of(end: End) -> Self {
        Self { takes: Duration::ZERO, end, panics_in_call: false, gate: None }
    }

    /// A new secret that lives this long.
    pub(crate) fn token(life: Duration) -> Self {
        Self::of(End::Token { secret: None, life: Some(life) })
    }

    pub(crate) fn endless() -> Self {
        Self::of(End::Token { secret: None, life: None })
    }

    pub(crate) fn secret(secret: &'static str, life: Duration) -> Self {
        Self::of(End::Token { secret: Some(secret), life: Some(life) })
    }

    pub(crate) fn transient() -> Self {
        Self::of(End::Fail { transient: true, retry_after: None })
    }

    pub(crate) fn permanent() -> Self {
        Self::of(End::Fail { transient: false, retry_after: None })
    }

    /// There is no other token for so long.
    pub(crate) fn not_now(wait: Duration) -> Self {
        Self::of(End::NotNow(wait))
    }

    pub(crate) fn hang() -> Self {
        Self::of(End::Hang)
    }

    /// Panics after its first await.
    pub(crate) fn panic() -> Self {
        Self::of(End::Panic)
    }

    /// Panics before there is a future.
    pub(crate) fn panic_in_call() -> Self {
        Self { panics_in_call: true, ..Self::of(End::Panic) }
    }

    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        if let End::Fail { retry_after, .. } = &mut self.end {
            *retry_after = Some(wait);
        }
        self
    }

    pub(crate) fn takes(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    pub(crate) fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

/// A gate that the test opens with `add_permits(1)` a call.
pub(crate) fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

/// A clock that panics when it is read next after it was armed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty {
    pub(crate) armed: Arc<AtomicBool>,
    clock: TokioClock,
}

impl Clock for Faulty {
    fn now(&self) -> Duration {
        assert!(!self.armed.swap(false, SeqCst), "the clock panics");
        self.clock.now()
    }
}

pub(crate) struct Script {
    steps: Mutex<VecDeque<Step>>,
    otherwise: Mutex<Step>,
    started: Mutex<Vec<Instant>>,
    calls: AtomicUsize,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
    dropped: AtomicUsize,
    epoch: AtomicU64,
    window: Option<Duration>,
}

/// The steps in order, then the last one forever.
pub(crate) fn script(steps: impl IntoIterator<Item = Step>) -> Arc<Script> {
    windowed(None, steps)
}

pub(crate) fn windowed(
    window: Option<Duration>,
    steps: impl IntoIterator<Item = Step>,
) -> Arc<Script> {
    let steps: VecDeque<_> = steps.into_iter().collect();
    let otherwise = Mutex::new(steps.back().unwrap().clone());
    Arc::new(Script {
        steps: Mutex::new(steps),
        otherwise,
        started: Mutex::default(),
        calls: AtomicUsize::new(0),
        running: AtomicUsize::new(0),
        most_at_once: AtomicUsize::new(0),
        dropped: AtomicUsize::new(0),
        epoch: AtomicU64::new(0),
        window,
    })
}

impl Script {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(SeqCst)
    }

    /// Fetches that were dropped before they had ended.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    /// When each call came, since the first one.
    pub(crate) fn times(&self) -> Vec<Duration> {
        let started = self.started.lock().unwrap();
        started.iter().map(|at| *at - started[0]).collect()
    }

    /// From now on every call does this.
    pub(crate) fn now_do(&self, step: Step) {
        self.steps.lock().unwrap().clear();
        *self.otherwise.lock().unwrap() = step;
    }

    pub(crate) fn rotate(&self) {
        self.epoch.fetch_add(1, SeqCst);
    }
}

struct Running<'a>(&'a Script, bool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
        if !self.1 {
            self.0.dropped.fetch_add(1, SeqCst);
        }
    }
}

impl TokenSource for Script {
    fn fetch(&self, _: FetchContext) -> impl Future<Output = Result<Token, Error>> + Send {
        let number = self.calls.fetch_add(1, SeqCst) + 1;
        self.started.lock().unwrap().push(Instant::now());
        let step = self.steps.lock().unwrap().pop_front();
        let step = step.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
        assert!(!step.panics_in_call, "as the script says: before the first await");
        async move {
            let at_once = self.running.fetch_add(1, SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, SeqCst);
            let mut running = Running(self, false);
            if let Some(gate) = &step.gate {
                gate.acquire().await.unwrap().forget();
            }
            if step.takes > Duration::ZERO {
                sleep(step.takes).await;
            }
            if matches!(step.end, End::Hang) {
                pending::<()>().await;
            }
            running.1 = true;
            match step.end {
                End::Token { secret, life } => {
                    let numbered = format!("secret-{number}");
                    let token = Token::bearer(secret.unwrap_or(&numbered))?;
                    Ok(match life {
                        Some(life) => token.expires_in(life),
                        None => token,
                    })
                }
                End::Fail { transient, retry_after } => {
                    let error = if transient {
                        Error::transient("as scripted: down")
                    } else {
                        Error::permanent("as scripted: no")
                    };
                    Err(match retry_after {
                        Some(wait) => error.with_retry_after(wait),
                        None => error,
                    })
                }
                End::NotNow(wait) => Err(Error::not_now(wait)),
                End::Hang | End::Panic => panic!("as the script says: after the first await"),
            }
        }
    }

    fn info(&self) -> SourceInfo {
        let info = SourceInfo::new();
        match self.window {
            Some(window) => info.with_refresh_window(window),
            None => info,
        }
    }

    fn credentials_epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }
}

/// Paused time, repeatable jitter.
pub(crate) fn builder(source: &Arc<Script>) -> SlotBuilder {
    TokenSlot::builder(source.clone()).clock(TokioClock::new()).seed(7)
}

pub(crate) fn slot(source: &Arc<Script>) -> TokenSlot {
    builder(source).build()
}

/// Lets everything that can go on without time go on.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Lets time pass; timers fire in order.
pub(crate) async fn pass(time: Duration) {
    sleep(time).await;
    settle().await;
}

pub(crate) type Waiter = JoinHandle<Result<String, Error>>;

/// A caller in a task of its own; gives the secret.
pub(crate) fn caller(slot: &TokenSlot) -> Waiter {
    let slot = slot.clone();
    tokio::spawn(async move { slot.token().await.map(|t| t.expose_secret().to_owned()) })
}

pub(crate) fn refused_caller(slot: &TokenSlot, refused: oauth_core::Generation) -> Waiter {
    let slot = slot.clone();
    tokio::spawn(async move { slot.replace(refused).await.map(|t| t.expose_secret().to_owned()) })
}

pub(crate) async fn secret(slot: &TokenSlot) -> String {
    slot.token().await.unwrap().expose_secret().to_owned()
}

/// A deadlock is a failure and not a test that never ends.
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}
