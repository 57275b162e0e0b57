//! The middleware above an API that plays, in place of the client.

use futures_util::stream;
use http::{Extensions, StatusCode};
use http_body_util::BodyExt;
use oauth_core::Verdict;
use oauth_core::{Deadline, NoToken, Outcome, TokenSlot};
use oauth_reqwest::{NoReplay, OAuthMiddleware};
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};

use oauth_adapter_tests::issuer::API;
use oauth_adapter_tests::play::{Ask, Called, Play};

#[derive(Clone)]
pub struct Caller {
    middleware: OAuthMiddleware,
    client: reqwest::Client,
    play: Play,
}

impl Caller {
    pub fn new(slot: TokenSlot, play: &Play) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { middleware: OAuthMiddleware::new(slot), client, play: play.clone() }
    }

    pub fn without_replay(self) -> Self {
        Self { middleware: self.middleware.replay(NoReplay), ..self }
    }

    pub fn verdict(
        self,
        verdict: impl Fn(&http::response::Parts, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self { middleware: self.middleware.verdict(verdict), ..self }
    }

    pub async fn call(&self, ask: Ask) -> Called {
        let client = ClientBuilder::new(self.client.clone());
        let client = client.with(self.middleware.clone()).with(End(self.play.clone())).build();
        let mut request = client.request(ask.method, format!("{API}{}", ask.path));
        if let Some(bytes) = ask.body {
            let pieces = (0..bytes)
                .step_by(16 * 1024)
                .map(move |at| Ok::<_, Error>(vec![7; (bytes - at).min(16 * 1024)]));
            request = request.body(Body::wrap_stream(stream::iter(pieces)));
        }
        if let Some(limit) = ask.deadline {
            request = request.with_extension(Deadline::within(limit));
        }
        if let Some(limit) = ask.timeout {
            request = request.timeout(limit);
        }
        if ask.bare {
            request = request.with_extension(NoToken);
        }
        let response = request.send().await.map_err(|error| chain(&error))?;
        Ok((response.status().as_u16(), Outcome::of(response.extensions())))
    }
}

/// An error with all that is behind it.
pub fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// In place of the client: keeps the request's time limit as reqwest does, on paused time.
pub struct End(pub Play);

#[async_trait::async_trait]
impl Middleware for End {
    async fn handle(
        &self,
        mut request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let limit = request.timeout().copied();
        let body = request.body_mut().take().unwrap_or_default();
        let answer = async {
            let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
            let token = request.headers().get("authorization");
            let path = request.url().path();
            self.0.answer(request.method().clone(), path, token, length).await
        };
        let reply = match limit {
            None => answer.await,
            Some(limit) => tokio::time::timeout(limit, answer).await.map_err(|elapsed| {
                Error::Middleware(anyhow::Error::new(elapsed).context("as reqwest says it"))
            })?,
        };
        let url = reply.from.map_or(request.url().clone(), |from| from.parse().unwrap());
        let status = StatusCode::from_u16(reply.status).unwrap();
        let mut response = http::Response::builder().status(status).url(url);
        if let Some((name, value)) = reply.header {
            response = response.header(name, value);
        }
        Ok(response.body("").unwrap().into())
    }
}
