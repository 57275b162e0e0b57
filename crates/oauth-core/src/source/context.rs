//! Why a token is fetched, and by when.

use std::sync::{Arc, LazyLock};

use crate::challenge::Hints;
use crate::deadline::Deadline;
use crate::token::Token;

/// Why a [`TokenSource`](crate::TokenSource) is asked for a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchReason {
    /// The slot has never had a token.
    #[default]
    First,
    /// The token is due for its refresh, or has expired.
    Age,
    /// The API refused the token.
    Refused,
    /// A caller asked for a newer token: [`TokenSlot::refresh`](crate::TokenSlot::refresh).
    Demand,
}

impl FetchReason {
    /// One word, for logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Age => "age",
            Self::Refused => "refused",
            Self::Demand => "demand",
        }
    }
}

/// What a [`TokenSource`](crate::TokenSource) gets with each call: why a token is fetched, which token the
/// slot holds, what the API said when it refused that one, and the deadline.
///
/// Most sources ignore it. A source with its own cache uses it to decide whether the cached token will do:
///
/// ```
/// use std::sync::Mutex;
/// use oauth_core::{Error, FetchContext, Token, TokenSource};
///
/// #[derive(Default)]
/// struct Cached(Mutex<Option<Token>>);
///
/// impl TokenSource for Cached {
///     async fn fetch(&self, cx: FetchContext) -> Result<Token, Error> {
///         let cached = self.0.lock().unwrap().clone();
///         match cached {
///             // Another one than the slot has: perhaps of another process.
///             Some(token) if cx.token().is_none_or(|held| !held.is_same(&token)) => Ok(token),
///             _ => Err(Error::transient("nothing newer in the cache")),
///         }
///     }
/// }
/// ```
///
/// One flight may call the source several times; each call has its own context. Callers that join a flight
/// change nothing about its reason.
#[derive(Clone, Debug)]
pub struct FetchContext(Arc<Context>);

#[derive(Clone, Debug, Default)]
struct Context {
    reason: FetchReason,
    token: Option<Token>,
    hints: Hints,
    deadline: Option<Deadline>,
}

impl FetchContext {
    /// Creates a context with only this reason, for calling a source directly.
    pub fn new(reason: FetchReason) -> Self {
        Self(Arc::new(Context { reason, ..Context::default() }))
    }

    /// Hints count only with a refusal.
    pub(crate) fn of(reason: FetchReason, token: Option<&Token>, hints: Option<&Hints>) -> Self {
        let hints = hints.filter(|_| reason == FetchReason::Refused);
        Self(Arc::new(Context {
            reason,
            token: token.cloned(),
            hints: hints.cloned().unwrap_or_default(),
            deadline: None,
        }))
    }

    /// Sets the token that the slot holds.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        Arc::make_mut(&mut self.0).token = Some(token);
        self
    }

    /// Sets what the API's challenge said.
    #[must_use]
    pub fn with_hints(mut self, hints: Hints) -> Self {
        Arc::make_mut(&mut self.0).hints = hints;
        self
    }

    /// Sets the deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Deadline) -> Self {
        Arc::make_mut(&mut self.0).deadline = Some(deadline);
        self
    }

    /// Returns why a token is fetched.
    pub fn reason(&self) -> FetchReason {
        self.0.reason
    }

    /// Returns the valid token that the slot holds, if there is one.
    pub fn token(&self) -> Option<&Token> {
        self.0.token.as_ref()
    }

    /// Returns that token if the API refused it and this is the reason for the fetch.
    pub fn refused_token(&self) -> Option<&Token> {
        self.token().filter(|_| self.reason() == FetchReason::Refused)
    }

    /// Returns the hints of the API's challenge; empty for other reasons than a refusal.
    pub fn hints(&self) -> &Hints {
        &self.0.hints
    }

    /// Returns when the slot drops this call. `None` if a source is called directly.
    pub fn deadline(&self) -> Option<Deadline> {
        self.0.deadline
    }
}

impl Default for FetchContext {
    /// [`FetchReason::First`], and nothing else.
    fn default() -> Self {
        static FIRST: LazyLock<FetchContext> =
            LazyLock::new(|| FetchContext::new(FetchReason::First));
        FIRST.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::WWW_AUTHENTICATE;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn a_context_says_what_it_was_given() {
        let default = FetchContext::default();
        assert_eq!(default.reason(), FetchReason::First);
        assert!(
            default.token().is_none() && default.deadline().is_none() && default.hints().is_empty()
        );

        let mut headers = HeaderMap::new();
        headers
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        let deadline = Deadline::within(Duration::from_secs(1));
        let context = FetchContext::new(FetchReason::Refused)
            .with_token(Token::bearer("held").unwrap())
            .with_hints(Hints::of(&headers))
            .with_deadline(deadline);
        assert_eq!(context.refused_token().unwrap().expose_secret(), "held");
        assert_eq!(context.hints().error(), Some("invalid_token"));
        assert_eq!(context.deadline(), Some(deadline));
        assert!(!format!("{context:?}").contains("held"));
    }

    #[test]
    fn a_token_that_is_held_for_another_reason_was_not_refused() {
        for reason in [FetchReason::First, FetchReason::Age, FetchReason::Demand] {
            let context = FetchContext::new(reason).with_token(Token::bearer("held").unwrap());
            assert!(context.token().is_some() && context.refused_token().is_none(), "{reason:?}");
        }
    }
}
