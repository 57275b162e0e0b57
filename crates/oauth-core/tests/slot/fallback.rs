//! Two credentials during a roll-out.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use oauth_core::clock::TokioClock;
use oauth_core::{ClientAuth, ClientCredentials, GrantSource, RotatingClient, TokenSlot};

use crate::script::*;

const DENIED: &str = r#"{"error":"invalid_client"}"#;

/// A token endpoint that takes these client ids; and the ids that it saw.
struct Endpoint {
    takes: Mutex<Vec<&'static str>>,
    down: Mutex<Option<&'static str>>,
    seen: Mutex<Vec<String>>,
    delay: Duration,
}

impl Endpoint {
    fn new(takes: &[&'static str], delay: Duration) -> Arc<Self> {
        let takes = Mutex::new(takes.to_vec());
        Arc::new(Self { takes, down: Mutex::default(), seen: Mutex::default(), delay })
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        tokio::time::sleep(self.delay).await;
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let id = text.split('&').find_map(|pair| pair.strip_prefix("client_id=")).unwrap();
        self.seen.lock().unwrap().push(id.to_owned());
        let (status, body) = if *self.down.lock().unwrap() == Some(id) {
            (503, String::new())
        } else if self.takes.lock().unwrap().contains(&id) {
            let token = r#"{"access_token":"for-ID","token_type":"Bearer","expires_in":100}"#;
            (200, token.replace("ID", id))
        } else {
            (401, DENIED.to_owned())
        };
        let response =
            Response::builder().status(status).header("content-type", "application/json");
        response.body(Full::from(body)).unwrap()
    }
}

fn slot_of(client: &RotatingClient, endpoint: &Arc<Endpoint>) -> TokenSlot {
    let grant = ClientCredentials::builder(client.clone())
        .token_url("https://auth.example.com/token")
        .api_url("https://api.example.com")
        .build()
        .unwrap();
    let endpoint = endpoint.clone();
    let transport = tower::service_fn(move |request| {
        let endpoint = endpoint.clone();
        async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
    });
    TokenSlot::builder(GrantSource::new(grant, transport)).clock(TokioClock::new()).seed(7).build()
}

fn two_pairs() -> RotatingClient {
    RotatingClient::new(ClientAuth::secret("new", "s1"))
        .with_fallback(ClientAuth::secret("old", "s2"))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_make_the_fallback_be_tried_once_in_the_same_fetch() {
    let endpoint = Endpoint::new(&["old"], secs(0));
    let slot = slot_of(&two_pairs(), &endpoint);
    assert_eq!(secret(&slot).await, "for-old");
    assert_eq!(endpoint.seen(), ["new", "old"]);
    assert_eq!((slot.status().flights, slot.status().failures), (1, 0));
    // Once the roll-out has arrived, the first credentials are enough.
    endpoint.takes.lock().unwrap().push("new");
    pass(secs(200)).await;
    assert_eq!(secret(&slot).await, "for-new");
    assert_eq!(endpoint.seen(), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn other_failures_do_not_try_the_fallback() {
    let endpoint = Endpoint::new(&["old"], secs(0));
    *endpoint.down.lock().unwrap() = Some("new");
    let slot = slot_of(&two_pairs(), &endpoint);
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.is_transient() && !error.is_bad_credentials(), "{error}");
    assert_eq!(endpoint.seen(), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn with_two_bad_credentials_an_hour_costs_at_most_140_token_requests() {
    let endpoint = Endpoint::new(&[], secs(0));
    let slot = slot_of(&two_pairs(), &endpoint);
    let ends = tokio::time::Instant::now() + HOUR;
    while tokio::time::Instant::now() < ends {
        let error = slot.token().await.unwrap_err();
        assert!(error.is_bad_credentials(), "{error}");
        tokio::time::sleep(ms(10)).await;
    }
    let requests = endpoint.seen().len();
    println!("permanent hour, two pairs: {requests} token requests");
    assert!((100..=140).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_of_the_other_credentials_is_the_one_that_counts() {
    let endpoint = Endpoint::new(&[], secs(0));
    *endpoint.down.lock().unwrap() = Some("old");
    let slot = slot_of(&two_pairs(), &endpoint);
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(endpoint.seen(), ["new", "old"]);
}

#[tokio::test(start_paused = true)]
async fn both_credentials_share_one_time_limit() {
    let endpoint = Endpoint::new(&["old"], secs(6));
    let slot = slot_of(&two_pairs(), &endpoint);
    let before = tokio::time::Instant::now();
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(before.elapsed(), ms(9_500));
}

#[tokio::test(start_paused = true)]
async fn a_rotation_ends_the_roll_out_and_a_fallback_clears_the_remembered_failure() {
    let endpoint = Endpoint::new(&["old"], secs(0));
    let client = RotatingClient::new(ClientAuth::secret("new", "s1"));
    let slot = slot_of(&client, &endpoint);
    slot.token().await.unwrap_err();
    let client = client.with_fallback(ClientAuth::secret("old", "s2")).unwrap();
    assert_eq!(secret(&slot).await, "for-old");
    assert_eq!(endpoint.seen(), ["new", "new", "old"]);
    assert!(!format!("{client:?}").contains("s2"));
    client.rotate(ClientAuth::secret("third", "s3")).unwrap();
    pass(secs(200)).await;
    slot.token().await.unwrap_err();
    assert_eq!(endpoint.seen(), ["third"]);
    let bad = RotatingClient::new(ClientAuth::secret("a", "b"));
    assert!(bad.with_fallback(ClientAuth::secret("", "b")).is_err());
}
