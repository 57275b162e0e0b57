//! The token endpoint.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, Version};
use percent_encoding::percent_decode_str;
use tokio::time::sleep;

use super::check::check;
use super::settings::Settings;
use crate::Dialect;
use crate::fault::FaultQueue;
use crate::recorded::{Log, RecordedRequest};
use crate::reply::{Outcome, ReplyBody};
use crate::serve::Handler;
use crate::shape::{self, Problem};
use crate::sync::lock;
use crate::tokens::Tokens;

/// A token request is a few hundred bytes.
const BODY_LIMIT: usize = 64 * 1024;

pub(crate) struct Endpoint {
    pub(super) dialect: Dialect,
    pub(super) settings: Mutex<Settings>,
    pub(crate) tokens: Arc<Tokens>,
    pub(super) faults: FaultQueue,
    pub(super) log: Log,
    pub(super) requests: AtomicU64,
    pub(super) issued: AtomicU64,
    pub(super) strays: AtomicU64,
}

impl Endpoint {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            settings: Mutex::new(Settings::new(dialect)),
            tokens: Arc::new(Tokens::new(dialect)),
            faults: FaultQueue::new(),
            log: Log::default(),
            requests: AtomicU64::new(0),
            issued: AtomicU64::new(0),
            strays: AtomicU64::new(0),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn realm(&self) -> String {
        lock(&self.settings).realm.clone()
    }

    /// `Err` if the path is not that of the token endpoint; for a token endpoint of another realm,
    /// the problem to respond with.
    fn route(&self, path: &str) -> Result<Option<Problem>, Problem> {
        let expected = match self.dialect {
            Dialect::Oleria => "/oauth2/token",
            Dialect::Apiera => "/oauth/token",
            Dialect::Fuuffy => "/v1/auth/token",
            Dialect::Ataccama => {
                let realm = path
                    .strip_prefix("/auth/realms/")
                    .and_then(|rest| rest.strip_suffix("/protocol/openid-connect/token"))
                    .filter(|realm| !realm.contains('/'))
                    .ok_or(Problem::NotFound)?;
                let is_known = percent_decode_str(realm).eq(lock(&self.settings).realm.bytes());
                return Ok((!is_known).then_some(Problem::UnknownRealm));
            }
        };
        if path == expected { Ok(None) } else { Err(Problem::NotFound) }
    }

    fn answer(
        &self,
        request: Result<RecordedRequest, Problem>,
        other_realm: Option<Problem>,
    ) -> Response<ReplyBody> {
        let settings = lock(&self.settings);
        let verdict = match other_realm {
            Some(problem) => Err(problem),
            None => request.and_then(|request| check(self.dialect, &request, &settings)),
        };
        if let Err(problem) = verdict {
            return shape::refusal(self.dialect, &problem, settings.envelopes);
        }
        let issued = self.tokens.issue();
        self.issued.fetch_add(1, Ordering::SeqCst);
        if let Some(writer) = settings.writer.clone() {
            // The caller's closure may well call back into the server.
            drop(settings);
            return shape::token_answer(writer(&issued.token));
        }
        shape::token_answer(shape::success(
            self.dialect,
            &issued.token,
            issued.lifetime.as_secs(),
            &settings.scope,
            settings.envelopes.data,
        ))
    }
}

impl Handler for Endpoint {
    async fn handle(&self, request: Request<Incoming>) -> Outcome {
        let is_http2 = request.version() == Version::HTTP_2;
        let (parts, body) = request.into_parts();
        let other_realm = match self.route(parts.uri.path()) {
            Ok(other_realm) => other_realm,
            Err(problem) => {
                self.strays.fetch_add(1, Ordering::SeqCst);
                let envelopes = lock(&self.settings).envelopes;
                return Outcome::Respond(shape::refusal(self.dialect, &problem, envelopes));
            }
        };
        self.requests.fetch_add(1, Ordering::SeqCst);
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(_) => Err(Problem::TooLarge),
        };
        let recorded =
            RecordedRequest::new(&parts, body.as_ref().map_or_else(|_| Bytes::new(), Bytes::clone));
        self.log.push(recorded.clone());
        let request = body.map(|_| recorded);

        let latency = lock(&self.settings).latency;
        let outcome = self.faults.play(is_http2, async { self.answer(request, other_realm) }).await;
        // The token lives from here on, not from the moment at which the client reads it.
        if !latency.is_zero() {
            sleep(latency).await;
        }
        outcome
    }
}
