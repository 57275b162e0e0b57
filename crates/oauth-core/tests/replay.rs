//! `ReplayBody`, polled by hand.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "replay_support/script.rs"]
mod script;

use std::collections::VecDeque;
use std::error::Error;
use std::future::poll_fn;
use std::marker::PhantomPinned;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use oauth_core::replay::{
    DEFAULT_CAP, ReplayBody, ReplayChoice, ReplayError, ReplayHandle, ReplayRefused,
};
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

use script::{Broken, Script, Step, data, trailers};

type Sent = Spawn<ReplayBody<Script>>;

fn poll<B>(body: &mut Spawn<ReplayBody<B>>) -> Poll<Option<Result<Frame<Bytes>, ReplayError>>>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    body.enter(|cx, body| body.poll_frame(cx))
}

fn tee(script: Script, cap: usize) -> (Sent, ReplayHandle<Script>) {
    let (first, replay) = ReplayBody::tee(script, cap);
    (spawn(first), replay.expect("a body with content"))
}

#[track_caller]
fn next_data(body: &mut Sent) -> Bytes {
    let frame = assert_ready!(poll(body)).expect("a frame").expect("no error");
    frame.into_data().expect("data")
}

#[track_caller]
fn next_error(body: &mut Sent) -> ReplayError {
    assert_ready!(poll(body)).expect("not the end").expect_err("an error")
}

#[track_caller]
fn assert_end(body: &mut Sent) {
    assert!(assert_ready!(poll(body)).is_none());
}

/// All that the body yields without being woken.
#[track_caller]
fn drain(body: &mut Sent) -> (Vec<u8>, Option<http::HeaderMap>) {
    let (mut bytes, mut trailers) = (Vec::new(), None);
    while let Some(frame) = assert_ready!(poll(body)) {
        match frame.expect("no error").into_data() {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    (bytes, trailers)
}

#[test]
fn an_empty_body_is_not_wrapped() {
    let (body, replay) = ReplayBody::tee(Full::<Bytes>::default(), 10);
    assert!(replay.is_none());
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
}

#[test]
fn the_default_is_an_empty_body() {
    let mut body = spawn(ReplayBody::<Script>::default());
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert_end(&mut body);
}

#[test]
fn a_plain_body_passes_everything_through() {
    let map = trailers(&[("x-sum", "1")]);
    let (script, _) = Script::new([data("ab"), Step::Trailers(map.clone()), Step::Fail]);
    let mut body = spawn(ReplayBody::plain(script.knowing(true, true)));
    assert_eq!(body.size_hint().exact(), Some(2));
    assert_eq!(next_data(&mut body), "ab");
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(!body.is_end_stream());
    let frame = assert_ready!(poll(&mut body)).unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap(), map);
    let error = next_error(&mut body);
    assert!(!error.is_taken_over());
    assert!(error.source().is_some_and(|source| source.is::<Broken>()));
    assert!(body.is_end_stream());
}

#[test]
fn the_second_send_has_what_was_kept_and_then_the_rest() {
    let map = trailers(&[("x-sum", "1")]);
    let (script, _) = Script::new([data("ab"), data("cd"), Step::Trailers(map.clone())]);
    let (mut first, replay) = tee(script.knowing(true, true), 100);
    assert_eq!(next_data(&mut first), "ab");
    replay.freeze().unwrap();
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(second.size_hint().exact(), Some(4));
    assert!(!second.is_end_stream());
    assert_eq!(next_data(&mut second), "ab");
    assert_eq!(second.size_hint().exact(), Some(2));
    assert_eq!(next_data(&mut second), "cd");
    assert_eq!(second.size_hint().exact(), Some(0));
    assert!(!second.is_end_stream(), "the trailers are left");
    assert_eq!(drain(&mut second), (vec![], Some(map)));
    assert!(second.is_end_stream());
}

#[test]
fn trailers_that_the_first_send_had_come_again() {
    let map = trailers(&[("x-sum", "1"), ("x-other", "2")]);
    let (script, _) = Script::new([data("ab"), Step::Trailers(map.clone())]);
    let (mut first, replay) = tee(script, 1000);
    assert_eq!(drain(&mut first), (b"ab".to_vec(), Some(map.clone())));
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(next_data(&mut second), "ab");
    assert!(!second.is_end_stream(), "the trailers are left");
    assert_eq!(drain(&mut second), (vec![], Some(map)));
    assert!(second.is_end_stream());
}

#[test]
fn a_frozen_body_is_pending_and_pulls_nothing() {
    let (script, remote) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script.knowing(true, true), 100);
    assert_eq!(next_data(&mut first), "ab");
    replay.freeze().unwrap();
    for _ in 0..3 {
        assert_pending!(poll(&mut first));
    }
    assert_eq!(remote.polls(), 1);
    assert!(!first.is_end_stream());
    assert_eq!(first.size_hint().exact(), Some(2));
}

