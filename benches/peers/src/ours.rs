//! The layer of this workspace.

use futures_util::future::BoxFuture;
use oauth_benches::Noop;
use oauth_benches::rows::Visit;
use oauth_benches::storm::{Api, Ours, TokenEndpoint};
use oauth_benches::timing::Batches;
use oauth_tower::{NoReplay, OAuthLayer};
use tower::Layer;

use crate::Client;

/// Without replay, for what a request pays.
pub fn no_replay<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let ours = Ours::new(endpoint);
        let service = OAuthLayer::new(ours.slot.clone()).replay(NoReplay).layer(Noop);
        let call = ours.call(api);
        let hand_out = Box::new(move || one(Batches { body: 0, threads: 1 }.tower(service)));
        Client { call, hand_out }
    })
}

/// As it comes.
pub fn buffered<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let ours = Ours::new(endpoint);
        let service = OAuthLayer::new(ours.slot.clone()).layer(Noop);
        let call = ours.call(api);
        let hand_out = Box::new(move || one(Batches { body: 0, threads: 1 }.tower(service)));
        Client { call, hand_out }
    })
}

/// The only batch.
pub fn one(mut batches: Vec<oauth_benches::timing::Batch>) -> oauth_benches::timing::Batch {
    batches.remove(0)
}
