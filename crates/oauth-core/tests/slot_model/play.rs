//! Plays a history against the slot and the model, and compares after each move.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::time::Duration;

use oauth_core::clock::Clock;
use oauth_core::slot::{IssuedToken, State};
use oauth_core::{Error, TokenSlot};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use tokio_test::task::{Spawn, spawn};

use crate::model::{ACQUIRE, ATTEMPT, Answer, FLIGHT, Got, Model, Need, Phase, Seen};
use crate::ops::{History, Op};
use crate::source::{Names, Remote, SharedClock};

type Call = Spawn<Pin<Box<dyn Future<Output = Result<IssuedToken, Error>>>>>;

/// A caller that waits, in the slot and in the model.
struct Waiter {
    call: Call,
    need: Need,
    deadline: Duration,
    cut_off: u32,
    /// What the model says it must have got; it may also have run out of patience in this moment.
    expected: Option<(Got, bool)>,
}

pub(crate) struct Play {
    slot: Option<TokenSlot>,
    remote: Arc<Remote>,
    clock: SharedClock,
    model: Model,
    waiters: Vec<Waiter>,
    names: Names,
    secrets: u64,
    newest: u64,
    idle: Vec<Runtime>,
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
    let mut play = Play {
        slot: Some(slot),
        remote,
        clock,
        model: Model::default(),
        waiters: Vec::new(),
        names: Names::default(),
        secrets: 0,
        newest: 0,
        idle: Vec::new(),
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
        let grounded = self.flight_is(|phase| phase == Phase::Grounded);
        let asking = self.flight_is(|phase| matches!(phase, Phase::Asking { .. }));
        match op {
            Op::Request => self.call(Need::Age, false).await,
            // On a flight that will be cut off, all callers want the same: which of them starts the
            // next one is nobody's business.
            Op::Prefetch if !grounded => self.call(Need::Prefetch, false).await,
            Op::Replace(back) if !grounded => self.refuse(back, false).await,
            Op::Glance => self.call(Need::Age, true).await,
            Op::GlanceReplace(back) if !grounded => self.refuse(back, true).await,
            Op::Report(back) => {
                if let Some((model, real)) = self.names.back(back) {
                    let result = self.slot().report_refused(real).err().map(|e| e.retry_after());
                    let expected = self.model.want(Need::Refused(model), None, false);
                    assert_eq!(result, expected.and_then(Result::err), "report");
                }
                self.settle().await;
            }
            Op::Cached => {
                let real = self.slot().cached();
                let expected = self.model.valid().map(|t| (t.generation, format!("s{}", t.secret)));
                let stale = self.model.valid().is_some_and(|t| self.model.now >= t.stale_at);
                if stale {
                    let _ = self.model.want(Need::Age, None, false);
                }
                assert_eq!(real.is_some(), expected.is_some(), "cached");
                if let (Some(real), Some((generation, secret))) = (real, expected) {
                    self.names.check(generation, real.generation());
                    assert_eq!(real.expose_secret(), secret);
                }
                self.settle().await;
            }
            Op::Cancel(n) if !self.waiters.is_empty() => {
                let n = n % self.waiters.len();
                drop(self.waiters.swap_remove(n));
                self.settle().await;
            }
            Op::Pass(time) => self.pass(Duration::from_millis(time)).await,
            Op::Mint { same, life } if asking => {
                if !same || self.newest == 0 {
                    self.secrets += 1;
                    self.newest = self.secrets;
                }
                self.answer(Some(Answer::Token { secret: self.newest, life })).await;
            }
            Op::Fail { transient, retry_after } if asking => {
                let retry_after = retry_after.map(Duration::from_secs);
                self.answer(Some(Answer::Fail { transient, retry_after })).await;
            }
            Op::Panic if asking => self.answer(None).await,
            Op::Rotate => {
                self.remote.rotate();
                self.settle().await;
                self.model.rotate();
            }
            Op::Ground => self.ground(),
            Op::EndRuntimes => self.end_runtimes().await,
            _ => {}
        }
        self.woken().await;
    }

    fn slot(&self) -> &TokenSlot {
        self.slot.as_ref().expect("until the end")
    }

    fn flight_is(&self, is: impl Fn(Phase) -> bool) -> bool {
        self.model.flight.as_ref().is_some_and(|flight| is(flight.phase))
    }

