//! The state between the first body and the handle of its replay.
//!
//! Everything happens under one lock, so that at the time of the verdict a frame has either been pulled,
//! kept and passed to the first send, or not been pulled at all. Two rules keep the lock harmless: no waker
//! is woken under it, and what may run foreign code when it is dropped (a waker, a body, kept frames)
//! leaves the guard's scope first.

use std::mem;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::buffer::Buffer;
use super::{ReplayError, ReplayRefused};

pub(super) struct Shared<B> {
    /// `None` once the second body has it, or when it is no longer needed.
    source: Option<Pin<Box<B>>>,
    phase: Phase,
    tee: Tee,
    /// Whether the whole body's size was known before its first frame.
    sized: bool,
    /// The first body has yielded everything: seen in a poll, or at the takeover. From then on it ends
    /// normally, whatever the verdict.
    ended: bool,
    /// Of the first body, from its last pending poll. It is kept while the source is pending as well:
    /// the verdict may fall before the next poll.
    waker: Option<Waker>,
}

enum Phase {
    Flowing,
    Frozen,
    /// With what the first body still had to yield.
    TakenOver(SizeHint),
}

enum Tee {
    Keeping(Buffer),
    Refused(ReplayRefused),
    /// The handle is gone, with or without the buffer.
    Off,
}

impl Tee {
    fn replace(&mut self, tee: Tee) -> Option<Buffer> {
        match mem::replace(self, tee) {
            Tee::Keeping(buffer) => Some(buffer),
            Tee::Refused(_) | Tee::Off => None,
        }
    }
}

/// What the second body is made of.
pub(super) struct Takeover<B> {
    pub(super) buffer: Buffer,
    pub(super) source: Option<Pin<Box<B>>>,
    /// A body of unknown size is sent again as such: with a known size it would be framed differently, on
    /// HTTP/1.1 without room for its trailers.
    pub(super) sized: bool,
}

impl<B> Shared<B> {
    pub(super) fn new(source: B, cap: usize, sized: bool) -> Self {
        Self {
            sized,
            source: Some(Box::pin(source)),
            phase: Phase::Flowing,
            tee: Tee::Keeping(Buffer::new(cap)),
            ended: false,
            waker: None,
        }
    }

    /// Takes the lock. Poison becomes a refusal: a source that panicked may have lost a frame.
    fn lock(shared: &Mutex<Self>) -> MutexGuard<'_, Self> {
        shared.lock().unwrap_or_else(|poisoned| {
            let mut shared = poisoned.into_inner();
            if let Tee::Keeping(_) = shared.tee {
                shared.tee = Tee::Refused(ReplayRefused::SourceFailed);
            }
            if let Phase::Frozen = shared.phase {
                shared.phase = Phase::Flowing;
            }
            shared
        })
    }

    pub(super) fn freeze(shared: &Mutex<Self>) -> Result<(), ReplayRefused> {
        let mut shared = Self::lock(shared);
        if let Tee::Refused(reason) = shared.tee {
            return Err(reason);
        }
        shared.phase = Phase::Frozen;
        Ok(())
    }

    pub(super) fn thaw(shared: &Mutex<Self>) {
        let waker = Self::lock(shared).thawed();
        wake(waker);
    }

    /// The handle is dropped: nothing more is kept, and a frozen first body resumes.
    pub(super) fn abandon(shared: &Mutex<Self>) {
        let (_buffer, waker) = {
            let mut shared = Self::lock(shared);
            (shared.tee.replace(Tee::Off), shared.thawed())
        };
        wake(waker);
    }

    /// The first body is dropped. The source stays while a replay may still continue it.
    pub(super) fn drop_first(shared: &Mutex<Self>) {
        let _released = {
            let mut shared = Self::lock(shared);
            let source = match shared.tee {
                Tee::Keeping(_) => None,
                Tee::Refused(_) | Tee::Off => shared.source.take(),
            };
            (source, shared.waker.take())
        };
    }

    fn thawed(&mut self) -> Option<Waker> {
        match self.phase {
            Phase::Frozen => {
                self.phase = Phase::Flowing;
                self.waker.take()
            }
            Phase::Flowing | Phase::TakenOver(_) => None,
        }
    }
}

