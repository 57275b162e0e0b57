//! The authorization server.

mod basic;
mod check;
mod clients;
mod controls;
mod counts;
mod endpoint;
mod settings;

pub(crate) use endpoint::Endpoint;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Dialect;
use crate::serve::Running;

/// RFC 3986 §2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An authorization server on a port of its own on 127.0.0.1, over plain HTTP/1.1 and HTTP/2.
///
/// Clones share one server; it stops when the last of them is dropped.
///
/// The token endpoint holds the client to the [`Dialect`]'s contract: method, content type without
/// parameters, every field present once, with the right value, in the documented order
/// ([`strict_order`](AuthServer::strict_order)). HTTP Basic is taken in place of id and secret in the body.
/// Fields that the contract does not name are let through, once and not empty (RFC 6749 §3.2).
///
/// The client authenticates itself once (RFC 6749 §2.3). A second Authorization header, one that is not
/// Basic, a secret in the body beside Basic, and a `client_id` in the body that differs from Basic's get 400;
/// Basic that cannot be read, or with an id or a secret that is not good, gets 401 with a challenge for Basic.
///
/// ```
/// use oauth_testkit::{AuthServer, Dialect, ProtectedApi};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let auth = AuthServer::start(Dialect::Oleria).await?;
/// let api = ProtectedApi::start(&auth).await?;
/// // Point the client under test at these:
/// println!("{} {} {}", auth.token_url(), auth.client_id(), api.url("/v1/things"));
/// // … and after its calls:
/// assert_eq!(auth.token_requests(), 0);
/// assert_eq!(api.refused(), 0);
/// # std::io::Result::Ok(())
/// # })?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct AuthServer {
    endpoint: Arc<Endpoint>,
    running: Arc<Running>,
}

/// Start, stop, and where things are.
impl AuthServer {
    /// Starts a server on a free port, with a random client id, secret and organization.
    ///
    /// # Errors
    /// If the port cannot be had, or when called outside a tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind when the future is dropped.
    pub async fn start(dialect: Dialect) -> io::Result<AuthServer> {
        let endpoint = Arc::new(Endpoint::new(dialect));
        let running = Arc::new(Running::start(Arc::clone(&endpoint))?);
        Ok(AuthServer { endpoint, running })
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// The dialect that the server speaks.
    pub fn dialect(&self) -> Dialect {
        self.endpoint.dialect
    }

    /// The address that the server listens on.
    pub fn addr(&self) -> SocketAddr {
        self.running.addr()
    }

    /// The URL that the provider's paths are under, without a slash at the end; with `/v1` for Fuuffy.
    pub fn base_url(&self) -> String {
        let version = if self.dialect() == Dialect::Fuuffy { "/v1" } else { "" };
        format!("http://{}{version}", self.addr())
    }

    /// The full URL of the token endpoint.
    pub fn token_url(&self) -> String {
        let base = self.base_url();
        match self.dialect() {
            Dialect::Oleria => format!("{base}/oauth2/token"),
            Dialect::Apiera => format!("{base}/oauth/token"),
            Dialect::Fuuffy => format!("{base}/auth/token"),
            Dialect::Ataccama => {
                let realm = self.realm();
                let realm = utf8_percent_encode(&realm, UNRESERVED);
                format!("{base}/auth/realms/{realm}/protocol/openid-connect/token")
            }
        }
    }
}

/// Shows the dialect and the address, never a secret.
impl fmt::Debug for AuthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthServer")
            .field("dialect", &self.dialect())
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}
