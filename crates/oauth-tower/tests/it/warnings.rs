//! What is warned of, and how often: a caller's loop repeats no warning.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tower::{Layer, ServiceExt};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::scripted::{Answer, Api, get};
use oauth_adapter_tests::issuer::{API, Issuer};

type Plain = Api<Full<Bytes>>;

/// Gathers the texts of warnings, with their fields.
#[derive(Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Gathers those of this thread until the guard is dropped.
    pub fn gather() -> (Self, DefaultGuard) {
        let warnings = Self::default();
        let guard = tracing::subscriber::set_default(warnings.clone());
        (warnings, guard)
    }

    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

async fn pass(layer: &OAuthLayer, uri: &str) {
    layer.clone().replay(NoReplay).layer(Plain::new([])).oneshot(get(uri)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_origin_is_named_once_in_whatever_case_and_never_its_user() {
    let (warnings, _gathering) = Warnings::gather();
    let slot = Issuer::new().slot();
    let layer = OAuthLayer::new(slot.clone());
    for uri in
        ["https://user:password@b.test/", "https://B.test/", "HTTPS://b.test/x", "https://b.test"]
    {
        pass(&layer, uri).await;
    }
    let told = warnings.taken();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("origin=https://b.test declared=https://api.test "), "{told:?}");
    for uri in ["http://b.test/", "https://b.test:8443/", "https://sub.b.test/"] {
        pass(&layer, uri).await;
    }
    let told = warnings.taken();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(slot.status().foreign_requests, 7);
}

#[tokio::test(start_paused = true)]
async fn of_64_origins_and_no_more_a_request_is_warned_of() {
    let (warnings, _gathering) = Warnings::gather();
    let slot = Issuer::new().slot();
    let layer = OAuthLayer::new(slot.clone());
    for number in 0..70 {
        pass(&layer, &format!("https://{number}.test/")).await;
    }
    assert_eq!(warnings.taken().len(), 64);
    pass(&layer, "https://5.test/").await;
    assert_eq!(warnings.taken().len(), 0);
    assert_eq!(slot.status().foreign_requests, 71);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn of_many_threads_that_see_an_origin_first_one_warns() {
    let (slot, warnings) =
        (runtime().block_on(async { Issuer::new().slot() }), Warnings::default());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let _gathering = tracing::subscriber::set_default(warnings.clone());
                let layer = OAuthLayer::new(slot.clone()).replay(NoReplay);
                let runtime = runtime();
                for number in 0..32 {
                    let request = get(&format!("https://{number}.test/"));
                    runtime.block_on(layer.layer(Plain::new([])).oneshot(request)).unwrap();
                }
            });
        }
    });
    assert_eq!(warnings.taken().len(), 32);
    assert_eq!(slot.status().foreign_requests, 256);
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_delivered_401s_the_failure_and_the_first_one_are_warned_of() {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    issuer.fail();
    let (warnings, _gathering) = Warnings::gather();
    let layer = OAuthLayer::new(slot.clone()).replay(CloneBody);
    for _ in 0..1_000 {
        let api = layer.layer(Plain::new([Answer::status(401)]));
        assert_eq!(api.oneshot(get(API)).await.unwrap().status(), 401);
    }
    let told = warnings.taken();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("token request failed"), "{told:?}");
    assert!(told[1].contains("its refusals are delivered to the callers"), "{told:?}");
    assert_eq!((slot.status().refusals_delivered, slot.status().flights), (1_000, 2));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_away_is_warned_of_once_by_the_guard_and_once_by_the_layer() {
    let slot = Issuer::new().ready_slot().await;
    let (warnings, _gathering) = Warnings::gather();
    let oauth = OAuthLayer::new(slot.clone());
    for _ in 0..3 {
        let away = Answer::status(307).header("location", "https://user@evil.test/1");
        let on = Answer::status(307).header("location", "https://evil.test/2");
        let guarded = oauth.guard().layer(Plain::new([away, on]));
        let follow = tower_http_0_6::follow_redirect::FollowRedirect::new(guarded);
        oauth.clone().replay(CloneBody).layer(follow).oneshot(get(API)).await.unwrap();
    }
    let told = warnings.taken();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("the guard took the token off a request"), "{told:?}");
    assert!(
        told[1].contains("a response is from an origin that the request was not for"),
        "{told:?}"
    );
    assert!(told.iter().all(|told| told.contains("origin=https://evil.test ")), "{told:?}");
    let status = slot.status();
    assert_eq!((status.tokens_withheld, status.foreign_responses), (3, 3));
    assert_eq!(status.foreign_requests, 0);
}
