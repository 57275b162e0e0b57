//! Length, SHA-256 and trailers of a body, taken while it streams by.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Incoming;
use sha2::{Digest as _, Sha256};

use crate::sync::lock;

/// What has come of a request's body so far. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    length: u64,
    hash: Sha256,
    trailers: HeaderMap,
    ending: Ending,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Ending {
    #[default]
    None,
    Whole,
    Broken,
}

impl Received {
    /// A body that was read already.
    pub(crate) fn whole(body: &Bytes) -> Self {
        let received = Self::default();
        received.add(body);
        lock(&received.0).ending = Ending::Whole;
        received
    }

    fn add(&self, data: &[u8]) {
        let mut state = lock(&self.0);
        state.length += data.len() as u64;
        state.hash.update(data);
    }

    pub(crate) fn length(&self) -> u64 {
        lock(&self.0).length
    }

    pub(crate) fn sha256(&self) -> String {
        let hash = lock(&self.0).hash.clone();
        hex(&hash.finalize())
    }

    pub(crate) fn trailers(&self) -> HeaderMap {
        lock(&self.0).trailers.clone()
    }

    pub(crate) fn is_complete(&self) -> bool {
        lock(&self.0).ending == Ending::Whole
    }

    pub(crate) fn is_broken_off(&self) -> bool {
        lock(&self.0).ending == Ending::Broken
    }

    /// Reads until that much has come, or to the end. `false` if the body breaks off.
    pub(crate) async fn read(&self, body: &mut Incoming, until: u64) -> bool {
        while self.length() < until {
            match body.frame().await {
                None => {
                    lock(&self.0).ending = Ending::Whole;
                    return true;
                }
                Some(Err(_)) => {
                    lock(&self.0).ending = Ending::Broken;
                    return false;
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.add(&data),
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            lock(&self.0).trailers = trailers;
                        }
                    }
                },
            }
        }
        true
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // A String takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
