//! Flights that missed their heartbeat: when another one takes their place, and what they still bring.

use super::*;

/// The first one is superseded, the second under way.
fn superseded() -> (Slot, u64, u64) {
    let mut slot = Slot::accepted();
    let superseded = slot.start(Trigger::Demand);
    slot.pass(6);
    let successor = slot.start(Trigger::Demand);
    (slot, superseded, successor)
}

#[test]
fn one_that_is_not_heard_of_for_a_second_too_long_makes_room() {
    let mut slot = Slot::accepted();
    let id = slot.start(Trigger::Demand);
    slot.pass(5);
    assert_eq!(slot.want(Trigger::Demand), Joins);
    // It says that it is there.
    slot.state.heartbeat(id, slot.now + S(10));
    slot.pass(10);
    assert_eq!(slot.want(Trigger::Demand), Joins);
    slot.pass(1);
    assert_eq!(slot.want(Trigger::Demand), Flight(id + 1));
}

#[test]
fn its_late_success_takes_the_place_of_its_successor() {
    let (mut slot, superseded, successor) = superseded();
    assert_eq!(slot.land(superseded, hour()), Some(2));
    assert!(!slot.state.is_flying());
    assert_eq!(slot.land(successor, hour()), None);
    assert_eq!(slot.state.failures, 0);
}

#[test]
fn its_late_failure_is_not_heard() {
    let (mut slot, superseded, successor) = superseded();
    let error = Error::new(Kind::Usage, "late");
    assert!(slot.land_with(superseded, Err(error)).is_none());
    assert_eq!((slot.state.failures, slot.state.is_flying()), (0, true));
    assert_eq!(slot.land(successor, hour()), Some(2));
}

#[test]
fn after_its_successor_s_end_it_brings_nothing() {
    type Ends = fn(&mut Slot, u64);
    let ends: [Ends; 3] = [
        |slot, id| assert_eq!(slot.land(id, hour()), Some(2)),
        |slot, id| slot.fail(id),
        |slot, id| slot.state.abandon(id),
    ];
    for end in ends {
        let (mut slot, superseded, successor) = superseded();
        end(&mut slot, successor);
        let newest = slot.send().generation();
        assert_eq!(slot.land(superseded, hour()), None);
        assert_eq!(slot.send().generation(), newest);
    }
}

#[test]
fn one_that_is_gone_is_forgotten_and_its_successor_goes_on() {
    let (mut slot, superseded, successor) = superseded();
    slot.state.abandon(superseded);
    assert!(slot.state.superseded.is_none());
    assert_eq!(slot.land(successor, hour()), Some(2));
}

#[test]
fn a_successor_that_is_no_longer_needed_costs_no_refresh() {
    let mut slot = Slot::accepted();
    let superseded = slot.start(Trigger::Demand);
    slot.pass(6);
    let late = slot.send();
    slot.renew("/a");
    assert!(!slot.owes_nothing());
    slot.land(superseded, hour()).unwrap();
    assert!(slot.owes_nothing());
    slot.accept(late, "/a");
    assert!(slot.state.evidence.is_none());
}
