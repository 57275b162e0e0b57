//! Which token a request was sent with, and what was known about it at the time.

use std::num::NonZeroU64;

use super::entry::Generation;

/// What a request was sent with, from [`TokenSlot::authorize`](super::TokenSlot::authorize). An adapter
/// keeps it until the response arrives and hands it back with the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub(super) generation: Generation,
    /// The slot's mark at the time, with the flags of this request.
    pub(super) mark: Mark,
}

impl Sent {
    #[inline(always)]
    pub(super) fn plainly(generation: Generation, mark: Mark) -> Self {
        Self { generation, mark }
    }

    /// For a refusal of which only the token is known.
    pub(super) fn unknown(generation: Generation) -> Self {
        // As if the token had been accepted, so that the refusal counts.
        Self::plainly(generation, Mark::accepted(generation.number.get()))
    }

    /// Returns which token it was.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether the token was accepted before and nothing depends on its next acceptance, so that a success
    /// need not be reported. True for most requests.
    #[inline(always)]
    pub fn is_settled(&self) -> bool {
        self.mark.is_settled(self.generation.number)
    }

    /// Marks a request whose success says nothing about the token: an OPTIONS, which servers respond to
    /// without a look at it.
    #[cold]
    #[must_use]
    pub fn without_weight(self) -> Self {
        Self { mark: Mark(self.mark.0 | Mark::MUTE), ..self }
    }

    /// The same request after its response showed that the token was accepted; what the response says next
    /// counts as later.
    #[cold]
    #[must_use]
    pub fn once_accepted(self) -> Self {
        Self { mark: Mark::accepted(self.generation.number.get()), ..self }
    }

    /// Marks a second send, which is never settled.
    #[must_use]
    pub fn as_second(self) -> Self {
        Self { mark: Mark(self.mark.0 | Mark::SECOND), ..self }
    }

    /// Whether this is a second send.
    #[inline(always)]
    pub fn is_second(&self) -> bool {
        self.mark.0 & Mark::SECOND != 0
    }

    /// Whether its success means that the token was accepted.
    pub(super) fn has_weight(&self) -> bool {
        self.mark.0 & Mark::MUTE == 0
    }

    /// Marks a trial of a token that the API refused and may know by now.
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

/// The newest accepted generation in the upper bits, and flags of the slot and of a request in the lower
/// ones: one number that each request reads and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) const NONE: Self = Self(0);
    /// Requests must take the lock: some are held, or get the predecessor.
    const GUIDED: u64 = 1;
    /// Something depends on which target accepts the token.
    const WATCHED: u64 = 2;
    /// Of a request: it is a trial.
    const TRIAL: u64 = 4;
    /// Of a request: its success says nothing.
    const MUTE: u64 = 8;
    /// Of a request: it is a second send.
    const SECOND: u64 = 16;
    /// The flight for which requests are held, modulo the range of these bits; zero for none.
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
