//! Fuuffy: responses in a `data` envelope, numeric error codes, a base URL with or without `/v1`.

use std::fmt;
use std::time::Duration;

use crate::credentials::RotatingClient;
use crate::error::Error;

use crate::grant::config::{Field, GrantConfig, grant_of_config};
use crate::grant::request::params::Params;
use crate::grant::request::settings::{self, Vars};
use crate::grant::response::{Class, Dialect, ErrorResponse};

const NAME: &str = "Fuuffy";
const PRODUCTION: &str = "https://api-gateway.fuuffy.com/v1";
const TESTING: &str = "https://testing-api-gateway.fuuffy.com/v1";

const WRONG_CLIENT: &str = "client id or secret wrong, or test credentials against production";

static DIALECT: Dialect = Dialect {
    provider: NAME,
    envelope: true,
    classify,
    says_wrong_client,
    wrong_client: WRONG_CLIENT,
    unreachable_hint: None,
};

/// Client credentials at Fuuffy.
///
/// Sends a form with `grant_type`, `client_id` and `client_secret` to `{base}/auth/token`; the token comes
/// in a `data` envelope, an object or a string that holds one, or without it. Refreshes 60 s before the
/// expiry.
///
/// ```
/// use oauth_core::{ClientAuth, Fuuffy};
///
/// let grant = Fuuffy::builder(ClientAuth::secret("id", "secret")).testing().build()?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Fuuffy(GrantConfig);

impl Fuuffy {
    /// Starts a grant for these credentials, at the production gateway.
    pub fn builder(client: impl Into<RotatingClient>) -> FuuffyBuilder {
        FuuffyBuilder {
            client: client.into(),
            base_url: PRODUCTION.to_owned(),
            token_url: None,
            api_urls: Vec::new(),
            grant_type: true,
        }
    }

    /// Creates a grant from the environment: `FUUFFY_CLIENT_ID`, `FUUFFY_CLIENT_SECRET`, and, if it is set,
    /// `FUUFFY_BASE_URL`. A line end at the end of a value is dropped.
    ///
    /// # Errors
    /// If a variable is missing or invalid; the error names it or its setting.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(settings::environment()).map_err(|error| error.of_provider(NAME))
    }

    fn from_vars(vars: Vars<impl Fn(&str) -> Option<String>>) -> Result<Self, Error> {
        let mut builder = Self::builder(vars.client("FUUFFY")?);
        if let Some(url) = vars.optional("FUUFFY_BASE_URL") {
            builder = builder.base_url(url);
        }
        builder.build()
    }
}

/// Settings of a [`Fuuffy`] grant.
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct FuuffyBuilder {
    client: RotatingClient,
    base_url: String,
    token_url: Option<String>,
    api_urls: Vec<String>,
    grant_type: bool,
}

impl FuuffyBuilder {
    /// Sets another gateway, with or without `/v1` at its end. Default:
    /// `https://api-gateway.fuuffy.com/v1`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Uses the test gateway, `https://testing-api-gateway.fuuffy.com/v1`.
    pub fn testing(self) -> Self {
        self.base_url(TESTING)
    }

    /// Sets another token endpoint. Default: `{base}/auth/token`.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = Some(url.into());
        self
    }

    /// Sets another URL of the API: tokens may be sent to its origin. Each further call adds one more.
    /// Default: the base URL.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_urls.push(url.into());
        self
    }

    /// Leaves `grant_type` out of the request, as Fuuffy's reference page does. Default: it is sent
    /// first, as Fuuffy's guide does.
    pub fn without_grant_type(mut self) -> Self {
        self.grant_type = false;
        self
    }

    /// Builds the grant.
    ///
    /// # Errors
    /// If a setting is missing or invalid; the error names it and shows no value.
    pub fn build(self) -> Result<Fuuffy, Error> {
        self.checked().map_err(|error| error.of_provider(NAME))
    }

    fn checked(mut self) -> Result<Fuuffy, Error> {
        let mut base = settings::base_url("base_url", &self.base_url)?;
        if !base.ends_with("/v1") {
            base.push_str("/v1");
        }
        let token_url = match self.token_url {
            Some(url) => settings::url("token_url", &url, false)?,
            None => settings::url("base_url", &format!("{base}/auth/token"), false)?,
        };
        if self.api_urls.is_empty() {
            self.api_urls.push(base);
        }
        let origins = settings::origins("api_url", &self.api_urls)?;
        let info =
            DIALECT.info().with_origins(origins).with_refresh_window(Duration::from_secs(60));
        let fields = if self.grant_type { Field::IN_ORDER } else { Field::WITHOUT_GRANT_TYPE };
        let params = Params::new();
        Ok(Fuuffy(GrantConfig::new(&DIALECT, self.client, token_url, fields, params, info)?))
    }
}

fn says_wrong_client(response: &ErrorResponse<'_>) -> bool {
    response.code == Some("401021")
}

/// By status and code, never by `code_reason`: it is documented with two values for one code.
fn classify(response: &ErrorResponse<'_>) -> Class {
    let class = Class::of_status(response.status);
    // The code first: it means the same with every status, including 200.
    match (response.status.as_u16(), response.code) {
        (429, _) => Class::throttled("wait for the reset: 100 requests a minute, 1000 an hour"),
        (_, Some("400013")) => class.hint("a parameter is missing or invalid"),
        (401, None) => Class::bad_credentials(WRONG_CLIENT),
        (_, Some("500999")) | (500.., _) => {
            Class::transient("if it stays, contact the provider's customer service")
        }
        (400, _) => class.hint("a parameter is missing or invalid"),
        (403, _) => class.hint("forbidden for this resource"),
        (404, _) => class.hint("check `/v1` in the base URL"),
        _ => class,
    }
}

grant_of_config!(Fuuffy);

impl fmt::Debug for FuuffyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings are not checked yet: a URL may contain a password.
        f.debug_struct("FuuffyBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{Grant as _, TokenRequest};

    #[test]
    fn the_environment_gives_every_setting() {
        let all = [
            ("FUUFFY_CLIENT_ID", "id\n"),
            ("FUUFFY_CLIENT_SECRET", "secret\r\n"),
            ("FUUFFY_BASE_URL", "https://gateway.example\n"),
        ];
        let grant = Fuuffy::from_vars(settings::fixed(&all)).unwrap();
        let request = grant.request(&TokenRequest::new(&grant, grant.client().current()));
        assert_eq!(request.uri(), "https://gateway.example/v1/auth/token");
        assert_eq!(
            request.body(),
            "grant_type=client_credentials&client_id=id&client_secret=secret"
        );
        for missing in 0..2 {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            let error = Fuuffy::from_vars(settings::fixed(&some)).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}` is not set")), "{error}");
        }
    }
}
