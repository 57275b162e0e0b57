//! Flights that are aborted, and slots that go away.

use shuttle::future;

use super::issuer::{Issuer, Step};
use super::requests::{ask, secret};
use super::{explore, run_until, sync};

#[test]
fn a_flight_that_its_runtime_drops_at_any_point_is_flown_again() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            // Any number of others' steps lie before it.
            shuttle::thread::yield_now();
            sync::end_one_flight();
        });
        let tokens: Vec<_> = callers.into_iter().map(secret).collect();
        ender.join().expect("no panic");
        // Before its fetch, within it, or after: at most one more, and all have the last one.
        assert!((1..=2).contains(&issuer.fetches()), "{} fetches", issuer.fetches());
        let newest = format!("token-{}", issuer.fetches());
        assert!(tokens.iter().all(|token| *token == newest), "{tokens:?}");
        assert!(!slot.status().refreshing);
    });
}

#[test]
fn the_last_handle_takes_the_flight_along() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let caller = ask(&slot);
        let is_held = issuer.watch();
        drop((slot, issuer));
        caller.abort();
        // Whoever it was that held the slot last: the source goes with it, once the explorer has
        // let everyone run.
        let _ = future::block_on(caller);
        run_until(|| !is_held());
    });
}

#[test]
fn the_last_handle_takes_a_flight_along_that_came_after_one_was_cut_off() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Hang]);
        let slot = issuer.slot();
        let callers: Vec<_> = (0..2).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            shuttle::thread::yield_now();
            sync::end_one_flight();
        });
        ender.join().expect("no panic");
        for _ in 0..20 {
            shuttle::thread::yield_now();
        }
        let is_held = issuer.watch();
        drop((slot, issuer));
        for caller in callers {
            caller.abort();
            let _ = future::block_on(caller);
        }
        run_until(|| !is_held());
    });
}
