//! The token slot: one value that all requests read, refreshed by one task at a time.

mod acquire;
mod builder;
mod entry;
mod events;
mod flight;
mod header;
mod issued;
mod keep_fresh;
mod refusals;
mod rotation;
mod schedule;
mod sent;
mod status;
mod target;
mod trigger;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use self::builder::Settings;
pub use self::builder::SlotBuilder;
use self::entry::Entry;
use self::entry::Guidance;
pub use self::entry::{Generation, IssuedToken};
use self::flight::shared::{SettledFlights, Shared};
use self::flight::state::FlightState;
use self::header::{attach, attach_as};
use self::issued::IssuedTokens;
pub use self::keep_fresh::KeepFresh;
use self::sent::Mark;
pub use self::sent::Sent;
pub use self::status::{Changes, State, Status};
pub use self::target::Target;
use self::trigger::Trigger;
use super::sync;
use crate::clock::AnyClock;
use crate::error::Error;
use crate::origin::{ForeignLog, Origins};
use crate::sharding::Shard;
use crate::source::{DynSource, TokenSource};

/// Holds a token and keeps it good. Cheap to clone; clones share one token.
///
/// - *Fresh*: the token is handed out without a lock, an await or an allocation.
/// - *Stale* (in its refresh window): it is still handed out, and one flight refreshes it meanwhile.
/// - *Expired or empty*: callers wait for the one flight, no longer than the acquire limit.
///
/// Failed flights are remembered and cool down; a failed refresh leaves a valid token in use. When
/// the last handle is dropped, a flight under way is aborted.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{Origins, Token, TokenSlot, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), oauth_core::Error> {
/// let slot = TokenSlot::new(source_fn(|| async {
///     Ok(Token::bearer("abc")?.expires_in(Duration::from_secs(3600)))
/// }));
/// let token = slot.token().await?;
/// assert_eq!(token.header_value(), "Bearer abc");
/// assert_eq!(slot.cached().unwrap().generation(), token.generation());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenSlot {
    shared: Arc<Shared>,
}

/// What [`TokenSlot::authorize`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorized {
    /// The header is in.
    Attached(Sent),
    /// The caller's own header of that name was there and stays.
    Own,
    /// There is no token for this request yet: await [`TokenSlot::token_for`].
    Empty,
    /// The header map is full.
    Full,
}

impl TokenSlot {
    /// A slot with the default settings for tokens of this source.
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// A slot with settings.
    pub fn builder(source: impl TokenSource) -> SlotBuilder {
        SlotBuilder::new(source)
    }

    /// A slot with the default settings for tokens of this grant, fetched over the default
    /// transport.
    ///
    /// # Errors
    /// If the default transport cannot be set up.
    #[cfg(feature = "hyper-transport")]
    pub fn for_grant(grant: impl crate::grant::Grant) -> Result<Self, Error> {
        Ok(Self::new(crate::GrantSource::with_default_transport(grant)?))
    }

