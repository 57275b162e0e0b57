//! An inner service that keeps the Tower contract to the letter, and remembers what it was sent.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, request};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use oauth_core::BoxError;
use tower_service::Service;

pub type Streamed = UnsyncBoxBody<Bytes, BoxError>;

/// A body of these chunks, of unknown size, and these trailers.
pub fn streamed(chunks: &[&'static str], trailers: Option<HeaderMap>) -> Streamed {
    let frames =
        chunks.iter().map(|chunk| http_body::Frame::data(Bytes::from_static(chunk.as_bytes())));
    let frames: Vec<_> = frames.chain(trailers.map(http_body::Frame::trailers)).map(Ok).collect();
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

pub fn full(text: &'static str) -> Full<Bytes> {
    Full::new(Bytes::from_static(text.as_bytes()))
}

pub fn get<B: Default>(uri: &str) -> Request<B> {
    Request::get(uri).body(B::default()).unwrap()
}

pub fn post<B>(uri: &str, body: B) -> Request<B> {
    Request::post(uri).body(body).unwrap()
}

/// A request as the inner service saw it.
#[derive(Debug)]
pub struct Seen {
    pub head: request::Parts,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
    /// Whether the body ended well.
    pub complete: bool,
}

impl Seen {
    pub fn token(&self) -> Option<&str> {
        self.head.headers.get("authorization").map(|value| value.to_str().unwrap())
    }
}

/// What to respond.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: HeaderMap,
    body: &'static str,
    early: bool,
    error: bool,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: "", early: false, error: false }
    }

    /// A redirect there, to be followed with a GET.
    pub fn see_other(location: &str) -> Self {
        Self::status(303).header("location", location)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    pub fn body(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    /// Comes before the body is read; the body stays with the [`Api`].
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// The service fails instead.
    pub fn broken() -> Self {
        Self { error: true, ..Self::status(200) }
    }

    fn response(self) -> Result<Response<Full<Bytes>>, BoxError> {
        if self.error {
            return Err("the connection broke".into());
        }
        let mut response = Response::new(full(self.body));
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap();
        *response.headers_mut() = self.headers;
        Ok(response)
    }
}

/// The service. A clone is not ready; a call on one that is not ready panics.
pub struct Api<B> {
    state: Arc<Mutex<State<B>>>,
    ready: bool,
}

struct State<B> {
    answers: VecDeque<Answer>,
    otherwise: Answer,
    seen: Vec<Seen>,
    unread: Vec<B>,
}

impl<B> Api<B> {
    /// Responds with these in order, then 200.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = answers.into_iter().collect();
        let state = State {
            answers,
            otherwise: Answer::status(200).body("welcome"),
            seen: Vec::new(),
            unread: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), ready: false }
    }

    pub fn statuses(statuses: impl IntoIterator<Item = u16>) -> Self {
        Self::new(statuses.into_iter().map(Answer::status))
    }

    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap()
    }

    /// Takes what was seen so far.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().seen)
    }

    /// The tokens of all requests so far, and forgets them.
    pub fn tokens(&self) -> Vec<Option<String>> {
        self.seen().iter().map(|seen| seen.token().map(str::to_owned)).collect()
    }

    /// Takes the body of an early response.
    pub fn unread(&self) -> B {
        self.state().unread.remove(0)
    }
}

impl<B> Clone for Api<B> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), ready: false }
    }
}

/// Reads a body to its end.
pub async fn read<B>(body: B) -> (Bytes, Option<HeaderMap>, bool)
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut data = Vec::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (data.into(), trailers, false) };
        match frame.into_data() {
            Ok(chunk) => data.extend_from_slice(&chunk),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    (data.into(), trailers, true)
}

impl<B> Service<Request<B>> for Api<B>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being polled ready");
        let (head, body) = request.into_parts();
        let shared = self.state.clone();
        Box::pin(async move {
            let answer = {
                let mut state = shared.lock().unwrap();
                state.answers.pop_front().unwrap_or_else(|| state.otherwise.clone())
            };
            let seen = if answer.early {
                shared.lock().unwrap().unread.push(body);
                Seen { head, body: Bytes::new(), trailers: None, complete: false }
            } else {
                let (body, trailers, complete) = read(body).await;
                Seen { head, body, trailers, complete }
            };
            shared.lock().unwrap().seen.push(seen);
            answer.response()
        })
    }
}
