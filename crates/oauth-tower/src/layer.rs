//! The layer: settings, without effect until it wraps a service.

use std::sync::Arc;

use http::{Extensions, Uri, response};
use oauth_core::adapter::Policy;
use oauth_core::adapter::Sharded;
use oauth_core::replay::Buffered;
use oauth_core::{OnForeignOrigin, Origin, Origins, TokenSlot, Verdict};
use tower_layer::Layer;

use crate::guard::GuardLayer;
use crate::service::OAuth;

/// Attaches a slot's token to requests, and handles a 401 with one refresh and one replay.
///
/// `R` is the replay strategy: [`Buffered`] unless [`replay`](Self::replay) chooses another.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{Origins, StaticToken, Token, TokenSlot};
/// use oauth_tower::OAuthLayer;
///
/// let slot = TokenSlot::builder(StaticToken::new(Token::bearer("abc")?))
///     .origins(Origins::parse(["https://api.example.com"])?)
///     .build();
/// let layer = OAuthLayer::new(slot);
/// # drop(layer);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct OAuthLayer<R = Buffered> {
    policy: Arc<Policy>,
    strategy: R,
}

impl OAuthLayer {
    /// Creates a layer with the defaults: the slot's origins; requests for others pass without a token;
    /// replay of bodies of up to 64 KiB.
    pub fn new(slot: TokenSlot) -> Self {
        let layer = Self { policy: Arc::new(Policy::new(slot)), strategy: Buffered::default() };
        #[cfg(any(feature = "tower-http-06", feature = "tower-http-07"))]
        let layer = layer.with(crate::follower::set_response_uri);
        layer
    }
}

impl<R> OAuthLayer<R> {
    /// Sets how bodies are sent twice: [`Buffered`], [`Buffered::into_body`],
    /// [`CloneBody`](crate::CloneBody) or [`NoReplay`](crate::NoReplay).
    pub fn replay<R2>(self, strategy: R2) -> OAuthLayer<R2> {
        OAuthLayer { policy: self.policy, strategy }
    }

    /// Sets where tokens may go. Default: the slot's origins.
    pub fn origins(self, origins: Origins) -> Self {
        self.with(|policy| policy.set_origins(origins))
    }

    /// Sets where the inner service sends requests whose URI has no authority: a layer around a tonic
    /// `Channel` sees only such URIs. Without it they are an error.
    pub fn inner_origin(self, origin: Origin) -> Self {
        self.with(|policy| policy.set_inner_origin(origin))
    }

    /// Sets what happens to requests for origins that the token is not for. Default: they pass without a
    /// token.
    pub fn on_foreign_origin(self, choice: OnForeignOrigin) -> Self {
        self.with(|policy| policy.set_on_foreign_origin(choice))
    }

    /// Overrules the verdict on responses, for an API that reports expiry with a 403 or a gateway that
    /// challenges an expired token only with `Basic`. It gets the head of every response to a request with
    /// our token, and our verdict; it must not block. Without it:
    /// [`verdict`](oauth_core::adapter::verdict).
    ///
    /// ```
    /// use oauth_core::Verdict;
    /// # use oauth_core::{StaticToken, Token, TokenSlot};
    /// # let slot = TokenSlot::new(StaticToken::new(Token::bearer("abc")?));
    /// use oauth_tower::OAuthLayer;
    ///
    /// let expired = [403, 419]; // From the configuration, say.
    /// let layer = OAuthLayer::new(slot).verdict(move |response, ours| {
    ///     if expired.contains(&response.status.as_u16()) { Verdict::Replace } else { ours }
    /// });
    /// # drop(layer);
    /// # Ok::<(), oauth_core::Error>(())
    /// ```
    pub fn verdict(
        self,
        overrule: impl Fn(&response::Parts, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.with(|policy| policy.set_verdict(overrule))
    }

    /// Sets how to find where a response came from, if a layer below follows redirects. One from another origin than
    /// the request's is recorded as [`Outcome::RedirectedAway`](oauth_core::Outcome::RedirectedAway), and
    /// a 401 from there says nothing about the token and is delivered. One to another URI of the same
    /// origin is delivered as well, unless the method is GET, HEAD or OPTIONS: the request may have been
    /// acted on before the redirect.
    ///
    /// A [`guard`](Self::guard) provides the same without this setting, also for a redirect to the same
    /// URI, and keeps the token from going elsewhere. It also distinguishes a redirect from a layer above
    /// the follower that rewrites URIs: without a guard that counts as a redirect.
    ///
    /// Costs a request without replay that does not go to the first declared origin one allocation,
    /// for its URI.
    ///
    /// With tower-http's `FollowRedirect`, `.response_uri(|ext| ext.get::<RequestUri>().map(|uri| &uri.0))`.
    /// With the feature `tower-http-06` or `tower-http-07` that is the default.
    pub fn response_uri(self, uri: fn(&Extensions) -> Option<&Uri>) -> Self {
        self.with(|policy| policy.set_response_uri(uri))
    }

    /// Returns a layer for the place directly around the client, below everything that follows redirects or
    /// rewrites URLs: it removes this layer's token from a request that is not for its origins, and records
    /// redirects for the layer. It copies the origins, so set them before.
    pub fn guard(&self) -> GuardLayer {
        self.policy.set_guarded();
        GuardLayer::new(self.policy.clone())
    }

    pub(crate) fn with(mut self, set: impl FnOnce(&mut Policy)) -> Self {
        set(Arc::make_mut(&mut self.policy));
        self
    }
}

impl<S, R: Clone> Layer<S> for OAuthLayer<R> {
    type Service = OAuth<S, R>;

    fn layer(&self, inner: S) -> OAuth<S, R> {
        let policy = Sharded::new(|| Arc::new(Policy::clone(&self.policy)));
        OAuth { inner, policy: Arc::new(policy), strategy: self.strategy.clone() }
    }
}

impl<S> OAuth<S, Buffered> {
    /// A service around `inner` with the defaults of [`OAuthLayer::new`]; the layer has the settings.
    pub fn new(inner: S, slot: TokenSlot) -> Self {
        OAuthLayer::new(slot).layer(inner)
    }
}
