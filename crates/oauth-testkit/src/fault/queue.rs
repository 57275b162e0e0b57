//! The faults that wait for requests, and how one is played.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Fault, Kind, answer};
use crate::reply::{Ending, Outcome, Raw, ReplyBody, json};
use crate::sync::lock;

const GARBAGE: &[u8] = b"\x16\x03\x01\x00\x2aneither TLS nor HTTP\r\n\r\n\x00\xff\xfe";
const TRUNCATED: &[u8] = b"{\"access_token\":\"trunc";

/// A body that fails at once takes along what waits to be sent before it, the head included.
const UNTIL_SENT: Duration = Duration::from_millis(10);

pub(crate) struct FaultQueue {
    waiting: Mutex<VecDeque<Fault>>,
    /// Sent to when the faults are cleared.
    cleared: watch::Sender<()>,
}

impl FaultQueue {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::default(), cleared: watch::Sender::new(()) }
    }

    pub(crate) fn inject(&self, fault: Fault) {
        if fault.times != Some(0) {
            lock(&self.waiting).push_back(fault);
        }
    }

    pub(crate) fn clear(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.clear();
        self.cleared.send_replace(());
    }

    /// Subscribed under the lock: a `clear` that comes after the fault was taken is seen by whoever hangs.
    fn take(&self) -> Option<(Fault, watch::Receiver<()>)> {
        let mut waiting = lock(&self.waiting);
        let first = waiting.front_mut()?;
        let fault = match &mut first.times {
            Some(times) if *times > 1 => {
                *times -= 1;
                first.clone()
            }
            Some(_) => waiting.pop_front()?,
            None => first.clone(),
        };
        Some((fault, self.cleared.subscribe()))
    }

    /// Plays the next fault, or the normal behaviour when there is none.
    pub(crate) async fn play<F>(&self, is_http2: bool, normal: F) -> Outcome
    where
        F: Future<Output = Response<ReplyBody>>,
    {
        let Some((fault, mut cleared)) = self.take() else {
            return Outcome::Respond(normal.await);
        };
        if !fault.after.is_zero() {
            sleep(fault.after).await;
        }
        match fault.kind {
            Kind::Normal => Outcome::Respond(normal.await),
            Kind::Answer { status, headers, body, stall } => {
                let mut response = answer(status, headers, body);
                if let Some(bytes) = stall {
                    // Without its sender the server has stopped, and its connections end.
                    let broken = async move { drop(cleared.changed().await) };
                    response = response.map(|body| body.stalled_after(bytes, broken));
                }
                Outcome::Respond(response)
            }
            Kind::Hang => {
                // Its sender is in `self`.
                let _ = cleared.changed().await;
                Outcome::Respond(normal.await)
            }
            Kind::Reset => Outcome::End(Ending::Reset, None),
            Kind::Garbage if is_http2 => Outcome::End(Ending::Reset, None),
            Kind::Garbage => Outcome::End(Ending::Raw(Raw::at_once(GARBAGE)), None),
            Kind::EndlessBody => Outcome::Respond(ok(ReplyBody::Endless)),
            Kind::Truncated => {
                let part = Some(Bytes::from_static(TRUNCATED));
                let broken = Box::pin(sleep(UNTIL_SENT));
                Outcome::Respond(ok(ReplyBody::Stalled { part, announced: 4096, broken }))
            }
            Kind::SlowHead(pace) if is_http2 => {
                sleep(pace).await;
                Outcome::Respond(normal.await)
            }
            Kind::SlowHead(pace) => {
                let response = normal.await;
                let status = response.status();
                Outcome::End(Ending::Raw(Raw::slow(response, pace)), Some(status))
            }
        }
    }
}

fn ok(body: ReplyBody) -> Response<ReplyBody> {
    json(StatusCode::OK, Bytes::new()).map(|_| body)
}