#[test]
fn a_thawed_body_is_woken_and_goes_on() {
    let (script, _) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script, 100);
    replay.freeze().unwrap();
    assert_pending!(poll(&mut first));
    replay.thaw();
    assert!(first.is_woken());
    assert_eq!(drain(&mut first).0, b"abcd");
}

#[test]
fn the_task_that_polled_last_is_the_one_that_is_woken() {
    for freeze in [true, false] {
        let (script, _) = Script::new([Step::Wait, data("ab")]);
        let (mut first, replay) = tee(script, 100);
        if freeze {
            replay.freeze().unwrap();
        }
        assert_pending!(poll(&mut first));
        // The body has moved to another task.
        let (first, mut other) = (first.into_inner(), spawn(()));
        let mut first = pin!(first);
        assert_pending!(other.enter(|cx, _| first.as_mut().poll_frame(cx).map(drop)));
        drop(replay.take_over().unwrap());
        assert!(other.is_woken());
    }
}

#[test]
fn after_a_thaw_the_body_can_still_be_replayed() {
    let (script, _) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script, 100);
    replay.freeze().unwrap();
    replay.thaw();
    assert_eq!(next_data(&mut first), "ab");
    replay.freeze().unwrap();
    assert_pending!(poll(&mut first));
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(drain(&mut second).0, b"abcd");
}

#[test]
fn a_dropped_keeper_thaws_the_first_body() {
    let (script, _) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script, 100);
    assert_eq!(next_data(&mut first), "ab");
    replay.freeze().unwrap();
    assert_pending!(poll(&mut first));
    drop(replay);
    assert!(first.is_woken());
    assert_eq!(drain(&mut first).0, b"cd");
}

#[test]
fn a_body_of_exactly_the_cap_is_replayed() {
    let (script, _) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script, 4);
    assert_eq!(drain(&mut first).0, b"abcd");
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(drain(&mut second).0, b"abcd");
}

#[test]
fn one_byte_over_the_cap_refuses_and_the_first_send_goes_on() {
    let (script, _) = Script::new([data("abcd"), data("e"), data("f")]);
    let (mut first, replay) = tee(script, 4);
    assert_eq!(next_data(&mut first), "abcd");
    assert_eq!(next_data(&mut first), "e");
    assert_eq!(replay.freeze(), Err(ReplayRefused::OverCap));
    assert_eq!(next_data(&mut first), "f");
    assert_eq!(replay.take_over().unwrap_err(), ReplayRefused::OverCap);
    assert_end(&mut first);
}

#[test]
fn a_body_that_says_it_is_over_the_cap_is_not_kept_at_all() {
    let chunk = Bytes::from(vec![7; 5]);
    let (script, _) = Script::new([Step::Data(chunk.clone())]);
    let (mut first, replay) = tee(script.knowing(true, true), 4);
    assert_eq!(replay.freeze(), Err(ReplayRefused::OverCap));
    replay.thaw();
    assert_eq!(drain(&mut first).0, chunk);
    drop(first);
    assert!(chunk.is_unique());
    assert_eq!(replay.take_over().unwrap_err(), ReplayRefused::OverCap);
}

