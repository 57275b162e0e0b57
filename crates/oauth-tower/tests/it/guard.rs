//! The guard directly around the client: through every policy of tower-http's `FollowRedirect`, in both
//! versions that are in use, no foreign host sees the token.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use oauth_core::{BoxError, NotAttached, Origin, Origins, Outcome, StaticToken, Token, TokenSlot};
use oauth_tower::{CloneBody, Guard, NoReplay, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::{Answer, Api, get};
use oauth_adapter_tests::issuer::{API, Issuer};

type Web = Api<Full<Bytes>>;

/// Places that the API redirects to, one after the other.
const CHAINS: [&[&str]; 8] = [
    &["https://evil.test/1", "https://evil.test/2"],
    &["https://evil.test/1", "/2", "/3"],
    &["https://evil.test/1", "https://worse.test/2", "https://worse.test/3"],
    &["http://api.test/1", "http://api.test/2"],
    &["https://api.test:8443/1", "https://api.test:8443/2"],
    &["https://api.test.evil.test/1", "https://api.test.evil.test/2"],
    &["https://evil.test/1", "https://api.test/2", "https://api.test/3"],
    &["https://api.test/1", "https://evil.test/2", "https://evil.test/3"],
];

fn web(chain: &[&str]) -> Web {
    Api::new(chain.iter().map(|place| Answer::status(307).header("location", place)))
}

fn is_api(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") && uri.authority().is_some_and(|host| host == "api.test")
}

/// What was sent where, and with which token.
fn sent(web: &Web) -> Vec<(Uri, Option<String>)> {
    sent_in(web, &AUTHORIZATION)
}

fn sent_in(web: &Web, header: &HeaderName) -> Vec<(Uri, Option<String>)> {
    let token = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let seen = web.seen();
    seen.iter()
        .map(|seen| (seen.head.uri.clone(), seen.head.headers.get(header).map(token)))
        .collect()
}

/// Sends a request through the layer, this follower and the guard, along each chain, with the token in its
/// usual header and in another one, which followers know nothing about.
async fn assert_kept<F>(name: &str, follower: F)
where
    F: Layer<Guard<Web>>,
    F::Service:
        Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone,
{
    let other = HeaderName::from_static("x-api-token");
    let headers = [AUTHORIZATION, other];
    for (chain, header) in CHAINS.iter().flat_map(|c| headers.iter().map(move |h| (*c, h))) {
        let slot = Issuer::new().builder().header(header.clone()).build();
        slot.token().await.unwrap();
        let web = web(chain);
        let oauth = OAuthLayer::new(slot.clone());
        let follower = follower.layer(oauth.guard().layer(web.clone()));
        let service = oauth.replay(CloneBody).layer(follower);
        let response = service.oneshot(get(API)).await.unwrap();
        let sent = sent_in(&web, header);
        for (uri, token) in &sent {
            assert!(token.is_none() || is_api(uri), "{name}: {chain:?}: {uri} got {token:?}");
        }
        assert_eq!(sent[0].1.as_deref(), Some("Bearer t1"));
        let foreign = sent.last().is_some_and(|(uri, _)| !is_api(uri));
        let outcome = Outcome::of(response.extensions());
        let told = matches!(outcome, Outcome::RedirectedAway);
        assert_eq!(told, foreign, "{name}: {chain:?}: {outcome:?}");
        assert_eq!(slot.status().foreign_responses, u64::from(foreign), "{name}: {chain:?}");
    }
}

/// Every policy that a version of tower-http ships. A macro, because the versions have no trait in
/// common.
macro_rules! every_policy {
    ($tower_http:ident) => {{
        use $tower_http::follow_redirect::FollowRedirectLayer as Follow;
        use $tower_http::follow_redirect::policy::{
            Action, FilterCredentials, Limited, PolicyExt, SameOrigin, Standard, clone_body_fn,
            redirect_fn,
        };
        let follow_all = || redirect_fn(|_: &_| Ok::<_, BoxError>(Action::Follow));
        let clone_body = || clone_body_fn(|body: &Full<Bytes>| Some(body.clone()));
        let limited = || Limited::new(10);
        assert_kept("default", Follow::new()).await;
        assert_kept("Standard", Follow::with_policy(Standard::default())).await;
        assert_kept("Limited", Follow::with_policy(limited())).await;
        assert_kept("SameOrigin", Follow::with_policy(SameOrigin::new())).await;
        for filter in [
            FilterCredentials::new(),
            FilterCredentials::new().block_any(),
            FilterCredentials::new().block_none(),
            FilterCredentials::new().block_cross_origin(false),
            FilterCredentials::new().remove_blocklisted(false),
            FilterCredentials::new().remove_all(),
            FilterCredentials::new().remove_none(),
        ] {
            assert_kept("FilterCredentials", Follow::with_policy(filter)).await;
        }
        assert_kept("redirect_fn", Follow::with_policy(follow_all())).await;
        assert_kept("Action", Follow::with_policy(Action::Follow)).await;
        let and = limited().and::<_, Full<Bytes>, BoxError>(clone_body());
        assert_kept("And", Follow::with_policy(and)).await;
        let or = SameOrigin::new().or::<_, Full<Bytes>, BoxError>(limited());
        assert_kept("Or", Follow::with_policy(or)).await;
    }};
}

#[tokio::test(start_paused = true)]
async fn no_policy_of_tower_http_0_6_takes_the_token_to_a_foreign_host() {
    every_policy!(tower_http_0_6);
}

#[tokio::test(start_paused = true)]
async fn no_policy_of_tower_http_0_7_takes_the_token_to_a_foreign_host() {
    every_policy!(tower_http);
}

/// Where the token goes without a guard, along the first chain.
async fn unguarded<F>(follower: F) -> Vec<Option<String>>
where
    F: Layer<Web>,
    F::Service:
        Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone,
{
    let web = web(CHAINS[0]);
    let oauth = OAuthLayer::new(Issuer::new().ready_slot().await).replay(CloneBody);
    oauth.layer(follower.layer(web.clone())).oneshot(get(API)).await.unwrap();
    web.tokens()
}

/// Why the guard is there. If one of these fails, tower-http has changed for the better.
#[tokio::test(start_paused = true)]
async fn without_a_guard_tower_http_takes_the_token_to_a_foreign_host() {
    use tower_http::follow_redirect::{FollowRedirectLayer as Follow07, policy::Limited};
    use tower_http_0_6::follow_redirect::FollowRedirectLayer as Follow06;
    let token = || Some("Bearer t1".to_owned());
    assert_eq!(unguarded(Follow06::new()).await, [token(), None, token()]);
    assert_eq!(unguarded(Follow07::new()).await, [token(), None, None]);
    let limited = Follow07::with_policy(Limited::new(10));
    assert_eq!(unguarded(limited).await, [token(), token(), token()]);
}

fn request(uri: &str, authorization: &[&'static str]) -> Request<Full<Bytes>> {
    let mut request = get(uri);
    for value in authorization {
        request.headers_mut().append("authorization", HeaderValue::from_static(value));
    }
    request
}

/// The `Authorization` headers that are left behind the guard.
async fn behind(oauth: &OAuthLayer, request: Request<Full<Bytes>>) -> Vec<String> {
    let web = web(&[]);
    oauth.guard().layer(web.clone()).oneshot(request).await.unwrap();
    let seen = web.seen();
    let values = seen[0].head.headers.get_all("authorization").iter();
    values.map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_the_header_in_other_memory_is_known() {
    let oauth = OAuthLayer::new(Issuer::new().ready_slot().await);
    assert_eq!(behind(&oauth, request(API, &["Bearer t1"])).await, ["Bearer t1"]);
    assert!(behind(&oauth, request("https://evil.test/", &["Bearer t1"])).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_while_the_request_was_under_way_is_known() {
    let slot = Issuer::new().ready_slot().await;
    let old = slot.cached().unwrap();
    assert_eq!(slot.replace(old.generation()).await.unwrap().expose_secret(), "t2");
    let oauth = OAuthLayer::new(slot.clone());
    for token in ["Bearer t1", "Bearer t2"] {
        assert!(behind(&oauth, request("https://evil.test/", &[token])).await.is_empty());
    }
    assert_eq!(slot.status().tokens_withheld, 2);
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_header_and_that_of_another_slot_are_left_alone() {
    let slot = Issuer::new().ready_slot().await;
    let oauth = OAuthLayer::new(slot.clone());
    let own = request("https://evil.test/", &["Basic abc", "Bearer t1", "Bearer other"]);
    assert_eq!(behind(&oauth, own).await, ["Basic abc", "Bearer other"]);
    assert_eq!(slot.status().tokens_withheld, 1);
    let own = request("https://evil.test/", &["Basic abc", "Bearer other"]);
    assert_eq!(behind(&oauth, own).await, ["Basic abc", "Bearer other"]);
    assert_eq!(slot.status().tokens_withheld, 1);
}

#[tokio::test(start_paused = true)]
async fn the_guard_reads_a_destination_as_the_layer_does() {
    let second = Origin::parse("https://second.test").unwrap();
    let slot = Issuer::new().ready_slot().await;
    let oauth = OAuthLayer::new(slot)
        .origins(Origins::parse(["https://api.test", "https://second.test"]).unwrap());
    let kept = ["Bearer t1"];
    for (uri, host, stays) in [
        ("https://API.test:443/x", None, true),
        ("https://second.test/", None, true),
        ("https://api.test/", Some("api.test"), true),
        ("https://api.test/", Some("evil.test"), false),
        ("https://user@api.test/", None, false),
        ("/relative", None, false),
    ] {
        let mut request = request(uri, &["Bearer t1"]);
        if let Some(host) = host {
            request.headers_mut().insert("host", HeaderValue::from_static(host));
        }
        let expected: &[&str] = if stays { &kept } else { &[] };
        assert_eq!(behind(&oauth, request).await, expected, "{uri} {host:?}");
    }
    let inner = oauth.clone().inner_origin(second);
    assert_eq!(behind(&inner, request("/relative", &["Bearer t1"])).await, kept);
}

#[tokio::test(start_paused = true)]
async fn without_declared_origins_nothing_passes_the_guard() {
    let slot = TokenSlot::new(StaticToken::new(Token::bearer("t1").unwrap()));
    slot.token().await.unwrap();
    assert!(behind(&OAuthLayer::new(slot), request(API, &["Bearer t1"])).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_slots_with_a_guard_each_keep_their_own_tokens_and_report_correctly() {
    for replays in [true, false] {
        let first = Issuer::new().ready_slot().await;
        let second = TokenSlot::builder(StaticToken::new(Token::bearer("s").unwrap()))
            .origins(Origins::parse(["https://second.test"]).unwrap())
            .build();
        second.token().await.unwrap();
        let web = web(&["https://second.test/1", "https://api.test/2", "https://evil.test/3"]);
        let (one, other) = (OAuthLayer::new(first.clone()), OAuthLayer::new(second.clone()));
        let guarded = one.guard().layer(other.guard().layer(web.clone()));
        let follow = tower_http_0_6::follow_redirect::FollowRedirect::new(guarded);
        let response = if replays {
            let service = one.replay(CloneBody).layer(other.replay(CloneBody).layer(follow));
            service.oneshot(get("https://api.test/")).await.unwrap()
        } else {
            let service = one.replay(NoReplay).layer(other.replay(NoReplay).layer(follow));
            service.oneshot(get("https://api.test/")).await.unwrap()
        };
        let sent = sent(&web);
        for (uri, token) in &sent {
            let may = if is_api(uri) { Some("Bearer t1") } else { None };
            assert!(token.is_none() || token.as_deref() == may, "{uri} {token:?}");
        }
        assert_eq!(sent.len(), 4);
        assert!(matches!(Outcome::of(response.extensions()), Outcome::RedirectedAway));
        assert_eq!(first.status().foreign_responses, 1);
        assert_eq!(second.status().foreign_responses, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_the_other_slots_api_is_not_taken_for_redirected() {
    for (uri, replays) in
        [(API, true), (API, false), ("https://second.test/", true), ("https://second.test/", false)]
    {
        let first = Issuer::new().ready_slot().await;
        let second = TokenSlot::builder(StaticToken::new(Token::bearer("s").unwrap()))
            .origins(Origins::parse(["https://other.test", "https://second.test"]).unwrap())
            .build();
        second.token().await.unwrap();
        let (one, other) = (OAuthLayer::new(first.clone()), OAuthLayer::new(second.clone()));
        let guarded = one.guard().layer(other.guard().layer(web(&[])));
        let response = if replays {
            let service = one.replay(CloneBody).layer(other.replay(CloneBody).layer(guarded));
            service.oneshot(get(uri)).await.unwrap()
        } else {
            let service = one.replay(NoReplay).layer(other.replay(NoReplay).layer(guarded));
            service.oneshot(get(uri)).await.unwrap()
        };
        let outcome = Outcome::of(response.extensions());
        // The outer layer tells of a request that the inner one has served that it passed it.
        let told = if uri == API {
            matches!(outcome, Outcome::Attached)
        } else {
            matches!(outcome, Outcome::NotAttached(NotAttached::ForeignOrigin))
        };
        assert!(told, "{uri} {replays}: {outcome:?}");
        assert_eq!(first.status().foreign_responses + second.status().foreign_responses, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_401_behind_a_guard_is_not_a_refusal_of_the_token() {
    for replays in [true, false] {
        let issuer = Issuer::new();
        let slot = issuer.ready_slot().await;
        let oauth = OAuthLayer::new(slot.clone());
        let to = Answer::status(307).header("location", "https://evil.test/");
        let web = Web::new([to, Answer::status(401)]);
        let follow =
            tower_http_0_6::follow_redirect::FollowRedirect::new(oauth.guard().layer(web.clone()));
        let response = if replays {
            oauth.replay(CloneBody).layer(follow).oneshot(get(API)).await.unwrap()
        } else {
            oauth.replay(NoReplay).layer(follow).oneshot(get(API)).await.unwrap()
        };
        oauth_adapter_tests::issuer::settle().await;
        assert_eq!((response.status().as_u16(), issuer.requests()), (401, 1));
        assert!(matches!(Outcome::of(response.extensions()), Outcome::RedirectedAway));
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_inside_a_guard_can_be_reached_and_taken_out() {
    let oauth = OAuthLayer::new(Issuer::new().ready_slot().await);
    let mut guard = oauth.guard().layer(7);
    assert_eq!(*guard.get_ref(), 7);
    *guard.get_mut() = 8;
    assert_eq!(guard.into_inner(), 8);
}
