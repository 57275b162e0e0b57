//! A source that has no other token yet, although nothing is wrong.

use super::*;

#[test]
fn after_a_refusal_it_is_not_a_failure_and_costs_neither_budget() {
    let mut slot = Slot::accepted();
    let late = slot.send();
    let id = slot.renew("/a");
    let error = slot.put_off(id, S(30));
    assert_eq!((error.is_not_now(), error.retry_after()), (true, Some(S(30))));
    assert_eq!((slot.state.failures, slot.state.last_error().is_none()), (0, true));
    assert!(slot.owes_nothing());
    slot.accept(late, "/a");
    slot.pass(30);
    slot.refresh();
    slot.accept_newest();
    assert!(slot.state.evidence.is_none());
}

#[test]
fn it_does_not_forget_how_often_the_issuer_brought_the_same_token() {
    let mut slot = Slot::accepted();
    let pauses = [0, 1].map(|_| {
        let id = slot.renew("/a");
        slot.land_the_same(id);
        let pause = slot.pause("/a").unwrap();
        slot.pass(pause.as_secs() + 1);
        let id = slot.renew("/a");
        slot.put_off(id, S(30));
        assert_eq!(slot.pause("/a"), Some(S(30)));
        slot.pass(30);
        pause
    });
    assert!(pauses[1] > pauses[0], "{pauses:?}");
}

#[test]
fn after_a_refusal_no_refusal_of_that_token_asks_again_in_that_time() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.put_off(id, S(30));
    slot.pass(10);
    for path in ["/a", "/b", "/known"] {
        assert_eq!(slot.refuse(slot.send(), path), Delivered(Some(S(20))), "{path}");
        assert_eq!(slot.refuse_once(slot.send(), path), Delivered(Some(S(20))), "{path}");
    }
    slot.pass(20);
    assert_eq!(slot.refuse(slot.send(), "/b"), Flight(3));
}

#[test]
fn after_a_refusal_the_token_stays_and_is_held_for_nothing() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.put_off(id, S(30));
    assert_eq!(slot.get("/b"), Gets::Token(1));
    assert_eq!(slot.current.as_ref().unwrap().generation.number.get(), 1);
}

#[test]
fn a_newer_token_than_the_refused_one_may_be_asked_for() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    slot.put_off(id, S(30));
    slot.pass(31);
    slot.refresh();
    slot.accept_newest();
    assert_eq!(slot.refuse(slot.send(), "/a"), Flight(4));
}

#[test]
fn by_age_it_postpones_the_refresh_and_a_refusal_may_ask_meanwhile() {
    let mut slot = Slot::accepted();
    let life = S(3600);
    let due = slot.current.as_ref().unwrap().times.stale_at;
    slot.now = due;
    let id = slot.start(Trigger::Age);
    slot.put_off(id, S(60));
    let times = slot.current.as_ref().unwrap().times;
    assert_eq!((times.stale_at, times.expires_at), (due + S(60), S(1000) + life - S(5)));
    assert_eq!(slot.want(Trigger::Age), Sends(1));
    assert_eq!(slot.refuse(slot.send(), "/a"), Flight(3));
}

#[test]
fn a_wait_that_is_longer_than_the_life_of_the_token_ends_with_it() {
    let mut slot = Slot::accepted();
    slot.now = slot.current.as_ref().unwrap().times.stale_at;
    let id = slot.start(Trigger::Age);
    slot.put_off(id, S(100_000));
    let times = slot.current.as_ref().unwrap().times;
    assert_eq!(times.stale_at, times.expires_at);
}

#[test]
fn a_refresh_that_was_not_due_is_not_made_earlier_by_it() {
    let mut slot = Slot::accepted();
    let due = slot.current.as_ref().unwrap().times.stale_at;
    let id = slot.start(Trigger::Demand);
    slot.put_off(id, S(60));
    assert_eq!(slot.current.as_ref().unwrap().times.stale_at, due);
}

#[test]
fn without_a_token_callers_get_the_sources_error_until_the_time_has_passed() {
    let mut slot = Slot::new();
    let id = slot.start(Trigger::Age);
    slot.put_off(id, S(30));
    slot.pass(10);
    for trigger in [Trigger::Age, Trigger::Prefetch, Trigger::Demand] {
        let Err(error) = slot.state.ask(trigger, None, None, slot.now, slot.epoch) else {
            panic!("{trigger:?}")
        };
        assert_eq!((error.is_not_now(), error.retry_after()), (true, Some(S(20))));
    }
    slot.pass(20);
    assert_eq!(slot.want(Trigger::Age), Flight(2));
}

#[test]
fn a_wait_of_nothing_is_a_second() {
    let mut slot = Slot::new();
    let id = slot.start(Trigger::Age);
    assert_eq!(slot.put_off(id, Duration::ZERO).retry_after(), Some(S(1)));
    assert_eq!(slot.want(Trigger::Age), Delivered(Some(S(1))));
}

#[test]
fn a_token_ends_what_was_said_before_it() {
    let mut slot = Slot::new();
    let id = slot.start(Trigger::Age);
    slot.put_off(id, S(30));
    slot.pass(30);
    slot.refresh();
    assert!(slot.state.put_off.is_none());
    assert_eq!(slot.state.rest_until, slot.now);
}

#[test]
fn a_failure_before_it_is_still_remembered() {
    let mut slot = Slot::new();
    let id = slot.start(Trigger::Age);
    slot.fail(id);
    let until = slot.state.next_attempt(0).unwrap();
    slot.now = until;
    let id = slot.start(Trigger::Age);
    slot.put_off(id, S(30));
    assert_eq!((slot.state.failures, slot.state.failing_since(0)), (1, Some(S(1000))));
}
