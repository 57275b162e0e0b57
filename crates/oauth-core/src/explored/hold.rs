//! Requests that are held while a refused token is renewed.

use std::time::Duration;

use shuttle::future::{self, JoinHandle};

use super::mint::{Mint, Step};
use super::requests::{Waiting, accept, first, send, send_again, send_at_once, send_with, target};
use super::slot::{Sent, TokenSlot};
use super::{explore, primitives, run_until};

/// A slot whose first token was accepted a minute ago and refused now: requests are held for its renewal.
/// With what a request was sent with before the refusal.
fn held(mint: &Mint) -> (TokenSlot, Sent) {
    let slot = mint.slot();
    accept(&slot, send_with(&slot, &first(&slot)).1, "/a");
    primitives::pass(Duration::from_secs(60));
    let early = send_at_once(&slot).expect("a token is there").1;
    slot.note_refusal(early, target(&slot, "/a")).expect("a flight may start");
    (slot, early)
}

fn request(slot: &TokenSlot, waiting: &Waiting) -> JoinHandle<String> {
    let (slot, waiting) = (slot.clone(), waiting.clone());
    future::spawn(async move { waiting.once(send(&slot, "/b")).await.0 })
}

fn carried(request: JoinHandle<String>) -> String {
    future::block_on(request).expect("not aborted")
}

#[test]
fn a_landing_ends_the_hold_and_all_that_were_held_go_out_with_its_token() {
    explore(|| {
        let mint = Mint::of(&[Step::Token]);
        let (slot, _) = held(&mint);
        let waiting = Waiting::default();
        let requests: Vec<_> = (0..3).map(|_| request(&slot, &waiting)).collect();
        for request in requests {
            assert_eq!(carried(request), "token-2");
        }
        assert_eq!(mint.fetches(), 2);
    });
}

#[test]
fn the_acceptance_of_a_later_send_ends_the_hold() {
    explore(|| {
        let mint = Mint::of(&[Step::Token, Step::Hang]);
        let (slot, early) = held(&mint);
        let waiting = Waiting::default();
        let requests: Vec<_> = (0..3).map(|_| request(&slot, &waiting)).collect();
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
        let mint = Mint::of(&[Step::Token, Step::TokenBehindGate]);
        let (slot, early) = held(&mint);
        let waiting = Waiting::default();
        let requests: Vec<_> = (0..3).map(|_| request(&slot, &waiting)).collect();
        accept(&slot, early, "/c");
        run_until(|| waiting.count() == requests.len());
        mint.open_gate();
        for request in requests {
            assert_eq!(carried(request), "token-2");
        }
    });
}

#[test]
fn requests_that_are_decided_on_while_a_newer_token_lands_leave_its_predecessor() {
    explore(|| {
        let mint = Mint::of(&[Step::Token]);
        let (slot, _) = held(&mint);
        let requests: Vec<_> = (0..2).map(|_| request(&slot, &Waiting::default())).collect();
        for request in requests {
            carried(request);
        }
        run_until(|| !slot.status().refreshing);
        let sent = send_at_once(&slot).expect("a token is there").1;
        let (again, _) = future::block_on(send_again(&slot, sent, "/c"));
        assert_eq!((again.as_str(), mint.fetches()), ("token-1", 2));
    });
}
