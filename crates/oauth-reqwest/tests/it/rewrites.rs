//! A middleware below ours that rewrites URLs, with a stamp below it and without.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Extensions;
use oauth_core::{NotReplayed, Outcome};
use oauth_reqwest::{NoReplay, OAuthMiddleware, Stamp};
use oauth_testkit::{Fault, ProtectedApi};
use reqwest::{Method, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};

use crate::world::{World, h2, is_replayed, outcome, plain};

/// Sends to `localhost` what was for `127.0.0.1`, and to another path if there is one.
struct Rewrite(Option<&'static str>);

#[async_trait::async_trait]
impl Middleware for Rewrite {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        match self.0 {
            Some(path) => request.url_mut().set_path(path),
            None => request.url_mut().set_host(Some("localhost")).unwrap(),
        }
        next.run(request, extensions).await
    }
}

fn client(world: &World, rewrite: Rewrite, stamped: bool) -> ClientWithMiddleware {
    client_of(plain(), world, world.middleware(), rewrite, stamped)
}

fn client_of(
    client: reqwest::ClientBuilder,
    world: &World,
    middleware: OAuthMiddleware,
    rewrite: Rewrite,
    stamped: bool,
) -> ClientWithMiddleware {
    // The API listens on the IPv4 address alone.
    let address = world.api.base_url().trim_start_matches("http://").parse().unwrap();
    let client = client.resolve("localhost", address).build().unwrap();
    let builder = ClientBuilder::new(client).with(middleware).with(rewrite);
    if stamped { builder.with(Stamp).build() } else { builder.build() }
}

/// Methods, and whether they are safe.
const METHODS: [(Method, bool); 6] = [
    (Method::GET, true),
    (Method::HEAD, true),
    (Method::OPTIONS, true),
    (Method::POST, false),
    (Method::PUT, false),
    (Method::DELETE, false),
];

/// What responded may be another request: a safe one is sent again, whoever was asked.
#[tokio::test]
async fn without_a_stamp_the_401_of_a_rewritten_host_refreshes_the_token_and_safe_methods_are_sent_again()
 {
    for (method, safe) in METHODS {
        for builder in [plain, h2] {
            let world = World::revoked().await;
            let client = client_of(builder(), &world, world.middleware(), Rewrite(None), false);
            let request = client.request(method.clone(), world.api.url("/things"));
            let response = request.send().await.unwrap();
            let told = outcome(&response);
            if safe {
                assert!(matches!(told, Outcome::RedirectedAway), "{method} {told:?}");
                assert_eq!(response.status(), 200, "{method}");
                assert_eq!(world.counts(), (2, 1, 2), "{method}");
            } else {
                let told = matches!(told, Outcome::NotReplayed(NotReplayed::Redirected));
                assert!(told && response.status() == 401, "{method} {response:?}");
                // For the next request, which has the new one.
                renewed(&world).await;
                assert_eq!(world.counts(), (1, 1, 2), "{method}");
                let request = client.request(method.clone(), world.api.url("/things"));
                assert_eq!(request.send().await.unwrap().status(), 200, "{method}");
                assert_eq!(world.counts(), (2, 1, 2), "{method}");
            }
        }
    }
}

#[tokio::test]
async fn with_a_stamp_every_method_is_sent_again_and_without_replay_none() {
    for (method, _) in METHODS {
        for replays in [true, false] {
            let world = World::revoked().await;
            let middleware = world.middleware();
            let middleware = if replays { middleware } else { middleware.replay(NoReplay) };
            let client = client_of(h2(), &world, middleware, Rewrite(None), true);
            let request = client.request(method.clone(), world.api.url("/things"));
            let response = request.send().await.unwrap();
            let told = outcome(&response);
            if replays {
                assert!(is_replayed(&response), "{method} {told:?}");
                assert_eq!((response.status().as_u16(), world.counts()), (200, (2, 1, 2)));
            } else {
                let told = matches!(told, Outcome::NotReplayed(NotReplayed::Off));
                assert!(told && response.status() == 401, "{method} {response:?}");
                renewed(&world).await;
                assert_eq!(world.counts(), (1, 1, 2), "{method}");
            }
            assert_eq!(world.slot.status().foreign_responses, 0, "{method}");
        }
    }
}

