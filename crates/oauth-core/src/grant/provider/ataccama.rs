//! Ataccama ONE: a Keycloak realm below the environment's host.

use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::credentials::RotatingClient;
use crate::error::Error;

use crate::grant::config::{Field, GrantConfig, grant_of_config};
use crate::grant::request::params::Params;
use crate::grant::request::settings::{self, Vars};
use crate::grant::response::{Class, Dialect, ErrorResponse};

const NAME: &str = "Ataccama";
const HOST_SUFFIX: &str = "ataccama.one";
const AUTH_PREFIX: &str = "/auth";
/// What stays as it is in a path segment (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const WRONG_CLIENT: &str = "wrong id or secret, stray spaces, or the API client is disabled";

static DIALECT: Dialect = Dialect {
    provider: NAME,
    envelope: false,
    classify,
    says_wrong_client,
    wrong_client: WRONG_CLIENT,
    unreachable_hint: None,
};

/// Client credentials at Ataccama ONE.
///
/// Sends a form with `grant_type`, `client_id` and `client_secret` to
/// `https://{environment}.ataccama.one/auth/realms/{realm}/protocol/openid-connect/token`; tokens go to
/// that host. Refreshes 60 s before the expiry (later for short lifetimes).
///
/// ```
/// use oauth_core::{Ataccama, ClientAuth};
///
/// let grant = Ataccama::builder(ClientAuth::secret("id", "secret"))
///     .environment("acme")
///     .realm("acme")
///     .build()?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Ataccama(GrantConfig);

impl Ataccama {
    /// Starts a grant for these credentials; `environment` and `realm` must follow.
    pub fn builder(client: impl Into<RotatingClient>) -> AtaccamaBuilder {
        AtaccamaBuilder {
            client: client.into(),
            environment: None,
            realm: None,
            base_url: None,
            host_suffix: HOST_SUFFIX.to_owned(),
            auth_prefix: None,
            token_url: None,
            api_urls: Vec::new(),
        }
    }

    /// Creates a grant from the environment: `ATACCAMA_CLIENT_ID`, `ATACCAMA_CLIENT_SECRET`,
    /// `ATACCAMA_ENVIRONMENT`, `ATACCAMA_REALM`, and, if it is set, `ATACCAMA_BASE_URL`, which makes
    /// `ATACCAMA_ENVIRONMENT` unnecessary. A line end at the end of a value is dropped.
    ///
    /// # Errors
    /// If a variable is missing or invalid; the error names it or its setting.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(settings::environment()).map_err(|error| error.of_provider(NAME))
    }

    fn from_vars(vars: Vars<impl Fn(&str) -> Option<String>>) -> Result<Self, Error> {
        let builder = Self::builder(vars.client("ATACCAMA")?);
        let builder = match vars.optional("ATACCAMA_BASE_URL") {
            Some(url) => builder.base_url(url),
            None => builder.environment(vars.required("ATACCAMA_ENVIRONMENT")?),
        };
        builder.realm(vars.required("ATACCAMA_REALM")?).build()
    }
}

/// Settings of an [`Ataccama`] grant.
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct AtaccamaBuilder {
    client: RotatingClient,
    environment: Option<String>,
    realm: Option<String>,
    base_url: Option<String>,
    host_suffix: String,
    auth_prefix: Option<String>,
    token_url: Option<String>,
    api_urls: Vec<String>,
}

impl AtaccamaBuilder {
    /// Sets the environment: the first label of the host, not a URL; white space around it is dropped.
    /// Required unless `base_url` is set.
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Sets the realm's plain name, sent as one path segment; white space around it is dropped. Required
    /// unless `token_url` contains it.
    pub fn realm(mut self, name: impl Into<String>) -> Self {
        self.realm = Some(name.into());
        self
    }

    /// Sets where a self-managed environment is, instead of `environment` and `host_suffix`: scheme and
    /// host, `https://one.example.com`, or with Keycloak's own prefix, `https://one.example.com/keycloak`,
    /// which takes the place of `/auth`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets what follows the environment in the host. Default: `ataccama.one`.
    pub fn host_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.host_suffix = suffix.into();
        self
    }

    /// Sets the path before `/realms`; empty for a Keycloak without one. Default: `/auth`, or the path of
    /// `base_url` if it has one.
    pub fn auth_prefix(mut self, path: impl Into<String>) -> Self {
        self.auth_prefix = Some(path.into());
        self
    }

    /// Sets another token endpoint, instead of the one that is made from the realm.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = Some(url.into());
        self
    }

    /// Sets another URL of the API: tokens may be sent to its origin. Each further call adds one more.
    /// Default: the environment's host, or that of `base_url`.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_urls.push(url.into());
        self
    }

    /// Builds the grant.
    ///
    /// # Errors
    /// If a setting is missing or invalid; the error names it and shows no value.
    pub fn build(self) -> Result<Ataccama, Error> {
        self.checked().map_err(|error| error.of_provider(NAME))
    }

    fn checked(mut self) -> Result<Ataccama, Error> {
        let base = match (&self.base_url, &self.environment) {
            (Some(url), name) => {
                // Not used, but still checked.
                name.as_ref().map(|name| environment_url(name, &self.host_suffix)).transpose()?;
                Some(settings::base_url("base_url", url)?)
            }
            (None, Some(name)) => Some(environment_url(name, &self.host_suffix)?),
            // Everything that would be derived from it is given.
            (None, None) if self.token_url.is_some() && !self.api_urls.is_empty() => None,
            (None, None) => Some(settings::required("environment", None)?),
        };
        let realm = self.realm.as_deref().map(realm_segment).transpose()?;
        let token_url = match (self.token_url, &base) {
            (None, Some(base)) => {
                let realm = settings::required("realm", realm)?;
                let auth = auth_url(base, self.auth_prefix.as_deref())?;
                let url = format!("{auth}/realms/{realm}/protocol/openid-connect/token");
                settings::url("realm", &url, false)?
            }
            (url, _) => settings::url("token_url", &url.unwrap_or_default(), false)?,
        };
        if let (true, Some(base)) = (self.api_urls.is_empty(), base) {
            self.api_urls.push(base);
        }
        let origins = settings::origins("api_url", &self.api_urls)?;
        let info =
            DIALECT.info().with_origins(origins).with_refresh_window(Duration::from_secs(60));
        let (fields, params) = (Field::IN_ORDER, Params::new());
        Ok(Ataccama(GrantConfig::new(&DIALECT, self.client, token_url, fields, params, info)?))
    }
}

