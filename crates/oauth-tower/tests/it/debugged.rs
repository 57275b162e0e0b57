//! What `{:?}` shows: a name, and nothing of a request.

use bytes::Bytes;
use http_body_util::Full;
use oauth_tower::{CloneBody, OAuthLayer};
use tower::{Layer, Service, ServiceExt};

use crate::scripted::{Api, get};
use oauth_adapter_tests::issuer::{API, Issuer};

type Plain = Api<Full<Bytes>>;

#[tokio::test(start_paused = true)]
async fn a_layer_shows_its_settings_and_no_token() {
    let oauth = OAuthLayer::new(Issuer::new().ready_slot().await);
    let shown = format!("{oauth:?}");
    for part in ["Policy {", "origins: Origins", "on_foreign: PassThrough", "Fresh", "cap: 65536"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("t1"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn futures_show_their_name_alone() {
    let oauth = OAuthLayer::new(Issuer::new().ready_slot().await);
    let mut guard = oauth.guard().layer(Plain::new([]));
    assert_eq!(format!("{:?}", guard.ready().await.unwrap().call(get(API))), "GuardFuture { .. }");
    let mut service = oauth.clone().replay(CloneBody).layer(Plain::new([]));
    let call = service.ready().await.unwrap().call(get(API));
    assert_eq!(format!("{call:?}"), "ResponseFuture { .. }");
    let mut grpc = oauth.replay(CloneBody).grpc().layer(Plain::new([]));
    let call = grpc.ready().await.unwrap().call(get(API));
    assert_eq!(format!("{call:?}"), "GrpcFuture { .. }");
}
