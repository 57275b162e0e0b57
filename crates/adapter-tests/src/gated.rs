//! A request body that stops in the middle until it is released.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use oauth_core::BoxError;
use tokio::sync::oneshot;

const PIECE: usize = 7000;

/// Opened by its drop as well.
pub type Gate = oneshot::Sender<()>;

pub struct Gated {
    data: Bytes,
    at: usize,
    /// After how many bytes the body stands still, and what it waits for there.
    gate: Option<(usize, oneshot::Receiver<()>)>,
    trailers: Option<HeaderMap>,
    announced: bool,
    fails: bool,
    ended: bool,
}

impl Gated {
    /// All of it, in pieces of unknown number.
    pub fn new(data: Bytes) -> Self {
        Self {
            data,
            at: 0,
            gate: None,
            trailers: None,
            announced: false,
            fails: false,
            ended: false,
        }
    }

    /// Says how long it is.
    pub fn announced(mut self) -> Self {
        self.announced = true;
        self
    }

    pub fn trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// Ends with an error.
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }

    /// Stands still after that many bytes, be it before its end or its trailers.
    pub fn gated(mut self, after: usize) -> (Self, Gate) {
        let (open, gate) = oneshot::channel();
        self.gate = Some((after, gate));
        (self, open)
    }
}

impl Body for Gated {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut end = self.data.len().min(self.at + PIECE);
        let at = self.at;
        if let Some((after, gate)) = &mut self.gate {
            if *after == at {
                // A sender that was dropped has opened it.
                let _ = ready!(Pin::new(gate).poll(cx));
                self.gate = None;
            } else {
                end = end.min(*after);
            }
        }
        if at < end {
            self.at = end;
            return Poll::Ready(Some(Ok(Frame::data(self.data.slice(at..end)))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        self.ended = true;
        if std::mem::take(&mut self.fails) {
            return Poll::Ready(Some(Err("torn".into())));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        let nothing_left = self.at == self.data.len() && self.trailers.is_none() && !self.fails;
        self.ended || (self.announced && self.gate.is_none() && nothing_left)
    }

    fn size_hint(&self) -> SizeHint {
        match self.announced {
            true => SizeHint::with_exact((self.data.len() - self.at) as u64),
            false => SizeHint::default(),
        }
    }
}
