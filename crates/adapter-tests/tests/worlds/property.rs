//! The sentence that the rules for refusals are for:
//!
//! *No call fails that a client which refreshes on each 401 and sends again would have served, within the
//! budgets, except one for each revocation that hits an unproven token and its predecessor at once.*
//!
//! It is tried on random histories of APIs: how long tokens live, whether the issuer says so, how late
//! the API learns of them, when all are revoked, which paths refuse all of them, when the token endpoint
//! is out. Of each call that failed it is asked what such a client would have met in its place.
//! A seed is printed; `PROPERTY_SEED=…` plays the same histories again, `PROPERTY_HISTORIES=…` more.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::world::{Adapter, Api, Client, Issuer, World, on_paused_time};
use tokio::time::Instant;

/// How long a history is, in seconds.
const LENGTH: f64 = 400.0;

/// After an outage of the token endpoint the slot pauses for up to a minute.
const COOL_DOWN: f64 = 60.0;

/// A token whose end is told is out of use so long before.
const MARGIN: f64 = 5.0;

/// So long after the end of a token calls may meet it.
const RECOVERY: f64 = 20.0;

/// A token that is younger is unproven.
const YOUNG: f64 = 60.0;

#[derive(Clone, Debug)]
struct History {
    adapter: Adapter,
    /// How long tokens live, and whether the issuer says so.
    life: f64,
    told: bool,
    /// How late the API learns of a token.
    lag: f64,
    revocations: Vec<f64>,
    outages: Vec<Range<f64>>,
    /// Seconds of a request to the API and of a token request.
    api: f64,
    token: f64,
    interval: f64,
    /// How many of the calls go to a path that refuses all tokens: one in so many.
    forbidden: Option<usize>,
    /// Whether each call has a path of its own.
    ids: bool,
}

impl History {
    fn random(rng: &mut fastrand::Rng) -> Self {
        let interval = between(rng, 0.3, 5.0);
        let told = rng.bool();
        let times = |rng: &mut fastrand::Rng| {
            let count = rng.usize(0..4);
            (0..count).map(|_| between(rng, 1.0, LENGTH)).collect::<Vec<_>>()
        };
        let outages = if rng.u8(0..3) == 0 { times(rng) } else { Vec::new() };
        Self {
            adapter: Adapter::BOTH[rng.usize(0..2)],
            life: if told { between(rng, 60.0, 600.0) } else { between(rng, 5.0, 200.0) },
            told,
            lag: if rng.bool() { 0.0 } else { between(rng, 0.1, 10.0) },
            revocations: if rng.bool() { times(rng) } else { Vec::new() },
            outages: outages.into_iter().map(|at| at..at + between(rng, 1.0, 40.0)).collect(),
            api: between(rng, 0.01, 0.25),
            token: between(rng, 0.01, 0.9),
            interval,
            forbidden: rng.bool().then(|| rng.usize(2..20)),
            ids: rng.u8(0..4) == 0,
        }
    }

    /// Whether the API accepts a token that was born then.
    fn accepts(&self, born: f64, first: bool, now: f64) -> bool {
        let revoked = self.revocations.iter().any(|at| born < *at && *at <= now);
        (first || born + self.lag <= now) && now < born + self.life && !revoked
    }
}

