//! What a guard notes of a request's way is known of the response, whoever is between: redirects back to
//! where they began, and places that change from try to try.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use oauth_core::{BoxError, NotReplayed, Origins, Outcome, TokenSlot};
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tokio::time::sleep;
use tower::util::{BoxCloneService, MapRequestLayer};
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::scripted::{Answer, Api, full, get, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

type Web = Api<Full<Bytes>>;
type Answered = Result<Response<Full<Bytes>>, BoxError>;

fn moved(location: &str) -> Answer {
    Answer::status(307).header("location", location)
}

/// A request above a follower above a guard.
async fn call(
    slot: &TokenSlot,
    replays: bool,
    method: Method,
    answers: Vec<Answer>,
) -> (Vec<String>, Response<Full<Bytes>>) {
    let oauth = OAuthLayer::new(slot.clone());
    let api = Web::new(answers);
    let inner = FollowRedirectLayer::new().layer(oauth.guard().layer(api.clone()));
    let request = Request::builder().method(method).uri(format!("{API}/a"));
    let request = request.body(full("")).unwrap();
    let response = if replays {
        oauth.replay(CloneBody).layer(inner).oneshot(request).await.unwrap()
    } else {
        oauth.replay(NoReplay).layer(inner).oneshot(request).await.unwrap()
    };
    settle().await;
    let tokens = api.tokens().into_iter().map(|token| token.unwrap_or_default());
    (tokens.map(|token| token.trim_start_matches("Bearer ").to_owned()).collect(), response)
}

/// As in `acceptance.rs`: a minute after such a response to the newer token, is the one before it gone?
async fn is_acceptance(replays: bool, method: Method, answers: Vec<Answer>) -> bool {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    call(&slot, true, Method::GET, Vec::new()).await;
    slot.refresh().await.unwrap();
    let (tokens, _) = call(&slot, replays, method, answers).await;
    assert!(tokens.iter().all(|token| token == "t2"), "{tokens:?}");
    sleep(Duration::from_secs(61)).await;
    let (tokens, _) = call(&slot, true, Method::GET, vec![Answer::status(401)]).await;
    let accepted = tokens == ["t2", "t3"];
    assert!(accepted || tokens == ["t2", "t1"], "{tokens:?}");
    accepted
}

#[tokio::test(start_paused = true)]
async fn a_redirect_back_to_where_it_began_is_not_an_acceptance() {
    for replays in [true, false] {
        for method in [Method::GET, Method::POST, Method::HEAD] {
            let back = || vec![moved("/b"), moved("/a")];
            assert!(!is_acceptance(replays, method.clone(), back()).await, "{replays} {method}");
            assert!(!is_acceptance(replays, method.clone(), vec![moved("/a")]).await);
            assert!(is_acceptance(replays, method.clone(), Vec::new()).await, "{replays} {method}");
        }
    }
}

/// The second send is looked at as the first.
#[tokio::test(start_paused = true)]
async fn nor_is_it_one_of_a_second_send() {
    for (after, expected) in [(vec![], true), (vec![moved("/b"), moved("/a")], false)] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        call(&slot, true, Method::GET, Vec::new()).await;
        let answers = [vec![Answer::status(401)], after].concat();
        let (tokens, response) = call(&slot, true, Method::GET, answers).await;
        assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
        assert_eq!(tokens[..2], ["t1", "t2"]);
        sleep(Duration::from_secs(61)).await;
        // Another target than the one that refused the older token.
        let (tokens, _) = call(&slot, true, Method::POST, vec![Answer::status(401)]).await;
        assert_eq!(tokens == ["t2", "t3"], expected, "{tokens:?}");
    }
}

