//! An API in the process that takes every token until it is revoked.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::Either;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::Service;

type Body = Full<bytes::Bytes>;

/// The API; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Api(Arc<State>);

#[derive(Debug, Default)]
struct State {
    tokens: RwLock<Tokens>,
    late: Mutex<Option<Duration>>,
    refused: AtomicU32,
}

#[derive(Debug, Default)]
struct Tokens {
    good: HashSet<HeaderValue>,
    revoked: HashSet<HeaderValue>,
}

impl Api {
    /// Refuses every token that was seen so far.
    pub fn revoke(&self) {
        let mut tokens = self.0.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let good = std::mem::take(&mut tokens.good);
        tokens.revoked.extend(good);
    }

    /// From now on each refusal comes this much later than the one before it.
    pub fn refuse_late(&self, step: Duration) {
        *self.0.late.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
        self.0.refused.store(0, Ordering::SeqCst);
    }

    /// Whether these headers hold a token that is good.
    fn accepts(&self, headers: &HeaderMap) -> bool {
        let Some(token) = headers.get(AUTHORIZATION) else { return false };
        {
            let tokens = self.0.tokens.read().unwrap_or_else(PoisonError::into_inner);
            if tokens.good.contains(token) {
                return true;
            }
            if tokens.revoked.contains(token) {
                return false;
            }
        }
        let mut tokens = self.0.tokens.write().unwrap_or_else(PoisonError::into_inner);
        // It may have been revoked between the two locks.
        !tokens.revoked.contains(token) && {
            tokens.good.insert(token.clone());
            true
        }
    }

    /// Responds to a request by its headers.
    ///
    /// # Cancel safety
    /// Nothing depends on the response being waited for.
    pub async fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        match self.reply(headers).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn reply(&self, headers: &HeaderMap) -> Answer {
        let mut response = Response::new(Body::default());
        if self.accepts(headers) {
            return Either::Left(ready(Ok(response)));
        }
        let before = self.0.refused.fetch_add(1, Ordering::SeqCst);
        let late = *self.0.late.lock().unwrap_or_else(PoisonError::into_inner);
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        let Some(step) = late else { return Either::Left(ready(Ok(response))) };
        Either::Right(Box::pin(async move {
            tokio::time::sleep(step * before).await;
            Ok(response)
        }))
    }
}

/// Comes at once, unless the API refuses late.
type Answer = Either<Ready<Answered>, Pin<Box<dyn Future<Output = Answered> + Send>>>;
type Answered = Result<Response<Body>, Infallible>;

impl<B: Send + 'static> Service<Request<B>> for Api {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.reply(request.headers())
    }
}