fn between(rng: &mut fastrand::Rng, low: f64, high: f64) -> f64 {
    low + rng.f64() * (high - low)
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A call that was not served.
#[derive(Clone, Debug)]
struct Failure {
    path: String,
    began: f64,
    ended: f64,
    why: String,
}

/// What came of a history.
struct Played {
    failures: Vec<Failure>,
    tokens: Vec<Handed>,
}

/// A token: when it was issued and first accepted.
#[derive(Clone, Copy, Debug)]
struct Handed {
    born: f64,
    accepted: Option<f64>,
}

async fn play(history: &History) -> Played {
    let History { life, told, api, token, interval, forbidden, ids, .. } = *history;
    let outages = history.outages.iter().map(|out| secs(out.start)..secs(out.end)).collect();
    let issuer = Issuer::new(told.then(|| secs(life)), token..token).with_outages(outages);
    let issuer = Arc::new(issuer);
    let (known, world) = (issuer.clone(), history.clone());
    let rule = move |token, now: Duration, path: &str| {
        let born = known.born(token).as_secs_f64();
        path != "forbidden" && world.accepts(born, token == 1, now.as_secs_f64())
    };
    let api = Arc::new(Api::new(api..api, rule));
    let world = World::shared(&issuer, &api);
    let client = Client::new(history.adapter, &world.slot, api.clone());
    let failures = Arc::new(Mutex::new(Vec::new()));
    let started = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..(LENGTH / interval) as usize {
        tokio::time::sleep_until(started + secs(n as f64 * interval)).await;
        let path = match forbidden {
            Some(each) if n % each == each - 1 => "forbidden".to_owned(),
            _ if ids => n.to_string(),
            _ => "a".to_owned(),
        };
        let (client, failures) = (client.clone(), failures.clone());
        calls.spawn(async move {
            let began = started.elapsed().as_secs_f64();
            if let Err(why) = client.call(&path, false).await {
                let ended = started.elapsed().as_secs_f64();
                failures.lock().unwrap().push(Failure { path, began, ended, why });
            }
        });
    }
    while calls.join_next().await.is_some() {}
    let accepted = api.first_accepted();
    let token = |token| Handed {
        born: issuer.born(token).as_secs_f64(),
        accepted: accepted.get(&token).map(Duration::as_secs_f64),
    };
    let tokens = (1..=issuer.newest()).map(token).collect();
    let failures = failures.lock().unwrap().clone();
    Played { failures, tokens }
}

/// The failures that such a client would not have had, without what the budgets and pauses allow.
fn unexcused(history: &History, played: &Played) -> Vec<Failure> {
    let Played { failures, tokens } = played;
    let mut exceptions = exceptions(history, tokens);
    let mut left = Vec::new();
    for failure in failures {
        let Failure { path, began, ended, why } = failure;
        // The budgets.
        let budget =
            why.contains("several new tokens in a row") || why.contains("keeps refusing tokens");
        // What the slot waits after an outage.
        let waits = |out: &Range<f64>| out.start <= *ended && *began < out.end + COOL_DOWN;
        if path == "forbidden" || budget || history.outages.iter().any(waits) {
            continue;
        }
        let revoked = history.revocations.iter().any(|at| (*began..*ended).contains(at));
        let fresh_helps = history.lag <= history.api / 2.0 && !revoked;
        let older_is_good = history.revocations.is_empty()
            && (0..tokens.len()).any(|n| is_proven_and_good(history, tokens, n, &(*began..*ended)));
        if !fresh_helps && !older_is_good {
            continue;
        }
        // Not of an earlier one: that has been made good by then.
        let is_its = |at: &f64| *at <= *ended && ended - at < RECOVERY;
        if let Some(at) = exceptions.iter().position(is_its) {
            exceptions.remove(at);
            continue;
        }
        left.push(failure.clone());
    }
    left
}

/// Whether a token had been accepted before there was a newer one, and is good all the time.
fn is_proven_and_good(history: &History, tokens: &[Handed], n: usize, time: &Range<f64>) -> bool {
    let Handed { born, accepted } = tokens[n];
    let displaced = tokens.get(n + 1).map_or(f64::INFINITY, |newer| newer.born);
    let known = accepted.map(|at| at + history.api / 2.0);
    let is_known = known.is_some_and(|at| at <= time.start && at < displaced);
    let end = born + history.life - MARGIN - 2.0 * history.token;
    let is_in_use = !history.told || time.end < end;
    let is_good = |now| history.accepts(born, n == 0, now);
    is_known && is_in_use && is_good(time.start) && is_good(time.end)
}

/// When an unproven token ended that had a predecessor, which may have ended as well by then.
fn exceptions(history: &History, tokens: &[Handed]) -> Vec<f64> {
    let is_unproven = |at: f64| {
        let newest = tokens.iter().rposition(|token| token.born <= at);
        newest.is_some_and(|newest| newest > 0 && at - tokens[newest].born < YOUNG + history.api)
    };
    let mut all: Vec<_> =
        history.revocations.iter().copied().filter(|at| is_unproven(*at)).collect();
    // No one knows of an end by age that is not told, where tokens are replaced for other reasons.
    if !history.told && history.forbidden.is_some() {
        let ends = tokens.iter().map(|token| token.born + history.life);
        all.extend(ends.filter(|at| is_unproven(*at)));
    }
    // That its predecessor is of no use shows when two targets have refused it; and calls overlap.
    if history.ids || history.interval < 4.0 * history.api {
        all.extend_from_within(..);
    }
    all.sort_by(f64::total_cmp);
    all
}

fn check(seed: u64) {
    let history = History::random(&mut fastrand::Rng::with_seed(seed));
    let played = on_paused_time(play(&history));
    let left = unexcused(&history, &played);
    let tokens = &played.tokens;
    assert!(left.is_empty(), "PROPERTY_SEED={seed}: {history:#?}\n{tokens:?}\n{left:#?}");
}

#[test]
fn no_call_fails_that_a_client_which_refreshes_and_sends_again_would_have_served() {
    let number = |name| std::env::var(name).ok().and_then(|number: String| number.parse().ok());
    let seed = number("PROPERTY_SEED").unwrap_or_else(|| fastrand::u64(..));
    let histories = number("PROPERTY_HISTORIES").unwrap_or(300);
    println!("PROPERTY_SEED={seed}");
    for n in 0..histories {
        check(seed.wrapping_add(n));
    }
}
