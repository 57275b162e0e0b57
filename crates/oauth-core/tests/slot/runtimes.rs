//! Outside runtimes, in two of them, and on some that end or stand still.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use oauth_core::clock::Clock;
use oauth_core::{Error, Token, TokenSlot, source_fn};
use tokio::runtime::{Builder, Runtime};
use tokio_test::task;

use crate::script::*;

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What spawns, spawns there.
pub(crate) fn on<T>(runtime: &Runtime, act: impl FnOnce() -> T) -> T {
    let _inside = runtime.enter();
    act()
}

/// Read from any runtime, set by the test.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(SeqCst))
    }
}

fn by_hand(source: &Arc<Script>, clock: &HandClock) -> TokenSlot {
    TokenSlot::builder(source.clone()).clock(clock.clone()).acquire_timeout(secs(60)).build()
}

#[test]
fn a_slot_is_made_outside_of_a_runtime_and_a_call_there_is_a_clear_error() {
    let source = script([Step::token(HOUR)]);
    let slot = TokenSlot::new(source.clone());
    let mut call = task::spawn(slot.token());
    let std::task::Poll::Ready(Err(error)) = call.poll() else { panic!("no answer") };
    assert!(error.to_string().contains("no Tokio runtime"), "{error}");
    assert!(error.hint().is_some());
    drop(call);
    assert!(slot.cached().is_none());
    assert_eq!((slot.status().flights, source.calls()), (0, 0));
    runtime().block_on(async { secret(&slot).await });
    assert_eq!(slot.cached().unwrap().expose_secret(), "secret-1");
    let std::task::Poll::Ready(Ok(_)) = task::spawn(slot.token()).poll() else {
        panic!("a valid token needs no runtime")
    };
}

/// Stands at the gate when it is read for the first time.
#[derive(Debug)]
struct Gated {
    gate: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

impl Clock for Gated {
    fn now(&self) -> Duration {
        if let Some((arrived, open)) = self.gate.lock().unwrap().take() {
            arrived.send(()).unwrap();
            open.recv().unwrap();
        }
        Duration::from_secs(1)
    }
}

#[test]
fn a_runtime_ends_although_the_refreshing_task_cannot_fly_on_it_any_more() {
    in_time(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let ((arrived, arrives), (open, opens)) = (mpsc::channel(), mpsc::channel());
        let gate = Mutex::new(Some((arrived, opens)));
        let source = script([Step::token(HOUR)]);
        let slot = TokenSlot::builder(source.clone()).clock(Gated { gate }).build();
        let keep = on(&runtime, || slot.keep_fresh().unwrap());
        arrives.recv().unwrap();
        let ended = std::thread::spawn(|| drop(runtime));
        // Until nothing is spawned any more: then the task, on its way to a flight, goes on.
        while !handle.spawn(std::future::pending::<()>()).is_finished() {
            std::thread::yield_now();
        }
        open.send(()).unwrap();
        ended.join().unwrap();
        assert_eq!((slot.status().flights, source.calls()), (1, 0));
        drop(keep);
    });
}

#[test]
fn a_refreshing_task_flies_at_once_when_the_runtime_of_the_callers_flight_ends() {
    let source = script([Step::hang(), Step::token(HOUR)]);
    let slot = by_hand(&source, &HandClock::default());
    let (ends, stays) = (runtime(), runtime());
    let first = on(&ends, || caller(&slot));
    ends.block_on(settle());
    let _keep = on(&stays, || slot.keep_fresh().unwrap());
    stays.block_on(settle());
    assert_eq!((slot.status().flights, source.calls()), (1, 1));
    drop((ends, first));
    stays.block_on(settle());
    assert_eq!((slot.status().flights, source.calls()), (2, 2));
    assert_eq!(slot.cached().unwrap().expose_secret(), "secret-2");
}

