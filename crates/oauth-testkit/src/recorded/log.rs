//! The requests that a server keeps.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::RecordedRequest;
use crate::sync::lock;

/// How many requests a log holds; the oldest goes first.
const KEPT: usize = 1024;

/// The latest requests, oldest first.
#[derive(Default)]
pub(crate) struct Log(Mutex<VecDeque<RecordedRequest>>);

impl Log {
    pub(crate) fn push(&self, request: RecordedRequest) {
        let mut kept = lock(&self.0);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(request);
    }

    pub(crate) fn last(&self) -> Option<RecordedRequest> {
        lock(&self.0).back().cloned()
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        lock(&self.0).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}
