//! One of four nodes of the API has a stale key set and refuses every token.

use std::sync::Mutex;

use crate::world::{Adapter, Api, Call, Issuer, Played, World, every, on_paused_time};

use super::{API, HOUR, TOKEN, secs, tell};

async fn play(adapter: Adapter, calls: Vec<Call>) -> Played {
    let rng = Mutex::new(fastrand::Rng::with_seed(5));
    let rule = move |_, _, _: &str| rng.lock().unwrap().usize(0..4) > 0;
    let world = World::new(Issuer::new(Some(HOUR), TOKEN), Api::new(API, rule));
    world.play(adapter, calls).await
}

#[test]
fn of_calls_of_which_a_quarter_is_refused_few_fail() {
    for adapter in Adapter::BOTH {
        let calls = every(secs(0.25), "a", secs(0.0), HOUR);
        let played = on_paused_time(play(adapter, calls));
        tell(&format!("one of four nodes refuses all, 4 a second, {adapter:?}"), &played);
        assert!(played.failed() * 100 <= played.calls() * 7, "{}", played.failed());
        assert!(played.requests <= 750, "{}", played.requests);
    }
}

#[test]
fn with_a_path_of_its_own_for_each_call_a_fifth_fails_at_most() {
    let calls = every(secs(0.25), "", secs(0.0), HOUR).into_iter().enumerate();
    let calls = calls.map(|(n, call)| Call { path: n.to_string(), ..call }).collect();
    let played = on_paused_time(play(Adapter::Tower, calls));
    tell("one of four nodes refuses all, 4 a second, ids in paths", &played);
    assert!(played.failed() * 100 <= played.calls() * 20, "{}", played.failed());
    assert!(played.requests <= 750, "{}", played.requests);
}
