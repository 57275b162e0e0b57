//! Which responses say that the API has accepted a token: a success or a switch of protocols, of the API
//! itself, to the request that carried it. What anyone else says, or says to everyone, is none. Shared
//! by both adapters.

use std::time::Duration;

use http::Method;
use oauth_core::Verdict;
use tokio::time::sleep;

use crate::caller::Caller;
use oauth_adapter_tests::issuer::Issuer;
use oauth_adapter_tests::play::{Ask, Play, Reply, status};

/// The token is refreshed, and a minute later refused; before that there was this response to one request
/// with it. Whether that was an acceptance: then the token before it is gone, and another one is asked for.
/// Else that one is sent again.
async fn is_acceptance(ask: Ask, replays: bool, overruled: bool, reply: Reply) -> bool {
    let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(200)));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play);
    assert_eq!(status(&caller.call(Ask::get("/first")).await), 200);
    slot.refresh().await.unwrap();
    let answer = reply.clone();
    play.then(move |_| answer.clone());
    let asking = if replays { caller.clone() } else { caller.clone().without_replay() };
    let asking = if overruled { asking.verdict(|_, _| Verdict::Deliver) } else { asking };
    assert_eq!(status(&asking.call(ask).await), reply.status);
    sleep(Duration::from_secs(61)).await;
    play.then(|call| Reply::good(call.token != "t2"));
    assert_eq!(status(&caller.call(Ask::get("/later")).await), 200);
    let tokens = play.tokens();
    assert_eq!(tokens[..3], ["t1", "t2", "t2"]);
    let accepted = tokens[3..] == ["t3"];
    assert!(accepted || tokens[3..] == ["t1"], "{tokens:?}");
    assert_eq!(issuer.requests(), if accepted { 3 } else { 2 });
    accepted
}

async fn assert_each(ask: Ask, reply: Reply, expected: bool) {
    for (replays, overruled) in [(true, false), (false, false), (true, true), (false, true)] {
        let found = is_acceptance(ask.clone(), replays, overruled, reply.clone()).await;
        assert_eq!(found, expected, "{ask:?} {reply:?}, replays {replays}, overruled {overruled}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_and_a_switch_of_protocols_are_an_acceptance() {
    for code in [200, 201, 204, 206, 101] {
        for method in [Method::GET, Method::POST, Method::HEAD, Method::DELETE] {
            assert_each(Ask::new(method, "/a"), Reply::status(code), true).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_status_is_none() {
    for code in [100, 103, 303, 304, 400, 403, 404, 429, 500, 503] {
        assert_each(Ask::get("/a"), Reply::status(code), false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_servers_send_to_everyone_and_what_a_cache_has_stored_is_not_an_acceptance() {
    assert_each(Ask::new(Method::OPTIONS, "/a"), Reply::status(200), false).await;
    assert_each(Ask::new(Method::OPTIONS, "/a"), Reply::status(204), false).await;
    for age in ["0", "17", "", "x"] {
        assert_each(Ask::get("/a"), Reply::status(200).header("age", age), false).await;
    }
    // Of another cache, which keeps nothing.
    assert_each(Ask::get("/a"), Reply::status(200).header("x-cache", "miss"), true).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_after_a_redirect_that_was_followed_is_none() {
    for place in [
        "https://api.test/moved",
        "https://api.test/a?page=2",
        "https://api.test:8443/a",
        "https://b.test/a",
        "http://api.test/a",
    ] {
        for method in [Method::GET, Method::POST] {
            assert_each(Ask::new(method, "/a"), Reply::status(200).from(place), false).await;
        }
    }
    assert_each(Ask::get("/a"), Reply::status(200).from("https://api.test/a"), true).await;
}

/// The same for the second send: nothing is known of the token that it carries until then.
#[tokio::test(start_paused = true)]
async fn of_a_second_send_the_same_is_an_acceptance() {
    for (method, reply, expected) in [
        (Method::GET, Reply::status(200), true),
        (Method::GET, Reply::status(404), false),
        (Method::GET, Reply::status(200).header("age", "1"), false),
        (Method::OPTIONS, Reply::status(200), false),
        (Method::POST, Reply::status(200).from("https://api.test/moved"), false),
        (Method::POST, Reply::status(101), true),
    ] {
        let (issuer, play) = (Issuer::new(), Play::new(|_| Reply::status(200)));
        let slot = issuer.ready_slot().await;
        let caller = Caller::new(slot.clone(), &play);
        assert_eq!(status(&caller.call(Ask::get("/first")).await), 200);
        let answer = reply.clone();
        play.then(move |call| if call.token == "t1" { Reply::status(401) } else { answer.clone() });
        let called = caller.call(Ask::new(method.clone(), "/a")).await;
        assert_eq!(status(&called), reply.status);
        // Proven, or not known: refused once by another target, it is refreshed, or its predecessor sent.
        sleep(Duration::from_secs(61)).await;
        play.then(|call| Reply::good(call.token != "t2"));
        assert_eq!(status(&caller.call(Ask::get("/later")).await), 200);
        let tokens = play.tokens();
        assert_eq!(tokens[..4], ["t1", "t1", "t2", "t2"]);
        let accepted = tokens[4..] == ["t3"];
        assert_eq!(accepted, expected, "{method} {reply:?} {tokens:?}");
    }
}

/// A request that can be sent twice tries it: where it is refused, the older one is sent.
#[tokio::test(start_paused = true)]
async fn a_token_that_the_api_did_not_know_yet_is_tried_by_a_request_that_can_be_sent_twice_alone()
{
    let (issuer, play) = (Issuer::new(), Play::new(|call| Reply::good(call.token == "t1")));
    let slot = issuer.ready_slot().await;
    let caller = Caller::new(slot.clone(), &play);
    let once = caller.clone().without_replay();
    assert_eq!(status(&caller.call(Ask::get("/first")).await), 200);
    slot.refresh().await.unwrap();
    assert_eq!(status(&caller.call(Ask::get("/a")).await), 200);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(status(&once.call(Ask::get("/b")).await), 200);
    assert_eq!(status(&caller.call(Ask::get("/c")).await), 200);
    assert_eq!((play.tokens().join(" "), issuer.requests()), ("t1 t2 t1 t1 t2 t1".to_owned(), 2));
}