/// Without replay a refusal without a stamp counts as well, whichever of the origins it is for.
#[tokio::test]
async fn without_a_stamp_and_without_replay_the_token_is_refreshed_for_the_next_request() {
    let world = World::revoked().await;
    let middleware = world.middleware().replay(NoReplay);
    let client = client_of(plain(), &world, middleware, Rewrite(None), false);
    let response = world.post(&client, "hello").send().await.unwrap();
    let told = outcome(&response);
    assert!(matches!(told, Outcome::NotReplayed(NotReplayed::Off)), "{told:?}");
    renewed(&world).await;
    let response = world.post(&client, "hello").send().await.unwrap();
    assert_eq!((response.status().as_u16(), world.counts()), (200, (2, 1, 2)));
}

/// The flight that a refusal has started is over.
async fn renewed(world: &World) {
    while world.slot.status().refreshing {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn with_a_stamp_a_rewritten_request_is_as_if_nothing_had_been_rewritten() {
    for rewrite in [Rewrite(None), Rewrite(Some("/rewritten"))] {
        let world = World::revoked().await;
        let response = world.post(&client(&world, rewrite, true), "hello").send().await.unwrap();
        assert!(is_replayed(&response), "{:?}", outcome(&response));
        crate::world::assert_whole(&response, b"hello");
        assert_eq!(world.counts(), (2, 1, 2));
        assert_eq!(world.slot.status().foreign_responses, 0);
        // And as if there were no 401.
        let client = client(&world, Rewrite(None), true);
        let response = world.post(&client, "hello").send().await.unwrap();
        assert!(matches!(outcome(&response), Outcome::Attached));
    }
}

#[tokio::test]
async fn without_a_stamp_a_rewritten_path_counts_as_a_redirect() {
    let world = World::revoked().await;
    let client = client(&world, Rewrite(Some("/rewritten")), false);
    let response = world.post(&client, "hello").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Redirected)));
    assert_eq!(world.api.requests(), 1);
    world.slot.token().await.unwrap();
    let response = client.get(world.api.url("/things")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), world.auth.token_requests()), (200, 2));
}

#[tokio::test]
async fn without_a_stamp_a_rewritten_host_counts_as_another_origin() {
    let world = World::new().await;
    let client = client(&world, Rewrite(None), false);
    let response = world.post(&client, "hello").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RedirectedAway));
    assert_eq!(world.slot.status().foreign_responses, 1);
}

#[tokio::test]
async fn with_a_stamp_a_redirect_is_known_for_one() {
    let world = World::new().await;
    let other = ProtectedApi::open().await.unwrap();
    let client = client(&world, Rewrite(Some("/rewritten")), true);
    world.api.inject(Fault::redirect(303, "/rewritten/1"));
    world.api.inject(Fault::status(401));
    let response = world.post(&client, "hello").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Redirected)));
    assert_eq!(world.api.requests(), 2);
    world.slot.token().await.unwrap();
    world.api.inject(Fault::redirect(303, other.url("/")));
    let response = world.post(&client, "hello").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::RedirectedAway));
    assert_eq!(world.slot.status().foreign_responses, 1);
}

/// As a cache does: the first request goes on, later ones get what is stored.
#[derive(Default)]
struct Cache(AtomicBool);

#[async_trait::async_trait]
impl Middleware for Cache {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        if !self.0.swap(true, Ordering::SeqCst) {
            return next.run(request, extensions).await;
        }
        let url = request.url().clone();
        Ok(http::Response::builder().url(url).body("stored").unwrap().into())
    }
}

/// Sends twice, with the same extensions.
struct Twice;

#[async_trait::async_trait]
impl Middleware for Twice {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let mut again = request.try_clone().unwrap();
        again.url_mut().set_path("/again");
        next.clone().run(request, extensions).await?;
        next.run(again, extensions).await
    }
}

#[tokio::test]
async fn a_stamp_of_an_earlier_send_says_nothing_about_a_later_one() {
    let world = World::new().await;
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(Twice)
        .with(world.middleware())
        .with(Cache::default())
        .with(Stamp)
        .build();
    let response = world.post(&client, "hello").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::Attached));
    assert_eq!(response.text().await.unwrap(), "stored");
    assert_eq!(world.slot.status().foreign_responses, 0);
}
