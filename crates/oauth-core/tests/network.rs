//! A token endpoint behind a simulated network: partitioned, restarted, slow, throttling. Time is
//! simulated too, so that an hour takes a second and every run is the same.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oauth_core::clock::TokioClock;
use oauth_core::{BoxError, ClientAuth, ClientCredentials, GrantSource, TokenSlot};
use turmoil::net::{TcpListener, TcpStream};
use turmoil::{Builder, Sim};

const NONE: [u64; 0] = [];
const LIFETIME: u64 = 600;
const TICK: Duration = Duration::from_millis(100);
/// How often the service calls its API.
const PACE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
enum Mood {
    Well,
    Slow(Duration),
    TooMany { retry_after: u64 },
    Failing,
}

/// The token endpoint's behaviour and how often it was asked.
#[derive(Clone)]
struct Endpoint {
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicU64>,
}

impl Endpoint {
    fn new() -> Self {
        Self { mood: Arc::new(Mutex::new(Mood::Well)), asked: Arc::default() }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    async fn answer(self) -> Result<Response<Full<Bytes>>, BoxError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        let token = || {
            let text = format!(
                r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{LIFETIME}}}"#
            );
            Response::new(Full::from(text))
        };
        Ok(match mood {
            Mood::Well => token(),
            Mood::Slow(by) => {
                tokio::time::sleep(by).await;
                token()
            }
            Mood::TooMany { retry_after } => Response::builder()
                .status(429)
                .header("retry-after", retry_after)
                .body(Full::default())?,
            Mood::Failing => Response::builder().status(500).body(Full::default())?,
        })
    }

    async fn serve(self) -> turmoil::Result {
        let listener = TcpListener::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), 80)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            let endpoint = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |_: Request<Incoming>| endpoint.clone().answer());
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }
}

fn slot() -> TokenSlot {
    let transport = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let stream = TcpStream::connect(("auth", 80)).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok::<_, BoxError>(sender.send_request(request).await?)
    });
    let grant = ClientCredentials::builder(ClientAuth::secret("id", "secret"))
        .token_url("http://auth/token")
        .api_url("https://api.example.com")
        .dangerous_plain_http(true)
        .build()
        .unwrap();
    TokenSlot::builder(GrantSource::new(grant, transport)).clock(TokioClock::new()).seed(7).build()
}

/// What the service's calls got, by the second.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<(Duration, bool)>>>);

