//! Our slot and layer, before the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use oauth_core::clock::{Clock, SystemClock};
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, HyperTransport, SourceInfo,
    Token, TokenSlot, TokenSource,
};
use oauth_tower::OAuthLayer;
use tower::{Layer, ServiceExt};

use super::{Api, Call, TokenEndpoint};

/// The system's clock, which can be moved ahead.
#[derive(Clone, Debug, Default)]
pub struct MovableClock(Arc<AtomicU64>);

impl MovableClock {
    /// Moves it ahead by so many seconds.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Duration {
        SystemClock::default().now() + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A grant that counts how often it is asked, also when no one listens at the other end.
struct Counting {
    source: GrantSource<ClientCredentials, HyperTransport>,
    fetches: Arc<AtomicU64>,
}

impl TokenSource for Counting {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        self.source.fetch(FetchContext::default()).await
    }

    fn info(&self) -> SourceInfo {
        self.source.info()
    }
}

/// A slot, and what moves it.
#[derive(Clone, Debug)]
pub struct Ours {
    /// The slot.
    pub slot: TokenSlot,
    /// Its clock.
    pub clock: MovableClock,
    fetches: Arc<AtomicU64>,
}

impl Ours {
    /// An empty slot for that endpoint, as it comes.
    pub fn new(endpoint: &TokenEndpoint) -> Self {
        Self::with_patience(endpoint, None)
    }

    /// The same; an attempt takes at most `patience`, a flight and a waiting caller twice that.
    ///
    /// # Panics
    /// If the settings of this function are wrong.
    pub fn with_patience(endpoint: &TokenEndpoint, patience: Option<Duration>) -> Self {
        let server = &endpoint.server;
        let client = ClientAuth::secret(server.client_id(), server.client_secret());
        let grant = ClientCredentials::builder(client)
            .token_url(server.token_url())
            .api_url("https://api.example.com")
            .build()
            .expect("a grant");
        let fetches = Arc::new(AtomicU64::new(0));
        let source = GrantSource::with_default_transport(grant).expect("a transport");
        let clock = MovableClock::default();
        let mut slot =
            TokenSlot::builder(Counting { source, fetches: fetches.clone() }).clock(clock.clone());
        if let Some(patience) = patience {
            slot = slot
                .attempt_timeout(patience)
                .flight_timeout(2 * patience)
                .acquire_timeout(2 * patience);
        }
        Self { slot: slot.build(), clock, fetches }
    }

    /// How often a token was asked for.
    pub fn token_requests(&self) -> u64 {
        self.fetches.load(Ordering::SeqCst)
    }

    /// Calls through the layer as it comes.
    pub fn call(&self, api: &Api) -> Call {
        let service = OAuthLayer::new(self.slot.clone()).layer(api.clone());
        Arc::new(move || {
            let service = service.clone();
            Box::pin(async move {
                let request = Request::get("https://api.example.com/v1/things");
                let request = request.body(Full::<bytes::Bytes>::default());
                let answer = service.oneshot(request.map_err(|error| error.to_string())?).await;
                answer.map(|response| response.status()).map_err(|error| error.to_string())
            })
        })
    }
}
