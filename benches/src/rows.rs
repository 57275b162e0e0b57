//! The rows that time, instructions and allocations are measured in: one service each.

use std::hint::black_box;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use oauth_reqwest::OAuthMiddleware;
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use reqwest_middleware::ClientWithMiddleware;
use tower::{Layer, Service};
use tower_http::set_header::{SetRequestHeader, SetRequestHeaderLayer};

use crate::{Noop, call, call_chain, chain, fresh_slot, request, reqwest_request, secret};

/// What a request passes on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The service that does nothing.
    Noop,
    /// tower-http's layer with a header whose value never changes.
    StaticHeader,
    /// The same, but it replaces a header that is there: it looks the name up once, not twice.
    StaticOverriding,
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
    pub const ALL: [Self; 9] = [
        Self::Noop,
        Self::StaticHeader,
        Self::StaticOverriding,
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
            Self::StaticOverriding => "static header, overriding",
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

/// What is done with the service of a row.
pub trait Visit {
    /// What comes of it.
    type Output;
    /// A Tower service.
    fn tower<S>(self, service: S) -> Self::Output
    where
        S: Service<Request<Full<Bytes>>> + Clone + Send + 'static,
        S::Error: std::fmt::Debug;
    /// A reqwest chain.
    fn chain(self, chain: ClientWithMiddleware) -> Self::Output;
}

impl Row {
    /// Makes the row's service and hands it to the visitor.
    pub fn visit<V: Visit>(self, visitor: V) -> V::Output {
        let ours = || OAuthLayer::new(fresh_slot());
        match self {
            Self::Noop => visitor.tower(Noop),
            Self::StaticHeader => visitor.tower(static_header(Noop)),
            Self::StaticOverriding => {
                let layer = SetRequestHeaderLayer::overriding(AUTHORIZATION, authorization());
                visitor.tower(layer.layer(Noop))
            }
            Self::NoReplay => visitor.tower(ours().replay(NoReplay).layer(Noop)),
            Self::CloneBody => visitor.tower(ours().replay(CloneBody).layer(Noop)),
            Self::Buffered => visitor.tower(ours().layer(Noop)),
            Self::Chain => visitor.chain(chain(None::<OAuthMiddleware>)),
            Self::ChainNoReplay => {
                let ours = OAuthMiddleware::new(fresh_slot()).replay(oauth_reqwest::NoReplay);
                visitor.chain(chain(Some(ours)))
            }
            Self::ChainBuffered => visitor.chain(chain(Some(OAuthMiddleware::new(fresh_slot())))),
        }
    }
}

/// The header's value as ours, made as a user would: by `from_str`.
///
/// # Panics
/// If the token of this crate is not a header value.
pub fn authorization() -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {}", secret())).expect("a header")
}

/// The service behind a header that is set where there is none.
pub fn static_header<S>(service: S) -> SetRequestHeader<S, HeaderValue> {
    SetRequestHeaderLayer::if_not_present(AUTHORIZATION, authorization()).layer(service)
}

/// Requests that are made before anything is counted, called or not.
pub const PREPARED: usize = 400;
/// Calls before anything is counted: they pay for what is set up once a thread.
const WARM_UP: usize = 20;

/// Calls the row's service `calls` times, at most [`PREPARED`] times, inside `around`.
///
/// Two runs that differ in `calls` alone do the same besides: what is prepared is prepared for all,
/// and what is not called is leaked, not dropped.
pub fn run(row: Row, body: usize, calls: usize, around: &mut dyn FnMut(&mut dyn FnMut())) {
    assert!(calls <= PREPARED, "more calls than requests");
    row.visit(Counted { body: Bytes::from(vec![0; body]), calls, around });
}

struct Counted<'a> {
    body: Bytes,
    calls: usize,
    around: &'a mut dyn FnMut(&mut dyn FnMut()),
}

impl Counted<'_> {
    fn count<Q>(self, make: impl Fn(&Bytes) -> Q, mut call: impl FnMut(Q)) {
        let requests: Vec<_> = (0..WARM_UP + PREPARED).map(|_| make(&self.body)).collect();
        let mut requests = requests.into_iter();
        let mut some = |count: usize| {
            for request in requests.by_ref().take(count) {
                call(request);
            }
        };
        some(WARM_UP);
        (self.around)(&mut || some(self.calls));
        std::mem::forget(requests);
    }
}

impl Visit for Counted<'_> {
    type Output = ();

    fn tower<S>(self, mut service: S)
    where
        S: Service<Request<Full<Bytes>>>,
        S::Error: std::fmt::Debug,
    {
        self.count(request, |request| drop(black_box(call(&mut service, request))));
    }

    fn chain(self, chain: ClientWithMiddleware) {
        self.count(reqwest_request, |request| drop(black_box(call_chain(&chain, request))));
    }
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
