//! Credentials that someone else holds: a vault, a file.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::client_auth::ClientAuth;
use crate::error::Error;

/// Hands out the client's credentials when a token request needs them: from a vault, from a file
/// ([`FileSecret`](crate::FileSecret)), from wherever they change without this process.
///
/// [`RotatingClient::provided`](crate::RotatingClient::provided) makes every grant take one. A
/// [`GrantSource`](crate::GrantSource) asks it before each token request. When the token endpoint
/// calls the response wrong ([`Error::is_bad_credentials`]) it says [`rejected`](Self::rejected),
/// asks once more, and sends one more request if the response is another one, all in the same fetch.
///
/// ```
/// use oauth_core::{ClientAuth, Error, RotatingClient, SecretProvider};
///
/// struct Vault;
///
/// # async fn read(_: &str) -> Result<String, std::io::Error> { Ok("correct horse".to_owned()) }
/// impl SecretProvider for Vault {
///     async fn credentials(&self) -> Result<ClientAuth, Error> {
///         let secret = read("kv/billing").await.map_err(Error::transient)?;
///         Ok(ClientAuth::secret("billing", secret).basic())
///     }
/// }
///
/// let client = RotatingClient::provided(Vault);
/// assert_eq!(client.current().id(), "", "not asked yet");
/// ```
pub trait SecretProvider: Send + Sync + 'static {
    /// The credentials to use for the next token request.
    ///
    /// It may be slow: it shares the limit of the token request that it is for
    /// ([`GrantSource::time_limit`](crate::GrantSource::time_limit)), and the slot's limit for one
    /// attempt. It must not block the thread. It is asked for every token request; what is slow or
    /// metered should be cached until [`rejected`](Self::rejected).
    ///
    /// # Errors
    /// [`Error::transient`] for what may be gone on the next attempt, [`Error::permanent`] for the
    /// rest. No token request is made then. The text is shown and logged: keep secrets out of it.
    ///
    /// # Cancel safety
    /// The future is dropped at any await when a limit is met or the last handle to the slot goes.
    fn credentials(&self) -> impl Future<Output = Result<ClientAuth, Error>> + Send;

    /// The token endpoint called the credentials wrong, as the provider's contract tells it: forget
    /// what is cached. Default: nothing.
    ///
    /// It comes each time that credentials were found wrong and, when the next answer is the same,
    /// once more, so that the next attempt does not begin with it. Where several slots share one
    /// provider it may come late, after newer ones were read: forgetting must cost a read, nothing
    /// else. It must not block.
    fn rejected(&self) {}
}

impl<P: SecretProvider + ?Sized> SecretProvider for Arc<P> {
    fn credentials(&self) -> impl Future<Output = Result<ClientAuth, Error>> + Send {
        (**self).credentials()
    }

    fn rejected(&self) {
        (**self).rejected();
    }
}

/// The object-safe twin of [`SecretProvider`], so that the client has no type parameter.
trait DynProvider: Send + Sync {
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<ClientAuth, Error>> + Send + '_>>;
    fn rejected(&self);
}

impl<P: SecretProvider> DynProvider for P {
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<ClientAuth, Error>> + Send + '_>> {
        Box::pin(SecretProvider::credentials(self))
    }

    fn rejected(&self) {
        SecretProvider::rejected(self);
    }
}

/// A provider, and what it handed out last.
pub(crate) struct Provided {
    provider: Box<dyn DynProvider>,
    /// For [`RotatingClient::current`](crate::RotatingClient::current) and `Debug` alone: a token
    /// request carries the credentials that it asked for, whatever another one stores meanwhile.
    last: ArcSwapOption<ClientAuth>,
}

impl Provided {
    pub(crate) fn new(provider: impl SecretProvider) -> Self {
        Self { provider: Box::new(provider), last: ArcSwapOption::empty() }
    }

    /// The credentials for one token request, checked.
    pub(crate) async fn resolve(&self) -> Result<Arc<ClientAuth>, Error> {
        let auth = self.provider.credentials().await?;
        auth.check()?;
        let auth = Arc::new(auth);
        self.last.store(Some(auth.clone()));
        Ok(auth)
    }

    pub(crate) fn rejected(&self) {
        self.provider.rejected();
    }

    /// What was handed out last; before that, what no token endpoint would take.
    pub(crate) fn last(&self) -> Arc<ClientAuth> {
        self.last.load_full().unwrap_or_else(|| Arc::new(ClientAuth::secret("", "")))
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided").field("last", &*self.last.load()).finish_non_exhaustive()
    }
}
