//! What all grants of this crate share: a token request as data, and the dialect of its answers.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, Uri};

use crate::credentials::{ClientAuth, Method as AuthMethod, RotatingClient};
use crate::error::Error;
use crate::source::SourceInfo;
use crate::token::Token;

use super::request::body;
use super::response::{self, Dialect};

/// The life of a token whose answer does not tell it: the shortest that any of the four providers
/// hands out. Too short costs a token request, too long costs failed calls.
pub(in crate::grant) const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

/// One configured grant.
#[derive(Clone)]
pub(in crate::grant) struct GrantConfig {
    pub(in crate::grant) dialect: &'static Dialect,
    pub(in crate::grant) info: SourceInfo,
    pub(in crate::grant) client: RotatingClient,
    pub(in crate::grant) token_url: Uri,
    pub(in crate::grant) encoding: Encoding,
    /// In the order in which they are sent.
    pub(in crate::grant) fields: Vec<Field>,
    pub(in crate::grant) default_lifetime: Duration,
    pub(in crate::grant) require_token_type: bool,
    pub(in crate::grant) plain_http: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::grant) enum Encoding {
    Form,
    Json,
}

/// One field of the request's body.
#[derive(Clone)]
pub(in crate::grant) enum Field {
    ClientId,
    ClientSecret,
    Plain { name: Cow<'static, str>, values: Vec<String> },
}

impl Field {
    pub(in crate::grant) const GRANT_TYPE: &'static str = "grant_type";

    pub(in crate::grant) fn grant_type() -> Self {
        Self::plain(Self::GRANT_TYPE, "client_credentials")
    }

    pub(in crate::grant) fn plain(
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        Self::Plain { name: name.into(), values: vec![value.into()] }
    }

    fn has_value(&self) -> bool {
        match self {
            Self::ClientId | Self::ClientSecret => true,
            Self::Plain { values, .. } => values.iter().any(|value| !value.is_empty()),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::Plain { name, .. } => name,
        }
    }
}

impl GrantConfig {
    /// A form with these fields, and everything else by default.
    pub(in crate::grant) fn new(
        dialect: &'static Dialect,
        client: RotatingClient,
        token_url: Uri,
        fields: Vec<Field>,
        info: SourceInfo,
    ) -> Result<Self, Error> {
        client.check()?;
        // RFC 6749 §3.2: no parameter twice; §2.3.1: no credentials in a URI.
        let query = token_url.query().unwrap_or_default();
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            if fields.iter().any(|field| field.name() == name && field.has_value()) {
                return Err(Error::setting(
                    "token_url",
                    "has a parameter in its query that the body sends: take it out",
                ));
            }
        }
        Ok(Self {
            dialect,
            info,
            client,
            token_url,
            encoding: Encoding::Form,
            fields,
            default_lifetime: DEFAULT_LIFETIME,
            require_token_type: false,
            plain_http: false,
        })
    }

    pub(in crate::grant) fn request(&self, client: &ClientAuth) -> Request<Bytes> {
        let in_body = client.method() == AuthMethod::Post;
        let fields: Vec<_> = self
            .fields
            .iter()
            .filter_map(|field| {
                let values = match field {
                    // RFC 6749 §2.3: one method a request.
                    Field::ClientId | Field::ClientSecret if !in_body => return None,
                    Field::ClientId => vec![client.id()],
                    Field::ClientSecret => vec![client.expose_secret()],
                    Field::Plain { values, .. } => {
                        // RFC 6749 §3.2: a parameter without a value counts as left out.
                        values.iter().map(String::as_str).filter(|v| !v.is_empty()).collect()
                    }
                };
                (!values.is_empty()).then(|| (field.name(), values))
            })
            .collect();
        // No charset parameter: some gateways refuse one.
        let (content_type, body) = match self.encoding {
            Encoding::Form => ("application/x-www-form-urlencoded", body::form(&fields)),
            Encoding::Json => ("application/json", body::json(&fields)),
        };
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_url.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(basic) = client.basic_header() {
            headers.insert(AUTHORIZATION, basic);
        }
        request
    }

    /// What is sent under a name that says that it is a secret, besides the client's own.
    pub(in crate::grant) fn other_secrets(&self) -> impl Iterator<Item = &str> {
        fn of(field: &Field) -> &[String] {
            match field {
                Field::Plain { name, values } if names_a_secret(name) => values.as_slice(),
                _ => &[],
            }
        }
        self.fields.iter().flat_map(of).map(String::as_str)
    }

    pub(in crate::grant) fn response(
        &self,
        client: &ClientAuth,
        response: &Response<Bytes>,
    ) -> Result<Token, Error> {
        response::read(self, client, response)
    }
}

/// `client_assertion`, `subject_token`, `api-key`, …
fn names_a_secret(name: &str) -> bool {
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    ["assertion", "key", "password", "secret", "token"]
        .iter()
        .any(|secret| last.eq_ignore_ascii_case(secret))
}

impl fmt::Debug for GrantConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query and the extra fields stay out: some deployments put keys there.
        let authority = self.token_url.authority().map_or("", |authority| authority.as_str());
        let path = self.token_url.path();
        f.debug_struct("GrantConfig")
            .field("provider", &self.info.name().unwrap_or_default())
            .field("token_endpoint", &format_args!("{authority}{path}"))
            .field("client", &self.client)
            .field("origins", &format_args!("{}", self.info.origins()))
            .field("refresh_window", &self.info.refresh_window())
            .finish_non_exhaustive()
    }
}

/// Makes a newtype around a [`GrantConfig`] a `Grant`. A function cannot, and five times by hand one of
/// them soon forgets to pass something on.
macro_rules! grant_of_config {
    ($name:ident) => {
        impl $crate::grant::Grant for $name {
            fn client(&self) -> &$crate::RotatingClient {
                &self.0.client
            }

            fn request(&self, client: &$crate::ClientAuth) -> http::Request<bytes::Bytes> {
                self.0.request(client)
            }

            fn response(
                &self,
                client: &$crate::ClientAuth,
                response: &http::Response<bytes::Bytes>,
            ) -> Result<$crate::Token, $crate::Error> {
                self.0.response(client, response)
            }

            fn info(&self) -> $crate::SourceInfo {
                self.0.info.clone()
            }

            fn allows_plain_http(&self) -> bool {
                self.0.plain_http
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}
pub(in crate::grant) use grant_of_config;
