//! One way to call the API, through the one adapter or the other.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::{BodyExt, Full};
use oauth_core::{Outcome, ReplayBody, ReplayChoice, TokenSlot};
use oauth_reqwest::OAuthMiddleware;
use oauth_tower::{Buffered, NoReplay, OAuthLayer};
use reqwest::ResponseBuilderExt;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

use super::Api;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Tower,
    TowerNoReplay,
    Reqwest,
    ReqwestNoReplay,
}

impl Adapter {
    /// Both, with replay.
    pub(crate) const BOTH: [Self; 2] = [Self::Tower, Self::Reqwest];
    /// Both, without.
    pub(crate) const NO_REPLAY: [Self; 2] = [Self::TowerNoReplay, Self::ReqwestNoReplay];
}

type Body = Full<Bytes>;

#[derive(Clone)]
pub(crate) enum Client {
    Tower(BoxCloneSyncService<Request<Body>, Response<()>, oauth_tower::Error>),
    Reqwest(ClientWithMiddleware),
}

impl Client {
    pub(crate) fn new(adapter: Adapter, slot: &TokenSlot, api: Arc<Api>) -> Self {
        let layer = OAuthLayer::new(slot.clone());
        let middleware = OAuthMiddleware::new(slot.clone());
        match adapter {
            Adapter::Tower => {
                let service = service_fn(move |request: Request<ReplayBody<Body>>| {
                    let api = api.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        // A body that cannot be sent twice is known for one when it was read.
                        let _ = body.collect().await;
                        let status = api.answer(head.uri.path(), &head.headers).await;
                        Ok::<_, Infallible>(response(status))
                    }
                });
                Self::Tower(BoxCloneSyncService::new(layer.replay(Buffered::new()).layer(service)))
            }
            Adapter::TowerNoReplay => {
                let service = service_fn(move |request: Request<Body>| {
                    let api = api.clone();
                    async move {
                        let status = api.answer(request.uri().path(), request.headers()).await;
                        Ok::<_, Infallible>(response(status))
                    }
                });
                Self::Tower(BoxCloneSyncService::new(layer.replay(NoReplay).layer(service)))
            }
            Adapter::Reqwest => Self::Reqwest(chain(middleware, api)),
            Adapter::ReqwestNoReplay => {
                Self::Reqwest(chain(middleware.replay(oauth_reqwest::NoReplay), api))
            }
        }
    }

    /// Makes a call. `once`: its body cannot be sent twice.
    ///
    /// # Errors
    /// If it was not served: what is said about it.
    pub(crate) async fn call(&self, path: &str, once: bool) -> Result<(), String> {
        let url = format!("https://api.example.com/{path}");
        let (status, outcome) = match self {
            Self::Tower(service) => {
                let mut request = Request::get(url).body(Full::from("body")).unwrap();
                if once {
                    request.extensions_mut().insert(ReplayChoice::UpTo(0));
                }
                let response = service.clone().oneshot(request).await;
                let response = response.map_err(|error| chain_of(&error))?;
                (response.status(), Outcome::of(response.extensions()))
            }
            Self::Reqwest(client) => {
                let mut request = client.get(url);
                if once {
                    request = request.with_extension(ReplayChoice::UpTo(0));
                    request = request.body(reqwest::Body::wrap(Full::<Bytes>::from("body")));
                }
                let response = request.send().await.map_err(|error| chain_of(&error))?;
                (response.status(), Outcome::of(response.extensions()))
            }
        };
        if status.is_success() { Ok(()) } else { Err(format!("{status}: {outcome:?}")) }
    }
}

/// An error with its causes.
fn chain_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn response(status: http::StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    response
}

fn chain(middleware: OAuthMiddleware, api: Arc<Api>) -> ClientWithMiddleware {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    ClientBuilder::new(client).with(middleware).with(End(api)).build()
}

/// The end of the chain, in the place of a client.
struct End(Arc<Api>);

#[async_trait::async_trait]
impl Middleware for End {
    async fn handle(
        &self,
        mut request: reqwest::Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        if let Some(body) = request.body_mut().take() {
            let _ = body.collect().await;
        }
        let status = self.0.answer(request.url().path(), request.headers()).await;
        let response = Response::builder().status(status).url(request.url().clone());
        Ok(response.body("").unwrap().into())
    }
}
