//! A tonic client whose channel has a layer around it, so that a call that ends in `UNAUTHENTICATED`
//! is made again with a new token.
//!
//! The server is tonic's health service behind a check of tokens that `oauth-testkit` issues; any
//! generated client takes the channel the same way.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use oauth_core::{ClientAuth, Oleria, Origin, ReplayBody, TokenSlot};
use oauth_testkit::{AuthServer, Dialect};
use oauth_tower::{Buffered, OAuthLayer};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::service::interceptor::InterceptorLayer;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Someone to talk to.
    let auth = AuthServer::start(Dialect::Oleria).await?;
    let url = serve(auth.clone()).await?;

    // Where tokens come from, where they may go, and the slot that keeps one good.
    let client = ClientAuth::secret(auth.client_id(), auth.client_secret());
    let grant =
        Oleria::builder(client).authentication_url(auth.token_url()).api_url(&url).build()?;
    let slot = TokenSlot::for_grant(grant)?;

    // A layer around a channel sees only paths: set where the channel leads. tonic's own body type goes in.
    let into_body: fn(ReplayBody<Body>) -> Body = Body::new;
    let layer = OAuthLayer::new(slot)
        .inner_origin(Origin::parse(&url)?)
        .replay(Buffered::into_body(into_body))
        .grpc();
    let channel = ServiceBuilder::new().layer(layer).service(Endpoint::new(url)?.connect_lazy());
    let mut health = HealthClient::new(channel);

    for round in ["with the token", "after a revocation"] {
        let answer = health.check(HealthCheckRequest { service: String::new() }).await?;
        println!("{round}: {:?}", answer.into_inner().status());

        // The server refuses the token from now on. The next round succeeds all the same.
        auth.revoke_all();
    }
    println!("{} token requests", auth.token_requests());
    Ok(())
}

/// A server that accepts calls with a token that is valid at the authorization server.
async fn serve(auth: AuthServer) -> anyhow::Result<String> {
    let check = move |request: Request<()>| {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        match header.and_then(|header| header.strip_prefix("Bearer ")) {
            Some(token) if auth.accepts(token) => Ok(request),
            _ => Err(Status::unauthenticated("a good token, please")),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder().layer(InterceptorLayer::new(check)).add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    Ok(url)
}
