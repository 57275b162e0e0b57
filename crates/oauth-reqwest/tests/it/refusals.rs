//! The body of a 401: delivered whole where it stands, dropped without waiting where it is replaced.

use oauth_core::Outcome;
use oauth_testkit::Fault;
use reqwest::Body;

use crate::world::{World, assert_whole, bytes, h2, is_replayed, outcome, plain, with};
use oauth_adapter_tests::gated::Gated;
use oauth_adapter_tests::matrix_table::opened_by_the_second_send;

/// More than every window and buffer on the way.
const LARGE: usize = 4 * 1024 * 1024;

fn refusal() -> Fault {
    Fault::status(401).body(vec![b'x'; LARGE])
}

/// The upload stands in its middle when the 401 comes, and goes on when the caller has read the 401.
async fn an_early_401_and_no_new_token(builder: reqwest::ClientBuilder) {
    let world = World::new().await;
    world.refuse_tokens();
    world.api.respond_after(5000);
    world.api.inject(refusal());
    let client = with(builder, world.middleware());
    let (body, gate) = Gated::new(bytes(10_000)).gated(5000);
    let response = world.post(&client, Body::wrap(body)).send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RefreshFailed(_)));
    assert_eq!(response.status(), 401);
    assert_eq!(response.bytes().await.unwrap(), vec![b'x'; LARGE]);
    // Not earlier: over HTTP/1.1 the server closes, and what the upload still sends meets a reset that
    // may take the rest of the response along, as it does without us.
    drop(gate);
    assert_eq!(world.counts(), (1, 1, 2));
}

#[tokio::test]
async fn over_h1_a_large_early_401_is_readable_whole_when_the_refresh_fails() {
    an_early_401_and_no_new_token(plain()).await;
}

#[tokio::test]
async fn over_h2_a_large_early_401_is_readable_whole_when_the_refresh_fails() {
    an_early_401_and_no_new_token(h2()).await;
}

/// Returns how many connections it took.
async fn an_early_401_whose_rest_never_comes(builder: reqwest::ClientBuilder) -> u64 {
    let world = World::new().await;
    world.api.respond_after(5000);
    world.api.inject(refusal().stalls_after(70_000));
    let client = with(builder, world.middleware());
    let (body, gate) = Gated::new(bytes(10_000)).gated(5000);
    let call = world.post(&client, Body::wrap(body)).send();
    let response = opened_by_the_second_send(&world.api, Some(gate), call).await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &bytes(10_000));
    assert_eq!(world.counts(), (2, 1, 2));
    world.api.connections()
}

#[tokio::test]
async fn nothing_waits_for_the_rest_of_a_401_that_is_replaced() {
    assert_eq!(an_early_401_whose_rest_never_comes(plain()).await, 2);
    assert_eq!(an_early_401_whose_rest_never_comes(h2()).await, 1);
}

#[tokio::test]
async fn over_h1_the_second_send_reuses_the_connection_of_a_small_401() {
    for (length, connections) in [(0, 1), (1, 1), (512, 1), (4096, 1), (2 * LARGE, 2)] {
        let world = World::new().await;
        world.api.inject(Fault::status(401).body(vec![b'x'; length]));
        let response = world.post(&world.client(), "hello").send().await.unwrap();
        assert!(is_replayed(&response));
        assert_whole(&response, b"hello");
        assert_eq!(world.api.connections(), connections, "a 401 of {length} bytes");
    }
}