#[test]
fn trailers_count_towards_the_cap() {
    let map = trailers(&[("name", "value")]);
    let weight = 32 + "name".len() + "value".len() + 32;
    for (cap, refused) in [(2 + weight, false), (1 + weight, true)] {
        let (script, _) = Script::new([data("ab"), Step::Trailers(map.clone())]);
        let (mut first, replay) = tee(script, cap);
        assert_eq!(drain(&mut first), (b"ab".to_vec(), Some(map.clone())));
        assert_eq!(replay.take_over().is_err(), refused);
    }
}

#[test]
fn a_failed_source_refuses_and_its_error_reaches_the_first_send() {
    let (script, _) = Script::new([data("ab"), Step::Fail]);
    let (mut first, replay) = tee(script, 100);
    assert_eq!(next_data(&mut first), "ab");
    let error = next_error(&mut first);
    assert!(error.source().is_some_and(|source| source.is::<Broken>()));
    assert_eq!(replay.freeze(), Err(ReplayRefused::SourceFailed));
    assert_eq!(replay.take_over().unwrap_err(), ReplayRefused::SourceFailed);
}

#[test]
fn a_source_that_panics_refuses_and_leaves_the_rest_usable() {
    let (script, _) = Script::new([data("ab"), Step::Panic, data("cd")]);
    let (mut first, replay) = tee(script, 100);
    assert_eq!(next_data(&mut first), "ab");
    let polled = catch_unwind(AssertUnwindSafe(|| poll(&mut first)));
    assert!(polled.is_err());
    assert_eq!(replay.freeze(), Err(ReplayRefused::SourceFailed));
    assert_eq!(next_data(&mut first), "cd");
    assert_eq!(replay.take_over().unwrap_err(), ReplayRefused::SourceFailed);
    assert_end(&mut first);
}

#[test]
fn an_overtaken_first_body_ends_with_an_error_and_never_with_the_end() {
    let (script, _) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script.knowing(true, true), 100);
    assert_eq!(next_data(&mut first), "ab");
    replay.freeze().unwrap();
    assert_pending!(poll(&mut first));
    let second = replay.take_over().unwrap();
    assert!(first.is_woken());
    assert!(!first.is_end_stream());
    assert_eq!(first.size_hint().exact(), Some(2), "what it still owes");
    let error = next_error(&mut first);
    assert!(error.is_taken_over());
    assert!(error.source().is_none());
    assert!(!first.is_end_stream());
    assert_end(&mut first);
    assert_eq!(drain(&mut spawn(second)).0, b"abcd");
}

#[test]
fn a_first_body_that_waits_for_the_source_is_woken_by_the_takeover() {
    let (script, _) = Script::new([Step::Wait, data("ab")]);
    let (mut first, replay) = tee(script, 100);
    assert_pending!(poll(&mut first));
    let _second = replay.take_over().unwrap();
    assert!(first.is_woken());
    assert!(next_error(&mut first).is_taken_over());
}

#[test]
fn a_complete_first_body_ends_well_even_when_taken_over() {
    for (knows_end, freeze) in [(false, false), (true, false), (false, true), (true, true)] {
        let (script, _) = Script::new([data("ab")]);
        let (mut first, replay) = tee(script.knowing(knows_end, true), 100);
        assert_eq!(next_data(&mut first), "ab");
        if !knows_end {
            assert_end(&mut first);
        }
        if freeze {
            replay.freeze().unwrap();
            assert!(first.is_end_stream());
            assert_end(&mut first);
        }
        let mut second = spawn(replay.take_over().unwrap());
        assert!(first.is_end_stream());
        assert_eq!(first.size_hint().exact(), Some(0));
        assert_end(&mut first);
        assert_eq!(second.size_hint().exact(), Some(2));
        assert_eq!(next_data(&mut second), "ab");
        assert!(second.is_end_stream());
        assert_end(&mut second);
    }
}

#[test]
fn what_the_source_says_while_frozen_reaches_the_second_body() {
    let (script, remote) = Script::new([Step::Wait, data("ab"), Step::Wait, data("cd")]);
    let (mut first, replay) = tee(script, 100);
    assert_pending!(poll(&mut first));
    replay.freeze().unwrap();
    remote.fire();
    assert!(first.is_woken());
    assert_pending!(poll(&mut first));
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(next_data(&mut second), "ab");
    assert_pending!(poll(&mut second));
    remote.fire();
    assert!(second.is_woken());
    assert_eq!(next_data(&mut second), "cd");
    assert_end(&mut second);
}

