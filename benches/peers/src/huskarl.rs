//! `huskarl`: its `HttpAuthorizer` over its in-memory cache, used as its documentation says: headers
//! for each request, each response processed, and after an `invalid_token` the request once more.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Method, StatusCode, Uri};
use huskarl::authorizer::HttpAuthorizer;
use huskarl::cache::{GrantTokenSource, InMemoryRefreshTokenStore, InMemoryTokenCache};
use huskarl::core::client_auth::ClientSecret;
use huskarl::core::secrets::{ProvidedSecret, SecretString};
use huskarl::grant::client_credentials::{
    ClientCredentialsGrant, ClientCredentialsGrantParameters,
};
use huskarl_reqwest::ReqwestClient;
use oauth_benches::storm::{Api, TokenEndpoint};
use oauth_benches::timing::timed;
use oauth_benches::{Noop, at_once, call, request};

use crate::Client;

pub fn connect<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let server = &endpoint.server;
        let secret = ProvidedSecret::new(SecretString::new(server.client_secret()));
        let grant = ClientCredentialsGrant::builder()
            .client_id(server.client_id())
            .client_auth(ClientSecret::new(secret))
            .http_client(ReqwestClient::from(reqwest::Client::new()))
            .token_endpoint(server.token_url().parse().expect("a URL"))
            .build();
        let source = GrantTokenSource::builder()
            .grant(grant)
            .grant_parameters(ClientCredentialsGrantParameters::builder().build())
            .refresh_store(InMemoryRefreshTokenStore::default())
            .build();
        let cache = InMemoryTokenCache::builder().source(source).build();
        let authorizer = Arc::new(HttpAuthorizer::builder().cache(cache).build());
        let uri = Uri::from_static("https://api.example.com/v1/things");
        let (api, shared, to) = (api.clone(), authorizer.clone(), uri.clone());
        Client {
            call: Arc::new(move || {
                let (api, authorizer, uri) = (api.clone(), shared.clone(), to.clone());
                Box::pin(async move {
                    let mut status = StatusCode::OK;
                    for _ in 0..2 {
                        let headers = authorizer.get_headers(&Method::GET, &uri).await;
                        let headers = headers.map_err(|error| error.to_string())?;
                        let answer = api.answer(&headers).await;
                        authorizer.process_response(&uri, answer.headers());
                        status = answer.status();
                        if status != StatusCode::UNAUTHORIZED {
                            break;
                        }
                    }
                    Ok(status)
                })
            }),
            hand_out: Box::new(move || {
                timed(
                    || request(&bytes::Bytes::new()),
                    move |mut request| {
                        let headers = at_once(pin!(authorizer.get_headers(&Method::POST, &uri)));
                        let headers = headers.expect("a token");
                        request.headers_mut().extend(headers);
                        call(&mut Noop, request);
                    },
                )
            }),
        }
    })
}
