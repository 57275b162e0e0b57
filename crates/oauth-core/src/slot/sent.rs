//! Which token a request was sent with, and what was known about that token then.

use std::num::NonZeroU64;

use super::entry::Generation;

/// What a request was sent with, from [`TokenSlot::authorize`](super::TokenSlot::authorize). An adapter
/// keeps it until the response is there and hands it back with what that says about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub(super) generation: Generation,
    /// As it was at the send.
    pub(super) mark: Mark,
    /// The flight for which requests were held at the send, zero for none.
    pub(super) flight: u64,
    /// It tries a token that the API has refused and may know by now.
    pub(super) trial: bool,
    pub(super) mute: bool,
}

impl Sent {
    #[inline(always)]
    pub(super) fn plainly(generation: Generation, mark: Mark) -> Self {
        Self { generation, mark, flight: 0, trial: false, mute: false }
    }

    /// A refusal of which nothing more is known than the token.
    pub(super) fn unknown(generation: Generation) -> Self {
        // As if the token had been accepted: the refusal counts.
        Self::plainly(generation, Mark::accepted(generation.number.get()))
    }

    /// Which token it was.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether the token was accepted before and nothing depends on its next acceptance: then a success
    /// needs no report. So it is for most requests.
    #[inline(always)]
    pub fn is_settled(&self) -> bool {
        self.mark.is_settled(self.generation.number)
    }

    /// Its success says nothing about the token: it was an OPTIONS, which servers answer to everybody.
    #[cold]
    #[must_use]
    pub fn without_weight(self) -> Self {
        Self { mute: true, ..self }
    }

    /// The same request, whose response first said that the token was accepted: what it says next is later.
    #[cold]
    #[must_use]
    pub fn once_accepted(self) -> Self {
        Self { mark: Mark::accepted(self.generation.number.get()), ..self }
    }

    /// Whether its success says that the token was accepted.
    pub(super) fn has_weight(&self) -> bool {
        !self.mute
    }

    pub(super) fn was_accepted(&self) -> bool {
        self.mark.accepted_up_to() >= self.generation.number.get()
    }
}

/// The newest accepted generation and two bits in one number, which each request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) const NONE: Self = Self(0);
    /// Not every request gets the slot's token at once: some are held, or get its predecessor.
    const GUIDED: u64 = 1;
    /// Something depends on who accepts the token.
    const WATCHED: u64 = 2;
    const BITS: u32 = 2;

    pub(super) fn accepted(number: u64) -> Self {
        Self(number << Self::BITS)
    }

    pub(super) fn with(self, guided: bool, watched: bool) -> Self {
        let bit = |set: bool, bit| if set { bit } else { 0 };
        Self(self.0 | bit(guided, Self::GUIDED) | bit(watched, Self::WATCHED))
    }

    #[inline(always)]
    pub(super) fn of(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) fn is_guided(self) -> bool {
        self.0 & Self::GUIDED != 0
    }

    #[inline(always)]
    pub(super) fn is_settled(self, number: NonZeroU64) -> bool {
        self.0 == number.get() << Self::BITS
    }

    fn accepted_up_to(self) -> u64 {
        self.0 >> Self::BITS
    }
}
