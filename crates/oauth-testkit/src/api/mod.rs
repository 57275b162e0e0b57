//! The API that the tokens are for.

mod bearer;
mod resource;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use self::resource::Resource;
use crate::serve::Running;
use crate::sync::lock;
use crate::{AuthServer, Dialect, Fault, RecordedRequest};

/// The `WWW-Authenticate` header of a 401 from a [`ProtectedApi`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Challenge {
    /// No such header.
    None,
    /// What the provider sends: Keycloak's challenge for Ataccama, none for the others.
    #[default]
    ProviderDefault,
    /// This value; none if it is not one that a header can hold.
    Custom(String),
}

/// An API on a port of its own on 127.0.0.1, over plain HTTP/1.1 and HTTP/2.
///
/// Clones share one server; it stops when the last of them is dropped.
///
/// Every method on every path gets a 200 if the request carries one good token, with a JSON object of
/// `method`, `path`, `length` and `sha256` (hex) of the request body, and `token_seq`, the number of the
/// token in the order of issue (`null` from an open API). Length and hash are also in `x-body-length` and
/// `x-body-sha256`. Bodies are hashed as they stream in, never held.
///
/// Any other request gets a 401 in the provider's words, after its body was read
/// ([`respond_early`](ProtectedApi::respond_early) changes that).
#[derive(Clone)]
pub struct ProtectedApi {
    resource: Arc<Resource>,
    running: Arc<Running>,
}

/// Start, stop, and where things are.
impl ProtectedApi {
    /// Starts an API that accepts the tokens of `auth`, and words its refusals in its dialect.
    ///
    /// # Errors
    /// If the port cannot be had, or when called outside a tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind when the future is dropped.
    pub async fn start(auth: &AuthServer) -> io::Result<ProtectedApi> {
        Self::serve(Resource::new(Some(Arc::clone(auth.endpoint()))))
    }

    /// Starts another origin that wants no token: it responds with 200 to everything, and counts the Authorization
    /// headers that it should never have seen.
    ///
    /// # Errors
    /// If the port cannot be had, or when called outside a tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind when the future is dropped.
    pub async fn open() -> io::Result<ProtectedApi> {
        Self::serve(Resource::new(None))
    }

    fn serve(resource: Resource) -> io::Result<ProtectedApi> {
        let resource = Arc::new(resource);
        let running = Arc::new(Running::start(Arc::clone(&resource))?);
        Ok(ProtectedApi { resource, running })
    }

    /// The dialect of its refusals, `None` for an open API.
    pub fn dialect(&self) -> Option<Dialect> {
        self.resource.auth.as_ref().map(|auth| auth.dialect())
    }

    /// The address that the server listens on.
    pub fn addr(&self) -> SocketAddr {
        self.running.addr()
    }

    /// The origin, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// The URL of a path, which may lack its first slash and may carry a query.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.base_url(), path.strip_prefix('/').unwrap_or(path))
    }
}

/// How requests are responded to.
impl ProtectedApi {
    /// Sets the `WWW-Authenticate` header of a 401.
    pub fn challenge(&self, challenge: Challenge) {
        lock(&self.resource.settings).challenge = challenge;
    }

    /// Whether every request gets a 401, good tokens included; from an open API too.
    pub fn refuse_everything(&self, refuse: bool) {
        lock(&self.resource.settings).refuse_everything = refuse;
    }

    /// Whether refusals and faults come without waiting for the request body. Over HTTP/1.1 the connection
    /// closes after such a response if more of the body is to come, and a client that goes on writing may see
    /// the reset before it reads the response.
    pub fn respond_early(&self, early: bool) {
        lock(&self.resource.settings).respond_after = early.then_some(0);
    }

    /// Lets refusals and faults come as soon as that much of the request body was read, or all of it if
    /// there is less: [`respond_early`](ProtectedApi::respond_early) in the middle of an upload, which is the
    /// same with 0 bytes. The rest stays unread. Frames are not cut, so that it may be more than `bytes`.
    pub fn respond_after(&self, bytes: u64) {
        lock(&self.resource.settings).respond_after = Some(bytes);
    }

    /// Queues a fault.
    pub fn inject(&self, fault: Fault) {
        self.resource.faults.inject(fault);
    }

    /// Drops every queued fault; requests that hang get their normal response.
    pub fn clear_faults(&self) {
        self.resource.faults.clear();
    }
}

/// What has happened.
impl ProtectedApi {
    /// How many requests arrived, whatever became of them.
    pub fn requests(&self) -> u64 {
        self.resource.requests.load(Ordering::SeqCst)
    }

    /// Number of 401 responses, including those of faults.
    pub fn refused(&self) -> u64 {
        self.resource.refused.load(Ordering::SeqCst)
    }

    /// How many carried an Authorization header, good or bad.
    pub fn tokens_seen(&self) -> u64 {
        self.resource.tokens_seen.load(Ordering::SeqCst)
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.running.connections().accepted()
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> u64 {
        self.running.connections().open()
    }

    /// How many connections were open at most at one time.
    pub fn max_connections(&self) -> u64 {
        self.running.connections().peak()
    }

    /// Sets every counter back to zero and forgets the recorded requests. The most connections at one time are
    /// counted anew from those that are open.
    pub fn reset_counters(&self) {
        let resource = &self.resource;
        for counter in [&resource.requests, &resource.refused, &resource.tokens_seen] {
            counter.store(0, Ordering::SeqCst);
        }
        self.running.connections().reset();
        resource.log.clear();
    }

    /// The latest request, without its body; of that it knows length, hash and trailers.
    pub fn last_request(&self) -> Option<RecordedRequest> {
        self.resource.log.last()
    }

    /// The latest 1,024 requests, oldest first, without their bodies.
    pub fn request_log(&self) -> Vec<RecordedRequest> {
        self.resource.log.all()
    }
}

/// Shows the dialect and the address.
impl fmt::Debug for ProtectedApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedApi")
            .field("dialect", &self.dialect())
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}