    async fn settle(&mut self) {
        for _ in 0..6 {
            tokio::task::yield_now().await;
        }
    }

    fn seen(&self) -> Seen {
        let Some(slot) = &self.slot else {
            // Only the callers hold it: the last comparisons need no draws.
            return Seen { refreshing: false, next_attempt_in: None };
        };
        let status = slot.status();
        Seen { refreshing: status.refreshing, next_attempt_in: status.next_attempt_in }
    }

    async fn refuse(&mut self, back: u64, glance: bool) {
        let Some((model, real)) = self.names.back(back) else { return };
        let slot = self.slot().clone();
        let call: Call = spawn(Box::pin(async move { slot.replace(real).await }));
        let expected = self.model.want(Need::Refused(model), Some(ACQUIRE), false);
        self.start(call, Need::Refused(model), expected, glance).await;
    }

    async fn call(&mut self, need: Need, glance: bool) {
        let slot = self.slot().clone();
        let call: Call = match need {
            Need::Prefetch => spawn(Box::pin(async move { slot.prefetch().await })),
            _ => spawn(Box::pin(async move { slot.token().await })),
        };
        let expected = self.model.request(need, false);
        self.start(call, need, expected, glance).await;
    }

    async fn start(&mut self, mut call: Call, need: Need, expected: Option<Got>, glance: bool) {
        match (call.poll(), expected) {
            (Poll::Ready(result), Some(expected)) => self.same(result, expected, false),
            (Poll::Pending, None) if glance => {}
            (Poll::Pending, None) => {
                let deadline = self.model.now + ACQUIRE;
                self.waiters.push(Waiter { call, need, deadline, cut_off: 0, expected: None });
            }
            (Poll::Pending, Some(expected)) => panic!("waits, must have {expected:?} at once"),
            (Poll::Ready(result), None) => panic!("has {result:?} at once, must wait"),
        }
        self.settle().await;
    }

    fn same(&mut self, result: Result<IssuedToken, Error>, expected: Got, or_timeout: bool) {
        match (result, expected) {
            (Err(error), _) if or_timeout && error.is_timeout() => {}
            (Ok(token), Ok(generation)) => self.names.check(generation, token.generation()),
            (Err(error), Err(retry_after)) => {
                assert_eq!(error.retry_after(), retry_after, "{error}");
            }
            (result, expected) => panic!("a caller got {result:?}, must get {expected:?}"),
        }
    }

