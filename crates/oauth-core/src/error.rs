//! One opaque error for the crate: a private kind, a few tested predicates, cheap to clone.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

/// A boxed error of another crate, as Tower uses it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why there is no token.
///
/// Cheap to clone: every waiter of a failed flight gets the same one. Its text names the provider and what
/// to do, and never contains a secret or a token: text of a server is masked, escaped and cut short before
/// it is kept.
#[derive(Clone)]
pub struct Error {
    details: Arc<Details>,
    // Outside the `Arc`: a remembered failure is returned many times, each time with the rest of its
    // cool-down.
    retry_after: Option<Duration>,
    told: Told,
}

/// What the text says about `retry_after`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing: no one asked for the wait, and who gets the error may never try again.
    Nothing,
    /// The server or the source asks for it.
    Asked,
    /// The call made no token request: an earlier one failed, and this is the rest of its cool-down.
    Remembered,
}

/// The kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A setting is missing or wrong.
    Setting,
    /// The token endpoint could not be reached, or the connection broke.
    Connect,
    /// A time limit passed.
    Timeout,
    /// The token endpoint's response could not be understood.
    Response,
    /// The token endpoint rejected the request.
    Refused,
    /// A user's own source failed.
    Source,
    /// A source panicked.
    Panicked,
    /// There is no Tokio runtime, or it has no timers.
    Runtime,
    /// The API refused the newest token as well.
    RefusedAgain,
    /// The request goes to an origin that the token is not for, or none is declared.
    Origin,
    /// The source has no other token yet, and nothing is wrong.
    NotNow,
    /// The caller misused the API.
    Usage,
}

pub(crate) struct Details {
    pub(crate) kind: Kind,
    pub(crate) message: Cow<'static, str>,
    pub(crate) provider: Option<Cow<'static, str>>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) code: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) hint: Option<Cow<'static, str>>,
    pub(crate) transient: bool,
    pub(crate) bad_credentials: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) source: Option<BoxError>,
}

impl Details {
    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            provider: None,
            status: None,
            code: None,
            description: None,
            hint: None,
            transient: matches!(kind, Kind::Connect | Kind::Timeout | Kind::NotNow),
            bad_credentials: false,
            retry_after: None,
            source: None,
        }
    }
}

impl From<Details> for Error {
    fn from(details: Details) -> Self {
        Self { retry_after: details.retry_after, told: Told::Asked, details: Arc::new(details) }
    }
}

