//! The token before the slot's: how long it stays, and for whom it is good.

use super::*;

/// Tokens 1 and 2 are there, and 1 was accepted.
fn two() -> Slot {
    let mut slot = Slot::accepted();
    slot.refresh();
    slot
}

/// Which token a request to this path gets after a refusal of the newest.
fn instead(slot: &mut Slot, path: &str) -> Then {
    slot.refuse(slot.send(), path)
}

#[test]
fn it_stays_until_the_newer_one_is_accepted_and_60_s_old() {
    for (accepted, after, then) in [
        (true, 0, Sends(1)),
        (true, 59, Sends(1)),
        (true, 60, Flight(3)),
        (false, 60, Sends(1)),
        (false, 3000, Sends(1)),
    ] {
        let mut slot = two();
        if accepted {
            slot.accept_newest();
        }
        slot.pass(after);
        assert_eq!(instead(&mut slot, "/a"), then, "{accepted} {after}");
    }
    // The 60 s count from its arrival and not from its acceptance.
    let mut slot = two();
    slot.pass(59);
    slot.accept_newest();
    slot.pass(1);
    assert_eq!(instead(&mut slot, "/a"), Flight(3));
    assert!(slot.state.predecessor.is_none());
}

#[test]
fn only_a_token_that_was_accepted_becomes_one_and_it_stays_beside_several_newer_ones() {
    let mut slot = two();
    slot.refresh();
    assert_eq!(instead(&mut slot, "/a"), Sends(1));
    slot.refresh();
    slot.accept_newest();
    slot.refresh();
    assert_eq!(instead(&mut slot, "/a"), Sends(4));
}

#[test]
fn it_ends_with_its_life() {
    let mut slot = Slot::new();
    slot.refresh_with(hour().expires_in(S(100)));
    slot.accept_newest();
    slot.refresh();
    slot.pass(94);
    assert_eq!(instead(&mut slot, "/a"), Sends(1));
    slot.pass(1);
    assert_eq!(instead(&mut slot, "/b"), Flight(3));
    assert!(slot.state.predecessor.is_none());
}

#[test]
fn one_that_has_expired_when_the_newer_one_arrives_is_not_kept() {
    let mut slot = Slot::new();
    slot.refresh_with(hour().expires_in(S(100)));
    slot.accept_newest();
    slot.pass(95);
    slot.refresh();
    assert!(slot.state.predecessor.is_none());
}

#[test]
fn of_other_credentials_it_is_not_used_and_of_another_flight_s_it_is_not_kept() {
    let mut slot = two();
    slot.epoch += 1;
    assert_eq!(instead(&mut slot, "/a"), Flight(3));
    slot.epoch -= 1;
    assert_eq!(instead(&mut slot, "/b"), Sends(1));

    let mut slot = Slot::accepted();
    slot.epoch += 1;
    slot.refresh();
    assert!(slot.state.predecessor.is_none());
}

#[test]
fn of_another_scope_it_is_not_kept() {
    let mut slot = Slot::new();
    slot.refresh_with(hour().with_scope("a b"));
    slot.accept_newest();
    slot.refresh_with(hour().with_scope("a b"));
    assert_eq!(instead(&mut slot, "/a"), Sends(1));
    slot.refresh_with(hour().with_scope("a"));
    assert_eq!(instead(&mut slot, "/a"), Flight(4));
    slot.land(4, hour()).unwrap();
    assert!(slot.state.predecessor.is_none());
}

#[test]
fn beside_a_successor_without_life_there_is_none() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.land(id, hour().expires_in(Duration::ZERO)).unwrap();
    assert!(slot.current.is_none() && slot.state.predecessor.is_none());
    slot.refresh();
    assert_eq!(instead(&mut slot, "/b"), Flight(4));
}

#[test]
fn one_target_that_refuses_it_goes_without_and_two_rule_it_out() {
    let mut slot = two();
    for (path, then) in [("/a", Sends(1)), ("/b", Sends(1))] {
        assert_eq!(instead(&mut slot, path), then);
    }
    let first = slot.send_predecessor();
    slot.refuse_again(first.as_second(), "/a");
    assert_eq!(instead(&mut slot, "/b"), Sends(1));
    slot.pass(3);
    // Neither is one that is issued before the send.
    assert_eq!(slot.get("/b"), Gets::Trial(2));
    assert_eq!((slot.get("/b"), slot.get("/a")), (Gets::Token(1), Gets::Token(2)));
    slot.refuse_again(first.as_second(), "/b");
    assert_eq!(slot.get("/c"), Gets::Token(2));
    assert_eq!(instead(&mut slot, "/c"), Flight(3));
}

