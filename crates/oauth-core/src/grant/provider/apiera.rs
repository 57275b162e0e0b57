//! Apiera: a JSON body, an organization, and throttling that looks like a failure.

use std::fmt;
use std::time::Duration;

use crate::credentials::RotatingClient;
use crate::error::Error;

use crate::grant::config::{Encoding, Field, GrantConfig, grant_of_config};
use crate::grant::request::params::Params;
use crate::grant::request::settings::{self, Vars};
use crate::grant::response::{Class, Dialect, ErrorResponse};

const NAME: &str = "Apiera";
const TOKEN_URL: &str = "https://auth.apiera.io/oauth/token";
const API_URL: &str = "https://api.apiera.io";

/// In the order of Apiera's documentation.
const FIELDS: &[Field] = &[
    Field::Credentials,
    Field::Audience,
    Field::GrantType,
    Field::Extra,
    Field::Scope,
    Field::Resources,
    Field::AuthorizationDetails,
];

const WRONG_CLIENT: &str = "client id or secret wrong";

static DIALECT: Dialect = Dialect {
    provider: NAME,
    envelope: false,
    classify,
    says_wrong_client: |_| false,
    wrong_client: WRONG_CLIENT,
    unreachable_hint: None,
};

/// Client credentials at Apiera.
///
/// Sends a JSON body with `client_id`, `client_secret`, `audience`, `grant_type` and `organization`, in the
/// order of Apiera's documentation. Refreshes 300 s before the expiry.
///
/// ```
/// use oauth_core::{Apiera, ClientAuth};
///
/// let grant = Apiera::builder(ClientAuth::secret("id", "secret"))
///     .organization("org_EXAMPLE")
///     .build()?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Apiera(GrantConfig);

impl Apiera {
    /// Starts a grant for these credentials; `organization` must follow.
    pub fn builder(client: impl Into<RotatingClient>) -> ApieraBuilder {
        ApieraBuilder {
            client: client.into(),
            organization: None,
            audience: API_URL.to_owned(),
            token_url: TOKEN_URL.to_owned(),
            api_urls: Vec::new(),
        }
    }

    /// Creates a grant from the environment: `APIERA_CLIENT_ID`, `APIERA_CLIENT_SECRET`,
    /// `APIERA_ORGANIZATION`, and, if they are set, `APIERA_AUDIENCE`, `APIERA_TOKEN_URL` and
    /// `APIERA_API_URL`. A line end at the end of a value is dropped.
    ///
    /// # Errors
    /// If a variable is missing or invalid; the error names it or its setting.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(settings::environment()).map_err(|error| error.of_provider(NAME))
    }

    fn from_vars(vars: Vars<impl Fn(&str) -> Option<String>>) -> Result<Self, Error> {
        let mut builder = Self::builder(vars.client("APIERA")?)
            .organization(vars.required("APIERA_ORGANIZATION")?);
        if let Some(audience) = vars.optional("APIERA_AUDIENCE") {
            builder = builder.audience(audience);
        }
        if let Some(url) = vars.optional("APIERA_TOKEN_URL") {
            builder = builder.token_url(url);
        }
        if let Some(url) = vars.optional("APIERA_API_URL") {
            builder = builder.api_url(url);
        }
        builder.build()
    }
}

/// Settings of an [`Apiera`] grant.
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct ApieraBuilder {
    client: RotatingClient,
    organization: Option<String>,
    audience: String,
    token_url: String,
    api_urls: Vec<String>,
}

impl ApieraBuilder {
    /// Sets the organization's id, `org_…`; white space around it is dropped. Required. Another prefix is a
    /// warning in the log and no error.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization = Some(id.into());
        self
    }

    /// Sets another audience. Default: `https://api.apiera.io`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Sets another token endpoint. Default: `https://auth.apiera.io/oauth/token`.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = url.into();
        self
    }

    /// Sets another URL of the API: tokens may be sent to its origin. Each further call adds one more.
    /// Default: `https://api.apiera.io`. The audience does not follow it.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_urls.push(url.into());
        self
    }

    /// Builds the grant.
    ///
    /// # Errors
    /// If a setting is missing or invalid; the error names it and shows no value.
    pub fn build(self) -> Result<Apiera, Error> {
        self.checked().map_err(|error| error.of_provider(NAME))
    }

    fn checked(mut self) -> Result<Apiera, Error> {
        let organization = settings::required("organization", self.organization)?;
        let organization = organization.trim();
        if organization.is_empty() {
            return Err(Error::setting("organization", "is empty: the id looks like `org_…`"));
        }
        if !organization.starts_with("org_") {
            tracing::warn!("Apiera: `organization` does not begin with `org_`, as ids there do");
        }
        if self.audience.is_empty() {
            return Err(Error::setting("audience", "is empty, and Apiera requires one"));
        }
        let token_url = settings::url("token_url", &self.token_url, false)?;
        if self.api_urls.is_empty() {
            self.api_urls.push(API_URL.to_owned());
        }
        let origins = settings::origins("api_url", &self.api_urls)?;
        let info =
            DIALECT.info().with_origins(origins).with_refresh_window(Duration::from_secs(300));
        let params =
            Params::new().with_audience(self.audience).with_extra("organization", organization);
        Ok(Apiera(GrantConfig {
            encoding: Encoding::Json,
            ..GrantConfig::new(&DIALECT, self.client, token_url, FIELDS, params, info)?
        }))
    }
}

fn classify(response: &ErrorResponse<'_>) -> Class {
    let class = Class::of_status(response.status);
    match (response.status.as_u16(), response.code) {
        (400, _) => class.hint("the organization id is missing or invalid"),
        // `access_denied` and not `invalid_client`.
        (401, _) => Class::bad_credentials(WRONG_CLIENT),
        (403, _) => class.hint("this client is not granted that audience"),
        (429, _) => Class::throttled("too many token requests: share one slot, wait for the reset"),
        // Throttling in disguise: "Global limit has been reached".
        (500, Some("access_denied")) => {
            Class::throttled("the tenant's limit of token requests is reached, wait for the reset")
        }
        _ => class,
    }
}

grant_of_config!(Apiera);

impl fmt::Debug for ApieraBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings are not checked yet: a URL may contain a password.
        f.debug_struct("ApieraBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{Grant as _, TokenRequest};

    #[test]
    fn its_own_order_has_every_parameter_once() {
        assert_eq!(FIELDS.len(), Field::IN_ORDER.len());
        assert!(Field::IN_ORDER.iter().all(|field| FIELDS.contains(field)));
    }

    #[test]
    fn the_environment_gives_every_setting() {
        let all = [
            ("APIERA_CLIENT_ID", "id\n"),
            ("APIERA_CLIENT_SECRET", "secret\r\n"),
            ("APIERA_ORGANIZATION", "org_A\n"),
            ("APIERA_AUDIENCE", "aud"),
            ("APIERA_TOKEN_URL", "https://auth.example/t"),
            ("APIERA_API_URL", "https://api.example"),
        ];
        let grant = Apiera::from_vars(settings::fixed(&all)).unwrap();
        let request = grant.request(&TokenRequest::new(&grant, grant.client().current()));
        assert_eq!(request.uri(), "https://auth.example/t");
        assert_eq!(
            request.body(),
            concat!(
                r#"{"client_id":"id","client_secret":"secret","audience":"aud","#,
                r#""grant_type":"client_credentials","organization":"org_A"}"#,
            )
        );
        assert_eq!(grant.info().origins().to_string(), "https://api.example");
        for missing in 0..3 {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            let error = Apiera::from_vars(settings::fixed(&some)).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}` is not set")), "{error}");
        }
    }
}
