//! Requests that wait for a refresh which someone else's refusal has started.

use std::sync::Arc;
use std::task::Poll;

use http::HeaderMap;
use oauth_core::adapter::Authorized;
use oauth_core::{Deadline, TokenSlot};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_test::task;

use crate::runtimes::{on, runtime};
use crate::script::*;
use crate::sends::*;

/// Its first token was accepted; each later token request waits at the door.
async fn behind(door: &Arc<Semaphore>) -> (Arc<Script>, TokenSlot) {
    let source = script([Step::token(HOUR), Step::token(HOUR).behind(door)]);
    let slot = slot(&source);
    let known = target(&slot, "/known");
    let (_, sent) = send(&slot, known).await;
    slot.note_acceptance(sent, known);
    pass(secs(10)).await;
    (source, slot)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_sent_yet_waits_for_the_refresh_and_goes_out_with_the_new_token() {
    let door = gate();
    let (source, slot) = behind(&door).await;
    let (a, b) = (target(&slot, "/a"), target(&slot, "/b"));
    let (_, sent) = send(&slot, a).await;
    slot.note_refusal(sent, a, None).unwrap();
    assert_eq!(slot.authorize(&mut HeaderMap::new()), Authorized::Empty);
    let mut waits: Vec<_> =
        [true, false].map(|repeatable| task::spawn(slot.token_for(b, repeatable, None))).into();
    for wait in &mut waits {
        assert!(wait.poll().is_pending());
    }
    pass(ms(900)).await;
    assert!(waits.iter().all(|wait| !wait.is_woken()));
    door.add_permits(1);
    settle().await;
    for wait in &mut waits {
        assert!(wait.is_woken());
        let Poll::Ready(Ok(token)) = wait.poll() else { panic!("it waits") };
        assert_eq!(token.expose_secret(), "secret-2");
    }
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_goes_out_with_the_older_token_a_second_after_the_refresh_began_or_after_half_its_time()
{
    let door = gate();
    let (_, slot) = behind(&door).await;
    let (a, b) = (target(&slot, "/a"), target(&slot, "/b"));
    let (_, sent) = send(&slot, a).await;
    slot.note_refusal(sent, a, None).unwrap();
    pass(ms(300)).await;
    let began = Instant::now();
    let until = Some(Deadline::within(ms(400)));
    let token = slot.token_for(b, true, until).await.unwrap();
    assert_eq!((token.expose_secret(), began.elapsed()), ("secret-1", ms(200)));
    let token = slot.token_for(b, true, Some(Deadline::within(HOUR))).await.unwrap();
    assert_eq!((token.expose_secret(), began.elapsed()), ("secret-1", ms(700)));
    assert_eq!(send(&slot, b).await.0, "secret-1");
}

#[tokio::test(start_paused = true)]
async fn a_request_is_held_once() {
    let door = gate();
    let (source, slot) = behind(&door).await;
    let (a, b, c) = (target(&slot, "/a"), target(&slot, "/b"), target(&slot, "/c"));
    let (_, sent) = send(&slot, a).await;
    slot.note_refusal(sent, a, None).unwrap();
    let mut held = task::spawn(slot.token_for(c, true, None));
    assert!(held.poll().is_pending());
    door.add_permits(1);
    settle().await;
    // The refresh has helped, and before the one that was held goes on, there is another one.
    let (token, sent) = send(&slot, a).await;
    assert_eq!(token, "secret-2");
    slot.note_acceptance(sent, a);
    let (_, sent) = send(&slot, b).await;
    slot.note_refusal(sent, b, None).unwrap();
    assert!(task::spawn(slot.token_for(c, true, None)).poll().is_pending());
    let Poll::Ready(Ok(token)) = held.poll() else { panic!("it is held twice") };
    assert_eq!(token.expose_secret(), "secret-2");
    drop(token);
    settle().await;
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn retire_lets_those_that_wait_ask_for_the_next_token_at_once() {
    let door = gate();
    let (source, slot) = behind(&door).await;
    let (a, b) = (target(&slot, "/a"), target(&slot, "/b"));
    let (_, sent) = send(&slot, a).await;
    slot.note_refusal(sent, a, None).unwrap();
    let mut held = task::spawn(slot.token_for(b, true, None));
    assert!(held.poll().is_pending());
    settle().await;
    source.now_do(Step::token(HOUR));
    slot.retire();
    let began = Instant::now();
    assert_eq!(held.await.unwrap().expose_secret(), "secret-3");
    assert_eq!((began.elapsed(), source.calls(), source.dropped()), (secs(0), 3, 1));
}

#[test]
fn without_timers_no_request_is_held() {
    let source = script([Step::token(HOUR), Step::hang()]);
    let slot = TokenSlot::new(source.clone());
    let driven = runtime();
    let known = target(&slot, "/known");
    let (_, sent) = driven.block_on(send(&slot, known));
    slot.note_acceptance(sent, known);
    let a = target(&slot, "/a");
    let (_, sent) = driven.block_on(send(&slot, a));
    on(&driven, || slot.note_refusal(sent, a, None)).unwrap();
    assert_eq!(slot.authorize(&mut HeaderMap::new()), Authorized::Empty);
    let Poll::Ready(Ok(token)) = task::spawn(slot.token_for(a, true, None)).poll() else {
        panic!("it waits")
    };
    assert_eq!(token.expose_secret(), "secret-1");
}
