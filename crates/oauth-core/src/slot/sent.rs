//! Which token a request was sent with, and what was known about that token then.

use std::num::NonZeroU64;

use super::entry::Generation;

/// What a request was sent with, from [`TokenSlot::authorize`](super::TokenSlot::authorize). An adapter
/// keeps it until the response is there and hands it back with what that says about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub(super) generation: Generation,
    /// As it was at the send, and what is special about this request.
    pub(super) mark: Mark,
}

impl Sent {
    #[inline(always)]
    pub(super) fn plainly(generation: Generation, mark: Mark) -> Self {
        Self { generation, mark }
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

    /// Its success says nothing about the token: it was an OPTIONS, which servers answer to everyone.
    #[cold]
    #[must_use]
    pub fn without_weight(self) -> Self {
        Self { mark: Mark(self.mark.0 | Mark::MUTE), ..self }
    }

    /// The same request, whose response first said that the token was accepted: what it says next is later.
    #[cold]
    #[must_use]
    pub fn once_accepted(self) -> Self {
        Self { mark: Mark::accepted(self.generation.number.get()), ..self }
    }

    /// The request had been sent before. A second send is never settled.
    #[must_use]
    pub fn as_second(self) -> Self {
        Self { mark: Mark(self.mark.0 | Mark::SECOND), ..self }
    }

    /// Whether the request had been sent before.
    #[inline(always)]
    pub fn is_second(&self) -> bool {
        self.mark.0 & Mark::SECOND != 0
    }

    /// Whether its success says that the token was accepted.
    pub(super) fn has_weight(&self) -> bool {
        self.mark.0 & Mark::MUTE == 0
    }

    /// It tries a token that the API has refused and may know by now.
    pub(super) fn as_trial(self) -> Self {
        Self { mark: Mark(self.mark.0 | Mark::TRIAL), ..self }
    }

    pub(super) fn is_trial(&self) -> bool {
        self.mark.0 & Mark::TRIAL != 0
    }

    /// Whether it was sent while requests were held for this flight.
    pub(super) fn was_sent_during(&self, flight: u64) -> bool {
        self.mark.0 & Mark::HELD_FOR == Mark::held_for(flight)
    }

    pub(super) fn was_accepted(&self) -> bool {
        self.mark.accepted_up_to() >= self.generation.number.get()
    }
}

/// The newest accepted generation and, below it, what else is to be known of the slot and of a request: one
/// number, which each request reads and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) const NONE: Self = Self(0);
    /// Not every request gets the slot's token at once: some are held, or get its predecessor.
    const GUIDED: u64 = 1;
    /// Something depends on who accepts the token.
    const WATCHED: u64 = 2;
    /// Of a request: it is a trial.
    const TRIAL: u64 = 4;
    /// Of a request: its success says nothing.
    const MUTE: u64 = 8;
    /// Of a request: it had been sent before.
    const SECOND: u64 = 16;
    /// The flight for which requests are held, by turns from one to all of these bits; zero for none.
    const HELD_FOR: u64 = 0xffe0;
    const BITS: u32 = 16;

    pub(super) fn accepted(number: u64) -> Self {
        Self(number << Self::BITS)
    }

    pub(super) fn with(self, guided: bool, watched: bool, held_for: Option<u64>) -> Self {
        let bit = |set: bool, bit| if set { bit } else { 0 };
        let held_for = held_for.map_or(0, Self::held_for);
        Self(self.0 | bit(guided, Self::GUIDED) | bit(watched, Self::WATCHED) | held_for)
    }

    fn held_for(flight: u64) -> u64 {
        (flight % 0x7ff + 1) << 5
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