#[test]
fn what_the_source_says_while_frozen_reaches_a_thawed_body() {
    let (script, remote) = Script::new([Step::Wait, data("ab")]);
    let (mut first, replay) = tee(script, 100);
    assert_pending!(poll(&mut first));
    replay.freeze().unwrap();
    remote.fire();
    assert_pending!(poll(&mut first));
    assert!(!first.is_woken());
    replay.thaw();
    assert!(first.is_woken());
    assert_eq!(next_data(&mut first), "ab");
}

#[test]
fn the_source_outlives_a_dropped_first_body() {
    for freeze_at in 0..3 {
        let (script, remote) = Script::new([data("ab"), data("cd")]);
        let (mut first, replay) = tee(script, 100);
        if freeze_at == 0 {
            replay.freeze().unwrap();
        } else {
            assert_eq!(next_data(&mut first), "ab");
        }
        if freeze_at == 1 {
            replay.freeze().unwrap();
        }
        drop(first);
        assert!(!remote.is_dropped());
        let mut second = spawn(replay.take_over().unwrap());
        assert_eq!(drain(&mut second).0, b"abcd");
    }
}

#[test]
fn without_a_way_to_use_it_the_source_is_dropped_with_the_first_body() {
    let (script, remote) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script, 1);
    assert_eq!(next_data(&mut first), "ab");
    drop(first);
    assert!(remote.is_dropped());
    assert_eq!(replay.freeze(), Err(ReplayRefused::OverCap));
    replay.thaw();
}

#[test]
fn both_ends_gone_drop_the_source() {
    let (script, remote) = Script::new([data("ab")]);
    let (first, replay) = tee(script, 10);
    drop(first);
    drop(replay);
    assert!(remote.is_dropped());
}

#[test]
fn many_small_chunks_come_again_in_fewer_frames() {
    let chunk = |n: usize| Bytes::from(vec![n as u8; 1 + n % 7]);
    let (script, _) = Script::new((0..5000).map(|n| Step::Data(chunk(n))));
    let (mut first, replay) = tee(script, 1 << 20);
    let (sent, _) = drain(&mut first);
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(second.size_hint().lower(), sent.len() as u64);
    let mut frames = 0;
    let mut again = Vec::new();
    while !second.is_end_stream() {
        frames += 1;
        again.extend_from_slice(&next_data(&mut second));
    }
    assert_eq!(again, sent);
    assert!(frames < 40, "{frames} frames");
}

#[test]
fn empty_frames_are_passed_on_and_not_kept() {
    let (script, _) = Script::new([data(""), data("ab"), data("")]);
    let (mut first, replay) = tee(script, 2);
    assert_eq!(next_data(&mut first), "");
    assert_eq!(drain(&mut first).0, b"ab");
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(next_data(&mut second), "ab");
    assert!(second.is_end_stream());
}

#[test]
fn the_first_send_has_the_bytes_themselves_and_the_second_a_copy() {
    let chunk = Bytes::from(vec![1; 100]);
    let (script, _) = Script::new([Step::Data(chunk.clone())]);
    let (mut first, replay) = tee(script, 100);
    assert_eq!(next_data(&mut first).as_ptr(), chunk.as_ptr());
    assert!(chunk.is_unique(), "what is kept shares nothing with it");
    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!(next_data(&mut second), chunk);
}

#[test]
fn what_follows_the_trailers_cannot_be_sent_again_and_reaches_the_first_send() {
    let map = || Step::Trailers(trailers(&[("x-sum", "1")]));
    for after in [data("cd"), map()] {
        let (script, remote) = Script::new([data("ab"), map(), data(""), after]);
        let (mut first, replay) = tee(script, 1000);
        for _ in 0..3 {
            assert!(assert_ready!(poll(&mut first)).unwrap().is_ok());
        }
        replay.freeze().expect("an empty frame is nothing");
        replay.thaw();
        assert!(assert_ready!(poll(&mut first)).unwrap().is_ok());
        assert_eq!(replay.freeze(), Err(ReplayRefused::UnknownFrame));
        assert_end(&mut first);
        assert_eq!(remote.polls(), 5);
        assert_eq!(replay.take_over().unwrap_err(), ReplayRefused::UnknownFrame);
    }
}

