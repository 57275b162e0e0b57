//! The replay body under a history that the input spells: what its source yields, and who polls,
//! freezes, takes over or goes away, in which order.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use oauth_core::ReplayBody;
use oauth_core::replay::ReplayHandle;

/// What came of a history.
#[derive(Debug, PartialEq)]
pub(crate) enum Played {
    /// No one asked for a second send.
    Once,
    Refused,
    TakenOver,
}

#[derive(Clone, Copy)]
enum Step {
    Data(usize),
    Wait,
    Trailers,
    Fail,
}

struct Source {
    steps: VecDeque<Step>,
    next_byte: u8,
    knows_size: bool,
}

impl Source {
    fn left(&self) -> usize {
        self.steps.iter().map(|step| if let Step::Data(length) = step { *length } else { 0 }).sum()
    }
}

fn trailers() -> HeaderMap {
    [(HeaderName::from_static("x-sum"), HeaderValue::from_static("1"))].into_iter().collect()
}

/// As the documentation of [`ReplayBody::tee`] counts them.
const WEIGHT_OF_TRAILERS: usize = "x-sum".len() + "1".len() + 32 + 32;

impl Body for Source {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(trailers())))),
            Some(Step::Fail) => Poll::Ready(Some(Err(ErrorKind::ConnectionReset.into()))),
            Some(Step::Data(length)) => {
                let start = self.next_byte;
                self.next_byte = start.wrapping_add(length as u8);
                let data: Bytes = (0..length).map(|i| start.wrapping_add(i as u8)).collect();
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.knows_size { SizeHint::with_exact(self.left() as u64) } else { SizeHint::new() }
    }
}

/// What the source has for whoever reads it to its end.
struct Whole {
    bytes: Vec<u8>,
    trailers: bool,
    fails: bool,
    knows_size: bool,
    cap: usize,
}

/// What came out of one of the bodies.
#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    trailers: bool,
    complete: bool,
    /// By the source, or because the other body took over.
    failed: bool,
    taken_over: bool,
}

impl Seen {
    fn poll(&mut self, body: &mut ReplayBody<Source>, whole: &Whole) {
        self.check_hint(body, whole);
        let announced = body.is_end_stream();
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_frame(&mut cx) {
            Poll::Pending => assert!(!announced, "the end was announced"),
            Poll::Ready(None) => self.complete |= !self.failed,
            Poll::Ready(Some(Err(error))) => {
                assert!(!announced && !self.complete, "an error after the end");
                self.failed = true;
                self.taken_over = error.is_taken_over();
            }
            Poll::Ready(Some(Ok(frame))) => {
                assert!(!announced && !self.complete && !self.failed, "a frame after the end");
                assert!(!self.trailers, "a frame after the trailers");
                match frame.into_data() {
                    Ok(data) => self.bytes.extend_from_slice(&data),
                    Err(frame) => {
                        self.trailers = true;
                        assert_eq!(frame.into_trailers().ok(), Some(trailers()));
                    }
                }
            }
        }
    }

    /// A known size stays exact, an unknown one stays unknown while something is left: a second send
    /// that is framed in another way than the first has no room for trailers on HTTP/1.1.
    fn check_hint(&self, body: &ReplayBody<Source>, whole: &Whole) {
        let hint = body.size_hint();
        let left = (whole.bytes.len() - self.bytes.len()) as u64;
        if whole.knows_size {
            assert!(self.failed || hint.exact() == Some(left), "{hint:?}, {left} left");
        } else {
            assert!(hint.lower() <= left, "{hint:?}, {left} left");
            let ended = self.complete || self.failed || body.is_end_stream();
            assert!(ended || hint.upper().is_none(), "{hint:?}, {left} left");
        }
    }

