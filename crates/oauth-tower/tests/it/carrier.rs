//! Tokens of other schemes, and in another header than `Authorization`.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use oauth_core::clock::TokioClock;
use oauth_core::{NotAttached, Origins, Outcome, ReplayBody, StaticToken, Token, TokenSlot};
use oauth_tower::{NoReplay, OAuthLayer};
use tower::{Layer, ServiceExt};

use crate::scripted::{Answer, Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer};

const CARRIER: HeaderName = HeaderName::from_static("x-api-token");

async fn slot() -> (Issuer, TokenSlot) {
    let issuer = Issuer::new();
    let slot = issuer.builder().header(CARRIER).build();
    slot.token().await.unwrap();
    (issuer, slot)
}

fn with_own(name: HeaderName) -> Request<Full<Bytes>> {
    let mut request = post(API, full("x"));
    request.headers_mut().insert(name, HeaderValue::from_static("the caller's own"));
    request
}

#[tokio::test(start_paused = true)]
async fn both_sends_have_the_callers_authorization_beside_the_token() {
    let (issuer, slot) = slot().await;
    let api = Api::<ReplayBody<Full<Bytes>>>::statuses([401]);
    let service = OAuthLayer::new(slot).layer(api.clone());
    let response = service.oneshot(with_own(AUTHORIZATION)).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    let seen = api.seen();
    for (seen, token) in seen.iter().zip(["Bearer t1", "Bearer t2"]) {
        assert_eq!(seen.head.headers.get_all(CARRIER).iter().collect::<Vec<_>>(), [token]);
        assert_eq!(seen.head.headers[AUTHORIZATION], "the caller's own");
        assert_eq!((seen.head.headers.len(), &seen.body[..]), (2, &b"x"[..]));
    }
    assert_eq!((seen.len(), issuer.requests()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_header_of_that_name_stays_and_its_401_is_its_own() {
    let (issuer, slot) = slot().await;
    for refuses in [200, 401] {
        let api = Api::<Full<Bytes>>::statuses([refuses]);
        let service = OAuthLayer::new(slot.clone()).replay(NoReplay).layer(api.clone());
        let response = service.oneshot(with_own(CARRIER)).await.unwrap();
        let outcome = Outcome::of(response.extensions());
        assert!(matches!(outcome, Outcome::NotAttached(NotAttached::OwnAuthorization)));
        let headers = &api.seen()[0].head.headers;
        assert_eq!((headers.len(), &headers[CARRIER]), (1, &"the caller's own".parse().unwrap()));
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_request_has_no_token_in_any_header() {
    let (_, slot) = slot().await;
    let api = Api::<ReplayBody<Full<Bytes>>>::new([]);
    let service = OAuthLayer::new(slot).layer(api.clone());
    let response = service.oneshot(post("https://b.test/", full("x"))).await.unwrap();
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotAttached(NotAttached::ForeignOrigin)));
    assert!(api.seen()[0].head.headers.is_empty());
}

/// How often a request is sent, whose first send has this challenge.
async fn sends(token: Token, challenge: &str) -> (usize, Option<String>) {
    let slot = TokenSlot::builder(StaticToken::new(token))
        .origins(Origins::parse([API]).unwrap())
        .clock(TokioClock::new())
        .build();
    slot.token().await.unwrap();
    let refusing = Answer::status(401).header("www-authenticate", challenge);
    let api = Api::<ReplayBody<Full<Bytes>>>::new([refusing]);
    let response =
        OAuthLayer::new(slot.clone()).layer(api.clone()).oneshot(post(API, full("x"))).await;
    let _ = response.unwrap();
    let tokens = api.tokens();
    // The same token again is no reason for a second send; the flight shows what was asked for.
    (slot.status().flights.try_into().unwrap(), tokens[0].clone())
}

#[tokio::test(start_paused = true)]
async fn a_challenge_of_the_tokens_own_scheme_is_a_refusal_of_it() {
    let dpop = || Token::with_scheme("DPoP", "abc").unwrap();
    let bare = || Token::bare("abc").unwrap();
    let bearer = || Token::bearer("abc").unwrap();
    let sent = |text: &str| Some(text.to_owned());
    let fault = "DPoP error=\"invalid_token\"";
    assert_eq!(sends(dpop(), fault).await, (2, sent("DPoP abc")));
    assert_eq!(sends(dpop(), "Bearer").await, (2, sent("DPoP abc")));
    assert_eq!(sends(dpop(), "Basic realm=\"x\"").await, (1, sent("DPoP abc")));
    assert_eq!(sends(bearer(), fault).await, (1, sent("Bearer abc")));
    assert_eq!(sends(bare(), "Basic realm=\"x\"").await, (2, sent("abc")));
}
