//! Where tokens come from.

mod context;
mod identity;
mod info;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Error;
use crate::token::Token;

pub use context::{FetchContext, FetchReason};
pub use identity::Identity;
pub use info::SourceInfo;

/// Fetches tokens. It need not cache or retry: that is the slot's work.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{Error, FetchContext, Origins, SourceInfo, Token, TokenSource};
///
/// struct Vault;
///
/// impl TokenSource for Vault {
///     async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
///         Ok(Token::bearer("from-the-vault")?.expires_in(Duration::from_secs(300)))
///     }
///
///     fn info(&self) -> SourceInfo {
///         SourceInfo::new().with_name("vault").with_origins(Origins::any_https())
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Fetches one new token. `cx` has the reason and the deadline; most sources ignore it.
    ///
    /// The slot calls it from its one flight, limits its time, and drops it when the last handle to the
    /// slot is dropped, so it may be dropped at any await. It may wait for a token of another slot. If that
    /// one's source waits for this slot, directly or through others, the wait ends at once with an error
    /// that names the circle; only waits in a task of their own are not seen.
    ///
    /// # Errors
    /// [`Error::transient`] for what may succeed on the next attempt, [`Error::permanent`] for the rest;
    /// [`Error::not_now`] if nothing is wrong but there is no other token yet.
    fn fetch(&self, cx: FetchContext) -> impl Future<Output = Result<Token, Error>> + Send;

    /// Returns what is known about the source: its name, where its tokens may go, when they should be
    /// refreshed. Default: nothing.
    ///
    /// A slot reads origins, header and refresh window when it is built, and the rest when it needs it, so
    /// an [`endpoint`](SourceInfo::endpoint) may become known later.
    fn info(&self) -> SourceInfo {
        SourceInfo::new()
    }

    /// Returns who the tokens are for, if they may be shared among sources with the same identity, also in
    /// other processes. Default: `None`, they are not shared.
    fn identity(&self) -> Option<Identity> {
        None
    }

    /// Returns a number that changes with the credentials. The slot forgets a remembered failure when it
    /// changes. Default: 0, credentials that never change.
    ///
    /// It is read with each request that finds no token, at the beginning and the end of each attempt, and
    /// by [`keep_fresh`](crate::TokenSlot::keep_fresh) at least every 60 s. For changes to take effect at
    /// once, implement [`credentials_changed`](Self::credentials_changed) as well.
    fn credentials_epoch(&self) -> u64 {
        0
    }

    /// Waits until [`credentials_epoch`](Self::credentials_epoch) differs from `epoch`; returns at once if
    /// it does already. Default: waits forever, so that a change is noticed when the slot looks at the
    /// number the next time.
    ///
    /// The slot awaits it during each wait that a failure with the old credentials caused: a change ends
    /// the pause between two attempts of a flight (`Retry-After` as well as back-off) and wakes
    /// [`keep_fresh`](crate::TokenSlot::keep_fresh). Forward it to [`RotatingClient::changed`]. One that
    /// ends although the number is the same is not awaited again until that pause has ended by itself.
    ///
    /// # Cancel safety
    /// It is dropped at any await, and called again with the number at that time: no change may be lost
    /// between the two.
    ///
    /// [`RotatingClient::changed`]: crate::RotatingClient::changed
    fn credentials_changed(&self, epoch: u64) -> impl Future<Output = ()> + Send {
        let _ = epoch;
        std::future::pending()
    }
}

impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn fetch(&self, cx: FetchContext) -> impl Future<Output = Result<Token, Error>> + Send {
        (**self).fetch(cx)
    }

    fn info(&self) -> SourceInfo {
        (**self).info()
    }

    fn identity(&self) -> Option<Identity> {
        (**self).identity()
    }

    fn credentials_epoch(&self) -> u64 {
        (**self).credentials_epoch()
    }

    fn credentials_changed(&self, epoch: u64) -> impl Future<Output = ()> + Send {
        (**self).credentials_changed(epoch)
    }
}

type SourceFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`TokenSource`], so that the slot has no type parameter.
pub(crate) trait DynSource: Send + Sync {
    fn fetch(&self, cx: FetchContext) -> SourceFuture<'_, Result<Token, Error>>;
    fn info(&self) -> SourceInfo;
    fn credentials_epoch(&self) -> u64;
    fn credentials_changed(&self, epoch: u64) -> SourceFuture<'_, ()>;
}

impl<S: TokenSource> DynSource for S {
    fn fetch(&self, cx: FetchContext) -> SourceFuture<'_, Result<Token, Error>> {
        Box::pin(TokenSource::fetch(self, cx))
    }

    fn info(&self) -> SourceInfo {
        TokenSource::info(self)
    }

    fn credentials_epoch(&self) -> u64 {
        TokenSource::credentials_epoch(self)
    }

    fn credentials_changed(&self, epoch: u64) -> SourceFuture<'_, ()> {
        Box::pin(TokenSource::credentials_changed(self, epoch))
    }
}

/// A source with one fixed token: for tests and for APIs with static keys. Its origins are undeclared.
#[derive(Clone, Debug)]
pub struct StaticToken(Token);

impl StaticToken {
    /// Creates a source that always returns this token.
    pub fn new(token: Token) -> Self {
        Self(token)
    }
}

impl TokenSource for StaticToken {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        Ok(self.0.clone())
    }
}

/// A source from a closure that fetches a token. Its origins are undeclared: declare on the slot or on the
/// layer where the token may go.
///
/// ```
/// use oauth_core::{Origins, Token, TokenSlot, source_fn};
///
/// let slot = TokenSlot::builder(source_fn(|| async { Token::bearer("abc") }))
///     .origins(Origins::parse(["https://api.example.com"])?)
///     .build();
/// # drop(slot);
/// # Ok::<(), oauth_core::Error>(())
/// ```
pub fn source_fn<F, Fut>(fetch: F) -> SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Error>> + Send,
{
    SourceFn(fetch)
}

/// The same with a closure that gets the [`FetchContext`].
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{Error, FetchReason, Token, source_fn_with};
///
/// let source = source_fn_with(|cx| async move {
///     match cx.reason() {
///         FetchReason::Refused => Err(Error::not_now(Duration::from_secs(30))),
///         _ => Token::bearer("abc"),
///     }
/// });
/// # drop(source);
/// ```
pub fn source_fn_with<F, Fut>(fetch: F) -> SourceFnWith<F>
where
    F: Fn(FetchContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Error>> + Send,
{
    SourceFnWith(fetch)
}

/// What [`source_fn`] returns.
#[derive(Clone)]
pub struct SourceFn<F>(F);

/// What [`source_fn_with`] returns.
#[derive(Clone)]
pub struct SourceFnWith<F>(F);

impl<F, Fut> TokenSource for SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Error>> + Send,
{
    fn fetch(&self, _: FetchContext) -> impl Future<Output = Result<Token, Error>> + Send {
        (self.0)()
    }
}

impl<F, Fut> TokenSource for SourceFnWith<F>
where
    F: Fn(FetchContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Error>> + Send,
{
    fn fetch(&self, cx: FetchContext) -> impl Future<Output = Result<Token, Error>> + Send {
        (self.0)(cx)
    }
}

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFn").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for SourceFnWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFnWith").finish_non_exhaustive()
    }
}
