//! A request body that can be sent a second time.
//!
//! A `401` may ask for the same request again, and most bodies can be read only once. [`ReplayBody`]
//! is handed to the first send and keeps what passes through it, lazily and up to a cap, while
//! [`Replay`], the other end, waits with the response future:
//!
//! * Nothing is kept for a body without content, or for one that says itself that it is over the cap.
//! * The first frame over the cap releases what was kept. The first send goes on; only the replay is
//!   given up, with a [`ReplayRefused`] that says why.
//! * The answer may come before the body has ended. [`Replay::freeze`] stops the first send,
//!   [`Replay::thaw`] lets it go on, and [`Replay::take_over`] gives what was kept and the rest of the
//!   source to the second send. Whichever send pulls a frame out of the source, the second one yields
//!   each byte once and in order.
//!
//! # What is the same as with the bare body
//!
//! Backpressure, `size_hint` (so `content-length` stays), `is_end_stream`, trailers, and the frames of
//! the first send. `Bytes` are shared and not copied; other `Buf` types are turned into `Bytes` once.
//! The second send has the same bytes and trailers, but may have them in other frames: empty ones are
//! left out, and many small ones are joined, so that a cap on bytes is also a cap on memory.
//!
//! # What it costs
//!
//! [`ReplayBody::plain`] and [`ReplayBody::default`] allocate nothing. A tee allocates twice (the state
//! that the two ends share, the pinned source), once more when there is a second frame to keep, and a
//! box for trailers; a `Bytes` made of a `Vec` adds its own reference count. Each frame takes one lock,
//! which is contended only in the moment of the verdict.
//!
//! # What it asks of the body
//!
//! It is polled under that lock: `poll_frame` must not block, which no future may, for `freeze` would
//! wait for it.

/// How much of a body both adapters keep, unless they are told otherwise.
pub const DEFAULT_CAP: usize = 64 * 1024;

mod body;
mod buffer;
mod choice;
mod error;
mod keeper;
mod shared;

pub use self::body::ReplayBody;
pub use self::choice::ReplayChoice;
pub use self::error::{ReplayError, ReplayRefused};
pub use self::keeper::Replay;
