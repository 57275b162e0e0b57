//! `cf-gears-toolkit-auth`: its two Tower layers, with the settings that they come with.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Request;
use http_body_util::Full;
use oauth_benches::Noop;
use oauth_benches::rows::Visit;
use oauth_benches::storm::{Api, Call, TokenEndpoint};
use oauth_benches::timing::Batches;
use toolkit_auth::oauth2::{
    BearerAuthAutoRefreshLayer, BearerAuthLayer, ClientAuthMethod, OAuthClientConfig, SecretString,
    TokenProvider,
};
use toolkit_http::{HttpClientConfig, HttpError};
use tower::util::MapErr;
use tower::{Layer, Service, ServiceExt};

use crate::Client;
use crate::ours::one;

type Body = Full<bytes::Bytes>;

/// Attaches the token, and has no response to a 401.
pub fn plain<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let layer = BearerAuthLayer::new(provider(endpoint));
        client(layer.layer(fallible(Noop)), layer.layer(fallible(api.clone())))
    })
}

/// Refreshes the token after a 401 and sends the request once more.
pub fn refreshing<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let layer = BearerAuthAutoRefreshLayer::new(provider(endpoint));
        client(layer.layer(fallible(Noop)), layer.layer(fallible(api.clone())))
    })
}

fn provider(endpoint: &TokenEndpoint) -> TokenProvider {
    let server = &endpoint.server;
    TokenProvider::new(OAuthClientConfig {
        token_endpoint: Some(server.token_url().parse().expect("a URL")),
        client_id: server.client_id(),
        client_secret: SecretString::new(server.client_secret()),
        auth_method: ClientAuthMethod::Form,
        // Plain http to loopback is for its tests alone.
        http_config: Some(HttpClientConfig::for_testing()),
        ..OAuthClientConfig::default()
    })
    .expect("settings")
}

type Fallible<S> = MapErr<S, fn(Infallible) -> HttpError>;

/// The layers ask for their own error type.
fn fallible<S>(service: S) -> Fallible<S> {
    MapErr::new(service, |never| match never {})
}

fn client<N, A, ResBody>(noop: N, api: A) -> Client
where
    N: Service<Request<Body>, Error = HttpError> + Clone + Send + 'static,
    A: Service<Request<Body>, Error = HttpError, Response = http::Response<ResBody>>
        + Clone
        + Send
        + Sync
        + 'static,
    A::Future: Send,
{
    let call: Call = Arc::new(move || {
        let api = api.clone();
        Box::pin(async move {
            let request = Request::get("https://api.example.com/v1/things").body(Body::default());
            let answer = api.oneshot(request.map_err(|error| error.to_string())?).await;
            answer.map(|response| response.status()).map_err(|error| error.to_string())
        })
    });
    Client { call, hand_out: Box::new(move || one(Batches { body: 0, threads: 1 }.tower(noop))) }
}
