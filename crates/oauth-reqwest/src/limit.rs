//! The time limit of one request, which covers the wait for a token, its refresh and both sends.

use std::time::Duration;

use oauth_core::Deadline;
use reqwest::Request;

/// The request's deadline, if it has a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(Option<Deadline>);

impl Limit {
    /// The earlier one of the request's own `timeout`, which counts from now, and of a deadline.
    #[inline]
    pub(crate) fn of(request: &Request, deadline: Option<Deadline>) -> Self {
        match request.timeout() {
            None if deadline.is_none() => Self(None),
            timeout => Self::earlier(timeout.copied(), deadline),
        }
    }

    #[cold]
    fn earlier(timeout: Option<Duration>, deadline: Option<Deadline>) -> Self {
        let timeout = timeout.map(Deadline::within);
        Self(timeout.into_iter().chain(deadline).min())
    }

    pub(crate) fn until(self) -> Option<Deadline> {
        self.0
    }

    /// Shortens the request's own timeout to what is left; reqwest's timer does the rest.
    pub(crate) fn shorten(self, request: &mut Request) {
        if let Some(until) = self.0 {
            *request.timeout_mut() = Some(until.remaining());
        }
    }
}
