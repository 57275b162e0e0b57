//! What is known about a source besides its tokens.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderName;

use crate::error::{Details, Error, Kind};
use crate::origin::{Origin, Origins};

/// What is known about a source: its name, where its tokens may go, when they should be refreshed.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::{Origins, SourceInfo};
///
/// let info = SourceInfo::new()
///     .with_name("vault")
///     .with_origins(Origins::parse(["https://api.example.com"])?)
///     .with_refresh_window(Duration::from_secs(60));
/// assert_eq!(info.name(), Some("vault"));
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    name: Option<Cow<'static, str>>,
    hint: Option<Cow<'static, str>>,
    origins: Origins,
    refresh_window: Option<Duration>,
    endpoint: Option<Origin>,
    header: Option<HeaderName>,
}

impl SourceInfo {
    /// Creates an empty value: no name, undeclared origins.
    pub const fn new() -> Self {
        Self {
            name: None,
            hint: None,
            origins: Origins::undeclared(),
            refresh_window: None,
            endpoint: None,
            header: None,
        }
    }

    /// Sets who issues the tokens, for errors and logs.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The advice for a source that cannot be reached or does not respond in time.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets where the tokens may go. Default: undeclared, so that the slot or the layer must declare it.
    #[must_use]
    pub fn with_origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets how long before its expiry a token should be refreshed. Default: the slot decides by the
    /// token's life.
    #[must_use]
    pub fn with_refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = Some(window);
        self
    }

    /// Sets where token requests go. Default: not known, or not yet.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Origin) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Sets which header carries the tokens. Default: `Authorization`.
    ///
    /// HTTP clients that follow redirects remove `Authorization` when they leave the origin, but no other
    /// header: use the layer's guard (`oauth-tower`) or `redirects()` (`oauth-reqwest`).
    #[must_use]
    pub fn with_header(mut self, name: HeaderName) -> Self {
        self.header = Some(name);
        self
    }

    /// Who issues the tokens.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The advice for a source that cannot be reached or does not respond in time.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where the tokens may go.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// How long before its end a token should be refreshed.
    pub fn refresh_window(&self) -> Option<Duration> {
        self.refresh_window
    }

    /// Where token requests go; `None` if that is not known, or not yet: a source that discovers its
    /// endpoint knows it after its first token. Plain http beyond loopback has no origin.
    pub fn endpoint(&self) -> Option<&Origin> {
        self.endpoint.as_ref()
    }

    /// Which header carries the tokens, if it is not `Authorization`.
    pub fn header(&self) -> Option<&HeaderName> {
        self.header.as_ref()
    }

    /// The error for a limit that spans attempts, with the failure of the last one.
    pub(crate) fn timed_out(
        self,
        message: impl Into<Cow<'static, str>>,
        last: Option<Error>,
    ) -> Error {
        let of_last = last.as_ref().and_then(Error::hint).map(|hint| hint.to_owned().into());
        Details {
            provider: self.name,
            hint: of_last.or(self.hint),
            source: last.map(Into::into),
            ..Details::new(Kind::Timeout, message)
        }
        .into()
    }
}

impl Default for SourceInfo {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn nothing_is_known_of_a_source_that_says_nothing() {
        let info = SourceInfo::default();
        assert_eq!((info.name(), info.hint(), info.refresh_window()), (None, None, None));
        assert!(!info.origins().is_declared());
        assert_eq!(info.endpoint(), None);
        assert_eq!(info, SourceInfo::new());
    }

    #[test]
    fn what_was_set_is_what_is_known() {
        let origin = Origin::parse("https://api.example").unwrap();
        let endpoint = Origin::parse("https://auth.example").unwrap();
        let info = SourceInfo::new()
            .with_name("Oleria")
            .with_hint("open the firewall")
            .with_origins(origin.clone().into())
            .with_refresh_window(Duration::from_secs(7))
            .with_endpoint(endpoint.clone());
        assert_eq!((info.name(), info.hint()), (Some("Oleria"), Some("open the firewall")));
        assert_eq!(info.origins(), &Origins::from(origin));
        assert_eq!(info.refresh_window(), Some(Duration::from_secs(7)));
        assert_eq!(info.endpoint(), Some(&endpoint));
    }

    #[test]
    fn a_timeout_names_the_provider_the_last_failure_and_a_hint() {
        let info = SourceInfo::new().with_name("Oleria").with_hint("is it in the allow list?");
        let alone = info.clone().timed_out("late", None);
        assert!(alone.is_timeout() && alone.is_transient() && alone.source().is_none());
        assert_eq!(alone.provider(), Some("Oleria"));
        assert_eq!(alone.to_string(), "Oleria: late; hint: is it in the allow list?");

        let hint = Some("check the secret".into());
        let last = Details { hint, ..Details::new(Kind::Refused, "no") };
        let after = info.timed_out("late", Some(last.into()));
        assert_eq!(after.hint(), Some("check the secret"));
        assert_eq!(after.source().unwrap().to_string(), "no; hint: check the secret");
    }
}
