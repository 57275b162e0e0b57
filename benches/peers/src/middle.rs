//! `middle`: a background task keeps the header fresh. It fetches the first token when it is built,
//! and has no response to a 401.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use middle::{Authorizer, BasicClientCredentialAuthorizer};
use oauth_benches::storm::{Api, TokenEndpoint};
use oauth_benches::timing::timed;
use oauth_benches::{Noop, call, request};

use crate::Client;

pub fn connect<'a>(endpoint: &'a TokenEndpoint, api: &'a Api) -> BoxFuture<'a, Client> {
    Box::pin(async move {
        let server = &endpoint.server;
        let url = server.token_url().parse().expect("a URL");
        let authorizer = BasicClientCredentialAuthorizer::basic_builder(
            &server.client_id(),
            &server.client_secret(),
            url,
        );
        let authorizer = authorizer.build().await.expect("a token");
        let (api, shared) = (api.clone(), authorizer.clone());
        Client {
            call: Arc::new(move || {
                let (api, authorizer) = (api.clone(), shared.clone());
                Box::pin(async move {
                    let header = authorizer.authorization_header().map_err(|e| e.to_string())?;
                    let mut headers = http::HeaderMap::new();
                    headers.insert(AUTHORIZATION, (*header).clone());
                    Ok(api.answer(&headers).await.status())
                })
            }),
            hand_out: Box::new(move || {
                timed(
                    || request(&bytes::Bytes::new()),
                    move |mut request| {
                        let header = authorizer.authorization_header().expect("a token");
                        request.headers_mut().insert(AUTHORIZATION, (*header).clone());
                        call(&mut Noop, request);
                    },
                )
            }),
        }
    })
}
