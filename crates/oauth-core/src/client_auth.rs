//! How the client proves itself to the token endpoint (RFC 6749 §2.3).

mod current;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use self::current::Current;
use crate::error::Error;
use crate::secret_provider::{Provided, SecretProvider};

/// A client's credentials and the method by which they are sent.
///
/// Without a method each provider sends them its own way. `Debug` shows the id, never the secret.
///
/// ```
/// use oauth_core::ClientAuth;
///
/// let client = ClientAuth::secret("billing", "correct horse").basic();
/// assert!(!format!("{client:?}").contains("horse"));
/// ```
#[derive(Clone)]
pub struct ClientAuth {
    id: String,
    secret: SecretString,
    method: Option<Method>,
}

/// One method a request, never two (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Id and secret as members of the body.
    Post,
    /// HTTP Basic, id and secret form-encoded first (RFC 6749 §2.3.1).
    Basic,
    /// HTTP Basic as RFC 7617 has it, for servers that do not decode.
    RawBasic,
}

impl ClientAuth {
    /// A client id and its secret, sent the way that the provider's contract asks for.
    ///
    /// Empty or unprintable ones are refused by name when a grant is built. Blanks at their ends are
    /// sent, as RFC 6749 (App. A.2) has it: a secret may end in a space. When the token endpoint calls
    /// the credentials wrong, the error's hint names such a blank. This holds for those from the
    /// environment and from a [`SecretProvider`] as well; a [`FileSecret`](crate::FileSecret) refuses
    /// them.
    pub fn secret(id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        Self { id: id.into(), secret: secret.into(), method: None }
    }

    /// Sends both by HTTP Basic, form-encoded first (RFC 6749 §2.3.1).
    #[must_use]
    pub fn basic(mut self) -> Self {
        self.method = Some(Method::Basic);
        self
    }

    /// Sends both by HTTP Basic without encoding them first, for servers that do not decode.
    #[must_use]
    pub fn raw_basic(mut self) -> Self {
        self.method = Some(Method::RawBasic);
        self
    }

    /// Sends both as members of the request's body.
    #[must_use]
    pub fn post(mut self) -> Self {
        self.method = Some(Method::Post);
        self
    }

    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn expose_secret(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Another secret for the same id, sent the same way.
    pub(crate) fn with_secret(&self, secret: SecretString) -> Self {
        Self { id: self.id.clone(), secret, method: self.method }
    }

    /// Whether both would make the same token request.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        (&self.id, self.expose_secret(), self.method())
            == (&other.id, other.expose_secret(), other.method())
    }

    pub(crate) fn method(&self) -> Method {
        self.method.unwrap_or(Method::Post)
    }

