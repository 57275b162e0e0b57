//! The token goes to the origins that it was made for, and nowhere else.

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use oauth_core::{
    NotAttached, OnForeignOrigin, Origin, Origins, Outcome, ReplayBody, StaticToken, Token,
    TokenSlot,
};
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::{Api, full, post};
use crate::warnings::Warnings;
use oauth_adapter_tests::issuer::{API, Issuer};

type Plain = Api<ReplayBody<Full<Bytes>>>;

fn is_foreign(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotAttached(NotAttached::ForeignOrigin))
}

#[tokio::test(start_paused = true)]
async fn a_foreign_origin_gets_no_token_one_warning_and_is_counted_each_time() {
    let (warnings, _subscribed) = Warnings::gather();
    let issuer = Issuer::new();
    let slot = issuer.slot();
    let api = Plain::statuses([200, 401, 200]);
    let mut service = OAuthLayer::new(slot.clone()).layer(api.clone());
    for (uri, status) in
        [("https://b.test/x", 200), ("https://b.test/y", 401), ("https://c.test/", 200)]
    {
        let response = service.ready().await.unwrap().call(post(uri, full("x"))).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(is_foreign(&Outcome::of(response.extensions())));
    }
    assert_eq!(api.tokens(), [None, None, None]);
    assert_eq!(issuer.requests(), 0);
    assert_eq!(slot.status().foreign_requests, 3);
    assert_eq!(warnings.taken().len(), 2, "one for each origin");
}