/// Whatever was known of the token before.
#[tokio::test(start_paused = true)]
async fn an_order_that_was_made_is_not_made_twice_with_a_token_that_was_accepted_before() {
    for accepted in [false, true] {
        for (method, sends, requests) in [(Method::POST, 2, 2), (Method::GET, 3, 2)] {
            let issuer = Issuer::new();
            let slot = issuer.ready_slot().await;
            if accepted {
                call(&slot, true, Method::GET, Vec::new()).await;
            }
            let made = vec![Answer::see_other("/orders/1"), Answer::status(401)];
            let (tokens, response) = call(&slot, true, method.clone(), made).await;
            let outcome = Outcome::of(response.extensions());
            let told = matches!(outcome, Outcome::NotReplayed(NotReplayed::Redirected));
            assert_eq!(told, method == Method::POST, "{accepted} {outcome:?}");
            assert_eq!((tokens.len(), issuer.requests()), (sends, requests), "{accepted} {method}");
        }
    }
}

/// Tries once more after a 503, with the same extensions.
#[derive(Clone)]
struct After503;

impl tower::retry::Policy<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError> for After503 {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Answered,
    ) -> Option<Self::Future> {
        let status = result.as_ref().ok()?.status();
        (status == StatusCode::SERVICE_UNAVAILABLE).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

/// Two nodes of one service, in turn, below a retry.
fn nodes(
    oauth: &OAuthLayer,
    api: Web,
) -> BoxCloneService<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError> {
    let turn = Arc::new(AtomicUsize::new(0));
    let rewrite = MapRequestLayer::new(move |mut request: Request<Full<Bytes>>| {
        let node = turn.fetch_add(1, Ordering::SeqCst) % 2;
        let uri = ["https://one.test/a", "https://two.test/a"][node];
        *request.uri_mut() = Uri::from_static(uri);
        request
    });
    let stack = ServiceBuilder::new().retry(After503).layer(rewrite).layer(oauth.guard());
    BoxCloneService::new(stack.service(api))
}

#[tokio::test(start_paused = true)]
async fn of_several_tries_below_the_layer_the_latest_says_where_the_request_was_sent() {
    for (answers, sends) in [
        (vec![Answer::status(503), Answer::status(401)], 3),
        (vec![Answer::status(401)], 2),
        (vec![Answer::status(401), Answer::status(503)], 3),
    ] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        let origins = Origins::parse([API, "https://one.test", "https://two.test"]).unwrap();
        let oauth = OAuthLayer::new(slot.clone()).origins(origins);
        let api = Web::new(answers);
        let inner = nodes(&oauth, api.clone());
        let service = oauth.replay(CloneBody).layer(inner);
        let response = service.oneshot(post(API, full("one"))).await.unwrap();
        let outcome = Outcome::of(response.extensions());
        assert!(matches!(outcome, Outcome::Replayed), "{outcome:?}");
        assert_eq!((response.status().as_u16(), api.seen().len()), (200, sends));
        assert_eq!((issuer.requests(), slot.status().foreign_responses), (2, 0));
    }
}

/// A client that follows redirects by itself, below the guard, and says where its response is from.
#[tokio::test(start_paused = true)]
async fn a_follower_below_the_guard_is_believed_if_it_says_where_the_response_is_from() {
    use tower_http::follow_redirect::RequestUri;
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    let told = |found: &http::Extensions| -> bool { found.get::<RequestUri>().is_some() };
    let oauth = OAuthLayer::new(slot.clone())
        .response_uri(|found| found.get::<RequestUri>().map(|uri| &uri.0));
    let api = Web::new([Answer::see_other("/orders/1"), Answer::status(401)]);
    let client = FollowRedirectLayer::new().layer(api.clone());
    let service = oauth.clone().replay(CloneBody).layer(oauth.guard().layer(client));
    let response = service.oneshot(post(API, full("one"))).await.unwrap();
    assert!(told(response.extensions()));
    let outcome = Outcome::of(response.extensions());
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Redirected)), "{outcome:?}");
    assert_eq!(api.seen().len(), 2);
    // Without a redirect it is sent again.
    settle().await;
    let api = Web::new([Answer::status(401)]);
    let client = FollowRedirectLayer::new().layer(api.clone());
    let service = oauth.clone().replay(CloneBody).layer(oauth.guard().layer(client));
    let response = service.oneshot(get(API)).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
}
