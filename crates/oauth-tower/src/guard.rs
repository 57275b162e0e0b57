//! Directly around a client: no request takes our token to another origin than those that it was made
//! for, whatever is between the layer and the client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response, Uri};
use oauth_core::adapter::Sharded;
use oauth_core::adapter::{GuardNote, Policy};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// Takes the token off a request that is not for its origins; made by
/// [`OAuthLayer::guard`](crate::OAuthLayer::guard), to be put directly around the client.
///
/// A layer that follows redirects sends requests of its own, with the headers of the first one. Whether
/// it leaves out `Authorization` for another host is its business, and tower-http does not always:
/// 0.6 sends it from the second request to a foreign host on, 0.7 sends it with every policy but
/// `Standard`. Below the follower the guard sees each of them.
///
/// It knows the header by a fingerprint of the last 256 tokens of the slot. An `Authorization` header of
/// another kind, that of another slot for one, is left alone. A request for the one declared origin passes
/// unchanged and costs no allocation; where several are declared, each response's URI is recorded.
///
/// It also records for the layer what happened to a request:
/// - What it was sent as, if a layer between the two rewrites URLs: that is not a redirect, and everything
///   is as if nothing had been rewritten. Declare the origin that it writes, too: else the guard takes the
///   token off.
/// - A response from another origin is recorded as
///   [`Outcome::RedirectedAway`](oauth_core::Outcome::RedirectedAway), and a 401 from there does not count
///   as the API's.
/// - When a redirect was followed, a 401 refuses the last request of a chain whose first one may have been
///   acted on (`POST /orders`, 303, `GET /orders/1`, 401): only a GET, HEAD or OPTIONS is sent again. The
///   rest is delivered as
///   [`NotReplayed::Redirected`](oauth_core::NotReplayed::Redirected), and the token is refreshed for the
///   next request.
///
/// For this the guard and the layer share a note in the request's extensions; a layer between them that
/// drops extensions hides redirects. It costs four allocations: for a request that may be sent again and is
/// none of these three, for one whose success would be the first of its token, and where several origins
/// are declared for each.
///
/// With `Origins::any_https()` every https origin is declared, and the guard holds back what goes over
/// plain http alone.
///
/// ```
/// use oauth_core::{Origins, StaticToken, Token, TokenSlot};
/// use oauth_tower::OAuthLayer;
/// use tower::ServiceBuilder;
/// use tower_http::follow_redirect::FollowRedirectLayer;
///
/// # let client = tower::service_fn(|_: http::Request<http_body_util::Full<bytes::Bytes>>| async {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(()))
/// # });
/// let slot = TokenSlot::builder(StaticToken::new(Token::bearer("abc")?))
///     .origins(Origins::parse(["https://api.example.com"])?)
///     .build();
/// let oauth = OAuthLayer::new(slot).replay(oauth_tower::CloneBody);
/// let api = ServiceBuilder::new()
///     .layer(oauth.clone())
///     .layer(FollowRedirectLayer::new())
///     .layer(oauth.guard())
///     .service(client);
/// # drop(api);
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct GuardLayer {
    policy: Arc<Policy>,
}

impl GuardLayer {
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        let policy = Sharded::new(|| Arc::new(Policy::clone(&self.policy)));
        Guard { inner, policy: Arc::new(policy) }
    }
}

/// A service that sends our token to its origins alone; made by [`GuardLayer`].
#[derive(Clone, Debug)]
pub struct Guard<S> {
    inner: S,
    policy: Arc<Sharded<Arc<Policy>>>,
}

impl<S> Guard<S> {
    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, without its guard.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, ResBody> Service<Request<B>> for Guard<S>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let sent_to = self.policy.mine().guard(&mut request);
        let note = GuardNote::of(request.extensions());
        if let Some(note) = &note {
            note.note_request(request.uri());
        }
        GuardFuture { response: self.inner.call(request), sent_to, note }
    }
}

pin_project! {
    /// The response future of [`Guard`]. Dropping it drops that of the service inside.
    pub struct GuardFuture<F> {
        #[pin]
        response: F,
        // Where the request was sent, if that is to be recorded.
        sent_to: Option<Uri>,
        note: Option<GuardNote>,
    }
}

impl<F, ResBody, E> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = Result<Response<ResBody>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.response.poll(cx))?;
        if let Some(note) = this.note {
            note.note_response(response.status());
        }
        if let Some(uri) = this.sent_to.take() {
            Policy::record_sent_to(response.extensions_mut(), uri);
        }
        Poll::Ready(Ok(response))
    }
}

impl<F> fmt::Debug for GuardFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}
