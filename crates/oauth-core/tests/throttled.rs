//! When the server wants to see the client again, by its own clock, and that the slot waits for it.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{
    Apiera, Ataccama, ClientAuth, ClientCredentials, Error, Fuuffy, GrantSource, Oleria, TokenSlot,
};
use tokio::time::{Instant, advance};

type Headers<'a> = &'a [(&'static str, &'a str)];

/// 784111777 s after 1970, and not what our clock says.
const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
const IN_20_S: &str = "Sun, 06 Nov 1994 08:49:57 GMT";

fn generic() -> ClientCredentials {
    ClientCredentials::builder(ClientAuth::secret("id", "the-secret"))
        .token_url("https://auth.example/t")
        .api_url("https://api.example")
        .build()
        .unwrap()
}

fn grants() -> Vec<Box<dyn Grant>> {
    let client = || ClientAuth::secret("id", "the-secret");
    let oleria = Oleria::builder(client())
        .authentication_url("https://auth.example/t")
        .api_url("https://devx.acme.oleria.io");
    vec![
        Box::new(generic()),
        Box::new(oleria.build().unwrap()),
        Box::new(Apiera::builder(client()).organization("org_A").build().unwrap()),
        Box::new(Fuuffy::builder(client()).build().unwrap()),
        Box::new(Ataccama::builder(client()).environment("acme").realm("acme").build().unwrap()),
    ]
}

fn answer(status: u16, headers: Headers<'_>, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        response.headers_mut().append(HeaderName::from_static(name), value);
    }
    response
}

fn refusal(grant: &dyn Grant, status: u16, headers: Headers<'_>, body: &str) -> Error {
    let response = answer(status, headers, body);
    grant.response(&TokenRequest::new(grant, grant.client().current()), &response).unwrap_err()
}

fn wait(status: u16, headers: Headers<'_>) -> Option<Duration> {
    refusal(&generic(), status, headers, "").retry_after()
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn retry_after_is_read_from_any_refusal() {
    // RFC 9110 §10.2.3, RFC 6585 §4.
    for (status, value, seconds) in [
        (429, "60", Some(60)),
        (503, "7", Some(7)),
        (400, "7", Some(7)),
        (429, "soon", None),
        (429, "-1", None),
        (503, "99999999999999999999999", Some(u64::MAX)),
    ] {
        assert_eq!(wait(status, &[("retry-after", value)]), seconds.map(secs), "{value}");
    }
    assert_eq!(wait(429, &[]), None);
}

#[test]
fn a_date_is_read_against_the_date_of_its_response_and_never_against_our_clock() {
    for status in [400, 429, 503] {
        assert_eq!(wait(status, &[DATE, ("retry-after", IN_20_S)]), Some(secs(20)));
        // The past.
        let past = ("retry-after", "Sun, 06 Nov 1994 08:49:36 GMT");
        assert_eq!(wait(status, &[DATE, past]), Some(secs(0)));
        // By our clock it is decades ago, or ahead.
        for date in [IN_20_S, "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(wait(status, &[("retry-after", date)]), None);
            for broken in ["", "784111777", "Sun, 06 Nov 1994 08:49:37", "\u{e4}"] {
                assert_eq!(wait(status, &[("date", broken), ("retry-after", date)]), None);
            }
        }
        // Seconds need none.
        assert_eq!(wait(status, &[("date", "x"), ("retry-after", "20")]), Some(secs(20)));
    }
}

#[test]
fn every_grant_reads_when_a_limit_is_reset() {
    for grant in grants() {
        for (name, value) in [
            ("ratelimit", "\"default\";r=0;t=20"),
            ("ratelimit", "limit=100, remaining=0, reset=20"),
            ("ratelimit-reset", "20"),
            ("x-ratelimit-reset", "20"),
            ("x-ratelimit-reset", IN_20_S),
            ("x-ratelimit-reset-after", "19.5"),
            ("x-ms-retry-after-ms", "20000"),
            ("retry-after-ms", "20000"),
        ] {
            let error = refusal(&*grant, 429, &[DATE, (name, value)], "");
            let seconds = error.retry_after().map(|wait| wait.as_secs_f64().ceil());
            assert_eq!(seconds, Some(20.0), "{:?} {name}: {value}", grant.info().name());
        }
    }
}

#[test]
fn a_unix_time_is_read_against_the_date_of_its_response() {
    let date = ("date", "Wed, 31 Dec 2036 23:59:00 GMT");
    for name in ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"] {
        for (value, millis) in [
            ("2114380770", Some(30_000)),
            ("2114380770.5", Some(30_500)),
            ("2114380770500", Some(30_500)),
            ("2114380739", Some(0)),
            ("1000000000", Some(0)),
        ] {
            let millis = millis.map(Duration::from_millis);
            assert_eq!(wait(429, &[date, (name, value)]), millis, "{name}: {value}");
            assert_eq!(wait(429, &[(name, value)]), None, "{name}: {value}");
        }
    }
}