    fn assemble(
        source: Arc<dyn DynSource>,
        origins: Origins,
        clock: AnyClock,
        settings: Arc<Settings>,
    ) -> Self {
        static SLOTS: AtomicU64 = AtomicU64::new(0);
        let id = SLOTS.fetch_add(1, Ordering::Relaxed);
        let state = sync::Mutex::new(FlightState::new(id, settings.clone()));
        let shared = Shared {
            current: sync::Published::empty(),
            clock,
            mark: sync::AtomicU64::new(Mark::NONE.bits()),
            state,
            source,
            settings,
            origins,
            foreign: ForeignLog::default(),
            issued: IssuedTokens::default(),
            settled: SettledFlights::default(),
            id,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Where this slot's tokens may go.
    pub fn origins(&self) -> &Origins {
        &self.shared.origins
    }

    /// The token, if a valid one is there. Starts a flight when it is stale; waits for nothing.
    pub fn cached(&self) -> Option<IssuedToken> {
        let entry = self.shared.current.load_full()?;
        self.usable(&entry).then(|| IssuedToken::newest(entry))
    }

    /// Puts the token into its [header](Self::header_name), unless the caller has set one.
    ///
    /// The hot path: for a fresh token one load, one look at two coarse clocks, one probe of the
    /// header map, and no lock, await or allocation (in a header map with room).
    #[inline(always)]
    pub fn authorize(&self, headers: &mut HeaderMap) -> Authorized {
        self.authorize_in(Shard::mine(), headers)
    }

    #[doc(hidden)]
    #[inline(always)]
    pub fn authorize_in(&self, shard: Shard, headers: &mut HeaderMap) -> Authorized {
        // Before the token: read after it, it could be of a time when the hold of an older token is over,
        // and the refused token that was there then would go out.
        let mark = self.mark();
        let guard = self.shared.current.load();
        let fresh = match &*guard {
            Some(entry) if !mark.is_guided() && entry.fresh.is_ahead() => {
                Some((entry.header(shard), Sent::plainly(entry.generation, mark)))
            }
            _ => None,
        };
        // Given back before the header is put in: two atomic operations in a row cost less than
        // two that each wait for what was written in between.
        drop(guard);
        match fresh {
            Some((header, sent)) => attach(header, sent, headers),
            None => self.authorize_slowly(shard, headers),
        }
    }

    /// The same for a token whose coarse clocks say nothing: it is stale or none is there, or another header
    /// than `Authorization` carries it.
    #[inline(never)]
    fn authorize_slowly(&self, shard: Shard, headers: &mut HeaderMap) -> Authorized {
        let mark = self.mark();
        let guard = self.shared.current.load();
        let name = self.header_name();
        match &*guard {
            Some(entry) if !mark.is_guided() && self.usable(entry) => {
                let sent = Sent::plainly(entry.generation, mark);
                attach_as(name, entry.header(shard), sent, headers)
            }
            // A caller that brings its own header must not wait for ours.
            _ if headers.contains_key(name) => Authorized::Own,
            _ => Authorized::Empty,
        }
    }

    /// The header that carries this slot's tokens: `Authorization`, unless the source or the
    /// [builder](SlotBuilder::header) says otherwise.
    pub fn header_name(&self) -> &HeaderName {
        self.other_header().unwrap_or(&header::USUAL)
    }

    /// The header that carries this slot's tokens, if it is not `Authorization`. For adapters.
    #[doc(hidden)]
    #[inline]
    pub fn other_header(&self) -> Option<&HeaderName> {
        self.shared.settings.header.as_ref()
    }

    /// Calls this with the scheme of the slot's token; with `Bearer` while there is none.
    pub(crate) fn with_scheme<T>(&self, look: impl FnOnce(Option<&str>) -> T) -> T {
        match &*self.shared.current.load() {
            Some(entry) => look(entry.token.scheme()),
            None => look(Some("Bearer")),
        }
    }

    /// Puts a token that was waited for into its [header](Self::header_name): the slot's if it is at
    /// least as new and valid, else `issued`, unless that has ended meanwhile. Where the slot had chosen
    /// this one and no other, it is this one.
    pub fn authorize_with(&self, issued: &IssuedToken, headers: &mut HeaderMap) -> Authorized {
        let guard = self.shared.current.load();
        // An older one may still be there: the refused one, next to a refresh without any life.
        let newest = guard
            .as_ref()
            .filter(|_| issued.guidance != Guidance::Predecessor)
            .filter(|entry| entry.generation.number >= issued.generation().number)
            .filter(|entry| self.usable(entry));
        let given = &issued.entry;
        let entry = match newest {
            Some(entry) => entry,
            // A token without any life left is for those that waited for it.
            None if given.single_use() || given.valid(self.shared.clock.now()) => given,
            None if headers.contains_key(self.header_name()) => return Authorized::Own,
            None => return Authorized::Empty,
        };
        let sent = self.sent_with(entry, issued.guidance);
        attach_as(self.header_name(), entry.header(Shard::mine()), sent, headers)
    }

    /// Whether this token may be attached now; a stale one gets a flight on the way.
    #[inline(always)]
    fn usable(&self, entry: &Entry) -> bool {
        entry.fresh.is_ahead() || self.usable_by_the_clock(entry)
    }

    #[inline(never)]
    fn usable_by_the_clock(&self, entry: &Entry) -> bool {
        let now = self.shared.clock.now();
        if now < entry.times.stale_at {
            return true;
        }
        let valid = entry.valid(now);
        if valid {
            // No one waits for it here, and its failure is remembered by the state.
            let _ = self.start_flight(Trigger::Age, None, None);
        }
        valid
    }

    /// A valid token: the one that is there, or the next one.
    ///
    /// Where nothing failed and only the [least time](SlotBuilder::least_interval) between two
    /// flights is in the way, because the last token had little or no life, it waits for the next
    /// flight.
    ///
    /// # Errors
    /// What the flight failed with, for all its waiters alike; the remembered failure, with
    /// [`Error::retry_after`], while it cools down; a time-out after the acquire limit, or at once,
    /// with [`Error::retry_after`], when the next flight would start after it; a clear error outside
    /// of a Tokio runtime.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing for others: the flight goes on, one that is yet to start
    /// as well.
    pub async fn token(&self) -> Result<IssuedToken, Error> {
        match self.cached() {
            Some(token) => Ok(token),
            None => self.acquire(Trigger::Age, None, None).await,
        }
    }

    /// Fetches the first token ahead of the first request, with one attempt, so that a service
    /// with a wrong configuration fails at its start and not at its first call.
    ///
    /// # Errors
    /// As [`token`](Self::token), after the first failed attempt.
    ///
    /// # Cancel safety
    /// As [`token`](Self::token).
    pub async fn prefetch(&self) -> Result<IssuedToken, Error> {
        match self.cached() {
            Some(token) => Ok(token),
            None => self.acquire(Trigger::Prefetch, None, None).await,
        }
    }

    /// Whether this is the header value of a token that this slot has issued, one of the last 256. For adapters.
    #[doc(hidden)]
    pub fn has_issued(&self, header: &HeaderValue) -> bool {
        self.shared.issued.contains(header)
    }

    /// What went to, or came from, origins that the token was not made for.
    pub(crate) fn foreign(&self) -> &ForeignLog {
        &self.shared.foreign
    }
}

impl fmt::Debug for TokenSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSlot").field("status", &self.status()).finish_non_exhaustive()
    }
}
