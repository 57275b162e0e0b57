//! The token slot: one value that every request reads, refreshed by one task at a time.

mod acquire;
mod builder;
mod counts;
mod cycle;
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
use self::counts::Counts;
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

/// Holds a token and keeps it fresh. Cheap to clone; clones share one token.
///
/// - *Fresh*: the token is handed out without a lock, an await or an allocation.
/// - *Stale* (in its refresh window): it is still handed out, and one flight refreshes it meanwhile.
/// - *Expired or empty*: callers wait for the one flight, at most for the acquire limit.
///
/// Failures are remembered and back off, so a struggling token endpoint is not hammered; a failed refresh
/// leaves a valid token in use. Dropping the last handle aborts a flight under way.
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
    /// The header was added.
    Attached(Sent),
    /// The request has a header of that name already, which stays.
    Own,
    /// There is no token for this request: await [`TokenSlot::token_for`].
    Empty,
    /// The header map is full.
    Full,
}

impl TokenSlot {
    /// Creates a slot with default settings for this source.
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// Starts a slot with settings.
    pub fn builder(source: impl TokenSource) -> SlotBuilder {
        SlotBuilder::new(source)
    }

    /// Creates a slot with default settings for this grant, over the default transport.
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
            counts: Counts::default(),
            issued: IssuedTokens::default(),
            settled: SettledFlights::default(),
            id,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the slot's [name](SlotBuilder::name), if it has one.
    pub fn name(&self) -> Option<&str> {
        self.shared.settings.name.as_deref()
    }

    /// Returns where this slot's tokens may go.
    pub fn origins(&self) -> &Origins {
        &self.shared.origins
    }

    /// Returns the token if there is a valid one. Starts a flight if it is stale. Does not wait.
    pub fn cached(&self) -> Option<IssuedToken> {
        let entry = self.shared.current.load_full()?;
        self.usable(&entry).then(|| IssuedToken::newest(entry))
    }

    /// Puts the token into its [header](Self::header_name), unless the caller has set one.
    ///
    /// This is the hot path. For a fresh token it takes one load, one reading of two coarse clocks and one
    /// probe of the header map; no lock, await or allocation (if the header map has room).
    #[inline(always)]
    pub fn authorize(&self, headers: &mut HeaderMap) -> Authorized {
        self.authorize_in(Shard::mine(), headers)
    }

    #[doc(hidden)]
    #[inline(always)]
    pub fn authorize_in(&self, shard: Shard, headers: &mut HeaderMap) -> Authorized {
        // Read before the token. Read after it, the mark could say that a hold is over while the token is
        // still the refused one from before, and that would be sent.
        let mark = self.mark();
        let guard = self.shared.current.load();
        let fresh = match &*guard {
            Some(entry) if !mark.is_guided() && entry.fresh.is_ahead() => {
                Some((entry.header(shard), Sent::plainly(entry.generation, mark)))
            }
            _ => None,
        };
        // Dropped before the header is added: two atomic operations in a row cost less than two with writes
        // in between.
        drop(guard);
        match fresh {
            Some((header, sent)) => attach(header, sent, headers),
            None => self.authorize_slowly(shard, headers),
        }
    }

    /// The same where the coarse clocks are inconclusive: the token is stale or missing, or is not sent in
    /// `Authorization`.
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
            // A caller with a header of its own must not wait for ours.
            _ if headers.contains_key(name) => Authorized::Own,
            _ => Authorized::Empty,
        }
    }

    /// Returns the header that carries this slot's tokens: `Authorization`, unless the source or the
    /// [builder](SlotBuilder::header) sets another.
    pub fn header_name(&self) -> &HeaderName {
        self.other_header().unwrap_or(&header::USUAL)
    }

    /// The header that carries this slot's tokens, if it is not `Authorization`. For adapters.
    #[doc(hidden)]
    #[inline]
    pub fn other_header(&self) -> Option<&HeaderName> {
        self.shared.settings.header.as_ref()
    }

    /// Calls `look` with the scheme of the slot's token, or with `Bearer` while there is none.
    pub(crate) fn with_scheme<T>(&self, look: impl FnOnce(Option<&str>) -> T) -> T {
        match &*self.shared.current.load() {
            Some(entry) => look(entry.token.scheme()),
            None => look(Some("Bearer")),
        }
    }

    /// Puts a token that was waited for into its [header](Self::header_name): the slot's token if it is at
    /// least as new and valid, else `issued`, unless that has expired meanwhile. If the slot had chosen
    /// this very token for the request, it is this one.
    pub fn authorize_with(&self, issued: &IssuedToken, headers: &mut HeaderMap) -> Authorized {
        let guard = self.shared.current.load();
        // The slot may still hold an older one: the refused one, if the refresh brought a token without a
        // lifetime.
        let newest = guard
            .as_ref()
            .filter(|_| issued.guidance != Guidance::Predecessor)
            .filter(|entry| entry.generation.number >= issued.generation().number)
            .filter(|entry| self.usable(entry));
        let given = &issued.entry;
        let entry = match newest {
            Some(entry) => entry,
            // A token without a lifetime serves the callers that waited for it.
            None if given.single_use() || given.valid(self.shared.clock.now()) => given,
            None if headers.contains_key(self.header_name()) => return Authorized::Own,
            None => return Authorized::Empty,
        };
        let sent = self.sent_with(entry, issued.guidance);
        attach_as(self.header_name(), entry.header(Shard::mine()), sent, headers)
    }

    /// Whether this token may be attached now. Starts a flight if it is stale.
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
            // Not waited for here; the state remembers its failure.
            let _ = self.start_flight(Trigger::Age, None, None);
        }
        valid
    }

    /// Returns a valid token: the current one, or the next one.
    ///
    /// If nothing failed and only the [minimum interval](SlotBuilder::least_interval) between two flights
    /// is in the way, because the last token expired at once, it waits for the next flight.
    ///
    /// # Errors
    /// The flight's error, the same for all its waiters; the remembered failure, with
    /// [`Error::retry_after`], during its cool-down; a timeout after the acquire limit, or at once, with
    /// [`Error::retry_after`], if the next flight would start after it; an error outside a Tokio runtime.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing for other callers: the flight goes on, or starts when it may.
    pub async fn token(&self) -> Result<IssuedToken, Error> {
        match self.cached() {
            Some(token) => Ok(token),
            None => self.acquire(Trigger::Age, None, None).await,
        }
    }

    /// Fetches the first token before the first request, with one attempt, so that a misconfigured service
    /// fails at start-up instead of at its first call.
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

    /// Whether this is the header value of one of the last 256 tokens of this slot. For adapters.
    #[doc(hidden)]
    pub fn has_issued(&self, header: &HeaderValue) -> bool {
        self.shared.issued.contains(header)
    }

    /// Counts what went to, or came from, origins that the token is not for.
    pub(crate) fn foreign(&self) -> &ForeignLog {
        &self.shared.counts.to_add().foreign
    }
}

impl fmt::Debug for TokenSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("TokenSlot");
        if let Some(name) = self.name() {
            out.field("name", &name);
        }
        out.field("status", &self.status()).finish_non_exhaustive()
    }
}
