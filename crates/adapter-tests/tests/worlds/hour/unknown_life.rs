//! The issuer does not say how long its tokens live.

use std::ops::Range;
use std::sync::Arc;

use crate::world::{Adapter, Api, Call, Issuer, Played, World, every, on_paused_time};

use super::{API, HOUR, TOKEN, secs, tell};

async fn play(adapter: Adapter, life: f64, calls: Vec<Call>) -> Played {
    play_with(adapter, life, calls, TOKEN).await
}

async fn play_with(adapter: Adapter, life: f64, calls: Vec<Call>, takes: Range<f64>) -> Played {
    let issuer = Arc::new(Issuer::new(None, takes));
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
    let ids =
        hour(1.0).into_iter().enumerate().map(|(n, call)| Call { path: n.to_string(), ..call });
    let played = on_paused_time(play(Adapter::Reqwest, 5.0, ids.collect()));
    tell("unknown life of 5 s, 1 a second, each with a path of its own", &played);
    assert_eq!(played.failed(), 0);
    assert!(played.requests <= 792, "{}", played.requests);
}

/// The calls that met the dead token before anyone knew fail, and those that come when a refresh has
/// held them for a second.
#[test]
fn what_cannot_be_sent_twice_fails_where_that_could_not_be_known() {
    for adapter in Adapter::NO_REPLAY {
        let played = on_paused_time(play_with(adapter, 5.0, hour(1.0), 0.05..1.0));
        tell(&format!("unknown life of 5 s, 1 a second, {adapter:?}, quick renewals"), &played);
        assert!(played.failed() <= played.requests * 3 / 2, "{}", played.failed());
        assert!(played.requests <= 792, "{}", played.requests);
        let played = on_paused_time(play(adapter, 5.0, hour(1.0)));
        tell(&format!("unknown life of 5 s, 1 a second, {adapter:?}"), &played);
        assert!(played.failed() <= played.requests * 2, "{}", played.failed());
        assert!(played.requests <= 792, "{}", played.requests);
    }
    let calls =
        hour(1.0).into_iter().enumerate().map(|(n, call)| Call { once: n % 3 == 0, ..call });
    let played = on_paused_time(play(Adapter::Tower, 5.0, calls.collect()));
    tell("unknown life of 5 s, 1 a second, each third is sent once", &played);
    assert!(played.failed() <= 360, "{}", played.failed());
}

#[test]
fn where_callers_come_one_after_the_other_each_life_costs_one_call_without_replay() {
    for adapter in Adapter::NO_REPLAY {
        let issuer = Arc::new(Issuer::new(None, 0.0..0.0));
        let known = issuer.clone();
        // The fifth call after a refresh is too late.
        let rule = move |token, now, _: &str| now < known.born(token) + secs(4.9);
        let played = on_paused_time(async {
            let world = World::shared(&issuer, &Arc::new(Api::new(0.0..0.0, rule)));
            world.play(adapter, hour(1.0)).await
        });
        tell(&format!("the same, one after the other, {adapter:?}"), &played);
        assert_eq!((played.failed(), played.requests), (719, 720));
    }
}
