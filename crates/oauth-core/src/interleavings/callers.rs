//! Callers that meet on one flight.

use super::explore;
use super::issuer::{Issuer, Step};
use super::requests::{ask, ask_for_another, failure, first, secret};
use super::slot::State;

#[test]
fn callers_of_an_empty_slot_share_one_flight_and_none_is_left_behind() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let callers: Vec<_> = (0..4).map(|_| ask(&slot)).collect();
        for caller in callers {
            assert_eq!(secret(caller), "token-1");
        }
        assert_eq!(issuer.fetches(), 1);
    });
}

#[test]
fn a_caller_that_goes_away_affects_no_other() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let callers: Vec<_> = (0..3).map(|_| ask(&slot)).collect();
        let leaver = ask(&slot);
        leaver.abort();
        for caller in callers {
            assert_eq!(secret(caller), "token-1");
        }
        assert_eq!(issuer.fetches(), 1);
    });
}

#[test]
fn refusals_of_one_token_cost_one_flight_however_they_meet() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let refused = first(&slot).generation();
        let callers: Vec<_> = (0..4).map(|_| ask_for_another(&slot, refused)).collect();
        let reader = ask(&slot);
        for caller in callers {
            assert_eq!(secret(caller), "token-2");
        }
        assert!(["token-1", "token-2"].contains(&secret(reader).as_str()));
        assert_eq!(issuer.fetches(), 2);
    });
}

#[test]
fn a_failure_reaches_every_waiter_and_is_not_asked_for_again() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Failure]);
        let slot = issuer.slot();
        let callers: Vec<_> = (0..4).map(|_| ask(&slot)).collect();
        for caller in callers {
            let error = failure(caller);
            assert!(error.retry_after().is_some(), "{error}");
        }
        assert_eq!((issuer.fetches(), slot.status().failures), (1, 1));
    });
}

#[test]
fn a_reader_never_sees_a_token_disappear() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let replacer = ask_for_another(&slot, first(&slot).generation());
        let reader = shuttle::thread::spawn({
            let slot = slot.clone();
            move || {
                for _ in 0..3 {
                    assert!(slot.cached().is_some());
                    assert_ne!(slot.status().state, State::Empty);
                }
            }
        });
        assert_eq!(secret(replacer), "token-2");
        reader.join().expect("the reader's assertions");
    });
}
