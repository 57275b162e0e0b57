//! A request's own time limit covers the wait for a token, its refresh and both sends together: whatever
//! stands still on the way, its caller knows by then, and the error says what was waited for. Shared by
//! both adapters.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oauth_core::clock::TokioClock;
use oauth_core::{ClientAuth, ClientCredentials, GrantSource, Outcome, TokenSlot};
use tokio::time::{Instant, sleep};

use crate::caller::Caller;
use oauth_adapter_tests::issuer::{API, Issuer, settle};
use oauth_adapter_tests::play::{Ask, Called, Play, Reply, status, told};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The two ways to say it.
const WAYS: [fn(Ask, Duration) -> Ask; 2] = [Ask::within, Ask::timeout];

/// What came back, and after how many milliseconds.
async fn timed(caller: &Caller, ask: Ask) -> (Called, u128) {
    let began = Instant::now();
    let called = caller.call(ask).await;
    (called, began.elapsed().as_millis())
}

/// Tokio's timers are that exact.
fn assert_at(after: u128, expected: u128) {
    assert!((expected..=expected + 2).contains(&after), "{after} ms");
}

/// A slot whose token endpoint never responds.
fn hanging() -> TokenSlot {
    let grant = ClientCredentials::builder(ClientAuth::secret("client", "fake"))
        .token_url("https://login.test/token")
        .api_url(API)
        .build()
        .unwrap();
    let transport = tower::service_fn(|_: Request<Full<Bytes>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    TokenSlot::builder(GrantSource::new(grant, transport)).clock(TokioClock::new()).build()
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_hangs_is_named_by_the_error_when_the_limit_is_over() {
    for within in WAYS {
        let play = Play::new(|_| Reply::status(200));
        let slot = hanging();
        let caller = Caller::new(slot.clone(), &play);
        for caller in [caller.clone(), caller.without_replay()] {
            let (called, after) = timed(&caller, within(Ask::post("/a").body(10), ms(500))).await;
            assert_at(after, 500);
            let error = called.unwrap_err();
            assert!(error.contains("login.test") && error.contains("token endpoint"), "{error}");
        }
        // Both have waited for one flight, and nothing was sent.
        assert_eq!((slot.status().flights, play.calls().len()), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_hangs_leaves_the_401_to_be_delivered_when_the_limit_is_over() {
    for within in WAYS {
        let (issuer, play) = (Issuer::new(), Play::new(|call| Reply::good(call.token != "t1")));
        let slot = issuer.ready_slot().await;
        let caller = Caller::new(slot.clone(), &play);
        issuer.hold();
        let (called, after) = timed(&caller, within(Ask::post("/a").body(10), ms(500))).await;
        assert_at(after, 500);
        let (status, outcome) = called.unwrap();
        let Outcome::RefreshFailed(error) = outcome else { panic!("{outcome:?}") };
        assert!(error.is_timeout() && error.to_string().contains("token endpoint"), "{error}");
        assert_eq!((status, play.tokens().len(), issuer.requests()), (401, 1, 2));
        // The refresh goes on for whoever comes next.
        issuer.release();
        settle().await;
        assert_eq!(self::status(&caller.call(Ask::post("/a")).await), 200);
        assert_eq!((play.tokens(), issuer.requests()), (vec!["t2".to_owned()], 2));
    }
}

#[tokio::test(start_paused = true)]
async fn both_sends_and_the_refresh_between_them_have_one_limit() {
    for within in WAYS {
        for (takes, renewal, expected, ends) in [
            // The second send is aborted.
            (700, 0, None, 1000),
            (300, 600, None, 1000),
            // There is just time enough for all three.
            (450, 0, Some(200), 900),
            (300, 300, Some(200), 900),
            // The first one is aborted.
            (1100, 0, None, 1000),
            // There is no time for the second.
            (300, 800, Some(401), 1000),
        ] {
            let issuer = Issuer::new();
            let play = Play::new(move |call| Reply::good(call.token != "t1").after(ms(takes)));
            let slot = issuer.ready_slot().await;
            issuer.takes(ms(renewal));
            let caller = Caller::new(slot.clone(), &play);
            let (called, after) = timed(&caller, within(Ask::post("/a").body(10), ms(1000))).await;
            assert_at(after, ends);
            let status = called.as_ref().ok().map(|(status, _)| *status);
            assert_eq!(status, expected, "{takes} {renewal} {called:?}");
            let sends = if takes > 1000 || expected == Some(401) { 1 } else { 2 };
            assert_eq!(play.calls().len(), sends, "{takes} {renewal}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_the_first_token_counts_against_the_send_after_it() {
    for within in WAYS {
        let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(200).after(ms(300))));
        issuer.takes(ms(150));
        let slot = issuer.slot();
        let caller = Caller::new(slot.clone(), &play);
        let (called, after) = timed(&caller, within(Ask::get("/a"), ms(400))).await;
        assert!(called.is_err(), "{called:?}");
        assert_at(after, 400);
        let (called, after) = timed(&caller, within(Ask::get("/a"), ms(400))).await;
        assert_eq!(status(&called), 200);
        assert_at(after, 300);
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_limits_the_earliest_counts() {
    let slot = hanging();
    let caller = Caller::new(slot, &Play::new(|_| Reply::status(200)));
    for (one, other) in [(300, 900), (900, 300)] {
        let ask = Ask::get("/a").within(ms(one)).timeout(ms(other));
        let (called, after) = timed(&caller, ask).await;
        assert!(called.unwrap_err().contains("request's time limit"));
        assert_at(after, 300);
    }
    // The slot's own is the earliest.
    let issuer = Issuer::new();
    issuer.hold();
    let slot = issuer.builder().acquire_timeout(ms(200)).build();
    let caller = Caller::new(slot, &Play::new(|_| Reply::status(200)));
    for within in WAYS {
        let (called, after) = timed(&caller, within(Ask::get("/a"), ms(500))).await;
        assert!(called.unwrap_err().contains("acquire limit"));
        assert_at(after, 200);
    }
}

/// One that gets no token has its limit as well.
#[tokio::test(start_paused = true)]
async fn a_request_that_opted_out_has_its_limit() {
    for within in WAYS {
        let play = Play::new(|_| Reply::status(200).after(ms(300)));
        let caller = Caller::new(hanging(), &play);
        let (called, after) = timed(&caller, within(Ask::get("/a").bare(), ms(500))).await;
        assert_eq!(told(&called), "NotAttached(OptedOut)");
        assert_at(after, 300);
        let (called, after) = timed(&caller, within(Ask::get("/a").bare(), ms(200))).await;
        assert!(called.is_err(), "{called:?}");
        assert_at(after, 200);
    }
}

/// A call whose token `t1` is refused has begun a refresh that takes so long: how a call with a limit of half
/// a second fares a tenth of a second later, and a call without a limit after that.
async fn held(
    within: fn(Ask, Duration) -> Ask,
    knows_t1: bool,
    renewal: u64,
) -> [(String, u128); 2] {
    let issuer = Issuer::new();
    let play = Play::new(|_| Reply::status(200));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play);
    assert_eq!(status(&caller.call(Ask::get("/good")).await), 200);
    play.then(move |call| Reply::good(call.token != "t1" || (call.path == "/good" && knows_t1)));
    issuer.takes(ms(renewal));
    let refused = tokio::spawn({
        let caller = caller.clone();
        async move { caller.call(Ask::get("/bad")).await }
    });
    sleep(ms(100)).await;
    let (one, after_one) = timed(&caller, within(Ask::get("/good"), ms(500))).await;
    let (other, after_other) = timed(&caller, Ask::get("/good")).await;
    assert_eq!(status(&refused.await.unwrap()), 200);
    assert_eq!(issuer.requests(), 2);
    [(told(&one), after_one), (told(&other), after_other)]
}

/// There is a token meanwhile, which may be good where this request goes.
#[tokio::test(start_paused = true)]
async fn a_request_is_held_for_half_of_its_time_at_most_and_is_sent_then() {
    for within in WAYS {
        // The older token is good there, and no one is held any more.
        let [one, other] = held(within, true, 800).await;
        assert_eq!((one.0.as_str(), other.0.as_str()), ("Attached", "Attached"));
        assert_at(one.1, 250);
        assert_at(other.1, 0);
        // It is not, and the refresh is done 50 ms later.
        let [one, other] = held(within, false, 400).await;
        assert_eq!((one.0.as_str(), other.0.as_str()), ("Replayed", "Attached"));
        assert_at(one.1, 300);
        assert_at(other.1, 0);
        // Nor is it done before the request's time is over. The other one has more.
        let [one, other] = held(within, false, 900).await;
        assert!(one.0.starts_with("RefreshFailed") && one.0.contains("request's time limit"));
        assert_eq!(other.0, "Attached");
        assert_at(one.1, 500);
        assert_at(other.1, 300);
        // The refresh is there first.
        let [one, other] = held(within, false, 300).await;
        assert_eq!((one.0.as_str(), other.0.as_str()), ("Attached", "Attached"));
        assert_at(one.1, 200);
        assert_at(other.1, 0);
    }
}
