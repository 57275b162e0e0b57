//! A reverse proxy that adds tokens: an axum service whose outgoing hyper client carries the layer.
//!
//! `cargo run --bin axum_gateway` serves until Ctrl-C; with `-- --check` it sends itself a request
//! and ends. The upstream is the test kit's; a real one takes `Ataccama::from_env()?`.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE};
use axum::http::{StatusCode, Uri, uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use oauth_core::{Ataccama, ClientAuth, ReplayBody, TokenSlot};
use oauth_testkit::{AuthServer, Dialect, ProtectedApi};
use oauth_tower::{Buffered, IntoBody, OAuth, OAuthLayer};
use tower::{Layer, ServiceExt};

/// axum's body stays axum's body: the layer hands it back to the client under its own type.
type Upstream = OAuth<Client<HttpConnector, Body>, IntoBody<fn(ReplayBody<Body>) -> Body>>;

#[derive(Clone)]
struct Gateway {
    upstream: Upstream,
    authority: uri::Authority,
}

async fn forward(State(gateway): State<Gateway>, mut request: Request) -> Response {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(uri::Scheme::HTTP);
    parts.authority = Some(gateway.authority);
    let Ok(uri) = Uri::from_parts(parts) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    // The caller's name for us and its credentials are not the upstream's business. With another
    // `Host` the request would count as foreign and get no token.
    for name in [HOST, AUTHORIZATION, CONNECTION, TRANSFER_ENCODING, UPGRADE] {
        request.headers_mut().remove(name);
    }
    match gateway.upstream.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Ready is who can send a request with a token at once.
async fn readyz(State(slot): State<TokenSlot>) -> (StatusCode, String) {
    let status = slot.status();
    let code = if status.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{:?}, {} flights, {} failed", status.state, status.flights, status.failures))
}

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

    let into_body: fn(ReplayBody<Body>) -> Body = Body::new;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let upstream =
        OAuthLayer::new(slot.clone()).replay(Buffered::into_body(into_body)).layer(client);
    let gateway = Gateway { upstream, authority: api.addr().to_string().parse()? };
    let app = Router::new()
        .route("/readyz", get(readyz).with_state(slot))
        .fallback(forward)
        .with_state(gateway);

    if std::env::args().any(|argument| argument == "--check") {
        let request = Request::post("/v1/things").body(Body::from("hello"))?;
        let response = app.oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 64 * 1024).await?;
        println!("{status} {}", String::from_utf8_lossy(&body));
        anyhow::ensure!(status == StatusCode::OK, "the gateway does not work");
        return Ok(());
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("try: curl -d hello http://{}/v1/things", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
