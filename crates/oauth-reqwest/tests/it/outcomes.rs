//! What the caller sees when things do not go as they should.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt, stream};
use http::Extensions;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use oauth_core::{
    NoToken, NotAttached, OnForeignOrigin, Origins, Outcome, StaticToken, Token, TokenSlot, Verdict,
};
use oauth_reqwest::{NoReplay, OAuthMiddleware, token_error};
use oauth_testkit::{Challenge, Fault, ProtectedApi};

use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

use crate::world::{Below, World, bytes, h2, in_pieces, outcome, plain, with};

#[tokio::test]
async fn a_second_401_is_delivered_untouched_and_reported() {
    let world = World::new().await;
    world.api.refuse_everything(true);
    world.api.challenge(Challenge::Custom("Bearer error=\"invalid_token\"".into()));
    let response = world.post(&world.client(), "x").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(outcome(&response), Outcome::Replayed));
    assert!(!response.bytes().await.unwrap().is_empty());
    assert_eq!(world.counts(), (2, 2, 2));
}

#[tokio::test]
async fn a_second_refusal_starts_no_flight_and_pauses_its_target_for_a_second_then_two() {
    let world = World::new().await;
    world.api.refuse_everything(true);
    let client = world.client();
    // How long there is a pause after the call, and how many flights there were.
    let call = async |path: &str| {
        let response = client.post(world.api.url(path)).body("x").send().await.unwrap();
        let wait = match outcome(&response) {
            Outcome::RefreshFailed(error) => error.retry_after().unwrap().as_secs(),
            _ => 0,
        };
        (wait, world.slot.status().flights)
    };
    assert_eq!(call("/a").await, (0, 2));
    assert_eq!(call("/a").await, (1, 2));
    // The query is no part of the target.
    assert_eq!(call("/a?b=c").await, (1, 2));
    // Another target has no pause.
    assert_eq!(call("/b").await, (0, 3));
    world.clock.advance_seconds(1);
    assert_eq!(call("/a").await, (0, 4));
    assert_eq!(call("/a").await, (2, 4));
    world.clock.advance_seconds(1);
    assert_eq!(call("/a").await, (1, 4));
}

#[tokio::test]
async fn whether_the_second_response_is_a_refusal_is_for_the_verdict_to_say() {
    for our_verdict in [Verdict::Replace, Verdict::Deliver] {
        let world = World::new().await;
        world.api.inject(Fault::status(401));
        world.api.inject(Fault::status(403));
        world.api.inject(Fault::status(401));
        let verdicts: fn(&http::response::Parts, Verdict) -> Verdict = match our_verdict {
            Verdict::Replace => |head, verdict| match head.status.as_u16() {
                403 => Verdict::Replace,
                _ => verdict,
            },
            Verdict::Deliver => |_, verdict| verdict,
        };
        let client = world.client_with(world.middleware().verdict(verdicts));
        let response = world.post(&client, "x").send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert!(matches!(outcome(&response), Outcome::Replayed));
        assert_eq!(world.slot.status().flights, 2);
        // A second refusal has paused the target.
        world.post(&client, "x").send().await.unwrap();
        let renewed = u64::from(our_verdict == Verdict::Deliver);
        assert_eq!(world.slot.status().flights, 2 + renewed);
    }
}

/// Responds with 401 before the body is read, and keeps that.
#[derive(Default)]
struct Early(Arc<Mutex<Option<Body>>>);

#[async_trait::async_trait]
impl Middleware for Early {
    async fn handle(
        &self,
        mut request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        *self.0.lock().unwrap() = request.body_mut().take();
        let url = request.url().clone();
        Ok(http::Response::builder().status(401).url(url).body("").unwrap().into())
    }
}

#[tokio::test]
async fn after_an_early_401_and_a_failed_refresh_the_first_body_flows_on() {
    let world = World::new().await;
    world.refuse_tokens();
    let early = Early::default();
    let first = early.0.clone();
    let client = ClientBuilder::new(plain().build().unwrap());
    let client = client.with(world.middleware()).with(early).build();
    let response = world.post(&client, in_pieces(&bytes(10), 3)).send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RefreshFailed(_)));
    let first = first.lock().unwrap().take().unwrap();
    let sent = first.collect().now_or_never().expect("no standstill").unwrap().to_bytes();
    assert_eq!(sent, bytes(10));
}

