//! Targets that refuse tokens: which refreshes did not help, and what a pause is for. And an issuer that
//! returns the refused token again.

use super::*;

/// A token that no one has accepted, so that none becomes a predecessor.
fn unaccepted() -> Slot {
    let mut slot = Slot::new();
    slot.refresh();
    slot
}

/// `/a` has refused the first token, and the refresh's as well.
fn paused() -> Slot {
    let mut slot = unaccepted();
    slot.renewed("/a");
    slot.refuse_again(slot.send_again(), "/a");
    slot
}

#[test]
fn a_target_that_refuses_the_refreshed_token_as_well_is_paused_and_no_other_is() {
    let mut slot = paused();
    assert_eq!(slot.refuse(slot.send(), "/a"), Delivered(Some(S(1))));
    assert_eq!(slot.refuse_once(slot.send(), "/a"), Delivered(Some(S(1))));
    assert_eq!(slot.refuse(slot.send(), "/b"), Flight(3));
}

#[test]
fn pauses_double_with_each_newer_token_and_end_at_a_minute() {
    let mut slot = paused();
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        // The same token again says nothing new.
        slot.refuse_again(slot.send_again(), "/a");
        assert_eq!(slot.pause("/a"), Some(S(pause)));
        slot.pass(pause);
        slot.renewed("/a");
        slot.refuse_again(slot.send_again(), "/a");
    }
}

#[test]
fn an_acceptance_ends_the_pause_and_the_next_one_is_short_again() {
    let mut slot = paused();
    slot.pass(1);
    slot.renewed("/a");
    slot.refuse_again(slot.send_again(), "/a");
    assert_eq!(slot.pause("/a"), Some(S(2)));
    slot.accept(slot.send(), "/a");
    assert_eq!(slot.pause("/a"), None);
    slot.renewed("/a");
    slot.refuse_again(slot.send_again(), "/a");
    assert_eq!(slot.pause("/a"), Some(S(1)));
}

#[test]
fn what_is_sent_once_pauses_its_target_and_what_is_sent_again_does_not() {
    let mut slot = unaccepted();
    assert_eq!(slot.refuse_once(slot.send(), "/a"), Flight(2));
    slot.land(2, hour()).unwrap();
    assert_eq!(slot.refuse_once(slot.send(), "/a"), Delivered(Some(S(1))));

    let mut slot = unaccepted();
    for _ in 0..3 {
        slot.renewed("/a");
    }
    assert_eq!(slot.pause("/a"), None);
}

#[test]
fn while_the_predecessor_is_good_a_refused_newer_token_is_not_a_futile_refresh() {
    let mut slot = Slot::accepted();
    slot.refresh();
    assert_eq!(slot.refuse_once(slot.send(), "/a"), Delivered(None));
    slot.refresh();
    assert_eq!(slot.refuse_once(slot.send(), "/a"), Delivered(None));
    slot.refuse_again(slot.send_again(), "/a");
    assert_eq!(slot.pause("/a"), None);
    // That it refuses is noted at once.
    let a = slot.target("/a");
    assert!(slot.state.evidence.as_ref().unwrap().is_refusing(a));
}

#[test]
fn a_refresh_must_be_newer_than_all_there_was_when_its_target_refused_before() {
    let mut slot = unaccepted();
    let late = slot.send();
    slot.refresh();
    slot.refuse_again(late.as_second(), "/a");
    slot.refuse_again(slot.send_again(), "/a");
    assert_eq!(slot.pause("/a"), None);

    let mut slot = unaccepted();
    slot.renewed("/a");
    let second = slot.send_again();
    slot.refresh();
    slot.refuse_again(second, "/a");
    assert_eq!(slot.pause("/a"), Some(S(1)));
    slot.refuse_again(slot.send_again(), "/a");
    assert_eq!(slot.pause("/a"), Some(S(1)));
}

/// They are many.
#[test]
fn targets_of_which_nothing_is_kept_are_never_paused() {
    let mut slot = unaccepted();
    for flight in 2..5 {
        let sent = slot.send();
        assert_eq!(slot.rule(sent, Target::UNKNOWN, Again::Impossible), Flight(flight));
        slot.land(flight, hour()).unwrap();
    }
}

#[test]
fn a_refused_token_that_is_issued_again_is_not_refreshed_for_a_while() {
    let mut slot = Slot::accepted();
    for (count, pause) in [1, 2, 4].into_iter().enumerate() {
        let id = slot.renew(&format!("/{count}"));
        slot.land_the_same(id);
        assert!(!slot.owes_nothing());
        for path in ["/a", "/b"] {
            assert_eq!(slot.refuse(slot.send(), path), Delivered(Some(S(pause))), "{path}");
        }
        slot.pass(pause);
    }
}

#[test]
fn what_is_handed_out_again_is_forgotten_with_another_token_and_not_before() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    let id = slot.renew("/a");
    slot.land_the_same(id);
    // Of another token it says nothing.
    let lifeless = slot.send_lifeless();
    assert_eq!(slot.refuse(lifeless, "/b"), Flight(4));
    slot.fail(4);
    slot.accept(late, "/a");
    slot.pass(100);
    slot.accept_newest();
    let id = slot.renew("/c");
    slot.land_the_same(id);
    assert_eq!(slot.refuse(slot.send(), "/a"), Delivered(Some(S(2))));
    slot.refresh();
    slot.pass(100);
    for path in ["/a", "/b", "/c"] {
        slot.accept(slot.send(), path);
    }
    assert!(slot.state.evidence.is_none());
}

#[test]
fn a_refresh_by_age_or_on_demand_that_brings_the_same_token_pauses_nothing() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.fail(id);
    slot.pass(3);
    let id = slot.start(Trigger::Demand);
    slot.land_the_same(id);
    assert_eq!(slot.refuse(slot.send(), "/b"), Flight(4));
}

/// All that waited for it send it, while the slot's token stays.
#[test]
fn a_token_without_life_that_many_got_counts_once_as_a_refresh_that_did_not_help() {
    let mut slot = unaccepted();
    slot.refuse_again(slot.send_again(), "/a");
    let lifeless = slot.send_lifeless();
    for _ in 0..3 {
        slot.refuse_again(lifeless.as_second(), "/a");
        assert_eq!(slot.pause("/a"), Some(S(1)));
    }
    // Where it is the first one that is refused, there was no refresh that could have helped.
    for _ in 0..3 {
        slot.refuse_again(lifeless.as_second(), "/b");
        assert_eq!(slot.pause("/b"), None);
    }
}
