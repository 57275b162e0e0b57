//! The issuer does not say how long its tokens live.

use std::sync::Arc;

use oauth_adapter_tests::{Adapter, Api, Call, Issuer, Played, World, every, on_paused_time};

use crate::{API, HOUR, TOKEN, secs, tell};

async fn play(adapter: Adapter, life: f64, calls: Vec<Call>) -> Played {
    let issuer = Arc::new(Issuer::new(None, TOKEN));
    let known = issuer.clone();
    let rule = move |token, now, _: &str| now < known.born(token) + secs(life);
    let world = World::shared(&issuer, &Arc::new(Api::new(API, rule)));
    world.play(adapter, calls).await
}

fn hour(calls_a_second: f64) -> Vec<Call> {
    every(secs(1.0 / calls_a_second), "a", secs(0.0), HOUR)
}

#[test]
fn no_call_fails_that_can_be_sent_twice_and_a_life_costs_one_token_request() {
    for adapter in Adapter::BOTH {
        for life in [5.0, 10.0, 20.0, 30.0, 45.0, 59.0] {
            let played = on_paused_time(play(adapter, life, hour(1.0)));
            tell(&format!("unknown life of {life} s, 1 a second, {adapter:?}"), &played);
            assert_eq!(played.failed(), 0);
            assert!(played.requests as f64 <= 1.1 * 3_600.0 / life, "{}", played.requests);
        }
    }
    // Neighbours: more callers, and a path of its own for each call.
    let played = on_paused_time(play(Adapter::Tower, 5.0, hour(10.0)));
    tell("unknown life of 5 s, 10 a second", &played);
    assert_eq!(played.failed(), 0);
    let ids = hour(1.0).into_iter().enumerate().map(|(n, call)| Call { path: n.to_string(), ..call });
    let played = on_paused_time(play(Adapter::Reqwest, 5.0, ids.collect()));
    tell("unknown life of 5 s, 1 a second, each with a path of its own", &played);
    assert_eq!(played.failed(), 0);
    assert!(played.requests <= 792, "{}", played.requests);
}

#[test]
fn what_cannot_be_sent_twice_fails_once_a_life() {
    for adapter in Adapter::NO_REPLAY {
        let played = on_paused_time(play(adapter, 5.0, hour(1.0)));
        tell(&format!("unknown life of 5 s, 1 a second, {adapter:?}"), &played);
        assert!((600..=720).contains(&played.failed()), "{}", played.failed());
        assert!(played.requests <= 792, "{}", played.requests);
    }
    let calls = hour(1.0).into_iter().enumerate().map(|(n, call)| Call { once: n % 3 == 0, ..call });
    let played = on_paused_time(play(Adapter::Tower, 5.0, calls.collect()));
    tell("unknown life of 5 s, 1 a second, each third is sent once", &played);
    assert!(played.failed() <= 360, "{}", played.failed());
}
