//! A layer below ours that rewrites URLs (service discovery, a sidecar): where no one says otherwise, and
//! with a guard below it, everything is as if nothing had been rewritten.

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::Full;
use oauth_core::{BoxError, NotReplayed, Origins, Outcome};
use oauth_tower::{CloneBody, NoReplay, OAuthLayer};
use tower::util::{BoxCloneService, MapRequestLayer};
use tower::{Layer, ServiceExt};
use tower_http::follow_redirect::policy::{Limited, PolicyExt, clone_body_fn};
use tower_http::follow_redirect::{FollowRedirect, RequestUri};

use crate::scripted::{Answer, Api, full, get};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

type Web = Api<Full<Bytes>>;
type Inner = BoxCloneService<Request<Full<Bytes>>, http::Response<Full<Bytes>>, BoxError>;

/// What is between the layer and the client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Below {
    Rewriting,
    RewritingThenGuard,
    RewritingThenFollowerThenGuard,
    /// The layer asks the follower as well.
    RewritingThenKnownFollowerThenGuard,
}

use Below::*;

impl Below {
    fn follows(self) -> bool {
        matches!(self, RewritingThenFollowerThenGuard | RewritingThenKnownFollowerThenGuard)
    }

    fn layers(self, oauth: &OAuthLayer, api: Web, to: &'static str) -> Inner {
        let rewrite = MapRequestLayer::new(move |mut request: Request<Full<Bytes>>| {
            *request.uri_mut() = Uri::from_static(to);
            request
        });
        let policy = clone_body_fn(|body: &Full<Bytes>| Some(body.clone()));
        let policy = Limited::new(10).and::<_, Full<Bytes>, BoxError>(policy);
        match self {
            Rewriting => BoxCloneService::new(rewrite.layer(api)),
            RewritingThenGuard => BoxCloneService::new(rewrite.layer(oauth.guard().layer(api))),
            _ => {
                let follower = FollowRedirect::with_policy(oauth.guard().layer(api), policy);
                BoxCloneService::new(rewrite.layer(follower))
            }
        }
    }
}

const ALL: [Below; 4] = [
    Rewriting,
    RewritingThenGuard,
    RewritingThenFollowerThenGuard,
    RewritingThenKnownFollowerThenGuard,
];
/// Another declared origin, another path, or another port of the same host.
const PLACES: [&str; 4] = [
    "https://127.0.0.1/things",
    "https://api.test/rewritten",
    "https://api.test/things?page=2",
    "https://api.test:8443/things",
];

fn each(is: fn(Below) -> bool) -> impl Iterator<Item = (Below, Known)> {
    let below = ALL.into_iter().filter(move |below| is(*below));
    below.flat_map(|below| BOTH.map(|known| (below, known)))
}

struct Done {
    outcome: Outcome,
    status: u16,
    sent: Vec<String>,
    bodies: Vec<Bytes>,
    requests: u64,
    foreign: u64,
}

/// What is known of the token before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Nothing,
    Accepted,
}

const BOTH: [Known; 2] = [Known::Nothing, Known::Accepted];

async fn done(
    below: Below,
    known: Known,
    to: &'static str,
    replays: bool,
    method: Method,
    answers: Vec<Answer>,
) -> Done {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    if known == Known::Accepted {
        let first = OAuthLayer::new(slot.clone()).replay(CloneBody).layer(Web::new([]));
        first.oneshot(get(API)).await.unwrap();
    }
    let api = Web::new(answers);
    let origins = Origins::parse([API, "https://127.0.0.1", "https://api.test:8443"]).unwrap();
    let oauth = OAuthLayer::new(slot.clone()).origins(origins);
    let oauth = match below {
        RewritingThenKnownFollowerThenGuard => {
            oauth.response_uri(|found| found.get::<RequestUri>().map(|uri| &uri.0))
        }
        _ => oauth,
    };
    let inner = below.layers(&oauth, api.clone(), to);
    let request = Request::builder().method(method).uri(format!("{API}/things"));
    let request = request.body(full("one")).unwrap();
    let response = if replays {
        oauth.replay(CloneBody).layer(inner).oneshot(request).await.unwrap()
    } else {
        oauth.replay(NoReplay).layer(inner).oneshot(request).await.unwrap()
    };
    settle().await;
    let seen = api.seen();
    let sent = seen.iter().map(|seen| format!("{} {}", seen.head.method, seen.head.uri));
    Done {
        outcome: Outcome::of(response.extensions()),
        status: response.status().as_u16(),
        sent: sent.collect(),
        bodies: seen.iter().map(|seen| seen.body.clone()).collect(),
        requests: issuer.requests(),
        foreign: slot.status().foreign_responses,
    }
}

