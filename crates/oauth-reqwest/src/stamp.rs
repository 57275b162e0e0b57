//! Records what was really sent, as the innermost middleware.

use std::future::Future;
use std::pin::Pin;

use http::Extensions;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Middleware, Next, Result};

/// The innermost middleware of a chain in which another one rewrites URLs (service discovery, a sidecar):
/// it records the URL that the client gets, for [`OAuthMiddleware`](crate::OAuthMiddleware).
///
/// Without it, a response with another URL than the request's counts as redirected: after a 401 the token
/// is refreshed, but only a GET, HEAD or OPTIONS is sent again; other responses from another origin are
/// recorded as [`Outcome::RedirectedAway`](oauth_core::Outcome::RedirectedAway). With the stamp, a
/// rewritten request is handled like any other, and redirects are recognized.
///
/// ```
/// # use oauth_core::{Origins, StaticToken, Token, TokenSlot};
/// use oauth_reqwest::{OAuthMiddleware, Stamp};
///
/// # let slot = TokenSlot::builder(StaticToken::new(Token::bearer("abc")?))
/// #     .origins(Origins::parse(["https://api.example.com"])?)
/// #     .build();
/// let client = reqwest::Client::builder().redirect(oauth_reqwest::redirects()).build()?;
/// let client = reqwest_middleware::ClientBuilder::new(client)
///     .with(OAuthMiddleware::new(slot))
///     // .with(what rewrites URLs)
///     .with(Stamp)
///     .build();
/// # drop(client);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp;

/// In the chain's extensions.
#[derive(Clone)]
pub(crate) struct Stamped(pub(crate) Url);

impl Stamped {
    /// Takes what an earlier send left.
    pub(crate) fn take(extensions: &mut Extensions) -> Option<Url> {
        extensions.remove().map(|Self(url)| url)
    }
}

impl Middleware for Stamp {
    fn handle<'s, 'e, 'n, 'f>(
        &'s self,
        request: Request,
        extensions: &'e mut Extensions,
        next: Next<'n>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'f>>
    where
        's: 'f,
        'e: 'f,
        'n: 'f,
        Self: 'f,
    {
        extensions.insert(Stamped(request.url().clone()));
        Box::pin(next.run(request, extensions))
    }
}
