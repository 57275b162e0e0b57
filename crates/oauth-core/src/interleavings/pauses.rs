//! Waits other than for a flight: pauses, and those of the refreshing task.

use shuttle::future;

use super::issuer::{Issuer, Step};
use super::requests::{Waiting, ask, first, secret};
use super::{explore, run_until, sync};

#[test]
fn callers_wait_out_a_pause_together_and_one_that_leaves_affects_no_other() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Lifeless]);
        let slot = issuer.slot();
        first(&slot);
        sync::hold_sleeps(true);
        let waiting = Waiting::default();
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (slot, waiting) = (slot.clone(), waiting.clone());
                future::spawn(async move { waiting.once(slot.token()).await })
            })
            .collect();
        let leaver = ask(&slot);
        leaver.abort();
        // The pause ends once all of them wait; the leaver may have begun it or not.
        run_until(|| waiting.count() == callers.len());
        sync::hold_sleeps(false);
        for caller in callers {
            assert_eq!(secret(caller), "token-2");
        }
        // One that asks after the flight's end begins another before it leaves.
        assert!((2..=3).contains(&slot.status().flights));
    });
}

#[test]
fn a_pause_that_its_runtime_cuts_off_is_waited_out_again() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Lifeless]);
        let slot = issuer.slot();
        first(&slot);
        sync::forget_flights();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            shuttle::thread::yield_now();
            sync::end_one_flight();
        });
        for caller in callers {
            assert!(["token-2", "token-3", "token-4", "token-5"].contains(&&*secret(caller)));
        }
        ender.join().expect("no panic");
        // A caller that asks after a flight's end waits for the next flight.
        assert!((2..=5).contains(&issuer.fetches()), "{} fetches", issuer.fetches());
    });
}

#[test]
fn a_refreshing_task_misses_no_change_of_the_credentials() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Failure]);
        let slot = issuer.slot();
        let _keep = slot.keep_fresh().expect("a runtime");
        let rotater = shuttle::thread::spawn({
            let issuer = issuer.clone();
            move || issuer.rotate()
        });
        // No time passes here: a task that missed it would sleep forever.
        let mut changes = slot.subscribe();
        while slot.cached().is_none() {
            future::block_on(changes.changed()).expect("the slot is there");
        }
        rotater.join().expect("no panic");
        assert!((1..=2).contains(&issuer.fetches()), "{} fetches", issuer.fetches());
    });
}
