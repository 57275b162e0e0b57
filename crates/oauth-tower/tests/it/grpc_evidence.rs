//! Calls of gRPC: `grpc-timeout` is a time limit for the whole call, and a token is accepted by the first
//! message of a response, or by a status 0.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use oauth_core::{Deadline, DeadlineElapsed, Outcome, TokenSlot};
use oauth_tower::{CloneBody, Error, OAuthLayer};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

use oauth_adapter_tests::issuer::{API, Issuer, settle};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A response: a status on its head, messages, and a status in its trailers.
#[derive(Clone, Debug, Default)]
struct Reply {
    head: Option<&'static str>,
    messages: Vec<&'static str>,
    trailers: Option<&'static str>,
    after: Duration,
    /// It is out of a cache.
    stored: bool,
    /// Where it is from, if not from where it was asked.
    from: Option<&'static str>,
}

impl Reply {
    fn head(status: &'static str) -> Self {
        Self { head: Some(status), ..Self::default() }
    }

    fn trailers(messages: &[&'static str], status: &'static str) -> Self {
        Self { messages: messages.to_vec(), trailers: Some(status), ..Self::default() }
    }

    fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

fn status(status: &'static str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert("grpc-status", HeaderValue::from_static(status));
    fields
}

type Rule = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// A token and a time limit.
type Seen = (String, Option<String>);

/// A server that replies by the token, and what it was sent.
#[derive(Clone)]
struct Server {
    rule: Rule,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn new(rule: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self { rule: Arc::new(rule), seen: Arc::default() }
    }

    fn tokens(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(token, _)| token.clone()).collect()
    }

    /// The outcome and the status of a call whose response was read to its end.
    async fn call(
        &self,
        slot: &TokenSlot,
        request: Request<Full<Bytes>>,
    ) -> Result<(Outcome, String), Error> {
        let server = self.clone();
        let service = service_fn(move |request: Request<Full<Bytes>>| {
            let server = server.clone();
            async move {
                let field = |name| {
                    let value = request.headers().get(name);
                    value.map(|value: &HeaderValue| value.to_str().unwrap().to_owned())
                };
                let token = field("authorization").unwrap_or_default();
                let token = token.trim_start_matches("Bearer ").to_owned();
                let reply = (server.rule)(&token);
                server.seen.lock().unwrap().push((token, field("grpc-timeout")));
                sleep(reply.after).await;
                let frames =
                    reply.messages.iter().map(|m| Frame::data(Bytes::from_static(m.as_bytes())));
                let frames = frames.chain(reply.trailers.map(|s| Frame::trailers(status(s))));
                let frames: Vec<_> = frames.map(Ok::<_, Infallible>).collect();
                let mut response = Response::new(StreamBody::new(stream::iter(frames)));
                *response.headers_mut() = reply.head.map(status).unwrap_or_default();
                if reply.stored {
                    response.headers_mut().insert("age", HeaderValue::from_static("1"));
                }
                let from = reply.from.map_or(request.uri().clone(), Uri::from_static);
                response.extensions_mut().insert(from);
                Ok::<_, Infallible>(response)
            }
        });
        let layer = OAuthLayer::new(slot.clone()).response_uri(|found| found.get());
        let layer = layer.replay(CloneBody).grpc();
        let response = layer.layer(service).oneshot(request).await?;
        let outcome = Outcome::of(response.extensions());
        let head = response.headers().get("grpc-status").cloned();
        let body = response.into_body().collect().await.unwrap();
        let found = body.trailers().and_then(|fields| fields.get("grpc-status").cloned()).or(head);
        Ok((outcome, found.map_or_else(String::new, |s| s.to_str().unwrap().to_owned())))
    }
}

fn request(timeout: Option<&'static str>) -> Request<Full<Bytes>> {
    let mut request = Request::post(format!("{API}/test.Uploads/Echo"));
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    request.body(Full::default()).unwrap()
}

fn assert_at(began: Instant, expected: u64) {
    let after = began.elapsed();
    assert!((ms(expected)..=ms(expected + 2)).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_token_ends_by_its_timeout_and_names_the_token_endpoint() {
    let issuer = Issuer::new();
    issuer.hold();
    let (slot, server) = (issuer.slot(), Server::new(|_| Reply::head("0")));
    for timeout in ["500m", "500000u", "00000500m"] {
        let began = Instant::now();
        let error = server.call(&slot, request(Some(timeout))).await.unwrap_err();
        let error = error.as_token().unwrap().to_string();
        assert!(error.contains("token endpoint"), "{error}");
        assert_at(began, 500);
    }
    assert_eq!((server.tokens().len(), issuer.requests()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_and_both_calls_end_by_the_timeout_which_both_carry() {
    let refused = |token: &str| if token == "t1" { Reply::head("16") } else { Reply::head("0") };
    // The refresh hangs: the first status is delivered.
    let (issuer, server) = (Issuer::new(), Server::new(refused));
    let slot = issuer.ready_slot().await;
    issuer.hold();
    let began = Instant::now();
    let (outcome, status) = server.call(&slot, request(Some("500m"))).await.unwrap();
    assert_at(began, 500);
    let Outcome::RefreshFailed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.to_string().contains("token endpoint"), "{error}");
    assert_eq!((status.as_str(), server.tokens().len()), ("16", 1));

    // Each call takes 0.7 s, and there is 1 s for both.
    let server = Server::new(move |token| refused(token).after(ms(700)));
    let slot = Issuer::new().ready_slot().await;
    let began = Instant::now();
    let error = server.call(&slot, request(Some("1S"))).await.unwrap_err();
    assert_at(began, 1000);
    let Error::Inner(inner) = error else { panic!("{error:?}") };
    assert!(inner.is::<DeadlineElapsed>());
    let seen = server.seen.lock().unwrap().clone();
    let carried = |token: &str| (token.to_owned(), Some("1S".to_owned()));
    assert_eq!(seen, [carried("t1"), carried("t2")]);
}

#[tokio::test(start_paused = true)]
async fn of_a_timeout_and_a_deadline_the_earlier_counts_and_what_is_not_a_timeout_is_none() {
    let issuer = Issuer::new();
    issuer.hold();
    let (slot, server) = (issuer.slot(), Server::new(|_| Reply::head("0")));
    for (timeout, deadline, expected) in
        [("500m", 900, 500), ("900m", 500, 500), ("500x", 900, 900), ("", 900, 900)]
    {
        let mut request = request(Some(timeout));
        request.extensions_mut().insert(Deadline::within(ms(deadline)));
        let began = Instant::now();
        server.call(&slot, request).await.unwrap_err();
        assert_at(began, expected);
    }
}

/// Hours beyond every clock, and nothing at all.
#[tokio::test(start_paused = true)]
async fn the_longest_and_the_shortest_timeout_are_none_that_panics() {
    for (timeout, sent) in [("99999999H", 2), ("0n", 0), ("0H", 0)] {
        let refused =
            |token: &str| if token == "t1" { Reply::head("16") } else { Reply::head("0") };
        let (issuer, server) = (Issuer::new(), Server::new(refused));
        issuer.takes(ms(100));
        let slot = issuer.slot();
        let result = server.call(&slot, request(Some(timeout))).await;
        assert_eq!((result.is_ok(), server.tokens().len()), (sent > 0, sent), "{timeout}");
        settle().await;
        slot.token().await.unwrap();
        let result = server.call(&slot, request(Some(timeout))).await;
        assert_eq!(result.is_ok(), sent > 0, "{timeout}");
        assert_eq!(server.tokens().len(), if sent > 0 { 3 } else { 0 }, "{timeout}");
    }
}

/// As in `acceptance.rs`: a minute after a response to its successor, is the token before it gone?
async fn is_acceptance(reply: Reply) -> bool {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let call = async |rule: Rule| {
        let server = Server { rule, seen: Arc::default() };
        server.call(&slot, request(None)).await.unwrap();
        settle().await;
        server.tokens()
    };
    assert_eq!(call(Arc::new(|_| Reply::trailers(&["message"], "0"))).await, ["t1"]);
    slot.refresh().await.unwrap();
    let answer = reply.clone();
    assert_eq!(call(Arc::new(move |_| answer.clone())).await, ["t2"], "{reply:?}");
    assert_eq!(issuer.requests(), 2, "{reply:?}");
    sleep(Duration::from_secs(61)).await;
    let refused = |token: &str| if token == "t2" { Reply::head("16") } else { Reply::head("0") };
    let tokens = call(Arc::new(refused)).await;
    let accepted = tokens == ["t2", "t3"];
    assert!(accepted || tokens == ["t2", "t1"], "{tokens:?}");
    accepted
}

#[tokio::test(start_paused = true)]
async fn the_first_message_and_a_status_0_are_an_acceptance_and_nothing_else_is() {
    for (reply, expected) in [
        (Reply::head("0"), true),
        (Reply::trailers(&[], "0"), true),
        (Reply::trailers(&["message"], "0"), true),
        // Let in, and failed later.
        (Reply::trailers(&["message"], "5"), true),
        (Reply { messages: vec!["message"], ..Reply::default() }, true),
        // Also what a proxy says, or a server before it has looked at the token.
        (Reply::head("5"), false),
        (Reply::head("14"), false),
        (Reply::head("00"), false),
        (Reply::trailers(&[], "7"), false),
        (Reply::trailers(&[""], "14"), false),
        (Reply { messages: vec![""], ..Reply::default() }, false),
        (Reply::default(), false),
    ] {
        assert_eq!(is_acceptance(reply.clone()).await, expected, "{reply:?}");
    }
}

/// Whoever says it, it is about another request than the one that carried the token.
#[tokio::test(start_paused = true)]
async fn what_a_cache_has_stored_and_what_comes_after_a_redirect_is_not_an_acceptance() {
    for reply in [
        Reply::head("0"),
        Reply::trailers(&[], "0"),
        Reply::trailers(&["message"], "0"),
        Reply { messages: vec!["message"], ..Reply::default() },
    ] {
        assert!(!is_acceptance(Reply { stored: true, ..reply.clone() }).await, "{reply:?}");
        for place in ["https://api.test/moved", "https://b.test/test.Uploads/Echo"] {
            let moved = Reply { from: Some(place), ..reply.clone() };
            assert!(!is_acceptance(moved).await, "{reply:?} {place}");
        }
        assert!(is_acceptance(reply.clone()).await, "{reply:?}");
    }
}

/// Empty frames are no message: the token is not known yet, and the one before it is there.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_message_refreshes_the_token_and_one_after_an_empty_frame_does_not() {
    for (messages, requests) in [(vec![], 2), (vec![""], 2), (vec!["message"], 3)] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        let first = Server::new(|_| Reply::trailers(&["message"], "0"));
        first.call(&slot, request(None)).await.unwrap();
        slot.refresh().await.unwrap();
        // With the acceptance, the one before it is gone.
        sleep(Duration::from_secs(61)).await;
        let server = Server::new(move |_| Reply::trailers(&messages, "16"));
        server.call(&slot, request(None)).await.unwrap();
        settle().await;
        assert_eq!((server.tokens(), issuer.requests()), (vec!["t2".to_owned()], requests));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_pauses_its_target_as_a_second_401_does() {
    let (issuer, server) = (Issuer::new(), Server::new(|_| Reply::head("16")));
    let slot = issuer.ready_slot().await;
    let call = async || {
        let (outcome, status) = server.call(&slot, request(None)).await.unwrap();
        assert_eq!(status, "16");
        match outcome {
            Outcome::RefreshFailed(error) => (error.retry_after(), server.tokens().len()),
            outcome => {
                assert!(matches!(outcome, Outcome::Replayed), "{outcome:?}");
                (None, server.tokens().len())
            }
        }
    };
    assert_eq!((call().await, issuer.requests()), ((None, 2), 2));
    assert_eq!((call().await, issuer.requests()), ((Some(ms(1_000)), 3), 2));
    sleep(ms(1_000)).await;
    assert_eq!((call().await, issuer.requests()), ((None, 5), 3));
    assert_eq!((call().await, issuer.requests()), ((Some(ms(2_000)), 6), 3));
}
