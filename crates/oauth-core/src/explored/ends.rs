//! Flights that are cut off, and slots that go away.

use shuttle::future;

use super::mint::{Mint, Step};
use super::requests::{ask, secret};
use super::{explore, primitives, run_until};

#[test]
fn a_flight_that_its_runtime_drops_at_any_point_is_flown_again() {
    explore(|| {
        let mint = Mint::of(&[Step::Token]);
        let slot = mint.slot();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            // Any number of others' steps lie before it.
            shuttle::thread::yield_now();
            primitives::end_one_flight();
        });
        let tokens: Vec<_> = callers.into_iter().map(secret).collect();
        ender.join().expect("no panic");
        // Before its fetch, within it, or after: at most one more, and all have the last one.
        assert!((1..=2).contains(&mint.fetches()), "{} fetches", mint.fetches());
        let newest = format!("token-{}", mint.fetches());
        assert!(tokens.iter().all(|token| *token == newest), "{tokens:?}");
        assert!(!slot.status().refreshing);
    });
}

#[test]
fn the_last_handle_takes_the_flight_along() {
    explore(|| {
        let mint = Mint::of(&[Step::Token]);
        let slot = mint.slot();
        let caller = ask(&slot);
        let is_held = mint.watch();
        drop((slot, mint));
        caller.abort();
        // Whoever it was that held the slot last: the source goes with it, once the explorer has
        // let everybody run.
        let _ = future::block_on(caller);
        run_until(|| !is_held());
    });
}

#[test]
fn the_last_handle_takes_a_flight_along_that_came_after_one_was_cut_off() {
    explore(|| {
        let mint = Mint::of(&[Step::Hang]);
        let slot = mint.slot();
        let callers: Vec<_> = (0..2).map(|_| ask(&slot)).collect();
        let ender = shuttle::thread::spawn(|| {
            shuttle::thread::yield_now();
            primitives::end_one_flight();
        });
        ender.join().expect("no panic");
        for _ in 0..20 {
            shuttle::thread::yield_now();
        }
        let is_held = mint.watch();
        drop((slot, mint));
        for caller in callers {
            caller.abort();
            let _ = future::block_on(caller);
        }
        run_until(|| !is_held());
    });
}
