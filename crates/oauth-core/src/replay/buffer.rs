//! What the first send has pulled, kept for the second.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;

use super::ReplayRefused;

/// This many chunks are kept as they came. Each may keep a much larger allocation alive, and costs more
/// than itself when it is tiny, so that small ones beyond are copied together.
const CHUNKS_KEPT_WHOLE: usize = 32;

/// Chunks below this size are small.
const SMALL_CHUNK: usize = 1024;

/// A joined chunk takes no more once it has this size.
const JOINED_CHUNK: usize = 8 * 1024;

/// What a trailer field counts besides its name and value, as in RFC 9113 §6.5.2; the map counts one.
const FIELD_OVERHEAD: usize = 32;

enum Piece {
    Whole(Bytes),
    Joined(BytesMut),
    Trailers(Box<HeaderMap>),
}

/// Frames in the order in which they were pulled, never more than the cap.
pub(super) struct Buffer {
    /// Most bodies are one chunk, which needs no allocation here.
    head: Option<Piece>,
    rest: VecDeque<Piece>,
    /// Bytes of data in `head` and `rest`.
    data: u64,
    /// What is left of the cap.
    left: usize,
}

impl Buffer {
    pub(super) fn new(cap: usize) -> Self {
        Self { head: None, rest: VecDeque::new(), data: 0, left: cap }
    }

    /// Keeps a copy of the frame. After an error the buffer is of no use.
    pub(super) fn push(&mut self, frame: &Frame<Bytes>) -> Result<(), ReplayRefused> {
        if let Some(chunk) = frame.data_ref() {
            self.charge(chunk.len())?;
            self.push_chunk(chunk);
            Ok(())
        } else if let Some(trailers) = frame.trailers_ref() {
            self.charge(weight(trailers))?;
            self.push_piece(Piece::Trailers(Box::new(trailers.clone())));
            Ok(())
        } else {
            // A second send without this frame would be another request.
            Err(ReplayRefused::UnknownFrame)
        }
    }

    pub(super) fn pop(&mut self) -> Option<Frame<Bytes>> {
        let chunk = match self.head.take().or_else(|| self.rest.pop_front())? {
            Piece::Whole(chunk) => chunk,
            Piece::Joined(chunk) => chunk.freeze(),
            Piece::Trailers(trailers) => return Some(Frame::trailers(*trailers)),
        };
        self.data = self.data.saturating_sub(chunk.len() as u64);
        Some(Frame::data(chunk))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_none() && self.rest.is_empty()
    }

    /// Bytes of data that `pop` will yield; trailers are none.
    pub(super) fn data_len(&self) -> u64 {
        self.data
    }

    fn charge(&mut self, weight: usize) -> Result<(), ReplayRefused> {
        self.left = self.left.checked_sub(weight).ok_or(ReplayRefused::OverCap)?;
        Ok(())
    }

    fn push_chunk(&mut self, chunk: &Bytes) {
        if chunk.is_empty() {
            // It would cost memory and no cap: a source of empty frames has no end.
            return;
        }
        self.data += chunk.len() as u64;
        if self.rest.len() < CHUNKS_KEPT_WHOLE || chunk.len() >= SMALL_CHUNK {
            return self.push_piece(Piece::Whole(chunk.clone()));
        }
        match self.rest.back_mut() {
            Some(Piece::Joined(joined)) if joined.len() < JOINED_CHUNK => {
                joined.extend_from_slice(chunk);
            }
            _ => self.push_piece(Piece::Joined(BytesMut::from(&chunk[..]))),
        }
    }

    fn push_piece(&mut self, piece: Piece) {
        if self.is_empty() {
            self.head = Some(piece);
        } else {
            self.rest.push_back(piece);
        }
    }
}

/// What trailers count towards the cap: something, even without a field, for they take their place.
fn weight(trailers: &HeaderMap) -> usize {
    trailers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD)
        .fold(FIELD_OVERHEAD, usize::saturating_add)
}
