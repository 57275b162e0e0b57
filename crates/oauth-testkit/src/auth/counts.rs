//! What an authorization server has counted and recorded.

use std::sync::atomic::Ordering;

use super::AuthServer;
use crate::RecordedRequest;

/// What has happened.
impl AuthServer {
    /// How many requests reached the token endpoint, whatever became of them.
    pub fn token_requests(&self) -> u64 {
        self.endpoint.requests.load(Ordering::SeqCst)
    }

    /// How many token requests were granted.
    pub fn tokens_issued(&self) -> u64 {
        self.endpoint.issued.load(Ordering::SeqCst)
    }

    /// How many requests went to another path than the token endpoint's, and got a 404.
    pub fn stray_requests(&self) -> u64 {
        self.endpoint.strays.load(Ordering::SeqCst)
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.running.connections().accepted()
    }

    /// Sets every counter back to zero and forgets the recorded requests. Tokens stay what they are, and keep
    /// their numbers.
    pub fn reset_counters(&self) {
        for counter in [&self.endpoint.requests, &self.endpoint.issued, &self.endpoint.strays] {
            counter.store(0, Ordering::SeqCst);
        }
        self.running.connections().reset();
        self.endpoint.log.clear();
    }

    /// The latest request to the token endpoint. It is recorded once its body has arrived; a body beyond 64 KiB
    /// is recorded as empty.
    pub fn last_token_request(&self) -> Option<RecordedRequest> {
        self.endpoint.log.last()
    }

    /// The latest 1,024 requests to the token endpoint, oldest first.
    pub fn token_request_log(&self) -> Vec<RecordedRequest> {
        self.endpoint.log.all()
    }
}