fn environment_url(name: &str, suffix: &str) -> Result<String, Error> {
    let (name, suffix) = (name.trim(), suffix.trim().trim_start_matches('.'));
    if !is_label(name) {
        return Err(Error::setting(
            "environment",
            "must be one label of a host name, `acme`: no URL, no dot, no space",
        ));
    }
    if !suffix.split('.').all(is_label) {
        return Err(Error::setting("host_suffix", "must be a host name, `ataccama.one`"));
    }
    Ok(format!("https://{name}.{suffix}"))
}

/// A label of a host name (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn realm_segment(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let problem = if name.is_empty() {
        "is empty"
    } else if name == "." || name.contains("..") || name.contains(['/', '\\', '?', '#']) {
        "must be one path segment: no `/`, `..`, `?` or `#`"
    } else if name.contains(char::is_control) {
        "has a control character"
    } else {
        return Ok(utf8_percent_encode(name, SEGMENT).to_string());
    };
    Err(Error::setting("realm", problem))
}

/// Scheme, host and Keycloak's prefix, without a slash at the end.
fn auth_url(base: &str, prefix: Option<&str>) -> Result<String, Error> {
    let has_path = base.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    let prefix = match (has_path, prefix) {
        (true, Some(_)) => {
            return Err(Error::setting("auth_prefix", "must be left out: `base_url` has a path"));
        }
        (true, None) => return Ok(base.to_owned()),
        (false, prefix) => prefix.unwrap_or(AUTH_PREFIX).trim_matches('/'),
    };
    if prefix.contains(['?', '#', '\\']) || prefix.split('/').any(|part| part == "..") {
        return Err(Error::setting("auth_prefix", "must be a plain path, `/auth`"));
    }
    let slash = if prefix.is_empty() { "" } else { "/" };
    let url = format!("{base}{slash}{prefix}");
    settings::url("auth_prefix", &url, false)?;
    Ok(url)
}

/// Keycloak uses this code for two errors: wrong credentials, and a client that lacks a switch.
const UNAUTHORIZED: &str = "unauthorized_client";

fn says_wrong_client(response: &ErrorResponse<'_>) -> bool {
    let description = response.description.unwrap_or_default();
    response.code == Some(UNAUTHORIZED) && !description.contains("service account")
}

fn classify(response: &ErrorResponse<'_>) -> Class {
    let class = Class::of_status(response.status);
    match (response.status.as_u16(), response.code) {
        (..500, Some(UNAUTHORIZED)) => class.hint("enable service accounts for this client"),
        (400, Some("invalid_request")) => class.hint("a form parameter is missing or sent twice"),
        (403, _) => class.hint("https required, or the realm is disabled"),
        (404, _) => class.hint("the realm in the URL is not the tenant's name"),
        _ => class,
    }
}

grant_of_config!(Ataccama);

impl fmt::Debug for AtaccamaBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings are not checked yet: a URL may contain a password.
        f.debug_struct("AtaccamaBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{Grant as _, TokenRequest};

    #[test]
    fn the_environment_gives_every_setting() {
        let all = [
            ("ATACCAMA_CLIENT_ID", "id\n"),
            ("ATACCAMA_CLIENT_SECRET", "secret\r\n"),
            ("ATACCAMA_ENVIRONMENT", "acme\n"),
            ("ATACCAMA_REALM", "acme\n"),
        ];
        let grant = Ataccama::from_vars(settings::fixed(&all)).unwrap();
        let request = grant.request(&TokenRequest::new(&grant, grant.client().current()));
        assert_eq!(
            request.uri(),
            "https://acme.ataccama.one/auth/realms/acme/protocol/openid-connect/token"
        );
        for missing in 0..4 {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            let error = Ataccama::from_vars(settings::fixed(&some)).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}` is not set")), "{error}");
        }
        let mut with_base = all.to_vec();
        with_base[2] = ("ATACCAMA_BASE_URL", "http://127.0.0.1:8080\n");
        let grant = Ataccama::from_vars(settings::fixed(&with_base)).unwrap();
        assert_eq!(grant.info().origins().to_string(), "http://127.0.0.1:8080");
    }
}
