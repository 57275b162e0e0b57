//! A reverse proxy that adds tokens: `src/gateway.rs` in front of the test kit's API.
//!
//! `cargo run --bin axum_gateway` serves until Ctrl-C; with `-- --check` it sends itself a request
//! and ends. The upstream is the test kit's; a real one takes `Ataccama::from_env()?`.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use oauth_core::{Ataccama, ClientAuth, TokenSlot};
use oauth_examples::gateway;
use oauth_testkit::{AuthServer, Dialect, ProtectedApi};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let auth = AuthServer::start(Dialect::Ataccama).await?;
    let api = ProtectedApi::start(&auth).await?;
    let client = ClientAuth::secret(auth.client_id(), auth.client_secret());
    let grant = Ataccama::builder(client)
        .environment("acme")
        .realm(auth.realm())
        .base_url(auth.base_url())
        .api_url(api.base_url())
        .build()?;
    let slot = TokenSlot::for_grant(grant)?;

    let app = gateway(slot.clone(), api.addr().to_string().parse()?);

    if std::env::args().any(|argument| argument == "--check") {
        let request = Request::post("/v1/things").body(Body::from("hello"))?;
        let response = app.oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 64 * 1024).await?;
        println!("{status} {}", String::from_utf8_lossy(&body));
        anyhow::ensure!(status == StatusCode::OK, "the gateway does not work");
        return Ok(());
    }
    // Without it a quiet night ends in a request that waits for a token.
    let _keep_fresh = slot.keep_fresh()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("try: curl -d hello http://{}/v1/things", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
