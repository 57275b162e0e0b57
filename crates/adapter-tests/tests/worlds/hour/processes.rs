//! Two processes with one client, and an issuer that ends a client's token when it issues another.

use std::sync::Arc;

use crate::world::{Adapter, Api, Issuer, World, every, on_paused_time};

use super::{API, HOUR, secs, tell};

#[test]
fn two_processes_that_end_each_others_tokens_fail_less_than_half_of_their_calls() {
    for (api, token) in [(API, 0.05..0.051), (API, 0.05..2.0), (0.01..0.02, 0.05..0.051)] {
        for adapter in Adapter::BOTH {
            let (api, token) = (api.clone(), token.clone());
            let played = on_paused_time(async {
                let issuer = Arc::new(Issuer::new(Some(HOUR), token));
                let known = issuer.clone();
                let api = Arc::new(Api::new(api, move |token, _, _: &str| token == known.newest()));
                let (one, two) = (World::shared(&issuer, &api), World::shared(&issuer, &api));
                let calls = |offset| every(secs(1.0), "a", secs(offset), HOUR);
                let (mut one, two) =
                    tokio::join!(one.play(adapter, calls(0.0)), two.play(adapter, calls(0.5)));
                one.requests = two.requests;
                let count = one.paths.get_mut("a").unwrap();
                count.calls += two.calls();
                count.failed += two.failed();
                one
            });
            tell(&format!("two processes, one live token, {adapter:?}"), &played);
            assert!(played.failed() * 100 <= played.calls() * 40, "{}", played.failed());
        }
    }
}
