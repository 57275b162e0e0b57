//! What the refusal's challenge tells the source, and a source that has no other token yet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use oauth_core::clock::TokioClock;
use oauth_core::{
    Error, FetchContext, FetchReason, Origins, Outcome, ReplayBody, Token, TokenSlot,
    source_fn_with,
};
use oauth_tower::{Buffered, NoReplay, OAuthLayer};
use tower::{Layer, ServiceExt};

use crate::scripted::{Answer, Api, full, post};
use oauth_adapter_tests::issuer::{API, settle};

const CHALLENGE: &str = r#"Bearer error="invalid_token", scope="orders:write", claims="e30=""#;

type Contexts = Arc<Mutex<Vec<FetchContext>>>;

/// Its source gives a new token, or after a refusal nothing for 30 s.
fn slot(puts_off: bool) -> (TokenSlot, Contexts) {
    let contexts = Contexts::default();
    let told = contexts.clone();
    let source = source_fn_with(move |cx| {
        let refused = cx.reason() == FetchReason::Refused;
        let mut told = told.lock().unwrap();
        told.push(cx);
        let number = told.len();
        async move {
            if refused && puts_off {
                return Err(Error::not_now(Duration::from_secs(30)));
            }
            Ok(Token::bearer(format!("t{number}"))?.expires_in(Duration::from_secs(3600)))
        }
    });
    let origins = Origins::parse([API]).unwrap();
    (TokenSlot::builder(source).origins(origins).clock(TokioClock::new()).build(), contexts)
}

fn refusing() -> Answer {
    Answer::status(401).header("www-authenticate", CHALLENGE).body("the API's words")
}

fn assert_told(contexts: &Contexts) {
    let contexts = contexts.lock().unwrap();
    assert_eq!(contexts.len(), 2);
    let cx = &contexts[1];
    assert_eq!(cx.refused_token().unwrap().expose_secret(), "t1");
    let hints = cx.hints();
    assert_eq!(hints.error(), Some("invalid_token"));
    assert_eq!((hints.scope(), hints.claims()), (Some("orders:write"), Some("e30=")));
    assert_eq!((hints.resource_metadata(), hints.acr_values()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn the_source_gets_the_challenge_of_a_request_that_is_sent_again() {
    let (slot, contexts) = slot(false);
    let api = Api::<ReplayBody<Full<Bytes>>>::new([refusing()]);
    let service = OAuthLayer::new(slot).layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_told(&contexts);
}

#[tokio::test(start_paused = true)]
async fn the_source_gets_the_challenge_of_a_request_that_cannot_be_sent_again() {
    let (slot, contexts) = slot(false);
    let api = Api::<Full<Bytes>>::new([refusing()]);
    let service = OAuthLayer::new(slot.clone()).replay(NoReplay).layer(api.clone());
    let response = service.oneshot(post(API, full("x"))).await.unwrap();
    assert_eq!(response.status(), 401);
    settle().await;
    assert_told(&contexts);
}

#[tokio::test(start_paused = true)]
async fn a_401_is_delivered_untouched_when_there_is_no_other_token_yet() {
    let (slot, contexts) = slot(true);
    let api = Api::<ReplayBody<Full<Bytes>>>::new([refusing(), refusing(), Answer::status(200)]);
    let layer: OAuthLayer<Buffered> = OAuthLayer::new(slot.clone());
    for _ in 0..2 {
        let service = layer.layer(api.clone());
        let response = service.oneshot(post(API, full("x"))).await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().len()), (401, 1));
        let Outcome::RefreshFailed(error) = Outcome::of(response.extensions()) else {
            panic!("there is no other token")
        };
        assert!(error.is_not_now(), "{error}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    }
    // One flight, no failure, and the token is still in use.
    assert_told(&contexts);
    assert_eq!((slot.status().flights, slot.status().failures), (2, 0));
    let response = layer.layer(api.clone()).oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Attached));
    let tokens = api.tokens();
    assert_eq!(tokens, vec![Some("Bearer t1".to_owned()); 3]);
}
