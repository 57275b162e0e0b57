//! The first credentials of a fetch, and newer ones that their provider may have.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;
use tower_service::Service;

use crate::credentials::{ClientAuth, InUse, Provided};
use crate::error::{BoxError, Error, Kind};
use crate::grant::Grant;
use crate::token::Token;
use crate::unwind::contained;

use super::GrantSource;

impl<G: Grant, T> GrantSource<G, T> {
    /// The token request with the first credentials, and once more if their provider has newer ones.
    ///
    /// The outer error is the provider's own: no token endpoint rejected credentials then, so that the
    /// fallback is none of its business.
    pub(super) async fn ask_first<B>(
        &self,
        first: &InUse,
        started: Instant,
    ) -> Result<Result<Token, Error>, Error>
    where
        T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
        T::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        let provided = match first {
            InUse::Given(client) => return Ok(self.ask(client.clone(), started).await),
            InUse::Provided(provided) => provided,
        };
        let is_wrong = |result: &Result<Token, Error>| {
            result.as_ref().is_err_and(|error| error.is_bad_credentials())
        };
        let client = self.resolve(provided, started).await?;
        let mut result = self.ask(client.clone(), started).await;
        if !is_wrong(&result) {
            return Ok(result);
        }
        provided.rejected();
        let newer = self.resolve(provided, started).await?;
        if !newer.is_same_as(&client) {
            let info = self.grant.info();
            contained(|| {
                tracing::info!(
                    provider = info.name(),
                    "bad credentials, trying the provider's newer ones"
                );
            });
            result = self.ask(newer, started).await;
        }
        if is_wrong(&result) {
            // What it caches by now is known to be wrong, so the next attempt starts fresh.
            provided.rejected();
        }
        Ok(result)
    }

    async fn resolve(
        &self,
        provided: &Provided,
        started: Instant,
    ) -> Result<Arc<ClientAuth>, Error> {
        let left = self.time_limit.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, provided.resolve()).await {
            Ok(result) => result.map_err(|error| self.named(error)),
            // Not the token endpoint's fault: without its hint.
            Err(_) => {
                let limit = self.time_limit;
                let message =
                    format!("timed out: no response from the secret provider within {limit:?}");
                Err(self.failed(Kind::Timeout, message).into())
            }
        }
    }
}