    /// What the flight brought goes to all that wait.
    fn land(&mut self, got: Got) {
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.expected.is_none()) {
            let got = match (waiter.need, got) {
                (Need::Refused(refused), Ok(generation)) if refused == generation => Err(None),
                (_, got) => got,
            };
            waiter.expected = Some((got, waiter.deadline <= self.model.now));
        }
    }

    async fn answer(&mut self, answer: Option<Answer>) {
        self.remote.answer(answer);
        self.settle().await;
        let seen = self.seen();
        // A panic is a permanent failure.
        let answer = answer.unwrap_or(Answer::Fail { transient: false, retry_after: None });
        if let Some(got) = self.model.answered(answer, &seen) {
            self.land(got);
        }
    }

    /// Time passes, event by event.
    async fn pass(&mut self, time: Duration) {
        let target = self.model.now + time;
        while self.model.now < target {
            let deadlines = self.waiters.iter().map(|waiter| waiter.deadline);
            // A dead flight stays until somebody asks.
            let next = deadlines.chain(self.model.next_event()).chain([target]);
            let next = next.filter(|at| *at > self.model.now).min();
            let next = next.expect("there is the target").min(target);
            let step = next.saturating_sub(self.model.now);
            if self.flight_is(|phase| matches!(phase, Phase::Waiting { .. })) {
                tokio::select! {
                    () = sleep(step) => {}
                    () = self.remote.called.notified() => {}
                }
            } else {
                sleep(step).await;
            }
            self.settle().await;
            self.model.now = self.clock.now();
            self.events().await;
            self.woken().await;
            self.compare();
        }
    }

    /// What happens by itself in this moment.
    async fn events(&mut self) {
        let (now, seen) = (self.model.now, self.seen());
        let calls = self.remote.calls.load(SeqCst);
        let Some(flight) = self.model.flight.clone() else { return };
        match flight.phase {
            Phase::Waiting { from, to } => {
                let asked = calls > self.model.calls;
                if asked {
                    assert!(from <= now && now <= to + Duration::from_millis(1), "{flight:?}");
                    self.model.asked_again();
                }
                if now >= flight.started + FLIGHT {
                    let got = self.model.failed(true, None, &seen);
                    self.land(got);
                } else if !asked {
                    assert!(now <= to + Duration::from_millis(1), "no attempt: {flight:?}");
                }
            }
            Phase::Asking { since } if now >= since + ATTEMPT => {
                if let Some(got) = self.model.attempt_failed(true, None, &seen) {
                    self.land(got);
                } else if now >= flight.started + FLIGHT {
                    let got = self.model.failed(true, None, &seen);
                    self.land(got);
                }
            }
            Phase::Asking { .. } if now >= flight.started + FLIGHT => {
                let got = self.model.failed(true, None, &seen);
                self.land(got);
            }
            Phase::Pausing { until } if now >= until => self.model.asked_again(),
            Phase::Asking { .. } | Phase::Grounded | Phase::Pausing { .. } => {}
        }
        for waiter in &mut self.waiters {
            if waiter.expected.is_none() && waiter.deadline <= now {
                waiter.expected = Some((Err(None), true));
            }
        }
        if flight.phase == Phase::Grounded && Some(now) >= self.model.next_event() {
            self.ask_again(false);
        }
    }

    /// The flight is gone without an outcome: the waiters ask the desk again.
    fn ask_again(&mut self, cut_off: bool) {
        let now = self.model.now;
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.expected.is_none()) {
            waiter.cut_off += u32::from(cut_off);
            let left = waiter.deadline.saturating_sub(now);
            waiter.expected = if waiter.cut_off > 3 {
                Some((Err(None), false))
            } else {
                self.model.want(waiter.need, Some(left), false).map(|got| (got, false))
            };
        }
    }

    /// Polls whoever was woken, and only them.
    async fn woken(&mut self) {
        while let Some(n) = self.waiters.iter().position(|waiter| waiter.call.is_woken()) {
            if let Poll::Ready(result) = self.waiters[n].call.poll() {
                let waiter = self.waiters.swap_remove(n);
                match waiter.expected {
                    Some((expected, or_timeout)) => self.same(result, expected, or_timeout),
                    None => panic!("a caller got {result:?}, must wait"),
                }
            }
            self.settle().await;
        }
        for waiter in &self.waiters {
            assert!(waiter.expected.is_none(), "left behind: {:?}", waiter.expected);
        }
    }

    fn ground(&mut self) {
        if self.waiters.iter().any(|waiter| waiter.need != Need::Age) || self.idle.len() > 1 {
            return;
        }
        let idle = Builder::new_current_thread().enable_time().build().unwrap();
        let slot = self.slot().clone();
        let polled = self.clock.stand(|| {
            let _inside = idle.enter();
            spawn(slot.token()).poll()
        });
        match (polled, self.model.request(Need::Age, true)) {
            (Poll::Ready(result), Some(expected)) => self.same(result, expected, false),
            (Poll::Pending, None) => {}
            (result, expected) => panic!("a caller got {result:?}, must get {expected:?}"),
        }
        self.idle.push(idle);
    }

    async fn end_runtimes(&mut self) {
        for idle in self.idle.drain(..) {
            idle.shutdown_background();
        }
        if self.flight_is(|phase| phase == Phase::Grounded) {
            self.model.flight = None;
            self.ask_again(true);
        }
        self.settle().await;
    }

    fn compare(&self) {
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
        let asking = self.flight_is(|phase| matches!(phase, Phase::Asking { .. }));
        assert_eq!(self.remote.running.load(SeqCst), u64::from(asking), "running token requests");
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
                while let Some(n) = self.waiters.iter().position(|w| w.call.is_woken()) {
                    if self.waiters[n].call.poll().is_ready() {
                        drop(self.waiters.swap_remove(n));
                    }
                }
            }
            assert!(self.waiters.is_empty(), "waits beyond its limit");
        }
        self.settle().await;
        assert_eq!(self.remote.running.load(SeqCst), 0, "a flight outlives the last handle");
        for idle in self.idle {
            idle.shutdown_background();
        }
    }
}
