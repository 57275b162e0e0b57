//! Flights of which nothing is heard: when another one takes their place, and what they still bring.

use super::*;

/// The first one is silent, the second under way.
fn silent() -> (Slot, u64, u64) {
    let mut slot = Slot::accepted();
    let silent = slot.start(Trigger::Demand);
    slot.pass(6);
    let successor = slot.start(Trigger::Demand);
    (slot, silent, successor)
}

#[test]
fn one_that_is_not_heard_of_for_a_second_too_long_makes_room() {
    let mut slot = Slot::accepted();
    let id = slot.start(Trigger::Demand);
    slot.pass(5);
    assert_eq!(slot.want(Trigger::Demand), Joins);
    // It says that it is there.
    slot.desk.heard(id, slot.now + S(10));
    slot.pass(10);
    assert_eq!(slot.want(Trigger::Demand), Joins);
    slot.pass(1);
    assert_eq!(slot.want(Trigger::Demand), Flight(id + 1));
}

#[test]
fn its_late_success_takes_the_place_of_its_successor() {
    let (mut slot, silent, successor) = silent();
    assert_eq!(slot.land(silent, hour()), Some(2));
    assert!(!slot.desk.is_flying());
    assert_eq!(slot.land(successor, hour()), None);
    assert_eq!(slot.desk.failures, 0);
}

#[test]
fn its_late_failure_is_not_heard() {
    let (mut slot, silent, successor) = silent();
    let error = Error::new(Kind::Usage, "late");
    assert!(slot.land_with(silent, Err(error)).is_none());
    assert_eq!((slot.desk.failures, slot.desk.is_flying()), (0, true));
    assert_eq!(slot.land(successor, hour()), Some(2));
}

#[test]
fn after_its_successor_s_end_it_brings_nothing() {
    type Ends = fn(&mut Slot, u64);
    let ends: [Ends; 3] = [
        |slot, id| assert_eq!(slot.land(id, hour()), Some(2)),
        |slot, id| slot.fail(id),
        |slot, id| slot.desk.crash(id),
    ];
    for end in ends {
        let (mut slot, silent, successor) = silent();
        end(&mut slot, successor);
        let newest = slot.send().generation();
        assert_eq!(slot.land(silent, hour()), None);
        assert_eq!(slot.send().generation(), newest);
    }
}

#[test]
fn one_that_is_gone_is_forgotten_and_its_successor_goes_on() {
    let (mut slot, silent, successor) = silent();
    slot.desk.crash(silent);
    assert!(slot.desk.silent.is_none());
    assert_eq!(slot.land(successor, hour()), Some(2));
}

#[test]
fn a_successor_that_is_no_more_needed_costs_no_renewal() {
    let mut slot = Slot::accepted();
    let silent = slot.start(Trigger::Demand);
    slot.pass(6);
    let late = slot.send();
    slot.renew("/a");
    assert!(!slot.owes_nothing());
    slot.land(silent, hour()).unwrap();
    assert!(slot.owes_nothing());
    slot.accept(late, "/a");
    assert!(slot.desk.evidence.is_none());
}
