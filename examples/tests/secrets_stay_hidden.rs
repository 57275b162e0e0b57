//! Plays the scenarios with every log line of every crate captured, and formats what holds secrets.

use std::io::Write;
use std::sync::{Arc, Mutex};

use oauth_core::{ClientAuth, RotatingClient, StaticToken, Token, TokenSlot};
use oauth_examples::{Adapter, Scenario, play_and_tell};
use oauth_reqwest::OAuthMiddleware;
use oauth_testkit::Dialect;
use oauth_tower::{Buffered, CloneBody, NoReplay, OAuthLayer};
use tower::Layer;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_scenario_writes_a_secret_or_a_token_to_the_log() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .init();
    let mut secrets = Vec::new();
    for dialect in Dialect::ALL {
        for adapter in Adapter::ALL {
            for scenario in Scenario::ALL {
                let (figures, told) = play_and_tell(dialect, adapter, scenario).await.unwrap();
                assert!(figures.requests > 0);
                secrets.extend(told);
            }
        }
    }
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    // The capture works: our own events are in it.
    assert!(text.contains("token fetched") && text.contains("token request failed"));
    assert!(secrets.len() > 4 * 2 * 6, "{} secrets", secrets.len());
    let spelled_for_a_form: Vec<String> = secrets
        .iter()
        .map(|secret| form_urlencoded::byte_serialize(secret.as_bytes()).collect())
        .collect();
    for secret in secrets.into_iter().chain(spelled_for_a_form) {
        if let Some(at) = text.find(&secret) {
            let line = text[..at].rsplit('\n').next().unwrap();
            panic!("a secret is in the log, after: {line}");
        }
    }
}

#[tokio::test]
async fn no_public_type_shows_a_secret_in_any_format() {
    const SECRET: &str = "correct-horse-battery-staple";
    const TOKEN: &str = "mF_9.B5f-4.1JqM";
    let mut texts = Vec::new();
    macro_rules! debug {
        ($($value:expr),* $(,)?) => {$({
            let value = $value;
            texts.push(format!("{value:?}"));
            texts.push(format!("{value:#?}"));
        })*};
    }
    let client = ClientAuth::secret("the-id", SECRET);
    let token = Token::bearer(TOKEN).unwrap().with_scope("read");
    let slot = TokenSlot::new(StaticToken::new(token.clone()));
    let issued = slot.token().await.unwrap();
    let layer = OAuthLayer::new(slot.clone());
    let request = http::Request::get("https://api.example.com/").body(String::new()).unwrap();
    let service = tower::service_fn(|_: http::Request<String>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(()))
    });
    let future = tower::Service::call(&mut layer.clone().replay(CloneBody).layer(service), request);
    debug!(
        client.clone(),
        client.clone().basic(),
        RotatingClient::new(client),
        token.clone(),
        token.header_value(),
        StaticToken::new(token),
        TokenSlot::builder(oauth_core::source_fn(|| async { Token::bearer(TOKEN) })),
        issued,
        slot.status(),
        slot.subscribe(),
        layer.clone().replay(Buffered::new()),
        layer.clone().replay(NoReplay),
        future,
        OAuthMiddleware::new(slot.clone()),
        slot,
    );
    assert_eq!(texts.len(), 2 * 15);
    for text in texts {
        assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
        // The Basic header's and the form's spellings.
        assert!(!text.contains("Y29ycmVjd") && !text.contains("correct"), "{text}");
    }
}
