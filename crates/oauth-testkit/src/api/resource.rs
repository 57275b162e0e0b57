//! What the API does with a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};

use super::Challenge;
use super::bearer::bearer;
use crate::auth::Endpoint;
use crate::fault::FaultQueue;
use crate::recorded::{Log, Received, RecordedRequest};
use crate::reply::{Outcome, ReplyBody, json, quoted};
use crate::serve::Handler;
use crate::shape;
use crate::sync::lock;

pub(super) struct Resource {
    /// Who issues the tokens; an open API wants none.
    pub(super) auth: Option<Arc<Endpoint>>,
    pub(super) settings: Mutex<Settings>,
    pub(super) faults: FaultQueue,
    pub(super) log: Log,
    pub(super) requests: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) tokens_seen: AtomicU64,
}

#[derive(Default)]
pub(super) struct Settings {
    pub(super) challenge: Challenge,
    pub(super) refuse_everything: bool,
    /// How much of the body is read before a refusal or a fault; `None`: all of it.
    pub(super) respond_after: Option<u64>,
}

impl Resource {
    pub(super) fn new(auth: Option<Arc<Endpoint>>) -> Self {
        Self {
            auth,
            settings: Mutex::default(),
            faults: FaultQueue::new(),
            log: Log::default(),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            tokens_seen: AtomicU64::new(0),
        }
    }

    /// `None` if the request is to be refused.
    fn admit(&self, parts: &Parts) -> Option<Admitted> {
        if lock(&self.settings).refuse_everything {
            return None;
        }
        let token_seq = match &self.auth {
            None => None,
            Some(auth) => Some(auth.tokens.accept(bearer(&parts.headers)?)?),
        };
        Some(Admitted { token_seq })
    }

    fn refusal(&self, parts: &Parts) -> Response<ReplyBody> {
        let dialect = self.auth.as_ref().map(|auth| auth.dialect());
        let mut response = json(StatusCode::UNAUTHORIZED, shape::api_refusal(dialect));
        let challenge = match lock(&self.settings).challenge.clone() {
            Challenge::None => None,
            Challenge::ProviderDefault => {
                let realm = self.auth.as_ref().map(|auth| auth.realm()).unwrap_or_default();
                let has_token = parts.headers.contains_key(AUTHORIZATION);
                shape::api_challenge(dialect, &realm, has_token)
            }
            Challenge::Custom(text) => HeaderValue::from_str(&text).ok(),
        };
        if let Some(challenge) = challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// What lets a request pass: a token, or that the API is open.
struct Admitted {
    token_seq: Option<u64>,
}

/// The echo of a request that was let through.
fn echo(parts: &Parts, token_seq: Option<u64>, body: &Received) -> Response<ReplyBody> {
    let (length, sha256) = (body.length(), body.sha256());
    let token_seq = token_seq.map_or_else(|| "null".to_owned(), |seq| seq.to_string());
    let text = format!(
        r#"{{"method":{},"path":{},"length":{length},"sha256":"{sha256}","token_seq":{token_seq}}}"#,
        quoted(parts.method.as_str()),
        quoted(parts.uri.path()),
    );
    let mut response = json(StatusCode::OK, text);
    response.headers_mut().insert("x-body-length", HeaderValue::from(length));
    if let Ok(value) = HeaderValue::from_str(&sha256) {
        response.headers_mut().insert("x-body-sha256", value);
    }
    response
}

impl Handler for Resource {
    async fn handle(&self, request: Request<Incoming>) -> Outcome {
        let is_http2 = request.version() == Version::HTTP_2;
        let (parts, mut body) = request.into_parts();
        let received = Received::default();
        // Before it is counted: whoever has seen the count finds the request.
        self.log.push(RecordedRequest::streaming(&parts, received.clone()));
        if parts.headers.contains_key(AUTHORIZATION) {
            self.tokens_seen.fetch_add(1, Ordering::SeqCst);
        }
        self.requests.fetch_add(1, Ordering::SeqCst);

        let broken_off = || json(StatusCode::BAD_REQUEST, r#"{"message":"incomplete body"}"#);
        let until = lock(&self.settings).respond_after.unwrap_or(u64::MAX);
        if !received.read(&mut body, until).await {
            return Outcome::Respond(broken_off());
        }
        let normal = async {
            let Some(Admitted { token_seq }) = self.admit(&parts) else {
                return self.refusal(&parts);
            };
            match received.read(&mut body, u64::MAX).await {
                true => echo(&parts, token_seq, &received),
                false => broken_off(),
            }
        };
        let outcome = self.faults.play(is_http2, normal).await;
        if outcome.status() == Some(StatusCode::UNAUTHORIZED) {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        outcome
    }
}
