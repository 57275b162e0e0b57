//! The error for a response that has no token.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::credentials::blank_at_an_end;
use crate::error::{Details, Error, Kind};
use crate::grant::request::TokenRequest;

use super::class::Meaning;
use super::error_response::ErrorResponse;
use super::rate_limit;
use super::retry_after::retry_after;
use super::server_time::server_time;

/// How much of an unknown error code is kept, in characters.
const LONGEST_CODE: usize = 64;

impl TokenRequest {
    /// Starts the error for a response without a token.
    ///
    /// Without further calls it goes by the status and the headers, like the grants of this crate.
    pub fn error<'a>(&'a self, response: &'a Response<Bytes>) -> ErrorBuilder<'a> {
        ErrorBuilder {
            request: self,
            response,
            code: None,
            description: None,
            secret: None,
            hint: None,
            meaning: None,
            retry_after: None,
        }
    }

    /// Creates the error for a response that cannot be understood. Permanent. `problem` is shown and
    /// logged: text of the server in it must be [masked](Self::mask).
    pub fn unusable(
        &self,
        response: &Response<Bytes>,
        problem: impl Into<Cow<'static, str>>,
    ) -> Error {
        self.details(response, Kind::Response, problem.into()).into()
    }

    pub(super) fn details(
        &self,
        response: &Response<Bytes>,
        kind: Kind,
        message: Cow<'static, str>,
    ) -> Details {
        Details {
            provider: self.provider().cloned(),
            status: Some(response.status()),
            ..Details::new(kind, message)
        }
    }
}

/// The error for a response without a token, from [`TokenRequest::error`].
///
/// Code and description are text of the server: they are masked, escaped and truncated. What the error
/// means is set by [`bad_credentials`](Self::bad_credentials), [`transient`](Self::transient),
/// [`throttled`](Self::throttled) or [`permanent`](Self::permanent), of which the last counts; without any,
/// by the code if it has a standard meaning (`invalid_client`, `temporarily_unavailable`, `slow_down` and
/// similar ones), else by the status: 408, 429 and 5xx are transient.
///
/// ```
/// use bytes::Bytes;
/// use http::{Response, StatusCode};
/// use oauth_core::grant::TokenRequest;
/// use oauth_core::{ClientAuth, Fuuffy};
///
/// let client = ClientAuth::secret("id", "secret");
/// let grant = Fuuffy::builder(client.clone()).build()?;
/// let request = TokenRequest::new(&grant, client);
/// let mut response = Response::new(Bytes::new());
/// *response.status_mut() = StatusCode::FORBIDDEN;
///
/// let error = request.error(&response).code("E17").bad_credentials().hint("renew the key").build();
/// assert!(error.is_bad_credentials());
/// assert_eq!((error.code(), error.hint()), (Some("E17"), Some("renew the key")));
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[must_use = "call `.build()`"]
pub struct ErrorBuilder<'a> {
    request: &'a TokenRequest,
    response: &'a Response<Bytes>,
    code: Option<&'a str>,
    description: Option<&'a str>,
    secret: Option<&'a str>,
    hint: Option<Cow<'static, str>>,
    meaning: Option<Meaning>,
    retry_after: Option<Duration>,
}

impl<'a> ErrorBuilder<'a> {
    /// Sets the server's error code. Empty counts as none.
    pub fn code(mut self, code: &'a str) -> Self {
        self.code = Some(code).filter(|code| !code.is_empty());
        self
    }

    /// Sets the server's description of the error. Empty counts as none.
    pub fn description(mut self, description: &'a str) -> Self {
        self.description = Some(description).filter(|text| !text.is_empty());
        self
    }

    /// Adds a secret that the response may repeat, besides the credentials: a token that it has
    /// nevertheless.
    pub fn secret(mut self, secret: &'a str) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets what to do about it. Not for text of the server: it is shown verbatim.
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks the client's id or secret as wrong: see [`Error::is_bad_credentials`].
    pub fn bad_credentials(self) -> Self {
        self.meaning(Meaning::BadCredentials)
    }

    /// Marks it as transient: another attempt may succeed without a change. See [`Error::is_transient`].
    pub fn transient(self) -> Self {
        self.meaning(Meaning::Transient)
    }

    /// Marks it as transient for a client that asks less often. Rate limit reset headers count as
    /// `Retry-After`: see [`Error::retry_after`].
    pub fn throttled(self) -> Self {
        self.meaning(Meaning::Throttled)
    }

    /// Marks it as permanent until something is changed.
    pub fn permanent(self) -> Self {
        self.meaning(Meaning::Permanent)
    }

    pub(super) fn meaning(mut self, meaning: Meaning) -> Self {
        self.meaning = Some(meaning);
        self
    }

    /// Sets how long to wait before the next attempt, overriding the headers.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Builds the error.
    pub fn build(self) -> Error {
        let (status, headers) = (self.response.status(), self.response.headers());
        let (code, description) = (self.code, self.description);
        let meaning = self.meaning.unwrap_or_else(|| {
            ErrorResponse { status, code, description, is_wrong_client_status: false }.meaning()
        });
        let is_throttled = meaning == Meaning::Throttled;
        let now = server_time(headers);
        // Some servers send the limit's reset with every response. It says when a limited client may
        // return, not when a failing server works again, so it counts only if the limit is the reason.
        let wait = self
            .retry_after
            .or_else(|| retry_after(headers, now))
            .or_else(|| rate_limit::reset(headers, now).filter(|_| is_throttled));
        let secrets = match self.secret {
            Some(secret) => self.request.secrets().and(secret),
            None => self.request.secrets(),
        };
        Details {
            code: code.map(|code| secrets.shown(code).chars().take(LONGEST_CODE).collect()),
            description: description.map(|text| secrets.shown(text)),
            transient: is_throttled || meaning == Meaning::Transient,
            bad_credentials: meaning == Meaning::BadCredentials,
            hint: match meaning {
                Meaning::BadCredentials => with_blanks(self.hint, self.request),
                _ => self.hint,
            },
            retry_after: wait,
            ..self.request.details(self.response, Kind::Refused, message(status, meaning).into())
        }
        .into()
    }
}

fn message(status: StatusCode, meaning: Meaning) -> &'static str {
    if meaning == Meaning::Throttled {
        "rate limited by the token endpoint"
    } else if status.is_server_error() {
        "the token endpoint failed"
    } else {
        "the token endpoint rejected the request"
    }
}

/// Names invisible blanks in the credentials.
fn with_blanks(
    mut hint: Option<Cow<'static, str>>,
    request: &TokenRequest,
) -> Option<Cow<'static, str>> {
    let credentials = request.credentials();
    let secret = credentials.expose_secret().map(|secret| ("client_secret", secret));
    for (name, value) in [("client_id", credentials.client_id())].into_iter().chain(secret) {
        if let Some(blank) = blank_at_an_end(value) {
            let blank = format!("the `{name}` that was sent {blank}");
            hint = Some(hint.map_or(blank.clone(), |hint| format!("{hint}; {blank}")).into());
        }
    }
    hint
}

impl fmt::Debug for ErrorBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Code and description are not masked yet.
        f.debug_struct("ErrorBuilder")
            .field("status", &self.response.status())
            .finish_non_exhaustive()
    }
}
