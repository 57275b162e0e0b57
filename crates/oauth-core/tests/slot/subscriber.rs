//! A `tracing` subscriber that keeps what it is given, and panics where the test says.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// What the subscriber of this thread was given.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    /// The events with this in their text.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|event| event.contains(text)).cloned().collect()
    }
}

struct Listener {
    seen: Seen,
    panics_at: Option<&'static str>,
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let panics = self.panics_at.is_some_and(|at| text.0.contains(at));
        self.seen.0.lock().unwrap().push(text.0);
        assert!(!panics, "the subscriber panics");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// With a single subscriber, `tracing` asks the one of the thread that meets an event first whether
/// anyone listens, and remembers its "no" for all threads: a second one makes it ask all.
static SECOND: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(Listener { seen: Seen::default(), panics_at: None }));

fn listen(panics_at: Option<&'static str>) -> (Seen, DefaultGuard) {
    let seen = Seen::default();
    let listener = Listener { seen: seen.clone(), panics_at };
    LazyLock::force(&SECOND);
    (seen, tracing::subscriber::set_default(listener))
}

/// Keeps this thread's events.
pub(crate) fn captured() -> (Seen, DefaultGuard) {
    listen(None)
}

/// Panics at each event with this in its text.
pub(crate) fn panicking_at(text: &'static str) -> (Seen, DefaultGuard) {
    listen(Some(text))
}