#[tokio::test]
async fn while_the_token_is_refreshed_the_first_body_stands_still() {
    let world = World::new().await;
    world.auth.inject(Fault::hang());
    let early = Early::default();
    let kept = early.0.clone();
    let client = ClientBuilder::new(plain().build().unwrap());
    let client = client.with(world.middleware()).with(early).build();
    let pulled = Arc::new(AtomicUsize::new(0));
    let pieces = stream::iter([bytes(3), bytes(7)]).inspect({
        let pulled = pulled.clone();
        move |_| {
            pulled.fetch_add(1, Ordering::SeqCst);
        }
    });
    let body = Body::wrap_stream(pieces.map(Ok::<_, std::convert::Infallible>));
    let call = tokio::spawn(world.post(&client, body).send());
    while world.auth.token_requests() < 2 {
        tokio::task::yield_now().await;
    }
    let mut first = kept.lock().unwrap().take().unwrap();
    assert!(first.frame().now_or_never().is_none());
    assert_eq!(pulled.load(Ordering::SeqCst), 0);

    world.auth.clear_faults();
    let response = call.await.unwrap().unwrap();
    assert!(matches!(outcome(&response), Outcome::Replayed));
    first.frame().now_or_never().unwrap().unwrap().unwrap_err();
    let second = kept.lock().unwrap().take().unwrap();
    assert_eq!(second.collect().await.unwrap().to_bytes(), [bytes(3), bytes(7)].concat());
    assert_eq!(pulled.load(Ordering::SeqCst), 2);
}

async fn a_failed_refresh(builder: reqwest::ClientBuilder, early: bool) {
    let world = World::revoked().await;
    world.refuse_tokens();
    world.api.respond_early(early);
    let client = with(builder, world.middleware());
    let response = world.post(&client, in_pieces(&bytes(3000), 1000)).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let Outcome::RefreshFailed(error) = outcome(&response) else {
        panic!("{:?}", outcome(&response));
    };
    assert_eq!(error.code(), Some("invalid_client"));
    let announced = response.content_length();
    let body = response.bytes().await.unwrap();
    assert_eq!(Some(body.len() as u64), announced);
    assert!(!body.is_empty());
    assert_eq!(world.counts(), (1, 1, 2));
}

#[tokio::test]
async fn when_the_refresh_fails_the_first_401_is_delivered_with_its_body() {
    a_failed_refresh(plain(), false).await;
    a_failed_refresh(h2(), false).await;
}

#[tokio::test]
async fn when_the_refresh_fails_an_early_401_is_delivered_with_its_body() {
    a_failed_refresh(plain(), true).await;
    a_failed_refresh(h2(), true).await;
}

#[tokio::test]
async fn the_error_of_the_second_send_is_the_callers() {
    let world = World::new().await;
    world.api.inject(Fault::status(401));
    world.api.inject(Fault::reset());
    let error = world.post(&world.client(), in_pieces(&bytes(10), 1)).send().await.unwrap_err();
    assert!(matches!(&error, reqwest_middleware::Error::Reqwest(_)), "{error:?}");
    assert!(token_error(&error).is_none());
    assert_eq!(world.api.requests(), 2);
}

#[tokio::test]
async fn without_a_token_the_request_is_not_sent_and_the_error_says_why() {
    let world = World::empty().await;
    world.refuse_tokens();
    let error = world.post(&world.client(), "x").send().await.unwrap_err();
    assert_eq!(token_error(&error).unwrap().code(), Some("invalid_client"));
    assert!(error.to_string().contains("no token for the request"), "{error}");
    assert_eq!(world.api.requests(), 0);
}

#[tokio::test]
async fn a_request_that_opts_out_gets_no_token_and_its_401_is_delivered() {
    let world = World::new().await;
    let request = world.post(&world.client(), "x").with_extension(NoToken);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(outcome(&response), Outcome::NotAttached(NotAttached::OptedOut)));
    assert_eq!(world.counts(), (1, 1, 1));
    assert_eq!(world.api.tokens_seen(), 0);
}

#[tokio::test]
async fn the_callers_own_authorization_stays_and_its_401_is_the_callers() {
    for world in [World::new().await, World::empty().await] {
        let before = world.auth.token_requests();
        let request = world.post(&world.client(), "x").bearer_auth("mine");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(matches!(outcome(&response), Outcome::NotAttached(NotAttached::OwnAuthorization)));
        assert_eq!(world.counts(), (1, 1, before));
        let sent = world.api.last_request().unwrap();
        assert_eq!(sent.header(AUTHORIZATION.as_str()), Some("Bearer mine"));
    }
}

