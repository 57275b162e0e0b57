//! What is written by hand most of the time: a token and its end under a lock, a header made for
//! each request, and after a 401 the token thrown away and the request sent once more.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use oauth_benches::storm::{Api, TokenEndpoint};
use oauth_benches::timing::timed;
use oauth_benches::{Noop, at_once, call, request};
use tokio::sync::RwLock;

use crate::Client;

struct Tokens {
    held: RwLock<Option<(String, Instant)>>,
    client: reqwest::Client,
    url: String,
    form: [(&'static str, String); 3],
}

impl Tokens {
    async fn header(&self) -> Result<HeaderValue, String> {
        if let Some((token, end)) = &*self.held.read().await
            && Instant::now() < *end
        {
            return bearer(token);
        }
        let mut held = self.held.write().await;
        if let Some((token, end)) = &*held
            && Instant::now() < *end
        {
            return bearer(token);
        }
        let answer = self.client.post(&self.url).form(&self.form).send().await;
        let answer =
            answer.and_then(|answer| answer.error_for_status()).map_err(|e| e.to_string())?;
        let answer: serde_json::Value = answer.json().await.map_err(|error| error.to_string())?;
        let token = answer["access_token"].as_str().ok_or("no token")?.to_owned();
        let life = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(300));
        let header = bearer(&token);
        *held = Some((token, Instant::now() + life - life / 10));
        header
    }
}

/// The header's value, made anew each time.
pub fn bearer(token: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())
}

pub fn connect<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let server = &endpoint.server;
        let tokens = Arc::new(Tokens {
            held: RwLock::new(None),
            client: reqwest::Client::new(),
            url: server.token_url(),
            form: [
                ("grant_type", "client_credentials".into()),
                ("client_id", server.client_id()),
                ("client_secret", server.client_secret()),
            ],
        });
        let (api, shared) = (api.clone(), tokens.clone());
        Client {
            call: Arc::new(move || {
                let (api, tokens) = (api.clone(), shared.clone());
                Box::pin(async move {
                    let mut headers = http::HeaderMap::new();
                    headers.insert(AUTHORIZATION, tokens.header().await?);
                    let status = api.answer(&headers).await.status();
                    if status != StatusCode::UNAUTHORIZED {
                        return Ok(status);
                    }
                    *tokens.held.write().await = None;
                    headers.insert(AUTHORIZATION, tokens.header().await?);
                    Ok(api.answer(&headers).await.status())
                })
            }),
            hand_out: Box::new(move || {
                timed(
                    || request(&bytes::Bytes::new()),
                    move |mut request| {
                        let header = at_once(pin!(tokens.header())).expect("a token");
                        request.headers_mut().insert(AUTHORIZATION, header);
                        call(&mut Noop, request);
                    },
                )
            }),
        }
    })
}
