//! What a test may change at an authorization server while it runs.

use std::sync::Arc;
use std::time::Duration;

use super::AuthServer;
use crate::fault::Fault;
use crate::shape::{DataEnvelope, ErrorEnvelope};
use crate::sync::lock;

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

    /// The scope that Oleria's requests have to name, and that Ataccama's responses contain.
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
    /// The lifetime of the tokens that are issued from now on: sent as `expires_in` in whole seconds, and
    /// kept to by the server on tokio's clock. It starts when the server makes the token, before any
    /// latency.
    pub fn set_lifetime(&self, lifetime: Duration) {
        self.endpoint.tokens.set_lifetime(lifetime);
    }

    /// Makes a token that no request asked for. It has its place in the numbering of tokens (`token_seq` of a
    /// [`ProtectedApi`](crate::ProtectedApi)), but [`tokens_issued`](AuthServer::tokens_issued) leaves it out.
    pub fn issue(&self) -> String {
        self.endpoint.tokens.issue().token
    }

    /// Whether this token is good at this moment, for an API of your own: a gRPC server, say.
    pub fn accepts(&self, token: &str) -> bool {
        self.endpoint.tokens.accept(token).is_some()
    }

    /// Makes the APIs refuse this token.
    pub fn revoke(&self, token: &str) {
        self.endpoint.tokens.revoke(token);
    }

    /// Makes the APIs refuse every token that was issued so far.
    ///
    /// A client that meets a second refusal right after a refresh may pause before the next one, as
    /// `oauth-core` does for a second: let some time pass between two revocations.
    pub fn revoke_all(&self) {
        self.endpoint.tokens.revoke_all();
    }

    /// Whether the latest token is issued again and again, instead of a new one each time. Its lifetime starts
    /// anew; a revoked one stays revoked.
    pub fn repeat_token(&self, repeat: bool) {
        self.endpoint.tokens.set_repeat(repeat);
    }
}

/// How requests are checked and responded to.
impl AuthServer {
    /// Delays every response of the token endpoint, faults included, by that time on tokio's clock, until it is
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

    /// Changes the envelope of Fuuffy's token responses.
    pub fn set_data_envelope(&self, envelope: DataEnvelope) {
        lock(&self.endpoint.settings).envelopes.data = envelope;
    }

    /// Changes the envelope of Fuuffy's error responses.
    pub fn set_error_envelope(&self, envelope: ErrorEnvelope) {
        lock(&self.endpoint.settings).envelopes.error = envelope;
    }

    /// Answers good requests with a body of your own making, for a token that the APIs accept.
    ///
    /// ```
    /// # use oauth_testkit::AuthServer;
    /// fn tell_lifetime_as_text(auth: &AuthServer) {
    ///     auth.respond_with(|token| format!(r#"{{"access_token":"{token}","expires_in":"300"}}"#));
    /// }
    /// ```
    pub fn respond_with(&self, body: impl Fn(&str) -> String + Send + Sync + 'static) {
        lock(&self.endpoint.settings).writer = Some(Arc::new(body));
    }

    /// Takes [`respond_with`](AuthServer::respond_with) back.
    pub fn respond_normally(&self) {
        lock(&self.endpoint.settings).writer = None;
    }

    /// Queues a fault for the token endpoint.
    pub fn inject(&self, fault: Fault) {
        self.endpoint.faults.inject(fault);
    }

    /// Drops every queued fault; requests that hang get their normal response.
    pub fn clear_faults(&self) {
        self.endpoint.faults.clear();
    }
}
