//! Issuers whose tokens have no life left, or that return one token until its end: no call fails, and
//! there is a token request a second at most. Shared by both adapters.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oauth_core::clock::TokioClock;
use oauth_core::{ClientAuth, ClientCredentials, GrantSource, TokenSlot};
use tokio::time::{Instant, sleep, sleep_until};

use crate::caller::Caller;
use oauth_adapter_tests::issuer::API;
use oauth_adapter_tests::play::{Ask, Play, Reply, status};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The token's number and what its life is said to be, after so much time, for this request.
type Says = fn(Duration, u64) -> (u64, String);

/// A token endpoint in the issuer's own words.
#[derive(Clone)]
struct Endpoint {
    began: Instant,
    requests: Arc<AtomicU64>,
    takes: Duration,
    says: Says,
}

impl Endpoint {
    fn new(takes: Duration, says: Says) -> Self {
        Self { began: Instant::now(), requests: Arc::default(), takes, says }
    }

    fn slot(&self) -> TokenSlot {
        let grant = ClientCredentials::builder(ClientAuth::secret("client", "fake"))
            .token_url("https://login.test/token")
            .api_url(API)
            .build()
            .unwrap();
        let endpoint = self.clone();
        let transport = tower::service_fn(move |_: Request<Full<Bytes>>| {
            let endpoint = endpoint.clone();
            async move {
                let number = endpoint.requests.fetch_add(1, Ordering::SeqCst) + 1;
                sleep(endpoint.takes).await;
                let (token, life) = (endpoint.says)(endpoint.began.elapsed(), number);
                let body = format!(
                    r#"{{"access_token":"t{token}","token_type":"Bearer","expires_in":{life}}}"#
                );
                let response = Response::builder().header("content-type", "application/json");
                Ok::<_, Infallible>(response.body(Full::<Bytes>::from(body)).unwrap())
            }
        });
        let source = GrantSource::new(grant, transport);
        TokenSlot::builder(source).clock(TokioClock::new()).seed(7).build()
    }
}

/// Ten calls a second for a minute: how many failed, and how many token requests there were.
async fn minute(endpoint: &Endpoint, play: &Play, replays: bool) -> (usize, u64) {
    let slot = endpoint.slot();
    let caller = Caller::new(slot.clone(), play);
    let caller = if replays { caller } else { caller.without_replay() };
    let began = Instant::now();
    let mut calls = Vec::new();
    for number in 0..600 {
        sleep_until(began + ms(100) * number).await;
        let caller = caller.clone();
        calls.push(tokio::spawn(async move { caller.call(Ask::post("/a").body(10)).await }));
    }
    let mut failed = 0;
    for call in calls {
        failed += usize::from(!call.await.unwrap().is_ok_and(|(status, _)| status == 200));
    }
    assert_eq!(play.calls().len(), 600);
    (failed, endpoint.requests.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn tokens_that_have_ended_when_they_come_fail_no_call_and_cost_a_request_a_second() {
    let says: [Says; 5] = [
        |_, number| (number, "0".to_owned()),
        |_, number| (number, "-1".to_owned()),
        |_, number| (number, "-86400".to_owned()),
        |_, number| (number, "\"0\"".to_owned()),
        // Less than the time between two token requests, though not nothing.
        |_, number| (number, "1".to_owned()),
    ];
    for (at, says) in says.into_iter().enumerate() {
        for (replays, takes) in [(true, 0), (false, 0), (true, 300)] {
            let endpoint = Endpoint::new(ms(takes), says);
            let play = Play::new(|call| Reply::good(call.token.starts_with('t')).after(ms(50)));
            let (failed, requests) = minute(&endpoint, &play, replays).await;
            assert_eq!(failed, 0, "{at} {replays} {takes}");
            assert!((46..=61).contains(&requests), "{at} {replays} {takes}: {requests}");
        }
    }
}

/// It says in whole seconds what is left: at the end of its life nothing, although there is a rest.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_handed_out_until_its_end_fails_no_call_there() {
    fn until_the_end<const LIFE: u128>(now: Duration, _: u64) -> (u64, String) {
        let now = now.as_millis();
        let left = (LIFE - now % LIFE) / 1000;
        (u64::try_from(now / LIFE).unwrap(), left.to_string())
    }
    let lives: [(u128, Says); 4] = [
        (10_500, until_the_end::<10_500>),
        (10_000, until_the_end::<10_000>),
        (2_300, until_the_end::<2_300>),
        (30_950, until_the_end::<30_950>),
    ];
    for (life, says) in lives {
        for replays in [true, false] {
            let endpoint = Endpoint::new(Duration::ZERO, says);
            let began = endpoint.began;
            // The API accepts each until its end, and not beyond.
            let play = Play::new(move |call| {
                let now = began.elapsed().as_millis();
                Reply::good(call.token == format!("t{}", now / life))
            });
            let (failed, requests) = minute(&endpoint, &play, replays).await;
            println!("one token until its end at {life} ms: {requests} token requests");
            assert_eq!(failed, 0, "{life} {replays}");
            assert!(requests <= 61, "{life} {replays}: {requests}");
        }
    }
}

/// A token without any life is for those that wait for it, and its refusal has its refresh as any other.
#[tokio::test(start_paused = true)]
async fn a_refused_token_without_life_is_refreshed_once() {
    let endpoint = Endpoint::new(Duration::ZERO, |_, number| (number, "0".to_owned()));
    let play = Play::new(|call| Reply::good(call.token != "t1"));
    let slot = endpoint.slot();
    let caller = Caller::new(slot.clone(), &play);
    assert_eq!(status(&caller.call(Ask::get("/a")).await), 200);
    assert_eq!(play.tokens(), ["t1", "t2"]);
    assert_eq!(endpoint.requests.load(Ordering::SeqCst), 2);
}
