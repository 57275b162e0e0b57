//! Uploads that cannot be sent twice, while the token is known to be refused.

use std::sync::Arc;

use crate::world::{Adapter, Api, Call, Issuer, Played, World, every, on_paused_time};

use super::{HOUR, secs, tell};

/// The token is revoked at 100 s; the token endpoint takes a second.
async fn play(adapter: Adapter, others: Vec<Call>, takes: std::ops::Range<f64>) -> Played {
    let issuer = Arc::new(Issuer::new(Some(HOUR), 1.0..1.0));
    let known = issuer.clone();
    let revoked = secs(100.0);
    let rule = move |token, now, path: &str| {
        path == "public" || !(now >= revoked && known.born(token) < revoked)
    };
    let world = World::shared(&issuer, &Arc::new(Api::new(takes, rule)));
    let mut calls = vec![
        Call { at: secs(1.0), path: "a".into(), once: false },
        Call { at: revoked, path: "a".into(), once: false },
    ];
    calls.extend((0..8).map(|n| Call {
        at: secs(100.9 + 0.1 * f64::from(n)),
        path: "upload".into(),
        once: true,
    }));
    calls.extend(others);
    world.play(adapter, calls).await
}

#[test]
fn none_of_eight_uploads_is_sent_with_a_token_that_is_known_to_be_refused() {
    for adapter in Adapter::BOTH {
        let played = on_paused_time(play(adapter, Vec::new(), 0.1..0.3));
        tell(
            &format!("uploads after a revocation, {adapter:?}: {:?}", played.of("upload")),
            &played,
        );
        assert_eq!(played.of("upload").failed, 0);
        let others = every(secs(0.2), "a", secs(90.0), secs(100.0));
        let played = on_paused_time(play(adapter, others, 0.5..2.0));
        tell(&format!("the same beside other calls: {:?}", played.of("upload")), &played);
        assert_eq!(played.of("upload").failed, 0);
        let public = every(secs(0.2), "public", secs(90.0), secs(103.0));
        let played = on_paused_time(play(adapter, public, 0.5..2.0));
        tell(&format!("the same beside a public path: {:?}", played.of("upload")), &played);
        assert!(played.of("upload").failed <= 3, "{:?}", played.of("upload"));
    }
}
