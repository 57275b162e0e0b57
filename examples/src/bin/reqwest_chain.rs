//! A reqwest-middleware chain with retries, in the right order.
//!
//! In a chain the first `.with(..)` is the outermost. Retries go **outside**, tokens **inside**:
//!
//! - each attempt asks the slot anew, so that an attempt after a long back-off does not carry a
//!   token that has ended meanwhile;
//! - a 401 is refreshed and replayed inside one attempt, and never costs a retry;
//! - a token error is not retried: the slot has done that, and remembers a failure so that no one
//!   hammers the token endpoint. (reqwest-retry takes a middleware's error for a fatal one.)
//!
//! The other way round the retries would send one and the same token again and again.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use std::time::Duration;

use oauth_core::{Apiera, ClientAuth, GrantSource, NoToken, Outcome, TokenSlot};
use oauth_reqwest::{OAuthMiddleware, ReqwestTransport, token_error};
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
use reqwest_middleware::ClientBuilder;
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Someone to talk to; with a real provider, take `Apiera::from_env()?` instead.
    let auth = AuthServer::start(Dialect::Apiera).await?;
    let api = ProtectedApi::start(&auth).await?;
    let client = ClientAuth::secret(auth.client_id(), auth.client_secret());
    let grant = Apiera::builder(client)
        .organization(auth.organization())
        .token_url(auth.token_url())
        .api_url(api.base_url())
        .build()?;

    // Token requests through a reqwest client of their own: proxy, TLS and timeouts are yours.
    let settings = reqwest::Client::builder().timeout(Duration::from_secs(5));
    let transport = ReqwestTransport::from_builder(settings)?;
    let slot = TokenSlot::new(GrantSource::new(grant, transport));

    // The API's client: redirects within its origin alone. reqwest's own policy can take the token
    // elsewhere.
    let http = reqwest::Client::builder().redirect(oauth_reqwest::redirects()).build()?;
    let few = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(10), Duration::from_millis(50))
        .build_with_max_retries(3);
    let client = ClientBuilder::new(http.clone())
        .with(RetryTransientMiddleware::new_with_policy(few))
        .with(OAuthMiddleware::new(slot.clone()))
        .build();

    // Two failures of the API, then a revoked token: one call of ours.
    slot.prefetch().await?;
    api.inject(Fault::status(503).times(2));
    auth.revoke_all();
    let response = client.post(api.url("/v1/things")).body("hello").send().await?;
    println!("{}: {:?}", response.status(), Outcome::of(response.extensions()));

    // A health check that needs no token.
    let response = client.get(api.url("/health")).with_extension(NoToken).send().await?;
    println!("{} without a token: {:?}", response.status(), Outcome::of(response.extensions()));

    // What went wrong, when it was the token.
    let grant = Apiera::builder(ClientAuth::secret(auth.client_id(), "wrong"))
        .organization(auth.organization())
        .token_url(auth.token_url())
        .api_url(api.base_url())
        .build()?;
    let client =
        ClientBuilder::new(http).with(OAuthMiddleware::new(TokenSlot::for_grant(grant)?)).build();
    if let Err(error) = client.get(api.url("/v1/things")).send().await {
        match token_error(&error) {
            Some(error) => println!("no token, transient: {}: {error}", error.is_transient()),
            None => println!("the request failed: {error}"),
        }
    }
    Ok(())
}
