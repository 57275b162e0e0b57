//! Redirects that reqwest follows below us.

use http::Extensions;
use oauth_core::{NotAttached, NotReplayed, Origins, Outcome};
use oauth_reqwest::{NoReplay, OAuthMiddleware, Stamp};
use oauth_testkit::{Fault, ProtectedApi};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};

use crate::world::{World, bytes, in_pieces, is_replayed, outcome, plain};

/// With a stamp below the middleware.
fn stamped(builder: reqwest::ClientBuilder, middleware: OAuthMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(builder.build().unwrap()).with(middleware).with(Stamp).build()
}

#[tokio::test]
async fn with_a_stamp_a_401_from_another_origin_is_delivered_and_no_token_asked_for_or_shown() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new().await;
        let other = ProtectedApi::open().await.unwrap();
        other.refuse_everything(true);
        world.api.inject(Fault::redirect(status, other.url("/x")));
        let client = stamped(plain(), world.middleware());
        let response = world.post(&client, "x").send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(matches!(outcome(&response), Outcome::RedirectedAway), "{status}");
        assert_eq!((other.requests(), other.tokens_seen()), (1, 0), "{status}");
        assert_eq!((world.api.requests(), world.slot.status().flights), (1, 1), "{status}");
        assert_eq!(world.slot.status().foreign_responses, 1, "{status}");
    }
}

/// It may be the API's, whose host was rewritten below us.
#[tokio::test]
async fn without_a_stamp_a_401_from_another_origin_refreshes_the_token_and_is_delivered() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new().await;
        let other = ProtectedApi::open().await.unwrap();
        other.refuse_everything(true);
        world.api.inject(Fault::redirect(status, other.url("/x")));
        let response = world.post(&world.client(), "x").send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Redirected)));
        assert_eq!((other.requests(), other.tokens_seen()), (1, 0), "{status}");
        assert_eq!((world.api.requests(), world.slot.status().flights), (1, 2), "{status}");
    }
}

/// Without replay, for a slot whose first origin the API is, and one whose second: the middleware
/// remembers the first in another way than the others.
fn without_replay(world: &World) -> [OAuthMiddleware; 2] {
    let second = Origins::parse(["https://api.example.com", &world.api.base_url()]).unwrap();
    let middleware = || world.middleware().replay(NoReplay);
    [middleware(), middleware().origins(second)]
}

#[tokio::test]
async fn without_replay_a_401_from_another_origin_refreshes_the_token_unless_there_is_a_stamp() {
    for first in [0, 1] {
        for has_stamp in [false, true] {
            let world = World::new().await;
            let other = ProtectedApi::open().await.unwrap();
            other.refuse_everything(true);
            let middleware = without_replay(&world)[first].clone();
            let client = match has_stamp {
                true => stamped(plain(), middleware),
                false => world.client_with(middleware),
            };
            world.api.inject(Fault::redirect(307, other.url("/x")));
            let response = world.post(&client, "x").send().await.unwrap();
            assert_eq!(response.status(), 401);
            let told = outcome(&response);
            match has_stamp {
                true => assert!(matches!(told, Outcome::RedirectedAway), "{told:?}"),
                false => {
                    assert!(matches!(told, Outcome::NotReplayed(NotReplayed::Off)), "{told:?}")
                }
            }
            let flights = world.slot.status().flights;
            assert_eq!((other.tokens_seen(), flights), (0, if has_stamp { 1 } else { 2 }));
        }
    }
}

#[tokio::test]
async fn without_replay_a_401_after_a_redirect_within_the_origin_refreshes_the_token() {
    for first in [0, 1] {
        for with_user in [false, true] {
            let world = World::new().await;
            let mut place = reqwest::Url::parse(&world.api.url("/moved")).unwrap();
            if with_user {
                place.set_username("user").unwrap();
            }
            world.api.inject(Fault::redirect(307, place));
            world.api.inject(Fault::status(401));
            let client = world.client_with(without_replay(&world)[first].clone());
            let response = world.post(&client, "x").send().await.unwrap();
            assert_eq!(response.status(), 401);
            assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Off)));
            assert_eq!((world.api.requests(), world.slot.status().flights), (2, 2));
        }
    }
}

#[tokio::test]
async fn bytes_keep_reqwests_own_handling_of_307() {
    let world = World::new().await;
    world.api.inject(Fault::redirect(307, "/moved"));
    let response = world.post(&world.client(), "hello").send().await.unwrap();
    crate::world::assert_whole(&response, b"hello");
    assert_eq!(world.api.last_request().unwrap().path(), "/moved");
    assert_eq!((world.api.requests(), world.api.tokens_seen()), (2, 2));
}

