//! What callers of the explored slots do.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use http::{HeaderMap, Method};
use shuttle::future::{self, JoinHandle};

use super::slot::{Authorized, Generation, IssuedToken, Sent, Target, TokenSlot};
use crate::error::Error;

pub(super) type Caller = JoinHandle<Result<IssuedToken, Error>>;

pub(super) fn ask(slot: &TokenSlot) -> Caller {
    let slot = slot.clone();
    future::spawn(async move { slot.token().await })
}

pub(super) fn ask_for_another(slot: &TokenSlot, refused: Generation) -> Caller {
    let slot = slot.clone();
    future::spawn(async move { slot.replace(refused).await })
}

/// The slot's first token.
pub(super) fn first(slot: &TokenSlot) -> IssuedToken {
    future::block_on(slot.token()).expect("a token")
}

pub(super) fn secret(caller: Caller) -> String {
    let issued = future::block_on(caller).expect("not aborted").expect("a token");
    issued.expose_secret().to_owned()
}

pub(super) fn failure(caller: Caller) -> Error {
    future::block_on(caller).expect("not aborted").expect_err("a failure")
}

pub(super) fn cached(slot: &TokenSlot) -> Option<String> {
    slot.cached().map(|issued| issued.expose_secret().to_owned())
}

/// Counts those that wait.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

/// The explorer polls a task also after it has waited for a lock: this shows when it was woken.
struct Alarm {
    has_rung: AtomicBool,
    task: Waker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.has_rung.store(true, SeqCst);
        self.task.wake_by_ref();
    }
}

impl Waiting {
    pub(super) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// If it waits, it is woken once, and then there is something for it.
    pub(super) async fn once<F: Future>(self, call: F) -> F::Output {
        let mut call = pin!(call);
        let task = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let alarm = Arc::new(Alarm { has_rung: AtomicBool::new(true), task });
        let mut polls = 0;
        poll_fn(|_| {
            if !alarm.has_rung.swap(false, SeqCst) {
                return Poll::Pending;
            }
            let poll = call.as_mut().poll(&mut Context::from_waker(&alarm.clone().into()));
            polls += 1;
            if poll.is_pending() {
                assert_eq!(polls, 1, "it is woken for nothing");
                self.0.fetch_add(1, SeqCst);
            }
            poll
        })
        .await
    }
}

pub(super) fn target(slot: &TokenSlot, path: &str) -> Target {
    slot.target(&Method::GET, "https", "api.example.com", path)
}

/// Sends a request if there is a token for it at once: that, and what it was sent with.
pub(super) fn send_at_once(slot: &TokenSlot) -> Option<(String, Sent)> {
    let mut headers = HeaderMap::new();
    match slot.authorize(&mut headers) {
        Authorized::Attached(sent) => Some((carried(&headers), sent)),
        Authorized::Empty => None,
        other => panic!("{other:?}"),
    }
}

pub(super) fn send_with(slot: &TokenSlot, issued: &IssuedToken) -> (String, Sent) {
    let mut headers = HeaderMap::new();
    match slot.authorize_with(issued, &mut headers) {
        Authorized::Attached(sent) => (carried(&headers), sent),
        other => panic!("{other:?}"),
    }
}

fn carried(headers: &HeaderMap) -> String {
    let header = headers["authorization"].to_str().expect("ASCII");
    header.strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

/// Sends a request that can be sent twice, when there is a token for it.
pub(super) async fn send(slot: &TokenSlot, path: &str) -> (String, Sent) {
    match send_at_once(slot) {
        Some(sent) => sent,
        None => {
            let issued = slot.token_for(target(slot, path), true, None).await;
            send_with(slot, &issued.expect("a token"))
        }
    }
}

/// What a refused request is sent again with.
pub(super) async fn send_again(slot: &TokenSlot, sent: Sent, path: &str) -> (String, Sent) {
    let issued = slot.after_refusal(sent, target(slot, path), None, None).await;
    send_with(slot, &issued.expect("a token"))
}

pub(super) fn accept(slot: &TokenSlot, sent: Sent, path: &str) {
    slot.note_acceptance(sent, target(slot, path));
}
