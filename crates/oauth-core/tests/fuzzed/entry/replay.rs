//! The replay body under a history that the input spells: what its source yields, and who polls,
//! freezes, takes over or goes away, in which order.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use oauth_core::ReplayBody;
use oauth_core::replay::Replay;

/// Frames of these lengths, with a pending poll where the length is `None`.
struct Source {
    frames: VecDeque<Option<usize>>,
    next_byte: u8,
}

impl Body for Source {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.frames.pop_front() {
            None => Poll::Ready(None),
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Some(length)) => {
                let start = self.next_byte;
                self.next_byte = start.wrapping_add(length as u8);
                let data: Bytes = (0..length).map(|i| start.wrapping_add(i as u8)).collect();
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
        }
    }
}

/// What came out of one of the bodies.
#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    complete: bool,
    failed: bool,
}

impl Seen {
    fn poll(&mut self, body: &mut ReplayBody<Source>) {
        let announced = body.is_end_stream();
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_frame(&mut cx) {
            Poll::Pending => assert!(!announced, "the end was announced"),
            Poll::Ready(None) => self.complete |= !self.failed,
            Poll::Ready(Some(Err(_))) => {
                assert!(!self.complete, "an error after the end");
                self.failed = true;
            }
            Poll::Ready(Some(Ok(frame))) => {
                assert!(!announced && !self.complete && !self.failed, "a frame after the end");
                self.bytes.extend_from_slice(frame.data_ref().expect("there are no trailers"));
            }
        }
    }

    fn check(&self, whole: &[u8]) {
        assert!(whole.starts_with(&self.bytes), "bytes that nobody sent");
        assert!(!self.complete || self.bytes == whole, "an end that is none");
    }
}

/// The first byte is the cap, then come frames up to a zero byte, then operations.
pub(crate) fn check(input: &[u8]) {
    let Some((&cap, rest)) = input.split_first() else { return };
    let split = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
    let (frames, operations) = (&rest[..split], rest.get(split + 1..).unwrap_or_default());
    let frames: VecDeque<_> =
        frames.iter().take(64).map(|b| (b % 8 != 0).then_some(usize::from(b / 8))).collect();
    let whole: Vec<u8> = (0..frames.iter().flatten().sum()).map(|i: usize| i as u8).collect();
    let (first, replay) = ReplayBody::tee(Source { frames, next_byte: 0 }, usize::from(cap));
    play(first, replay, operations, &whole, usize::from(cap));
}

fn play(
    first: ReplayBody<Source>,
    replay: Option<Replay<Source>>,
    operations: &[u8],
    whole: &[u8],
    cap: usize,
) {
    let (mut first, mut replay, mut second) = (Some(first), replay, None);
    let (mut of_first, mut of_second) = (Seen::default(), Seen::default());
    let (mut frozen, mut taken) = (false, false);
    for operation in operations.iter().take(256) {
        match operation % 8 {
            // Polls are what happens most.
            0..=2 => {
                let before = of_first.bytes.len();
                if let Some(body) = &mut first {
                    of_first.poll(body);
                }
                assert!(!(frozen && of_first.bytes.len() > before), "a frozen body flows");
                assert!(!(taken && of_first.bytes.len() > before), "a source with two readers");
            }
            3 => {
                if let Some(body) = &mut second {
                    of_second.poll(body);
                }
            }
            4 => frozen = replay.as_ref().map_or(frozen, |replay| replay.freeze().is_ok()),
            5 => {
                if let Some(replay) = &replay {
                    replay.thaw();
                    frozen = false;
                }
            }
            6 => {
                if let Some(replay) = replay.take() {
                    frozen = false;
                    match replay.take_over() {
                        Ok(body) => {
                            assert!(of_first.bytes.len() <= cap, "more was kept than the cap");
                            (second, taken) = (Some(body), true);
                        }
                        Err(_) => assert!(of_first.bytes.len() > cap, "refused below the cap"),
                    }
                }
            }
            _ => {
                if operation & 8 == 0 {
                    first = None;
                } else {
                    replay = None;
                    frozen = false;
                }
            }
        }
    }
    finish(first, &mut of_first, frozen);
    finish(second, &mut of_second, false);
    of_first.check(whole);
    of_second.check(whole);
    // Whoever took over can send everything, whatever happened before.
    assert!(!taken || of_second.complete, "the second send lost its end");
}

/// To the end; every pending poll uses up a frame of the script.
fn finish(body: Option<ReplayBody<Source>>, seen: &mut Seen, frozen: bool) {
    let Some(mut body) = body else { return };
    for _ in 0..200 {
        if seen.complete || seen.failed || frozen {
            return;
        }
        seen.poll(&mut body);
    }
    panic!("a body without end");
}