/// Method and path of each request to the API.
fn sent(world: &World) -> Vec<String> {
    let log = world.api.request_log();
    log.iter().map(|request| format!("{} {}", request.method(), request.path())).collect()
}

#[tokio::test]
async fn an_order_that_was_made_before_the_redirect_is_not_made_twice() {
    for our_policy in [false, true] {
        let world = World::new().await;
        let client = if our_policy { kept(&world) } else { world.client() };
        world.api.inject(Fault::redirect(303, "/orders/1"));
        world.api.inject(Fault::status(401));
        let response = client.post(world.api.url("/orders")).body("one").send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Redirected)));
        assert_eq!(sent(&world), ["POST /orders", "GET /orders/1"]);
        // For the next request.
        assert_eq!(world.slot.status().flights, 2);
    }
}

#[tokio::test]
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
        let world = World::new().await;
        world.api.inject(Fault::redirect(307, "/moved"));
        world.api.inject(Fault::status(401));
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = world.client().request(method.clone(), world.api.url("/things"));
        let response = request.send().await.unwrap();
        let told = outcome(&response);
        let paths: Vec<_> = world.api.request_log().iter().map(|r| r.path().to_owned()).collect();
        if safe {
            assert!(is_replayed(&response), "{method}: {told:?}");
            assert_eq!(paths, ["/things", "/moved", "/things"], "{method}");
        } else {
            assert!(matches!(told, Outcome::NotReplayed(NotReplayed::Redirected)), "{method}");
            assert_eq!(paths, ["/things", "/moved"], "{method}");
        }
        world.slot.token().await.unwrap();
        assert_eq!(world.slot.status().flights, 2, "{method}");
    }
}

#[tokio::test]
async fn another_query_is_another_url_and_a_fragment_or_a_user_is_not() {
    for (asked, place, redirected) in [
        ("/things?page=1", "/things?page=2", true),
        ("/things?page=1", "/things", true),
        ("/things#a", "/other", true),
        ("/things#a", "", false),
    ] {
        let world = World::new().await;
        if !place.is_empty() {
            world.api.inject(Fault::redirect(307, place));
        }
        world.api.inject(Fault::status(401));
        let response = world.client().post(world.api.url(asked)).body("x").send().await.unwrap();
        let told = matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Redirected));
        assert_eq!(told, redirected, "{asked} {place}");
        assert_eq!(is_replayed(&response), !redirected, "{asked} {place}");
    }
}

/// Afterwards no one could tell that it was followed: the URL is the same, and reqwest does not say which
/// method was sent last.
#[tokio::test]
async fn with_our_policy_a_redirect_to_the_first_url_is_delivered() {
    for status in [301, 302, 303, 307] {
        let world = World::new().await;
        world.api.inject(Fault::redirect(status, "/things"));
        world.api.inject(Fault::status(401));
        let response = world.post(&kept(&world), "x").send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(sent(&world), ["POST /things"]);
    }
}

#[tokio::test]
async fn a_stream_is_not_redirected_with_its_body_and_the_307_is_delivered_as_without_us() {
    let world = World::new().await;
    world.api.inject(Fault::redirect(307, "/moved").times(2));
    let body = || in_pieces(&bytes(10), 3);
    let ours = world.post(&world.client(), body()).send().await.unwrap();
    let alone = crate::world::plain().build().unwrap();
    let alone = alone.post(world.api.url("/things")).body(body()).send().await.unwrap();
    assert_eq!((ours.status(), alone.status()), (307.try_into().unwrap(), 307.try_into().unwrap()));
}

#[tokio::test]
async fn a_foreign_server_that_redirects_to_the_api_gets_no_token_attached_below_us() {
    let world = World::new().await;
    let other = ProtectedApi::open().await.unwrap();
    other.inject(Fault::redirect(307, world.api.url("/things")));
    let response = world.client().get(other.url("/")).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(outcome(&response), Outcome::NotAttached(NotAttached::ForeignOrigin)));
    assert_eq!((world.api.tokens_seen(), world.auth.token_requests()), (0, 1));
}

/// A client that follows redirects within the first origin alone.
fn kept(world: &World) -> ClientWithMiddleware {
    crate::world::with(plain().redirect(oauth_reqwest::redirects()), world.middleware())
}

/// Why `redirects()` is there. If this fails, reqwest has changed for the better.
#[tokio::test]
async fn with_reqwests_own_policy_a_foreign_host_that_redirects_once_more_gets_the_token() {
    let world = World::new().await;
    let evil = ProtectedApi::open().await.unwrap();
    world.api.inject(Fault::redirect(302, evil.url("/1")));
    evil.inject(Fault::redirect(302, "/2"));
    let response = world.client().get(world.api.url("/things")).send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RedirectedAway));
    assert_eq!((evil.requests(), evil.tokens_seen()), (2, 1));
    assert_eq!(world.slot.status().foreign_responses, 1);
}