#[tokio::test]
async fn a_foreign_origin_gets_no_token_and_is_counted() {
    let world = World::empty().await;
    let other = ProtectedApi::open().await.unwrap();
    let client = world.client();
    let response = client.get(other.url("/")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(matches!(outcome(&response), Outcome::NotAttached(NotAttached::ForeignOrigin)));
    assert_eq!((other.requests(), other.tokens_seen(), world.auth.token_requests()), (1, 0, 0));
    assert_eq!(world.slot.status().foreign_requests, 1);
}

#[tokio::test]
async fn a_foreign_origin_can_be_refused_instead() {
    let world = World::empty().await;
    let other = ProtectedApi::open().await.unwrap();
    let middleware = world.middleware().on_foreign_origin(OnForeignOrigin::Refuse);
    let client = world.client_with(middleware);
    let error = client.get(other.url("/")).send().await.unwrap_err();
    assert!(token_error(&error).unwrap().hint().is_some());
    assert_eq!(other.requests(), 0);
}

#[tokio::test]
async fn a_host_header_that_names_another_place_makes_the_request_foreign() {
    let world = World::new().await;
    let request = world.post(&world.client(), "x").header("host", "evil.test");
    let response = request.send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::NotAttached(NotAttached::ForeignOrigin)));
    assert_eq!(world.api.tokens_seen(), 0);
}

#[tokio::test]
async fn user_information_in_the_url_gets_no_token() {
    let world = World::new().await;
    let url = world.api.url("/").replace("http://", "http://user@");
    let response = world.client().get(url).send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::NotAttached(_)));
    assert_eq!(world.api.tokens_seen(), 1, "reqwest's own, made of the user information");
    let sent = world.api.last_request().unwrap();
    assert!(sent.header("authorization").unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn undeclared_origins_are_an_error_that_says_so_until_they_are_declared() {
    let api = ProtectedApi::open().await.unwrap();
    let slot = TokenSlot::new(StaticToken::new(Token::bearer("t1").unwrap()));
    let middleware = OAuthMiddleware::new(slot);
    let client = with(plain(), middleware.clone());
    let error = client.get(api.url("/")).send().await.unwrap_err();
    assert!(token_error(&error).unwrap().hint().unwrap().contains("Origins::any_https()"));
    assert_eq!(api.requests(), 0);
    let origins = Origins::parse([api.base_url().as_str()]).unwrap();
    let client = with(plain(), middleware.origins(origins));
    client.get(api.url("/")).send().await.unwrap();
    assert_eq!((api.requests(), api.tokens_seen()), (1, 1));
}

#[tokio::test]
async fn dropped_while_the_token_is_refreshed_the_next_request_has_the_new_one() {
    let world = World::revoked().await;
    world.auth.inject(Fault::hang());
    let client = world.client();
    let request = world.post(&client, "x").send();
    {
        let mut request = std::pin::pin!(request);
        while world.auth.token_requests() < 2 {
            tokio::select! {
                biased;
                _ = &mut request => panic!("answered without a token"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    world.auth.clear_faults();
    let response = world.post(&client, "x").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(world.auth.token_requests(), 2);
}

/// As many headers as a map can have.
fn crowded() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for number in 0..1 << 16 {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        if headers.try_insert(name, HeaderValue::from_static("x")).is_err() {
            return headers;
        }
    }
    panic!("a header map without end");
}

#[tokio::test]
async fn a_header_map_without_room_is_an_error_with_a_token_at_hand_and_one_that_was_waited_for() {
    let world = World::empty().await;
    for replays in [true, false] {
        for _waited_for_or_at_hand in 0..2 {
            let middleware = world.middleware();
            let middleware = if replays { middleware } else { middleware.replay(NoReplay) };
            let client = world.client_with(middleware);
            let error = world.post(&client, "x").headers(crowded()).send().await.unwrap_err();
            let told = token_error(&error).expect("ours").to_string();
            assert_eq!(told, "the request has too many headers for one more");
        }
    }
    assert_eq!(world.counts(), (0, 0, 1));
}

#[tokio::test]
async fn a_callers_own_header_in_a_map_without_room_goes_out_as_it_is() {
    let world = World::new().await;
    let mut headers = crowded();
    headers.remove("x-0");
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer mine"));
    let below = Below::new(|request, _| request.headers()[AUTHORIZATION].clone());
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(world.middleware())
        .with(below.clone())
        .with(Early::default())
        .build();
    let response = world.post(&client, "x").headers(headers).send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::NotAttached(NotAttached::OwnAuthorization)));
    assert_eq!(below.noted(), ["Bearer mine"]);
}
