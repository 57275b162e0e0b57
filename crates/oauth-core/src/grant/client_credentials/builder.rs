//! The settings of the generic grant.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::credentials::RotatingClient;
use crate::error::Error;
use crate::grant::config::{Encoding, Field, GrantConfig};
use crate::grant::request::params::Params;
use crate::grant::request::settings;
use crate::grant::response::Rules;
use crate::origin::Origins;
use crate::source::SourceInfo;

use super::{ClientCredentials, DIALECT};

/// Settings of a [`ClientCredentials`] grant.
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct ClientCredentialsBuilder {
    client: RotatingClient,
    token_url: Option<String>,
    params: Params,
    encoding: Encoding,
    api_urls: Vec<String>,
    origins: Option<Origins>,
    refresh_window: Option<Duration>,
    rules: Rules,
    plain_http: bool,
    provider_name: Option<String>,
}

impl ClientCredentialsBuilder {
    pub(super) fn new(client: RotatingClient) -> Self {
        Self {
            client,
            token_url: None,
            params: Params::new(),
            encoding: Encoding::Form,
            api_urls: Vec::new(),
            origins: None,
            refresh_window: None,
            rules: Rules::new(&DIALECT),
            plain_http: false,
            provider_name: None,
        }
    }

    /// Sets the token endpoint: an absolute https URL, or http to loopback. Its query is kept (RFC 6749
    /// §3.2). Required.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = Some(url.into());
        self
    }

    /// Sets the scope to request: words separated by single spaces (RFC 6749 §3.3). Default: none.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.params = self.params.with_scope(scope);
        self
    }

    /// Sets the `audience` parameter that some servers take. Default: none.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.params = self.params.with_audience(audience);
        self
    }

    /// Adds a `resource` that the token is for: an absolute URI without a fragment (RFC 8707 §2). Can be
    /// called more than once; in JSON several become an array. Default: none.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.params = self.params.with_resource(uri);
        self
    }

    /// Sets the authorization details to request: a JSON array of objects, each with a `type` (RFC 9396
    /// §2). In a JSON body it is an array as well. Default: none.
    pub fn authorization_details(mut self, json: impl Into<String>) -> Self {
        self.params = self.params.with_authorization_details(json);
        self
    }

    /// Adds a parameter to the body. A name that has its own setter, or that is set twice, is an error (RFC
    /// 6749 §3.2); an empty value is not sent.
    ///
    /// Not for secrets: only the client's own secret is masked in what a server sends back.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params = self.params.with_extra(name, value);
        self
    }

    /// Sends the body as JSON. Default: as a form (RFC 6749 §4.4.2).
    pub fn json(mut self) -> Self {
        self.encoding = Encoding::Json;
        self
    }

    /// Adds a URL of the API: tokens may be sent to its origin. Can be called more than once. Default:
    /// none, so that the slot or the layer must name the origins.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_urls.push(url.into());
        self
    }

    /// Sets the origins that tokens may be sent to, instead of `api_url`.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = Some(origins);
        self
    }

    /// Sets how long before its expiry a token should be refreshed. Default: the slot decides by its
    /// lifetime.
    pub fn refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = Some(window);
        self
    }

    /// Sets the lifetime of a token if the response has none (RFC 6749 §5.1 recommends one): neither
    /// `expires_in` nor `expires_on`, which counts from the response's `Date` and is ignored without one.
    /// Default: 300 s, a short one among those in use: too short costs a token request, too long costs
    /// failed calls.
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.default_lifetime = lifetime;
        self
    }

    /// Makes a response without `token_type`, which RFC 6749 §5.1 requires, an error. Default: such a token
    /// counts as Bearer.
    pub fn require_token_type(mut self) -> Self {
        self.rules.require_token_type = true;
        self
    }

    /// Sets a status that means that the client's id or secret is wrong, besides 401: for servers that
    /// reject a client with a bare 403. An error code with another meaning, such as `invalid_scope`, takes
    /// precedence. Default: none.
    ///
    /// At such a server, this makes [`RotatingClient::with_fallback`] try the fallback and asks a
    /// [`SecretProvider`](crate::SecretProvider) for newer credentials.
    pub fn bad_credentials_status(mut self, status: StatusCode) -> Self {
        self.rules.wrong_client_status = Some(status);
        self
    }

    /// Allows the secret over plain http to any host, where everyone on the path can read it (against RFC
    /// 6749 §1.6). Default: `false`: plain http only to loopback.
    pub fn dangerous_plain_http(mut self, allow: bool) -> Self {
        self.plain_http = allow;
        self
    }

    /// Sets the provider's name in errors and logs. Default: the token URL's host and port.
    pub fn provider_name(mut self, name: impl Into<String>) -> Self {
        self.provider_name = Some(name.into());
        self
    }

    /// Builds the grant.
    ///
    /// # Errors
    /// If a setting is missing or invalid; the error names it and shows no value.
    pub fn build(self) -> Result<ClientCredentials, Error> {
        let token_url = settings::required("token_url", self.token_url)?;
        let token_url = settings::url("token_url", &token_url, self.plain_http)?;
        self.params.check()?;
        if self.rules.wrong_client_status.is_some_and(|status| !may_reject_a_client(status)) {
            return Err(Error::setting(
                "bad_credentials_status",
                "must be a 4xx status other than 408 and 429, which are transient",
            ));
        }
        let origins = match self.origins {
            Some(_) if !self.api_urls.is_empty() => {
                return Err(Error::setting("origins", "cannot be combined with `api_url`"));
            }
            Some(origins) => origins,
            None => settings::origins("api_url", &self.api_urls)?,
        };
        let provider = match self.provider_name {
            Some(name) => name,
            None => token_url.authority().map_or_else(String::new, ToString::to_string),
        };
        let info = SourceInfo::new().with_name(provider).with_origins(origins);
        let info = match self.refresh_window {
            Some(window) => info.with_refresh_window(window),
            None => info,
        };
        Ok(ClientCredentials(GrantConfig {
            encoding: self.encoding,
            rules: self.rules,
            plain_http: self.plain_http,
            ..GrantConfig::new(
                &DIALECT,
                self.client,
                token_url,
                Field::IN_ORDER,
                self.params,
                info,
            )?
        }))
    }
}

fn may_reject_a_client(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 429)
}

impl fmt::Debug for ClientCredentialsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings are not checked yet: a URL may contain a password.
        f.debug_struct("ClientCredentialsBuilder")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
