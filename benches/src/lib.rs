//! What the benchmarks share: requests, a service that does nothing, and a slot with a fresh token.

pub mod asked;
pub mod plot;
pub mod recorded;
pub mod rows;
pub mod stats;
pub mod storm;
pub mod timing;

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Response};
use http_body_util::Full;
use oauth_core::{Origins, Token, TokenSlot, source_fn};
use reqwest::ResponseBuilderExt;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tower::Service;

const URL: &str = "https://api.example.com/v1/things";

/// A token of a kilobyte, the size of a usual JWT.
pub fn secret() -> String {
    "a".repeat(1024)
}

/// A slot, as it comes, whose token is fresh for an hour.
///
/// # Panics
/// If the settings of this function are wrong.
///
/// # Cancel safety
/// Dropping it drops the slot.
pub async fn fresh() -> TokenSlot {
    let slot = TokenSlot::builder(source_fn(|| async {
        Ok(Token::bearer(secret())?.expires_in(Duration::from_secs(3600)))
    }))
    .origins(Origins::parse(["https://api.example.com"]).expect("an origin"))
    .build();
    slot.token().await.expect("a token");
    slot
}

/// The same outside a runtime.
///
/// # Panics
/// Inside one, and as [`fresh`].
pub fn fresh_slot() -> TokenSlot {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(fresh())
}

/// A POST with four headers and room for one more, and this body.
pub fn request(body: &Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.uri_mut() = http::Uri::from_static(URL);
    *request.method_mut() = http::Method::POST;
    let headers = request.headers_mut();
    headers.reserve(8);
    for (name, value) in [
        (http::header::ACCEPT, "application/json"),
        (http::header::CONTENT_TYPE, "application/json"),
        (http::header::USER_AGENT, "bench"),
        (http::header::ACCEPT_LANGUAGE, "en"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

/// A service that takes a request and responds with 200 at once.
#[derive(Clone, Copy, Debug)]
pub struct Noop;

impl<B> Service<Request<B>> for Noop {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        std::hint::black_box(&request);
        ready(Ok(Response::new(())))
    }
}

/// `ready` and `call`, each of which must be done at once.
///
/// # Panics
/// If they are not, or fail.
pub fn call<S, B>(service: &mut S, request: Request<B>) -> S::Response
where
    S: Service<Request<B>>,
    S::Error: std::fmt::Debug,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))), "not ready");
    // As in `at_once`, which would move the response once more.
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(answer) => answer.expect("no error"),
        Poll::Pending => panic!("not at once"),
    }
}

/// Polls what must be done at once where it is, as an executor would: `now_or_never` would move it
/// first, which costs as much as some of what is measured.
///
/// # Panics
/// If it is not done.
#[inline(always)]
pub fn at_once<F: Future>(future: Pin<&mut F>) -> F::Output {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not at once"),
    }
}

/// The end of a chain: responds with 200 without a network.
struct End;

#[async_trait::async_trait]
impl Middleware for End {
    async fn handle(
        &self,
        request: reqwest::Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        std::hint::black_box(&request);
        // As whatever reqwest has received: without a URL it would make one up.
        let (url, body) = (request.url().clone(), reqwest::Body::default());
        let response = http::Response::builder().url(url).body(body);
        Ok(response.map_err(reqwest_middleware::Error::middleware)?.into())
    }
}

/// A chain with this middleware, if any, before its end.
pub fn chain(middleware: Option<impl Middleware>) -> ClientWithMiddleware {
    let mut builder = ClientBuilder::new(reqwest::Client::new());
    if let Some(middleware) = middleware {
        builder = builder.with(middleware);
    }
    builder.with(End).build()
}

/// A POST for a chain.
///
/// # Panics
/// If the URL of this file is wrong.
pub fn reqwest_request(body: &Bytes) -> reqwest::Request {
    let mut request = reqwest::Request::new(http::Method::POST, URL.parse().expect("a URL"));
    // Not a clone: that has no room for one more.
    *request.headers_mut() = self::request(body).into_parts().0.headers;
    if !body.is_empty() {
        *request.body_mut() = Some(body.clone().into());
    }
    request
}

/// Sends a request down a chain whose end responds at once.
///
/// # Panics
/// If it does not, or fails.
pub fn call_chain(chain: &ClientWithMiddleware, request: reqwest::Request) -> reqwest::Response {
    at_once(pin!(chain.execute(request))).expect("no error")
}
