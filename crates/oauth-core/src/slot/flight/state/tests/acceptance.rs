//! What an acceptance counts for, and which of two tokens a refusal is about.

use super::*;

#[test]
fn a_refusal_that_an_acceptance_has_overtaken_is_not_a_strike() {
    let mut slot = Slot::new();
    slot.refresh();
    let late = slot.send();
    slot.accept_newest();
    assert_eq!(slot.refuse(late, "/a"), Sends(1));
    slot.refresh();
    assert_eq!(slot.refuse(slot.send(), "/a"), Sends(1));
}

#[test]
fn an_accepted_token_without_life_says_nothing_about_the_one_that_stays() {
    let mut slot = Slot::new();
    slot.refresh();
    let lifeless = slot.send_lifeless();
    slot.accept(lifeless, "/a");
    // The one that stays is none to come back to.
    slot.refresh();
    assert_eq!(slot.refuse(slot.send(), "/a"), Flight(4));
}

#[test]
fn the_acceptance_of_an_older_token_does_not_end_a_pause() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    slot.renewed("/a");
    slot.accept_newest();
    slot.refuse_again(slot.send_again(), "/a");
    slot.refresh();
    slot.accept(late, "/a");
    assert_eq!(slot.refuse(slot.send(), "/a"), Delivered(Some(S(1))));
}

#[test]
fn each_of_two_tokens_has_strikes_of_its_own() {
    let mut slot = Slot::accepted();
    let first = slot.send();
    slot.refresh();
    slot.accept_newest();
    // Both are refused at `/a`.
    assert_eq!(slot.refuse(slot.send(), "/a"), Sends(1));
    slot.refuse_again(first.as_second(), "/a");
    // The older one is accepted there after all: it takes back its own strike.
    slot.accept(first, "/a");
    assert_eq!(slot.refuse(slot.send(), "/a"), Sends(1));
    slot.refresh();
    assert_ne!(slot.refuse(slot.send(), "/a"), Sends(2));
}

#[test]
fn only_the_first_acceptance_of_a_token_takes_back_the_strikes_of_other_targets() {
    let mut slot = Slot::accepted();
    let (a, b, c) = (slot.send(), slot.send(), slot.send());
    let id = slot.renew("/a");
    assert_eq!(slot.refuse(a, "/a"), Joins);
    assert_eq!(slot.refuse(b, "/b"), Joins);
    slot.accept(c, "/c");
    slot.land(id, hour()).unwrap();
    assert_eq!(slot.refuse(slot.send(), "/c"), Flight(3));
}

#[test]
fn a_target_that_accepts_a_token_takes_back_its_own_strike() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    let id = slot.renew("/a");
    slot.accept(late, "/a");
    slot.land(id, hour()).unwrap();
    assert_eq!(slot.refuse(slot.send(), "/a"), Sends(1));
}

#[test]
fn a_late_refusal_is_sent_again_with_the_newest_token_although_its_target_is_paused() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    slot.renewed("/a");
    slot.refuse_again(slot.send_again(), "/a");
    assert_eq!(slot.refuse(slot.send(), "/a"), Delivered(Some(S(1))));
    assert_eq!(slot.refuse(late, "/a"), Sends(2));
}

#[test]
fn a_late_refusal_is_sent_again_with_an_accepted_token_rather_than_with_its_predecessor() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    for _ in 0..2 {
        slot.refresh();
        slot.accept_newest();
    }
    assert_eq!(slot.refuse(late, "/a"), Sends(3));
    slot.refresh();
    assert_eq!(slot.refuse(late, "/a"), Sends(3));
}

#[test]
fn a_token_without_life_that_is_refused_is_followed_by_a_newer_one_only() {
    let mut slot = Slot::accepted();
    slot.refresh();
    let sent = slot.send_lifeless();
    // Neither with token 2, which is there, nor with its predecessor: by age, not by refusal.
    assert_eq!(slot.refuse(sent, "/a"), Flight(4));
    assert_eq!(slot.get("/a"), Gets::Token(2));
}

#[test]
fn the_refusal_of_a_token_that_has_ended_is_not_evidence_and_costs_no_budget() {
    let mut slot = Slot::new();
    slot.refresh_with(hour().expires_in(S(100)));
    slot.accept_newest();
    let sent = slot.send();
    slot.pass(96);
    assert!(matches!(slot.refuse(sent, "/a"), Flight(_)));
    assert!(slot.state.evidence.is_none());
    // Nor is anything done for a second send.
    slot.state.abandon(slot.state.flights);
    slot.refuse_again(sent.as_second(), "/a");
}
