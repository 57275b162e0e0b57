//! A reverse proxy that adds tokens: an axum service whose outgoing hyper client carries the layer.
//!
//! The upstream is fixed: neither the caller's `Host` nor its URL chooses where the token goes.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE};
use axum::http::{StatusCode, Uri, uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use oauth_core::{ReplayBody, TokenSlot};
use oauth_tower::{Buffered, Guard, IntoBody, OAuth, OAuthLayer};
use tower::{Layer, ServiceExt};

/// axum's body stays axum's body: the layer hands it back to the client under its own type.
type Upstream = OAuth<Guard<Client<HttpConnector, Body>>, IntoBody<fn(ReplayBody<Body>) -> Body>>;

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

/// Ready: the next request has a token or would try for one. After a failure that is false until the
/// next attempt may be made.
async fn readyz(State(slot): State<TokenSlot>) -> (StatusCode, String) {
    let status = slot.status();
    let code = if status.can_serve() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{:?}, {} flights, {} failed", status.state, status.flights, status.failures))
}

/// The gateway in front of the API at `authority`, with its `/readyz` and `/livez`.
pub fn gateway(slot: TokenSlot, authority: uri::Authority) -> Router {
    let into_body: fn(ReplayBody<Body>) -> Body = Body::new;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let oauth = OAuthLayer::new(slot.clone());
    let guarded = oauth.guard().layer(client);
    let upstream = oauth.replay(Buffered::into_body(into_body)).layer(guarded);
    let gateway = Gateway { upstream, authority };
    Router::new()
        .route("/readyz", get(readyz).with_state(slot))
        // Alive is this process. A restart does not mend the issuer, so its state has no part in it.
        .route("/livez", get(StatusCode::OK))
        .fallback(forward)
        .with_state(gateway)
}
