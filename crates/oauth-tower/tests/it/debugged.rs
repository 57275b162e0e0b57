//! What `{:?}` shows: a name, and nothing of a request.

use std::fmt::Debug;

use bytes::Bytes;
use http_body_util::Full;
use oauth_tower::{Buffered, CloneBody, NoReplay, OAuthLayer, Strategy};
use tower::{Layer, Service, ServiceExt};

use crate::issuer::{API, Issuer};
use crate::scripted::{Api, get};

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

#[test]
fn what_is_kept_of_a_body_shows_none_of_it() {
    let body = || Full::new(Bytes::from_static(b"a body"));
    let into = Buffered::into_body(|_| Full::default()).cap(7);
    assert_eq!(format!("{into:?}"), "IntoBody { cap: 7, .. }");

    let kept: [Box<dyn Debug>; 4] = [
        Box::new(Buffered::new().split(body(), None).1),
        Box::new(into.split(body(), None).1),
        Box::new(CloneBody.split(body(), None).1),
        Box::new(NoReplay.split(body(), None).1),
    ];
    let shown = kept.map(|kept| format!("{kept:?}"));
    for (shown, name) in shown.iter().zip(["Teed(", "TeedInto(", "Cloned {", "Nothing("]) {
        assert!(shown.starts_with(name) && !shown.contains("a body"), "{shown}");
    }
}
