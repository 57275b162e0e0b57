//! The authorization server.

mod basic;
mod check;
mod clients;
mod endpoint;
pub(crate) mod fields;
mod settings;

pub(crate) use endpoint::Endpoint;
pub use settings::{DataEnvelope, ErrorEnvelope};

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::serve::Running;
use crate::sync::lock;
use crate::{Dialect, Fault, RecordedRequest};

/// RFC 3986 §2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An authorization server on a port of its own on 127.0.0.1, over plain HTTP/1.1 and HTTP/2.
///
/// Clones share one server; it stops when the last of them is dropped.
///
/// The token endpoint holds the client to the [`Dialect`]'s contract: method, content type without
/// parameters, every field present once, with the right value, in the documented order
/// ([`strict_order`](AuthServer::strict_order)). HTTP Basic is taken in place of the secret in the body.
/// Fields that the contract does not name are let through.
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
    /// If the port cannot be had, or when called outside of a tokio runtime.
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
        let version = if self.dialect() == Dialect::Fuuffy {
            "/v1"
        } else {
            ""
        };
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

/// The client, and what it has to ask for.
impl AuthServer {
    /// The client id: the latest, if there are several.
    pub fn client_id(&self) -> String {
        lock(&self.endpoint.settings).clients.latest().id
    }

    /// The client secret: the latest, if there are several. It holds characters that form and Basic encoding
    /// have to escape.
    pub fn client_secret(&self) -> String {
        lock(&self.endpoint.settings).clients.latest().secret
    }

    /// Makes a new secret for the same id and returns it. Every older id and secret is refused from now on.
    pub fn rotate_secret(&self) -> String {
        let clients = &mut lock(&self.endpoint.settings).clients;
        let secret = clients.add_secret();
        clients.retire_old();
        secret
    }

    /// Makes a new secret for the same id and returns it; older ones stay good, as in a roll-out, until
    /// [`retire_old_clients`](AuthServer::retire_old_clients).
    pub fn add_secret(&self) -> String {
        lock(&self.endpoint.settings).clients.add_secret()
    }

    /// Makes a new pair of id and secret and returns it; older ones stay good, as in a roll-out, until
    /// [`retire_old_clients`](AuthServer::retire_old_clients).
    pub fn add_client(&self) -> (String, String) {
        let client = lock(&self.endpoint.settings).clients.add();
        (client.id, client.secret)
    }

    /// Refuses every id and secret but the latest pair.
    pub fn retire_old_clients(&self) {
        lock(&self.endpoint.settings).clients.retire_old();
    }

    /// The organization that Apiera's requests have to name.
    pub fn organization(&self) -> String {
        lock(&self.endpoint.settings).organization.clone()
    }

    /// The audience that Apiera's requests have to name: `https://api.apiera.io` unless set.
    pub fn audience(&self) -> String {
        lock(&self.endpoint.settings).audience.clone()
    }

    /// Changes the audience.
    pub fn set_audience(&self, audience: impl Into<String>) {
        lock(&self.endpoint.settings).audience = audience.into();
    }

    /// The realm in the path of Ataccama's token endpoint: `testkit` unless set.
    pub fn realm(&self) -> String {
        self.endpoint.realm()
    }

    /// Changes the realm, and with it [`token_url`](AuthServer::token_url).
    pub fn set_realm(&self, realm: impl Into<String>) {
        lock(&self.endpoint.settings).realm = realm.into();
    }

    /// The scope that Oleria's requests have to name, and that Ataccama's answers tell.
    pub fn scope(&self) -> String {
        lock(&self.endpoint.settings).scope.clone()
    }

    /// Changes the scope.
    pub fn set_scope(&self, scope: impl Into<String>) {
        lock(&self.endpoint.settings).scope = scope.into();
    }
}

/// Tokens.
impl AuthServer {
    /// The lifetime of the tokens that are issued from now on: told as `expires_in` in whole seconds, and kept
    /// to by the server on tokio's clock. It starts when the server makes the token, before any latency.
    pub fn set_lifetime(&self, lifetime: Duration) {
        self.endpoint.tokens.set_lifetime(lifetime);
    }

    /// Makes a token that no request asked for. It has its place in the numbering of tokens (`token_seq` of a
    /// [`ProtectedApi`](crate::ProtectedApi)), but [`tokens_issued`](AuthServer::tokens_issued) leaves it out.
    pub fn issue(&self) -> String {
        self.endpoint.tokens.issue().token
    }

