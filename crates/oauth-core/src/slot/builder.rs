//! The slot's settings.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::TokenSlot;
use super::events::Who;
use super::schedule::{BackoffPolicy, Lifecycle};
use crate::clock::{AnyClock, Clock};
use crate::origin::Origins;
use crate::sharding::SHARDS;
use crate::source::{DynSource, TokenSource};

#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// For logs.
    pub(super) name: Option<Cow<'static, str>>,
    pub(super) lifecycle: Lifecycle,
    pub(super) backoff: BackoffPolicy,
    pub(super) attempt_timeout: Duration,
    pub(super) flight_timeout: Duration,
    pub(super) acquire_timeout: Duration,
    pub(super) least_interval: Duration,
    pub(super) hold: Duration,
    pub(super) header_shards: usize,
    /// The header that carries the token, if it is not `Authorization`.
    pub(super) header: Option<HeaderName>,
    pub(super) seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: None,
            lifecycle: Lifecycle::default(),
            backoff: BackoffPolicy::default(),
            attempt_timeout: Duration::from_secs(10),
            flight_timeout: Duration::from_secs(30),
            acquire_timeout: Duration::from_secs(30),
            least_interval: Duration::from_secs(1),
            hold: Duration::from_secs(1),
            header_shards: SHARDS,
            header: None,
            seed: None,
        }
    }
}

impl Settings {
    /// The names of the slot that has them, for logs.
    pub(super) fn who(&self, slot: u64) -> Who<'_> {
        Who { slot, client: self.name.as_deref() }
    }

    /// The defaults, shared by all slots that change none of them.
    fn shared_default() -> Arc<Self> {
        static DEFAULT: LazyLock<Arc<Settings>> = LazyLock::new(Arc::default);
        DEFAULT.clone()
    }
}

/// Settings of a [`TokenSlot`], each with a default that fits most services.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{StaticToken, Token, TokenSlot};
///
/// let source = StaticToken::new(Token::bearer("abc")?);
/// let slot = TokenSlot::builder(source)
///     .refresh_window(Duration::from_secs(60))
///     .acquire_timeout(Duration::from_secs(5))
///     .build();
/// # drop(slot);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[must_use = "a builder does nothing before `build`"]
pub struct SlotBuilder {
    source: Arc<dyn DynSource>,
    origins: Origins,
    clock: AnyClock,
    /// Shared by slots with the same settings.
    settings: Arc<Settings>,
}

impl SlotBuilder {
    pub(super) fn new(source: impl TokenSource) -> Self {
        let info = source.info();
        let mut settings = Settings::shared_default();
        if let Some(window) = info.refresh_window() {
            Arc::make_mut(&mut settings).lifecycle.window = Some(window);
        }
        if let Some(name) = info.header() {
            set_header(Arc::make_mut(&mut settings), name.clone());
        }
        Self {
            origins: info.origins().clone(),
            source: Arc::new(source),
            clock: AnyClock::System,
            settings,
        }
    }

    /// Sets the slot's name: `client` in its logs, so that two slots can be told apart. Default: none. It is
    /// not sent anywhere.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.settings().name = Some(name.into());
        self
    }

    /// Sets where the tokens may go. Default: the source's origins.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets how long before its expiry a token is refreshed. Default: the source's window. Never more than
    /// [`refresh_fraction`](Self::refresh_fraction) of its life.
    pub fn refresh_window(mut self, window: Duration) -> Self {
        self.settings().lifecycle.window = Some(window);
        self
    }

    /// Sets the largest refresh window as a fraction of a token's lifetime, 0 to 1. Default: 0.25.
    pub fn refresh_fraction(mut self, fraction: f64) -> Self {
        self.settings().lifecycle.fraction = part(fraction);
        self
    }

    /// Sets how far the refresh window may grow at random, as a fraction of itself, 0 to 1; drawn once per
    /// token. Default: 0.1.
    pub fn refresh_jitter(mut self, part_of_window: f64) -> Self {
        self.settings().lifecycle.jitter = part(part_of_window);
        self
    }

    /// Sets how long before its expiry a token is no longer attached. Default: 5 s; never more than a tenth
    /// of the token's lifetime.
    pub fn expiry_margin(mut self, margin: Duration) -> Self {
        self.settings().lifecycle.margin = margin;
        self
    }

    /// Sets the time limit of one call of the source. Default: 10 s.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.settings().attempt_timeout = limit;
        self
    }

    /// Sets the time limit of a flight with all its attempts. Default: 30 s.
    pub fn flight_timeout(mut self, limit: Duration) -> Self {
        self.settings().flight_timeout = limit;
        self
    }

    /// Sets how long a caller waits for a token. Default: 30 s.
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.settings().acquire_timeout = limit;
        self
    }

    /// Sets the minimum interval between two flights that a token's age starts. Default: 1 s. Callers
    /// without a token wait for the next one if it starts within their acquire limit.
    pub fn least_interval(mut self, interval: Duration) -> Self {
        self.settings().least_interval = interval;
        self
    }

    /// Sets how long new requests wait for a flight that the refusal of the slot's token started, counted
    /// from the flight's start, instead of being sent with a token that is known to be refused. Default: 1
    /// s; zero: they do not wait. This affects adapters only: [`TokenSlot::token`] never waits for it.
    pub fn hold_limit(mut self, limit: Duration) -> Self {
        self.settings().hold = limit;
        self
    }

    /// Caps the [wait that a token endpoint asks for](crate::Error::retry_after). Default: 5 minutes.
    pub fn retry_after_cap(mut self, cap: Duration) -> Self {
        self.settings().backoff.retry_after_cap = cap;
        self
    }

    /// Sets how many reference counts the token's header has, 1 to 4, so that threads that send at the same
    /// time do not contend for one. Default: 4. Each takes about 60 bytes per token; one is enough where
    /// few threads share the slot.
    pub fn header_shards(mut self, shards: usize) -> Self {
        self.settings().header_shards = shards.clamp(1, SHARDS);
        self
    }

    /// Sets which header carries the token. Default: the source's, or `Authorization`. A caller's own
    /// header of that name is left as it is, and so is its `Authorization` where that is another header.
    ///
    /// HTTP clients that follow redirects remove `Authorization` when they leave the origin, but no other
    /// header: use the layer's guard (`oauth-tower`) or `redirects()` (`oauth-reqwest`).
    pub fn header(mut self, name: HeaderName) -> Self {
        set_header(self.settings(), name);
        self
    }

    /// Sets the clock. Default: [`SystemClock`](crate::clock::SystemClock).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = AnyClock::Other(Arc::new(clock));
        self
    }

    /// Seeds the random draws, for repeatable tests.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings().seed = Some(seed);
        self
    }

    fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// Builds the slot. It starts nothing, so this needs no runtime.
    pub fn build(self) -> TokenSlot {
        TokenSlot::assemble(self.source, self.origins, self.clock, self.settings)
    }
}

fn set_header(settings: &mut Settings, name: HeaderName) {
    settings.header = Some(name).filter(|name| name != AUTHORIZATION);
}

/// Clamps a fraction to 0 to 1; NaN counts as 0.
fn part(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

impl fmt::Debug for SlotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotBuilder")
            .field("origins", &self.origins)
            .field("clock", &self.clock)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