#[test]
fn retry_after_goes_before_the_rest_and_of_the_rest_the_latest_counts() {
    let reset = ("x-ratelimit-reset", "90");
    for (headers, seconds) in [
        (vec![reset, ("retry-after", "30")], 30),
        (vec![reset, ("retry-after", "0")], 0),
        (vec![reset, ("retry-after", "30"), ("retry-after-ms", "50000")], 30),
        (vec![reset, ("retry-after-ms", "30000")], 30),
        // What cannot be read is not there.
        (vec![reset, ("retry-after", "soon")], 90),
        (vec![reset, ("retry-after", IN_20_S)], 90),
        (vec![reset, ("ratelimit-reset", "20"), ("ratelimit", "\"a\";r=0;t=40")], 90),
        (vec![reset, ("ratelimit-reset", "99"), ("ratelimit", "\"a\";r=0;t=40")], 99),
        (vec![reset, ("ratelimit-reset", "20"), ("ratelimit", "\"a\";r=0;t=140")], 140),
        (vec![reset, ("x-ratelimit-reset", "95")], 95),
        (vec![("retry-after", "5"), ("retry-after", "35")], 35),
        (vec![("retry-after", "junk"), ("retry-after", "35")], 35),
    ] {
        assert_eq!(wait(429, &headers), Some(secs(seconds)), "{headers:?}");
    }
}

#[test]
fn a_reset_counts_where_a_limit_is_the_reason_and_nowhere_else() {
    let reset = ("ratelimit-reset", "90");
    for status in [400, 401, 403, 404, 408, 500, 502, 503] {
        // It comes with every response of some servers.
        assert_eq!(wait(status, &[reset]), None, "{status}");
        let slower = refusal(&generic(), status, &[reset], r#"{"error":"slow_down"}"#);
        assert_eq!(slower.retry_after(), Some(secs(90)), "{status}");
        let later = refusal(&generic(), status, &[reset], r#"{"error":"server_error"}"#);
        assert_eq!(later.retry_after(), None, "{status}");
        assert_eq!(wait(status, &[("retry-after-ms", "90")]), Some(Duration::from_millis(90)));
    }
    // Throttling in disguise.
    let apiera = &grants()[2];
    let disguised = refusal(&**apiera, 500, &[reset], r#"{"error":"access_denied"}"#);
    assert_eq!(disguised.retry_after(), Some(secs(90)));
}

#[test]
fn no_header_makes_the_reader_panic() {
    let names = [
        "retry-after",
        "retry-after-ms",
        "x-ms-retry-after-ms",
        "ratelimit",
        "ratelimit-reset",
        "x-ratelimit-reset",
        "x-rate-limit-reset",
        "x-ratelimit-reset-after",
    ];
    let (nines, many) = ("9".repeat(400), "\"a\";r=0;t=1,".repeat(5_000));
    let values =
        ["", " ", "-1", "+1", "1e9", "inf", "NaN", ".5", "..", "\u{fc}", ";=,", "t=", "\"\\"];
    for value in values.into_iter().chain([&*nines, &*many]) {
        for name in names {
            let error = refusal(&generic(), 429, &[DATE, (name, value)], "");
            assert!(error.to_string().len() < 1_000, "{name}: {value}");
        }
    }
}

/// A slot over a token endpoint that gives this response once, and a token from then on.
fn slot(first: Response<Bytes>) -> (TokenSlot, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let transport = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let response = match counted.fetch_add(1, SeqCst) {
            0 => first.clone(),
            _ => answer(200, &[], r#"{"access_token":"abc","expires_in":3600}"#),
        };
        async move { Ok::<_, Infallible>(response.map(Full::new)) }
    });
    let source = GrantSource::new(generic(), transport);
    (TokenSlot::builder(source).clock(oauth_core::clock::TokioClock::new()).build(), requests)
}

#[tokio::test(start_paused = true)]
async fn a_limited_minute_costs_one_token_request() {
    for header in [
        ("ratelimit", "\"default\";r=0;t=60"),
        ("ratelimit-reset", "60"),
        ("x-ratelimit-reset", "60"),
        ("x-ratelimit-reset", "Sun, 06 Nov 1994 08:50:37 GMT"),
        ("x-ratelimit-reset-after", "60.0"),
        ("x-ms-retry-after-ms", "60000"),
        ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
    ] {
        let (slot, requests) = slot(answer(429, &[DATE, header], ""));
        let started = Instant::now();
        while started.elapsed() < secs(60) {
            let error = slot.token().await.unwrap_err();
            let left = secs(60) - started.elapsed();
            assert_eq!(error.retry_after(), Some(left), "{header:?}");
            advance(secs(5)).await;
        }
        assert_eq!(requests.load(SeqCst), 1, "{header:?}");
        slot.token().await.unwrap();
        assert_eq!((requests.load(SeqCst), started.elapsed()), (2, secs(60)), "{header:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_clock_is_decades_off_is_asked_again_when_it_says() {
    for header in [("retry-after", IN_20_S), ("x-ratelimit-reset", IN_20_S)] {
        let (slot, requests) = slot(answer(429, &[DATE, header], ""));
        let started = Instant::now();
        slot.token().await.unwrap();
        assert_eq!((requests.load(SeqCst), started.elapsed()), (2, secs(20)), "{header:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_thirty_years_holds_for_the_five_minutes_of_the_cap() {
    for header in [("ratelimit-reset", "999999999"), ("ratelimit", "\"a\";t=999999999999999")] {
        let (slot, requests) = slot(answer(429, &[DATE, header], ""));
        let error = slot.token().await.unwrap_err();
        assert_eq!(error.retry_after(), Some(secs(300)), "{header:?}");
        advance(secs(300)).await;
        slot.token().await.unwrap();
        assert_eq!(requests.load(SeqCst), 2, "{header:?}");
    }
}
