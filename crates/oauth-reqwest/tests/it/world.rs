//! Both servers, a slot, clients, and a middleware that looks at what goes by.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Extensions;
use oauth_core::clock::Clock;
use oauth_core::{ClientAuth, GrantSource, Oleria, Outcome, TokenSlot};
use oauth_reqwest::{OAuthMiddleware, ReqwestTransport};
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, RequestBuilder};

pub use oauth_adapter_tests::matrix_table::bytes;
use oauth_adapter_tests::matrix_table::sha256;

pub struct World {
    pub auth: AuthServer,
    pub api: ProtectedApi,
    pub slot: TokenSlot,
    pub clock: ManualClock,
}

/// The slot's clock, which stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    pub fn advance_seconds(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// No proxy of the machine's may stand between the tests and loopback.
pub fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy()
}

pub fn h2() -> reqwest::ClientBuilder {
    plain().http2_prior_knowledge()
}

pub fn grant(auth: &AuthServer, api: &ProtectedApi) -> Oleria {
    Oleria::builder(ClientAuth::secret(auth.client_id(), auth.client_secret()))
        .token_url(auth.token_url())
        .api_url(api.base_url())
        .build()
        .unwrap()
}

impl World {
    /// The slot is empty.
    pub async fn empty() -> Self {
        let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
        let api = ProtectedApi::start(&auth).await.unwrap();
        let transport = ReqwestTransport::from_builder(plain()).unwrap();
        let clock = ManualClock::default();
        let slot = TokenSlot::builder(GrantSource::new(grant(&auth, &api), transport))
            .clock(clock.clone())
            .build();
        Self { auth, api, slot, clock }
    }

    /// The slot holds a token.
    pub async fn new() -> Self {
        let world = Self::empty().await;
        world.slot.token().await.unwrap();
        assert_eq!(world.auth.token_requests(), 1);
        world
    }

    /// The slot holds a token that the API refuses.
    pub async fn revoked() -> Self {
        let world = Self::new().await;
        world.auth.revoke_all();
        world
    }

    /// The issuer refuses to give another token.
    pub fn refuse_tokens(&self) {
        self.auth.inject(Fault::status(400).body(r#"{"error":"invalid_client"}"#).forever());
    }

    pub fn middleware(&self) -> OAuthMiddleware {
        OAuthMiddleware::new(self.slot.clone())
    }

    pub fn client(&self) -> ClientWithMiddleware {
        self.client_with(self.middleware())
    }

    pub fn client_with(&self, middleware: OAuthMiddleware) -> ClientWithMiddleware {
        with(plain(), middleware)
    }

    pub fn post(&self, client: &ClientWithMiddleware, body: impl Into<Body>) -> RequestBuilder {
        client.post(self.api.url("/things")).body(body)
    }

    /// Requests to the API, refusals of it, token requests.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.api.requests(), self.api.refused(), self.auth.token_requests())
    }
}

pub fn with(builder: reqwest::ClientBuilder, middleware: OAuthMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(builder.build().unwrap()).with(middleware).build()
}

pub fn outcome(response: &Response) -> Outcome {
    Outcome::of(response.extensions())
}

pub fn is_replayed(response: &Response) -> bool {
    matches!(outcome(response), Outcome::Replayed)
}

/// The same bytes in pieces of unknown number.
pub fn in_pieces(bytes: &Bytes, piece: usize) -> Body {
    let bytes = bytes.clone();
    let pieces = (0..bytes.len()).step_by(piece).map(move |at| {
        let end = bytes.len().min(at + piece);
        Ok::<_, std::convert::Infallible>(bytes.slice(at..end))
    });
    Body::wrap_stream(futures_util::stream::iter(pieces))
}

pub fn assert_whole(response: &Response, sent: &[u8]) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-body-length"], sent.len().to_string());
    assert_eq!(response.headers()["x-body-sha256"], sha256(sent));
}

/// Notes what a function finds in each request, below ours.
#[derive(Clone)]
pub struct Below<T> {
    pub noted: Arc<Mutex<Vec<T>>>,
    look: fn(&Request, &Extensions) -> T,
}

impl<T> Below<T> {
    pub fn new(look: fn(&Request, &Extensions) -> T) -> Self {
        Self { noted: Arc::default(), look }
    }

    pub fn noted(&self) -> Vec<T> {
        std::mem::take(&mut self.noted.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl<T: Send + 'static> Middleware for Below<T> {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let noted = (self.look)(&request, extensions);
        self.noted.lock().unwrap().push(noted);
        next.run(request, extensions).await
    }
}
