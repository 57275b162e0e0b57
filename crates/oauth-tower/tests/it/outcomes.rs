//! Every outcome is reachable.

use http::{Request, Response};
use oauth_core::{NoToken, Outcome, ReplayBody};
use oauth_tower::{Buffered, NoReplay, OAuthLayer};
use tower::{Layer, ServiceExt};
use tower_http::follow_redirect::FollowRedirect;

use crate::scripted::{Answer, Api, post};
use oauth_adapter_tests::gated::Gated;
use oauth_adapter_tests::issuer::{API, Issuer};
use oauth_adapter_tests::matrix_table::bytes;
use oauth_adapter_tests::outcome_table::OUTCOMES;

fn ten_bytes() -> Gated {
    Gated::new(bytes(10))
}

/// Status and outcome of a request that is brought to this one, and how often it was sent.
async fn brought_to(name: &str) -> (u16, Outcome, usize) {
    let issuer = Issuer::new();
    let layer = OAuthLayer::new(issuer.ready_slot().await);
    let refusing = Api::<ReplayBody<Gated>>::statuses([401]);
    let send = async |layer: OAuthLayer<Buffered>, request: Request<Gated>| {
        layer.layer(refusing.clone()).oneshot(request).await.unwrap()
    };
    let request = post(API, ten_bytes());
    let response: Response<_> = match name {
        "Attached" => {
            let api = Api::<ReplayBody<Gated>>::new([]);
            let response = layer.layer(api.clone()).oneshot(request).await.unwrap();
            return told(&response, api.seen().len());
        }
        "NotReplayed(Off)" => {
            let api = Api::<Gated>::statuses([401]);
            let service = layer.replay(NoReplay).layer(api.clone());
            let response = service.oneshot(request).await.unwrap();
            return told(&response, api.seen().len());
        }
        "RedirectedAway" => {
            let api = Api::<ReplayBody<Gated>>::new([Answer::see_other("https://b.test/")]);
            let inner = FollowRedirect::new(layer.guard().layer(api.clone()));
            let response = layer.layer(inner).oneshot(request).await.unwrap();
            return told(&response, api.seen().len());
        }
        "NotReplayed(Redirected)" => {
            let api = Api::<ReplayBody<Gated>>::new([Answer::see_other("/1"), Answer::status(401)]);
            let inner = FollowRedirect::new(layer.guard().layer(api.clone()));
            let response = layer.layer(inner).oneshot(request).await.unwrap();
            return told(&response, api.seen().len());
        }
        "Replayed" => send(layer, request).await,
        "NotReplayed(BodyTooLarge)" => send(layer.replay(Buffered::new().cap(9)), request).await,
        "NotReplayed(BodyUnavailable)" => send(layer, post(API, ten_bytes().failing())).await,
        "RefreshFailed" => {
            issuer.fail();
            send(layer, request).await
        }
        "NotAttached(ForeignOrigin)" => send(layer, post("https://b.test/", ten_bytes())).await,
        "NotAttached(OwnAuthorization)" => {
            let mut request = request;
            request.headers_mut().insert("authorization", "Bearer mine".parse().unwrap());
            send(layer, request).await
        }
        "NotAttached(OptedOut)" => {
            let mut request = request;
            request.extensions_mut().insert(NoToken);
            send(layer, request).await
        }
        other => panic!("{other} is to be reached"),
    };
    told(&response, refusing.seen().len())
}

fn told<B>(response: &Response<B>, sends: usize) -> (u16, Outcome, usize) {
    (response.status().as_u16(), Outcome::of(response.extensions()), sends)
}

#[tokio::test(start_paused = true)]
async fn every_outcome_is_reached_and_matches_what_was_delivered() {
    for name in OUTCOMES {
        let (status, outcome, sends) = brought_to(name).await;
        assert!(format!("{outcome:?}").starts_with(name), "{name}: {outcome:?}");
        let expected = match name {
            "Attached" => (200, 1),
            "Replayed" | "RedirectedAway" => (200, 2),
            "NotReplayed(Redirected)" => (401, 2),
            _ => (401, 1),
        };
        assert_eq!((status, sends), expected, "{name}");
    }
}
