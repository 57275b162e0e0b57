//! Waits that a change of the credentials ends.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::source::DynSource;
use crate::unwind::{caught, contained};

/// What `wait` brings; nothing if the source had other credentials than these before it ended.
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

/// Ends when the credentials are other ones. A source that panics, or says so although they are the
/// same, is not listened to again: it would make us spin.
async fn rotated(source: &dyn DynSource, epoch: u64) {
    let told = caught(async { source.credentials_changed(epoch).await }).await;
    let now = contained(|| source.credentials_epoch());
    if told.is_err() || now.is_none_or(|now| now == epoch) {
        pending::<()>().await;
    }
}
