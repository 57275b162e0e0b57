//! Returns numbered tokens.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use oauth_core::{Error, FetchContext, Token, TokenSource};
use tokio::time::Instant;

/// Tokens `token-1`, `token-2`, …, each after a random wait.
pub(crate) struct Issuer {
    /// What the response says; nothing: that it does not know.
    life: Option<Duration>,
    takes: Range<f64>,
    outages: Vec<Range<Duration>>,
    state: Mutex<State>,
    started: Instant,
}

struct State {
    rng: fastrand::Rng,
    requests: usize,
    born: Vec<Duration>,
}

impl Issuer {
    /// `takes` is the range of a token request's seconds.
    pub(crate) fn new(life: Option<Duration>, takes: Range<f64>) -> Self {
        let state = State { rng: fastrand::Rng::with_seed(7), requests: 0, born: Vec::new() };
        let started = Instant::now();
        Self { life, takes, outages: Vec::new(), state: Mutex::new(state), started }
    }

    /// It fails in these times since its start.
    pub(crate) fn with_outages(self, outages: Vec<Range<Duration>>) -> Self {
        Self { outages, ..self }
    }

    /// Whether it fails at a time.
    pub(crate) fn is_out(&self, at: Duration) -> bool {
        self.outages.iter().any(|outage| outage.contains(&at))
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// When that token was issued.
    pub(crate) fn born(&self, token: usize) -> Duration {
        self.state.lock().unwrap().born[token - 1]
    }

    /// The newest token.
    pub(crate) fn newest(&self) -> usize {
        self.state.lock().unwrap().born.len()
    }
}

impl TokenSource for Issuer {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        let seconds = {
            let mut state = self.state.lock().unwrap();
            state.requests += 1;
            random(&mut state.rng, &self.takes)
        };
        tokio::time::sleep(seconds).await;
        if self.is_out(self.started.elapsed()) {
            return Err(Error::transient("an outage"));
        }
        let number = {
            let mut state = self.state.lock().unwrap();
            state.born.push(self.started.elapsed());
            state.born.len()
        };
        let token = Token::bearer(format!("token-{number}"))?;
        Ok(match self.life {
            Some(life) => token.expires_in(life),
            None => token,
        })
    }
}

pub(crate) fn random(rng: &mut fastrand::Rng, range: &Range<f64>) -> Duration {
    Duration::from_secs_f64(range.start + rng.f64() * (range.end - range.start))
}
