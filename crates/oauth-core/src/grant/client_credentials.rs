//! The generic client credentials grant (RFC 6749 §4.4), for every other provider.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::client_auth::{ClientAuth, RotatingClient};
use crate::error::Error;
use crate::origin::Origins;
use crate::token::Token;

use super::Grant;
use super::recipe::{Class, DEFAULT_LIFETIME, Dialect, Encoding, Member, Recipe, Refusal};
use super::settings::{self, Vars};

/// Names that have a setter, or that would be a second client authentication (RFC 6749 §2.3).
const BUILT_IN: [&str; 8] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "resource",
    "client_assertion",
    "client_assertion_type",
];

static DIALECT: Dialect = Dialect {
    provider: "",
    envelope: false,
    rate_limit_reset: false,
    classify,
    unreachable_hint: None,
};

/// The client credentials grant of RFC 6749 §4.4, configurable for any token endpoint.
///
/// Sends `grant_type`, `client_id`, `client_secret`, `scope`, `audience`, `resource` and the extra
/// parameters, in this order, those that have a value. With [`ClientAuth::basic`] or
/// [`ClientAuth::raw_basic`] id and secret go into the `Authorization` header instead.
///
/// ```
/// use oauth_core::{ClientAuth, ClientCredentials};
///
/// let grant = ClientCredentials::builder(ClientAuth::secret("billing", "correct horse"))
///     .token_url("https://auth.example.com/oauth2/token")
///     .api_url("https://api.example.com")
///     .scope("invoices:read invoices:write")
///     .build()?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientCredentials(Recipe);

impl ClientCredentials {
    /// Starts a grant for these credentials; `token_url` must follow.
    pub fn builder(client: impl Into<RotatingClient>) -> ClientCredentialsBuilder {
        ClientCredentialsBuilder {
            client: client.into(),
            token_url: None,
            scope: String::new(),
            audience: String::new(),
            resources: Vec::new(),
            extras: Vec::new(),
            encoding: Encoding::Form,
            api_urls: Vec::new(),
            origins: None,
            refresh_window: None,
            default_lifetime: DEFAULT_LIFETIME,
            require_token_type: false,
            plain_http: false,
            provider_name: None,
        }
    }

    /// A grant from the environment: `OAUTH_CLIENT_ID`, `OAUTH_CLIENT_SECRET`, `OAUTH_TOKEN_URL`,
    /// and, if they are set, `OAUTH_API_URL`, `OAUTH_SCOPE` and `OAUTH_AUDIENCE`. A line end at the
    /// end of a value is dropped.
    ///
    /// Without `OAUTH_API_URL` the origins are undeclared, and the slot or the layer must name them.
    ///
    /// # Errors
    /// If a variable is missing or wrong; the error names it or its setting.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(settings::environment())
    }

    fn from_vars(vars: Vars<impl Fn(&str) -> Option<String>>) -> Result<Self, Error> {
        let mut builder =
            Self::builder(vars.client("OAUTH")?).token_url(vars.required("OAUTH_TOKEN_URL")?);
        if let Some(url) = vars.optional("OAUTH_API_URL") {
            builder = builder.api_url(url);
        }
        if let Some(scope) = vars.optional("OAUTH_SCOPE") {
            builder = builder.scope(scope);
        }
        if let Some(audience) = vars.optional("OAUTH_AUDIENCE") {
            builder = builder.audience(audience);
        }
        builder.build()
    }
}

/// Settings of a [`ClientCredentials`] grant.
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct ClientCredentialsBuilder {
    client: RotatingClient,
    token_url: Option<String>,
    scope: String,
    audience: String,
    resources: Vec<String>,
    extras: Vec<(String, String)>,
    encoding: Encoding,
    api_urls: Vec<String>,
    origins: Option<Origins>,
    refresh_window: Option<Duration>,
    default_lifetime: Duration,
    require_token_type: bool,
    plain_http: bool,
    provider_name: Option<String>,
}

