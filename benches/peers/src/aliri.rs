//! `aliri_tokens`: a background task keeps the token fresh; the header is made from it for each
//! request. It fetches the first token when it is made, and has no response to a 401.

use std::sync::Arc;

use aliri_clock::DurationSecs;
use aliri_tokens::backoff::ErrorBackoffConfig;
use aliri_tokens::jitter::NullJitter;
use aliri_tokens::sources::oauth2::ClientCredentialsTokenSource;
use aliri_tokens::sources::oauth2::dto::{ClientCredentials, ClientCredentialsWithAudience};
use aliri_tokens::{ClientId, ClientSecret, TokenLifetimeConfig, TokenWatcher};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use oauth_benches::storm::{Api, TokenEndpoint};
use oauth_benches::timing::timed;
use oauth_benches::{Noop, call, request};

use crate::Client;
use crate::by_hand::bearer;

pub fn connect<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let server = &endpoint.server;
        let credentials = ClientCredentialsWithAudience {
            credentials: Arc::new(ClientCredentials {
                client_id: ClientId::new(server.client_id()),
                client_secret: ClientSecret::new(server.client_secret()),
            }),
            audience: aliri::jwt::Audience::new("https://api.example.com".to_owned()),
        };
        let source = ClientCredentialsTokenSource::new(
            Default::default(),
            server.token_url().parse().expect("a URL"),
            credentials,
            TokenLifetimeConfig::new(0.75, DurationSecs(30)),
        )
        .using_form_data();
        let watcher = TokenWatcher::spawn_from_token_source(
            source,
            NullJitter,
            ErrorBackoffConfig::default(),
        );
        let watcher = watcher.await.expect("a token");
        let (api, shared) = (api.clone(), watcher.clone());
        Client {
            call: Arc::new(move || {
                let (api, watcher) = (api.clone(), shared.clone());
                Box::pin(async move {
                    let mut headers = http::HeaderMap::new();
                    headers.insert(AUTHORIZATION, header(&watcher)?);
                    Ok(api.answer(&headers).await.status())
                })
            }),
            hand_out: Box::new(move || {
                timed(
                    || request(&bytes::Bytes::new()),
                    move |mut request| {
                        let header = header(&watcher).expect("a token");
                        request.headers_mut().insert(AUTHORIZATION, header);
                        call(&mut Noop, request);
                    },
                )
            }),
        }
    })
}

fn header(watcher: &TokenWatcher) -> Result<HeaderValue, String> {
    bearer(watcher.token().access_token().as_str())
}
