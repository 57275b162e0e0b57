//! New requests wait for a flight that the refusal of the slot's token has started: which flights, how
//! long, and what ends it earlier.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn with_hold(hold: Duration) -> Slot {
    let mut slot = Slot::with(Settings { hold, ..Settings::default() });
    slot.refresh();
    slot.accept_newest();
    slot
}

/// What was held, and is told by its end.
fn held(slot: &mut Slot) -> Completion {
    let (Held(_), Some(completion)) = slot.guided("/held") else { panic!("nobody is held") };
    assert!(!is_told(slot, &completion));
    completion
}

fn is_told(slot: &mut Slot, completion: &Completion) -> bool {
    slot.state.take_deferred().run();
    let end = pin!(completion.end());
    end.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Whoever is held goes on, and no one else is.
fn assert_over(slot: &mut Slot, completion: &Completion) {
    assert!(is_told(slot, completion));
    if slot.current.is_some() {
        assert!(matches!(slot.get("/other"), Gets::Token(_)));
    }
    assert!(!slot.state.mark().is_guided());
}

#[test]
fn it_lasts_until_a_second_after_the_flight_s_start() {
    for hold in [1000, 300] {
        let mut slot = with_hold(ms(hold));
        assert!(!slot.state.mark().is_guided());
        slot.renew("/a");
        assert!(slot.state.mark().is_guided());
        slot.now += ms(hold - 200);
        assert_eq!(slot.get("/b"), Held(ms(200)));
        let completion = held(&mut slot);
        slot.now += ms(200);
        assert_eq!(slot.get("/b"), Gets::Token(1));
        assert_over(&mut slot, &completion);
    }
    let mut slot = with_hold(Duration::ZERO);
    slot.renew("/a");
    assert!(!slot.state.mark().is_guided());
    assert_eq!(slot.get("/b"), Gets::Token(1));
}

#[test]
fn there_is_none_while_an_earlier_refresh_has_not_helped() {
    let mut slot = Slot::new();
    slot.refresh();
    slot.renewed("/a");
    let id = slot.renew("/b");
    assert_eq!(slot.get("/c"), Gets::Token(2));
    slot.land(id, hour()).unwrap();
    // 30 s later each of the two is back, whatever became of it.
    slot.pass(59);
    let id = slot.renew("/c");
    assert_eq!(slot.get("/d"), Gets::Token(3));
    slot.land(id, hour()).unwrap();
    slot.pass(31);
    slot.renew("/d");
    held(&mut slot);
}

#[test]
fn there_is_none_for_a_target_that_refused_a_token_before() {
    let mut slot = Slot::accepted();
    for (path, is_held) in [("/a", true), ("/a", false), ("/b", true)] {
        let id = slot.renew(path);
        assert_eq!(matches!(slot.get("/c"), Held(_)), is_held, "{path}");
        slot.fail(id);
        slot.pass(100);
    }
}

#[test]
fn the_flight_s_end_ends_it() {
    type Ends = fn(&mut Slot, u64);
    let ends: [Ends; 5] = [
        |slot, id| assert_eq!(slot.land(id, hour()), Some(2)),
        |slot, id| slot.fail(id),
        |slot, id| slot.state.abandon(id),
        |slot, _| {
            slot.state.retire();
            slot.current = None;
        },
        // It is presumed dead.
        |slot, _| {
            slot.pass(6);
            slot.start(Trigger::Demand);
        },
    ];
    for end in ends {
        let mut slot = with_hold(S(60));
        let id = slot.renew("/a");
        let completion = held(&mut slot);
        end(&mut slot, id);
        assert_over(&mut slot, &completion);
    }
}

#[test]
fn the_end_of_a_silent_flight_does_not_end_it_and_its_late_success_does() {
    let mut slot = Slot::accepted();
    for late in [false, true] {
        let superseded = slot.start(Trigger::Demand);
        slot.pass(6);
        slot.renew("/a");
        let completion = held(&mut slot);
        if late {
            slot.land(superseded, hour()).unwrap();
            assert_over(&mut slot, &completion);
        } else {
            slot.state.abandon(superseded);
            assert!(!is_told(&mut slot, &completion));
            held(&mut slot);
            slot.state.retire();
            slot.refresh();
            slot.accept(slot.send(), "/a");
        }
    }
}

#[test]
fn only_the_acceptance_of_a_request_that_was_sent_since_ends_it() {
    let mut slot = Slot::accepted();
    let before = slot.send();
    slot.renew("/a");
    let completion = held(&mut slot);
    slot.accept(before, "/b");
    assert!(!is_told(&mut slot, &completion));
    held(&mut slot);
    slot.accept(slot.send(), "/b");
    assert_over(&mut slot, &completion);
}

#[test]
fn the_acceptance_of_a_request_that_was_sent_during_an_earlier_one_does_not_end_it() {
    let mut slot = Slot::accepted();
    let id = slot.renew("/a");
    let earlier = slot.send();
    slot.fail(id);
    slot.pass(3);
    slot.renew("/b");
    let completion = held(&mut slot);
    slot.accept(earlier, "/c");
    assert!(!is_told(&mut slot, &completion));
}

#[test]
fn the_acceptance_of_an_older_token_does_not_end_it() {
    let mut slot = Slot::accepted();
    slot.refresh();
    slot.accept_newest();
    for path in ["/a", "/b"] {
        slot.refuse_again(slot.send_predecessor().as_second(), path);
    }
    slot.renew("/c");
    let completion = held(&mut slot);
    slot.accept(slot.send_predecessor(), "/d");
    assert!(!is_told(&mut slot, &completion));
    held(&mut slot);
}