#[tokio::test]
async fn with_our_policy_a_redirect_to_another_origin_is_delivered_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new().await;
        let evil = ProtectedApi::open().await.unwrap();
        let port = evil.url("").rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
        for place in [
            evil.url("/1"),
            world.api.url("/1").replace("127.0.0.1", "localhost"),
            world.api.url("/1").replace("http:", "https:"),
            format!("http://user@127.0.0.1:{port}/1"),
            format!("//127.0.0.1:{port}/1"),
        ] {
            evil.inject(Fault::redirect(302, "/2"));
            world.api.inject(Fault::redirect(status, &place));
            let response = world.post(&kept(&world), "x").send().await.unwrap();
            assert_eq!(response.status(), status, "{place}");
            assert!(matches!(outcome(&response), Outcome::Attached), "{place}");
            assert_eq!(evil.requests(), 0, "{place}");
        }
        assert_eq!(world.api.requests(), 5);
    }
}

#[tokio::test]
async fn with_our_policy_a_redirect_back_from_the_first_origin_ends_where_it_leaves() {
    let world = World::new().await;
    let evil = ProtectedApi::open().await.unwrap();
    world.api.inject(Fault::redirect(302, "/inside"));
    world.api.inject(Fault::redirect(302, evil.url("/1")));
    let response = kept(&world).get(world.api.url("/things")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.url().path()), (302, "/inside"));
    assert_eq!((world.api.requests(), world.api.tokens_seen(), evil.requests()), (2, 2, 0));
}

#[tokio::test]
async fn with_our_policy_redirects_within_the_origin_are_followed_ten_times_and_no_more() {
    let world = World::new().await;
    world.api.inject(Fault::redirect(307, "/round").times(10));
    let response = world.post(&kept(&world), "hello").send().await.unwrap();
    crate::world::assert_whole(&response, b"hello");
    assert_eq!(world.api.requests(), 11);
    world.api.inject(Fault::redirect(307, "/round").times(11));
    let error = world.post(&kept(&world), "hello").send().await.unwrap_err();
    assert!(error.is_redirect(), "{error}");
    assert_eq!(world.api.requests(), 22);
}

/// A middleware below us that responds without a URL has followed no redirect.
#[tokio::test]
async fn a_response_that_a_middleware_has_made_up_is_not_from_elsewhere() {
    struct MadeUp;
    #[async_trait::async_trait]
    impl Middleware for MadeUp {
        async fn handle(
            &self,
            _: Request,
            _: &mut Extensions,
            _: Next<'_>,
        ) -> reqwest_middleware::Result<Response> {
            Ok(http::Response::new("").into())
        }
    }
    let world = World::new().await;
    for middleware in [world.middleware(), world.middleware().replay(NoReplay)] {
        let client = ClientBuilder::new(plain().build().unwrap()).with(middleware).with(MadeUp);
        let response = world.post(&client.build(), "x").send().await.unwrap();
        assert!(matches!(outcome(&response), Outcome::Attached));
    }
    assert_eq!(world.slot.status().foreign_responses, 0);
}

/// The host that reqwest gives to responses that were made up is one that a server can name, too.
#[tokio::test]
async fn a_server_cannot_pass_for_a_response_that_was_made_up() {
    let world = World::new().await;
    let evil = ProtectedApi::open().await.unwrap();
    evil.refuse_everything(true);
    let address = evil.base_url().trim_start_matches("http://").parse().unwrap();
    let client = plain().resolve("no.url.provided.local", address);
    let client = stamped(client, world.middleware());
    let port = evil.base_url().rsplit(':').next().unwrap().to_owned();
    let place = format!("http://no.url.provided.local:{port}/");
    world.api.inject(Fault::redirect(303, place));
    let response = world.post(&client, "x").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RedirectedAway));
    assert_eq!((response.status().as_u16(), world.api.requests(), evil.requests()), (401, 1, 1));
    assert_eq!(world.slot.status().flights, 1);
}

#[tokio::test]
async fn a_second_response_from_another_origin_is_recorded() {
    let world = World::revoked().await;
    let other = ProtectedApi::open().await.unwrap();
    world.api.inject(Fault::status(401));
    world.api.inject(Fault::redirect(302, other.url("/")));
    let response = world.post(&world.client(), "x").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RedirectedAway));
    assert_eq!((world.api.requests(), other.requests(), other.tokens_seen()), (2, 1, 0));
    assert_eq!((world.auth.token_requests(), world.slot.status().foreign_responses), (2, 1));
}
