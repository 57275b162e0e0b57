//! What reqwest adds below the middleware, which cannot see it: documented, and held here.

use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use oauth_core::Outcome;

use crate::world::{World, outcome, plain, with};

#[tokio::test]
async fn a_default_host_goes_out_beside_the_token_and_is_recorded_as_attached() {
    let world = World::new().await;
    let defaults = HeaderMap::from_iter([(HOST, HeaderValue::from_static("evil.test"))]);
    let client = with(plain().default_headers(defaults), world.middleware());
    let response = world.post(&client, "x").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::Attached));
    assert_eq!(world.api.last_request().unwrap().header("host"), Some("evil.test"));
    assert_eq!(world.api.tokens_seen(), 1);
}

#[tokio::test]
async fn a_default_authorization_gives_way_to_the_token() {
    let world = World::new().await;
    let defaults = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Basic abc"))]);
    let client = with(plain().default_headers(defaults), world.middleware());
    let response = world.post(&client, "x").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::Attached));
    assert_eq!((response.status().as_u16(), world.api.tokens_seen()), (200, 1));
}
