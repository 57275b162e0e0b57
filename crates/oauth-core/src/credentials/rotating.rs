//! A client's credentials that can be replaced while the service runs.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::client_auth::ClientAuth;
use super::current::{Current, InUse};
use super::provider::{Provided, SecretProvider};
use crate::error::Error;

/// A shared handle to a client's credentials that can be replaced while the service runs.
///
/// Give one clone to the grant and keep another: [`rotate`](Self::rotate) takes effect with the next token
/// request, makes the slot forget a remembered failure and end every wait because of it, and leaves a valid
/// token in use.
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

impl RotatingClient {
    /// Creates a handle to these credentials.
    pub fn new(auth: ClientAuth) -> Self {
        Self::of(InUse::Given(Arc::new(auth)))
    }

    /// Creates a handle to the credentials of this provider. It is asked before each token request, and
    /// once more if the token endpoint rejects them.
    ///
    /// They are checked when they arrive, not when the grant is built: an empty or unprintable id or secret
    /// fails that token request before anything is sent, with an error that names it. The provider's
    /// credentials may change without a change of the [`epoch`](Self::epoch): a slot that remembers a
    /// failure finds the new ones with its next attempt, not before.
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
        Self::of(InUse::Provided(Arc::new(Provided::new(provider))))
    }

    fn of(credentials: InUse) -> Self {
        Self { current: Arc::new(Current::new(credentials)) }
    }

    /// Adds fallback credentials for the time of a roll-out, for all holders of this handle: if the token
    /// endpoint says that the first credentials are wrong ([`Error::is_bad_credentials`]), the same token
    /// request is made once more with these.
    ///
    /// Each refresh begins with the first credentials again. [`rotate`](Self::rotate) ends the roll-out
    /// and forgets these.
    ///
    /// A [`SecretProvider`] comes first: these are tried if the provider has nothing newer, or that is
    /// rejected as well. The error of a provider that fails is the attempt's error, and these are not
    /// tried.
    ///
    /// # Errors
    /// If the id or the secret is empty or has a control character.
    pub fn with_fallback(self, old: ClientAuth) -> Result<Self, Error> {
        old.check()?;
        let old = Arc::new(old);
        self.current.change(|now| (now.credentials.clone(), Some(old.clone())));
        Ok(self)
    }

    /// Replaces the credentials for all holders of this handle, and removes a fallback.
    ///
    /// Replaces a [`SecretProvider`] as well: it is not asked again.
    ///
    /// # Errors
    /// If the id or the secret is empty or has a control character; then the old ones stay.
    pub fn rotate(&self, auth: ClientAuth) -> Result<(), Error> {
        auth.check()?;
        let auth = Arc::new(auth);
        self.current.change(|_| (InUse::Given(auth.clone()), None));
        Ok(())
    }

    /// Returns the current credentials.
    ///
    /// With a [`SecretProvider`], those that it returned last; before that, an empty id and an empty
    /// secret, which are never sent. This does not ask it.
    pub fn current(&self) -> Arc<ClientAuth> {
        match &self.current.load().credentials {
            InUse::Given(auth) => auth.clone(),
            InUse::Provided(provided) => provided.last(),
        }
    }

    /// The current credentials or their provider, and the fallback.
    pub(crate) fn in_use(&self) -> (InUse, Option<Arc<ClientAuth>>) {
        let now = self.current.load();
        (now.credentials.clone(), now.fallback.clone())
    }

    /// The credentials of a request and all others that this handle knows now: what a server, or a proxy
    /// before it, may have seen and may repeat in a response.
    pub(crate) fn seen_with<'a>(&self, asked: &'a ClientAuth) -> Vec<Cow<'a, ClientAuth>> {
        let mut seen = vec![Cow::Borrowed(asked)];
        let fallback = self.current.load().fallback.clone();
        for other in [Some(self.current()), fallback].into_iter().flatten() {
            if !other.is_same_as(asked) {
                seen.push(Cow::Owned(ClientAuth::clone(&other)));
            }
        }
        seen
    }

    /// As [`ClientAuth::check`]. A provider's credentials are checked when they arrive.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.current.load().credentials {
            InUse::Given(auth) => auth.check(),
            InUse::Provided(_) => Ok(()),
        }
    }

    /// Returns a number that changes with each rotation. What a [`SecretProvider`] returns does not change
    /// it.
    pub fn epoch(&self) -> u64 {
        self.current.load().number
    }

    /// Waits until the [`epoch`](Self::epoch) differs from this one; returns at once if it does already.
    /// For a [`TokenSource`](crate::TokenSource) of your own that holds such a client:
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
            InUse::Given(auth) => out.field("auth", auth),
            InUse::Provided(provided) => out.field("provided", provided),
        };
        out.field("fallback", &now.fallback).finish()
    }
}
