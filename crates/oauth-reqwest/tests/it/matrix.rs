//! Every size of body and both moments of a 401, over HTTP/1.1 and HTTP/2, with exact expectations.

use oauth_core::{NotReplayed, Outcome};
use reqwest::Body;

use crate::world::{World, assert_whole, bytes, h2, in_pieces, outcome, plain, with};

const CAP: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
enum Shape {
    Bytes(usize),
    Stream(usize),
}

const SHAPES: [Shape; 10] = [
    Shape::Bytes(0),
    Shape::Bytes(1),
    Shape::Bytes(CAP),
    Shape::Bytes(CAP + 1),
    Shape::Bytes(10 * 1024 * 1024),
    Shape::Stream(0),
    Shape::Stream(1),
    Shape::Stream(CAP),
    Shape::Stream(CAP + 1),
    Shape::Stream(10 * 1024 * 1024),
];

impl Shape {
    fn data(self) -> bytes::Bytes {
        match self {
            Shape::Bytes(length) | Shape::Stream(length) => bytes(length),
        }
    }

    fn body(self) -> Body {
        match self {
            Shape::Bytes(_) => self.data().into(),
            Shape::Stream(_) => in_pieces(&self.data(), 7000),
        }
    }

    fn fits(self) -> bool {
        match self {
            Shape::Bytes(_) => true,
            Shape::Stream(length) => length <= CAP,
        }
    }
}

async fn after_the_body(builder: fn() -> reqwest::ClientBuilder) {
    for shape in SHAPES {
        let world = World::revoked().await;
        let client = with(builder(), world.middleware());
        let response = world.post(&client, shape.body()).send().await.unwrap();
        let outcome = outcome(&response);
        if shape.fits() {
            assert!(matches!(outcome, Outcome::Replayed), "{shape:?}: {outcome:?}");
            assert_whole(&response, &shape.data());
            assert_eq!(world.counts(), (2, 1, 2), "{shape:?}");
            continue;
        }
        assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::BodyTooLarge)), "{shape:?}");
        // What is delivered is what the bare client gets.
        let bare = builder().build().unwrap();
        let bare = bare.post(world.api.url("/things")).bearer_auth("revoked").body(shape.body());
        let bare = bare.send().await.unwrap();
        assert_eq!((response.status(), response.version()), (bare.status(), bare.version()));
        assert_eq!(response.text().await.unwrap(), bare.text().await.unwrap());
    }
}

#[tokio::test]
async fn over_h1_a_401_after_the_body_is_replayed_up_to_the_cap_of_streams() {
    after_the_body(plain).await;
}

#[tokio::test]
async fn over_h2_a_401_after_the_body_is_replayed_up_to_the_cap_of_streams() {
    after_the_body(h2).await;
}

#[tokio::test]
async fn over_h2_a_401_before_or_during_the_body_is_replayed_whole_or_not_at_all() {
    for shape in SHAPES {
        let world = World::revoked().await;
        world.api.answer_early(true);
        let client = with(h2(), world.middleware());
        let response = world.post(&client, shape.body()).send().await.unwrap();
        match outcome(&response) {
            Outcome::Replayed => assert_whole(&response, &shape.data()),
            Outcome::NotReplayed(NotReplayed::BodyTooLarge) => {
                assert!(!shape.fits(), "{shape:?}");
                assert_eq!(response.status(), 401, "{shape:?}");
                assert!(!response.bytes().await.unwrap().is_empty(), "{shape:?}");
            }
            other => panic!("{shape:?}: {other:?}"),
        }
        assert!(world.api.requests() <= 2, "{shape:?}");
    }
}
