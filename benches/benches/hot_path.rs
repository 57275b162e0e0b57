//! What a request pays whose token is fresh: time and allocations per call, side by side.
//!
//! `cargo bench -p oauth-benches --bench hot_path`

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use oauth_benches::rows::{authorization, static_header};
use oauth_benches::{Noop, call, call_chain, chain, fresh_slot, request, reqwest_request};
use oauth_reqwest::OAuthMiddleware;
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tower::Layer;
use tower_http::set_header::SetRequestHeaderLayer;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const BODIES: [usize; 2] = [0, 1024];
const THREADS: [usize; 2] = [1, 2];

fn main() {
    divan::main();
}

/// One row: a service, called with requests that are made outside what is measured.
macro_rules! row {
    ($name:ident, $service:expr) => {
        #[divan::bench(args = BODIES, threads = THREADS)]
        fn $name(bencher: Bencher<'_, '_>, body: usize) {
            let body = Bytes::from(vec![0; body]);
            let service = $service;
            bencher
                .with_inputs(|| (service.clone(), request(&body)))
                .bench_values(|(mut service, request)| call(&mut service, request));
        }
    };
}

row!(a_noop, Noop);
row!(b_static_header, static_header(Noop));
row!(
    b_static_overriding,
    SetRequestHeaderLayer::overriding(http::header::AUTHORIZATION, authorization()).layer(Noop)
);
row!(c_oauth_no_replay, OAuthLayer::new(fresh_slot()).replay(NoReplay).layer(Noop));
row!(d_oauth_clone_body, OAuthLayer::new(fresh_slot()).replay(CloneBody).layer(Noop));
row!(e_oauth_buffered, OAuthLayer::new(fresh_slot()).layer(Noop));

fn chain_row(bencher: Bencher<'_, '_>, body: usize, middleware: Option<OAuthMiddleware>) {
    let body = Bytes::from(vec![0; body]);
    let chain = chain(middleware);
    bencher
        .with_inputs(|| reqwest_request(&body))
        .bench_values(|request| call_chain(&chain, request));
}

#[divan::bench(args = BODIES, threads = THREADS)]
fn f_reqwest_nothing(bencher: Bencher<'_, '_>, body: usize) {
    chain_row(bencher, body, None);
}

#[divan::bench(args = BODIES, threads = THREADS)]
fn g_reqwest_oauth_no_replay(bencher: Bencher<'_, '_>, body: usize) {
    let middleware = OAuthMiddleware::new(fresh_slot()).replay(oauth_reqwest::NoReplay);
    chain_row(bencher, body, Some(middleware));
}

#[divan::bench(args = BODIES, threads = THREADS)]
fn h_reqwest_oauth_buffered(bencher: Bencher<'_, '_>, body: usize) {
    chain_row(bencher, body, Some(OAuthMiddleware::new(fresh_slot())));
}