impl ClientCredentialsBuilder {
    /// The token endpoint: an absolute https URL, or http to loopback. Its query is kept
    /// (RFC 6749 §3.2). Required.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = Some(url.into());
        self
    }

    /// The scope to ask for: words parted by single spaces (RFC 6749 §3.3). Default: none.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// The `audience` parameter that some servers take. Default: none.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// A `resource` that the token is for: an absolute URI without a fragment (RFC 8707 §2). May be
    /// called more than once; in JSON several make an array. Default: none.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.resources.push(uri.into());
        self
    }

    /// One more parameter of the body. A name that has its own setter, or that comes twice, is
    /// refused (RFC 6749 §3.2); an empty value is not sent.
    ///
    /// Not for secrets: only the client's own is masked in what a server sends back.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push((name.into(), value.into()));
        self
    }

    /// Sends the body as JSON. Default: as a form, as RFC 6749 has it.
    pub fn json(mut self) -> Self {
        self.encoding = Encoding::Json;
        self
    }

    /// A URL of the API: its origin is one that tokens may be sent to. May be called more than
    /// once. Default: none, so that the slot or the layer must name the origins.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_urls.push(url.into());
        self
    }

    /// The origins that tokens may be sent to, instead of `api_url`.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = Some(origins);
        self
    }

    /// How long before its end a token should be renewed. Default: the slot decides by its life.
    pub fn refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = Some(window);
        self
    }

    /// The life of a token when the answer does not tell it (RFC 6749 §5.1 recommends that it
    /// does). Default: 300 s, a short one among those in use: too short costs a token request,
    /// too long costs failed calls.
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.default_lifetime = lifetime;
        self
    }

    /// Refuses an answer without `token_type`, which RFC 6749 §5.1 requires. Default: such a token
    /// counts as Bearer.
    pub fn require_token_type(mut self) -> Self {
        self.require_token_type = true;
        self
    }

    /// Lets the secret go over plain http to any host, where everybody on the way can read it
    /// (against RFC 6749 §1.6). Default: `false`, plain http to loopback alone.
    pub fn dangerous_plain_http(mut self, allow: bool) -> Self {
        self.plain_http = allow;
        self
    }

    /// What errors and logs call the provider. Default: the token URL's host and port.
    pub fn provider_name(mut self, name: impl Into<String>) -> Self {
        self.provider_name = Some(name.into());
        self
    }

    /// The grant.
    ///
    /// # Errors
    /// If a setting is missing or wrong; the error names it and shows no value.
    pub fn build(self) -> Result<ClientCredentials, Error> {
        let token_url = settings::required("token_url", self.token_url)?;
        let token_url = settings::url("token_url", &token_url, self.plain_http)?;
        settings::scope("scope", &self.scope)?;
        for resource in &self.resources {
            settings::resource("resource", resource)?;
        }
        check_extras(&self.extras)?;
        let origins = match self.origins {
            Some(_) if !self.api_urls.is_empty() => {
                return Err(Error::setting("origins", "and `api_url` exclude each other"));
            }
            Some(origins) => origins,
            None => settings::origins("api_url", &self.api_urls)?,
        };
        let provider = match self.provider_name {
            Some(name) => name,
            None => token_url.authority().map_or_else(String::new, ToString::to_string),
        };
        let mut members = vec![
            Member::grant_type(),
            Member::ClientId,
            Member::ClientSecret,
            Member::plain("scope", self.scope),
            Member::plain("audience", self.audience),
            Member::Plain { name: Cow::Borrowed("resource"), values: self.resources },
        ];
        members.extend(self.extras.into_iter().map(|(name, value)| Member::plain(name, value)));
        Ok(ClientCredentials(Recipe {
            provider: provider.into(),
            encoding: self.encoding,
            refresh_window: self.refresh_window,
            default_lifetime: self.default_lifetime,
            require_token_type: self.require_token_type,
            plain_http: self.plain_http,
            ..Recipe::new(&DIALECT, self.client, token_url, members, origins)?
        }))
    }
}

/// RFC 6749 §3.2: no parameter twice.
fn check_extras(extras: &[(String, String)]) -> Result<(), Error> {
    for (i, (name, _)) in extras.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::setting("parameter", "has an empty name"));
        }
        if BUILT_IN.contains(&name.as_str()) {
            return Err(Error::setting(
                "parameter",
                format_args!("must not be `{name}`, which the grant itself sends: use its setter"),
            ));
        }
        if extras[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(Error::setting("parameter", format_args!("`{name}` is there twice")));
        }
    }
    Ok(())
}

/// RFC 6749 §5.2.
fn classify(refusal: &Refusal<'_>) -> Class {
    let class = Class::of_status(refusal.status);
    match (refusal.status.as_u16(), refusal.code) {
        (400, Some("invalid_client")) | (401, _) => {
            class.bad_credentials("the client id or the secret is wrong, or the client is disabled")
        }
        (_, Some("invalid_request")) => class.hint(
            "a parameter is missing or not understood: compare the grant's settings with the provider's documentation",
        ),
        (_, Some("invalid_scope")) => class.hint("the scope is unknown or not granted to this client"),
        (_, Some("unauthorized_client")) => {
            class.hint("this client may not use the client credentials grant")
        }
        (_, Some("unsupported_grant_type")) => {
            class.hint("the token endpoint does not know the client credentials grant")
        }
        (404 | 405, _) => class.hint("check the token URL"),
        _ => class,
    }
}

impl Grant for ClientCredentials {
    fn client(&self) -> &RotatingClient {
        &self.0.client
    }

    fn request(&self, client: &ClientAuth) -> Request<Bytes> {
        self.0.request(client)
    }

    fn response(&self, client: &ClientAuth, response: &Response<Bytes>) -> Result<Token, Error> {
        self.0.response(client, response)
    }

    fn origins(&self) -> Origins {
        self.0.origins.clone()
    }

    fn refresh_window(&self) -> Option<Duration> {
        self.0.refresh_window
    }

    fn provider(&self) -> &str {
        &self.0.provider
    }

    fn allows_plain_http(&self) -> bool {
        self.0.plain_http
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientCredentials").field(&self.0).finish()
    }
}

impl fmt::Debug for ClientCredentialsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings are not checked yet: a URL among them may carry a password.
        f.debug_struct("ClientCredentialsBuilder")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_gives_every_setting() {
        let all = [
            ("OAUTH_CLIENT_ID", "id\n"),
            ("OAUTH_CLIENT_SECRET", "secret\r\n"),
            ("OAUTH_TOKEN_URL", "https://auth.example/t\n"),
            ("OAUTH_API_URL", "https://api.example/v1"),
            ("OAUTH_SCOPE", "a b"),
            ("OAUTH_AUDIENCE", "api"),
        ];
        let grant = ClientCredentials::from_vars(settings::fixed(&all)).unwrap();
        assert_eq!(
            grant.request(&grant.client().current()).body(),
            "grant_type=client_credentials&client_id=id&client_secret=secret&scope=a+b&audience=api"
        );
        assert_eq!(grant.origins().to_string(), "https://api.example");
        for missing in 0..3 {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            let error = ClientCredentials::from_vars(settings::fixed(&some)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{name}` is not set")), "{error}");
        }
    }
}
