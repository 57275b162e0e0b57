//! Six things that happen to every service, each with the figures that it must have.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oauth_core::Outcome;
use oauth_testkit::{Dialect, Fault, ProtectedApi};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::client::{Adapter, Answer, Client, Echo, Outgoing};
use crate::figures::Figures;
use crate::world::{Aging, World};

const BODY: usize = 32 * 1024;
/// How slow the token endpoint is in `refresh_ahead`.
const SLOW: Duration = Duration::from_millis(300);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A limit for what is expected at once, on a machine however slow.
const SOON: Duration = Duration::from_secs(20);

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// 1,000 requests at once and no token yet.
    ColdStart,
    /// The token is due for refresh and the token endpoint is slow.
    RefreshAhead,
    /// The token was revoked; 100 POSTs at once, half of them streamed.
    Revoked,
    /// The token is due for refresh and the token endpoint is down.
    EndpointDown,
    /// The client secret is wrong.
    BadSecret,
    /// The client is asked to fetch from someone else.
    ForeignOrigin,
}

/// What the figures must be.
pub(crate) struct Wanted {
    pub(crate) ok: usize,
    pub(crate) token_requests: RangeInclusive<u64>,
    pub(crate) replayed: RangeInclusive<usize>,
    /// Exclusive.
    pub(crate) longest_wait_ms: u64,
}

impl Scenario {
    /// All, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::ColdStart,
        Self::RefreshAhead,
        Self::Revoked,
        Self::EndpointDown,
        Self::BadSecret,
        Self::ForeignOrigin,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ColdStart => "cold_start",
            Self::RefreshAhead => "refresh_ahead",
            Self::Revoked => "revoked",
            Self::EndpointDown => "endpoint_down",
            Self::BadSecret => "bad_secret",
            Self::ForeignOrigin => "foreign_origin",
        }
    }

    /// How many requests, and what must come of them.
    pub(crate) fn wanted(self) -> (usize, Wanted) {
        let wanted = |ok, token_requests| Wanted {
            ok,
            token_requests,
            replayed: 0..=0,
            longest_wait_ms: SOON.as_millis() as u64,
        };
        match self {
            Self::ColdStart => (1000, wanted(1000, 1..=1)),
            Self::RefreshAhead => {
                let limit = SLOW.as_millis() as u64;
                (200, Wanted { longest_wait_ms: limit, ..wanted(200, 1..=1) })
            }
            // Those that find the new token already need no replay.
            Self::Revoked => (100, Wanted { replayed: 1..=100, ..wanted(100, 1..=1) }),
            // The first failed flight tries again inside itself, a few times at most by now.
            Self::EndpointDown => (200, wanted(200, 1..=10)),
            Self::BadSecret => (100, wanted(0, 1..=3)),
            Self::ForeignOrigin => (50, wanted(50, 0..=0)),
        }
    }
}

/// Plays one scenario and returns its figures; [`Figures::off`] checks them.
///
/// # Errors
/// If something fails that no scenario is about, or an error does not say what it must.
pub async fn play(
    dialect: Dialect,
    adapter: Adapter,
    scenario: Scenario,
) -> anyhow::Result<Figures> {
    Ok(play_and_tell(dialect, adapter, scenario).await?.0)
}