#[tokio::test(start_paused = true)]
async fn what_merely_looks_like_the_origin_is_foreign() {
    let issuer = Issuer::new();
    let api = Plain::new([]);
    let mut service = OAuthLayer::new(issuer.ready_slot().await).layer(api.clone());
    for uri in [
        "http://api.test/",
        "https://api.test:444/",
        "https://api.test.evil.test/",
        "https://evil.test/api.test",
        "https://user@api.test/",
        "https://api.test@evil.test/",
        "https://api.test./",
        "https://sub.api.test/",
    ] {
        let response = service.ready().await.unwrap().call(post(uri, full("x"))).await.unwrap();
        assert!(is_foreign(&Outcome::of(response.extensions())), "{uri}");
    }
    assert!(api.tokens().iter().all(Option::is_none));
    for uri in ["https://API.test/", "https://api.test:443/x"] {
        service.ready().await.unwrap().call(post(uri, full("x"))).await.unwrap();
    }
    assert_eq!(api.tokens(), [Some("Bearer t1".into()), Some("Bearer t1".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_host_header_that_names_another_place_makes_the_request_foreign() {
    let api = Plain::new([]);
    let mut service = OAuthLayer::new(Issuer::new().ready_slot().await).layer(api.clone());
    for (host, foreign) in [("evil.test", true), ("api.test:8443", true), ("API.test:443", false)] {
        let mut request = post(API, full("x"));
        request.headers_mut().insert(HOST, HeaderValue::from_static(host));
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(is_foreign(&Outcome::of(response.extensions())), foreign, "{host}");
    }
    assert_eq!(api.tokens(), [None, None, Some("Bearer t1".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_origin_can_be_refused_instead() {
    let issuer = Issuer::new();
    let slot = issuer.slot();
    let api = Plain::new([]);
    let layer = OAuthLayer::new(slot.clone()).on_foreign_origin(OnForeignOrigin::Refuse);
    let error = layer.layer(api.clone()).oneshot(post("https://b.test/", full("x"))).await;
    let error = error.unwrap_err();
    let told = error.as_token().expect("ours").to_string();
    assert!(told.starts_with("the request goes to an origin that the token was not made for"));
    assert_eq!((api.seen().len(), issuer.requests()), (0, 0));
    assert_eq!(slot.status().foreign_requests, 0, "none passed without a token");
}

#[tokio::test(start_paused = true)]
async fn a_second_host_header_makes_the_request_foreign() {
    let api = Plain::statuses([200]);
    let mut request = post(API, full("x"));
    request.headers_mut().insert(HOST, HeaderValue::from_static("api.test"));
    request.headers_mut().append(HOST, HeaderValue::from_static("evil.test"));
    let service = OAuthLayer::new(Issuer::new().ready_slot().await).layer(api.clone());
    let response = service.oneshot(request).await.unwrap();
    assert!(is_foreign(&Outcome::of(response.extensions())));
    assert_eq!(api.tokens(), [None]);
}

#[tokio::test(start_paused = true)]
async fn an_inner_origin_with_a_wildcard_is_refused_with_what_to_do() {
    let layer = OAuthLayer::new(Issuer::new().ready_slot().await)
        .inner_origin(Origin::parse("https://*.api.test").unwrap());
    let error = layer.layer(Plain::statuses([200])).oneshot(relative()).await.unwrap_err();
    assert!(error.as_token().unwrap().to_string().contains("`inner_origin` has a wildcard"));
}

/// Two providers behind one client.
#[tokio::test(start_paused = true)]
async fn of_two_layers_the_one_whose_api_it_is_records_the_outcome() {
    const OTHER: &str = "https://other.test";
    let (outer, inner) = (Issuer::new(), Issuer::new());
    let inner_slot = inner.builder().origins(Origins::parse([OTHER]).unwrap()).build();
    inner_slot.token().await.unwrap();
    let outer_slot = outer.ready_slot().await;
    let stack = |api: Api<ReplayBody<ReplayBody<Full<Bytes>>>>| {
        let inner = OAuthLayer::new(inner_slot.clone()).layer(api);
        OAuthLayer::new(outer_slot.clone()).layer(inner)
    };
    // The outer layer's API: the inner one leaves the request alone.
    let response = stack(Api::statuses([200])).oneshot(post(API, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Attached));
    // The inner layer's API, which refuses its token once.
    let response = stack(Api::statuses([401, 200])).oneshot(post(OTHER, full("x"))).await.unwrap();
    assert!(matches!(Outcome::of(response.extensions()), Outcome::Replayed));
    assert_eq!((outer.requests(), inner.requests()), (1, 2));
}

fn relative() -> Request<Full<Bytes>> {
    post("/v1/things", full("x"))
}

#[tokio::test(start_paused = true)]
async fn a_relative_uri_is_an_error_unless_the_layer_knows_where_the_service_sends() {
    let issuer = Issuer::new();
    let api = Plain::new([]);
    let layer = OAuthLayer::new(issuer.slot());
    let error = layer.layer(api.clone()).oneshot(relative()).await.unwrap_err();
    assert!(error.as_token().unwrap().hint().unwrap().contains(".inner_origin("));
    assert_eq!(api.seen().len(), 0);

    let known = layer.clone().inner_origin(Origin::parse(API).unwrap());
    known.layer(api.clone()).oneshot(relative()).await.unwrap();
    assert_eq!(api.tokens(), [Some("Bearer t1".into())]);

    let elsewhere = layer.inner_origin(Origin::parse("https://b.test").unwrap());
    let response = elsewhere.layer(api.clone()).oneshot(relative()).await.unwrap();
    assert!(is_foreign(&Outcome::of(response.extensions())));
    assert_eq!(api.tokens(), [None]);
}

/// What is below the named place speaks of it as relatively as the request does.
#[tokio::test(start_paused = true)]
async fn a_response_with_a_relative_uri_to_a_relative_request_is_the_apis() {
    let layer = OAuthLayer::new(Issuer::new().ready_slot().await)
        .inner_origin(Origin::parse(API).unwrap())
        .response_uri(|found| found.get());
    let api = Api::<Full<Bytes>>::new([]).map_response(|mut response: Response<Full<Bytes>>| {
        response.extensions_mut().insert(Uri::from_static("/v1/things"));
        response
    });
    let twice = layer.clone().replay(CloneBody).layer(api.clone()).oneshot(relative()).await;
    let once = layer.replay(NoReplay).layer(api).oneshot(relative()).await;
    for response in [twice, once] {
        let outcome = Outcome::of(response.unwrap().extensions());
        assert!(matches!(outcome, Outcome::Attached), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_inner_origin_says_nothing_about_uris_with_an_authority() {
    let api = Plain::new([]);
    let layer = OAuthLayer::new(Issuer::new().slot()).inner_origin(Origin::parse(API).unwrap());
    let response = layer.layer(api.clone()).oneshot(post("https://b.test/", full("x"))).await;
    assert!(is_foreign(&Outcome::of(response.unwrap().extensions())));
    assert_eq!(api.tokens(), [None]);
}

fn undeclared() -> TokenSlot {
    TokenSlot::new(StaticToken::new(Token::bearer("t1").unwrap()))
}

#[tokio::test(start_paused = true)]
async fn undeclared_origins_are_an_error_that_says_so_until_they_are_declared() {
    let api = Plain::new([]);
    let layer = OAuthLayer::new(undeclared());
    let error = layer.layer(api.clone()).oneshot(post(API, full("x"))).await.unwrap_err();
    assert!(error.as_token().unwrap().hint().unwrap().contains("Origins::any_https()"));
    assert_eq!(api.seen().len(), 0);
    for declared in [Origins::parse([API]).unwrap(), Origins::any_https()] {
        let service = layer.clone().origins(declared).layer(api.clone());
        service.oneshot(post(API, full("x"))).await.unwrap();
        assert_eq!(api.tokens(), [Some("Bearer t1".into())]);
    }
}

#[tokio::test(start_paused = true)]
async fn any_https_is_never_http() {
    let api = Plain::new([]);
    let service = OAuthLayer::new(undeclared()).origins(Origins::any_https()).layer(api.clone());
    let response = service.oneshot(post("http://127.0.0.1:8080/", full("x"))).await.unwrap();
    assert!(is_foreign(&Outcome::of(response.extensions())));
    assert_eq!(api.tokens(), [None]);
}

#[tokio::test(start_paused = true)]
async fn origins_of_the_layer_stand_in_place_of_the_slots() {
    let issuer = Issuer::new();
    let api = Plain::new([]);
    let elsewhere = Origins::parse(["https://other.test"]).unwrap();
    let service = OAuthLayer::new(issuer.ready_slot().await).origins(elsewhere).layer(api.clone());
    let response = service.clone().oneshot(post(API, full("x"))).await.unwrap();
    assert!(is_foreign(&Outcome::of(response.extensions())));
    service.oneshot(post("https://other.test/", full("x"))).await.unwrap();
    assert_eq!(api.tokens(), [None, Some("Bearer t1".into())]);
}
