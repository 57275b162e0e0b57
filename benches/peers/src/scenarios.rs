//! Storms: each with a token endpoint, an API and a client of its own.

use std::time::{Duration, Instant};

use http::StatusCode;
use oauth_benches::stats::{millis, permille};
use oauth_benches::storm::{Api, TOKEN_LATENCY, TokenEndpoint, herd};
use serde_json::{Map, Value};

use crate::{Client, Peer};

const COLD: &str = "1,000 callers, no token yet";
const REJECTED: &str = "1,000 callers, token revoked";
const LATE: &str = "100 late 401s for one revocation";
const AGAIN: &str = "a second revocation";

/// In the order of the table.
pub const NAMES: [&str; 4] = [COLD, REJECTED, LATE, AGAIN];

/// All scenarios of a peer, as a row.
pub async fn all(peer: &Peer, quick: bool) -> Value {
    let mut row = Map::new();
    row.insert("peer".into(), peer.name.into());
    let cold = if peer.starts_empty {
        cold(peer).await
    } else {
        "— (waits for its token when it is made)".into()
    };
    row.insert(COLD.into(), cold.into());
    for name in [REJECTED, LATE, AGAIN] {
        let told = match name {
            _ if !peer.handles_401 => "— (nothing for a 401)".into(),
            REJECTED => rejected(peer).await,
            LATE => late(peer).await,
            _ => again(peer, quick).await,
        };
        row.insert(name.into(), told.into());
    }
    row.into()
}

struct World {
    endpoint: TokenEndpoint,
    api: Api,
    client: Client,
}

impl World {
    async fn new(peer: &Peer) -> Self {
        let (endpoint, api) = (TokenEndpoint::start(), Api::default());
        let client = (peer.connect)(&endpoint, &api).await;
        Self { endpoint, api, client }
    }

    /// With a token that works.
    async fn started(peer: &Peer) -> Self {
        let world = Self::new(peer).await;
        assert_eq!((world.client.call)().await.expect("an answer"), StatusCode::OK);
        world
    }

    /// Starts this many callers and returns what they cost.
    async fn storm(&self, callers: usize) -> String {
        let before = self.endpoint.server.token_requests();
        let mut herd = herd(callers, &self.client.call).await;
        let requests = self.endpoint.server.token_requests() - before;
        let p99 = millis(permille(&mut herd.waits, 990)) - millis(TOKEN_LATENCY);
        let refused = herd.refused + herd.failed;
        format!(
            "{requests} token requests; {} served, {refused} not; p99 {p99:.1} ms over the endpoint's 50 ms",
            herd.served
        )
    }
}

async fn cold(peer: &Peer) -> String {
    World::new(peer).await.storm(1000).await
}

async fn rejected(peer: &Peer) -> String {
    let world = World::started(peer).await;
    world.api.revoke();
    world.storm(1000).await
}

/// The 401s of a hundred requests come 10 ms apart, so that most of them come when the token has
/// long been refreshed.
async fn late(peer: &Peer) -> String {
    let world = World::started(peer).await;
    world.api.revoke();
    world.api.refuse_late(Duration::from_millis(10));
    let before = world.endpoint.server.token_requests();
    let herd = herd(100, &world.client.call).await;
    let requests = world.endpoint.server.token_requests() - before;
    format!("{requests} token requests; {} served, {} not", herd.served, herd.refused + herd.failed)
}

/// Two seconds after the first one; a caller tries every 50 ms.
async fn again(peer: &Peer, quick: bool) -> String {
    let world = World::started(peer).await;
    world.api.revoke();
    herd(100, &world.client.call).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.api.revoke();
    let before = world.endpoint.server.token_requests();
    let (from, limit) = (Instant::now(), Duration::from_secs(if quick { 2 } else { 20 }));
    loop {
        let answer = (world.client.call)().await;
        let requests = world.endpoint.server.token_requests() - before;
        if answer == Ok(StatusCode::OK) {
            return format!(
                "served after {:.0} ms, {requests} token requests",
                millis(from.elapsed())
            );
        }
        if from.elapsed() > limit {
            return format!("not served in {} s, {requests} token requests", limit.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
