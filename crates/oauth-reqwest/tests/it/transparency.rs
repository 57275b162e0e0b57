//! Nothing gets worse by the middleware: each trouble looks as it does over a chain without it.

use reqwest::{Body, Response};
use reqwest_middleware::ClientBuilder;

use crate::world::{World, h2, plain, with};
use oauth_adapter_tests::gated::Gated;
use oauth_adapter_tests::troubles::{Answer, Seen, TROUBLES, Trouble, root_of};

fn told(answer: reqwest_middleware::Result<Response>) -> Answer {
    let response = answer.map_err(|error| root_of(&error))?;
    let status = response.status().as_u16();
    let rest = async {
        let rest = response.bytes().await.map_err(|error| root_of(&error))?;
        Ok(rest.len())
    };
    Ok((status, Box::pin(rest)))
}

type Builder = fn() -> reqwest::ClientBuilder;

async fn bare(builder: Builder, trouble: Trouble) -> Seen {
    let world = World::new().await;
    let client = ClientBuilder::new(builder().build().unwrap()).build();
    let send = async |body: Gated| {
        let request = world.post(&client, Body::wrap(body)).bearer_auth(world.auth.issue());
        told(request.send().await)
    };
    trouble.meet(&world.api, send).await
}

async fn with_ours(builder: Builder, trouble: Trouble) -> Seen {
    let world = World::new().await;
    world.refuse_tokens();
    let client = with(builder(), world.middleware());
    let send = async |body: Gated| told(world.post(&client, Body::wrap(body)).send().await);
    let seen = trouble.meet(&world.api, send).await;
    assert_eq!(world.auth.token_requests(), 1 + u64::from(trouble.refuses()), "{trouble:?}");
    seen
}

async fn every_trouble(builder: Builder) {
    for trouble in TROUBLES {
        let (bare, ours) = (bare(builder, trouble).await, with_ours(builder, trouble).await);
        trouble.assert(&bare);
        trouble.assert(&ours);
        assert_eq!(ours.answer, bare.answer, "{trouble:?}");
    }
}

#[tokio::test]
async fn over_h1_every_trouble_looks_as_it_does_without_us() {
    every_trouble(plain).await;
}

#[tokio::test]
async fn over_h2_every_trouble_looks_as_it_does_without_us() {
    every_trouble(h2).await;
}
