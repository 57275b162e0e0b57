//! Plays a history against the slot and the model, and compares after each move.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use http::Method;
use oauth_core::TokenSlot;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::callers::{Now, Request, UnderWay, Waiter};
use crate::evidence::UNKNOWN;
use crate::model::{ACQUIRE, ATTEMPT, Answer, FLIGHT, Model, Phase, Trigger};
use crate::ops::{History, Op};
use crate::rules::Sent;
use crate::source::{Names, Remote, SharedClock};

type Target = oauth_core::adapter::Target;

pub(crate) struct Play {
    pub(crate) slot: Option<TokenSlot>,
    pub(crate) remote: Arc<Remote>,
    pub(crate) clock: SharedClock,
    pub(crate) model: Model,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) under_way: Vec<UnderWay>,
    pub(crate) names: Names,
    secrets: u64,
    newest: u64,
    pub(crate) targets: [Target; 4],
    /// Runtimes that are not driven.
    pub(crate) idle: Vec<(u64, Runtime)>,
    pub(crate) runtimes: u64,
}

pub(crate) async fn play(history: &History) -> u64 {
    let remote = Arc::new(Remote::default());
    let clock = SharedClock::new();
    let slot = TokenSlot::builder(remote.clone())
        .clock(clock.clone())
        .seed(history.seed)
        .refresh_jitter(0.0)
        .attempt_timeout(ATTEMPT)
        .flight_timeout(FLIGHT)
        .acquire_timeout(ACQUIRE)
        .build();
    let target = |path| slot.target(&Method::GET, "https", "a.example", path);
    let targets = [Target::UNKNOWN, target("/1"), target("/2"), target("/3")];
    let mut play = Play {
        slot: Some(slot),
        remote,
        clock,
        model: Model::default(),
        waiters: Vec::new(),
        under_way: Vec::new(),
        names: Names::default(),
        secrets: 0,
        newest: 0,
        targets,
        idle: Vec::new(),
        runtimes: 0,
    };
    for op in &history.ops {
        play.apply(*op).await;
        play.compare();
    }
    play.end(history.callers_go_first).await;
    history.ops.len() as u64
}

impl Play {
    async fn apply(&mut self, op: Op) {
        match op {
            Op::Request => self.call(Trigger::Age, false).await,
            Op::Prefetch => self.call(Trigger::Prefetch, false).await,
            Op::Replace(back) => self.replace(back, false).await,
            Op::Glance => self.call(Trigger::Age, true).await,
            Op::GlanceReplace(back) => self.replace(back, true).await,
            Op::Report(back) => {
                if let Some((model, real)) = self.names.back(back) {
                    let result = self.slot().report_refused(real).err().map(|e| e.retry_after());
                    let expected = self.noted(Sent::unknown(model), UNKNOWN);
                    assert_eq!(result, expected, "report");
                }
            }
            Op::ReportAccepted(back) => {
                if let Some((model, real)) = self.names.back(back) {
                    self.slot().report_accepted(real).unwrap();
                    self.model.accepted(Sent::unknown(model), UNKNOWN, true);
                }
            }
            Op::Refresh => {
                let slot = self.slot().clone();
                let expected = Now::newest(self.model.want(Trigger::Demand, Some(ACQUIRE), None));
                let call = async move { slot.refresh().await };
                self.start(call, Trigger::Demand, None, expected, false).await;
            }
            Op::Retire => {
                self.slot().retire();
                self.model.retire();
            }
            Op::Cached => {
                let real = self.slot().cached();
                let secret = self.model.valid().map(|t| format!("s{}", t.secret));
                let expected = self.model.look(None).zip(secret);
                assert_eq!(real.is_some(), expected.is_some(), "cached");
                if let (Some(real), Some((generation, secret))) = (real, expected) {
                    self.names.check(generation, real.generation());
                    assert_eq!(real.expose_secret(), secret);
                }
            }
            Op::Cancel(n) if !self.waiters.is_empty() => {
                let n = n % self.waiters.len();
                drop(self.waiters.swap_remove(n));
            }
            Op::Send { target, repeatable } if self.under_way.len() < 8 => {
                self.request(Request { target, repeatable, second: false }).await;
            }
            Op::End(n, end) if !self.under_way.is_empty() => {
                let n = n % self.under_way.len();
                let ended = self.under_way.swap_remove(n);
                self.ended(ended, end).await;
            }
            Op::Pass(time) => self.pass(Duration::from_millis(time)).await,
            Op::Mint { same, life, scope } => {
                if let Some(call) = self.driven_call() {
                    let secret = self.secret(same);
                    self.answer(call, Some(Answer::Token { secret, life, scope })).await;
                }
            }
            Op::Fail { transient, retry_after } => {
                if let Some(call) = self.driven_call() {
                    let retry_after = retry_after.map(Duration::from_secs);
                    self.answer(call, Some(Answer::Fail { transient, retry_after })).await;
                }
            }
            Op::Panic => {
                if let Some(call) = self.driven_call() {
                    self.answer(call, None).await;
                }
            }
            Op::Rotate => {
                self.remote.rotate();
                self.settle().await;
                self.model.rotate();
            }
            Op::Ground => self.ground(),
            Op::Drive { which, fails, life } => self.drive(which, fails, life).await,
            Op::EndRuntimes => self.end_runtimes(),
            _ => {}
        }
        self.settle().await;
        self.woken().await;
    }

    pub(crate) fn slot(&self) -> &TokenSlot {
        self.slot.as_ref().expect("until the end")
    }

    pub(crate) fn flight_is(&self, is: impl Fn(Phase) -> bool) -> bool {
        self.model.flight.as_ref().is_some_and(|flight| is(flight.phase))
    }

    /// The call of the source that a flight waits for that is driven.
    fn driven_call(&self) -> Option<u64> {
        match self.model.flight.as_ref().filter(|flight| flight.on.is_none())?.phase {
            Phase::Asking { call, .. } => Some(call),
            _ => None,
        }
    }

    pub(crate) fn secret(&mut self, same: bool) -> u64 {
        if !same || self.newest == 0 {
            self.secrets += 1;
            self.newest = self.secrets;
        }
        self.newest
    }

    pub(crate) async fn settle(&mut self) {
        for _ in 0..6 {
            tokio::task::yield_now().await;
        }
    }

    async fn answer(&mut self, call: u64, answer: Option<Answer>) {
        self.remote.answer(call, answer);
        self.settle().await;
        self.hear(call, answer);
    }

    pub(crate) fn hear(&mut self, call: u64, answer: Option<Answer>) {
        let seen = self.seen();
        // A panic is a permanent failure.
        let answer = answer.unwrap_or(Answer::Fail { transient: false, retry_after: None });
        if let Some(landed) = self.model.answered(call, answer, &seen) {
            self.land(landed);
        }
    }

    /// The last handle's drop ends everything.
    async fn end(mut self, callers_go_first: bool) {
        if callers_go_first {
            self.waiters.clear();
            self.slot = None;
        } else {
            self.slot = None;
            self.settle().await;
            // Callers hold it as long as they wait, and each of them comes to an end.
            for _ in 0..3 {
                sleep(ACQUIRE).await;
                self.poll_to_the_end();
            }
            assert!(self.waiters.is_empty(), "waits beyond its limit");
        }
        for (_, idle) in std::mem::take(&mut self.idle) {
            idle.shutdown_background();
        }
        self.settle().await;
        assert_eq!(self.remote.running.load(SeqCst), 0, "a flight outlives the last handle");
    }
}
