//! What the first send pulled, kept for the second.

use std::collections::VecDeque;

use bytes::Bytes;
use http_body::Frame;

use super::ReplayRefused;
use super::trailers::{Trailers, weight};

/// The size of a block, where the cap leaves room for it and no larger chunk fills it at once.
const BLOCK: usize = 8 * 1024;

/// A copy of the frames, in the order in which they were pulled, never more than the cap.
///
/// A copy, because `Bytes` may be a slice of an allocation of any size and keep all of it alive without
/// showing it. Chunks are copied into blocks, which never grow, and a block is no larger than what is left
/// of the cap, so all blocks together have no more capacity than the cap.
pub(super) struct Buffer {
    /// Most bodies are one chunk, which needs no queue.
    first: Vec<u8>,
    rest: VecDeque<Vec<u8>>,
    /// Bytes of data in `first` and `rest`.
    data: u64,
    /// They are the last frame.
    trailers: Option<Trailers>,
    /// What is left of the cap.
    left: usize,
}

impl Buffer {
    pub(super) fn new(cap: usize) -> Self {
        Self { first: Vec::new(), rest: VecDeque::new(), data: 0, trailers: None, left: cap }
    }

    /// Keeps a copy of the frame. After an error the buffer is of no use.
    pub(super) fn push(&mut self, frame: &Frame<Bytes>) -> Result<(), ReplayRefused> {
        match (frame.data_ref(), frame.trailers_ref()) {
            // It would cost memory without counting towards the cap, and empty frames may never end.
            (Some(chunk), _) if chunk.is_empty() => Ok(()),
            // No protocol allows frames after the trailers.
            _ if self.trailers.is_some() => Err(ReplayRefused::UnknownFrame),
            (Some(chunk), _) => {
                self.charge(chunk.len())?;
                self.copy(chunk);
                Ok(())
            }
            (_, Some(trailers)) => {
                self.charge(weight(trailers))?;
                self.trailers = Some(Trailers::copy(trailers));
                Ok(())
            }
            // A second send without this frame would be another request.
            (None, None) => Err(ReplayRefused::UnknownFrame),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Frame<Bytes>> {
        let block = match self.first.is_empty() {
            false => Some(std::mem::take(&mut self.first)),
            true => self.rest.pop_front(),
        };
        let Some(block) = block else {
            return self.trailers.take().map(|trailers| Frame::trailers(trailers.to_map()));
        };
        self.data = self.data.saturating_sub(block.len() as u64);
        Some(Frame::data(block.into()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.data == 0 && self.trailers.is_none()
    }

    /// The bytes of data that `pop` will yield, without trailers.
    pub(super) fn data_len(&self) -> u64 {
        self.data
    }

    fn charge(&mut self, weight: usize) -> Result<(), ReplayRefused> {
        self.left = self.left.checked_sub(weight).ok_or(ReplayRefused::OverCap)?;
        Ok(())
    }

    /// The chunk has been charged to the cap already.
    fn copy(&mut self, chunk: &[u8]) {
        if self.data == 0 {
            // As large as the chunk: most bodies are one.
            self.first = chunk.to_vec();
        } else {
            let last = self.rest.back_mut().unwrap_or(&mut self.first);
            let fits = chunk.len().min(last.capacity() - last.len());
            let (fits, more) = chunk.split_at(fits);
            last.extend_from_slice(fits);
            if !more.is_empty() {
                let room = BLOCK.min(more.len() + self.left).max(more.len());
                let mut block = Vec::with_capacity(room);
                block.extend_from_slice(more);
                self.rest.push_back(block);
            }
        }
        self.data += chunk.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_blocks_together_have_no_more_room_than_the_cap() {
        for cap in [1, 2, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 1, 8 * BLOCK] {
            for length in [1, 2, 3, 1000, 1001, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
                let frame = Frame::data(Bytes::from(vec![7; length]));
                let mut buffer = Buffer::new(cap);
                while buffer.push(&frame).is_ok() {
                    let rest = buffer.rest.iter();
                    let room = rest.chain([&buffer.first]).map(Vec::capacity).sum::<usize>();
                    assert!(room <= cap, "{room} of {cap} in chunks of {length}");
                }
            }
        }
    }
}
