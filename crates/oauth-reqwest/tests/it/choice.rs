//! What one request says about its own replay, before what the middleware is set to.

use oauth_core::{NotReplayed, Outcome, ReplayChoice};
use oauth_reqwest::{Buffered, NoReplay, Strategy};
use reqwest::Body;

use crate::world::{World, assert_whole, bytes, in_pieces, outcome};

async fn refused(
    strategy: impl Into<Strategy>,
    choice: ReplayChoice,
    body: impl Into<Body>,
) -> (World, reqwest::Response) {
    let world = World::revoked().await;
    let client = world.client_with(world.middleware().replay(strategy));
    let request = world.post(&client, body).with_extension(choice);
    let response = request.send().await.unwrap();
    (world, response)
}

#[tokio::test]
async fn a_request_that_chose_no_replay_is_sent_once() {
    let data = bytes(1000);
    for body in [Body::from(data.clone()), in_pieces(&data, 100)] {
        let (world, response) = refused(Buffered::new(), ReplayChoice::Off, body).await;
        assert_eq!(response.status(), 401);
        assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Off)));
        assert_eq!(world.api.requests(), 1);
    }
}

#[tokio::test]
async fn a_request_chooses_a_cap_of_its_own() {
    let data = bytes(1000);
    for (strategy, chosen, replayed) in [
        (Buffered::new().cap(999).into(), 1000, true),
        (Buffered::new().cap(1000).into(), 999, false),
        (Strategy::from(NoReplay), 1000, true),
    ] {
        let choice = ReplayChoice::UpTo(chosen);
        let (world, response) = refused(strategy, choice, in_pieces(&data, 100)).await;
        if replayed {
            assert_whole(&response, &data);
            assert_eq!(world.counts(), (2, 1, 2));
        } else {
            assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::BodyTooLarge)));
            assert_eq!(world.api.requests(), 1);
        }
    }
}

#[tokio::test]
async fn the_choice_is_for_one_request() {
    let world = World::revoked().await;
    let client = world.client();
    let first = world.post(&client, "x").with_extension(ReplayChoice::Off).send().await.unwrap();
    assert_eq!(first.status(), 401);
    world.slot.token().await.unwrap();
    world.auth.revoke_all();
    let second = world.post(&client, "x").send().await.unwrap();
    assert_whole(&second, b"x");
}
