//! A layer around a tonic channel, with a tonic server at its other end.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use oauth_core::{ReplayBody, ReplayChoice, Verdict};
use oauth_tower::{Buffered, CloneBody, OAuthLayer};
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, ServiceExt};

use crate::grpc_world::{Moment, World, say, unary, watch};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

#[tokio::test]
async fn a_unary_call_refused_with_nothing_but_a_status_is_made_once_more() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let mut client = world.client(world.layer(issuer.ready_slot().await).grpc());
    world.refuse("t1", Moment::Before);

    assert_eq!(unary(&mut client, say("hello")).await.unwrap(), "hello");
    assert_eq!(unary(&mut client, say("again")).await.unwrap(), "again");

    assert_eq!(world.tokens(), ["t1", "t2", "t2"]);
    assert_eq!(world.outcomes(), ["Replayed", "Attached"]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_second_refusal_is_delivered() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let mut client = world.client(world.layer(issuer.ready_slot().await).grpc());
    world.refuse("t1", Moment::Before);
    world.refuse("t2", Moment::Before);

    let status = unary(&mut client, say("hello")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "that token no longer"));
    assert_eq!(world.tokens(), ["t1", "t2"]);
    assert_eq!(world.outcomes(), ["Replayed"]);
}

#[tokio::test]
async fn when_the_token_cannot_be_refreshed_the_first_status_is_delivered() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let mut client = world.client(world.layer(issuer.ready_slot().await).grpc());
    world.refuse("t1", Moment::Before);
    issuer.fail();

    let status = unary(&mut client, say("hello")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "that token no longer"));
    assert_eq!(world.tokens(), ["t1"]);
    let outcomes = world.outcomes();
    assert_eq!(outcomes.len(), 1);
    assert!(outcomes[0].starts_with("RefreshFailed"), "{outcomes:?}");
}

#[tokio::test]
async fn a_status_in_real_trailers_refreshes_the_token_and_sends_nothing_again() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let mut client = world.client(world.layer(issuer.ready_slot().await).grpc());
    world.refuse("t1", Moment::Before);

    let mut answer = watch(&mut client).await.unwrap();
    assert_eq!(answer.message().await.unwrap().unwrap(), "first");
    assert_eq!(issuer.requests(), 1, "nothing is known yet");
    assert_eq!(answer.message().await.unwrap_err().code(), Code::Unauthenticated);
    settle().await;
    assert_eq!(world.tokens(), ["t1"]);
    assert_eq!(issuer.requests(), 2);

    let mut answer = watch(&mut client).await.unwrap();
    assert_eq!(answer.message().await.unwrap().unwrap(), "first");
    assert_eq!(answer.message().await.unwrap(), None);
    assert_eq!(world.tokens(), ["t1", "t2"]);
    assert_eq!(world.outcomes(), ["Attached", "Attached"]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_call_that_chose_no_replay_gets_its_refusal_and_refreshes_the_token() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let mut client = world.client(world.layer(issuer.ready_slot().await).grpc());
    world.refuse("t1", Moment::Before);

    let mut request = say("once");
    request.extensions_mut().insert(ReplayChoice::Off);
    let status = unary(&mut client, request).await.unwrap_err();
    settle().await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(world.outcomes(), ["NotReplayed(Off)"]);
    assert_eq!(world.tokens(), ["t1"]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn without_the_opt_in_a_grpc_status_says_nothing_about_the_token() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let mut client = world.client(world.layer(issuer.ready_slot().await));
    world.refuse("t1", Moment::Before);

    let status = unary(&mut client, say("hello")).await.unwrap_err();
    settle().await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(world.outcomes(), ["Attached"]);
    assert_eq!(world.tokens(), ["t1"]);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_channel_whose_origin_is_not_named_is_an_error_that_says_what_to_do() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let layer = OAuthLayer::new(issuer.ready_slot().await)
        .replay(Buffered::into_body(Body::new as fn(ReplayBody<Body>) -> Body));
    let mut client = world.client(layer.grpc());

    let status = unary(&mut client, say("hello")).await.unwrap_err();
    let error = oauth_tower::token_error(&status).expect("ours").to_string();
    assert!(error.contains("`.inner_origin(..)`"), "{error}");
    assert_eq!(world.tokens(), [""; 0]);
}

/// A response whose trailers say `UNAUTHENTICATED`, with this HTTP status, from that place: how many
/// token requests there were.
async fn refused_in_trailers(
    change: fn(GrpcSettings) -> GrpcSettings,
    status: u16,
    fields: &'static [(&'static str, &'static str)],
    from: &'static str,
) -> u64 {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let answers = tower::service_fn(move |_: http::Request<Full<Bytes>>| async move {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("16"));
        for (name, value) in fields {
            trailers.insert(*name, HeaderValue::from_static(value));
        }
        let frames = [Frame::data(Bytes::from_static(b"x")), Frame::trailers(trailers)];
        let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
        let mut response = http::Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response.extensions_mut().insert(Uri::from_static(from));
        Ok::<_, Infallible>(response)
    });
    let layer = change(OAuthLayer::new(slot.clone()).replay(CloneBody)).grpc();
    let request = http::Request::post(format!("{API}/test.Uploads/Echo"));
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let response = layer.layer(answers).oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    settle().await;
    issuer.requests()
}

type GrpcSettings = OAuthLayer<CloneBody>;

#[tokio::test(start_paused = true)]
async fn trailers_are_judged_by_the_rules_of_heads() {
    let as_it_comes = |layer| layer;
    let here = "https://api.test/test.Uploads/Echo";
    assert_eq!(refused_in_trailers(as_it_comes, 200, &[], here).await, 2);

    let scope = &[("www-authenticate", "Bearer error=\"insufficient_scope\"")];
    assert_eq!(refused_in_trailers(as_it_comes, 200, scope, here).await, 1, "another fault");
    assert_eq!(refused_in_trailers(as_it_comes, 503, &[], here).await, 1, "no gRPC answer");

    let never = |layer: GrpcSettings| layer.verdict(|_, _| Verdict::Deliver);
    assert_eq!(refused_in_trailers(never, 200, &[], here).await, 1, "overruled");

    let told = |layer: GrpcSettings| layer.response_uri(|extensions| extensions.get());
    assert_eq!(refused_in_trailers(told, 200, &[], here).await, 2);
    assert_eq!(refused_in_trailers(told, 200, &[], "https://evil.test/").await, 1, "elsewhere");
}
