//! Thousands of callers that need a token at once, and callers that go on while the token endpoint
//! fails.
//!
//! `cargo bench -p oauth-benches --bench storm [-- --json | --record | --quick]`

#![expect(clippy::print_stdout, reason = "its output is what a bench is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use oauth_benches::asked::Asked;
use oauth_benches::recorded;
use oauth_benches::stats::{median, millis, permille, round};
use oauth_benches::storm::{Api, Call, Looped, Ours, TOKEN_LATENCY, TokenEndpoint, herd, looping};
use oauth_testkit::Fault;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Longer than the tokens of the endpoint live.
const PAST_THE_END: u64 = 3700;
/// Into the last quarter of their life.
const STALE: u64 = 3400;

fn main() {
    let Some(asked) = Asked::of_bench() else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let figures = runtime.expect("threads").block_on(async {
        let runs = if asked.quick { 1 } else { 7 };
        let mut herds = Vec::new();
        for callers in [1000, 10_000] {
            for state in ["floor", "cold", "expired", "rejected"] {
                herds.push(all_at_once(state, callers, runs).await);
            }
        }
        let time = Duration::from_millis(if asked.quick { 200 } else { 3000 });
        let mut outages = Vec::new();
        for state in ["stale", "expired"] {
            for fault in ["500", "down", "hang"] {
                outages.push(outage(state, fault, time).await);
            }
        }
        json!({
            "about": "Waits are over the 50 ms of the token endpoint itself, in ms: the median of all runs.",
            "machine": recorded::machine(),
            "herds": herds,
            "outages": outages,
            "timeline": timeline().await,
        })
    });
    if asked.record {
        recorded::write("storm", &figures);
    }
    if asked.json {
        println!("{figures}");
    } else {
        print(&figures);
    }
}

/// So many callers on a token in that state.
async fn all_at_once(state: &str, callers: usize, runs: usize) -> Value {
    let mut requests = Vec::new();
    let mut waits: [Vec<f64>; 3] = Default::default();
    let mut unserved = 0;
    for _ in 0..runs {
        let (endpoint, api) = (TokenEndpoint::start(), Api::default());
        let ours = Ours::new(&endpoint);
        let call = if state == "floor" { floor(&api) } else { ours.call(&api) };
        if matches!(state, "expired" | "rejected") {
            call().await.expect("a first token");
        }
        match state {
            "expired" => ours.clock.advance(PAST_THE_END),
            "rejected" => api.revoke(),
            _ => {}
        }
        let before = endpoint.server.token_requests();
        let mut herd = herd(callers, &call).await;
        requests.push(endpoint.server.token_requests() - before);
        unserved += callers - herd.served;
        for (waits, part) in waits.iter_mut().zip([500, 990, 1000]) {
            let wait = permille(&mut herd.waits, part);
            waits.push(millis(wait) - millis(TOKEN_LATENCY));
        }
    }
    let worst = requests.iter().max().copied();
    let [p50, p99, longest] = waits.map(|waits| round(median(&waits), 1));
    json!({
        "token": state, "callers": callers, "runs": runs, "token_requests": worst,
        "unserved": unserved, "p50": p50, "p99": p99, "max": longest,
    })
}

/// What so many callers cost on their own: each waits for one and the same event, which comes when
/// the endpoint's time is over, and calls the API. The first one sees to the event.
fn floor(api: &Api) -> Call {
    #[derive(Default)]
    struct Event {
        asked_for: AtomicBool,
        over: AtomicBool,
        waiting: Notify,
    }
    let (api, event) = (api.clone(), Arc::new(Event::default()));
    Arc::new(move || {
        let (api, event) = (api.clone(), event.clone());
        Box::pin(async move {
            if !event.asked_for.swap(true, Ordering::SeqCst) {
                let event = event.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(TOKEN_LATENCY).await;
                    event.over.store(true, Ordering::SeqCst);
                    event.waiting.notify_waiters();
                });
            }
            let told = event.waiting.notified();
            if !event.over.load(Ordering::SeqCst) {
                told.await;
            }
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer any"));
            Ok(api.answer(&headers).await.status())
        })
    })
}

