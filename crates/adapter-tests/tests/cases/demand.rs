//! A token that is refreshed or taken out of use because someone says so: each refresh costs one token
//! request, and what is sent afterwards carries the newest token there is. Shared by both adapters.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::caller::Caller;
use oauth_adapter_tests::issuer::{Issuer, settle};
use oauth_adapter_tests::play::{Ask, Play, Reply, status, told};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn three_refreshes_on_demand_in_a_minute_are_three_more_tokens() {
    for replays in [true, false] {
        let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(200)));
        let slot = issuer.ready_slot().await;
        let caller = Caller::new(slot.clone(), &play);
        let caller = if replays { caller } else { caller.without_replay() };
        for number in 2..=4 {
            assert_eq!(status(&caller.call(Ask::post("/a")).await), 200);
            let token = slot.refresh().await.unwrap();
            assert_eq!(token.expose_secret(), format!("t{number}"));
            for _ in 0..3 {
                assert_eq!(status(&caller.call(Ask::post("/a")).await), 200);
                sleep(secs(5)).await;
            }
        }
        assert_eq!(
            play.tokens(),
            ["t1", "t2", "t2", "t2", "t2", "t3", "t3", "t3", "t3", "t4", "t4", "t4"]
        );
        assert_eq!((issuer.requests(), slot.status().flights), (4, 4));
    }
}

/// Also right after refusals that have used up what they may ask for.
#[tokio::test(start_paused = true)]
async fn a_refresh_on_demand_is_never_too_much() {
    let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(401)));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play).without_replay();
    for _ in 0..20 {
        assert_eq!(status(&caller.call(Ask::get("/a")).await), 401);
        settle().await;
    }
    let before = issuer.requests();
    assert_eq!(before, 1 + 10);
    for number in 1..=3 {
        let token = slot.refresh().await.unwrap();
        assert_eq!(token.expose_secret(), format!("t{}", before + number));
    }
    assert_eq!(issuer.requests(), before + 3);
}

#[tokio::test(start_paused = true)]
async fn while_a_refresh_on_demand_is_under_way_requests_carry_what_is_there_and_others_join() {
    let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(200)));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play);
    issuer.takes(secs(1));
    let began = Instant::now();
    let renewals: Vec<_> = (0..3)
        .map(|_| {
            let slot = slot.clone();
            tokio::spawn(async move { slot.refresh().await.unwrap().expose_secret().to_owned() })
        })
        .collect();
    settle().await;
    assert_eq!(status(&caller.call(Ask::get("/a")).await), 200);
    assert!(began.elapsed() < secs(1));
    for renewal in renewals {
        assert_eq!(renewal.await.unwrap(), "t2");
    }
    assert_eq!(status(&caller.call(Ask::get("/a")).await), 200);
    assert_eq!((play.tokens(), issuer.requests()), (vec!["t1".into(), "t2".into()], 2));
}

#[tokio::test(start_paused = true)]
async fn after_retire_the_next_call_waits_for_another_token() {
    for replays in [true, false] {
        let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(200)));
        let slot = issuer.ready_slot().await;
        let caller = Caller::new(slot.clone(), &play);
        let caller = if replays { caller } else { caller.without_replay() };
        assert_eq!(status(&caller.call(Ask::post("/a").body(10)).await), 200);
        // Beyond the least time between two flights.
        sleep(secs(2)).await;
        slot.retire();
        issuer.takes(secs(2));
        let began = Instant::now();
        let called = caller.call(Ask::post("/a").body(10)).await;
        assert_eq!((status(&called), told(&called).as_str()), (200, "Attached"));
        assert!((secs(2)..=Duration::from_millis(2_002)).contains(&began.elapsed()));
        assert_eq!((play.tokens(), issuer.requests()), (vec!["t1".into(), "t2".into()], 2));
    }
}

/// The token that is refused is not there any more, and its refresh is under way.
#[tokio::test(start_paused = true)]
async fn a_request_that_was_under_way_when_its_token_was_retired_is_sent_again_with_the_next_one() {
    let issuer = Issuer::new();
    let play = Play::new(|call| Reply::good(call.token != "t1").after(secs(1)));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play);
    let call = tokio::spawn({
        let caller = caller.clone();
        async move { caller.call(Ask::post("/a").body(10)).await }
    });
    settle().await;
    slot.retire();
    let called = call.await.unwrap();
    assert_eq!((status(&called), told(&called).as_str()), (200, "Replayed"));
    assert_eq!((play.tokens(), issuer.requests()), (vec!["t1".into(), "t2".into()], 2));
}

/// Neither the predecessor nor what a flight brings that was begun before comes back.
#[tokio::test(start_paused = true)]
async fn what_was_there_before_retire_is_never_sent_again() {
    let issuer = Issuer::new();
    let play = Play::new(|call| Reply::good(call.token != "t2"));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play);
    assert_eq!(status(&caller.call(Ask::get("/a")).await), 200);
    slot.refresh().await.unwrap();
    // The newer one is not known yet, and its predecessor is good.
    let called = caller.call(Ask::get("/a")).await;
    assert_eq!((status(&called), told(&called).as_str()), (200, "Replayed"));
    assert_eq!(play.tokens(), ["t1", "t2", "t1"]);

    sleep(secs(2)).await;
    issuer.takes(secs(1));
    let renewal = tokio::spawn({
        let slot = slot.clone();
        async move { slot.refresh().await.unwrap().expose_secret().to_owned() }
    });
    settle().await;
    slot.retire();
    let called = caller.call(Ask::get("/a")).await;
    assert_eq!((status(&called), told(&called).as_str()), (200, "Attached"));
    // The request of `t3` was aborted.
    assert_eq!((play.tokens(), issuer.requests()), (vec!["t4".into()], 4));
    assert_eq!(renewal.await.unwrap(), "t4");
}
