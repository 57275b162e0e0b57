//! Real connections to a real server on loopback, over HTTP/1.1 and HTTP/2.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Channel, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_core::{ClientAuth, GrantSource, Oleria, Outcome, ReplayBody, TokenSlot};
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
use oauth_tower::{Buffered, Error, OAuth, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::Streamed;
use oauth_adapter_tests::matrix_table::{bytes, sha256};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Http {
    One,
    Two,
}

pub struct World {
    pub auth: AuthServer,
    pub api: ProtectedApi,
    pub slot: TokenSlot,
}

impl World {
    /// Both servers, and a slot that holds a token.
    pub async fn new() -> Self {
        let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
        let api = ProtectedApi::start(&auth).await.unwrap();
        let grant = Oleria::builder(ClientAuth::secret(auth.client_id(), auth.client_secret()))
            .token_url(auth.token_url())
            .api_url(api.base_url())
            .build()
            .unwrap();
        let slot = TokenSlot::new(GrantSource::with_default_transport(grant).unwrap());
        slot.token().await.unwrap();
        assert_eq!(auth.token_requests(), 1);
        Self { auth, api, slot }
    }

    pub fn layer(&self) -> OAuthLayer {
        OAuthLayer::new(self.slot.clone())
    }

    pub fn post<B>(&self, body: B) -> Request<B> {
        Request::post(self.api.url("/things")).body(body).unwrap()
    }
}

pub fn client<B>(http: Http) -> Client<HttpConnector, B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new()).http2_only(http == Http::Two).build_http()
}

/// The same bytes in pieces of unknown number.
pub fn in_pieces(bytes: &Bytes, piece: usize) -> Streamed {
    let bytes = bytes.clone();
    let pieces = (0..bytes.len()).step_by(piece).map(move |at| {
        let end = bytes.len().min(at + piece);
        Ok::<_, Infallible>(Frame::data(bytes.slice(at..end)))
    });
    StreamBody::new(stream::iter(pieces)).map_err(|never| match never {}).boxed_unsync()
}

pub fn whole(bytes: &Bytes) -> Streamed {
    Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync()
}

pub fn assert_whole(response: &Response<Incoming>, sent: &[u8]) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-body-length"], sent.len().to_string());
    assert_eq!(response.headers()["x-body-sha256"], sha256(sent));
}

pub fn is_replayed(response: &Response<Incoming>) -> bool {
    matches!(Outcome::of(response.extensions()), Outcome::Replayed)
}

async fn a_hundred_posts_after_a_revocation(http: Http) {
    let world = World::new().await;
    let service = world.layer().layer(client::<ReplayBody<Streamed>>(http));
    world.auth.revoke_all();
    let sent = bytes(32 * 1024);
    let calls = (0..100).map(|i| {
        let body = if i % 2 == 0 { whole(&sent) } else { in_pieces(&sent, 5000) };
        service.clone().oneshot(world.post(body))
    });
    let mut replayed = 0;
    for response in join_all(calls).await {
        let response = response.unwrap();
        assert_whole(&response, &sent);
        replayed += u64::from(is_replayed(&response));
    }
    assert_eq!(world.auth.token_requests(), 2, "one more than before");
    assert!(replayed >= 1);
    assert_eq!(world.api.refused(), replayed);
    assert_eq!(world.api.requests(), 100 + replayed);
}

#[tokio::test]
async fn over_h1_a_revoked_token_costs_a_hundred_posts_one_token_request() {
    a_hundred_posts_after_a_revocation(Http::One).await;
}