/// A hundred callers while the endpoint is in trouble.
async fn outage(state: &str, fault: &str, time: Duration) -> Value {
    let (endpoint, api) = (TokenEndpoint::start(), Api::default());
    // As it comes, a slot is patient for longer than the run: 10 s an attempt, 30 s a flight.
    let patience = (fault == "hang" || state == "expired").then_some(Duration::from_millis(500));
    let ours = Ours::with_patience(&endpoint, patience);
    let call = ours.call(&api);
    call().await.expect("a first token");
    ours.clock.advance(if state == "stale" { STALE } else { PAST_THE_END });
    let mut endpoint = Some(endpoint);
    match (fault, &endpoint) {
        ("500", Some(endpoint)) => endpoint.server.inject(Fault::status(500).forever()),
        ("hang", Some(endpoint)) => endpoint.server.inject(Fault::hang().forever()),
        // No one listens there any more.
        _ => drop(endpoint.take()),
    }
    let before = ours.token_requests();
    let Looped { served, failed, longest } = looping(100, time, &call, Arc::default()).await;
    json!({
        "token": state, "endpoint": fault, "attempt_limit": patience.map_or(10_000, |limit| limit.as_millis()),
        "seconds": time.as_secs_f64(), "served": served,
        "failed": failed, "token_requests": ours.token_requests() - before,
        "longest_wait": round(millis(longest), 1),
    })
}

/// A storm over time, for the picture: 1,000 looping callers that start on an empty slot; their
/// token is revoked at 400 ms; at 800 ms the endpoint starts to respond with 500 and the token is stale.
async fn timeline() -> Value {
    let (endpoint, api) = (TokenEndpoint::start(), Api::default());
    let ours = Ours::new(&endpoint);
    let call = ours.call(&api);
    let waiting = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let time = Duration::from_millis(1200);
    let at = |millis| tokio::time::Instant::from_std(start + Duration::from_millis(millis));
    let events = async {
        tokio::time::sleep_until(at(400)).await;
        api.revoke();
        tokio::time::sleep_until(at(800)).await;
        endpoint.server.inject(Fault::status(500).forever());
        ours.clock.advance(STALE);
    };
    // A thread of its own: a task would be late just when it is interesting.
    let (gauge, counter) = (waiting.clone(), ours.clone());
    let sampler = std::thread::spawn(move || {
        let mut samples = Vec::new();
        while start.elapsed() < time {
            let (waiting, requests) = (gauge.load(Ordering::Relaxed), counter.token_requests());
            samples.push(json!([millis(start.elapsed()), waiting, requests]));
            std::thread::sleep(Duration::from_millis(4));
        }
        samples
    });
    let (looped, ()) = tokio::join!(looping(1000, time, &call, waiting), events);
    let samples = sampler.join().expect("no panic");
    json!({
        "callers": 1000, "revoked_at": 400, "failing_from": 800, "served": looped.served,
        "failed": looped.failed, "samples_ms_waiting_requests": samples,
    })
}

fn print(figures: &Value) {
    let text =
        |row: &Value, key: &str| row[key].as_str().map_or(row[key].to_string(), String::from);
    println!("all at once; waits in ms over the endpoint's own 50 ms");
    let columns = ["token", "callers", "token_requests", "unserved", "p50", "p99", "max"];
    table(&figures["herds"], &columns, text);
    println!("\na hundred looping callers while the token endpoint fails; the longest wait in ms");
    let columns = [
        "token",
        "endpoint",
        "attempt_limit",
        "served",
        "failed",
        "token_requests",
        "longest_wait",
    ];
    table(&figures["outages"], &columns, text);
}

fn table(rows: &Value, columns: &[&str], text: impl Fn(&Value, &str) -> String) {
    let line = |cell: &dyn Fn(&str) -> String| {
        columns.iter().map(|column| format!("{:>15}", cell(column))).collect::<String>()
    };
    println!("{}", line(&|column| column.to_string()));
    for row in rows.as_array().into_iter().flatten() {
        println!("{}", line(&|column| text(row, column)));
    }
}
