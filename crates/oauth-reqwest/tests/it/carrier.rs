//! A token in another header than `Authorization`.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use http::HeaderName;
use http::header::AUTHORIZATION;
use oauth_core::{Origins, Outcome, Token, TokenSlot, source_fn};
use oauth_reqwest::{OAuthMiddleware, redirects};
use oauth_testkit::{Fault, ProtectedApi};

use crate::world::{outcome, plain, with};

const CARRIER: HeaderName = HeaderName::from_static("x-api-token");

/// Gives `t1`, `t2`, … without a scheme.
fn slot(api: &ProtectedApi) -> TokenSlot {
    let fetches = AtomicUsize::new(0);
    let source = source_fn(move || {
        let number = fetches.fetch_add(1, SeqCst) + 1;
        async move { Token::bare(format!("t{number}")) }
    });
    TokenSlot::builder(source)
        .origins(Origins::parse([api.base_url()]).unwrap())
        .header(CARRIER)
        .build()
}

#[tokio::test]
async fn both_sends_have_the_callers_authorization_beside_the_token() {
    let api = ProtectedApi::open().await.unwrap();
    api.inject(Fault::status(401));
    let client = with(plain(), OAuthMiddleware::new(slot(&api)));
    let request = client.post(api.url("/x")).header(AUTHORIZATION, "the caller's own").body("x");
    let response = request.send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::Replayed));
    let log = api.request_log();
    assert_eq!(log.len(), 2);
    for (seen, token) in log.iter().zip(["t1", "t2"]) {
        assert_eq!(seen.headers()[AUTHORIZATION], "the caller's own");
        assert_eq!(seen.headers().get_all(CARRIER).iter().collect::<Vec<_>>(), [token]);
    }
}

/// reqwest's own policy takes `Authorization` off and no other header.
#[tokio::test]
async fn with_our_policy_for_redirects_no_other_host_gets_the_token() {
    let api = ProtectedApi::open().await.unwrap();
    let other = ProtectedApi::open().await.unwrap();
    api.inject(Fault::redirect(307, other.url("/x")).forever());
    for (builder, leaks) in [(plain().redirect(redirects()), false), (plain(), true)] {
        let client = with(builder, OAuthMiddleware::new(slot(&api)));
        client.post(api.url("/x")).body("x").send().await.unwrap();
        let log = other.request_log();
        assert_eq!(log.iter().any(|seen| seen.headers().contains_key(CARRIER)), leaks);
    }
}