impl<B: Body> Shared<B> {
    /// Whether the first body has nothing left to pull.
    fn at_end(&self) -> bool {
        self.ended || self.source.as_ref().is_some_and(|source| source.is_end_stream())
    }

    pub(super) fn is_end_stream(shared: &Mutex<Self>) -> bool {
        Self::lock(shared).at_end()
    }

    pub(super) fn size_hint(shared: &Mutex<Self>) -> SizeHint {
        let shared = Self::lock(shared);
        match (&shared.phase, &shared.source) {
            _ if shared.ended => SizeHint::with_exact(0),
            // `Copy` only since http-body 1.1.
            (Phase::TakenOver(owed), _) => SizeHint::clone(owed),
            (_, Some(source)) => source.size_hint(),
            (_, None) => SizeHint::new(),
        }
    }

    pub(super) fn take_over(shared: &Mutex<Self>) -> Result<Takeover<B>, ReplayRefused> {
        let (takeover, waker) = {
            let mut shared = Self::lock(shared);
            let buffer = match mem::replace(&mut shared.tee, Tee::Off) {
                Tee::Keeping(buffer) => buffer,
                Tee::Refused(reason) => {
                    shared.tee = Tee::Refused(reason);
                    return Err(reason);
                }
                Tee::Off => unreachable!("only the handle turns the tee off, when it goes"),
            };
            shared.ended = shared.at_end();
            let source = shared.source.take();
            let owed = source.as_ref().map_or_else(SizeHint::new, |source| source.size_hint());
            shared.phase = Phase::TakenOver(owed);
            let sized = shared.sized;
            (Takeover { buffer, source, sized }, shared.waker.take())
        };
        // The first body must be polled to get its error, or its connection would wait forever.
        wake(waker);
        Ok(takeover)
    }

    /// Polls on behalf of the first body. `overtaken` is whether it has had its error.
    pub(super) fn poll_first(
        shared: &Mutex<Self>,
        overtaken: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayError>>>
    where
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // Declared before the guard, so that they are dropped after it.
        let (_waker, _buffer, _source);
        let mut shared = Self::lock(shared);
        match shared.phase {
            _ if shared.ended => return Poll::Ready(None),
            Phase::Flowing => {}
            Phase::Frozen if shared.at_end() => return Poll::Ready(None),
            Phase::Frozen => {
                _waker = shared.register(cx);
                return Poll::Pending;
            }
            Phase::TakenOver(_) if *overtaken => return Poll::Ready(None),
            Phase::TakenOver(_) => {
                *overtaken = true;
                return Poll::Ready(Some(Err(ReplayError::taken_over())));
            }
        }
        let Some(source) = shared.source.as_mut() else {
            return Poll::Ready(None);
        };
        let Poll::Ready(polled) = poll_source(source.as_mut(), cx) else {
            _waker = shared.register(cx);
            return Poll::Pending;
        };
        match &polled {
            Some(Ok(frame)) => {
                if let Tee::Keeping(buffer) = &mut shared.tee {
                    if let Err(reason) = buffer.push(frame) {
                        _buffer = shared.tee.replace(Tee::Refused(reason));
                    }
                }
            }
            Some(Err(_)) => {
                if let Tee::Keeping(_) = shared.tee {
                    _buffer = shared.tee.replace(Tee::Refused(ReplayRefused::SourceFailed));
                }
            }
            None => {
                shared.ended = true;
                // Not every body can be polled after its end, so the second one must not do it.
                _source = shared.source.take();
            }
        }
        Poll::Ready(polled)
    }

    /// Remembers whom to wake; returns what it replaces, to be dropped without the lock.
    fn register(&mut self, cx: &mut Context<'_>) -> Option<Waker> {
        self.waker.replace(cx.waker().clone())
    }
}

/// One frame of the source, its data as `Bytes`.
pub(super) fn poll_source<B>(
    source: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, ReplayError>>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Poll::Ready(match ready!(source.poll_frame(cx)) {
        // For `Bytes` this is a reference, for a chain a copy.
        Some(Ok(frame)) => {
            Some(Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))))
        }
        Some(Err(error)) => Some(Err(ReplayError::source(error))),
        None => None,
    })
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