impl Calls {
    /// The seconds in which the calls from `from` to `to` got no token.
    fn failed(&self, from: u64, to: u64) -> Vec<u64> {
        let calls = self.0.lock().unwrap();
        let failed = calls.iter().filter(|(_, ok)| !ok).map(|(at, _)| at.as_secs());
        failed.filter(|at| (from..to).contains(at)).collect()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Calls at `PACE` for an hour, none of which waits for the one before.
async fn call_for_an_hour(calls: Calls) -> turmoil::Result {
    let start = tokio::time::Instant::now();
    let slot = slot();
    let mut ticks = tokio::time::interval(PACE);
    while start.elapsed() < Duration::from_secs(3600) {
        ticks.tick().await;
        let (slot, calls) = (slot.clone(), calls.clone());
        tokio::spawn(async move {
            let at = start.elapsed();
            let ok = slot.token().await.is_ok();
            calls.0.lock().unwrap().push((at, ok));
        });
    }
    Ok(())
}

/// Something that happens in a simulation.
type Event<'a> = &'a mut dyn FnMut(&mut Sim<'_>);

/// Plays an hour, in which `events` happen at their seconds. Returns what the calls got.
fn play(endpoint: &Endpoint, events: &mut [(u64, Event<'_>)]) -> Calls {
    let mut sim = Builder::new()
        .simulation_duration(Duration::from_secs(3700))
        .tick_duration(TICK)
        .rng_seed(7)
        .build();
    let served = endpoint.clone();
    sim.host("auth", move || served.clone().serve());
    let calls = Calls::default();
    sim.client("service", call_for_an_hour(calls.clone()));
    let mut next = 0;
    loop {
        while next < events.len() && sim.elapsed() >= Duration::from_secs(events[next].0) {
            (events[next].1)(&mut sim);
            next += 1;
        }
        if sim.step().unwrap() {
            return calls;
        }
    }
}

#[test]
fn a_quiet_hour_costs_one_token_request_for_each_three_quarters_of_a_life() {
    let endpoint = Endpoint::new();
    let calls = play(&endpoint, &mut []);
    assert!(calls.count() > 7_000);
    assert_eq!(calls.failed(0, 3600), NONE, "no call went without a token");
    println!("quiet hour: calls={} token_requests={}", calls.count(), endpoint.asked());
    // 600 s, refreshed 150 s to 165 s before the end: each 435 s to 450 s.
    assert_eq!(endpoint.asked(), 9);
}

#[test]
fn a_partition_hurts_no_call_while_the_token_lives_and_ends_within_one_step_after_repair() {
    let endpoint = Endpoint::new();
    let calls = play(
        &endpoint,
        &mut [
            (300, &mut |sim| sim.partition("service", "auth")),
            (1500, &mut |sim| sim.repair("service", "auth")),
        ],
    );
    assert_eq!(calls.failed(0, 595), NONE, "the token lives until 5 s before its end");
    assert!(!calls.failed(600, 1500).is_empty(), "nothing gets through a partition");
    // One cool-down of at most 30 s and one attempt that was already under way, of 10 s.
    assert_eq!(calls.failed(1541, 3600), NONE);
    println!("partition of 20 min: token_requests={}", endpoint.asked());
    assert!(endpoint.asked() <= 8, "{} token requests", endpoint.asked());
}

#[test]
fn no_caller_with_a_token_waits_for_a_slow_endpoint() {
    let endpoint = Endpoint::new();
    let slow = endpoint.clone();
    let calls = play(&endpoint, &mut [(60, &mut |_| slow.set(Mood::Slow(Duration::from_secs(8))))]);
    assert_eq!(calls.failed(0, 3600), NONE);
    // A response takes 8 s longer, and life counts from before the request.
    println!("slow hour: token_requests={}", endpoint.asked());
    assert_eq!(endpoint.asked(), 9);
}

#[test]
fn throttling_a_crash_and_failures_in_one_hour_cost_few_token_requests() {
    let endpoint = Endpoint::new();
    let (throttling, well, failing, again) =
        (endpoint.clone(), endpoint.clone(), endpoint.clone(), endpoint.clone());
    let before_failing = Arc::new(AtomicU64::new(0));
    let mark = before_failing.clone();
    let calls = play(
        &endpoint,
        &mut [
            (400, &mut |_| throttling.set(Mood::TooMany { retry_after: 60 })),
            (530, &mut |_| well.set(Mood::Well)),
            (900, &mut |sim| sim.crash("auth")),
            (1100, &mut |sim| sim.bounce("auth")),
            (1800, &mut |_| {
                mark.store(failing.asked(), Ordering::Relaxed);
                failing.set(Mood::Failing);
            }),
            (3000, &mut |_| again.set(Mood::Well)),
        ],
    );
    // Throttled from the refresh at about 440 s to 530 s: the token lived on. The crash from 900 s
    // to 1100 s fell into a refresh at most, with life left as well.
    assert_eq!(calls.failed(0, 1800), NONE, "every call had a token");
    let lost = calls.failed(1800, 3600);
    assert!(!lost.is_empty(), "20 minutes of failures outlive a token of 10");
    assert!(*lost.last().unwrap() <= 3030, "recovered within one step: {:?}", lost.last());
    let failing = endpoint.asked() - before_failing.load(Ordering::Relaxed);
    println!("troubled hour: token_requests={} while_failing={failing}", endpoint.asked());
    // A first flight of up to 10 attempts, then a probe each 30 s for less than 20 minutes.
    assert!(before_failing.load(Ordering::Relaxed) <= 8);
    assert!(failing <= 10 + 5 + 1200 / 30, "{failing} token requests while failing");
}
