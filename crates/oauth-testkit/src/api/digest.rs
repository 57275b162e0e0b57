//! Length and SHA-256 of a body, taken while it streams by.

use std::fmt::Write as _;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use sha2::{Digest as _, Sha256};

pub(super) struct Digest {
    pub(super) length: u64,
    pub(super) sha256: String,
}

/// `None` if the body breaks off.
pub(super) async fn digest(mut body: Incoming) -> Option<Digest> {
    let mut hash = Sha256::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            length += data.len() as u64;
            hash.update(&data);
        }
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        // A String takes whatever is written to it.
        let _ = write!(sha256, "{byte:02x}");
    }
    Some(Digest { length, sha256 })
}
