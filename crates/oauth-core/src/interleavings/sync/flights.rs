//! A runtime of the explorer's, whose tasks a test can end or leave standing.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::error::Error;

thread_local! {
    static FLIGHTS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// Spawns on the explorer.
#[derive(Debug)]
pub(crate) struct Runtime;

/// What `spawn` returns.
#[derive(Clone)]
pub(crate) struct Task {
    abort: AbortHandle,
    drive: Arc<Drive>,
}

/// Ends a task, which drops its future when it comes to run: shuttle's own abort drops it on the
/// spot, where the explored lock cannot be taken.
#[derive(Clone)]
pub(crate) struct AbortHandle(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl AbortHandle {
    pub(crate) fn abort(&self) {
        if let Some(cut) = self.0.lock().expect("no panic under it").take() {
            // Whether it still runs or not.
            let _ = cut.send(());
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.lock().expect("no panic under it").as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

/// Whether the runtime of a task is driven.
#[derive(Default)]
struct Drive(Mutex<Driven>);

#[derive(Default)]
enum Driven {
    #[default]
    Yes,
    /// With who is to be woken when it is again.
    No(Option<Waker>),
}

impl Drive {
    fn is_stalled(&self, cx: &Context<'_>) -> bool {
        match &mut *self.0.lock().expect("no panic under it") {
            Driven::Yes => false,
            Driven::No(waker) => {
                *waker = Some(cx.waker().clone());
                true
            }
        }
    }
}

/// A flight that stands still: it is not polled, and it is not dropped when it is aborted.
#[must_use = "it may be driven again"]
pub(crate) struct Stalled(Arc<Drive>);

impl Stalled {
    /// Its runtime is driven again.
    pub(crate) fn drive(self) {
        let before = std::mem::take(&mut *self.0.0.lock().expect("no panic under it"));
        if let Driven::No(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl Task {
    pub(crate) fn abort_handle(&self) -> AbortHandle {
        self.abort.clone()
    }
}

impl Runtime {
    pub(crate) fn spawn(&self, flight: impl Future<Output = ()> + Send + 'static) -> Task {
        let (cut, is_cut) = oneshot::channel();
        let abort = AbortHandle(Arc::new(Mutex::new(Some(cut))));
        let task = Task { abort, drive: Arc::default() };
        let never_if_dropped = async {
            if is_cut.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let drive = task.drive.clone();
        shuttle::future::spawn(async move {
            let mut flight = pin!(async {
                tokio::select! { biased; () = never_if_dropped => {}, () = flight => {} }
            });
            poll_fn(|cx| match drive.is_stalled(cx) {
                true => Poll::Pending,
                false => flight.as_mut().poll(cx),
            })
            .await;
        });
        FLIGHTS.with_borrow_mut(|flights| flights.push(task.clone()));
        task
    }
}

pub(crate) fn runtime() -> Result<Runtime, Error> {
    Ok(Runtime)
}

/// What the end of a runtime does to the newest flight on it, if there is one by now.
pub(crate) fn end_one_flight() {
    if let Some(flight) = FLIGHTS.with_borrow_mut(Vec::pop) {
        flight.abort.abort();
    }
}

/// The runtime of the newest flight is no longer driven, if there is one by now.
pub(crate) fn stall_newest_flight() -> Option<Stalled> {
    let drive = FLIGHTS.with_borrow(|flights| flights.last().map(|task| task.drive.clone()))?;
    *drive.0.lock().expect("no panic under it") = Driven::No(None);
    Some(Stalled(drive))
}

pub(crate) fn forget_flights() {
    FLIGHTS.with_borrow_mut(Vec::clear);
}