    /// Makes the APIs refuse this token.
    pub fn revoke(&self, token: &str) {
        self.endpoint.tokens.revoke(token);
    }

    /// Makes the APIs refuse every token that was issued so far.
    pub fn revoke_all(&self) {
        self.endpoint.tokens.revoke_all();
    }

    /// Whether the latest token is issued again and again, instead of a new one each time. Its lifetime starts
    /// anew; a revoked one stays revoked.
    pub fn repeat_token(&self, repeat: bool) {
        self.endpoint.tokens.set_repeat(repeat);
    }
}

/// How requests are checked and answered.
impl AuthServer {
    /// Delays every answer of the token endpoint, faults included, by that time on tokio's clock, until it is
    /// set to zero. The token is made before the delay.
    pub fn set_token_latency(&self, latency: Duration) {
        lock(&self.endpoint.settings).latency = latency;
    }

    /// Whether fields in another order than documented are refused. On by default.
    pub fn strict_order(&self, strict: bool) {
        lock(&self.endpoint.settings).strict_order = strict;
    }

    /// Whether HTTP Basic is read without form-decoding id and secret. Off by default, as RFC 6749 §2.3.1
    /// has it.
    pub fn raw_basic(&self, raw: bool) {
        lock(&self.endpoint.settings).raw_basic = raw;
    }

    /// Changes the envelope of Fuuffy's token answers.
    pub fn set_data_envelope(&self, envelope: DataEnvelope) {
        lock(&self.endpoint.settings).envelopes.data = envelope;
    }

    /// Changes the envelope of Fuuffy's error answers.
    pub fn set_error_envelope(&self, envelope: ErrorEnvelope) {
        lock(&self.endpoint.settings).envelopes.error = envelope;
    }

    /// Answers good requests with a body of your own making, for a token that the APIs accept.
    ///
    /// ```
    /// # use oauth_testkit::AuthServer;
    /// fn tell_lifetime_as_text(auth: &AuthServer) {
    ///     auth.answer_with(|token| format!(r#"{{"access_token":"{token}","expires_in":"300"}}"#));
    /// }
    /// ```
    pub fn answer_with(&self, body: impl Fn(&str) -> String + Send + Sync + 'static) {
        lock(&self.endpoint.settings).writer = Some(Arc::new(body));
    }

    /// Takes [`answer_with`](AuthServer::answer_with) back.
    pub fn answer_normally(&self) {
        lock(&self.endpoint.settings).writer = None;
    }

    /// Queues a fault for the token endpoint.
    pub fn inject(&self, fault: Fault) {
        self.endpoint.faults.inject(fault);
    }

    /// Drops every queued fault; requests that hang get their normal answer.
    pub fn clear_faults(&self) {
        self.endpoint.faults.clear();
    }
}

/// What has happened.
impl AuthServer {
    /// How many requests reached the token endpoint, whatever became of them.
    pub fn token_requests(&self) -> u64 {
        self.endpoint.requests.load(Ordering::SeqCst)
    }

    /// How many token requests were granted.
    pub fn tokens_issued(&self) -> u64 {
        self.endpoint.issued.load(Ordering::SeqCst)
    }

    /// How many requests went to another path than the token endpoint's, and got a 404.
    pub fn stray_requests(&self) -> u64 {
        self.endpoint.strays.load(Ordering::SeqCst)
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.running.connections().accepted()
    }

    /// Sets every counter back to zero and forgets the recorded requests. Tokens stay what they are, and keep
    /// their numbers.
    pub fn reset_counters(&self) {
        for counter in [
            &self.endpoint.requests,
            &self.endpoint.issued,
            &self.endpoint.strays,
        ] {
            counter.store(0, Ordering::SeqCst);
        }
        self.running.connections().reset();
        self.endpoint.log.clear();
    }

    /// The latest request whose body reached the token endpoint in full.
    pub fn last_token_request(&self) -> Option<RecordedRequest> {
        self.endpoint.log.last()
    }

    /// The latest 1,024 requests to the token endpoint, oldest first.
    pub fn token_request_log(&self) -> Vec<RecordedRequest> {
        self.endpoint.log.all()
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
