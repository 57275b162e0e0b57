//! The tolerant reader of token and error responses, as real token endpoints send them.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, Uri};
use zeroize::Zeroizing;

use crate::error::{Details, Error, Kind};
use crate::grant::request::TokenRequest;
use crate::redact::Secrets;
use crate::token::Token;

use super::class::Class;
use super::complaint::Complaint;
use super::error_response::ErrorResponse;
use super::json_text::{present, string};
use super::lifetime::{self, Lifetime};
use super::members::{Members, Unreadable};
use super::rules::Rules;
use super::server_time::server_time;

/// A longer scope is dropped: searching it for secrets would take too long.
const LONGEST_SCOPE: usize = 16 * 1024;

pub(in crate::grant) fn read(
    rules: &Rules,
    request: &TokenRequest,
    response: &Response<Bytes>,
) -> Result<Token, Error> {
    Reader { rules, request, response }.read()
}

struct Reader<'a> {
    rules: &'a Rules,
    request: &'a TokenRequest,
    response: &'a Response<Bytes>,
}

impl Reader<'_> {
    fn read(&self) -> Result<Token, Error> {
        let status = self.response.status();
        if status.is_redirection() {
            return Err(self.redirected());
        }
        if !status.is_success() {
            return Err(match Members::parse(self.response.body()) {
                Ok(members) => self.rejected(&members),
                // A gateway's HTML page must not hide the status.
                Err(_) => {
                    let complaint = Complaint::of_body(self.response.body(), self.is_plain_text());
                    self.rejected_with(&complaint, None)
                }
            });
        }
        if let Some(encoding) = self.content_encoding() {
            return Err(self.unusable(format!(
                "the response is encoded (`{encoding}`), although no encoding was accepted"
            )));
        }
        let outer = self.parse(self.response.body())?;
        let data = present(outer.data)
            .filter(|_| self.rules.dialect.envelope && present(outer.access_token).is_none());
        match data {
            _ if outer.is_error() => Err(self.rejected(&outer)),
            None => self.token(&outer),
            Some(json) if json.starts_with('{') => self.token(&self.parse(json.as_bytes())?),
            Some(json) => match string(json) {
                // A string that holds the object: unwrapped once, never again.
                Some(text) => self.token(&self.parse(text.as_bytes())?),
                None => Err(self.unusable("`data` is neither an object nor a string".into())),
            },
        }
    }

    fn parse<'b>(&self, body: &'b [u8]) -> Result<Members<'b>, Error> {
        Members::parse(body).map_err(|problem| match problem {
            Unreadable::Empty => self.unusable("the response is empty".into()),
            Unreadable::Broken(problem) => self.unusable(format!("the response's JSON {problem}")),
            Unreadable::NoObject => {
                let content_type = match self.response.headers().get(CONTENT_TYPE) {
                    Some(value) => {
                        format!("content type `{}`", self.secrets().shown_value(value.as_bytes()))
                    }
                    None => "no content type".to_owned(),
                };
                let length = body.len();
                self.unusable(format!(
                    "the response is not a JSON object ({content_type}, {length} bytes)"
                ))
            }
        })
    }

    fn token(&self, members: &Members<'_>) -> Result<Token, Error> {
        if members.is_error() {
            return Err(self.rejected(members));
        }
        let Some(json) = present(members.access_token) else {
            if members.has_code() {
                return Err(self.rejected(members));
            }
            return Err(self.unusable("the response has no `access_token`".into()));
        };
        let secret = string(json)
            .filter(|text| !text.is_empty() && text.as_str() != "null")
            .ok_or_else(|| self.unusable("the response's `access_token` is not a token".into()))?;
        self.check_token_type(members)?;
        let token = Token::bearer(secret.as_str())
            .map_err(|error| self.unusable(error.to_string()))?
            .expires_in(self.lifetime(members));
        // A secret that a server echoes into the scope would be shown with the token.
        let shows_nothing = |scope: &Zeroizing<String>| {
            scope.len() <= LONGEST_SCOPE && !self.secrets_with(members).gives_away_in(scope)
        };
        Ok(match members.scope().filter(shows_nothing) {
            Some(scope) => token.with_scope(scope.as_str()),
            None => token,
        })
    }

    /// Case-insensitive; any type but Bearer is an error (RFC 6749 §5.1, §7.1).
    fn check_token_type(&self, members: &Members<'_>) -> Result<(), Error> {
        let Some(json) = present(members.token_type) else {
            if self.rules.require_token_type {
                return Err(self.unusable("the response has no `token_type`".into()));
            }
            return Ok(());
        };
        match string(json) {
            Some(text) if text.trim().eq_ignore_ascii_case("bearer") => Ok(()),
            Some(text) => {
                let name = self.secrets_with(members).shown(&text);
                Err(self.unusable(format!("the token's type is not Bearer but `{name}`")))
            }
            None => Err(self.unusable("the response's `token_type` is not a string".into())),
        }
    }

    fn lifetime(&self, members: &Members<'_>) -> Duration {
        let now = server_time(self.response.headers());
        match lifetime::read(members.expires_in, members.expires_on, now) {
            Lifetime::Known(lifetime) => lifetime,
            Lifetime::Missing => self.rules.default_lifetime,
            Lifetime::Unreadable => {
                tracing::warn!(
                    provider = %self.request.provider().map_or("", |name| name.as_ref()),
                    default_lifetime = ?self.rules.default_lifetime,
                    "the token's lifetime is not a number: the default is used"
                );
                self.rules.default_lifetime
            }
        }
    }

    fn is_plain_text(&self) -> bool {
        let value = self.response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let media_type = value.and_then(|value| value.split(|byte| *byte == b';').next());
        media_type.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"text/plain"))
    }

    fn rejected(&self, members: &Members<'_>) -> Error {
        let token = present(members.access_token).and_then(string);
        self.rejected_with(&Complaint::of(members), token)
    }

    /// `token`: one that the response has beside its error.
    fn rejected_with(&self, complaint: &Complaint, token: Option<Zeroizing<String>>) -> Error {
        let status = self.response.status();
        let code = complaint.code.as_ref().map(|code| code.as_str());
        let description = complaint.description.as_ref().map(|text| text.as_str());
        let is_wrong_client_status = self.rules.wrong_client_status == Some(status);
        let said = ErrorResponse { status, code, description, is_wrong_client_status };
        let Class { meaning, hint } = self.rules.dialect.class(&said);
        let error = self.request.error(self.response).meaning(meaning);
        let error = error.code(code.unwrap_or_default());
        let error = error.description(description.unwrap_or_default());
        let error = match &token {
            Some(token) => error.secret(token),
            None => error,
        };
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
        .build()
    }

    /// A redirect would pass the secret on, so none is followed. Of its target only scheme, host and port
    /// are shown.
    fn redirected(&self) -> Error {
        let location = self.response.headers().get(LOCATION).map(HeaderValue::as_bytes);
        let location = location.and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        // Wiped with the last part of the parsed URI, in case the server echoed a secret into it.
        let text = Bytes::from_owner(Zeroizing::new(location.as_bytes().to_vec()));
        let uri = Uri::from_maybe_shared(text).ok();
        let target = match uri.as_ref().map(|uri| (uri.scheme_str(), uri.host(), uri.port())) {
            Some((Some(scheme), Some(host), port)) => {
                let secrets = self.secrets();
                let shown = |part: &str| secrets.shown_name(part, location);
                let port = port.map_or(String::new(), |port| format!(":{}", shown(port.as_str())));
                format!(" to {}://{}{port}", shown(scheme), shown(host))
            }
            _ => String::new(),
        };
        let message = format!(
            "the token endpoint responded with a redirect{target}; redirects are not followed"
        );
        let hint = "the token URL must be the endpoint's final address";
        Details {
            hint: Some(hint.into()),
            ..self.request.details(self.response, Kind::Response, message.into())
        }
        .into()
    }

    fn content_encoding(&self) -> Option<String> {
        let mut values = self.response.headers().get_all(CONTENT_ENCODING).iter();
        let is_coding = |name: &[u8]| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity");
        let encoded = values.find(|value| {
            value.as_bytes().split(|byte| *byte == b',').any(|name| is_coding(name.trim_ascii()))
        })?;
        // The whole value: a secret that is only partly in a piece of it would not be recognized.
        Some(self.secrets().shown_value(encoded.as_bytes()))
    }

    fn unusable(&self, message: String) -> Error {
        self.request.unusable(self.response, message)
    }

    fn secrets(&self) -> Secrets {
        self.request.secrets()
    }

    /// And the token that the response has beside its other texts.
    fn secrets_with(&self, members: &Members<'_>) -> Secrets {
        let token = present(members.access_token).and_then(string);
        match token {
            Some(token) => self.secrets().and(&token),
            None => self.secrets(),
        }
    }
}