impl Error {
    /// Creates a failure that may be gone on the next attempt, for your own sources: the slot retries
    /// within its first failed flight, then backs off.
    ///
    /// The text of `error` is shown to callers and logged: keep secrets out of it.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        Self::of_source(error.into(), true)
    }

    /// Creates a failure that stays until something is changed, for your own sources: the slot probes
    /// rarely.
    ///
    /// The text of `error` is shown to callers and logged: keep secrets out of it.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self::of_source(error.into(), false)
    }

    /// For your own source that has no other token for `wait`, although nothing is wrong: it shares the
    /// token that the slot holds with others, or its budget of token requests is used up.
    ///
    /// The slot counts no failure, does not try again within the flight and asks for nothing by age or on
    /// demand for `wait` (at least 1 s and the slot's `least_interval`). A valid token stays in use. If a
    /// refusal was the reason, its 401 is delivered, and further refusals of that token ask for none in
    /// that time. Callers of [`TokenSlot::token`](crate::TokenSlot::token) without a token wait if their
    /// time limit allows it; otherwise, and for `prefetch` and `refresh`, this is the error, with what is
    /// left of `wait` as [`retry_after`](Self::retry_after).
    pub fn not_now(wait: Duration) -> Self {
        Self::new(Kind::NotNow, "the token source has no other token yet").with_retry_after(wait)
    }

    /// Whether this is [`not_now`](Self::not_now).
    pub fn is_not_now(&self) -> bool {
        self.details.kind == Kind::NotNow
    }

    /// Sets how long to wait before the next attempt.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self.told = Told::Asked;
        self
    }

    /// The failure of a token request after which the slot makes none for `wait`.
    pub(crate) fn cooling_down(mut self, wait: Duration) -> Self {
        if self.retry_after.replace(wait).is_none() {
            self.told = Told::Nothing;
        }
        self
    }

    /// The failure of an earlier token request; there is no other for `wait`.
    pub(crate) fn remembered(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self.told = Told::Remembered;
        self
    }

    fn of_source(error: BoxError, transient: bool) -> Self {
        Details {
            transient,
            source: Some(error),
            ..Details::new(Kind::Source, "the token source failed")
        }
        .into()
    }

    /// Creates the error for a missing or invalid setting, for your own builders: `name` is the setting's,
    /// `problem` continues the sentence and says what to do.
    ///
    /// ```
    /// let error = oauth_core::Error::setting("tenant", "is empty: it is in the welcome mail");
    /// assert_eq!(error.to_string(), "`tenant` is empty: it is in the welcome mail");
    /// ```
    pub fn setting(name: &str, problem: impl fmt::Display) -> Self {
        Details::new(Kind::Setting, format!("`{name}` {problem}")).into()
    }

    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Details::new(kind, message).into()
    }

    /// The same error with the provider's name before its text.
    pub(crate) fn of_provider(mut self, provider: impl Into<Cow<'static, str>>) -> Self {
        // An error with other holders stays as it is.
        if let Some(details) = Arc::get_mut(&mut self.details) {
            details.provider = Some(provider.into());
        }
        self
    }

    /// Whether another attempt may succeed without a change: connect errors, timeouts, 429, 5xx, what the
    /// provider's contract calls throttling, and, with any status, an error code that means it:
    /// `temporarily_unavailable`, `server_error`, `slow_down` and similar ones. Not a TLS handshake that
    /// fails for good, such as a certificate that does not verify: see [`GrantSource`](crate::GrantSource).
    pub fn is_transient(&self) -> bool {
        self.details.transient
    }

    /// Whether the provider reports, in its own way, that the client's id or secret is wrong:
    /// `invalid_client` with every status but a 5xx, and what its contract defines. Never together with
    /// [`is_transient`](Self::is_transient).
    pub fn is_bad_credentials(&self) -> bool {
        self.details.bad_credentials
    }

    /// Whether a time limit passed: of an attempt, a flight or an acquire.
    pub fn is_timeout(&self) -> bool {
        self.details.kind == Kind::Timeout
    }

    /// Whether a setting is missing or invalid, so that only another configuration helps.
    pub fn is_setting(&self) -> bool {
        matches!(self.details.kind, Kind::Setting)
    }

    /// Returns the provider whose token endpoint this is about, if there is one.
    pub fn provider(&self) -> Option<&str> {
        self.details.provider.as_deref()
    }

    /// Returns the error code of the token endpoint: `invalid_client`, `401021`, … (RFC 6749 §5.2).
    pub fn code(&self) -> Option<&str> {
        self.details.code.as_deref()
    }

    /// Returns the HTTP status of the token endpoint's response.
    pub fn status(&self) -> Option<StatusCode> {
        self.details.status
    }

    /// Returns what the provider's contract advises for this response.
    pub fn hint(&self) -> Option<&str> {
        self.details.hint.as_deref()
    }

    /// Returns how long to wait: what the server asks for or, for an error that the slot remembers, the
    /// rest of its cool-down.
    ///
    /// A server asks with `Retry-After` (in milliseconds: `retry-after-ms`, `x-ms-retry-after-ms`). If a
    /// rate limit is the reason and neither is present, the latest of `RateLimit`, `RateLimit-Reset`,
    /// `X-RateLimit-Reset`, `X-Rate-Limit-Reset` and `X-RateLimit-Reset-After` counts. Dates and Unix times
    /// are read against the `Date` of the same response, and ignored where there is none.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl Details {
    /// What failed and why, with all causes, without advice.
    fn what(&self) -> String {
        let mut text = self.message.clone().into_owned();
        let first = self.source.as_deref().map(|cause| cause as &(dyn StdError + 'static));
        let causes = std::iter::successors(first, |&cause| cause.source());
        // A message that has the root cause already, as of a failed handshake, needs none between.
        let root = causes.last().map(|root| root.to_string());
        let mut next = first.filter(|_| root.is_some_and(|root| !text.contains(&root)));
        while let Some(cause) = next {
            let (what, inner) = match cause.downcast_ref::<Error>() {
                Some(error) => (error.details.named(self.provider.as_deref()), None),
                None => (cause.to_string(), cause.source()),
            };
            // Some errors have their cause in their own text.
            if !text.contains(&what) {
                text = format!("{text}: {what}");
            }
            next = inner;
        }
        if let Some(status) = self.status {
            text = format!("{text} ({}", status.as_u16());
            if let Some(code) = &self.code {
                text = format!("{text} {code}");
            }
            if let Some(description) = &self.description {
                text = format!("{text}: {description}");
            }
            text.push(')');
        }
        text
    }

    /// The same after the provider's name, unless that was named before.
    fn named(&self, before: Option<&str>) -> String {
        match &self.provider {
            Some(provider) if before != Some(provider) => format!("{provider}: {}", self.what()),
            _ => self.what(),
        }
    }
}

/// One line: the provider, what failed, its causes, status, code and description, a hint, and how long to wait if
/// the server asks for it or the failure is remembered. The causes are also the
/// [`source`](StdError::source), for programs.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &*self.details;
        f.write_str(&d.named(None))?;
        if let Some(hint) = &d.hint {
            write!(f, "; hint: {hint}")?;
        }
        // Tenths of seconds: a remembered error is read by people.
        let Some(wait) = self.retry_after.map(|wait| wait.as_secs_f64()) else { return Ok(()) };
        match self.told {
            Told::Nothing => Ok(()),
            Told::Asked => write!(f, "; retry after {wait:.1} s"),
            Told::Remembered => write!(f, "; no new attempt for {wait:.1} s"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &*self.details;
        let mut out = f.debug_struct("Error");
        out.field("kind", &d.kind).field("message", &d.message);
        if let Some(provider) = &d.provider {
            out.field("provider", provider);
        }
        if let Some(status) = d.status {
            out.field("status", &status.as_u16());
        }
        if let Some(code) = &d.code {
            out.field("code", code);
        }
        if let Some(description) = &d.description {
            out.field("description", description);
        }
        if let Some(hint) = &d.hint {
            out.field("hint", hint);
        }
        out.field("transient", &d.transient);
        if let Some(wait) = self.retry_after {
            out.field("retry_after", &wait);
        }
        if let Some(source) = &d.source {
            out.field("source", &format_args!("{source}"));
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.details.source.as_deref().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_provider_status_code_and_hint() {
        let error = Error::from(Details {
            provider: Some("Ataccama".into()),
            status: Some(StatusCode::UNAUTHORIZED),
            code: Some("unauthorized_client".into()),
            description: Some("Invalid client".into()),
            hint: Some("check the secret".into()),
            ..Details::new(Kind::Refused, "the token endpoint rejected the request")
        });
        assert_eq!(
            error.to_string(),
            "Ataccama: the token endpoint rejected the request \
             (401 unauthorized_client: Invalid client); hint: check the secret"
        );
        assert!(!error.is_transient());
    }

    #[test]
    fn a_clone_can_carry_another_wait() {
        let error = Error::transient("no route");
        let later = error.clone().with_retry_after(Duration::from_millis(1500));
        assert_eq!(error.retry_after(), None);
        let text = "the token source failed: no route; retry after 1.5 s";
        assert_eq!(later.to_string(), text);
        assert_eq!(later.source().unwrap().to_string(), "no route");
    }

    #[test]
    fn the_text_tells_a_wait_only_where_someone_asked_for_it_or_nothing_was_tried() {
        let wait = Duration::from_secs(2);
        let text = "the token source failed: no route";
        let failed = Error::transient("no route").cooling_down(wait);
        assert_eq!((failed.retry_after(), failed.to_string()), (Some(wait), text.to_owned()));
        let asked = Error::transient("no route").with_retry_after(wait * 2).cooling_down(wait * 3);
        assert_eq!(asked.to_string(), format!("{text}; retry after 6.0 s"));
        for error in [failed, asked] {
            let later = error.remembered(wait / 4);
            assert_eq!(later.retry_after(), Some(wait / 4));
            assert_eq!(later.to_string(), format!("{text}; no new attempt for 0.5 s"));
        }
    }

    #[test]
    fn the_text_has_every_cause_once_in_one_line() {
        #[derive(Debug)]
        struct Outer(std::io::Error, &'static str);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.1)
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let refused = || std::io::Error::other("connection refused");
        let error = Error::transient(Outer(refused(), "tcp connect error"));
        let text = "the token source failed: tcp connect error: connection refused";
        assert_eq!(error.to_string(), text);
        let error = Error::transient(Outer(refused(), "tcp connect error: connection refused"));
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_failure_within_another_names_its_provider_once_and_has_no_hint_of_its_own() {
        let last = |provider: &'static str| {
            Error::from(Details {
                provider: Some(provider.into()),
                status: Some(StatusCode::BAD_GATEWAY),
                hint: Some("inner".into()),
                retry_after: Some(Duration::from_secs(9)),
                ..Details::new(Kind::Refused, "the token endpoint failed")
            })
        };
        let outer = |last: Error| {
            Error::from(Details {
                provider: Some("Ataccama".into()),
                hint: Some("outer".into()),
                source: Some(last.into()),
                ..Details::new(Kind::Timeout, "timed out fetching a token")
            })
        };
        assert_eq!(
            outer(last("Ataccama")).to_string(),
            "Ataccama: timed out fetching a token: the token endpoint failed (502); hint: outer"
        );
        assert_eq!(
            outer(last("a proxy")).to_string(),
            "Ataccama: timed out fetching a token: a proxy: the token endpoint failed (502); hint: outer"
        );
    }

    #[test]
    fn debug_shows_each_part_that_there_is() {
        assert_eq!(
            format!("{:?}", Error::new(Kind::Usage, "no")),
            r#"Error { kind: Usage, message: "no", transient: false }"#
        );
        let error = Error::from(Details {
            provider: Some("Ataccama".into()),
            status: Some(StatusCode::UNAUTHORIZED),
            code: Some("invalid_client".into()),
            description: Some("who?".into()),
            hint: Some("check the secret".into()),
            retry_after: Some(Duration::from_secs(7)),
            source: Some("below".into()),
            ..Details::new(Kind::Refused, "no")
        });
        assert_eq!(
            format!("{error:?}"),
            "Error { kind: Refused, message: \"no\", provider: \"Ataccama\", status: 401, \
             code: \"invalid_client\", description: \"who?\", hint: \"check the secret\", \
             transient: false, retry_after: 7s, source: below }"
        );
    }

    #[test]
    fn each_kind_sets_only_its_own_predicate() {
        let time_out = Error::new(Kind::Timeout, "late");
        let errors = [time_out, Error::setting("x", "is wrong"), Error::transient("x")];
        assert_eq!(errors.each_ref().map(Error::is_timeout), [true, false, false]);
        assert_eq!(errors.each_ref().map(Error::is_setting), [false, true, false]);
        assert_eq!(errors.each_ref().map(Error::is_transient), [true, false, true]);
        assert!(!Error::permanent("x").is_transient());
    }

    #[test]
    fn an_error_with_another_holder_keeps_its_provider() {
        let error = Error::new(Kind::Response, "no").of_provider("one");
        assert_eq!(error.provider(), Some("one"));
        let held = error.clone();
        assert_eq!(error.of_provider("two").provider(), Some("one"));
        assert_eq!(held.of_provider("two").to_string(), "two: no");
        assert_eq!(Error::new(Kind::Response, "no").provider(), None);
    }
}
