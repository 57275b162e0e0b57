//! What happened to a request, recorded in the same way by both adapters.

use std::fmt;

use http::Extensions;

use crate::error::Error;
use crate::replay::ReplayRefused;

/// What happened to a request on its way through the layer or the middleware.
///
/// Read it from the response's extensions with [`Outcome::of`]. [`Outcome::Attached`] is what nothing
/// recorded means, so that the plain path allocates nothing.
///
/// ```
/// use oauth_core::Outcome;
///
/// # let response = http::Response::new(());
/// match Outcome::of(response.extensions()) {
///     Outcome::Attached | Outcome::Replayed => {}
///     Outcome::RefreshFailed(error) => eprintln!("the 401 stands: {error}"),
///     other => eprintln!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The token was attached, and the response is the response to the first send.
    Attached,
    /// The token was refused and refreshed, and the response is the response to the second send.
    Replayed,
    /// The token was refused, and the request was not sent again: the response is the refusal, a 401
    /// in most cases.
    NotReplayed(NotReplayed),
    /// The token was refused and could not be refreshed: the response is the refusal.
    RefreshFailed(Error),
    /// No token was attached.
    NotAttached(NotAttached),
    /// The token was attached, and the response is from another origin than the request's: a redirect was
    /// followed below the adapter, or the URL was rewritten there. Neither says anything about the token.
    /// Without its `Stamp`, `oauth-reqwest` cannot distinguish such a 401 from that of a rewritten URL, and
    /// handles it as a refusal instead.
    ///
    /// `oauth-reqwest` detects it on its own; `oauth-tower` by its guard, by one of its features for
    /// tower-http, or by `OAuthLayer::response_uri`.
    RedirectedAway,
}

/// Why a refused request was not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotReplayed {
    /// Replay is switched off: by the strategy `NoReplay`, or for this request.
    Off,
    /// The body has more bytes than the replay cap.
    BodyTooLarge,
    /// The body failed, or cannot be sent twice.
    BodyUnavailable,
    /// A redirect was followed below the adapter, or the URL rewritten there, and the method is not a
    /// safe one: what was refused is the last request of a chain whose first one may have been acted on.
    Redirected,
}

/// Why a request went without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotAttached {
    /// It goes to an origin that the token is not for.
    ForeignOrigin,
    /// The caller set the token's header itself.
    OwnAuthorization,
    /// The caller opted this request out with [`NoToken`].
    OptedOut,
}

/// Opts one request out: put it into the request's extensions and no token is attached and no 401 handled.
///
/// ```
/// use oauth_core::NoToken;
///
/// let request = http::Request::get("https://api.example.com/health").extension(NoToken).body(())?;
/// # drop(request);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoToken;

impl Outcome {
    /// Returns what was recorded in a response's extensions.
    pub fn of(extensions: &Extensions) -> Self {
        match extensions.get::<Self>() {
            Some(outcome) => outcome.clone(),
            None => NotAttached::of(extensions).map_or(Self::Attached, Self::NotAttached),
        }
    }

    /// Whether something was recorded in a response's extensions.
    pub fn is_recorded(extensions: &Extensions) -> bool {
        extensions.get::<Self>().is_some() || NotAttached::of(extensions).is_some()
    }

    /// Records it in a response's extensions and logs it at the level of debug: the slot warns of what repeats,
    /// once. For adapters.
    ///
    /// If one adapter is around another, the one that attached its token counts: `Attached` removes what
    /// the inner one recorded about a request that it left alone, and `NotAttached` keeps what the inner
    /// one recorded. (If the inner one attached its token and nothing else happened, it recorded nothing:
    /// then the outer one's `NotAttached` remains.)
    pub fn record(self, extensions: &mut Extensions) {
        match &self {
            Self::Attached => {
                if !extensions.is_empty() {
                    extensions.remove::<Self>();
                    NotAttached::remove_from(extensions);
                }
                return;
            }
            Self::NotAttached(reason) => {
                if extensions.get::<Self>().is_none() {
                    NotAttached::remove_from(extensions);
                    reason.insert_into(extensions);
                }
                return;
            }
            Self::RedirectedAway => {
                tracing::debug!("the response is from another origin than the request's");
            }
            Self::RefreshFailed(error) => {
                tracing::debug!(%error, "401 delivered: the token could not be refreshed");
            }
            Self::NotReplayed(reason) => {
                tracing::debug!(%reason, "401 delivered: the request cannot be sent again");
            }
            Self::Replayed => tracing::debug!("the request was sent again with another token"),
        }
        NotAttached::remove_from(extensions);
        extensions.insert(self);
    }
}

/// A [`NotAttached`] in a response's extensions. Zero-sized types allocate no box: half of the requests of
/// two stacked adapters pass the outer one.
#[derive(Clone)]
struct Passed<const REASON: u8>;

const FOREIGN_ORIGIN: u8 = 0;
const OWN_AUTHORIZATION: u8 = 1;
const OPTED_OUT: u8 = 2;

