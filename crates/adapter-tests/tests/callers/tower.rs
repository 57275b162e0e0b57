//! The layer around an API that plays.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use oauth_core::Verdict;
use oauth_core::{BoxError, Deadline, NoToken, Outcome, TokenSlot};
use oauth_tower::{Buffered, Error, NoReplay, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use oauth_adapter_tests::issuer::API;
use oauth_adapter_tests::play::{Ask, Called, Play};

type Content = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Clone)]
pub struct Caller {
    layer: OAuthLayer<Buffered>,
    replays: bool,
    play: Play,
}

impl Caller {
    pub fn new(slot: TokenSlot, play: &Play) -> Self {
        let layer = OAuthLayer::new(slot).response_uri(|extensions| extensions.get::<Uri>());
        Self { layer, replays: true, play: play.clone() }
    }

    pub fn without_replay(self) -> Self {
        Self { replays: false, ..self }
    }

    pub fn verdict(
        self,
        verdict: impl Fn(&http::response::Parts, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self { layer: self.layer.verdict(verdict), ..self }
    }

    pub async fn call(&self, ask: Ask) -> Called {
        let body = match ask.body {
            None => Empty::new().boxed_unsync(),
            Some(bytes) => {
                let pieces = (0..bytes).step_by(16 * 1024).map(move |at| {
                    Ok(Frame::data(Bytes::from(vec![7; (bytes - at).min(16 * 1024)])))
                });
                StreamBody::new(stream::iter(pieces)).boxed_unsync()
            }
        };
        let request = Request::builder().method(ask.method).uri(format!("{API}{}", ask.path));
        let mut request: Request<Content> = request.body(body).unwrap();
        if let Some(limit) = ask.deadline.into_iter().chain(ask.timeout).min() {
            request.extensions_mut().insert(Deadline::within(limit));
        }
        if ask.bare {
            request.extensions_mut().insert(NoToken);
        }
        let api = PlayService(self.play.clone());
        let result = if self.replays {
            self.layer.layer(api).oneshot(request).await
        } else {
            self.layer.clone().replay(NoReplay).layer(api).oneshot(request).await
        };
        let response = result.map_err(|error| chain(&error))?;
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

#[derive(Clone)]
pub struct PlayService(pub Play);

impl<B> Service<Request<B>> for PlayService
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Empty<Bytes>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let play = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
            let token = head.headers.get("authorization");
            let reply = play.answer(head.method, head.uri.path(), token, length).await;
            let mut response = Response::new(Empty::new());
            *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
            if let Some((name, value)) = reply.header {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            let from = reply.from.map_or(head.uri, Uri::from_static);
            response.extensions_mut().insert(from);
            Ok(response)
        })
    }
}
