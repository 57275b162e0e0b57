//! Waits that a change of the credentials ends.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::source::DynSource;
use crate::unwind::{caught, contained};

/// Returns the output of `wait`; `None` if the source's credentials changed first.
pub(super) async fn unless_rotated<T>(
    wait: impl Future<Output = T>,
    source: &dyn DynSource,
    epoch: u64,
) -> Option<T> {
    let (mut wait, mut rotated) = (pin!(wait), pin!(rotated(source, epoch)));
    poll_fn(|cx| match wait.as_mut().poll(cx) {
        Poll::Ready(end) => Poll::Ready(Some(end)),
        Poll::Pending => rotated.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// Ends when the credentials have changed. A source that panics, or reports a change that is none, is not
/// asked again, since it would make the slot spin.
async fn rotated(source: &dyn DynSource, epoch: u64) {
    let told = caught(async { source.credentials_changed(epoch).await }).await;
    let now = contained(|| source.credentials_epoch());
    if told.is_err() || now.is_none_or(|now| now == epoch) {
        pending::<()>().await;
    }
}
