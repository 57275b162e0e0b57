//! Paths that refuse every token, beside one that accepts them.

use std::sync::Arc;

use crate::world::{Adapter, Api, Call, Issuer, Played, World, every, on_paused_time};

use super::{API, HOUR, TOKEN, secs, tell};

/// All tokens are revoked after half an hour.
async fn play(adapter: Adapter, bad: Vec<Call>, good: Vec<Call>) -> Played {
    let issuer = Arc::new(Issuer::new(Some(HOUR), TOKEN));
    let known = issuer.clone();
    let revoked = secs(1_800.0);
    let rule = move |token, now, path: &str| {
        let born = known.born(token);
        path == "good" && !(now >= revoked && born < revoked) && now < born + HOUR
    };
    let world = World::shared(&issuer, &Arc::new(Api::new(API, rule)));
    world.play(adapter, [bad, good].concat()).await
}

fn ever_new(calls_a_second: f64) -> Vec<Call> {
    let calls = every(secs(1.0 / calls_a_second), "", secs(0.1), HOUR);
    let named =
        calls.into_iter().enumerate().map(|(n, call)| Call { path: format!("bad/{n}"), ..call });
    named.collect()
}

#[test]
fn one_forbidden_path_costs_70_token_requests_an_hour_at_most_and_the_good_one_nothing() {
    for adapter in Adapter::BOTH {
        let bad = every(secs(1.0), "bad", secs(0.1), HOUR);
        let good = every(secs(1.0), "good", secs(0.5), HOUR);
        let played = on_paused_time(play(adapter, bad, good));
        tell(&format!("one forbidden path, {adapter:?}: {:?}", played.of("good")), &played);
        assert!(played.of("good").failed <= 3, "{:?}", played.of("good"));
        assert!(played.requests <= 70, "{}", played.requests);
    }
}

#[test]
fn ever_new_forbidden_paths_cost_131_token_requests_an_hour_at_most() {
    for adapter in Adapter::BOTH {
        let good = every(secs(1.0), "good", secs(0.5), HOUR);
        let played = on_paused_time(play(adapter, ever_new(1.0), good));
        tell(&format!("ever new forbidden paths, {adapter:?}: {:?}", played.of("good")), &played);
        assert!(played.of("good").failed <= 3, "{:?}", played.of("good"));
        assert!(played.requests <= 131, "{}", played.requests);
    }
    let good = every(secs(0.1), "good", secs(0.05), HOUR);
    let played = on_paused_time(play(Adapter::Tower, ever_new(10.0), good));
    tell(&format!("ten times as many of each: {:?}", played.of("good")), &played);
    assert!(played.of("good").failed <= 30, "{:?}", played.of("good"));
    assert!(played.requests <= 131, "{}", played.requests);
}
