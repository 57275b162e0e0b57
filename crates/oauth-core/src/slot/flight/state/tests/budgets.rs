//! What refreshes are charged with, what gives it back, and how long all of that is remembered.

use super::*;

#[test]
fn a_refresh_is_proven_when_its_token_is_accepted_where_the_older_one_was_refused() {
    let mut slot = Slot::accepted();
    let older = slot.send();
    let id = slot.renew("/a");
    slot.accept(older, "/a");
    slot.land(id, hour()).unwrap();
    slot.accept(older, "/a");
    slot.accept(slot.send(), "/b");
    assert!(!slot.owes_nothing());
    slot.accept(slot.send_again(), "/a");
    assert!(slot.owes_nothing());
}

#[test]
fn a_refresh_that_its_target_refuses_has_not_helped_whatever_it_says_later() {
    let mut slot = Slot::accepted();
    slot.renewed("/a");
    let late = slot.send_again();
    slot.refuse_again(slot.send_again(), "/a");
    slot.accept(late, "/a");
    assert!(!slot.owes_nothing());
}

#[test]
fn what_others_refuse_and_what_the_older_token_gets_does_not_count_against_a_refresh() {
    let mut slot = Slot::accepted();
    let older = slot.send();
    slot.renewed("/a");
    slot.refuse_again(slot.send_again(), "/b");
    slot.refuse_again(older.as_second(), "/a");
    slot.accept(slot.send_again(), "/a");
    assert!(slot.owes_nothing());
}

#[test]
fn with_another_token_the_verdict_on_a_refresh_is_no_longer_awaited() {
    let mut slot = Slot::accepted();
    slot.renewed("/a");
    slot.accept_newest();
    assert!(!slot.send().is_settled());
    slot.refresh();
    slot.accept_newest();
    assert!(slot.send().is_settled());
}

#[test]
fn a_flight_that_fails_costs_a_refresh_of_the_second_budget_alone() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    let id = slot.renew("/a");
    slot.fail(id);
    assert!(slot.owes_nothing());
    slot.accept(late, "/a");
    slot.pass(4);
    slot.accept_newest();
    assert!(slot.state.evidence.is_some());
    slot.pass(1);
    slot.accept(slot.send(), "/a");
    assert!(slot.state.evidence.is_none());
}

#[test]
fn a_flight_that_is_cut_off_costs_nothing() {
    type Ends = fn(&mut Slot, u64);
    let ends: [Ends; 3] = [
        |slot, id| slot.state.abandon(id),
        |slot, _| slot.state.retire(),
        // Presumed dead.
        |slot, _| {
            slot.pass(6);
            slot.start(Trigger::Demand);
        },
    ];
    for (at, end) in ends.into_iter().enumerate() {
        let mut slot = Slot::accepted();
        let late = slot.send();
        let id = slot.renew("/a");
        end(&mut slot, id);
        assert!(slot.owes_nothing(), "{at}");
        // Nor of the second budget.
        slot.accept(late, "/a");
        assert!(slot.state.evidence.is_none(), "{at}");
    }
}

#[test]
fn what_the_second_budget_stops_is_not_charged_to_the_first() {
    let mut slot = Slot::accepted();
    for _ in 0..30 {
        slot.renewed("/a");
        slot.accept(slot.send_again(), "/a");
    }
    assert_eq!(slot.refuse(slot.send(), "/a"), Delivered(Some(S(5))));
    assert!(slot.owes_nothing());
}

#[test]
fn budgets_are_remembered_until_they_are_full() {
    let mut slot = Slot::new();
    slot.refresh();
    slot.renewed("/a");
    slot.refresh();
    for (after, is_void) in [(29, false), (1, true)] {
        slot.pass(after);
        slot.accept(slot.send(), "/a");
        assert_eq!(slot.state.evidence.is_none(), is_void, "{after}");
    }
}

#[test]
fn pauses_are_remembered() {
    let mut slot = Slot::new();
    slot.refresh();
    slot.renewed("/a");
    slot.refuse_again(slot.send_again(), "/a");
    slot.refresh();
    slot.pass(100);
    slot.accept_newest();
    assert_eq!(slot.refuse_once(slot.send(), "/a"), Delivered(Some(S(2))));
}

#[test]
fn strikes_against_a_predecessor_are_remembered() {
    let mut slot = Slot::accepted();
    slot.refresh();
    assert_eq!(slot.refuse(slot.send_predecessor(), "/a"), Sends(2));
    slot.accept(slot.send_predecessor(), "/b");
    assert_eq!(slot.refuse(slot.send(), "/a"), Flight(3));
}

#[test]
fn strikes_against_the_newest_token_are_remembered_beyond_the_time_in_which_their_end_is_asked_for()
{
    let mut slot = Slot::accepted();
    slot.refresh();
    slot.accept_newest();
    assert_eq!(slot.refuse(slot.send(), "/a"), Sends(1));
    slot.pass(1);
    assert_eq!(slot.get("/b"), Gets::Token(2));
    slot.pass(60);
    slot.accept_newest();
    slot.refresh();
    assert_eq!(slot.refuse(slot.send(), "/a"), Flight(4));
}

#[test]
fn that_a_token_was_refused_before_it_was_known_is_remembered_for_its_pause() {
    let mut slot = Slot::accepted();
    slot.refresh();
    assert_eq!(slot.refuse(slot.send(), "/a"), Sends(1));
    slot.accept_newest();
    assert_eq!(slot.get("/b"), Gets::Token(1));
    slot.pass(1);
    assert_eq!(slot.get("/b"), Gets::Token(2));
    assert!(!slot.state.mark().is_guided());
}

#[test]
fn that_a_refresh_has_yet_to_help_is_remembered() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    slot.renewed("/a");
    slot.accept(late, "/a");
    slot.pass(40);
    slot.accept_newest();
    assert!(!slot.send().is_settled());
    slot.accept(slot.send(), "/a");
    assert!(slot.send().is_settled());
}
