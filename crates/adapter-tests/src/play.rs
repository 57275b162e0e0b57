//! A scripted API: it responds as and when the test says, and records what it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use oauth_core::Outcome;
use tokio::time::{Instant, sleep};

/// What an adapter is asked to send.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub path: &'static str,
    pub body: Option<usize>,
    /// An extension.
    pub deadline: Option<Duration>,
    /// The request's own limit: reqwest's `timeout`. Where there is none, another extension.
    pub timeout: Option<Duration>,
    /// It opts out of a token.
    pub bare: bool,
}

impl Ask {
    pub fn new(method: Method, path: &'static str) -> Self {
        Self { method, path, body: None, deadline: None, timeout: None, bare: false }
    }

    pub fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: &'static str) -> Self {
        Self::new(Method::POST, path)
    }

    /// A stream of so many bytes, of unknown length.
    pub fn body(self, bytes: usize) -> Self {
        Self { body: Some(bytes), ..self }
    }

    pub fn within(self, limit: Duration) -> Self {
        Self { deadline: Some(limit), ..self }
    }

    pub fn bare(self) -> Self {
        Self { bare: true, ..self }
    }

    pub fn timeout(self, limit: Duration) -> Self {
        Self { timeout: Some(limit), ..self }
    }
}

/// What came back: status and outcome, or the whole text of an error.
pub type Called = Result<(u16, Outcome), String>;

pub fn status(called: &Called) -> u16 {
    called.as_ref().unwrap().0
}

pub fn told(called: &Called) -> String {
    format!("{:?}", called.as_ref().unwrap().1)
}

/// A request as the API got it.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub token: String,
    /// Since the API was made.
    pub at: Duration,
    pub length: usize,
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub header: Option<(&'static str, &'static str)>,
    /// Where the response says that it is from, if not from where it was asked.
    pub from: Option<&'static str>,
    pub after: Duration,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, header: None, from: None, after: Duration::ZERO }
    }

    /// Whether the token is good.
    pub fn good(good: bool) -> Self {
        Self::status(if good { 200 } else { 401 })
    }

    pub fn header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    pub fn from(self, url: &'static str) -> Self {
        Self { from: Some(url), ..self }
    }

    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

type Behaviour = Box<dyn FnMut(&Call) -> Reply + Send>;

#[derive(Clone)]
pub struct Play {
    behaviour: Arc<Mutex<Behaviour>>,
    calls: Arc<Mutex<Vec<Call>>>,
    start: Instant,
}

impl Play {
    pub fn new(behaviour: impl FnMut(&Call) -> Reply + Send + 'static) -> Self {
        let behaviour: Behaviour = Box::new(behaviour);
        Self {
            behaviour: Arc::new(Mutex::new(behaviour)),
            calls: Arc::default(),
            start: Instant::now(),
        }
    }

    /// From now on it does something else.
    pub fn then(&self, behaviour: impl FnMut(&Call) -> Reply + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        header: Option<&http::HeaderValue>,
        length: usize,
    ) -> Reply {
        let header = header.map_or("", |value| value.to_str().unwrap());
        let token = header.trim_start_matches("Bearer ").to_owned();
        let call = Call { method, path: path.to_owned(), token, at: self.elapsed(), length };
        let reply = (self.behaviour.lock().unwrap())(&call);
        self.calls.lock().unwrap().push(call);
        if !reply.after.is_zero() {
            sleep(reply.after).await;
        }
        reply
    }

    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes what it was sent.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// Takes what it was sent, and says with which tokens.
    pub fn tokens(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.token).collect()
    }
}
