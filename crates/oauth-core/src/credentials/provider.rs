//! Credentials from elsewhere: a vault, a file.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::client_auth::ClientAuth;
use crate::error::Error;

/// Provides the client's credentials when a token request needs them: from a vault, from a file
/// ([`FileSecret`](crate::FileSecret)), from wherever they change outside this process.
///
/// Every grant takes one, by [`RotatingClient::provided`](crate::RotatingClient::provided). A
/// [`GrantSource`](crate::GrantSource) asks it before each token request. If the token endpoint rejects
/// them ([`Error::is_bad_credentials`]), it calls [`rejected`](Self::rejected), asks once more, and sends
/// one more request if it gets other credentials, all in the same fetch.
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
    /// Returns the credentials for the next token request.
    ///
    /// It may be slow: it shares the limit of the token request that it is for
    /// ([`GrantSource::time_limit`](crate::GrantSource::time_limit)), and the slot's limit for one
    /// attempt. It must not block the thread. It is asked for every token request; what is slow or
    /// metered should be cached until [`rejected`](Self::rejected).
    ///
    /// # Errors
    /// [`Error::transient`] for what may succeed on the next attempt, [`Error::permanent`] for the rest. No
    /// token request is made then. The text is shown and logged: keep secrets out of it.
    ///
    /// # Cancel safety
    /// The future is dropped at any await when a time limit passes or the last handle to the slot is
    /// dropped.
    fn credentials(&self) -> impl Future<Output = Result<ClientAuth, Error>> + Send;

    /// Called when the token endpoint rejected the credentials: forget what is cached. Default: does
    /// nothing.
    ///
    /// It is called each time that credentials were rejected, and once more if the provider then returns
    /// the same ones, so that the next attempt does not begin with them. If several slots share one
    /// provider, it may come late, after newer ones were read: forgetting must cost a read and nothing
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

/// A provider, and what it returned last.
pub(crate) struct Provided {
    provider: Box<dyn DynProvider>,
    /// Only for [`RotatingClient::current`](crate::RotatingClient::current) and `Debug`: a token request
    /// carries the credentials that it asked for, whatever another one stores meanwhile.
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

    /// What was returned last; before that, empty credentials, which are never sent.
    pub(crate) fn last(&self) -> Arc<ClientAuth> {
        self.last.load_full().unwrap_or_else(|| Arc::new(ClientAuth::secret("", "")))
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided").field("last", &*self.last.load()).finish_non_exhaustive()
    }
}
