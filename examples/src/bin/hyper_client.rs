//! The shortest complete program: hyper's client with a layer around it.
//!
//! It talks to the servers of `oauth-testkit`; with a real provider, take `Oleria::from_env()?`
//! and drop the first block.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_core::{ClientAuth, Oleria, Outcome, TokenSlot};
use oauth_testkit::{AuthServer, Dialect, ProtectedApi};
use oauth_tower::OAuthLayer;
use tower::{Service, ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Someone to talk to.
    let auth = AuthServer::start(Dialect::Oleria).await?;
    let api = ProtectedApi::start(&auth).await?;

    // Where tokens come from, and the slot that keeps one good.
    let client = ClientAuth::secret(auth.client_id(), auth.client_secret());
    let grant = Oleria::builder(client)
        .authentication_url(auth.token_url())
        .api_url(api.base_url())
        .build()?;
    let slot = TokenSlot::for_grant(grant)?;

    // A wrong configuration should stop the service here, not at its first call.
    slot.prefetch().await?;

    // hyper's client, with a layer around it. Directly around the client is the guard: whatever comes
    // between the two later, a redirect follower for one, the token goes to the API alone.
    let oauth = OAuthLayer::new(slot);
    let mut client = ServiceBuilder::new()
        .layer(oauth.clone())
        .layer(oauth.guard())
        .service(Client::builder(TokioExecutor::new()).build_http());

    for round in ["with the token", "after a revocation"] {
        let request = Request::post(api.url("/v1/things")).body(Full::new(Bytes::from("hello")))?;
        let response = client.ready().await?.call(request).await?;
        let (status, outcome) = (response.status(), Outcome::of(response.extensions()));
        let body = response.into_body().collect().await?.to_bytes();
        println!("{round}: {status}, {outcome:?}, {}", String::from_utf8_lossy(&body));

        // The API refuses the token from now on. The next round succeeds all the same.
        auth.revoke_all();
    }
    println!("{} token requests", auth.token_requests());
    Ok(())
}