#[test]
fn a_refreshing_task_that_slept_through_a_flight_refreshes_its_token() {
    let clock = HandClock::default();
    let door = gate();
    let source = script([Step::token(secs(0)).behind(&door), Step::token(secs(1000))]);
    let slot = by_hand(&source, &clock);
    let busy = runtime();
    let idle = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let first = on(&busy, || caller(&slot));
    busy.block_on(settle());
    let _keep = on(&idle, || slot.keep_fresh().unwrap());
    idle.block_on(settle());
    // A token without life arrives, and one with a life, before the task is driven again.
    door.add_permits(1);
    busy.block_on(first).unwrap().unwrap();
    clock.add(secs(5));
    assert_eq!(busy.block_on(secret(&slot)), "secret-2");
    idle.block_on(settle());
    clock.add(secs(800));
    idle.block_on(pass(secs(60)));
    assert_eq!(source.calls(), 3);
}

#[test]
fn outside_of_a_runtime_a_stale_token_is_still_handed_out() {
    let clock = HandClock::default();
    let source = script([Step::token(HOUR)]);
    let slot = by_hand(&source, &clock);
    runtime().block_on(async { secret(&slot).await });
    clock.add(secs(3000));
    assert_eq!(slot.cached().unwrap().expose_secret(), "secret-1");
    clock.add(secs(3000));
    assert!(slot.cached().is_none());
    assert_eq!(slot.status().flights, 1);
}

#[test]
fn without_a_time_driver_a_call_is_a_clear_error() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let source = script([Step::token(HOUR)]);
    let slot = TokenSlot::new(source.clone());
    let error = runtime.block_on(slot.token()).unwrap_err();
    assert!(error.to_string().contains("no timers"), "{error}");
    assert_eq!((slot.status().flights, source.calls()), (0, 0));
}

#[test]
fn when_a_runtime_ends_with_the_flight_the_waiters_in_another_get_a_token() {
    let source = script([Step::hang(), Step::token(HOUR)]);
    let slot = TokenSlot::new(source.clone());
    let (one, other) = (runtime(), runtime());
    one.block_on(async {
        let _first = caller(&slot);
        settle().await;
    });
    let mut waiters: Vec<_> = (0..10)
        .map(|_| {
            let _inside = other.enter();
            let mut waiter = task::spawn(slot.token());
            assert!(waiter.poll().is_pending());
            waiter
        })
        .collect();
    assert_eq!(source.calls(), 1);
    drop(one);
    assert_eq!(source.dropped(), 1);
    assert!(!slot.status().refreshing);
    other.block_on(async {
        for waiter in &mut waiters {
            assert_eq!(waiter.await.unwrap().expose_secret(), "secret-2");
        }
    });
    assert_eq!((source.calls(), slot.status().flights), (2, 2));
    assert_eq!(slot.status().failures, 0);
}

#[test]
fn a_flight_on_a_runtime_that_is_not_driven_is_presumed_dead_and_superseded() {
    let clock = HandClock::default();
    let source = script([Step::token(HOUR)]);
    let slot = by_hand(&source, &clock);
    let idle = runtime();
    {
        let _inside = idle.enter();
        assert!(task::spawn(slot.token()).poll().is_pending());
    }
    assert_eq!((slot.status().flights, source.calls()), (1, 0));
    let driven = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    driven.block_on(async {
        let started = tokio::time::Instant::now();
        let ticking = clock.clone();
        let ticker = tokio::spawn(async move {
            loop {
                tokio::time::sleep(ms(100)).await;
                ticking.add(ms(100));
            }
        });
        assert_eq!(secret(&slot).await, "secret-1");
        // A task that is driven is polled within 5 s, and a second more.
        let waited = started.elapsed();
        assert!((secs(6)..=ms(6_200)).contains(&waited), "{waited:?}");
        ticker.abort();
    });
    assert_eq!((slot.status().flights, source.calls()), (2, 1));
    // What was left on the idle one does nothing more.
    idle.block_on(settle());
    assert_eq!((slot.status().flights, source.calls()), (2, 1));
    assert_eq!(slot.cached().unwrap().expose_secret(), "secret-1");
}

