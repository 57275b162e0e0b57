//! tower-http's `FollowRedirect` inside and outside the layer.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use oauth_core::{BoxError, NotAttached, NotReplayed, Origins, Outcome, ReplayBody, Verdict};
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tower::{Layer, ServiceExt};
use tower_http::follow_redirect::policy::{Limited, PolicyExt, clone_body_fn};
use tower_http::follow_redirect::{FollowRedirect, RequestUri};

use crate::scripted::{Answer, Api, full, get, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

fn to(location: &str) -> Answer {
    Answer::status(307).header("location", location)
}

/// Without replay, above a redirect follower, for origins of which the API is the first or the
/// second: of the first nothing is kept.
fn without_replay(first: bool, layer: OAuthLayer) -> OAuthLayer<NoReplay> {
    let layer = layer
        .response_uri(|extensions| extensions.get::<RequestUri>().map(|uri| &uri.0))
        .replay(NoReplay);
    let second = Origins::parse(["https://other.test", API]).unwrap();
    if first { layer } else { layer.origins(second) }
}

/// What the caller learns of a 401 from there, to which the API redirects, and how often a token was
/// asked for.
async fn refused_after_a_redirect(first: bool, place: &str) -> (Outcome, u64) {
    let issuer = Issuer::new();
    // Held, so that a flight would not be given up with the layer.
    let slot = issuer.ready_slot().await;
    let api = Api::<Full<Bytes>>::new([to(place), Answer::status(401)]);
    let layer = without_replay(first, OAuthLayer::new(slot.clone()));
    let service = layer.layer(FollowRedirect::new(api.clone()));
    let response = service.oneshot(get(API)).await.unwrap();
    settle().await;
    assert_eq!((response.status().as_u16(), api.tokens().len()), (401, 2), "{place}");
    (Outcome::of(response.extensions()), issuer.requests())
}

#[tokio::test(start_paused = true)]
async fn outside_and_without_replay_a_401_after_a_redirect_within_the_origin_refreshes_the_token() {
    for first in [true, false] {
        for place in ["/moved", "https://API.test:443/moved"] {
            let (outcome, requests) = refused_after_a_redirect(first, place).await;
            assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Off)), "{outcome:?}");
            assert_eq!(requests, 2, "{first} {place}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn outside_and_without_replay_a_401_from_another_origin_refreshes_nothing() {
    for first in [true, false] {
        for place in ["https://b.test/", "http://api.test/", "https://api.test:8443/"] {
            let (outcome, requests) = refused_after_a_redirect(first, place).await;
            assert!(matches!(outcome, Outcome::RedirectedAway), "{outcome:?}");
            assert_eq!(requests, 1, "{first} {place}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn outside_a_second_401_from_any_of_the_origins_pauses_its_target() {
    for first in [true, false] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        let api = Api::<Full<Bytes>>::statuses([401; 3]);
        let layer = without_replay(first, OAuthLayer::new(slot.clone())).replay(CloneBody);
        let service = layer.layer(FollowRedirect::new(api.clone()));
        let response = service.clone().oneshot(get(API)).await.unwrap();
        assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
        assert_eq!((response.status().as_u16(), issuer.requests()), (401, 2), "{first}");
        let response = service.oneshot(get(API)).await.unwrap();
        settle().await;
        assert!(matches!(Outcome::of(response.extensions()), Outcome::RefreshFailed(_)));
        assert_eq!((response.status().as_u16(), issuer.requests()), (401, 2), "{first}");
    }
}

#[tokio::test(start_paused = true)]
async fn outside_a_401_from_another_origin_is_delivered_and_no_token_asked_for() {
    for (at_hand, replays) in [(true, true), (true, false), (false, true), (false, false)] {
        let issuer = Issuer::new();
        let api = Api::<Full<Bytes>>::new([to("https://b.test/"), Answer::status(401)]);
        // Held, so that a flight would not be given up with the layer.
        let slot = if at_hand { issuer.ready_slot().await } else { issuer.slot() };
        let layer = OAuthLayer::new(slot.clone())
            .response_uri(|extensions| extensions.get::<RequestUri>().map(|uri| &uri.0));
        let inner = FollowRedirect::new(api.clone());
        let response = if replays {
            layer.replay(CloneBody).layer(inner).oneshot(get(API)).await.unwrap()
        } else {
            layer.replay(NoReplay).layer(inner).oneshot(get(API)).await.unwrap()
        };
        settle().await;
        assert_eq!(response.status(), 401);
        assert!(matches!(Outcome::of(response.extensions()), Outcome::RedirectedAway));
        assert_eq!(api.tokens(), [Some("Bearer t1".into()), None]);
        assert_eq!(issuer.requests(), 1, "at hand {at_hand}, replays {replays}");
        drop(slot);
    }
}

#[tokio::test(start_paused = true)]
async fn outside_a_401_from_the_same_origin_after_a_redirect_is_replayed_from_the_start() {
    let issuer = Issuer::new();
    let answers = [to("/moved"), Answer::status(401), to("/moved"), Answer::status(200)];
    let api = Api::<Full<Bytes>>::new(answers);
    let service = OAuthLayer::new(issuer.ready_slot().await)
        .replay(CloneBody)
        .response_uri(|extensions| extensions.get::<RequestUri>().map(|uri| &uri.0))
        .layer(FollowRedirect::new(api.clone()));
    let response = service.oneshot(get(API)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    let (old, new) = (Some("Bearer t1".to_owned()), Some("Bearer t2".to_owned()));
    assert_eq!(api.tokens(), [old.clone(), old, new.clone(), new]);
}

/// What makes a layer learn of redirects; with the feature `tower-http-07` it knows by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Uri,
    Guard,
    Nothing,
}

/// What the API was sent, and what the caller learns.
async fn sent_and_told(
    told: Told,
    request: Request<Full<Bytes>>,
    answers: Vec<Answer>,
) -> (Vec<String>, Outcome, u64) {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let api = Api::<Full<Bytes>>::new(answers);
    let oauth = OAuthLayer::new(slot.clone()).replay(CloneBody);
    let oauth = match told {
        Told::Uri => oauth.response_uri(|found| found.get::<RequestUri>().map(|uri| &uri.0)),
        Told::Guard | Told::Nothing => oauth,
    };
    let policy = clone_body_fn(|body: &Full<Bytes>| Some(body.clone()));
    let policy = Limited::new(10).and::<_, Full<Bytes>, BoxError>(policy);
    let response = if told == Told::Guard {
        let inner = FollowRedirect::with_policy(oauth.guard().layer(api.clone()), policy);
        oauth.layer(inner).oneshot(request).await.unwrap()
    } else {
        let inner = FollowRedirect::with_policy(api.clone(), policy);
        oauth.layer(inner).oneshot(request).await.unwrap()
    };
    settle().await;
    let sent = api.seen();
    let sent = sent.iter().map(|seen| format!("{} {}", seen.head.method, seen.head.uri.path()));
    (sent.collect(), Outcome::of(response.extensions()), issuer.requests())
}

#[tokio::test(start_paused = true)]
async fn an_order_that_was_made_before_the_redirect_is_not_made_twice() {
    for told in [Told::Uri, Told::Guard, Told::Nothing] {
        let answers = || {
            vec![
                Answer::see_other("/orders/1"),
                Answer::status(401),
                Answer::see_other("/orders/2"),
            ]
        };
        let order = post(&format!("{API}/orders"), full("one"));
        let (sent, outcome, requests) = sent_and_told(told, order, answers()).await;
        let once = ["POST /orders", "GET /orders/1"];
        if told == Told::Nothing && !cfg!(feature = "tower-http-07") {
            // Nothing can be known then: the documentation says so first.
            assert_eq!(sent[..2], once);
            assert_eq!(sent[2..], ["POST /orders", "GET /orders/2"]);
        } else {
            assert_eq!(sent, once, "{told:?}");
            assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Redirected)), "{told:?}");
        }
        // Refreshed, at once or for the next request.
        assert_eq!(requests, 2, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_redirect_within_the_origin_safe_methods_alone_are_sent_again_from_the_start() {
    for (method, safe) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
        ("DELETE", false),
        ("PURGE", false),
    ] {
        for told in [Told::Uri, Told::Guard] {
            let mut request = get(API);
            *request.method_mut() = method.parse().unwrap();
            let (sent, outcome, requests) =
                sent_and_told(told, request, vec![to("/moved"), Answer::status(401)]).await;
            if safe {
                assert!(matches!(outcome, Outcome::Replayed), "{method} {told:?}: {outcome:?}");
                assert_eq!(sent.len(), 3, "{method} {told:?}");
            } else {
                let told_so = matches!(outcome, Outcome::NotReplayed(NotReplayed::Redirected));
                assert!(told_so, "{method} {told:?}: {outcome:?}");
                assert_eq!(sent.len(), 2, "{method} {told:?}");
            }
            assert_eq!(requests, 2, "{method} {told:?}");
        }
    }
}

/// The URI alone would not tell, nor would the method.
#[tokio::test(start_paused = true)]
async fn a_guard_knows_a_redirect_back_to_the_same_uri() {
    for (method, chain, last) in [
        ("POST", vec![Answer::see_other("/jobs")], "GET /jobs"),
        ("DELETE", vec![Answer::status(302).header("location", "/jobs")], "DELETE /jobs"),
        ("POST", vec![to("/there"), to("/jobs")], "POST /jobs"),
    ] {
        let hops = chain.len();
        let answers = chain.into_iter().chain([Answer::status(401)]).collect();
        let mut order = post(&format!("{API}/jobs"), full("one"));
        *order.method_mut() = method.parse().unwrap();
        let (sent, outcome, requests) = sent_and_told(Told::Guard, order, answers).await;
        assert_eq!((sent.len(), sent.last().unwrap().as_str()), (hops + 1, last));
        assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Redirected)), "{outcome:?}");
        assert_eq!(requests, 2);
    }
}

