//! An API that takes its time and looks at the token half-way.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderMap;
use http::StatusCode;
use http::header::AUTHORIZATION;
use tokio::time::{Instant, sleep};

use crate::issuer::random;

/// Whether a token is accepted, by its number, the time and the path.
pub type Rule = Box<dyn Fn(usize, Duration, &str) -> bool + Send + Sync>;

pub struct Api {
    takes: Range<f64>,
    rule: Rule,
    rng: Mutex<fastrand::Rng>,
    started: Instant,
    sends: Mutex<Vec<(usize, bool)>>,
}

impl Api {
    /// `takes` is the range of a request's seconds.
    pub fn new(
        takes: Range<f64>,
        rule: impl Fn(usize, Duration, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            takes,
            rule: Box::new(rule),
            rng: Mutex::new(fastrand::Rng::with_seed(11)),
            started: Instant::now(),
            sends: Mutex::default(),
        }
    }

    /// The tokens that were sent, and whether they were accepted.
    pub fn sends(&self) -> Vec<(usize, bool)> {
        self.sends.lock().unwrap().clone()
    }

    pub(crate) async fn answer(&self, path: &str, headers: &HeaderMap) -> StatusCode {
        let half = random(&mut self.rng.lock().unwrap(), &self.takes) / 2;
        sleep(half).await;
        let header = headers[AUTHORIZATION].to_str().unwrap();
        let token = header.strip_prefix("Bearer token-").unwrap().parse().unwrap();
        let path = path.trim_start_matches('/');
        let accepted = (self.rule)(token, self.started.elapsed(), path);
        self.sends.lock().unwrap().push((token, accepted));
        sleep(half).await;
        if accepted { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }
}