#[tokio::test]
async fn over_h2_a_revoked_token_costs_a_hundred_posts_one_token_request() {
    a_hundred_posts_after_a_revocation(Http::Two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_threads_a_revoked_token_costs_a_hundred_posts_one_token_request() {
    a_hundred_posts_after_a_revocation(Http::Two).await;
}

/// Until the API has had that many requests.
async fn requests_at(api: &ProtectedApi, count: u64) {
    while api.requests() < count {
        tokio::task::yield_now().await;
    }
}

/// The rest of the body comes only when the second send is under way: whoever pulls it sends it.
async fn an_early_401_in_the_middle_of_an_upload(http: Http) {
    let world = World::new().await;
    world.auth.revoke_all();
    world.api.respond_early(true);
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let sent = bytes(4 * 1024 * 1024);
    let layer = world.layer().replay(Buffered::new().cap(8 * 1024 * 1024));
    let service = layer.layer(client::<ReplayBody<Channel<Bytes, Infallible>>>(http));
    let upload = async {
        for (i, piece) in sent.chunks(64 * 1024).enumerate() {
            if i == 1 {
                requests_at(&world.api, 2).await;
            }
            sender.send_data(sent.slice_ref(piece)).await.unwrap();
        }
        drop(sender);
    };
    let call = service.oneshot(world.post(body));
    let (response, ()) = tokio::join!(call, upload);
    let response = response.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
    assert_eq!((world.api.requests(), world.auth.token_requests()), (2, 2));
}

#[tokio::test]
async fn over_h1_an_early_401_lets_the_second_send_carry_the_whole_upload() {
    an_early_401_in_the_middle_of_an_upload(Http::One).await;
}

#[tokio::test]
async fn over_h2_an_early_401_lets_the_second_send_carry_the_whole_upload() {
    an_early_401_in_the_middle_of_an_upload(Http::Two).await;
}

#[tokio::test]
async fn over_h2_an_early_401_to_an_upload_at_full_speed_beyond_the_window_is_replayed_whole() {
    let world = World::new().await;
    world.auth.revoke_all();
    world.api.respond_early(true);
    let sent = bytes(4 * 1024 * 1024);
    let layer = world.layer().replay(Buffered::new().cap(8 * 1024 * 1024));
    let service = layer.layer(client::<ReplayBody<Streamed>>(Http::Two));
    let response = service.oneshot(world.post(in_pieces(&sent, 10_000))).await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
    assert_eq!((world.api.requests(), world.auth.token_requests()), (2, 2));
}

/// The refused upload must go on when the refresh fails, or the 401's own body would never come.
async fn an_early_401_and_no_new_token(http: Http) {
    let world = World::new().await;
    world.auth.revoke_all();
    world.auth.inject(Fault::status(400).body(r#"{"error":"invalid_client"}"#).forever());
    world.api.respond_early(true);
    let service = world.layer().layer(client::<ReplayBody<Streamed>>(http));
    let response = service.oneshot(world.post(whole(&bytes(1024)))).await.unwrap();
    assert_eq!(response.status(), 401);
    let Outcome::RefreshFailed(error) = Outcome::of(response.extensions()) else {
        panic!("{:?}", Outcome::of(response.extensions()));
    };
    assert_eq!(error.code(), Some("invalid_client"));
    let announced = response.headers()["content-length"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len().to_string(), announced);
    assert!(!body.is_empty());
    assert_eq!(world.api.requests(), 1);
}

#[tokio::test]
async fn over_h1_a_failed_refresh_leaves_the_body_of_the_401_readable() {
    an_early_401_and_no_new_token(Http::One).await;
}

#[tokio::test]
async fn over_h2_a_failed_refresh_leaves_the_body_of_the_401_readable() {
    an_early_401_and_no_new_token(Http::Two).await;
}

/// The 401's body is larger than a window and the upload stands in its middle: both must come to
/// their end.
async fn a_large_early_401_and_no_new_token(http: Http) {
    let world = World::new().await;
    world.auth.inject(Fault::status(400).body(r#"{"error":"invalid_client"}"#).forever());
    world.api.respond_early(true);
    let refusal = "x".repeat(4 * 1024 * 1024);
    world.api.inject(Fault::status(401).body(&refusal));
    let layer = world.layer().replay(Buffered::new().cap(8 * 1024 * 1024));
    let service = layer.layer(client::<ReplayBody<Streamed>>(http));
    let response = service.oneshot(world.post(whole(&bytes(10_000)))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::RefreshFailed(_)));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, refusal);
    assert_eq!(world.api.requests(), 1);
}

#[tokio::test]
async fn over_h1_a_large_early_401_is_readable_whole_when_the_refresh_fails() {
    a_large_early_401_and_no_new_token(Http::One).await;
}

#[tokio::test]
async fn over_h2_a_large_early_401_is_readable_whole_when_the_refresh_fails() {
    a_large_early_401_and_no_new_token(Http::Two).await;
}

#[tokio::test]
async fn a_client_typed_for_its_own_body_is_replayed() {
    let world = World::new().await;
    world.auth.revoke_all();
    let layer = world.layer().replay(Buffered::into_body(axum::body::Body::new));
    let service = layer.layer(client::<axum::body::Body>(Http::One));
    let sent = bytes(60_000);
    let body = axum::body::Body::new(in_pieces(&sent, 7000));
    let response = service.oneshot(world.post(body)).await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
}

/// One call after another on one handle.
#[tokio::test]
async fn over_h1_a_length_that_is_known_is_announced_both_times() {
    let world = World::new().await;
    world.auth.revoke_all();
    let mut service: OAuth<_, _> =
        world.layer().layer(client::<ReplayBody<Full<Bytes>>>(Http::One));
    let request = world.post(Full::new(bytes(1000)));
    let response: Result<_, Error> = service.ready().await.unwrap().call(request).await;
    assert_whole(&response.unwrap(), &bytes(1000));
    let announced: Vec<_> = world
        .api
        .request_log()
        .iter()
        .map(|request| request.header("content-length").map(str::to_owned))
        .collect();
    assert_eq!(announced, [Some("1000".to_owned()), Some("1000".to_owned())]);
}
