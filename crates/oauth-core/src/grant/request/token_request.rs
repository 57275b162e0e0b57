//! One token request, with everything resolved that a grant needs to write it and to read its response.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::Uri;

use crate::credentials::{ClientAuth, Credentials, RotatingClient};
use crate::grant::Grant;
use crate::redact::Secrets;

use super::endpoint::Endpoint;
use super::params::Params;

/// One token request: the client's credentials, the endpoint and the parameters, all resolved.
///
/// A [`GrantSource`](crate::GrantSource) creates one for each request and passes it to the [`Grant`] twice,
/// for writing the request and for reading its response, so the grant does no I/O. `Debug` shows no secret,
/// no value of a parameter and no query.
pub struct TokenRequest {
    credentials: Credentials,
    endpoint: Uri,
    params: Arc<Params>,
    provider: Option<Cow<'static, str>>,
    /// Its other credentials must not appear in an error either.
    client: RotatingClient,
}

impl TokenRequest {
    /// Creates the request of this grant with these credentials, for testing a grant.
    ///
    /// ```
    /// use oauth_core::grant::{Grant as _, TokenRequest};
    /// use oauth_core::{ClientAuth, Fuuffy};
    ///
    /// let grant = Fuuffy::builder(ClientAuth::secret("id", "secret")).build()?;
    /// let request = TokenRequest::new(&grant, grant.client().current());
    /// assert_eq!(grant.request(&request).uri().path(), "/v1/auth/token");
    /// # Ok::<(), oauth_core::Error>(())
    /// ```
    pub fn new(grant: &(impl Grant + ?Sized), client: impl Into<Arc<ClientAuth>>) -> Self {
        Self::resolved(grant, grant.client(), Credentials::new(client.into()))
    }

    pub(crate) fn resolved(
        grant: &(impl Grant + ?Sized),
        client: &RotatingClient,
        credentials: Credentials,
    ) -> Self {
        let Endpoint::Fixed(endpoint) = grant.endpoint();
        Self {
            credentials,
            endpoint,
            params: grant.params(),
            provider: grant.info().name().map(|name| name.to_owned().into()),
            client: client.clone(),
        }
    }

    /// Returns the client's credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where the request goes.
    pub fn endpoint(&self) -> &Uri {
        &self.endpoint
    }

    /// Returns the parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The provider's name, as its grant says it.
    pub(in crate::grant) fn provider(&self) -> Option<&Cow<'static, str>> {
        self.provider.as_ref()
    }

    /// Masks text of the server so that it can be shown: the client's credentials and everything that looks
    /// like a token are masked, control characters are escaped, long text is truncated.
    pub fn mask(&self, text: &str) -> String {
        self.secrets().shown(text)
    }

    /// What an error must not show: the credentials that the server, or a proxy before it, may have seen,
    /// and parameters whose names mark them as secret.
    pub(crate) fn secrets(&self) -> Secrets {
        let secrets = Secrets::of(&self.client.seen_with(self.credentials.auth()));
        self.params.secrets().fold(secrets, Secrets::and)
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("credentials", &self.credentials)
            .field("endpoint", &Endpoint::Fixed(self.endpoint.clone()))
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
