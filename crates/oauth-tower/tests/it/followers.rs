//! tower-http's `FollowRedirect` below a layer that is not set up to know where responses come from: with the
//! features `tower-http-06` and `tower-http-07` it knows by itself, without them it cannot.

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use oauth_core::{BoxError, NotReplayed, Outcome};
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::{Answer, Api, full, get, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

type Web = Api<Full<Bytes>>;
type Own = fn(&http::Extensions) -> Option<&Uri>;

/// What the API was sent, what the caller learns, and how often a token was asked for.
struct Done {
    sent: Vec<String>,
    outcome: Outcome,
    tokens: u64,
}

/// Sends a request through the layer and this follower.
async fn done<F>(
    follower: &F,
    own: Option<Own>,
    request: Request<Full<Bytes>>,
    answers: Vec<Answer>,
) -> Done
where
    F: Layer<Web>,
    F::Service:
        Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone,
{
    let issuer = Issuer::new();
    // Held, so that a flight would not be given up with the layer.
    let slot = issuer.ready_slot().await;
    let api = Web::new(answers);
    let oauth = OAuthLayer::new(slot.clone());
    let oauth = match own {
        Some(own) => oauth.response_uri(own),
        None => oauth,
    };
    let service = oauth.replay(CloneBody).layer(follower.layer(api.clone()));
    let response = service.oneshot(request).await.unwrap();
    settle().await;
    let sent = api.seen();
    let sent = sent.iter().map(|seen| format!("{} {}", seen.head.method, seen.head.uri.path()));
    let outcome = Outcome::of(response.extensions());
    Done { sent: sent.collect(), outcome, tokens: issuer.requests() }
}

fn order() -> Request<Full<Bytes>> {
    post(&format!("{API}/orders"), full("one"))
}

fn moved(location: &str) -> Answer {
    Answer::status(307).header("location", location)
}

/// `POST /orders`, 303, `GET /orders/1`, 401, and then as often as it is tried.
fn refused_order() -> Vec<Answer> {
    vec![Answer::see_other("/orders/1"), Answer::status(401), Answer::see_other("/orders/2")]
}

const ONCE: [&str; 2] = ["POST /orders", "GET /orders/1"];
const TWICE: [&str; 4] = ["POST /orders", "GET /orders/1", "POST /orders", "GET /orders/2"];

/// Everything that depends on whether a follower is known. `by_hand` is what a user would write.
async fn assert_known<F>(known: bool, follower: F, by_hand: Own)
where
    F: Layer<Web>,
    F::Service:
        Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone,
{
    // An order that was made is not made twice, as if it had been told.
    for own in [None, Some(by_hand)] {
        let known = known || own.is_some();
        let done = done(&follower, own, order(), refused_order()).await;
        let told = matches!(done.outcome, Outcome::NotReplayed(NotReplayed::Redirected));
        assert_eq!(told, known, "{:?}", done.outcome);
        assert_eq!(done.sent, if known { &ONCE[..] } else { &TWICE });
        assert_eq!(done.tokens, 2);
    }

    // A request that changes nothing is sent again from the start.
    let answers = vec![moved("/moved"), Answer::status(401), moved("/moved")];
    let again = done(&follower, None, get(API), answers).await;
    assert!(matches!(again.outcome, Outcome::Replayed), "{:?}", again.outcome);
    assert_eq!((again.sent.len(), again.tokens), (4, 2));

    // Without a redirect any request is.
    let again = done(&follower, None, order(), vec![Answer::status(401)]).await;
    assert!(matches!(again.outcome, Outcome::Replayed), "{:?}", again.outcome);
    assert_eq!((again.sent.len(), again.tokens), (2, 2));

    // A 401 from another origin is not the API's.
    let answers = vec![moved("https://b.test/"), Answer::status(401)];
    let away = done(&follower, None, get(API), answers).await;
    assert_eq!(matches!(away.outcome, Outcome::RedirectedAway), known, "{:?}", away.outcome);
    assert_eq!(away.tokens, if known { 1 } else { 2 });

    // A function of one's own goes before, whatever it says.
    let silent = done(&follower, Some(|_| None), order(), refused_order()).await;
    assert_eq!(silent.sent, TWICE);
    let always: Own = |_| {
        static ELSEWHERE: std::sync::OnceLock<Uri> = std::sync::OnceLock::new();
        Some(ELSEWHERE.get_or_init(|| Uri::from_static("https://b.test/")))
    };
    let away = done(&follower, Some(always), get(API), vec![Answer::status(200)]).await;
    assert!(matches!(away.outcome, Outcome::RedirectedAway), "{:?}", away.outcome);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_that_tower_http_0_6_follows_is_known_with_the_feature_alone() {
    use tower_http_0_6::follow_redirect::{FollowRedirectLayer, RequestUri};
    let known = cfg!(feature = "tower-http-06");
    let by_hand: Own = |found| found.get::<RequestUri>().map(|uri| &uri.0);
    assert_known(known, FollowRedirectLayer::new(), by_hand).await;
}

#[tokio::test(start_paused = true)]
async fn a_redirect_that_tower_http_0_7_follows_is_known_with_the_feature_alone() {
    use tower_http::follow_redirect::{FollowRedirectLayer, RequestUri};
    let known = cfg!(feature = "tower-http-07");
    let by_hand: Own = |found| found.get::<RequestUri>().map(|uri| &uri.0);
    assert_known(known, FollowRedirectLayer::new(), by_hand).await;
}

/// Nothing of the request is kept then but its URI.
#[tokio::test(start_paused = true)]
async fn without_replay_a_401_from_another_origin_refreshes_nothing_where_the_follower_is_known() {
    for old in [true, false] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        let api = Web::new([moved("https://b.test/"), Answer::status(401)]);
        let oauth = OAuthLayer::new(slot.clone()).replay(NoReplay);
        let response = if old {
            let inner = tower_http_0_6::follow_redirect::FollowRedirect::new(api.clone());
            oauth.layer(inner).oneshot(get(API)).await.unwrap()
        } else {
            let inner = tower_http::follow_redirect::FollowRedirect::new(api.clone());
            oauth.layer(inner).oneshot(get(API)).await.unwrap()
        };
        settle().await;
        let [by_0_6, by_0_7] = [cfg!(feature = "tower-http-06"), cfg!(feature = "tower-http-07")];
        let known = (old && by_0_6) || (!old && by_0_7);
        let outcome = Outcome::of(response.extensions());
        assert_eq!(matches!(outcome, Outcome::RedirectedAway), known, "{old}: {outcome:?}");
        assert_eq!(issuer.requests(), if known { 1 } else { 2 }, "{old}");
    }
}

/// One inside a ready-made client, of the older version, and one of one's own around it.
#[cfg(all(feature = "tower-http-06", feature = "tower-http-07"))]
#[tokio::test(start_paused = true)]
async fn of_two_followers_the_one_inside_the_client_is_believed() {
    let both = (
        tower_http::follow_redirect::FollowRedirectLayer::new(),
        tower_http_0_6::follow_redirect::FollowRedirectLayer::new(),
    );
    let done = done(&both, None, order(), refused_order()).await;
    assert!(matches!(done.outcome, Outcome::NotReplayed(NotReplayed::Redirected)));
    assert_eq!(done.sent, ONCE);
}
