//! An API that takes its time and looks at the token half-way.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderMap;
use http::StatusCode;
use http::header::AUTHORIZATION;
use tokio::time::{Instant, sleep};

use super::issuer::random;

/// Whether a token is accepted, by its number, the time and the path.
type Rule = Box<dyn Fn(usize, Duration, &str) -> bool + Send + Sync>;

pub(crate) struct Api {
    takes: Range<f64>,
    rule: Rule,
    rng: Mutex<fastrand::Rng>,
    started: Instant,
    first_accepted: Mutex<BTreeMap<usize, Duration>>,
}

impl Api {
    /// `takes` is the range of a request's seconds.
    pub(crate) fn new(
        takes: Range<f64>,
        rule: impl Fn(usize, Duration, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            takes,
            rule: Box::new(rule),
            rng: Mutex::new(fastrand::Rng::with_seed(11)),
            started: Instant::now(),
            first_accepted: Mutex::default(),
        }
    }

    /// When each token was accepted for the first time.
    pub(crate) fn first_accepted(&self) -> BTreeMap<usize, Duration> {
        self.first_accepted.lock().unwrap().clone()
    }

    pub(crate) async fn answer(&self, path: &str, headers: &HeaderMap) -> StatusCode {
        let half = random(&mut self.rng.lock().unwrap(), &self.takes) / 2;
        sleep(half).await;
        let header = headers[AUTHORIZATION].to_str().unwrap();
        let token = header.strip_prefix("Bearer token-").unwrap().parse().unwrap();
        let path = path.trim_start_matches('/');
        let now = self.started.elapsed();
        let accepted = (self.rule)(token, now, path);
        if accepted {
            self.first_accepted.lock().unwrap().entry(token).or_insert(now);
        }
        sleep(half).await;
        if accepted { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }
}
