//! A world on paused time for tests of both adapters: an issuer, an API that decides by a closure, and
//! callers that come when they come, whatever became of those before them.

mod api;
mod client;
mod issuer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_core::clock::TokioClock;
use oauth_core::{Origins, TokenSlot};

pub(crate) use self::api::Api;
pub(crate) use self::client::{Adapter, Client};
pub(crate) use self::issuer::Issuer;

/// What the callers and the API have in common.
pub(crate) struct World {
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) api: Arc<Api>,
    pub(crate) slot: TokenSlot,
    started: tokio::time::Instant,
}

/// One call: when, where, and whether its body can be sent twice.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Duration,
    pub(crate) path: String,
    pub(crate) once: bool,
}

/// How many calls of a path there were, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
}

impl World {
    /// `rule` says whether the API accepts a token, by its number, the time and the path.
    pub(crate) fn new(issuer: Issuer, api: Api) -> Self {
        Self::shared(&Arc::new(issuer), &Arc::new(api))
    }

    /// Another process in the same world.
    pub(crate) fn shared(issuer: &Arc<Issuer>, api: &Arc<Api>) -> Self {
        let slot = TokenSlot::builder(issuer.clone())
            .origins(Origins::parse(["https://api.example.com"]).unwrap())
            .clock(TokioClock::new())
            .seed(7)
            .build();
        let started = tokio::time::Instant::now();
        Self { issuer: issuer.clone(), api: api.clone(), slot, started }
    }

    /// Makes the calls and waits for the last of them.
    pub(crate) async fn play(&self, adapter: Adapter, calls: Vec<Call>) -> Played {
        let client = Client::new(adapter, &self.slot, self.api.clone());
        self.play_with(client, calls).await
    }

    pub(crate) async fn play_with(&self, client: Client, mut calls: Vec<Call>) -> Played {
        calls.sort_by_key(|call| call.at);
        let counts = Arc::new(Mutex::new(BTreeMap::<String, Count>::new()));
        let mut longest = tokio::task::JoinSet::new();
        for Call { at, path, once } in calls {
            tokio::time::sleep_until(self.started + at).await;
            let (client, counts) = (client.clone(), counts.clone());
            longest.spawn(async move {
                let begun = tokio::time::Instant::now();
                let served = client.call(&path, once).await;
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(path).or_default();
                count.calls += 1;
                count.failed += usize::from(served.is_err());
                begun.elapsed()
            });
            while longest.try_join_next().is_some() {}
        }
        while longest.join_next().await.is_some() {}
        let paths = counts.lock().unwrap().clone();
        Played { paths, requests: self.issuer.requests() }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) paths: BTreeMap<String, Count>,
    pub(crate) requests: usize,
}

impl Played {
    pub(crate) fn failed(&self) -> usize {
        self.paths.values().map(|count| count.failed).sum()
    }

    pub(crate) fn calls(&self) -> usize {
        self.paths.values().map(|count| count.calls).sum()
    }

    pub(crate) fn of(&self, path: &str) -> Count {
        self.paths.get(path).copied().unwrap_or_default()
    }
}

/// Calls of a path, at an interval.
pub(crate) fn every(interval: Duration, path: &str, from: Duration, to: Duration) -> Vec<Call> {
    let mut at = from;
    let mut calls = Vec::new();
    while at < to {
        calls.push(Call { at, path: path.to_owned(), once: false });
        at += interval;
    }
    calls
}

/// Runs it on a clock that jumps.
pub(crate) fn on_paused_time<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(test)
}
