//! What reqwest is told of a request's time limit: its own timer ends both sends, each with what is left.

use std::time::Duration;

use oauth_core::{Deadline, NoToken};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};

use crate::world::{Below, World, h2, is_replayed, plain};

type Limits = Below<Option<Duration>>;

fn client(world: &World, builder: reqwest::ClientBuilder) -> (ClientWithMiddleware, Limits) {
    let limits = Limits::new(|request, _| request.timeout().copied());
    let client = ClientBuilder::new(builder.build().unwrap()).with(world.middleware());
    (client.with(limits.clone()).build(), limits)
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn both_sends_have_what_is_left_of_the_shorter_limit() {
    let ways: [fn(RequestBuilder) -> RequestBuilder; 4] = [
        |request| request.timeout(MINUTE),
        |request| request.with_extension(Deadline::within(MINUTE)),
        |request| request.timeout(2 * MINUTE).with_extension(Deadline::within(MINUTE)),
        |request| request.timeout(MINUTE).with_extension(Deadline::within(2 * MINUTE)),
    ];
    for way in ways {
        for builder in [plain, h2] {
            let world = World::revoked().await;
            let (client, limits) = client(&world, builder());
            let response = way(world.post(&client, "x")).send().await.unwrap();
            assert!(is_replayed(&response));
            let noted = limits.noted();
            let [Some(first), Some(second)] = noted[..] else { panic!("{noted:?}") };
            assert!(second < first && first <= MINUTE, "{noted:?}");
            assert!(second > MINUTE / 2, "{noted:?}");
        }
    }
}

#[tokio::test]
async fn a_request_without_a_token_has_its_deadline_and_one_without_a_limit_has_none() {
    let world = World::new().await;
    let (client, limits) = client(&world, plain());
    let bare = world.post(&client, "x").with_extension(NoToken);
    bare.with_extension(Deadline::within(MINUTE)).send().await.unwrap();
    let noted = limits.noted();
    assert!(noted[0].is_some_and(|limit| limit <= MINUTE), "{noted:?}");
    world.post(&client, "x").with_extension(NoToken).send().await.unwrap();
    world.auth.revoke_all();
    assert!(is_replayed(&world.post(&client, "x").send().await.unwrap()));
    assert_eq!(limits.noted(), [None; 3]);
}

/// Nothing of the request's headers says it.
#[tokio::test]
async fn a_deadline_adds_no_header() {
    let world = World::new().await;
    let names = |request: &reqwest::Request, _: &http::Extensions| {
        request.headers().keys().map(ToString::to_string).collect::<Vec<_>>()
    };
    let below = Below::new(names);
    let client = ClientBuilder::new(plain().build().unwrap()).with(world.middleware());
    let client = client.with(below.clone()).build();
    world.post(&client, "x").send().await.unwrap();
    world.post(&client, "x").timeout(MINUTE).send().await.unwrap();
    let noted = below.noted();
    assert_eq!(noted[0], noted[1]);
}
