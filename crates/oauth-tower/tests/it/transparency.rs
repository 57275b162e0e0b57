//! Nothing gets worse by the layer: each trouble looks as it does over the bare client.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use oauth_core::{BoxError, ReplayBody};
use oauth_testkit::Fault;
use tower::{Layer, ServiceExt};

use crate::wire::{Http, World, client};
use oauth_adapter_tests::gated::Gated;
use oauth_adapter_tests::troubles::{Answer, Seen, TROUBLES, Trouble, root_of};

fn told(answer: Result<http::Response<Incoming>, BoxError>) -> Answer {
    let response = answer.map_err(|error| root_of(&*error))?;
    let (head, body) = response.into_parts();
    let rest = async {
        let rest = body.collect().await.map_err(|error| root_of(&error))?;
        Ok(rest.to_bytes().len())
    };
    Ok((head.status.as_u16(), Box::pin(rest)))
}

async fn bare(http: Http, trouble: Trouble) -> Seen {
    let world = World::new().await;
    let token = format!("Bearer {}", world.auth.issue());
    let send = async |body: Gated| {
        let mut request = world.post(body);
        request.headers_mut().insert("authorization", token.parse().unwrap());
        told(client::<Gated>(http).request(request).await.map_err(BoxError::from))
    };
    trouble.meet(&world.api, send).await
}

async fn layered(http: Http, trouble: Trouble) -> Seen {
    let world = World::new().await;
    world.auth.inject(Fault::status(400).body(r#"{"error":"invalid_client"}"#).forever());
    let service = world.layer().layer(client::<ReplayBody<Gated>>(http));
    let send =
        async |body: Gated| told(service.oneshot(world.post(body)).await.map_err(BoxError::from));
    let seen = trouble.meet(&world.api, send).await;
    assert_eq!(world.auth.token_requests(), 1 + u64::from(trouble.refuses()), "{trouble:?}");
    seen
}

async fn every_trouble(http: Http) {
    for trouble in TROUBLES {
        let (bare, ours) = (bare(http, trouble).await, layered(http, trouble).await);
        trouble.assert(&bare);
        trouble.assert(&ours);
        assert_eq!(ours.answer, bare.answer, "{http:?} {trouble:?}");
    }
}

#[tokio::test]
async fn over_h1_every_trouble_looks_as_it_does_over_the_bare_client() {
    every_trouble(Http::One).await;
}

#[tokio::test]
async fn over_h2_every_trouble_looks_as_it_does_over_the_bare_client() {
    every_trouble(Http::Two).await;
}