impl NotAttached {
    fn of(extensions: &Extensions) -> Option<Self> {
        if extensions.get::<Passed<FOREIGN_ORIGIN>>().is_some() {
            Some(Self::ForeignOrigin)
        } else if extensions.get::<Passed<OWN_AUTHORIZATION>>().is_some() {
            Some(Self::OwnAuthorization)
        } else if extensions.get::<Passed<OPTED_OUT>>().is_some() {
            Some(Self::OptedOut)
        } else {
            None
        }
    }

    fn insert_into(self, extensions: &mut Extensions) {
        match self {
            Self::ForeignOrigin => drop(extensions.insert(Passed::<FOREIGN_ORIGIN>)),
            Self::OwnAuthorization => drop(extensions.insert(Passed::<OWN_AUTHORIZATION>)),
            Self::OptedOut => drop(extensions.insert(Passed::<OPTED_OUT>)),
        }
    }

    fn remove_from(extensions: &mut Extensions) {
        extensions.remove::<Passed<FOREIGN_ORIGIN>>();
        extensions.remove::<Passed<OWN_AUTHORIZATION>>();
        extensions.remove::<Passed<OPTED_OUT>>();
    }
}

impl From<ReplayRefused> for NotReplayed {
    fn from(refused: ReplayRefused) -> Self {
        match refused {
            ReplayRefused::OverCap => Self::BodyTooLarge,
            _ => Self::BodyUnavailable,
        }
    }
}

impl fmt::Display for NotReplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "replay is off",
            Self::BodyTooLarge => "the body is larger than the replay cap",
            Self::BodyUnavailable => "the body failed or cannot be sent twice",
            Self::Redirected => "a redirect was followed, and the request may have been acted on",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(outcomes: impl IntoIterator<Item = Outcome>) -> Extensions {
        let mut extensions = Extensions::new();
        for outcome in outcomes {
            outcome.record(&mut extensions);
        }
        extensions
    }

    fn told(outcomes: impl IntoIterator<Item = Outcome>) -> String {
        format!("{:?}", Outcome::of(&recorded(outcomes)))
    }

    #[test]
    fn nothing_recorded_is_attached_whatever_else_the_extensions_have() {
        let mut extensions = Extensions::new();
        assert!(!Outcome::is_recorded(&extensions));
        extensions.insert(7_u8);
        assert!(!Outcome::is_recorded(&extensions));
        assert!(matches!(Outcome::of(&extensions), Outcome::Attached));
        Outcome::Replayed.record(&mut extensions);
        assert!(Outcome::is_recorded(&extensions));
        assert!(matches!(Outcome::of(&extensions), Outcome::Replayed));
        assert_eq!(extensions.get(), Some(&7_u8));
    }

    #[test]
    fn around_another_adapter_the_one_that_attached_its_token_is_recorded() {
        let foreign = || Outcome::NotAttached(NotAttached::ForeignOrigin);
        let opted_out = || Outcome::NotAttached(NotAttached::OptedOut);
        // The inner one is first.
        assert!(!Outcome::is_recorded(&recorded([foreign(), Outcome::Attached])));
        assert_eq!(told([Outcome::Replayed, foreign()]), "Replayed");
        assert_eq!(told([foreign(), opted_out()]), "NotAttached(OptedOut)");
        assert_eq!(told([foreign()]), "NotAttached(ForeignOrigin)");
        let off = || Outcome::NotReplayed(NotReplayed::Off);
        assert_eq!(told([Outcome::Replayed, off()]), "NotReplayed(Off)");
        assert_eq!(told([off(), foreign()]), "NotReplayed(Off)");
    }

    #[test]
    fn why_a_body_was_not_sent_again_is_recorded() {
        let reasons =
            [ReplayRefused::OverCap, ReplayRefused::SourceFailed, ReplayRefused::UnknownFrame];
        let [over_cap, failed, unknown] = reasons.map(NotReplayed::from);
        assert_eq!(over_cap, NotReplayed::BodyTooLarge);
        assert_eq!([failed, unknown], [NotReplayed::BodyUnavailable; 2]);
        assert_eq!(over_cap.to_string(), "the body is larger than the replay cap");
        assert_eq!(failed.to_string(), "the body failed or cannot be sent twice");
        assert_eq!(NotReplayed::Off.to_string(), "replay is off");
    }

    /// Does not compile with one more outcome: the adapters' tables of outcomes, which a
    /// non-exhaustive type cannot bind, must then have it too.
    #[test]
    fn every_outcome_is_known_to_the_tables_of_the_adapters() {
        let is_known = |outcome: &Outcome| match outcome {
            Outcome::Attached
            | Outcome::Replayed
            | Outcome::RefreshFailed(_)
            | Outcome::RedirectedAway => true,
            Outcome::NotReplayed(reason) => match reason {
                NotReplayed::Off
                | NotReplayed::BodyTooLarge
                | NotReplayed::BodyUnavailable
                | NotReplayed::Redirected => true,
            },
            Outcome::NotAttached(reason) => match reason {
                NotAttached::ForeignOrigin
                | NotAttached::OwnAuthorization
                | NotAttached::OptedOut => true,
            },
        };
        assert!(is_known(&Outcome::Attached));
    }
}