#[test]
fn the_late_outcome_of_a_superseded_flight_is_ignored() {
    in_time(|| {
        let clock = HandClock::default();
        let barrier = || Arc::new(Barrier::new(2));
        let (reached, go_on, landed, door) = (barrier(), barrier(), barrier(), gate());
        let calls = Arc::new(AtomicU64::new(0));
        let source = {
            let (reached, go_on) = (reached.clone(), go_on.clone());
            let (door, calls) = (door.clone(), calls.clone());
            source_fn(move || {
                let (reached, go_on, door) = (reached.clone(), go_on.clone(), door.clone());
                let call = calls.fetch_add(1, SeqCst) + 1;
                async move {
                    if call == 1 {
                        // Blocks its whole runtime: an abort cannot reach it.
                        reached.wait();
                        go_on.wait();
                        return Err(Error::permanent("late"));
                    }
                    door.acquire().await.unwrap().forget();
                    Ok(Token::bearer("in-time")?.expires_in(HOUR))
                }
            })
        };
        let slot = TokenSlot::builder(source).clock(clock.clone()).build();
        let (blocked, after) = (slot.clone(), landed.clone());
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let late = caller(&blocked);
                settle().await;
                after.wait();
                late.await.unwrap()
            })
        });
        reached.wait();
        clock.add(secs(31));
        let driven = runtime();
        let waiter = on(&driven, || caller(&slot));
        driven.block_on(settle());
        go_on.wait();
        landed.wait();
        // The late failure came while the second flight was in the air, and changed nothing.
        let status = slot.status();
        assert_eq!((status.flights, status.failures, status.refreshing), (2, 0, true));
        assert!(status.next_attempt_in.is_none());
        door.add_permits(1);
        assert_eq!(driven.block_on(waiter).unwrap().unwrap(), "in-time");
        // Its own caller asked again.
        assert_eq!(thread.join().unwrap().unwrap(), "in-time");
        assert_eq!(calls.load(SeqCst), 2);
    });
}

#[test]
fn an_ended_runtime_that_drops_the_flight_inside_spawn_does_not_deadlock() {
    in_time(|| {
        let source = script([Step::token(HOUR)]);
        let slot = TokenSlot::new(source.clone());
        let ended = runtime();
        let handle = ended.handle().clone();
        drop(ended);
        {
            let _inside = handle.enter();
            let mut call = task::spawn(slot.token());
            let std::task::Poll::Ready(Err(error)) = call.poll() else { panic!("no answer") };
            assert!(error.to_string().contains("the Tokio runtime is shutting down"), "{error}");
        }
        // It asked again three times.
        assert_eq!((slot.status().flights, source.calls()), (4, 0));
        assert!(!slot.status().refreshing);
        runtime().block_on(async { assert_eq!(secret(&slot).await, "secret-1") });
    });
}

#[test]
fn one_slot_serves_two_runtimes() {
    let clock = HandClock::default();
    let source = script([Step::token(secs(100))]);
    let slot = by_hand(&source, &clock);
    let (one, other) = (runtime(), runtime());
    assert_eq!(one.block_on(secret(&slot)), "secret-1");
    assert_eq!(other.block_on(secret(&slot)), "secret-1");
    clock.add(secs(200));
    assert_eq!(other.block_on(secret(&slot)), "secret-2");
    drop(other);
    clock.add(secs(200));
    assert_eq!(one.block_on(secret(&slot)), "secret-3");
}

/// 401s and requests from four threads at once; the token requests never overlap.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_refuse_and_request_at_once_never_have_two_flights() {
    let source = script([Step::token(HOUR)]);
    let slot = TokenSlot::new(source.clone());
    let refused = slot.token().await.unwrap().generation();
    let tasks: Vec<_> = (0..2_000)
        .map(|n| if n % 2 == 0 { refused_caller(&slot, refused) } else { caller(&slot) })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!((source.calls(), source.most_at_once()), (2, 1));
}
