//! What the refusal's challenge tells the source, and a source that has no other token yet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_core::{
    Error, FetchContext, FetchReason, Origins, Outcome, Token, TokenSlot, TokenSource,
};
use oauth_reqwest::{NoReplay, OAuthMiddleware};
use oauth_testkit::Challenge;

use crate::world::{World, outcome, plain, with};

const CHALLENGE: &str = r#"Bearer error="invalid_token", scope="orders:write", claims="e30=""#;

/// Hands the tokens of another slot on, or after a refusal nothing for 30 s.
struct Told {
    contexts: Arc<Mutex<Vec<FetchContext>>>,
    issuer: TokenSlot,
    puts_off: bool,
}

impl TokenSource for Told {
    async fn fetch(&self, cx: FetchContext) -> Result<Token, Error> {
        let refused = cx.reason() == FetchReason::Refused;
        self.contexts.lock().unwrap().push(cx);
        if refused && self.puts_off {
            return Err(Error::not_now(Duration::from_secs(30)));
        }
        let issued = self.issuer.refresh().await?;
        Ok(Token::bearer(issued.expose_secret())?.expires_in(Duration::from_secs(3600)))
    }
}

type Contexts = Arc<Mutex<Vec<FetchContext>>>;

/// A world whose API has refused the only token of the slot that comes with it.
async fn revoked(puts_off: bool) -> (World, TokenSlot, Contexts) {
    let world = World::empty().await;
    world.api.challenge(Challenge::Custom(CHALLENGE.into()));
    let contexts = Contexts::default();
    let source = Told { contexts: contexts.clone(), issuer: world.slot.clone(), puts_off };
    let origins = Origins::parse([world.api.base_url()]).unwrap();
    let slot = TokenSlot::builder(source).origins(origins).build();
    slot.token().await.unwrap();
    world.auth.revoke_all();
    (world, slot, contexts)
}

fn assert_told(contexts: &Contexts) {
    let contexts = contexts.lock().unwrap();
    assert_eq!(contexts.len(), 2);
    let hints = contexts[1].hints();
    assert!(contexts[1].refused_token().is_some());
    assert_eq!(hints.error(), Some("invalid_token"));
    assert_eq!((hints.scope(), hints.claims()), (Some("orders:write"), Some("e30=")));
}

#[tokio::test]
async fn the_source_gets_the_challenge_of_a_request_that_is_sent_again() {
    let (world, slot, contexts) = revoked(false).await;
    let client = with(plain(), OAuthMiddleware::new(slot));
    let response = world.post(&client, "x").send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::Replayed));
    assert_told(&contexts);
}

#[tokio::test]
async fn the_source_gets_the_challenge_of_a_request_that_cannot_be_sent_again() {
    let (world, slot, contexts) = revoked(false).await;
    let client = with(plain(), OAuthMiddleware::new(slot.clone()).replay(NoReplay));
    let response = world.post(&client, "x").send().await.unwrap();
    assert_eq!(response.status(), 401);
    // Joins the flight that the refusal has started.
    slot.refresh().await.unwrap();
    assert_told(&contexts);
}

#[tokio::test]
async fn a_401_is_delivered_when_there_is_no_other_token_yet() {
    let (world, slot, contexts) = revoked(true).await;
    let client = with(plain(), OAuthMiddleware::new(slot.clone()));
    for _ in 0..2 {
        let response = world.post(&client, "x").send().await.unwrap();
        assert_eq!(response.status(), 401);
        let Outcome::RefreshFailed(error) = outcome(&response) else {
            panic!("there is no other token")
        };
        assert!(error.is_not_now(), "{error}");
        assert!(!response.bytes().await.unwrap().is_empty());
    }
    assert_told(&contexts);
    assert_eq!((slot.status().flights, slot.status().failures), (2, 0));
}