    fn check(&self, whole: &Whole) {
        assert!(whole.bytes.starts_with(&self.bytes), "bytes that nobody sent");
        let all = self.bytes == whole.bytes && self.trailers == whole.trailers;
        assert!(!self.complete || (all && !whole.fails), "an end that is none");
        let by_source = self.failed && !self.taken_over;
        assert!(!by_source || (all && whole.fails), "an error that is none");
    }

    /// What the source has yielded, as the handle counts it.
    fn weight(&self) -> usize {
        self.bytes.len() + if self.trailers { WEIGHT_OF_TRAILERS } else { 0 }
    }
}

/// The first byte is the cap, the second says what the source knows and how it ends, then come frames
/// up to a zero byte, then operations.
pub(crate) fn check(input: &[u8]) -> Played {
    let [cap, manner, rest @ ..] = input else { return Played::Once };
    let split = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
    let (frames, operations) = (&rest[..split], rest.get(split + 1..).unwrap_or_default());
    let mut steps: VecDeque<_> = frames
        .iter()
        .take(64)
        .map(|b| if b % 8 == 0 { Step::Wait } else { Step::Data(usize::from(b / 8)) })
        .collect();
    let [knows_size, with_trailers, fails] = [1, 2, 4].map(|bit| manner & bit != 0);
    steps.extend(with_trailers.then_some(Step::Trailers));
    steps.extend(fails.then_some(Step::Fail));
    let source = Source { steps, next_byte: 0, knows_size };
    let whole = Whole {
        bytes: (0..source.left()).map(|i| i as u8).collect(),
        trailers: with_trailers,
        fails,
        knows_size,
        cap: usize::from(*cap),
    };
    let (first, replay) = ReplayBody::tee(source, whole.cap);
    play(first, replay, operations, &whole)
}

fn play(
    first: ReplayBody<Source>,
    replay: Option<ReplayHandle<Source>>,
    operations: &[u8],
    whole: &Whole,
) -> Played {
    let (mut first, mut replay, mut second) = (Some(first), replay, None);
    let (mut of_first, mut of_second) = (Seen::default(), Seen::default());
    let (mut frozen, mut taken) = (false, false);
    let mut played = Played::Once;
    for operation in operations.iter().take(256) {
        match operation % 8 {
            // Polls are what happens most.
            0..=2 => {
                let before = of_first.weight();
                if let Some(body) = &mut first {
                    of_first.poll(body, whole);
                }
                assert!(!(frozen && of_first.weight() > before), "a frozen body flows");
                assert!(!(taken && of_first.weight() > before), "a source with two readers");
            }
            3 => {
                if let Some(body) = &mut second {
                    of_second.poll(body, whole);
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
                    let announced = whole.knows_size && whole.bytes.len() > whole.cap;
                    let over_cap = announced || of_first.weight() > whole.cap;
                    match replay.take_over() {
                        Ok(body) => {
                            assert!(!over_cap, "more was kept than the cap");
                            assert!(!of_first.failed, "a source that failed is sent again");
                            (second, taken) = (Some(body), true);
                            played = Played::TakenOver;
                        }
                        Err(_) => {
                            assert!(over_cap || of_first.failed, "refused without a reason");
                            played = Played::Refused;
                        }
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
    finish(first, &mut of_first, frozen, whole);
    finish(second, &mut of_second, false, whole);
    of_first.check(whole);
    of_second.check(whole);
    assert!(!of_first.taken_over || taken, "taken over by nobody");
    // Whoever took over can send everything, up to the source's own failure.
    let ended = if whole.fails { of_second.failed } else { of_second.complete };
    assert!(!taken || (ended && !of_second.taken_over), "the second send lost its end");
    played
}

/// To the end; every pending poll uses up a frame of the script.
fn finish(body: Option<ReplayBody<Source>>, seen: &mut Seen, frozen: bool, whole: &Whole) {
    let Some(mut body) = body else { return };
    for _ in 0..200 {
        if seen.complete || seen.failed || frozen {
            return;
        }
        seen.poll(&mut body, whole);
    }
    panic!("a body without end");
}
