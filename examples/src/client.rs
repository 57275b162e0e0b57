//! The two adapters behind one small face, so that both play the same scenarios.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::anyhow;
use bytes::Bytes;
use futures_util::stream;
use http::{Extensions, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_core::{Outcome, ReplayBody, TokenSlot};
use oauth_reqwest::{OAuthMiddleware, token_error};
use oauth_tower::{Buffered, Guard, OAuth, OAuthLayer};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{ServiceBuilder, ServiceExt};

/// Requests under way at once: client and server share a process and its limit of open files.
const AT_ONCE: usize = 24;
const CHUNK: usize = 4096;

/// Which adapter attaches the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// `oauth-tower` around hyper-util's client.
    Tower,
    /// `oauth-reqwest` in a reqwest-middleware chain.
    Reqwest,
}

impl Adapter {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tower, Self::Reqwest];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tower => "tower",
            Self::Reqwest => "reqwest",
        }
    }
}

/// A request of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) url: String,
    pub(crate) body: Option<Bytes>,
    /// Whether the body goes out as a stream of unknown length.
    pub(crate) streamed: bool,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) outcome: Outcome,
    pub(crate) body: Bytes,
}

/// What the API of the test kit says that it got.
#[derive(Debug, Deserialize)]
pub(crate) struct Echo {
    pub(crate) length: usize,
    pub(crate) sha256: String,
}

type Payload = BoxBody<Bytes, Infallible>;
type TowerClient =
    OAuth<ConcurrencyLimit<Guard<HyperClient<HttpConnector, ReplayBody<Payload>>>>, Buffered>;

#[derive(Clone)]
pub(crate) enum Client {
    Tower(Box<TowerClient>),
    Reqwest(ClientWithMiddleware),
}

impl Client {
    pub(crate) fn new(adapter: Adapter, slot: TokenSlot) -> anyhow::Result<Self> {
        Ok(match adapter {
            Adapter::Tower => {
                let oauth = OAuthLayer::new(slot);
                Self::Tower(Box::new(
                    ServiceBuilder::new()
                        .layer(oauth.clone())
                        // Inside the layer: a request that waits for a token holds no permit.
                        .concurrency_limit(AT_ONCE)
                        .layer(oauth.guard())
                        .service(HyperClient::builder(TokioExecutor::new()).build_http()),
                ))
            }
            Adapter::Reqwest => Self::Reqwest(
                ClientBuilder::new(client()?)
                    .with(OAuthMiddleware::new(slot))
                    .with(Limit(Arc::new(Semaphore::new(AT_ONCE))))
                    .build(),
            ),
        })
    }

    /// Sends one request.
    ///
    /// # Errors
    /// The token's error if that is what failed, so that both adapters' are the same.
    pub(crate) async fn send(&self, request: Outgoing) -> anyhow::Result<Answer> {
        match self {
            Self::Tower(client) => {
                let method = if request.body.is_some() { Method::POST } else { Method::GET };
                let message = Request::builder()
                    .method(method)
                    .uri(&request.url)
                    .body(payload(request.body, request.streamed))?;
                let response = client.clone().oneshot(message).await.map_err(|e| match e {
                    oauth_tower::Error::Token(error) => anyhow!(error),
                    other => anyhow!(other),
                })?;
                let (head, body) = response.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok(Answer { status: head.status, outcome: Outcome::of(&head.extensions), body })
            }
            Self::Reqwest(client) => {
                let message = match request.body {
                    None => client.get(&request.url),
                    Some(body) if request.streamed => client
                        .post(&request.url)
                        .body(reqwest::Body::wrap(payload(Some(body), true))),
                    Some(body) => client.post(&request.url).body(body),
                };
                let response = message.send().await.map_err(|e| match token_error(&e) {
                    Some(error) => anyhow!(error.clone()),
                    None => anyhow!(e),
                })?;
                let outcome = Outcome::of(response.extensions());
                Ok(Answer { status: response.status(), outcome, body: response.bytes().await? })
            }
        }
    }
}

/// For loopback, and for redirects within the API's origin alone.
fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().redirect(oauth_reqwest::redirects()).build()
}

fn payload(body: Option<Bytes>, streamed: bool) -> Payload {
    let body = body.unwrap_or_default();
    if !streamed {
        return Full::new(body).boxed();
    }
    let chunks: Vec<_> = (0..body.len())
        .step_by(CHUNK)
        .map(|at| body.slice(at..body.len().min(at + CHUNK)))
        .map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)))
        .collect();
    BodyExt::boxed(StreamBody::new(stream::iter(chunks)))
}

/// What `ConcurrencyLimit` is in a Tower stack.
struct Limit(Arc<Semaphore>);

#[async_trait::async_trait]
impl Middleware for Limit {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let _permit = self.0.acquire().await.map_err(reqwest_middleware::Error::middleware)?;
        next.run(request, extensions).await
    }
}
