//! What one request says about its own replay, before what the layer is set to.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use oauth_core::{BoxError, NotReplayed, Outcome, ReplayBody, ReplayChoice};
use oauth_tower::{Buffered, CloneBody, NoReplay, OAuthLayer, Strategy};
use tower::{Layer, ServiceExt};

use crate::scripted::{Api, Streamed, post, streamed};
use oauth_adapter_tests::issuer::{Issuer, settle};

fn choosing<B>(choice: ReplayChoice, body: B) -> Request<B> {
    let mut request = post("https://api.test/", body);
    request.extensions_mut().insert(choice);
    request
}

/// A second body in the inner service's own type.
fn again(body: ReplayBody<Streamed>) -> Streamed {
    body.map_err(BoxError::from).boxed_unsync()
}

/// One request that the API refuses at first, with a token at hand or after a wait for it: the
/// outcome, and how often it was sent. The token is refreshed whatever the choice.
async fn refused<R, B>(strategy: R, request: impl Fn() -> Request<B>) -> (Outcome, usize)
where
    R: Strategy<B>,
    R::Body: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    <R::Body as http_body::Body>::Error: std::fmt::Debug,
    Api<R::Body>:
        tower::Service<Request<R::Body>, Response = Response<Full<Bytes>>, Error = BoxError>,
{
    let mut told = Vec::new();
    for ready in [true, false] {
        let issuer = Issuer::new();
        let api = Api::<R::Body>::statuses([401]);
        let slot = if ready { issuer.ready_slot().await } else { issuer.slot() };
        let service = OAuthLayer::new(slot.clone()).replay(strategy.clone()).layer(api.clone());
        let response = service.oneshot(request()).await.unwrap();
        settle().await;
        assert_eq!(issuer.requests(), 2);
        told.push((Outcome::of(response.extensions()), api.seen().len()));
    }
    let (at_once, after_a_wait) = (told.remove(0), told.remove(0));
    assert_eq!(format!("{at_once:?}"), format!("{after_a_wait:?}"));
    at_once
}

#[tokio::test(start_paused = true)]
async fn a_request_that_chose_no_replay_is_sent_once_by_every_strategy() {
    let body = || Full::new(Bytes::from_static(b"abc"));
    let off = || choosing(ReplayChoice::Off, body());
    for (outcome, sends) in [
        refused(Buffered::new(), off).await,
        refused(CloneBody, off).await,
        refused(NoReplay, off).await,
        refused(Buffered::into_body(again), || {
            choosing(ReplayChoice::Off, streamed(&["abc"], None))
        })
        .await,
    ] {
        assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Off)), "{outcome:?}");
        assert_eq!(sends, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_chooses_a_cap_of_its_own() {
    let body = || streamed(&["four", "five"], None);
    for (layer, chosen, expected) in [(4, 8, 2), (8, 4, 1)] {
        let request = || choosing(ReplayChoice::UpTo(chosen), body());
        let (outcome, sends) = refused(Buffered::new().cap(layer), request).await;
        assert_eq!(sends, expected, "{outcome:?}");
    }
    let into_body = Buffered::into_body(again).cap(4);
    let request = || choosing(ReplayChoice::UpTo(8), body());
    let (_, sends) = refused(into_body, request).await;
    assert_eq!(sends, 2);
}

#[tokio::test(start_paused = true)]
async fn a_layer_without_replay_keeps_nothing_whatever_a_request_chooses() {
    let request = || choosing(ReplayChoice::UpTo(8), Full::new(Bytes::from_static(b"abc")));
    let (outcome, sends) = refused(NoReplay, request).await;
    assert!(matches!(outcome, Outcome::NotReplayed(NotReplayed::Off)), "{outcome:?}");
    assert_eq!(sends, 1);
}
