//! The layer of this workspace.

use futures_util::future::BoxFuture;
use oauth_benches::rows::Visit;
use oauth_benches::storm::{Api, Ours, TokenEndpoint};
use oauth_benches::timing::Batches;
use oauth_benches::{Noop, fresh};
use oauth_tower::{NoReplay, OAuthLayer};
use tower::Layer;

use crate::Client;

/// Without replay, for what a request pays.
pub fn no_replay<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        // The slot as it comes: the other one has a clock that can be moved.
        let service = OAuthLayer::new(fresh().await).replay(NoReplay).layer(Noop);
        let call = Ours::new(endpoint).call(api);
        let hand_out = Box::new(move || one(Batches { body: 0, threads: 1 }.tower(service)));
        Client { call, hand_out }
    })
}

/// As it comes.
pub fn buffered<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let service = OAuthLayer::new(fresh().await).layer(Noop);
        let call = Ours::new(endpoint).call(api);
        let hand_out = Box::new(move || one(Batches { body: 0, threads: 1 }.tower(service)));
        Client { call, hand_out }
    })
}

/// The only batch.
pub fn one(mut batches: Vec<oauth_benches::timing::Batch>) -> oauth_benches::timing::Batch {
    batches.remove(0)
}
