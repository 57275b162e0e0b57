//! reqwest-tracing beside ours: its spans are there, and no token is in anything that is told.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use oauth_testkit::{Challenge, ProtectedApi};
use reqwest_middleware::ClientBuilder;
use reqwest_tracing::TracingMiddleware;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::world::{World, is_replayed, plain};

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The tokens that the API was shown.
fn tokens(api: &ProtectedApi) -> Vec<String> {
    let log = api.request_log();
    let token = |value: &str| value.trim_start_matches("Bearer ").to_owned();
    log.iter().map(|request| token(request.header("authorization").unwrap())).collect()
}

/// Returns how many spans of requests there were.
async fn spans_of_a_replayed_request(inside: bool) -> usize {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_writer(written.clone())
        .finish();
    let _subscribed = tracing::subscriber::set_default(subscriber);
    let world = World::revoked().await;
    world.api.challenge(Challenge::Custom("Bearer error=\"invalid_token\"".into()));
    let client = ClientBuilder::new(plain().build().unwrap());
    let traces = TracingMiddleware::default();
    let client = match inside {
        true => client.with(world.middleware()).with(traces).build(),
        false => client.with(traces).with(world.middleware()).build(),
    };
    let response = world.post(&client, "x").send().await.unwrap();
    assert!(is_replayed(&response));
    assert_eq!(world.counts(), (2, 1, 2));
    let told = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let tokens = tokens(&world.api);
    assert_eq!(tokens.len(), 2);
    for secret in tokens.into_iter().chain([world.auth.client_secret()]) {
        assert!(secret.len() > 8 && !told.contains(&secret), "{told}");
    }
    told.lines().filter(|line| line.contains("HTTP request") && line.contains("close")).count()
}

#[tokio::test]
async fn outside_there_is_one_span_without_a_token() {
    assert_eq!(spans_of_a_replayed_request(false).await, 1);
}

#[tokio::test]
async fn inside_each_send_has_its_span_without_a_token() {
    assert_eq!(spans_of_a_replayed_request(true).await, 2);
}
