//! Bodies that cannot be sent twice, begun while the refresh of a refused token is under way: they wait
//! for it, and are sent once and whole. Shared by both adapters.

use std::time::Duration;

use tokio::time::sleep;

use crate::caller::Caller;
use oauth_adapter_tests::issuer::{Issuer, settle};
use oauth_adapter_tests::play::{Ask, Call, Play, Reply, status, told};

const MEGABYTE: usize = 1024 * 1024;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The token is revoked at 5 s; its refresh takes a second, in which eight uploads begin. Other calls go to
/// `path` all the time. The uploads as the API got them, and how many of them failed.
async fn eight(path: Option<&'static str>, replays: bool) -> (Vec<Call>, usize, u64) {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.takes(ms(1000));
    let play = Play::new(|call| {
        let good = call.token != "t1" || call.at < ms(5000) || call.path == "/public";
        Reply::good(good).after(ms(300))
    });
    let caller = Caller::new(slot.clone(), &play);
    assert_eq!(status(&caller.call(Ask::get("/a")).await), 200);
    let mut others = Vec::new();
    let mut uploads = Vec::new();
    let mut at = ms(500);
    // The first 401 comes at 5.3 s.
    while at < ms(8000) {
        sleep(at - play.elapsed()).await;
        let (each, one) = (caller.clone(), at == ms(5000));
        if let Some(path) = path {
            others.push(tokio::spawn(async move { each.call(Ask::get(path)).await }));
        }
        if one {
            let each = caller.clone();
            others.push(tokio::spawn(async move { each.call(Ask::get("/a")).await }));
        }
        if at >= ms(5400) && uploads.len() < 8 {
            let each = caller.clone();
            let each = if replays { each } else { each.without_replay() };
            let ask = Ask::post("/upload").body(MEGABYTE);
            uploads.push(tokio::spawn(async move { each.call(ask).await }));
        }
        at += ms(100);
    }
    settle().await;
    let mut failed = 0;
    for upload in uploads {
        let called = upload.await.unwrap();
        if status(&called) != 200 {
            failed += 1;
            assert!(told(&called).starts_with("NotReplayed"), "{called:?}");
        }
    }
    for other in others {
        assert_eq!(status(&other.await.unwrap()), 200, "{path:?}");
    }
    let sent = play.calls().into_iter().filter(|call| call.path == "/upload").collect();
    (sent, failed, issuer.requests())
}

#[tokio::test(start_paused = true)]
async fn none_is_sent_with_the_token_that_is_known_to_be_refused() {
    for replays in [true, false] {
        for path in [None, Some("/a"), Some("/b"), Some("/public")] {
            let (sent, failed, requests) = eight(path, replays).await;
            let found = (sent.len(), failed, requests);
            assert_eq!(found, (8, 0, 2), "{path:?} {replays}");
            assert!(sent.iter().all(|call| (call.token.as_str(), call.length) == ("t2", MEGABYTE)));
        }
    }
}
