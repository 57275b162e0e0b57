//! Flights whose runtime is not driven for a while, and those that were given up.

use std::time::Duration;

use shuttle::future::{self, JoinHandle};

use super::issuer::{Issuer, Step};
use super::requests::{Caller, ask, cached, first, secret};
use super::slot::TokenSlot;
use super::sync::{Stalled, pass, stall_newest_flight};
use super::{ends, run_until};

/// A flight that stood still in its fetch, and its successor, which fetches, too; with a caller of each.
fn superseded(issuer: &Issuer) -> (TokenSlot, Vec<Caller>, Stalled) {
    let slot = issuer.slot();
    let early = ask(&slot);
    run_until(|| issuer.under_way() == 1);
    let superseded = stall_newest_flight().expect("it is under way");
    pass(Duration::from_secs(12));
    let late = ask(&slot);
    run_until(|| issuer.under_way() == 2);
    (slot, vec![early, late], superseded)
}

/// At the same time the successor has its response and the superseded flight goes on. What everyone has then.
fn land_both(
    issuer: &Issuer,
    slot: &TokenSlot,
    callers: Vec<Caller>,
    superseded: Stalled,
) -> String {
    let driver = shuttle::thread::spawn(move || superseded.drive());
    issuer.open_gate();
    let tokens: Vec<_> = callers.into_iter().map(secret).collect();
    driver.join().expect("no panic");
    run_until(|| issuer.under_way() == 0 && !slot.status().refreshing);
    let newest = cached(slot).expect("a token is there");
    assert!(tokens.iter().all(|token| *token == newest), "{tokens:?}, but {newest}");
    newest
}

#[test]
fn of_a_silent_flight_and_its_successor_the_first_that_completes_brings_the_token() {
    let ends = ends(|| {
        let issuer = Issuer::overlapping(2, &[Step::TokenBehindGate]);
        let (slot, callers, superseded) = superseded(&issuer);
        let newest = land_both(&issuer, &slot, callers, superseded);
        (newest, issuer.fetches(), slot.status().failures)
    });
    assert_eq!(ends, ["token-1", "token-2"].map(|token| (token.to_owned(), 2, 0)).into());
}

#[test]
fn the_late_failure_of_a_silent_flight_is_ignored() {
    let ends = ends(|| {
        let issuer = Issuer::overlapping(2, &[Step::FailureBehindGate, Step::TokenBehindGate]);
        let (slot, callers, superseded) = superseded(&issuer);
        let newest = land_both(&issuer, &slot, callers, superseded);
        (newest, issuer.fetches(), slot.status().failures)
    });
    assert_eq!(ends, [("token-2".to_owned(), 2, 0)].into());
}

fn refresh(slot: &TokenSlot) -> JoinHandle<String> {
    let slot = slot.clone();
    future::spawn(async move {
        let issued = slot.refresh().await.expect("a token");
        issued.expose_secret().to_owned()
    })
}

#[test]
fn the_token_of_a_retired_flight_is_never_published() {
    let ends = ends(|| {
        let issuer = Issuer::overlapping(2, &[Step::Token, Step::TokenBehindGate]);
        let slot = issuer.slot();
        first(&slot);
        let caller = refresh(&slot);
        run_until(|| issuer.under_way() == 1);
        let retiring = shuttle::thread::spawn({
            let slot = slot.clone();
            move || slot.retire()
        });
        issuer.open_gate();
        let token = future::block_on(caller).expect("not aborted");
        retiring.join().expect("no panic");
        run_until(|| issuer.under_way() == 0 && !slot.status().refreshing);
        (token, cached(&slot), issuer.fetches())
    });
    // The flight completed before, or had to be started again.
    let [second, third] = ["token-2", "token-3"].map(String::from);
    assert_eq!(ends, [(second, None, 2), (third.clone(), Some(third), 3)].into());
}
