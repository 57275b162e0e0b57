//! Where tokens come from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Details, Error, Kind};
use crate::origin::Origins;
use crate::token::Token;

/// Mints tokens. Caches nothing, retries nothing: that is the slot's work.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{Error, Origins, Token, TokenSource};
///
/// struct Vault;
///
/// impl TokenSource for Vault {
///     async fn fetch(&self) -> Result<Token, Error> {
///         Ok(Token::bearer("from-the-vault")?.expires_in(Duration::from_secs(300)))
///     }
///
///     fn origins(&self) -> Origins {
///         Origins::any_https()
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Mints one new token.
    ///
    /// The slot calls it from its one flight, limits its time and drops it when the last handle
    /// to the slot goes, so it may be dropped at every await.
    ///
    /// # Errors
    /// [`Error::transient`] for what may be gone on the next attempt, [`Error::permanent`] for the
    /// rest.
    fn fetch(&self) -> impl Future<Output = Result<Token, Error>> + Send;

    /// Where the tokens may go. Default: undeclared, so that the slot or the layer must say it.
    fn origins(&self) -> Origins {
        Origins::undeclared()
    }

    /// How long before a token's end it should be renewed. Default: the slot decides by the
    /// token's life.
    fn refresh_window(&self) -> Option<Duration> {
        None
    }

    /// Who mints the tokens, for errors. Default: nobody in particular.
    fn provider(&self) -> Option<String> {
        None
    }

    /// What to advise when no answer comes in time. Default: nothing.
    fn unreachable_hint(&self) -> Option<&'static str> {
        None
    }

    /// A number that is another one after each change of the credentials. The slot forgets a
    /// remembered failure when it changes. Default: 0, credentials that never change.
    ///
    /// It is looked at with each request that finds no token, at the beginning and the end of each
    /// attempt, and by [`keep_fresh`](crate::TokenSlot::keep_fresh) at least every 60 s. To be
    /// heard at once, implement [`credentials_changed`](Self::credentials_changed), too.
    fn credentials_epoch(&self) -> u64 {
        0
    }

    /// Waits until [`credentials_epoch`](Self::credentials_epoch) is another number than `epoch`;
    /// at once, if it is already. Default: waits for ever, so that a change is noticed when the
    /// slot looks at the number the next time.
    ///
    /// The slot waits for it beside each wait that a failure with the old credentials is the reason
    /// for: a change ends the pause between two attempts of a flight (`Retry-After` as well as the
    /// back-off) and wakes [`keep_fresh`](crate::TokenSlot::keep_fresh). [`RotatingClient::changed`]
    /// is what to forward to. One that ends although the number is the same is not waited for again
    /// until that pause has ended by itself.
    ///
    /// # Cancel safety
    /// It is dropped at any await, and asked again with the number of then: no change may be lost
    /// between the two.
    ///
    /// [`RotatingClient::changed`]: crate::RotatingClient::changed
    fn credentials_changed(&self, epoch: u64) -> impl Future<Output = ()> + Send {
        let _ = epoch;
        std::future::pending()
    }
}

impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn fetch(&self) -> impl Future<Output = Result<Token, Error>> + Send {
        (**self).fetch()
    }

    fn origins(&self) -> Origins {
        (**self).origins()
    }

    fn refresh_window(&self) -> Option<Duration> {
        (**self).refresh_window()
    }

    fn provider(&self) -> Option<String> {
        (**self).provider()
    }

    fn unreachable_hint(&self) -> Option<&'static str> {
        (**self).unreachable_hint()
    }

    fn credentials_epoch(&self) -> u64 {
        (**self).credentials_epoch()
    }

    fn credentials_changed(&self, epoch: u64) -> impl Future<Output = ()> + Send {
        (**self).credentials_changed(epoch)
    }
}

/// The object-safe twin of [`TokenSource`], so that the slot has no type parameter.
pub(crate) trait DynSource: Send + Sync {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Token, Error>> + Send + '_>>;
    fn provider(&self) -> Option<String>;
    fn unreachable_hint(&self) -> Option<&'static str>;
    fn credentials_epoch(&self) -> u64;
    fn credentials_changed(&self, epoch: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<S: TokenSource> DynSource for S {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Token, Error>> + Send + '_>> {
        Box::pin(TokenSource::fetch(self))
    }

    fn provider(&self) -> Option<String> {
        TokenSource::provider(self)
    }

    fn unreachable_hint(&self) -> Option<&'static str> {
        TokenSource::unreachable_hint(self)
    }

    fn credentials_epoch(&self) -> u64 {
        TokenSource::credentials_epoch(self)
    }

    fn credentials_changed(&self, epoch: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(TokenSource::credentials_changed(self, epoch))
    }
}

impl Error {
    /// A time limit that spans attempts, told with what the last of them failed with.
    pub(crate) fn timed_out(
        message: &'static str,
        source: &dyn DynSource,
        last: Option<Self>,
    ) -> Self {
        let hint = last.as_ref().and_then(Error::hint).map(str::to_owned);
        Details {
            provider: source.provider().map(Into::into),
            hint: hint.map(Into::into).or_else(|| source.unreachable_hint().map(Into::into)),
            source: last.map(Into::into),
            ..Details::new(Kind::Timeout, message)
        }
        .into()
    }
}

/// One token for ever: for tests and for APIs with static keys. Its origins are undeclared.
#[derive(Clone, Debug)]
pub struct StaticToken(Token);

impl StaticToken {
    /// Hands out this token whenever it is asked.
    pub fn new(token: Token) -> Self {
        Self(token)
    }
}

impl TokenSource for StaticToken {
    async fn fetch(&self) -> Result<Token, Error> {
        Ok(self.0.clone())
    }
}

/// A source from a closure that mints a token. Its origins are undeclared: say on the slot or on
/// the layer where the token may go.
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
pub fn source_fn<F, Fut>(mint: F) -> SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Error>> + Send,
{
    SourceFn(mint)
}

/// What [`source_fn`] returns.
#[derive(Clone)]
pub struct SourceFn<F>(F);

impl<F, Fut> TokenSource for SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Error>> + Send,
{
    fn fetch(&self) -> impl Future<Output = Result<Token, Error>> + Send {
        (self.0)()
    }
}

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    struct Unreachable;

    impl TokenSource for Unreachable {
        async fn fetch(&self) -> Result<Token, Error> {
            Err(Error::transient("no route"))
        }
        fn provider(&self) -> Option<String> {
            Some("Oleria".to_owned())
        }
        fn unreachable_hint(&self) -> Option<&'static str> {
            Some("is it in the allow list?")
        }
    }

    #[test]
    fn a_time_limit_tells_the_provider_what_failed_last_and_a_hint() {
        let alone = Error::timed_out("late", &Unreachable, None);
        assert!(alone.is_timeout() && alone.is_transient() && alone.source().is_none());
        assert_eq!(alone.provider(), Some("Oleria"));
        assert_eq!(alone.to_string(), "Oleria: late; hint: is it in the allow list?");

        let hint = Some("check the secret".into());
        let last = Details { hint, ..Details::new(Kind::Refused, "no") };
        let after = Error::timed_out("late", &Unreachable, Some(last.into()));
        assert_eq!(after.hint(), Some("check the secret"));
        assert_eq!(after.source().unwrap().to_string(), "no; hint: check the secret");
    }
}