/// Neither `Unpin` nor made of `Bytes`.
struct Odd {
    chunks: usize,
    _pinned: PhantomPinned,
}

impl Body for Odd {
    type Data = VecDeque<u8>;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<VecDeque<u8>>, Broken>>> {
        let _ = self.chunks;
        let mut ring = VecDeque::from(vec![3, 4]);
        ring.push_front(2);
        Poll::Ready(Some(Ok(Frame::data(ring))))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_upper(u64::MAX);
        hint
    }
}

#[test]
fn a_body_of_another_buf_is_turned_into_bytes() {
    let odd = || Odd { chunks: 1, _pinned: PhantomPinned };
    let mut cx = Context::from_waker(Waker::noop());
    let mut next = |body: Pin<&mut ReplayBody<Odd>>| {
        let frame = assert_ready!(body.poll_frame(&mut cx)).unwrap().unwrap();
        frame.into_data().unwrap()
    };
    let mut plain = pin!(ReplayBody::plain(odd()));
    assert_eq!(next(plain.as_mut())[..], [2, 3, 4]);
    let (first, replay) = ReplayBody::tee(odd(), 5);
    let mut first = pin!(first);
    assert_eq!(next(first.as_mut())[..], [2, 3, 4]);
    let mut second = pin!(replay.unwrap().take_over().unwrap());
    assert_eq!(second.size_hint().lower(), 3);
    assert_eq!(second.size_hint().upper(), None, "beyond u64");
    assert_eq!(next(second.as_mut())[..], [2, 3, 4]);
}

/// Looks at the body while it is woken: a deadlock if that happens under the lock.
struct Nosy {
    body: OnceLock<Mutex<ReplayBody<Script>>>,
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        let body = self.body.get().expect("set");
        assert!(!body.lock().unwrap().is_end_stream());
    }
}

#[test]
fn nothing_is_woken_under_the_lock() {
    let acts: [fn(ReplayHandle<Script>); 3] =
        [|replay| replay.thaw(), drop, |replay| drop(replay.take_over().unwrap())];
    for act in acts {
        let (done, wait) = mpsc::channel();
        // Of its own, so that a deadlock is a failure.
        std::thread::spawn(move || {
            let (script, _) = Script::new([data("ab")]);
            let (first, replay) = ReplayBody::tee(script, 10);
            let nosy = Arc::new(Nosy { body: OnceLock::new() });
            let first = nosy.body.get_or_init(|| Mutex::new(first));
            let replay = replay.unwrap();
            replay.freeze().unwrap();
            let waker = Waker::from(Arc::clone(&nosy));
            assert_pending!(
                Pin::new(&mut *first.lock().unwrap())
                    .poll_frame(&mut Context::from_waker(&waker))
                    .map(|_| ())
            );
            act(replay);
            done.send(()).unwrap();
        });
        wait.recv_timeout(Duration::from_secs(20)).expect("no deadlock");
    }
}

#[test]
fn a_verdict_from_another_thread_loses_and_doubles_nothing() {
    let text: Vec<u8> = (0..=255).collect();
    for round in 0..200 {
        let steps = text.chunks(1 + round % 9);
        let (script, _) = Script::new(steps.map(|c| Step::Data(Bytes::copy_from_slice(c))));
        let (mut first, replay) = tee(script, 256);
        let sender = std::thread::spawn(move || {
            let mut sent = Vec::new();
            loop {
                match poll(&mut first) {
                    Poll::Pending => std::thread::yield_now(),
                    Poll::Ready(Some(Ok(frame))) => sent.extend(frame.into_data().unwrap()),
                    Poll::Ready(Some(Err(error))) => {
                        assert!(error.is_taken_over());
                        return (sent, false);
                    }
                    Poll::Ready(None) => return (sent, true),
                }
            }
        });
        for _ in 0..round % 50 {
            std::thread::yield_now();
        }
        replay.freeze().unwrap();
        let mut second = spawn(replay.take_over().unwrap());
        assert_eq!(drain(&mut second).0, text);
        let (sent, complete) = sender.join().unwrap();
        assert!(text.starts_with(&sent));
        assert!(!complete || sent == text);
    }
}

