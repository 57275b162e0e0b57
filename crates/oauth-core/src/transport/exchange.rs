//! One token request and its response.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;
use tower_service::Service;

use crate::credentials::ClientAuth;
use crate::error::{BoxError, Details, Error, Kind};
use crate::grant::{Credentials, Grant, TokenRequest};
use crate::origin::is_private_channel;
use crate::token::Token;

use super::GrantSource;
use super::collect::{Stopped, collect};

impl<G: Grant, T> GrantSource<G, T> {
    /// One token request with these credentials.
    pub(super) async fn ask<B>(
        &self,
        client: Arc<ClientAuth>,
        started: Instant,
    ) -> Result<Token, Error>
    where
        T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
        T::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        // Whatever is asynchronous is resolved here, before the grant is called.
        let request = TokenRequest::resolved(&self.grant, &self.client, Credentials::new(client));
        let to_send = self.grant.request(&request);
        self.check_destination(to_send.uri())?;
        let left = self.time_limit.saturating_sub(started.elapsed());
        let response = tokio::time::timeout(left, self.exchange(&request, to_send))
            .await
            .map_err(|_| {
                let limit = self.time_limit;
                self.unreachable(
                    Kind::Timeout,
                    format!("timed out: no response from the token endpoint within {limit:?}"),
                )
            })??;
        self.grant.response(&request, &response).map_err(|error| self.named(error))
    }

    /// RFC 6749 §1.6: the secret goes over https, or to loopback, or where a setting that is named
    /// dangerous lets it.
    fn check_destination(&self, uri: &Uri) -> Result<(), Error> {
        let plain = self.grant.allows_plain_http() && uri.scheme_str() == Some("http");
        let problem = match uri.authority() {
            // RFC 6749 §2.3.1: no credentials in a URI.
            Some(authority) if authority.as_str().contains('@') => "has user information",
            Some(_) if plain || is_private_channel(uri) => return Ok(()),
            Some(_) => "must be https: plain http is allowed for loopback only",
            None => "is not absolute",
        };
        Err(self.named(Error::setting("token_url", problem)))
    }

    async fn exchange<B>(
        &self,
        request: &TokenRequest,
        to_send: Request<Bytes>,
    ) -> Result<Response<Bytes>, Error>
    where
        T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
        T::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        let broken = |message, error| self.broken(request, message, error);
        let mut transport = self.transport.clone();
        poll_fn(|cx| transport.poll_ready(cx))
            .await
            .map_err(|e| broken("the token transport is not ready", e.into()))?;
        let (head, body) = transport
            .call(to_send.map(Full::new))
            .await
            .map_err(|e| broken("the token endpoint could not be reached", e.into()))?
            .into_parts();
        match collect(&head.headers, body, self.size_cap).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            Err(Stopped::TooLarge) => {
                let message =
                    format!("the token endpoint's response is larger than {} bytes", self.size_cap);
                let status = Some(head.status);
                Err(Details { status, ..self.failed(Kind::Response, message) }.into())
            }
            Err(Stopped::Broken(error)) => {
                Err(broken("connection closed before the token response was complete", error))
            }
        }
    }

    /// With the provider's name, unless it has one.
    pub(super) fn named(&self, error: Error) -> Error {
        match self.grant.info().name() {
            Some(name) if error.provider().is_none() => error.of_provider(name.to_owned()),
            _ => error,
        }
    }

    pub(super) fn failed(&self, kind: Kind, message: String) -> Details {
        let provider = self.grant.info().name().map(|name| name.to_owned().into());
        Details { provider, ..Details::new(kind, message) }
    }

    pub(super) fn unreachable_details(&self, kind: Kind, message: String) -> Details {
        let hint = self.grant.info().hint().map(|hint| hint.to_owned().into());
        Details { hint, ..self.failed(kind, message) }
    }

    fn unreachable(&self, kind: Kind, message: String) -> Error {
        self.unreachable_details(kind, message).into()
    }
}
