//! A `tracing` subscriber that keeps what it is given, and panics where the test says.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// What the subscriber of this thread was given.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// Level, span and fields of each.
    events: Vec<String>,
    /// The fields of each; its number is its id.
    spans: Vec<String>,
    entered: Vec<Id>,
    closed: usize,
}

impl Seen {
    /// The events with this in their text.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        seen.events.iter().filter(|event| event.contains(text)).cloned().collect()
    }

    /// The spans, and how many of them are closed.
    pub(crate) fn spans(&self) -> (Vec<String>, usize) {
        let seen = self.0.lock().unwrap();
        (seen.spans.clone(), seen.closed)
    }
}

impl Kept {
    fn span(&mut self, id: &Id) -> &mut String {
        &mut self.spans[id.into_u64() as usize - 1]
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

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = Text(format!("{}{{", span.metadata().name()));
        span.record(&mut text);
        self.panic_if_told(&text.0);
        let mut seen = self.seen.0.lock().unwrap();
        seen.spans.push(text.0);
        Id::from_u64(seen.spans.len() as u64)
    }

    fn record(&self, id: &Id, fields: &Record<'_>) {
        let mut seen = self.seen.0.lock().unwrap();
        let mut text = Text(std::mem::take(seen.span(id)));
        fields.record(&mut text);
        *seen.span(id) = text.0;
        drop(seen);
        self.panic_if_told("record");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut seen = self.seen.0.lock().unwrap();
        let parent = event.parent().or(seen.entered.last()).cloned();
        let parent = parent.map(|id| format!(" {}}}", seen.span(&id))).unwrap_or_default();
        let mut text = Text(format!("{}{parent} ", event.metadata().level()));
        event.record(&mut text);
        seen.events.push(text.0.clone());
        drop(seen);
        self.panic_if_told(&text.0);
    }

    fn enter(&self, id: &Id) {
        self.seen.0.lock().unwrap().entered.push(id.clone());
        self.panic_if_told("enter");
    }

    fn exit(&self, _: &Id) {
        self.seen.0.lock().unwrap().entered.pop();
        self.panic_if_told("exit");
    }

    fn try_close(&self, _: Id) -> bool {
        self.seen.0.lock().unwrap().closed += 1;
        self.panic_if_told("close");
        true
    }
}

impl Listener {
    fn panic_if_told(&self, text: &str) {
        let panics = self.panics_at.is_some_and(|at| text.contains(at));
        assert!(!panics, "the subscriber panics");
    }
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

/// Panics at each event and new span with this in its text, or at `enter`, `exit`, `record`, `close`.
pub(crate) fn panicking_at(text: &'static str) -> (Seen, DefaultGuard) {
    listen(Some(text))
}
