//! Oleria: the workspace shows the token URL, and a scope is required.

use std::fmt;
use std::time::Duration;

use crate::credentials::RotatingClient;
use crate::error::Error;

use crate::grant::config::{Field, GrantConfig, grant_of_config};
use crate::grant::request::params::Params;
use crate::grant::request::settings::{self, Vars};
use crate::grant::response::{Class, Dialect, ErrorResponse};

const NAME: &str = "Oleria";
const SCOPE: &str = "ClientCredentialsResourceServer/client_credentials_base_scope";

const WRONG_CLIENT: &str = "id or secret wrong, key deleted, or wrong environment";

static DIALECT: Dialect = Dialect {
    provider: NAME,
    envelope: false,
    classify,
    says_wrong_client: |_| false,
    wrong_client: WRONG_CLIENT,
    unreachable_hint: Some(
        "the egress firewall must allow the host of the Authentication URL and of the API URL",
    ),
};

/// Client credentials at Oleria.
///
/// Sends a form with `grant_type`, `client_id`, `client_secret` and `scope`, all required by
/// Oleria's contract, to the Authentication URL exactly as the workspace shows it. Refreshes 60 s
/// before the end.
///
/// ```
/// use oauth_core::{ClientAuth, Oleria};
///
/// let grant = Oleria::builder(ClientAuth::secret("id", "secret"))
///     .authentication_url("https://auth.example.com/oauth2/token")
///     .api_url("https://devx.acme.oleria.io")
///     .build()?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Oleria(GrantConfig);

impl Oleria {
    /// Starts a grant for these credentials; `authentication_url` and `api_url` must follow.
    pub fn builder(client: impl Into<RotatingClient>) -> OleriaBuilder {
        OleriaBuilder {
            client: client.into(),
            authentication_url: None,
            token_url: None,
            api_urls: Vec::new(),
            scope: SCOPE.to_owned(),
            audience: String::new(),
        }
    }

    /// Creates a grant from the environment: `OLERIA_CLIENT_ID`, `OLERIA_CLIENT_SECRET`,
    /// `OLERIA_AUTHENTICATION_URL`, `OLERIA_API_URL`, and, if they are set, `OLERIA_SCOPE` and
    /// `OLERIA_AUDIENCE`. A line end at the end of a value is dropped.
    ///
    /// # Errors
    /// If a variable is missing or invalid; the error names it or its setting.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(settings::environment()).map_err(|error| error.of_provider(NAME))
    }

    fn from_vars(vars: Vars<impl Fn(&str) -> Option<String>>) -> Result<Self, Error> {
        let mut builder = Self::builder(vars.client("OLERIA")?)
            .authentication_url(vars.required("OLERIA_AUTHENTICATION_URL")?)
            .api_url(vars.required("OLERIA_API_URL")?);
        if let Some(scope) = vars.optional("OLERIA_SCOPE") {
            builder = builder.scope(scope);
        }
        if let Some(audience) = vars.optional("OLERIA_AUDIENCE") {
            builder = builder.audience(audience);
        }
        builder.build()
    }
}

/// Settings of an [`Oleria`] grant.
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct OleriaBuilder {
    client: RotatingClient,
    authentication_url: Option<String>,
    token_url: Option<String>,
    api_urls: Vec<String>,
    scope: String,
    audience: String,
}

impl OleriaBuilder {
    /// Sets the "Authentication URL" of the workspace, verbatim. Required.
    pub fn authentication_url(mut self, url: impl Into<String>) -> Self {
        self.authentication_url = Some(url.into());
        self
    }

    /// Sets the token endpoint, for other deployments and tests, instead of `authentication_url`.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = Some(url.into());
        self
    }

    /// Sets the "API URL" of the workspace: tokens may be sent to its origin. Required; each further call
    /// adds one more.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_urls.push(url.into());
        self
    }

    /// Sets another scope. Default: `ClientCredentialsResourceServer/client_credentials_base_scope`.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sets the "Audience" of the workspace. Default: not sent, as in the documented request.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Builds the grant.
    ///
    /// # Errors
    /// If a setting is missing or invalid; the error names it and shows no value.
    pub fn build(self) -> Result<Oleria, Error> {
        self.checked().map_err(|error| error.of_provider(NAME))
    }

    fn checked(self) -> Result<Oleria, Error> {
        let token_url = match self.token_url {
            Some(url) => settings::url("token_url", &url, false)?,
            None => {
                let url = settings::required("authentication_url", self.authentication_url)?;
                settings::url("authentication_url", &url, false)?
            }
        };
        if self.api_urls.is_empty() {
            settings::required("api_url", None::<()>)?;
        }
        let origins = settings::origins("api_url", &self.api_urls)?;
        let info =
            DIALECT.info().with_origins(origins).with_refresh_window(Duration::from_secs(60));
        if self.scope.is_empty() {
            return Err(Error::setting("scope", "is empty, and Oleria requires one"));
        }
        let params = Params::new().with_scope(self.scope).with_audience(self.audience);
        let fields = Field::IN_ORDER;
        Ok(Oleria(GrantConfig::new(&DIALECT, self.client, token_url, fields, params, info)?))
    }
}

fn classify(response: &ErrorResponse<'_>) -> Class {
    let class = Class::of_status(response.status);
    match (response.status.as_u16(), response.code) {
        (400, Some("invalid_request")) => class
            .hint("a field of grant_type, client_id, client_secret, scope is missing or misspelt"),
        (405, _) => class.hint("content type stripped on the way, or a wrong URL"),
        _ => class,
    }
}

grant_of_config!(Oleria);

impl fmt::Debug for OleriaBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings are not checked yet: a URL may contain a password.
        f.debug_struct("OleriaBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{Grant as _, TokenRequest};

    #[test]
    fn the_environment_gives_every_setting() {
        let all = [
            ("OLERIA_CLIENT_ID", "id\n"),
            ("OLERIA_CLIENT_SECRET", "secret\r\n"),
            ("OLERIA_AUTHENTICATION_URL", "https://auth.example/t\n"),
            ("OLERIA_API_URL", "https://devx.acme.oleria.io\n"),
            ("OLERIA_SCOPE", "s"),
            ("OLERIA_AUDIENCE", "a"),
        ];
        let grant = Oleria::from_vars(settings::fixed(&all)).unwrap();
        assert_eq!(
            grant.request(&TokenRequest::new(&grant, grant.client().current())).body(),
            "grant_type=client_credentials&client_id=id&client_secret=secret&scope=s&audience=a"
        );
        assert_eq!(grant.info().origins().to_string(), "https://devx.acme.oleria.io");
        for missing in 0..4 {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            let error = Oleria::from_vars(settings::fixed(&some)).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}` is not set")), "{error}");
        }
    }
}
