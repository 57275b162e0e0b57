//! Every size of body and every moment of a 401, over HTTP/1.1 and HTTP/2, with exact expectations.
//! The server verifies length and SHA-256; the layer's answer is compared with that of the bare client.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use oauth_core::{NotReplayed, Outcome, ReplayBody};
use oauth_testkit::ProtectedApi;
use tower::{Layer, ServiceExt};

use crate::scripted::Streamed;
use crate::wire::{Http, World, assert_whole, bytes, client, in_pieces};

const CAP: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// Its length is announced.
    Whole(usize),
    /// In pieces, its length is unknown.
    Pieces(usize),
    /// In pieces, with trailers after them.
    Trailers(usize),
}

const SHAPES: [Shape; 11] = [
    Shape::Whole(0),
    Shape::Whole(1),
    Shape::Whole(CAP),
    Shape::Whole(CAP + 1),
    Shape::Pieces(0),
    Shape::Pieces(1),
    Shape::Pieces(CAP),
    Shape::Pieces(CAP + 1),
    Shape::Pieces(10 * 1024 * 1024),
    Shape::Trailers(1000),
    Shape::Trailers(CAP),
];

impl Shape {
    fn length(self) -> usize {
        match self {
            Shape::Whole(length) | Shape::Pieces(length) | Shape::Trailers(length) => length,
        }
    }

    fn body(self, data: &Bytes) -> Streamed {
        match self {
            Shape::Whole(_) => Full::new(data.clone()).map_err(|e| match e {}).boxed_unsync(),
            Shape::Pieces(_) => in_pieces(data, 7000),
            Shape::Trailers(_) => {
                let mut trailers = HeaderMap::new();
                trailers.insert("x-checksum", HeaderValue::from_static("17"));
                let pieces: Vec<_> = data.chunks(7000).map(|piece| data.slice_ref(piece)).collect();
                let frames = pieces.into_iter().map(Frame::data);
                let frames = frames.chain([Frame::trailers(trailers)]).map(Ok::<_, Infallible>);
                let frames = frames.collect::<Vec<_>>();
                StreamBody::new(stream::iter(frames)).map_err(|e| match e {}).boxed_unsync()
            }
        }
    }

    /// With its trailers it must fit under the cap.
    fn fits(self) -> bool {
        match self {
            Shape::Whole(length) | Shape::Pieces(length) => length <= CAP,
            Shape::Trailers(length) => length < CAP,
        }
    }
}

async fn after_the_whole_body(http: Http, shape: Shape) {
    let world = World::new().await;
    world.auth.revoke_all();
    let data = bytes(shape.length());
    let service = world.layer().layer(client::<ReplayBody<Streamed>>(http));
    let response = service.oneshot(world.post(shape.body(&data))).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    if shape.fits() {
        assert!(matches!(outcome, Outcome::Replayed), "{http:?} {shape:?}: {outcome:?}");
        assert_whole(&response, &data);
        assert_eq!((world.api.requests(), world.auth.token_requests()), (2, 2));
    } else {
        let reason = NotReplayed::BodyTooLarge;
        assert!(matches!(outcome, Outcome::NotReplayed(r) if r == reason), "{http:?} {shape:?}");
        assert_is_the_401_of_the_bare_client(http, shape, &world.api, response).await;
    }
}

/// What is delivered is what the bare client gets.
async fn assert_is_the_401_of_the_bare_client(
    http: Http,
    shape: Shape,
    api: &ProtectedApi,
    response: Response<Incoming>,
) {
    let request = http::Request::post(api.url("/things"))
        .header("authorization", "Bearer revoked")
        .body(shape.body(&bytes(shape.length())))
        .unwrap();
    let bare = client::<Streamed>(http).request(request).await.unwrap();
    assert_eq!((response.status(), response.version()), (bare.status(), bare.version()));
    let without_date = |response: &Response<Incoming>| {
        let mut headers = response.headers().clone();
        headers.remove("date");
        headers
    };
    assert_eq!(without_date(&response), without_date(&bare));
    let ours = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(ours, bare.into_body().collect().await.unwrap().to_bytes());
}

/// The answer comes before or while the body is sent: whichever it is, what fits is replayed whole,
/// and over HTTP/2 so is what does not fit but was not pulled yet.
async fn early(http: Http, shape: Shape) {
    let world = World::new().await;
    world.auth.revoke_all();
    world.api.answer_early(true);
    let data = bytes(shape.length());
    let service = world.layer().layer(client::<ReplayBody<Streamed>>(http));
    let answer = service.oneshot(world.post(shape.body(&data))).await;
    let name = format!("{http:?} {shape:?}");
    let response = match answer {
        Ok(response) => response,
        // A server that closes while the upload runs: so it is without the layer.
        Err(error) => {
            assert!(http == Http::One && !shape.fits(), "{name}: {error:?}");
            return;
        }
    };
    match Outcome::of(response.extensions()) {
        Outcome::Replayed => assert_whole(&response, &data),
        Outcome::NotReplayed(NotReplayed::BodyTooLarge) => {
            assert!(!shape.fits(), "{name}");
            assert_eq!(response.status(), 401, "{name}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(!body.is_empty(), "{name}");
        }
        other => panic!("{name}: {other:?}"),
    }
    assert!(world.api.requests() <= 2);
}

#[tokio::test]
async fn over_h1_a_401_after_the_body_is_replayed_up_to_the_cap() {
    for shape in SHAPES {
        after_the_whole_body(Http::One, shape).await;
    }
}

#[tokio::test]
async fn over_h2_a_401_after_the_body_is_replayed_up_to_the_cap() {
    for shape in SHAPES {
        after_the_whole_body(Http::Two, shape).await;
    }
}

#[tokio::test]
async fn over_h1_a_401_before_or_during_the_body_is_replayed_whole_or_not_at_all() {
    for shape in SHAPES {
        early(Http::One, shape).await;
    }
}

#[tokio::test]
async fn over_h2_a_401_before_or_during_the_body_is_replayed_whole_or_not_at_all() {
    for shape in SHAPES {
        early(Http::Two, shape).await;
    }
}
