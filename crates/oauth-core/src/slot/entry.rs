//! What the slot holds: a token, its generation, and when it goes stale and expires.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::schedule::Times;
use crate::clock::CoarseDeadline;
use crate::sharding::{Shard, Sharded};
use crate::token::Token;

/// Identifies a token of a slot. Opaque, for [`TokenSlot::replace`](crate::TokenSlot::replace).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Generation {
    pub(super) slot: u64,
    /// Non-zero, so that an `Option` takes no more room.
    pub(super) number: NonZeroU64,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) token: Token,
    /// The token's header value, cloned for each request.
    pub(super) headers: Sharded<HeaderValue>,
    pub(super) generation: Generation,
    pub(super) times: Times,
    /// Until when the coarse clocks vouch that it is fresh.
    pub(super) fresh: CoarseDeadline,
    pub(super) issued_at: Duration,
    /// The epoch of the credentials that it was fetched with.
    pub(super) epoch: u64,
}

impl Entry {
    #[inline(always)]
    pub(super) fn header(&self, shard: Shard) -> HeaderValue {
        self.headers.of(shard).clone()
    }

    /// Whether it had no lifetime left when it arrived: it then serves only the callers that waited for it.
    pub(super) fn single_use(&self) -> bool {
        self.token.lifetime() == Some(Duration::ZERO)
    }

    pub(super) fn valid(&self, now: Duration) -> bool {
        now < self.times.expires_at
    }
}

/// Which token a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guidance {
    Newest,
    Predecessor,
    /// The newest, to find out whether the API accepts it by now.
    Trial,
}

/// A token as the slot hands it out: the [`Token`] and its [`Generation`].
#[derive(Clone)]
pub struct IssuedToken {
    pub(super) entry: Arc<Entry>,
    pub(super) guidance: Guidance,
}

impl IssuedToken {
    pub(super) fn newest(entry: Arc<Entry>) -> Self {
        Self { entry, guidance: Guidance::Newest }
    }

    /// Returns the token's generation, for [`TokenSlot::replace`](crate::TokenSlot::replace).
    pub fn generation(&self) -> Generation {
        self.entry.generation
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.entry.token
    }
}

impl Deref for IssuedToken {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.entry.token
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("token", &self.entry.token)
            .field("generation", &self.entry.generation.number)
            .finish()
    }
}
