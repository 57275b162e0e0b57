//! The API learns of a new token late: its keys are cached, or its nodes have a replica each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::world::{Adapter, Api, Call, Issuer, Played, World, every, on_paused_time};

use super::{API, HOUR, TOKEN, secs, tell};

async fn play(adapter: Adapter, lag: f64, life: f64, calls: Vec<Call>) -> Played {
    let issuer = Arc::new(Issuer::new(Some(secs(life)), TOKEN));
    let known = issuer.clone();
    let rule = move |token, now, path: &str| {
        let born = known.born(token);
        let knows = token == 1 || born + secs(lag) <= now;
        path == "public" || (path != "bad" && knows && now < born + secs(life))
    };
    let world = World::shared(&issuer, &Arc::new(Api::new(API, rule)));
    world.play(adapter, calls).await
}

fn base() -> Vec<Call> {
    every(secs(0.1), "a", secs(10.0), HOUR)
}

/// One for the first token, and one for each refresh by age.
fn renewals(life: f64) -> usize {
    (3_600.0 / (life * 0.725)) as usize + 2
}

const LAGS: [(f64, f64); 3] = [(0.3, 300.0), (2.0, 300.0), (30.0, 3_600.0)];

#[test]
fn no_call_fails_while_the_older_token_is_good_and_no_token_request_is_made_for_it() {
    for adapter in Adapter::BOTH {
        for (lag, life) in LAGS {
            let played = on_paused_time(play(adapter, lag, life, base()));
            tell(&format!("tokens known {lag} s late, life {life} s, {adapter:?}"), &played);
            assert_eq!(played.failed(), 0);
            assert!(played.requests <= renewals(life), "{}", played.requests);
        }
    }
}

#[test]
fn a_public_path_that_accepts_every_token_misleads_few_calls() {
    for (lag, life) in LAGS {
        let public = every(secs(1.0), "public", secs(10.05), HOUR);
        let played = on_paused_time(play(Adapter::Tower, lag, life, [base(), public].concat()));
        tell(&format!("the same with a public path, {lag} s late, life {life} s"), &played);
        assert!(played.failed() <= 8, "{}", played.failed());
    }
}

#[test]
fn a_forbidden_path_beside_it_changes_nothing_for_the_others() {
    for (lag, life) in LAGS {
        let bad = every(secs(1.0), "bad", secs(10.05), HOUR);
        let played = on_paused_time(play(Adapter::Tower, lag, life, [base(), bad].concat()));
        tell(&format!("the same with a forbidden path, {lag} s late, life {life} s"), &played);
        assert_eq!(played.of("a").failed, 0);
    }
}

#[test]
fn another_path_that_learns_as_late_changes_nothing() {
    for (lag, life) in LAGS {
        let other = every(secs(1.0), "b", secs(10.05), HOUR);
        let played = on_paused_time(play(Adapter::Tower, lag, life, [base(), other].concat()));
        tell(&format!("the same with another path, {lag} s late, life {life} s"), &played);
        assert_eq!(played.failed(), 0);
        assert!(played.requests <= renewals(life), "{}", played.requests);
    }
}

#[test]
fn four_nodes_that_learn_at_different_times_fail_few_calls() {
    for (lag, life) in [(2.0, 300.0), (30.0, 3_600.0), (30.0, 300.0)] {
        let played = on_paused_time(async {
            let issuer = Arc::new(Issuer::new(Some(secs(life)), TOKEN));
            let known = issuer.clone();
            let random = Mutex::new((fastrand::Rng::with_seed(3), BTreeMap::new()));
            let rule = move |token, now, _: &str| {
                let (rng, lags) = &mut *random.lock().unwrap();
                let node = rng.usize(0..4);
                let late: &mut f64 = lags.entry((token, node)).or_insert_with(|| rng.f64() * lag);
                let born = known.born(token);
                (token == 1 || born + secs(*late) <= now) && now < born + secs(life)
            };
            let world = World::shared(&issuer, &Arc::new(Api::new(API, rule)));
            world.play(Adapter::Tower, base()).await
        });
        tell(&format!("four nodes, each up to {lag} s late, life {life} s"), &played);
        assert!(played.failed() <= 12, "{}", played.failed());
    }
}
