//! The generic client credentials grant (RFC 6749 §4.4), for every other provider.

mod builder;

use crate::credentials::RotatingClient;
use crate::error::Error;

use crate::grant::config::{GrantConfig, grant_of_config};
use crate::grant::request::settings::{self, Vars};
use crate::grant::response::{Class, Dialect, ErrorResponse};

pub use builder::ClientCredentialsBuilder;

const WRONG_CLIENT: &str = "the client id or the secret is wrong, or the client is disabled";

static DIALECT: Dialect = Dialect {
    provider: "",
    envelope: false,
    classify,
    says_wrong_client: |_| false,
    wrong_client: WRONG_CLIENT,
    unreachable_hint: None,
};

/// The client credentials grant of RFC 6749 §4.4, configurable for any token endpoint.
///
/// Sends `grant_type`, `client_id`, `client_secret`, `scope`, `audience`, `resource` and the extra
/// parameters, in this order, if they have a value. With [`ClientAuth::basic`](crate::ClientAuth::basic) or
/// [`ClientAuth::raw_basic`](crate::ClientAuth::raw_basic) id and secret go into the `Authorization` header
/// instead.
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
pub struct ClientCredentials(GrantConfig);

impl ClientCredentials {
    /// Starts a grant for these credentials; `token_url` must follow.
    pub fn builder(client: impl Into<RotatingClient>) -> ClientCredentialsBuilder {
        ClientCredentialsBuilder::new(client.into())
    }

    /// Creates a grant from the environment: `OAUTH_CLIENT_ID`, `OAUTH_CLIENT_SECRET`, `OAUTH_TOKEN_URL`,
    /// and, if they are set, `OAUTH_API_URL`, `OAUTH_SCOPE` and `OAUTH_AUDIENCE`. A line end at the end of
    /// a value is dropped.
    ///
    /// Without `OAUTH_API_URL` the origins are undeclared: the slot or the layer must name them.
    ///
    /// # Errors
    /// If a variable is missing or invalid; the error names it or its setting.
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

/// RFC 6749 §5.2.
fn classify(response: &ErrorResponse<'_>) -> Class {
    let class = Class::of_status(response.status);
    match (response.status.as_u16(), response.code) {
        (401, _) => Class::bad_credentials(WRONG_CLIENT),
        (_, Some("invalid_request")) => {
            class.hint("a parameter is missing or not understood: see the provider's documentation")
        }
        (_, Some("invalid_scope")) => {
            class.hint("the scope is unknown or not granted to this client")
        }
        (_, Some("unauthorized_client")) => {
            class.hint("this client may not use the client credentials grant")
        }
        (_, Some("unsupported_grant_type")) => {
            class.hint("the token endpoint does not know the client credentials grant")
        }
        _ if response.is_wrong_client_status => Class::bad_credentials(WRONG_CLIENT),
        (404 | 405, _) => class.hint("check the token URL"),
        _ => class,
    }
}

grant_of_config!(ClientCredentials);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{Grant as _, TokenRequest};

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
            grant.request(&TokenRequest::new(&grant, grant.client().current())).body(),
            "grant_type=client_credentials&client_id=id&client_secret=secret&scope=a+b&audience=api"
        );
        assert_eq!(grant.info().origins().to_string(), "https://api.example");
        for missing in 0..3 {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            let error = ClientCredentials::from_vars(settings::fixed(&some)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{name}` is not set")), "{error}");
        }
    }
}