const METHODS: [Method; 5] =
    [Method::GET, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE];

#[tokio::test(start_paused = true)]
async fn a_rewritten_request_is_sent_again_as_if_nothing_had_been_rewritten() {
    for (below, known) in each(|_| true) {
        for to in PLACES {
            for method in METHODS {
                let again =
                    done(below, known, to, true, method.clone(), vec![Answer::status(401)]).await;
                let Done { outcome, status, sent, bodies, requests, foreign } = again;
                assert!(
                    matches!(outcome, Outcome::Replayed),
                    "{below:?} {to} {method} {outcome:?}"
                );
                assert_eq!((status, requests, foreign), (200, 2, 0), "{below:?} {to} {method}");
                assert_eq!(sent, vec![format!("{method} {to}"); 2], "{below:?}");
                assert_eq!(bodies, ["one", "one"]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rewritten_request_that_is_not_sent_again_refreshes_the_token_for_the_next_one() {
    for (below, known) in each(|_| true) {
        for to in PLACES {
            let once = done(below, known, to, false, Method::POST, vec![Answer::status(401)]).await;
            let told = matches!(once.outcome, Outcome::NotReplayed(NotReplayed::Off));
            assert!(told, "{below:?} {to} {:?}", once.outcome);
            assert_eq!(
                (once.status, once.sent.len(), once.requests),
                (401, 1, 2),
                "{below:?} {to}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rewritten_request_that_is_accepted_is_recorded_as_such() {
    for (below, known) in each(|_| true) {
        for to in PLACES {
            for replays in [true, false] {
                let plain = done(below, known, to, replays, Method::GET, Vec::new()).await;
                let told = matches!(plain.outcome, Outcome::Attached);
                assert!(told, "{below:?} {to} {:?}", plain.outcome);
                assert_eq!((plain.sent.len(), plain.requests, plain.foreign), (1, 1, 0));
            }
        }
    }
}

/// An order that was made at the place that was written is not made twice.
#[tokio::test(start_paused = true)]
async fn a_redirect_after_it_is_known_for_one() {
    for (below, known) in each(Below::follows) {
        for to in PLACES {
            let made = || vec![Answer::see_other("/orders/1"), Answer::status(401)];
            let once = done(below, known, to, true, Method::POST, made()).await;
            let told = matches!(once.outcome, Outcome::NotReplayed(NotReplayed::Redirected));
            assert!(told, "{below:?} {to} {:?}", once.outcome);
            assert_eq!(
                (once.status, once.sent.len(), once.requests),
                (401, 2, 2),
                "{below:?} {to}"
            );

            let again = done(below, known, to, true, Method::GET, made()).await;
            assert!(matches!(again.outcome, Outcome::Replayed), "{below:?} {:?}", again.outcome);
            assert_eq!((again.sent.len(), again.requests), (3, 2), "{below:?} {to}");

            let away = vec![Answer::see_other("https://b.test/"), Answer::status(401)];
            let away = done(below, known, to, true, Method::GET, away).await;
            assert!(
                matches!(away.outcome, Outcome::RedirectedAway),
                "{below:?} {:?}",
                away.outcome
            );
            assert_eq!((away.sent.len(), away.requests, away.foreign), (2, 1, 1), "{below:?} {to}");
        }
    }
}

/// The guard takes the token off there, and what comes back says nothing about it.
#[tokio::test(start_paused = true)]
async fn what_was_rewritten_to_an_undeclared_origin_is_from_elsewhere() {
    for (below, known) in each(|below| below != Rewriting) {
        for replays in [true, false] {
            let answers = vec![Answer::status(401)];
            let away =
                done(below, known, "https://b.test/things", replays, Method::POST, answers).await;
            assert!(
                matches!(away.outcome, Outcome::RedirectedAway),
                "{below:?} {:?}",
                away.outcome
            );
            assert_eq!((away.status, away.sent.len(), away.requests), (401, 1, 1), "{below:?}");
        }
    }
}
