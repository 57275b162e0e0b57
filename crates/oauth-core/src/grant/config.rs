//! What all grants of this crate share: a token request as data, and the dialect of the responses.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, Uri};

use crate::credentials::{Credentials, RotatingClient};
use crate::error::Error;
use crate::source::SourceInfo;
use crate::token::Token;

use super::request::body::{self, Value};
use super::request::params::Params;
use super::request::{Endpoint, TokenRequest};
use super::response::{self, Dialect, Rules};

/// One configured grant.
#[derive(Clone)]
pub(in crate::grant) struct GrantConfig {
    pub(in crate::grant) info: SourceInfo,
    pub(in crate::grant) client: RotatingClient,
    pub(in crate::grant) endpoint: Endpoint,
    pub(in crate::grant) encoding: Encoding,
    /// In the order in which they are sent.
    pub(in crate::grant) fields: &'static [Field],
    pub(in crate::grant) params: Arc<Params>,
    pub(in crate::grant) rules: Rules,
    pub(in crate::grant) plain_http: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::grant) enum Encoding {
    Form,
    Json,
}

/// A part of the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::grant) enum Field {
    GrantType,
    /// Id and secret, where the client sends them in the body.
    Credentials,
    Scope,
    Audience,
    Resources,
    AuthorizationDetails,
    /// The parameters under other names.
    Extra,
}

impl Field {
    /// In the order of the RFCs. Every order contains every parameter, so none that is set is left out.
    pub(in crate::grant) const IN_ORDER: &'static [Self] = &[
        Self::GrantType,
        Self::Credentials,
        Self::Scope,
        Self::Audience,
        Self::Resources,
        Self::AuthorizationDetails,
        Self::Extra,
    ];

    /// The same without `grant_type`.
    pub(in crate::grant) const WITHOUT_GRANT_TYPE: &'static [Self] = Self::IN_ORDER.split_at(1).1;
}

const GRANT_TYPE: &str = "grant_type";
const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";

impl GrantConfig {
    /// A form with these fields, and everything else by default.
    pub(in crate::grant) fn new(
        dialect: &'static Dialect,
        client: RotatingClient,
        token_url: Uri,
        fields: &'static [Field],
        params: Params,
        info: SourceInfo,
    ) -> Result<Self, Error> {
        client.check()?;
        params.check()?;
        // RFC 6749 §3.2: no parameter twice; §2.3.1: no credentials in a URI.
        let query = token_url.query().unwrap_or_default();
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            let grant_type = fields.contains(&Field::GrantType).then_some(GRANT_TYPE);
            let own = [CLIENT_ID, CLIENT_SECRET].into_iter().chain(grant_type);
            if own.chain(params.names()).any(|sent| sent == name) {
                return Err(Error::setting(
                    "token_url",
                    "has a parameter in its query that the body sends: take it out",
                ));
            }
        }
        Ok(Self {
            info,
            client,
            endpoint: Endpoint::Fixed(token_url),
            encoding: Encoding::Form,
            fields,
            params: Arc::new(params),
            rules: Rules::new(dialect),
            plain_http: false,
        })
    }

    pub(in crate::grant) fn request(&self, token_request: &TokenRequest) -> Request<Bytes> {
        let credentials = token_request.credentials();
        let fields = self.fields(credentials, token_request.params());
        // No charset parameter: some gateways reject one.
        let (content_type, body) = match self.encoding {
            Encoding::Form => ("application/x-www-form-urlencoded", body::form(&fields)),
            Encoding::Json => ("application/json", body::json(&fields)),
        };
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = token_request.endpoint().clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(basic) = credentials.authorization() {
            headers.insert(AUTHORIZATION, basic);
        }
        request
    }

    /// Names and values in the order in which they are sent.
    fn fields<'a>(
        &self,
        credentials: &'a Credentials,
        params: &'a Params,
    ) -> Vec<(&'a str, Value<'a>)> {
        let mut fields = Vec::new();
        for field in self.fields {
            match field {
                Field::GrantType => fields.push((GRANT_TYPE, Value::Text("client_credentials"))),
                Field::Credentials => {
                    let members = credentials.members();
                    fields.extend(members.map(|(name, value)| (name, Value::Text(value))));
                }
                Field::Scope => {
                    fields.extend(params.scope().map(|scope| ("scope", Value::Text(scope))));
                }
                Field::Audience => {
                    let audience = params.audience();
                    fields.extend(audience.map(|audience| ("audience", Value::Text(audience))));
                }
                Field::Resources => match params.resources().collect::<Vec<_>>() {
                    none if none.is_empty() => {}
                    resources => fields.push(("resource", Value::List(resources))),
                },
                Field::AuthorizationDetails => {
                    let details = params.authorization_details().map(Value::Json);
                    fields.extend(details.map(|details| ("authorization_details", details)));
                }
                Field::Extra => {
                    fields.extend(params.extra().map(|(name, value)| (name, Value::Text(value))));
                }
            }
        }
        fields
    }

    pub(in crate::grant) fn response(
        &self,
        request: &TokenRequest,
        response: &Response<Bytes>,
    ) -> Result<Token, Error> {
        response::read(&self.rules, request, response)
    }
}

impl fmt::Debug for GrantConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the values of the parameters: some deployments put keys there.
        f.debug_struct("GrantConfig")
            .field("provider", &self.info.name().unwrap_or_default())
            .field("token_endpoint", &self.endpoint)
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

            fn endpoint(&self) -> $crate::grant::Endpoint {
                self.0.endpoint.clone()
            }

            fn params(&self) -> std::sync::Arc<$crate::Params> {
                self.0.params.clone()
            }

            fn request(
                &self,
                request: &$crate::grant::TokenRequest,
            ) -> http::Request<bytes::Bytes> {
                self.0.request(request)
            }

            fn response(
                &self,
                request: &$crate::grant::TokenRequest,
                response: &http::Response<bytes::Bytes>,
            ) -> Result<$crate::Token, $crate::Error> {
                self.0.response(request, response)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::ClientAuth;
    use crate::grant::Grant as _;
    use crate::grant::client_credentials::ClientCredentials;

    #[test]
    fn authorization_details_are_one_member_of_a_form_and_an_array_in_json() {
        let builder = ClientCredentials::builder(ClientAuth::secret("i", "s"))
            .token_url("https://auth.example/t")
            .authorization_details(r#"[{"type":"a", "n": 1}]"#);
        let body = |grant: ClientCredentials| {
            grant.request(&TokenRequest::new(&grant, grant.client().current())).into_body()
        };
        assert_eq!(
            body(builder.clone().build().unwrap()),
            "grant_type=client_credentials&client_id=i&client_secret=s\
             &authorization_details=%5B%7B%22type%22%3A%22a%22%2C+%22n%22%3A+1%7D%5D"
        );
        assert_eq!(
            body(builder.json().build().unwrap()),
            r#"{"grant_type":"client_credentials","client_id":"i","client_secret":"s","authorization_details":[{"type":"a", "n": 1}]}"#
        );
    }
}