    /// Refuses what no token endpoint would take, before anything is sent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, value) in [("client_id", self.id()), ("client_secret", self.expose_secret())] {
            if value.is_empty() {
                return Err(Error::setting(name, "is empty"));
            }
            // RFC 6749 App. A.1, A.2; mostly the line end of a file that was read whole.
            if value.chars().any(char::is_control) {
                return Err(Error::setting(
                    name,
                    "has a control character, a line end perhaps: trim it",
                ));
            }
        }
        if self.method() == Method::RawBasic && self.id.contains(':') {
            return Err(Error::setting(
                "client_id",
                "has a colon, which raw Basic cannot carry (RFC 7617 §2): use basic()",
            ));
        }
        Ok(())
    }

    /// The `Authorization` header for the Basic methods, marked sensitive.
    pub(crate) fn basic_header(&self) -> Option<HeaderValue> {
        let (id, secret) = (self.id.as_bytes(), self.expose_secret());
        // As large as either can become: growing would leave a copy behind in freed memory.
        let mut pair = Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
        match self.method() {
            Method::Post => return None,
            Method::Basic => {
                pair.extend(form_urlencoded::byte_serialize(id));
                pair.push(':');
                pair.extend(form_urlencoded::byte_serialize(secret.as_bytes()));
            }
            Method::RawBasic => {
                pair.push_str(&self.id);
                pair.push(':');
                pair.push_str(secret);
            }
        }
        const SCHEME: &[u8] = b"Basic ";
        let mut text = Zeroizing::new(vec![0; SCHEME.len() + 4 * pair.len().div_ceil(3)]);
        let (scheme, encoded) = text.split_at_mut(SCHEME.len());
        scheme.copy_from_slice(SCHEME);
        // Into place: encoding into a `String` goes through a buffer on the stack.
        STANDARD.encode_slice(pair.as_bytes(), encoded).ok()?;
        // Base64 is always a valid header value. Its bytes are wiped with the last clone.
        let bytes = Bytes::from_owner(text);
        let mut header = HeaderValue::from_maybe_shared(bytes).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuth")
            .field("id", &self.id)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A shared handle to a client's credentials that can be exchanged while the service runs.
///
/// Give one clone to the grant and keep another: [`rotate`](Self::rotate) takes effect for the next
/// token request, makes the slot forget a remembered failure and end every wait that was because of
/// one, and leaves a valid token in use.
///
/// ```
/// use oauth_core::{ClientAuth, Oleria, RotatingClient};
///
/// let client = RotatingClient::new(ClientAuth::secret("id-1", "old secret"));
/// let grant = Oleria::builder(client.clone())
///     .authentication_url("https://auth.example.com/oauth2/token")
///     .api_url("https://devx.acme.oleria.io")
///     .build()?;
/// client.rotate(ClientAuth::secret("id-2", "new secret"))?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
///
/// Credentials that a vault or a file holds come from a [`SecretProvider`] instead:
/// [`provided`](Self::provided).
#[derive(Clone)]
pub struct RotatingClient {
    current: Arc<Current>,
}

/// Where the first pair comes from.
#[derive(Clone)]
pub(crate) enum Credentials {
    Given(Arc<ClientAuth>),
    Provided(Arc<Provided>),
}

impl RotatingClient {
    /// A handle to these credentials.
    pub fn new(auth: ClientAuth) -> Self {
        Self::of(Credentials::Given(Arc::new(auth)))
    }

    /// A handle to the credentials that this provider hands out: it is asked before each token
    /// request, and once more when the token endpoint calls its answer wrong.
    ///
    /// The pair is checked when it arrives, not when the grant is built: an empty or unprintable
    /// one fails that token request, by name and before anything is sent. What the provider holds
    /// may change without a change of the [`epoch`](Self::epoch): a slot that remembers a failure
    /// finds the new pair with its next attempt, not before.
    ///
    /// ```
    /// use oauth_core::{FileSecret, Oleria, RotatingClient};
    ///
    /// let secret = FileSecret::new("billing", "/run/secrets/oleria");
    /// let grant = Oleria::builder(RotatingClient::provided(secret))
    ///     .authentication_url("https://auth.example.com/oauth2/token")
    ///     .api_url("https://devx.acme.oleria.io")
    ///     .build()?;
    /// # drop(grant);
    /// # Ok::<(), oauth_core::Error>(())
    /// ```
    pub fn provided(provider: impl SecretProvider) -> Self {
        Self::of(Credentials::Provided(Arc::new(Provided::new(provider))))
    }

    fn of(credentials: Credentials) -> Self {
        Self { current: Arc::new(Current::new(credentials)) }
    }

    /// Adds a second pair for the time of a roll-out, for all holders of this handle: when the
    /// token endpoint says that the first pair is wrong
    /// ([`Error::is_bad_credentials`]), the same token request is made once more with this one.
    ///
    /// Each renewal begins with the first pair again. [`rotate`](Self::rotate) ends the roll-out
    /// and forgets this pair.
    ///
    /// A [`SecretProvider`] comes first: this pair is tried when the provider has nothing newer to
    /// offer, or that is wrong as well. A provider that fails is no wrong pair: its error is the
    /// attempt's, and this pair is not tried.
    ///
    /// # Errors
    /// If the id or the secret is empty or has a control character.
    pub fn with_fallback(self, old: ClientAuth) -> Result<Self, Error> {
        old.check()?;
        let old = Arc::new(old);
        self.current.change(|now| (now.credentials.clone(), Some(old.clone())));
        Ok(self)
    }

    /// Exchanges the credentials for all holders of this handle, and forgets a fallback.
    ///
    /// Takes the place of a [`SecretProvider`], too: it is not asked again.
    ///
    /// # Errors
    /// If the id or the secret is empty or has a control character; the old ones stay then.
    pub fn rotate(&self, auth: ClientAuth) -> Result<(), Error> {
        auth.check()?;
        let auth = Arc::new(auth);
        self.current.change(|_| (Credentials::Given(auth.clone()), None));
        Ok(())
    }

    /// The credentials in use now.
    ///
    /// Those of a [`SecretProvider`] are the ones that it handed out last; before its first answer
    /// an empty id and an empty secret, which no token request is made with. This does not ask it.
    pub fn current(&self) -> Arc<ClientAuth> {
        match &self.current.load().credentials {
            Credentials::Given(auth) => auth.clone(),
            Credentials::Provided(provided) => provided.last(),
        }
    }

    /// Where the credentials come from now, and those to try when they are wrong.
    pub(crate) fn pairs(&self) -> (Credentials, Option<Arc<ClientAuth>>) {
        let now = self.current.load();
        (now.credentials.clone(), now.fallback.clone())
    }

    /// The pair of a request and all others that this handle knows now: what a server, or what
    /// stands before it, may have seen, and may show in an answer.
    pub(crate) fn seen_with<'a>(&self, asked: &'a ClientAuth) -> Vec<Cow<'a, ClientAuth>> {
        let mut pairs = vec![Cow::Borrowed(asked)];
        let fallback = self.current.load().fallback.clone();
        for other in [Some(self.current()), fallback].into_iter().flatten() {
            if !other.is_same_as(asked) {
                pairs.push(Cow::Owned(ClientAuth::clone(&other)));
            }
        }
        pairs
    }

    /// As [`ClientAuth::check`]; what a provider will hand out is checked when it does.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.current.load().credentials {
            Credentials::Given(auth) => auth.check(),
            Credentials::Provided(_) => Ok(()),
        }
    }

    /// Which credentials these are: another number after each rotation. What a
    /// [`SecretProvider`] hands out does not change it.
    pub fn epoch(&self) -> u64 {
        self.current.load().number
    }

    /// Waits until the [`epoch`](Self::epoch) is another number than this one; at once, if it is
    /// already. For a [`TokenSource`](crate::TokenSource) of your own that holds such a client:
    /// [`credentials_changed`](crate::TokenSource::credentials_changed).
    ///
    /// # Cancel safety
    /// Dropping it changes nothing, and no change is missed between two calls.
    pub async fn changed(&self, epoch: u64) {
        self.current.changed(epoch).await;
    }
}

impl From<ClientAuth> for RotatingClient {
    fn from(auth: ClientAuth) -> Self {
        Self::new(auth)
    }
}

impl fmt::Debug for RotatingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.current.load();
        let mut out = f.debug_struct("RotatingClient");
        out.field("epoch", &now.number);
        match &now.credentials {
            Credentials::Given(auth) => out.field("auth", auth),
            Credentials::Provided(provided) => out.field("provided", provided),
        };
        out.field("fallback", &now.fallback).finish()
    }
}

#[cfg(test)]
mod tests;
