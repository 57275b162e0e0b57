//! Contains panics of foreign code (subscribers, clocks, sources, wakers, the drop of an error) where our
//! state must stay consistent. The panic hook has reported them by then.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// It panicked. The payload is not kept: it may contain a secret.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Runs it; `None` if it panicked.
pub(crate) fn contained<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).map_err(let_go).ok()
}

/// Polls it; a panic ends it.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| match contained(|| future.as_mut().poll(cx)) {
        Some(poll) => poll.map(Ok),
        None => Poll::Ready(Err(Panicked)),
    })
    .await
}

/// Polls it with a waker that does not panic: otherwise a panicking waker would leave the waiters after it
/// asleep.
pub(crate) async fn woken_quietly<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let quiet = Waker::from(Arc::new(Quiet(cx.waker().clone())));
        future.as_mut().poll(&mut Context::from_waker(&quiet))
    })
    .await
}

struct Quiet(Waker);

impl Wake for Quiet {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        contained(|| self.0.wake_by_ref());
    }
}

/// A panic payload can panic again when it is dropped.
fn let_go(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new(Fuse));
        }
    }

    struct Fuse;

    impl Drop for Fuse {
        fn drop(&mut self) {
            // No one drops it.
            std::process::abort();
        }
    }

    #[test]
    fn a_panic_whose_payload_panics_in_its_drop_ends_here_too() {
        assert!(contained(|| resume_unwind(Box::new(Bomb))).is_none());
        assert_eq!(contained(|| 7), Some(7));
    }
}