/// Plays one scenario and returns the client secrets and tokens that were used in it, for tests that look
/// for them where they must not be.
///
/// # Errors
/// As [`play`].
pub async fn play_and_tell(
    dialect: Dialect,
    adapter: Adapter,
    scenario: Scenario,
) -> anyhow::Result<(Figures, Vec<String>)> {
    let aging = match scenario {
        Scenario::RefreshAhead | Scenario::EndpointDown => Aging::StaleAtOnce,
        _ => Aging::Normal,
    };
    let wrong_secret = scenario == Scenario::BadSecret;
    let world = World::new(dialect, adapter, aging, wrong_secret).await?;
    let World { auth, api, slot, client } = &world;
    let (requests, _) = scenario.wanted();
    let get = Outgoing { url: api.url("/v1/things"), body: None, streamed: false };
    let gets = vec![get; requests];
    let mut token_requests = None;
    let tally = match scenario {
        Scenario::ColdStart => send_all(client, gets, requests).await?,
        Scenario::RefreshAhead => {
            world.warm_up().await?;
            auth.set_lifetime(DAY);
            auth.set_token_latency(SLOW);
            let mut changes = slot.subscribe();
            // A few at a time, so that a request's time is its own and not that of a queue.
            let tally = send_all(client, gets, 8).await?;
            let status = tokio::time::timeout(SOON, changes.changed()).await?;
            ensure!(status.is_some_and(|s| s.is_ready()), "the token was not refreshed");
            tally
        }
        Scenario::Revoked => {
            world.warm_up().await?;
            auth.revoke_all();
            let posts = (0..requests).map(|n| Outgoing {
                url: api.url("/v1/things"),
                body: Some(Bytes::from(vec![n as u8; BODY])),
                streamed: n % 2 == 0,
            });
            send_all(client, posts.collect(), requests).await?
        }
        Scenario::EndpointDown => {
            world.warm_up().await?;
            auth.inject(Fault::status(503).forever());
            let tally = send_all(client, gets, requests).await?;
            let tried = async {
                while auth.token_requests() == 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(SOON, tried).await.context("the token was not refreshed")?;
            tally
        }
        Scenario::BadSecret => {
            let tally = send_all(client, gets, requests).await?;
            tally.check_errors(dialect)?;
            tally
        }
        Scenario::ForeignOrigin => {
            world.warm_up().await?;
            let other = ProtectedApi::open().await?;
            let get = Outgoing { url: other.url("/elsewhere"), body: None, streamed: false };
            let tally = send_all(client, vec![get; requests], requests).await?;
            ensure!(tally.not_attached == requests, "a request elsewhere was not reported");
            ensure!(slot.status().foreign_requests == requests as u64, "not counted");
            token_requests = Some(other.tokens_seen());
            tally
        }
    };
    let figures = Figures {
        provider: dialect.to_string(),
        adapter: adapter.name(),
        scenario,
        requests,
        ok: tally.ok,
        token_requests: token_requests.unwrap_or_else(|| auth.token_requests()),
        replayed: tally.replayed,
        bodies_intact: tally.bodies_intact,
        longest_wait_ms: u64::try_from(tally.longest_wait.as_millis()).unwrap_or(u64::MAX),
    };
    let tokens = api.request_log().into_iter().filter_map(|request| {
        Some(request.header("authorization")?.strip_prefix("Bearer ")?.to_owned())
    });
    let mut secrets: Vec<_> = tokens.chain([auth.client_secret()]).collect();
    secrets.sort();
    secrets.dedup();
    Ok((figures, secrets))
}

#[derive(Default)]
struct Tally {
    ok: usize,
    replayed: usize,
    not_attached: usize,
    bodies_intact: usize,
    longest_wait: Duration,
    errors: Vec<anyhow::Error>,
}

impl Tally {
    fn count(&mut self, sent: &Outgoing, answer: &Answer) {
        self.ok += usize::from(answer.status == 200);
        match answer.outcome {
            Outcome::Replayed => self.replayed += 1,
            Outcome::NotAttached(_) => self.not_attached += 1,
            _ => {}
        }
        let body = sent.body.clone().unwrap_or_default();
        let sha256 = format!("{:x}", Sha256::digest(&body));
        let echo = serde_json::from_slice::<Echo>(&answer.body);
        let intact = echo.is_ok_and(|echo| echo.length == body.len() && echo.sha256 == sha256);
        self.bodies_intact += usize::from(intact);
    }

    /// Every error names the provider and says what to do.
    fn check_errors(&self, dialect: Dialect) -> anyhow::Result<()> {
        for error in &self.errors {
            let error: &oauth_core::Error =
                error.downcast_ref().context("an error that is none of a token")?;
            let provider = error.provider().unwrap_or_default();
            ensure!(
                provider.to_lowercase().starts_with(dialect.name()),
                "{error} names not the provider"
            );
            ensure!(error.hint().is_some(), "{error} has no hint");
        }
        Ok(())
    }
}

/// Sends all requests, `at_once` of them at a time.
async fn send_all(
    client: &Client,
    requests: Vec<Outgoing>,
    at_once: usize,
) -> anyhow::Result<Tally> {
    let mut answers = stream::iter(requests.into_iter().map(|request| {
        let client = client.clone();
        tokio::spawn(async move {
            let started = Instant::now();
            let answer = client.send(request.clone()).await;
            (request, answer, started.elapsed())
        })
    }))
    .buffer_unordered(at_once);
    let mut tally = Tally::default();
    while let Some(answered) = answers.next().await {
        let (request, answer, took) = answered?;
        tally.longest_wait = tally.longest_wait.max(took);
        match answer {
            Ok(answer) => tally.count(&request, &answer),
            Err(error) => tally.errors.push(error),
        }
    }
    Ok(tally)
}
