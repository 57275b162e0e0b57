//! What a caller gets in every case.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Full};
use oauth_core::{NoToken, NotAttached, NotReplayed, Outcome, ReplayBody, Token, source_fn};
use oauth_core::{Origins, TokenSlot, Verdict};
use oauth_tower::{CloneBody, Error, NoReplay, OAuthLayer};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

use crate::contract::{Mocked, answer, token_of};
use crate::scripted::{Answer, Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

#[tokio::test(start_paused = true)]
async fn a_request_goes_out_with_the_token_and_its_response_is_marked_by_nothing() {
    let issuer = Issuer::new();
    let api = Api::new([]);
    let service = OAuthLayer::new(issuer.ready_slot().await).layer(api.clone());
    let response = service.oneshot(post(API, full("hello"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Attached));
    assert!(response.extensions().is_empty());
    let seen = api.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].token(), Some("Bearer t1"));
    assert!(seen[0].head.headers[AUTHORIZATION].is_sensitive());
    assert_eq!(seen[0].body, "hello");
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_second_send_is_the_callers() {
    let issuer = Issuer::new();
    let api = Api::new([Answer::status(401), Answer::broken()]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let error = service.oneshot(post(API, full("x"))).await.unwrap_err();
    assert!(matches!(error, Error::Inner(inner) if inner.to_string() == "the connection broke"));
    assert_eq!(api.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_first_send_is_the_callers_and_refreshes_nothing() {
    let issuer = Issuer::new();
    let api = Api::new([Answer::broken()]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let error = service.oneshot(post(API, full("x"))).await.unwrap_err();
    assert!(error.as_token().is_none());
    assert_eq!((api.seen().len(), issuer.requests()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_token_the_request_is_not_sent_and_the_error_says_why() {
    let issuer = Issuer::new();
    issuer.fail();
    let api = Api::new([]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let error = service.oneshot(post(API, full("x"))).await.unwrap_err();
    assert!(error.as_token().is_some_and(|error| error.retry_after().is_some()));
    assert_eq!(api.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_401_is_delivered_untouched_and_reported() {
    let issuer = Issuer::new();
    let second = Answer::status(401).header("x-which", "second").body("still no");
    let api = Api::new([Answer::status(401).body("no"), second]);
    let slot = issuer.ready_slot().await;
    let service = OAuthLayer::new(slot.clone()).layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["x-which"], "second");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "still no");
    settle().await;
    assert_eq!((api.seen().len(), issuer.requests()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_second_401_starts_no_flight_and_pauses_its_target_for_a_second_then_two() {
    let issuer = Issuer::new();
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401; 9]);
    let slot = issuer.ready_slot().await;
    let service = OAuthLayer::new(slot.clone()).layer(api.clone());
    let call = async |path: &str| {
        let request = post(&format!("{API}{path}"), full("x"));
        let response = service.clone().oneshot(request).await.unwrap();
        settle().await;
        let wait = match Outcome::of(response.extensions()) {
            Outcome::RefreshFailed(error) => error.retry_after(),
            _ => None,
        };
        (wait, api.seen().len(), issuer.requests())
    };
    let s = Duration::from_secs;
    assert_eq!(call("/a").await, (None, 2, 2));
    assert_eq!(call("/a").await, (Some(s(1)), 1, 2));
    // Another target has no pause.
    assert_eq!(call("/b").await, (None, 2, 3));
    tokio::time::advance(s(1)).await;
    assert_eq!(call("/a").await, (None, 2, 4));
    assert_eq!(call("/a").await, (Some(s(2)), 1, 4));
    tokio::time::advance(Duration::from_millis(1999)).await;
    assert_eq!(call("/a").await, (Some(Duration::from_millis(1)), 1, 4));
    tokio::time::advance(Duration::from_millis(1)).await;
    // The scripted refusals are over.
    assert_eq!(call("/a").await, (None, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn when_the_refresh_fails_the_first_401_is_delivered_with_its_body() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.fail();
    let refusal = Answer::status(401).header("x-request-id", "17").body("token revoked");
    let api = Api::new([refusal]);
    let service = OAuthLayer::new(slot).layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    let Outcome::RefreshFailed(error) = Outcome::of(response.extensions()) else {
        panic!("{:?}", Outcome::of(response.extensions()));
    };
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the issuer says no");
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["x-request-id"], "17");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "token revoked");
    assert_eq!((api.seen().len(), issuer.requests()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn when_the_issuer_gives_the_same_token_again_the_401_is_delivered() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.repeat();
    let api = Api::statuses([401]);
    let service = OAuthLayer::new(slot).layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(Outcome::of(response.extensions()), Outcome::RefreshFailed(_)));
    assert_eq!((api.seen().len(), issuer.requests()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_401_for_an_old_token_is_replayed_with_the_newer_one_and_no_token_request() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let (mut service, mut handle) =
        mock::spawn_with(|inner: Mocked| OAuthLayer::new(slot.clone()).layer(inner));
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(post(API, full("x"))));
    let (_, send) = assert_ready!(handle.poll_request()).unwrap();
    let old = slot.cached().unwrap().generation();
    let newer = slot.replace(old).await.unwrap().generation();
    send.send_response(answer(401));
    assert_pending!(call.poll());
    let (second, send) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(token_of(&second), "Bearer t2");
    send.send_response(answer(200));
    assert_ready_ok!(call.poll());
    assert_eq!(issuer.requests(), 2);
    assert_eq!(slot.cached().unwrap().generation(), newer);
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_authorization_stays_and_its_401_is_the_callers() {
    let issuer = Issuer::new();
    let api = Api::statuses([401]);
    let service = OAuthLayer::new(issuer.slot()).layer(api.clone());
    let mut request = post(API, full("x"));
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic eA=="));
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 401);
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotAttached(NotAttached::OwnAuthorization)));
    assert_eq!(api.tokens(), [Some("Basic eA==".to_owned())]);
    assert_eq!(issuer.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_authorization_stays_when_there_is_a_token_too() {
    let issuer = Issuer::new();
    let api = Api::statuses([401]);
    let service = OAuthLayer::new(issuer.ready_slot().await).layer(api.clone());
    let mut request = post(API, full("x"));
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic eA=="));
    let response = service.oneshot(request).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotAttached(NotAttached::OwnAuthorization)));
    assert_eq!(api.tokens(), [Some("Basic eA==".to_owned())]);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_opts_out_gets_no_token_and_its_401_is_delivered() {
    let issuer = Issuer::new();
    let api = Api::statuses([401]);
    let service = OAuthLayer::new(issuer.ready_slot().await).layer(api.clone());
    let mut request = post(API, full("x"));
    request.extensions_mut().insert(NoToken);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 401);
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotAttached(NotAttached::OptedOut)));
    assert_eq!(api.tokens(), [None]);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_replay_the_401_is_delivered_and_the_token_refreshed_for_the_next_request() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let api = Api::<Full<Bytes>>::statuses([401]);
    let mut service = OAuthLayer::new(slot).replay(NoReplay).layer(api.clone());
    let response = service.ready().await.unwrap().call(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 401);
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Off)));
    settle().await;
    assert_eq!(issuer.requests(), 2);
    service.ready().await.unwrap().call(post(API, full("x"))).await.unwrap();
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t2".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_of_ones_own_can_replace_where_ours_would_deliver() {
    let issuer = Issuer::new();
    let api = Api::<Full<Bytes>>::statuses([403]);
    let service = OAuthLayer::new(issuer.slot())
        .replay(CloneBody)
        .verdict(|answer, ours| if answer.status == 403 { Verdict::Replace } else { ours })
        .layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t2".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_of_ones_own_can_deliver_where_ours_would_replace() {
    let issuer = Issuer::new();
    let api = Api::<Full<Bytes>>::statuses([401]);
    let service = OAuthLayer::new(issuer.slot())
        .replay(CloneBody)
        .verdict(|_, ours| {
            assert_eq!(ours, Verdict::Replace);
            Verdict::Deliver
        })
        .layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Attached));
    assert_eq!((api.seen().len(), issuer.requests()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_any_life_serves_the_second_send_too() {
    let minted = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let source = source_fn(move || {
        let number = 1 + minted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let life = Duration::from_secs(if number == 1 { 3600 } else { 0 });
        async move { Ok(Token::bearer(format!("t{number}"))?.expires_in(life)) }
    });
    let slot = TokenSlot::builder(source).origins(Origins::parse([API]).unwrap()).build();
    let api = Api::<Full<Bytes>>::statuses([401]);
    let service = OAuthLayer::new(slot).replay(CloneBody).layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t2".into())]);
}
