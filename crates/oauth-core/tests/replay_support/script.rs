//! A body that does what its script says, and a remote that watches and feeds it.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "a module of a binary")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};

#[derive(Clone, Debug)]
pub enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Pending until the remote fires once more.
    Wait,
    Fail,
    Panic,
}

#[derive(Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

#[derive(Default)]
struct State {
    polls: usize,
    permits: usize,
    waker: Option<Waker>,
    dropped: bool,
}

pub struct Script {
    steps: VecDeque<Step>,
    knows_end: bool,
    knows_size: bool,
    ended: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Clone)]
pub struct Remote(Arc<Mutex<State>>);

impl Script {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> (Self, Remote) {
        let state = Arc::<Mutex<State>>::default();
        let script = Self {
            steps: steps.into_iter().collect(),
            knows_end: false,
            knows_size: false,
            ended: false,
            state: Arc::clone(&state),
        };
        (script, Remote(state))
    }

    pub fn knowing(mut self, end: bool, size: bool) -> Self {
        self.knows_end = end;
        self.knows_size = size;
        self
    }
}

impl Remote {
    /// Lets the body past one `Wait`.
    pub fn fire(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.permits += 1;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub fn polls(&self) -> usize {
        self.0.lock().unwrap().polls
    }

    pub fn is_dropped(&self) -> bool {
        self.0.lock().unwrap().dropped
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        assert!(!self.ended, "polled after its end");
        let state = Arc::clone(&self.state);
        let mut state = state.lock().unwrap();
        state.polls += 1;
        loop {
            return Poll::Ready(match self.steps.pop_front() {
                Some(Step::Data(chunk)) => Some(Ok(Frame::data(chunk))),
                Some(Step::Trailers(map)) => Some(Ok(Frame::trailers(map))),
                Some(Step::Wait) if state.permits > 0 => {
                    state.permits -= 1;
                    continue;
                }
                Some(Step::Wait) => {
                    self.steps.push_front(Step::Wait);
                    state.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Some(Step::Fail) => Some(Err(Broken)),
                Some(Step::Panic) => {
                    drop(state);
                    panic!("scripted")
                }
                None => {
                    self.ended = true;
                    None
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.knows_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.knows_size {
            return SizeHint::new();
        }
        SizeHint::with_exact(self.steps.iter().map(Step::len).sum::<usize>() as u64)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.state.lock().unwrap().dropped = true;
    }
}

impl Step {
    pub fn len(&self) -> usize {
        match self {
            Step::Data(chunk) => chunk.len(),
            _ => 0,
        }
    }
}

pub fn data(text: &'static str) -> Step {
    Step::Data(Bytes::from_static(text.as_bytes()))
}

pub fn trailers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}