/// tower-http 0.6 drops the extensions of a request that it redirects, 0.7 keeps them.
#[tokio::test(start_paused = true)]
async fn a_guard_knows_a_redirect_of_either_version_and_whatever_is_set_after_it_was_made() {
    for old in [true, false] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        let answers = [Answer::see_other("/orders/1"), Answer::status(403)];
        let api = Api::<Full<Bytes>>::new(answers);
        let oauth = OAuthLayer::new(slot.clone());
        let guarded = oauth.guard().layer(api.clone());
        let oauth = oauth.replay(CloneBody).verdict(|head, verdict| match head.status.as_u16() {
            403 => Verdict::Replace,
            _ => verdict,
        });
        let order = post(&format!("{API}/orders"), full("one"));
        let response = if old {
            let inner = tower_http_0_6::follow_redirect::FollowRedirect::new(guarded);
            oauth.layer(inner).oneshot(order).await.unwrap()
        } else {
            oauth.layer(FollowRedirect::new(guarded)).oneshot(order).await.unwrap()
        };
        settle().await;
        assert_eq!((response.status().as_u16(), api.seen().len()), (403, 2), "{old}");
        let outcome = Outcome::of(response.extensions());
        assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Redirected)), "{outcome:?}");
        assert_eq!(issuer.requests(), 2);
    }
}

