//! Every outcome is reachable.

use http::Extensions;
use http_body_util::BodyExt;
use oauth_core::{NoToken, Outcome};
use oauth_reqwest::{Buffered, NoReplay};
use oauth_testkit::{Fault, ProtectedApi};
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

use crate::world::{World, bytes, in_pieces, outcome, plain};
use oauth_adapter_tests::gated::Gated;
use oauth_adapter_tests::outcome_table::OUTCOMES;

/// Responds with 401 when it has read what it can of the body: what a server that does not mind a body that
/// broke off would do.
struct Indifferent;

#[async_trait::async_trait]
impl Middleware for Indifferent {
    async fn handle(
        &self,
        mut request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let body = request.body_mut().take().unwrap_or_default();
        assert!(body.collect().await.is_err());
        let url = request.url().clone();
        Ok(http::Response::builder().status(401).url(url).body("").unwrap().into())
    }
}

/// Status and outcome of a request that is brought to this one, and how often it was sent.
async fn brought_to(name: &str) -> (u16, Outcome, u64) {
    let world = match name {
        "Attached" | "RedirectedAway" => World::new().await,
        _ => World::revoked().await,
    };
    let stream = || in_pieces(&bytes(10), 3);
    let client = world.client();
    let response = match name {
        "Attached" | "Replayed" => world.post(&client, stream()).send().await,
        "NotReplayed(Off)" => {
            let client = world.client_with(world.middleware().replay(NoReplay));
            world.post(&client, stream()).send().await
        }
        "NotReplayed(BodyTooLarge)" => {
            let client = world.client_with(world.middleware().replay(Buffered::new().cap(9)));
            world.post(&client, stream()).send().await
        }
        "NotReplayed(BodyUnavailable)" => {
            let client = ClientBuilder::new(plain().build().unwrap());
            let client = client.with(world.middleware()).with(Indifferent).build();
            let body = Body::wrap(Gated::new(bytes(10)).failing());
            let response = world.post(&client, body).send().await.unwrap();
            assert_eq!(world.api.requests(), 0);
            return (response.status().as_u16(), outcome(&response), 1);
        }
        "RefreshFailed" => {
            world.refuse_tokens();
            world.post(&client, stream()).send().await
        }
        "NotReplayed(Redirected)" => {
            world.api.inject(Fault::redirect(303, "/1"));
            world.post(&client, stream()).send().await
        }
        "RedirectedAway" => {
            let other = ProtectedApi::open().await.unwrap();
            world.api.inject(Fault::redirect(303, other.url("/x")));
            let response = world.post(&client, stream()).send().await.unwrap();
            let sends = world.api.requests() + other.requests();
            return (response.status().as_u16(), outcome(&response), sends);
        }
        "NotAttached(ForeignOrigin)" => {
            let other = ProtectedApi::open().await.unwrap();
            other.refuse_everything(true);
            let response = client.post(other.url("/")).body(stream()).send().await.unwrap();
            return (response.status().as_u16(), outcome(&response), other.requests());
        }
        "NotAttached(OwnAuthorization)" => {
            world.post(&client, stream()).bearer_auth("mine").send().await
        }
        "NotAttached(OptedOut)" => {
            world.post(&client, stream()).with_extension(NoToken).send().await
        }
        other => panic!("{other} is to be reached"),
    };
    let response = response.unwrap();
    (response.status().as_u16(), outcome(&response), world.api.requests())
}

#[tokio::test]
async fn every_outcome_is_reached_and_matches_what_was_delivered() {
    for name in OUTCOMES {
        let (status, outcome, sends) = brought_to(name).await;
        assert!(format!("{outcome:?}").starts_with(name), "{name}: {outcome:?}");
        let expected = match name {
            "Attached" => (200, 1),
            "Replayed" | "RedirectedAway" => (200, 2),
            "NotReplayed(Redirected)" => (401, 2),
            _ => (401, 1),
        };
        assert_eq!((status, sends), expected, "{name}");
    }
}
