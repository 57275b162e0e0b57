//! A change of the credentials ends every wait that only their failure was the reason for.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use oauth_core::State;
use oauth_core::clock::TokioClock;
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, RotatingClient,
    SecretProvider, Token, TokenSlot, TokenSource,
};
use tokio::time::Instant;

use crate::script::*;

/// A token endpoint that knows one client id, and says what it says to all others.
struct Endpoint {
    knows: Mutex<&'static str>,
    otherwise: (u16, Option<u64>),
    seen: Mutex<Vec<(String, Duration)>>,
    began: Instant,
}

impl Endpoint {
    fn new(otherwise: (u16, Option<u64>)) -> Arc<Self> {
        let (knows, seen) = (Mutex::new("new"), Mutex::default());
        Arc::new(Self { knows, otherwise, seen, began: Instant::now() })
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let id = text.split('&').find_map(|pair| pair.strip_prefix("client_id=")).unwrap();
        self.seen.lock().unwrap().push((id.to_owned(), self.began.elapsed()));
        let response = Response::builder().header("content-type", "application/json");
        if *self.knows.lock().unwrap() == id {
            let body = r#"{"access_token":"abc","token_type":"Bearer","expires_in":1000}"#;
            return response.body(Full::from(body)).unwrap();
        }
        let (status, retry_after) = self.otherwise;
        let response = match retry_after {
            Some(wait) => response.header("retry-after", wait),
            None => response,
        };
        response.status(status).body(Full::from(r#"{"error":"invalid_client"}"#)).unwrap()
    }

    /// The id and the time of each request.
    fn seen(&self) -> Vec<(String, Duration)> {
        self.seen.lock().unwrap().clone()
    }

    fn source(self: &Arc<Self>, client: &RotatingClient) -> impl TokenSource + use<> {
        let grant = ClientCredentials::builder(client.clone())
            .token_url("https://auth.example.com/token")
            .api_url("https://api.example.com")
            .build()
            .unwrap();
        let endpoint = self.clone();
        let transport = tower::service_fn(move |request| {
            let endpoint = endpoint.clone();
            async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
        });
        GrantSource::new(grant, transport)
    }

    fn slot(self: &Arc<Self>, client: &RotatingClient) -> TokenSlot {
        let builder = TokenSlot::builder(self.source(client));
        builder.clock(TokioClock::new()).seed(7).refresh_jitter(0.0).build()
    }
}

fn client(id: &str) -> RotatingClient {
    RotatingClient::new(ClientAuth::secret(id, "fake"))
}

/// Until the remembered failure has this long to cool down at least.
async fn failing_for_long(slot: &TokenSlot, least: Duration) {
    while slot.status().next_attempt_in.is_none_or(|left| left < least) {
        pass(secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_wakes_the_refreshing_task_at_once() {
    let (client, endpoint) = (client("old"), Endpoint::new((401, None)));
    let slot = endpoint.slot(&client);
    let _keep = slot.keep_fresh().unwrap();
    failing_for_long(&slot, secs(45)).await;
    let (requests, now) = (endpoint.seen().len(), endpoint.began.elapsed());
    client.rotate(ClientAuth::secret("new", "fake")).unwrap();
    settle().await;
    assert_eq!(slot.status().state, State::Fresh);
    assert_eq!(endpoint.seen()[requests..], [("new".to_owned(), now)]);
    pass(secs(749)).await;
    assert_eq!(endpoint.seen().len(), requests + 1);
    // The task lives on, and refreshes when the token is due.
    pass(secs(1)).await;
    assert_eq!(endpoint.seen()[requests + 1].1, now + secs(750));
}

#[tokio::test(start_paused = true)]
async fn rotations_to_bad_credentials_cost_one_token_request_each() {
    let (client, endpoint) = (client("old"), Endpoint::new((401, None)));
    let slot = endpoint.slot(&client);
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    for rotations in 1..=20 {
        client.rotate(ClientAuth::secret(format!("bad-{rotations}"), "fake")).unwrap();
        settle().await;
        assert_eq!(endpoint.seen().len(), rotations + 1);
        pass(ms(10)).await;
    }
    client.rotate(ClientAuth::secret("new", "fake")).unwrap();
    settle().await;
    assert_eq!((slot.status().state, endpoint.seen().len()), (State::Fresh, 22));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_is_added_wakes_the_refreshing_task_at_once() {
    let (client, endpoint) = (client("first"), Endpoint::new((401, None)));
    let slot = endpoint.slot(&client);
    let _keep = slot.keep_fresh().unwrap();
    failing_for_long(&slot, secs(20)).await;
    let (requests, now) = (endpoint.seen().len(), endpoint.began.elapsed());
    let _client = client.with_fallback(ClientAuth::secret("new", "fake")).unwrap();
    settle().await;
    assert_eq!(slot.status().state, State::Fresh);
    assert_eq!(endpoint.seen()[requests..], [("first".to_owned(), now), ("new".to_owned(), now)]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_is_repeated_at_once_with_new_credentials_although_the_token_is_valid() {
    let (client, endpoint) = (client("old"), Endpoint::new((401, None)));
    *endpoint.knows.lock().unwrap() = "old";
    let slot = endpoint.slot(&client);
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    *endpoint.knows.lock().unwrap() = "new";
    pass(secs(750)).await;
    failing_for_long(&slot, secs(30)).await;
    // Kept, and not to be refreshed before the next attempt, or its end.
    assert_eq!(slot.status().state, State::Fresh);
    assert!(slot.status().age.unwrap() > secs(750));
    let (requests, now) = (endpoint.seen().len(), endpoint.began.elapsed());
    client.rotate(ClientAuth::secret("new", "fake")).unwrap();
    settle().await;
    assert_eq!((slot.status().state, slot.status().age), (State::Fresh, Some(secs(0))));
    assert_eq!(endpoint.seen()[requests..], [("new".to_owned(), now)]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_credentials_that_work_costs_no_token_request() {
    let (client, endpoint) = (client("new"), Endpoint::new((401, None)));
    let slot = endpoint.slot(&client);
    let _keep = slot.keep_fresh().unwrap();
    settle().await;
    for _ in 0..10 {
        client.rotate(ClientAuth::secret("new", "other-fake")).unwrap();
        pass(secs(10)).await;
    }
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_callers_flight_that_completes_wakes_the_refreshing_task() {
    let source = script([Step::permanent().retry_after(secs(300)), Step::token(secs(100))]);
    let slot = builder(&source).refresh_jitter(0.0).build();
    let _keep = slot.keep_fresh().unwrap();
    pass(secs(5)).await;
    // This source says nothing of its own accord, but a caller sees the change.
    source.rotate();
    assert_eq!(secret(&slot).await, "secret-2");
    pass(secs(75)).await;
    assert_eq!(source.times(), [secs(0), secs(5), secs(80)]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_ends_the_wait_for_retry_after_within_a_flight() {
    let (client, endpoint) = (client("old"), Endpoint::new((503, Some(20))));
    let slot = endpoint.slot(&client);
    let waiter = caller(&slot);
    pass(secs(3)).await;
    client.rotate(ClientAuth::secret("new", "fake")).unwrap();
    assert_eq!(waiter.await.unwrap().unwrap(), "abc");
    let requests = [("old".to_owned(), secs(0)), ("new".to_owned(), secs(3))];
    assert_eq!(endpoint.seen(), requests);
    assert_eq!((slot.status().flights, slot.status().failures), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rotation_to_credentials_that_fail_as_well_leaves_retry_after_in_force() {
    let (client, endpoint) = (client("old"), Endpoint::new((503, Some(10))));
    let slot = endpoint.slot(&client);
    let waiter = caller(&slot);
    pass(secs(3)).await;
    client.rotate(ClientAuth::secret("third", "fake")).unwrap();
    pass(secs(9)).await;
    assert_eq!(endpoint.seen().len(), 2);
    *endpoint.knows.lock().unwrap() = "third";
    assert_eq!(waiter.await.unwrap().unwrap(), "abc");
    let times: Vec<_> = endpoint.seen().into_iter().map(|(_, at)| at).collect();
    assert_eq!(times, [secs(0), secs(3), secs(13)]);
}

/// Fails forever; its epoch is set by the test. What it says of changes is its kind's.
struct Source {
    kind: Kind,
    epoch: AtomicU64,
    fetches: Mutex<Vec<Instant>>,
    listened: AtomicUsize,
    retry_after: Duration,
    transient: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Says nothing: it has only the number.
    Silent,
    /// Says at once that they changed, although they did not.
    Wrong,
    /// Panics when it is asked to tell.
    Panics,
    /// Panics when it is waited for.
    PanicsLater,
}

impl Source {
    fn new(kind: Kind, transient: bool, retry_after: Duration) -> Arc<Self> {
        let (epoch, fetches, listened) = (AtomicU64::new(0), Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { kind, epoch, fetches, listened, retry_after, transient })
    }

    fn times(&self) -> Vec<Duration> {
        let fetches = self.fetches.lock().unwrap();
        fetches.iter().map(|at| *at - fetches[0]).collect()
    }
}

impl TokenSource for Source {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        self.fetches.lock().unwrap().push(Instant::now());
        if self.epoch.load(SeqCst) > 0 {
            return Ok(Token::bearer("abc")?.expires_in(HOUR));
        }
        let error = if self.transient { Error::transient("no") } else { Error::permanent("no") };
        Err(error.with_retry_after(self.retry_after))
    }

    fn credentials_epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    fn credentials_changed(&self, _: u64) -> impl Future<Output = ()> + Send {
        assert!(self.listened.fetch_add(1, SeqCst) < 100, "it spins");
        assert!(self.kind != Kind::Panics, "when it is asked");
        async {
            match self.kind {
                Kind::Silent => std::future::pending().await,
                Kind::Wrong => {}
                Kind::Panics | Kind::PanicsLater => panic!("when it is waited for"),
            }
        }
    }
}

const KINDS: [Kind; 4] = [Kind::Silent, Kind::Wrong, Kind::Panics, Kind::PanicsLater];

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_report_changes_is_checked_every_minute() {
    for kind in KINDS {
        let source = Source::new(kind, false, secs(300));
        let slot = TokenSlot::builder(source.clone()).clock(TokioClock::new()).build();
        let _keep = slot.keep_fresh().unwrap();
        pass(secs(10)).await;
        source.epoch.store(1, SeqCst);
        pass(secs(49)).await;
        assert_eq!(source.times(), [secs(0)]);
        pass(secs(1)).await;
        assert_eq!((source.times(), slot.status().state), (vec![secs(0), secs(60)], State::Fresh));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_reports_false_changes_does_not_end_the_wait_within_a_flight() {
    for kind in KINDS {
        let source = Source::new(kind, true, secs(4));
        let slot = TokenSlot::builder(source.clone()).clock(TokioClock::new()).build();
        let waiter = caller(&slot);
        pass(secs(6)).await;
        source.epoch.store(1, SeqCst);
        assert_eq!(waiter.await.unwrap().unwrap(), "abc");
        assert_eq!(source.times(), [secs(0), secs(4), secs(8)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_says_of_changes_is_never_missed_and_never_wrong() {
    let client = client("first");
    let mut waits = tokio_test::task::spawn(client.changed(0));
    assert!(waits.poll().is_pending());
    // Asked for before the change and not polled until after it; and another epoch from the start.
    let mut asked = tokio_test::task::spawn(client.changed(0));
    client.clone().rotate(ClientAuth::secret("", "fake")).unwrap_err();
    assert!(!waits.is_woken());
    client.rotate(ClientAuth::secret("second", "fake")).unwrap();
    assert!(waits.is_woken() && waits.poll().is_ready());
    assert!(asked.poll().is_ready());
    assert!(tokio_test::task::spawn(client.changed(0)).poll().is_ready());
    assert!(tokio_test::task::spawn(client.changed(7)).poll().is_ready());
    let mut waits = tokio_test::task::spawn(client.changed(1));
    assert!(waits.poll().is_pending());
    let _added = client.clone().with_fallback(ClientAuth::secret("old", "fake")).unwrap();
    assert!(waits.is_woken() && waits.poll().is_ready());
}

/// Provides wrong credentials, and does what the test says when it goes.
struct Vault {
    client: Arc<Mutex<Option<RotatingClient>>>,
    panics: bool,
}

impl SecretProvider for Vault {
    async fn credentials(&self) -> Result<ClientAuth, Error> {
        Ok(ClientAuth::secret("old", "fake"))
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        let client = self.client.lock().unwrap().take().unwrap();
        assert_eq!((client.epoch(), client.current().id()), (1, "new"));
        assert!(!self.panics, "the provider panics in its drop");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_a_rotation_lets_go_may_use_the_client_or_panic() {
    for panics in [false, true] {
        let handle = Arc::new(Mutex::new(None));
        let client = RotatingClient::provided(Vault { client: handle.clone(), panics });
        *handle.lock().unwrap() = Some(client.clone());
        let endpoint = Endpoint::new((401, None));
        let slot = endpoint.slot(&client);
        let _keep = slot.keep_fresh().unwrap();
        failing_for_long(&slot, secs(20)).await;
        let rotate = || client.rotate(ClientAuth::secret("new", "fake"));
        let rotated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(rotate));
        assert_eq!(rotated.is_err(), panics);
        assert!(handle.lock().unwrap().is_none(), "it is gone");
        settle().await;
        assert_eq!(slot.status().state, State::Fresh);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_source_and_a_grants_source_pass_on_what_the_client_says() {
    let client = client("old");
    let shared = Arc::new(Endpoint::new((401, None)).source(&client));
    let mut waits = tokio_test::task::spawn(shared.credentials_changed(0));
    assert!(waits.poll().is_pending());
    client.rotate(ClientAuth::secret("new", "fake")).unwrap();
    assert!(waits.is_woken() && waits.poll().is_ready());
    // Of one whose credentials never change, nothing is ever heard.
    let fixed = oauth_core::StaticToken::new(Token::bearer("abc").unwrap());
    assert!(tokio_test::task::spawn(fixed.credentials_changed(3)).poll().is_pending());
}

/// A source whose wait for other credentials panics when it is dropped.
#[tokio::test(start_paused = true)]
async fn a_wait_for_other_credentials_that_panics_in_its_drop_does_not_end_the_refreshes() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("dropped"));
        }
    }
    #[derive(Default)]
    struct Source(AtomicU64);
    impl TokenSource for Source {
        async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
            match self.0.fetch_add(1, SeqCst) {
                0 => Err(Error::permanent("no")),
                _ => Ok(Token::bearer("abc")?.expires_in(secs(1000))),
            }
        }
        async fn credentials_changed(&self, _: u64) {
            let _bomb = Bomb;
            std::future::pending().await
        }
    }
    let slot = TokenSlot::builder(Source::default()).clock(TokioClock::new()).seed(1).build();
    let _keep_fresh = slot.keep_fresh().unwrap();
    pass(secs(3)).await;
    assert_eq!((slot.status().state, slot.status().flights), (State::Fresh, 2));
}
