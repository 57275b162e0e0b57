//! Requests that are held while a refused token is refreshed.

use std::collections::BTreeSet;
use std::time::Duration;

use shuttle::future::{self, JoinHandle};
use shuttle::rand::{Rng, thread_rng};

use super::issuer::{Issuer, Step};
use super::requests::{
    Waiting, accept, cached, first, send, send_again, send_at_once, send_with, target,
};
use super::slot::{Sent, TokenSlot};
use super::{ends, explore, run_until, sync};

/// How long requests are held at most.
const LIMIT: Duration = Duration::from_secs(1);

/// A slot whose first token was accepted a minute ago and refused now: requests are held for its refresh.
/// With what a request was sent with before the refusal.
fn held(issuer: &Issuer) -> (TokenSlot, Sent) {
    let slot = issuer.slot();
    accept(&slot, send_with(&slot, &first(&slot)).1, "/a");
    sync::pass(Duration::from_secs(60));
    let early = send_at_once(&slot).expect("a token is there").1;
    slot.note_refusal(early, target(&slot, "/a"), None).expect("a flight may start");
    (slot, early)
}

fn request(slot: &TokenSlot) -> JoinHandle<String> {
    let slot = slot.clone();
    future::spawn(async move { send(&slot, "/b").await.0 })
}

fn request_waiting(slot: &TokenSlot, waiting: &Waiting) -> JoinHandle<String> {
    let (slot, waiting) = (slot.clone(), waiting.clone());
    future::spawn(async move { waiting.once(send(&slot, "/b")).await.0 })
}

fn carried(request: JoinHandle<String>) -> String {
    future::block_on(request).expect("not aborted")
}

#[test]
fn the_flights_end_ends_the_hold_and_all_that_were_held_go_out_with_its_token() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let (slot, _) = held(&issuer);
        let waiting = Waiting::default();
        let requests: Vec<_> = (0..3).map(|_| request_waiting(&slot, &waiting)).collect();
        for request in requests {
            assert_eq!(carried(request), "token-2");
        }
        assert_eq!(issuer.fetches(), 2);
    });
}

#[test]
fn the_acceptance_of_a_later_send_ends_the_hold() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token, Step::Hang]);
        let (slot, early) = held(&issuer);
        let waiting = Waiting::default();
        let requests: Vec<_> = (0..3).map(|_| request_waiting(&slot, &waiting)).collect();
        // This says nothing of now.
        accept(&slot, early, "/c");
        let later = send_with(&slot, &first(&slot)).1;
        accept(&slot, later, "/c");
        for request in requests {
            assert_eq!(carried(request), "token-1");
        }
        assert_eq!(send_at_once(&slot).expect("nothing holds it").0, "token-1");
    });
}

#[test]
fn the_acceptance_of_an_earlier_send_holds_on() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token, Step::TokenBehindGate]);
        let (slot, early) = held(&issuer);
        let waiting = Waiting::default();
        let requests: Vec<_> = (0..3).map(|_| request_waiting(&slot, &waiting)).collect();
        accept(&slot, early, "/c");
        run_until(|| waiting.count() == requests.len());
        issuer.open_gate();
        for request in requests {
            assert_eq!(carried(request), "token-2");
        }
    });
}

#[test]
fn requests_that_are_decided_on_while_a_newer_token_arrives_leave_its_predecessor() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let (slot, _) = held(&issuer);
        let requests: Vec<_> = (0..2).map(|_| request(&slot)).collect();
        for request in requests {
            carried(request);
        }
        run_until(|| !slot.status().refreshing);
        let sent = send_at_once(&slot).expect("a token is there").1;
        let (again, _) = future::block_on(send_again(&slot, sent, "/c"));
        assert_eq!((again.as_str(), issuer.fetches()), ("token-1", 2));
    });
}

/// A request, with its token and whether the time of the hold was over when it went out.
struct Timed {
    waiting: Waiting,
    request: JoinHandle<(String, bool)>,
}