#[tokio::test]
async fn it_boxes_like_any_body() {
    let (first, replay) = ReplayBody::tee(Full::new(Bytes::from("ab")), 10);
    let first: UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>> =
        first.map_err(Into::into).boxed_unsync();
    assert_eq!(first.collect().await.unwrap().to_bytes(), "ab");
    let mut second = replay.unwrap().take_over().unwrap();
    let frame = poll_fn(|cx| Pin::new(&mut second).poll_frame(cx)).await;
    assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "ab");
}

#[test]
fn debug_shows_nothing_of_the_body() {
    let (first, replay) = ReplayBody::tee(Full::new(Bytes::from("secret")), 10);
    assert_eq!(format!("{first:#?} {replay:?}"), "ReplayBody { .. } Some(ReplayHandle { .. })");
}

#[test]
fn errors_say_what_happened_and_nothing_of_the_body() {
    let (script, _) = Script::new([data("ab"), data("cd")]);
    let (mut first, replay) = tee(script, 10);
    assert_eq!(next_data(&mut first), "ab");
    drop(replay.take_over().unwrap());
    let taken_over = next_error(&mut first);
    assert_eq!(taken_over.to_string(), "the request is sent again, its first body ends here");
    assert_eq!(format!("{taken_over:?}"), "ReplayError(TakenOver)");

    let (script, _) = Script::new([Step::Fail]);
    let failed = next_error(&mut spawn(ReplayBody::plain(script)));
    assert_eq!(failed.to_string(), "the request body failed");
    assert_eq!(format!("{failed:?}"), "ReplayError(Broken)");

    let refused = [
        (ReplayRefused::OverCap, "the request body is larger than the replay cap"),
        (ReplayRefused::SourceFailed, "the request body failed during the first send"),
        (ReplayRefused::UnknownFrame, "the request body has a frame that cannot be kept"),
    ];
    for (reason, text) in refused {
        assert_eq!(reason.to_string(), text);
    }
}

#[test]
fn a_request_chooses_by_its_extensions_and_the_default_cap_is_64_kib() {
    let mut extensions = http::Extensions::new();
    assert_eq!(ReplayChoice::of(&extensions), None);
    extensions.insert(7_u8);
    assert_eq!(ReplayChoice::of(&extensions), None);
    extensions.insert(ReplayChoice::UpTo(3));
    assert_eq!(ReplayChoice::of(&extensions), Some(ReplayChoice::UpTo(3)));
    assert_eq!(DEFAULT_CAP, 65_536);
}

#[test]
fn auto_traits_follow_the_body() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn unpin<T: Unpin>() {}
    type Unsync = UnsyncBoxBody<Bytes, Broken>;
    send::<ReplayBody<Full<Bytes>>>();
    sync::<ReplayBody<Full<Bytes>>>();
    unpin::<ReplayBody<Full<Bytes>>>();
    send::<ReplayBody<Unsync>>();
    unpin::<ReplayBody<Unsync>>();
    send::<ReplayHandle<Unsync>>();
    sync::<ReplayHandle<Unsync>>();
    unpin::<ReplayHandle<Odd>>();
    send::<ReplayError>();
    sync::<ReplayError>();
}

#[test]
fn a_body_of_unknown_size_stays_one_of_unknown_size_so_that_its_trailers_fit() {
    // With a size HTTP/1.1 would send `content-length`, and no trailers.
    let fields = trailers(&[("x-sum", "17")]);
    let (script, _) = Script::new([data("abc"), Step::Trailers(fields.clone())]);
    let (mut first, replay) = tee(script.knowing(true, false), 1024);
    assert_eq!(drain(&mut first), (b"abc".to_vec(), Some(fields.clone())));
    assert_end(&mut first);

    let mut second = spawn(replay.take_over().unwrap());
    assert_eq!((second.size_hint().lower(), second.size_hint().upper()), (3, None));
    assert_eq!(drain(&mut second), (b"abc".to_vec(), Some(fields)));
}
