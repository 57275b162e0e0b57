//! Time passes, and runtimes stand still, go on for a moment or end.

use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::time::Duration;

use oauth_core::clock::Clock;
use tokio::runtime::Builder;
use tokio::time::sleep;
use tokio_test::task::spawn;

use crate::model::{ATTEMPT, Answer, FLIGHT, Phase, Trigger};
use crate::play::Play;

impl Play {
    /// Time passes, event by event.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let target = self.model.now + time;
        while self.model.now < target {
            let next = self.callers_events().chain(self.model.next_event()).chain([target]);
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
        let Some(flight) = self.model.flight.clone().filter(|flight| flight.on.is_none()) else {
            return;
        };
        match flight.phase {
            Phase::Waiting { from, to } => {
                let asked = calls > self.model.calls;
                if asked {
                    assert!(from <= now && now <= to + Duration::from_millis(1), "{flight:?}");
                    self.model.ask();
                }
                if now >= flight.started + FLIGHT {
                    let got = self.model.failed(true, None, &seen);
                    self.land(got);
                } else if !asked {
                    assert!(now <= to + Duration::from_millis(1), "no attempt: {flight:?}");
                }
            }
            Phase::Asking { since, .. } if now >= since + ATTEMPT => {
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
            Phase::Pausing { until } if now >= until => self.model.ask(),
            Phase::Asking { .. } | Phase::Grounded | Phase::Pausing { .. } => {}
        }
    }

    pub(crate) fn ground(&mut self) {
        if self.idle.len() > 2 {
            return;
        }
        let idle = Builder::new_current_thread().enable_time().build().unwrap();
        let slot = self.slot().clone();
        let polled = self.clock.stand(|| {
            let _inside = idle.enter();
            spawn(slot.token()).poll()
        });
        self.runtimes += 1;
        match (polled, self.model.request(Trigger::Age, Some(self.runtimes))) {
            (Poll::Ready(Ok(token)), Some(Ok(generation))) => {
                self.names.check(generation, token.generation());
            }
            (Poll::Ready(Err(error)), Some(Err(wait))) => assert_eq!(error.retry_after(), wait),
            (Poll::Pending, None) => {}
            (result, expected) => panic!("a caller got {result:?}, must get {expected:?}"),
        }
        self.idle.push((self.runtimes, idle));
    }

    /// A runtime that stands still goes on for a moment.
    pub(crate) async fn drive(&mut self, which: usize, fails: bool, life: Option<Duration>) {
        if self.idle.is_empty() {
            return;
        }
        let which = which % self.idle.len();
        let on = self.idle[which].0;
        let mut flights = self.model.flight.iter().chain(&self.model.silent);
        let flight = flights.rfind(|flight| flight.on == Some(on)).cloned();
        let answer = match flight.as_ref().map(|flight| flight.phase) {
            // It would sleep for real.
            Some(Phase::Grounded) if flight.as_ref().is_some_and(|flight| flight.pauses()) => {
                return;
            }
            Some(Phase::Asking { call, .. }) => {
                let fail = Answer::Fail { transient: false, retry_after: None };
                let secret = self.secret(false);
                let token = Answer::Token { secret, life, scope: 0 };
                let answer = if fails { fail } else { token };
                self.remote.answer(call, Some(answer));
                Some((call, answer))
            }
            _ => None,
        };
        let idle = &self.idle[which].1;
        self.clock.stand(|| {
            std::thread::scope(|scope| {
                let turns = async {
                    for _ in 0..6 {
                        tokio::task::yield_now().await;
                    }
                };
                scope.spawn(|| idle.block_on(turns)).join().unwrap();
            });
        });
        self.settle().await;
        self.drop_given_up(on);
        match answer {
            Some((call, answer)) => self.hear(call, Some(answer)),
            None if flight.is_some() => self.model.goes_on(on),
            None => {}
        }
        self.settle().await;
    }

    fn drop_given_up(&mut self, on: u64) {
        let given_up = std::mem::take(&mut self.model.given_up);
        let (gone, stay) = given_up.into_iter().partition(|flight| flight.on == Some(on));
        self.model.given_up = stay;
        let gone: Vec<_> = gone;
        for flight in gone {
            self.model.gone(flight.id);
        }
    }

    pub(crate) fn end_runtimes(&mut self) {
        for (on, idle) in std::mem::take(&mut self.idle) {
            idle.shutdown_background();
            self.drop_given_up(on);
            let flights = self.model.flight.iter().chain(&self.model.silent);
            let ended =
                flights.filter(|flight| flight.on == Some(on)).map(|flight| flight.id).next_back();
            if let Some(id) = ended {
                self.model.gone(id);
            }
        }
    }
}