impl Timed {
    fn begin(slot: &TokenSlot) -> Self {
        let over = sync::now() + LIMIT;
        let (slot, waiting) = (slot.clone(), Waiting::default());
        let sends = waiting.clone();
        let request = future::spawn(async move {
            let (token, _) = sends.once(send(&slot, "/b")).await;
            (token, sync::now() >= over)
        });
        Self { waiting, request }
    }

    fn has_begun(&self) -> bool {
        self.waiting.count() > 0 || self.request.is_finished()
    }

    fn end(self) -> (String, bool) {
        future::block_on(self.request).expect("not aborted")
    }
}

/// The time of the hold passes while requests begin.
fn pass_limit(requests: &[Timed]) {
    sync::pass(LIMIT);
    // One that had looked at the clock before that waits from then on.
    run_until(|| requests.iter().all(Timed::has_begun));
    sync::pass(LIMIT);
}

#[test]
fn the_end_of_its_time_ends_the_hold_and_leaves_no_request_behind() {
    explore(|| {
        let issuer = Issuer::of(&[Step::Token, Step::Hang]);
        let (slot, _) = held(&issuer);
        let requests: Vec<_> = (0..3).map(|_| Timed::begin(&slot)).collect();
        pass_limit(&requests);
        for request in requests {
            assert_eq!(request.end(), ("token-1".to_owned(), true));
        }
        assert_eq!(send_at_once(&slot).expect("nothing holds it").0, "token-1");
        // The flight may be the last to run.
        run_until(|| issuer.under_way() == 1);
        assert_eq!(issuer.fetches(), 2);
    });
}

#[test]
fn the_flights_end_and_the_end_of_the_time_may_meet_and_before_both_nothing_goes_out() {
    let ends = ends(|| {
        let issuer = Issuer::of(&[Step::Token, Step::TokenBehindGate]);
        let (slot, _) = held(&issuer);
        run_until(|| issuer.under_way() == 1);
        let requests: Vec<_> = (0..2).map(|_| Timed::begin(&slot)).collect();
        issuer.open_gate();
        // At any point of the flight's end.
        for _ in 0..thread_rng().gen_range(0..20) {
            shuttle::thread::yield_now();
        }
        pass_limit(&requests);
        let sent: Vec<_> = requests.into_iter().map(Timed::end).collect();
        run_until(|| !slot.status().refreshing);
        assert_eq!(send_at_once(&slot).expect("nothing holds it").0, "token-2");
        assert_eq!(issuer.fetches(), 2);
        sent
    });
    let sent: BTreeSet<_> = ends.iter().flatten().map(|(token, over)| (&**token, *over)).collect();
    assert_eq!(sent, [("token-1", true), ("token-2", false), ("token-2", true)].into());
}

#[test]
fn what_was_held_at_a_retirement_gets_what_was_fetched_before_or_a_new_token() {
    let ends = ends(|| {
        let issuer = Issuer::overlapping(2, &[Step::Token, Step::TokenBehindGate]);
        let (slot, _) = held(&issuer);
        run_until(|| issuer.under_way() == 1);
        let requests = [(); 2].map(|()| request(&slot));
        let retiring = shuttle::thread::spawn({
            let slot = slot.clone();
            move || {
                slot.retire();
                // Whatever comes after it.
                future::block_on(send(&slot, "/c")).0
            }
        });
        issuer.open_gate();
        let mut sent = requests.map(carried);
        let later = retiring.join().expect("no panic");
        sent.sort();
        run_until(|| issuer.under_way() == 0 && !slot.status().refreshing);
        assert_eq!(cached(&slot), Some(later.clone()));
        (sent, later, issuer.fetches())
    });
    let [second, third] = ["token-2", "token-3"].map(String::from);
    let sent = [[&second, &second], [&second, &third], [&third, &third]];
    let all = sent.map(|sent| (sent.map(String::clone), third.clone(), 3));
    assert_eq!(ends, all.into());
}
