//! What a function of the user's makes of responses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use oauth_core::Verdict;

use crate::caller::Caller;
use oauth_adapter_tests::issuer::Issuer;
use oauth_adapter_tests::play::{Ask, Play, Reply, status};

#[tokio::test(start_paused = true)]
async fn a_verdict_may_depend_on_settings_and_count() {
    let (issuer, play) = (
        Issuer::new(),
        Play::new(|call| Reply::status(if call.token == "t1" { 419 } else { 200 })),
    );
    let refusals = BTreeSet::from([403, 419]);
    let overruled = Arc::new(AtomicUsize::new(0));
    let count = overruled.clone();
    let caller = Caller::new(issuer.ready_slot().await, &play).verdict(move |response, ours| {
        if refusals.contains(&response.status.as_u16()) {
            count.fetch_add(1, SeqCst);
            return Verdict::Replace;
        }
        ours
    });
    for _ in 0..2 {
        assert_eq!(status(&caller.clone().call(Ask::get("/a")).await), 200);
    }
    assert_eq!(play.tokens(), ["t1", "t2", "t2"]);
    assert_eq!((overruled.load(SeqCst), issuer.requests()), (1, 2));
}
