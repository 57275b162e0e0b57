//! The rows that time, instructions and allocations are measured in: one service each.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request};
use http_body_util::Full;
use oauth_reqwest::OAuthMiddleware;
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use reqwest_middleware::ClientWithMiddleware;
use tower::{Layer, Service};
use tower_http::set_header::{SetRequestHeader, SetRequestHeaderLayer};

use crate::{Noop, call, chain, fresh_slot, request, reqwest_request, secret};

/// What a request passes on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The service that does nothing.
    Noop,
    /// tower-http's layer with a header whose value never changes.
    StaticHeader,
    /// Ours, nothing kept for a replay.
    NoReplay,
    /// Ours, the body cloned for a replay.
    CloneBody,
    /// Ours as it comes: the body buffered while it is sent.
    Buffered,
    /// A reqwest chain without a middleware.
    Chain,
    /// Ours in a reqwest chain, nothing kept for a replay.
    ChainNoReplay,
    /// Ours in a reqwest chain as it comes.
    ChainBuffered,
}

impl Row {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 8] = [
        Self::Noop,
        Self::StaticHeader,
        Self::NoReplay,
        Self::CloneBody,
        Self::Buffered,
        Self::Chain,
        Self::ChainNoReplay,
        Self::ChainBuffered,
    ];

    /// The name in tables and in the recorded figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noop => "no-op",
            Self::StaticHeader => "static header",
            Self::NoReplay => "oauth-tower, NoReplay",
            Self::CloneBody => "oauth-tower, CloneBody",
            Self::Buffered => "oauth-tower, Buffered",
            Self::Chain => "reqwest-middleware, nothing",
            Self::ChainNoReplay => "oauth-reqwest, NoReplay",
            Self::ChainBuffered => "oauth-reqwest, default",
        }
    }

    /// The row of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.name() == name)
    }

    /// The same way without a token: what to subtract.
    pub const fn floor(self) -> Self {
        match self {
            Self::Chain | Self::ChainNoReplay | Self::ChainBuffered => Self::Chain,
            _ => Self::Noop,
        }
    }
}

/// Requests that are made before anything is counted, called or not.
pub const PREPARED: usize = 400;
/// Calls before anything is counted: they pay for what is set up once a thread.
const WARM_UP: usize = 20;

/// Calls the row's service `calls` times, at most [`PREPARED`] times, inside of `around`.
///
/// Two runs that differ in `calls` alone do the same besides: what is prepared is prepared for all,
/// and what is not called is leaked, not dropped.
pub fn run(row: Row, body: usize, calls: usize, around: &mut dyn FnMut(&mut dyn FnMut())) {
    assert!(calls <= PREPARED, "more calls than requests");
    match row {
        Row::Noop => tower_calls(Noop, body, calls, around),
        Row::StaticHeader => tower_calls(static_header(Noop), body, calls, around),
        Row::NoReplay => {
            let layer = OAuthLayer::new(fresh_slot()).replay(NoReplay);
            tower_calls(layer.layer(Noop), body, calls, around);
        }
        Row::CloneBody => {
            let layer = OAuthLayer::new(fresh_slot()).replay(CloneBody);
            tower_calls(layer.layer(Noop), body, calls, around);
        }
        Row::Buffered => {
            tower_calls(OAuthLayer::new(fresh_slot()).layer(Noop), body, calls, around);
        }
        Row::Chain => chain_calls(&chain(None::<OAuthMiddleware>), body, calls, around),
        Row::ChainNoReplay => {
            let ours = OAuthMiddleware::new(fresh_slot()).replay(oauth_reqwest::NoReplay);
            chain_calls(&chain(Some(ours)), body, calls, around);
        }
        Row::ChainBuffered => {
            let ours = OAuthMiddleware::new(fresh_slot());
            chain_calls(&chain(Some(ours)), body, calls, around);
        }
    }
}

/// The service with a header of the same bytes as ours, made as a user would: by `from_str`.
///
/// # Panics
/// If the token of this crate is no header value.
pub fn static_header<S>(service: S) -> SetRequestHeader<S, HeaderValue> {
    let value = HeaderValue::from_str(&format!("Bearer {}", secret())).expect("a header");
    SetRequestHeaderLayer::if_not_present(http::header::AUTHORIZATION, value).layer(service)
}

fn tower_calls<S>(
    mut service: S,
    body: usize,
    calls: usize,
    around: &mut dyn FnMut(&mut dyn FnMut()),
) where
    S: Service<Request<Full<Bytes>>>,
    S::Error: std::fmt::Debug,
{
    let body = Bytes::from(vec![0; body]);
    let requests: Vec<_> = (0..WARM_UP + PREPARED).map(|_| request(&body)).collect();
    let mut requests = requests.into_iter();
    let mut some = |count: usize| {
        for request in requests.by_ref().take(count) {
            drop(black_box(call(&mut service, request)));
        }
    };
    some(WARM_UP);
    around(&mut || some(calls));
    std::mem::forget(requests);
}

fn chain_calls(
    chain: &ClientWithMiddleware,
    body: usize,
    calls: usize,
    around: &mut dyn FnMut(&mut dyn FnMut()),
) {
    let body = Bytes::from(vec![0; body]);
    let requests: Vec<_> = (0..WARM_UP + PREPARED).map(|_| reqwest_request(&body)).collect();
    let mut requests = requests.into_iter();
    let mut some = |count: usize| {
        for request in requests.by_ref().take(count) {
            let answer = chain.execute(request).now_or_never().expect("at once");
            drop(black_box(answer.expect("no error")));
        }
    };
    some(WARM_UP);
    around(&mut || some(calls));
    std::mem::forget(requests);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_name_and_runs() {
        for row in Row::ALL {
            assert_eq!(Row::named(row.name()), Some(row));
            let mut ran = 0;
            run(row, 16, 3, &mut |calls| {
                calls();
                ran += 1;
            });
            assert_eq!(ran, 1);
        }
    }
}