#[test]
fn one_that_is_refused_is_not_sent_again() {
    let mut slot = Slot::accepted();
    let first = [slot.send(), slot.send()];
    slot.refresh();
    // Its strike is known by then, or it is not: one that an acceptance takes back.
    assert_eq!(slot.refuse(first[0], "/a"), Sends(2));
    slot.accept(first[1], "/a");
    assert_eq!(slot.refuse(first[0], "/a"), Sends(2));
}

#[test]
fn strikes_go_along_with_a_token_that_becomes_one_and_stay_with_one_that_remains_one() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.land(id, hour()).unwrap();
    // Not accepted, so that token 1 remains the predecessor. It was refused by `/a`.
    slot.refresh();
    assert_eq!(instead(&mut slot, "/b"), Sends(1));
    assert_eq!(instead(&mut slot, "/a"), Flight(4));
    // The newer one begins without any.
    slot.land(4, hour()).unwrap();
    slot.accept_newest();
    slot.refresh();
    assert_eq!(instead(&mut slot, "/a"), Sends(4));
}

#[test]
fn a_refresh_that_helped_where_it_was_refused_rules_it_out_for_all() {
    let mut slot = Slot::accepted();
    slot.renewed("/a");
    slot.accept(slot.send_again(), "/a");
    assert_eq!(instead(&mut slot, "/b"), Flight(3));
}

/// The one that was there before the refused one has nothing to do with the refresh.
#[test]
fn a_refresh_that_helped_leaves_it_where_it_was_not_refused() {
    let mut slot = Slot::accepted();
    // Token 2 is refused, and 1 is no substitute any more: 3 is for `/a`.
    slot.refresh();
    let first = slot.send_predecessor();
    slot.refuse_again(first.as_second(), "/a");
    slot.renewed("/a");
    slot.accept(first, "/a");
    slot.accept(slot.send_again(), "/a");
    assert_eq!(instead(&mut slot, "/b"), Sends(1));
}

#[test]
fn retire_drops_it_and_what_flights_under_way_would_bring() {
    let mut slot = two();
    assert_eq!(instead(&mut slot, "/a"), Sends(1));
    let superseded = slot.start(Trigger::Demand);
    slot.pass(6);
    let flight = slot.start(Trigger::Demand);
    slot.state.retire();
    assert!(slot.state.predecessor.is_none() && !slot.state.is_flying());
    assert_eq!(slot.land(flight, hour()), None);
    assert_eq!(slot.land(superseded, hour()), None);
    // No one has to ask any more which token is his.
    assert!(!slot.state.mark().is_guided());
}

/// It is of no interest any more who refused it.
#[test]
fn nothing_is_kept_of_one_that_is_gone() {
    let mut slot = two();
    assert_eq!(instead(&mut slot, "/a"), Sends(1));
    let first = slot.send_predecessor();
    slot.refuse_again(first.as_second(), "/a");
    assert!(slot.state.mark().is_guided());
    slot.pass(60);
    slot.accept(slot.send(), "/a");
    assert!(slot.state.predecessor.is_none() && slot.state.evidence.is_none());
    assert!(slot.send().is_settled());
}

#[test]
fn for_60_s_it_matters_which_target_accepts_a_token_after_all() {
    let mut slot = Slot::accepted();
    assert!(slot.send().is_settled());
    let id = slot.renew("/a");
    slot.fail(id);
    assert!(!slot.send().is_settled());
    for (after, settled) in [(59, false), (1, true)] {
        slot.pass(after);
        // A repeated refusal does not count from anew, another target's acceptance ends nothing.
        slot.refuse_once(slot.send(), "/a");
        slot.accept_newest();
        if let Some(flight) = slot.state.flight.as_ref().map(|flight| flight.id) {
            slot.fail(flight);
        }
        assert_eq!(slot.send().is_settled(), settled, "{after}");
    }
}

#[test]
fn the_acceptance_of_all_that_refused_a_token_settles_it_and_so_does_a_newer_one() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.fail(id);
    slot.accept(slot.send(), "/a");
    assert!(slot.send().is_settled());
    slot.pass(100);
    let id = slot.renew("/a");
    slot.fail(id);
    slot.pass(3);
    slot.refresh();
    slot.accept_newest();
    assert!(slot.send().is_settled());
}