/// An API that responds to an expired token with a redirect to a login page: nothing was followed.
#[tokio::test(start_paused = true)]
async fn a_redirect_that_is_itself_the_refusal_was_not_followed() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let api = Api::<Full<Bytes>>::new([to("/login")]);
    let oauth = OAuthLayer::new(slot.clone()).replay(CloneBody).verdict(|head, verdict| {
        if head.status.is_redirection() { Verdict::Replace } else { verdict }
    });
    let service = oauth.layer(oauth.guard().layer(api.clone()));
    let response = service.oneshot(post(API, full("one"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!((response.status().as_u16(), api.seen().len()), (200, 2));
}

/// The follower takes the token off on its way from one to the other: the 401 says nothing about it.
#[tokio::test(start_paused = true)]
async fn a_401_after_a_redirect_between_two_declared_origins_refreshes_nothing_with_replay_or_without()
 {
    for replays in [true, false] {
        for first in [API, "https://files.test"] {
            let issuer = Issuer::new();
            let slot = issuer.ready_slot().await;
            let second = if first == API { "https://files.test/x" } else { "https://api.test/x" };
            let api = Api::<Full<Bytes>>::new([to(second), Answer::status(401)]);
            let both = Origins::parse([API, "https://files.test"]).unwrap();
            let oauth = OAuthLayer::new(slot.clone()).origins(both);
            let inner = FollowRedirect::new(oauth.guard().layer(api.clone()));
            let response = if replays {
                oauth.replay(CloneBody).layer(inner).oneshot(get(first)).await.unwrap()
            } else {
                oauth.replay(NoReplay).layer(inner).oneshot(get(first)).await.unwrap()
            };
            settle().await;
            assert!(matches!(Outcome::of(response.extensions()), Outcome::RedirectedAway));
            assert_eq!((api.seen().len(), issuer.requests()), (2, 1), "{replays} {first}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_redirect_a_post_is_sent_again_whatever_reports_redirects() {
    for told in [Told::Uri, Told::Guard, Told::Nothing] {
        for uri in
            ["https://api.test/orders?page=1", "https://API.test:443/orders", "https://api.test"]
        {
            let order = post(uri, full("one"));
            let (sent, outcome, requests) =
                sent_and_told(told, order, vec![Answer::status(401)]).await;
            assert!(matches!(outcome, Outcome::Replayed), "{told:?} {uri}: {outcome:?}");
            assert_eq!((sent.len(), requests), (2, 2), "{told:?} {uri}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn outside_with_buffered_bodies_the_redirected_request_has_no_token_elsewhere() {
    let issuer = Issuer::new();
    let answers = [Answer::status(303).header("location", "https://b.test/"), Answer::status(200)];
    let api = Api::<ReplayBody<Full<Bytes>>>::new(answers);
    let layer = OAuthLayer::new(issuer.ready_slot().await);
    let service = layer.layer(FollowRedirect::new(api.clone()));
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 200);
    // No one says where the response is from, but by the feature.
    let outcome = Outcome::of(response.extensions());
    let known = cfg!(feature = "tower-http-07");
    assert_eq!(matches!(outcome, Outcome::RedirectedAway), known, "{outcome:?}");
    assert_eq!(matches!(outcome, Outcome::Attached), !known, "{outcome:?}");
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), None]);
}

/// Of every kind of request: one that is sent once, one of which a copy is kept, one that waited for its
/// token, one that was sent twice.
#[tokio::test(start_paused = true)]
async fn outside_a_response_from_another_origin_is_known_by_its_uri() {
    for first in [true, false] {
        for (place, away) in [("https://b.test/", true), ("/moved", false)] {
            for (kind, mut answers) in [("once", vec![]), ("waiting", vec![]), ("copied", vec![])]
                .into_iter()
                .chain([("twice", vec![Answer::status(401)])])
            {
                answers.push(to(place));
                let issuer = Issuer::new();
                let slot =
                    if kind == "waiting" { issuer.slot() } else { issuer.ready_slot().await };
                let api = Api::<Full<Bytes>>::new(answers);
                let inner = FollowRedirect::new(api.clone());
                let layer = without_replay(first, OAuthLayer::new(slot.clone()));
                let response = if kind == "once" {
                    layer.layer(inner).oneshot(get(API)).await.unwrap()
                } else {
                    layer.replay(CloneBody).layer(inner).oneshot(get(API)).await.unwrap()
                };
                let outcome = Outcome::of(response.extensions());
                let told = match kind {
                    _ if away => matches!(outcome, Outcome::RedirectedAway),
                    "twice" => matches!(outcome, Outcome::Replayed),
                    _ => matches!(outcome, Outcome::Attached),
                };
                assert!(told, "{kind} {first} {place}: {outcome:?}");
                assert_eq!(slot.status().foreign_responses, u64::from(away), "{kind}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn inside_the_token_goes_nowhere_else() {
    let issuer = Issuer::new();
    let api = Api::<Full<Bytes>>::new([to("https://b.test/"), Answer::status(401)]);
    let oauth = OAuthLayer::new(issuer.ready_slot().await).replay(CloneBody).layer(api.clone());
    let response = FollowRedirect::new(oauth).oneshot(get(API)).await.unwrap();
    settle().await;
    assert_eq!(response.status(), 401);
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotAttached(NotAttached::ForeignOrigin)));
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), None]);
    assert_eq!(issuer.requests(), 1);
}

/// Why the layer belongs outside a redirect follower: the token itself goes nowhere else, but a
/// foreign server steers an authenticated request.
#[tokio::test(start_paused = true)]
async fn inside_a_foreign_server_can_steer_an_authenticated_request_to_the_api() {
    let issuer = Issuer::new();
    let api = Api::<Full<Bytes>>::new([to("https://api.test/delete"), Answer::status(200)]);
    let oauth = OAuthLayer::new(issuer.ready_slot().await).replay(CloneBody).layer(api.clone());
    FollowRedirect::new(oauth).oneshot(get("https://b.test/")).await.unwrap();
    assert_eq!(api.tokens(), [None, Some("Bearer t1".into())]);
}
