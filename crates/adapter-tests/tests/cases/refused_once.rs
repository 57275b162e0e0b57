//! A refused request that is not sent again: the refusal is delivered with the reason, and the token is
//! refreshed once, for the next request. Shared by both adapters.

use http::Method;
use oauth_core::{NotReplayed, Outcome};

use crate::caller::Caller;
use oauth_adapter_tests::issuer::{Issuer, settle};
use oauth_adapter_tests::play::{Ask, Play, Reply, status};

const MOVED: &str = "https://api.test/orders/1";

/// More than the replay cap.
const LARGE: usize = 65 * 1024;

/// A request, whether requests are sent again at all, where its response is from, and why it is not sent
/// again.
fn reasons() -> [(Ask, bool, Option<&'static str>, NotReplayed); 6] {
    let orders = || Ask::post("/orders");
    [
        (orders(), false, None, NotReplayed::Off),
        (Ask::get("/orders"), false, None, NotReplayed::Off),
        (orders().body(LARGE), true, None, NotReplayed::BodyTooLarge),
        (orders().body(10), true, Some(MOVED), NotReplayed::Redirected),
        (Ask::new(Method::DELETE, "/orders"), true, Some(MOVED), NotReplayed::Redirected),
        // Which of two reasons it is does not matter to the token.
        (orders().body(LARGE), false, Some(MOVED), NotReplayed::Off),
    ]
}

#[tokio::test(start_paused = true)]
async fn it_refreshes_the_token_once_for_the_next_request() {
    for (ask, replays, from, reason) in reasons() {
        let issuer = Issuer::new();
        let play = Play::new(move |call| Reply { from, ..Reply::good(call.token != "t1") });
        let slot = issuer.ready_slot().await;
        let caller = Caller::new(slot.clone(), &play);
        let caller = if replays { caller } else { caller.without_replay() };
        let (status, outcome) = caller.call(ask.clone()).await.unwrap();
        let told = matches!(outcome, Outcome::NotReplayed(found) if found == reason);
        assert!(told && status == 401, "{ask:?} {outcome:?}");
        settle().await;
        assert_eq!((play.tokens(), issuer.requests()), (vec!["t1".to_owned()], 2), "{ask:?}");
        let (status, _) = caller.call(ask.clone()).await.unwrap();
        let calls = play.calls();
        assert_eq!((status, calls.len(), issuer.requests()), (200, 1, 2), "{ask:?}");
        assert_eq!((calls[0].token.as_str(), &calls[0].method), ("t2", &ask.method));
        assert_eq!(calls[0].length, ask.body.unwrap_or_default());
    }
}

/// A hundred that were under way together are one refresh.
#[tokio::test(start_paused = true)]
async fn a_hundred_of_them_at_once_refresh_it_once() {
    for (ask, replays, from, _) in reasons() {
        let issuer = Issuer::new();
        let play = Play::new(move |call| Reply {
            from,
            ..Reply::good(call.token != "t1").after(std::time::Duration::from_millis(100))
        });
        let slot = issuer.ready_slot().await;
        let caller = Caller::new(slot.clone(), &play);
        let caller = if replays { caller } else { caller.without_replay() };
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let (caller, ask) = (caller.clone(), ask.clone());
                tokio::spawn(async move { status(&caller.call(ask).await) })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), 401, "{ask:?}");
        }
        settle().await;
        assert_eq!((play.calls().len(), issuer.requests()), (100, 2), "{ask:?}");
    }
}

/// Where the issuer has no other token, each refusal is delivered all the same.
#[tokio::test(start_paused = true)]
async fn without_another_token_the_reason_is_the_same_and_the_issuer_is_not_asked_each_time() {
    for (ask, replays, from, reason) in reasons() {
        for repeats in [true, false] {
            let issuer = Issuer::new();
            let play = Play::new(move |_| Reply { from, ..Reply::status(401) });
            let slot = issuer.ready_slot().await;
            if repeats {
                issuer.repeat()
            } else {
                issuer.fail()
            }
            let caller = Caller::new(slot.clone(), &play);
            let caller = if replays { caller } else { caller.without_replay() };
            for _ in 0..10 {
                let (status, outcome) = caller.call(ask.clone()).await.unwrap();
                let told = matches!(outcome, Outcome::NotReplayed(found) if found == reason);
                assert!(told && status == 401, "{ask:?} {outcome:?}");
                settle().await;
            }
            assert!(play.tokens().iter().all(|token| token == "t1"));
            assert_eq!(issuer.requests(), 2, "{ask:?} {repeats}");
        }
    }
}
