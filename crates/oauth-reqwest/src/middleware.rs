//! The middleware.

mod judgement;

use std::future::Future;
use std::pin::Pin;

use http::Extensions;
use oauth_core::adapter::{Admission, Authorized, Destination, Policy, Sent, Target};
use oauth_core::challenge::Hints;
use oauth_core::replay::Buffered;
use oauth_core::{
    IssuedToken, NotAttached, NotReplayed, OnForeignOrigin, Origin, Origins, Outcome, ReplayChoice,
    TokenSlot, Verdict,
};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use self::judgement::Judged;
use crate::error::no_token;
use crate::limit::Limit;
use crate::replay::{Kept, Strategy};
use crate::stamp::Stamped;
use crate::way::Way;

/// Attaches a slot's token to requests, and handles a 401 with one refresh and one replay.
///
/// ```
/// use oauth_core::{Origins, StaticToken, Token, TokenSlot};
/// use oauth_reqwest::OAuthMiddleware;
///
/// let slot = TokenSlot::builder(StaticToken::new(Token::bearer("abc")?))
///     .origins(Origins::parse(["https://api.example.com"])?)
///     .build();
/// let client = reqwest::Client::builder().redirect(oauth_reqwest::redirects()).build()?;
/// let client = reqwest_middleware::ClientBuilder::new(client)
///     .with(OAuthMiddleware::new(slot))
///     .build();
/// # drop(client);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The client below
/// - Its redirect policy is [`redirects`](crate::redirects), as above, or none: reqwest's own takes the
///   token to a foreign host that redirects once more.
/// - Its `default_headers` have neither `Host` nor `Authorization`. reqwest adds them below the
///   middleware, which cannot see them: a default `Host` goes out beside the token, and a default
///   `Authorization` gives way to it, without a record of either.
///
/// For one request: [`NoToken`](oauth_core::NoToken), put in with `with_extension`, opts it out,
/// [`ReplayChoice`] sets whether and how it may be sent again, and [`Deadline`](oauth_core::Deadline), or
/// its own `timeout`, its time limit.
#[derive(Clone, Debug)]
pub struct OAuthMiddleware {
    policy: Policy,
    strategy: Strategy,
}

impl OAuthMiddleware {
    /// Creates a middleware with the defaults: the slot's origins; requests for others pass without a
    /// token; replay of streams of up to 64 KiB and of all bodies of bytes.
    pub fn new(slot: TokenSlot) -> Self {
        Self { policy: Policy::new(slot), strategy: Buffered::default().into() }
    }

    /// Sets whether and how requests are sent again: [`Buffered`] or [`NoReplay`](crate::NoReplay).
    #[must_use]
    pub fn replay(mut self, strategy: impl Into<Strategy>) -> Self {
        self.strategy = strategy.into();
        self
    }

    /// Sets where tokens may go. Default: the slot's origins.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.policy.set_origins(origins);
        self
    }

    /// Sets where requests go whose URL has no host. reqwest does not send such, so this matters only for a
    /// chain that ends in something else.
    #[must_use]
    pub fn inner_origin(mut self, origin: Origin) -> Self {
        self.policy.set_inner_origin(origin);
        self
    }

    /// Sets what happens to requests for origins that the token is not for. Default: they pass without a
    /// token.
    #[must_use]
    pub fn on_foreign_origin(mut self, choice: OnForeignOrigin) -> Self {
        self.policy.set_on_foreign_origin(choice);
        self
    }

    /// Overrules the verdict on responses, for an API that reports expiry with a 403 or a gateway that
    /// challenges an expired token only with `Basic`. It gets the head of every response to a request with
    /// our token, and our verdict; it must not block. Without it:
    /// [`verdict`](oauth_core::adapter::verdict).
    ///
    /// ```
    /// use oauth_core::Verdict;
    /// # use oauth_core::{StaticToken, Token, TokenSlot};
    /// # let slot = TokenSlot::new(StaticToken::new(Token::bearer("abc")?));
    /// use oauth_reqwest::OAuthMiddleware;
    ///
    /// let expired = [403, 419]; // From the configuration, say.
    /// let middleware = OAuthMiddleware::new(slot).verdict(move |response, ours| {
    ///     if expired.contains(&response.status.as_u16()) { Verdict::Replace } else { ours }
    /// });
    /// # drop(middleware);
    /// # Ok::<(), oauth_core::Error>(())
    /// ```
    #[must_use]
    pub fn verdict(
        mut self,
        overrule: impl Fn(&http::response::Parts, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.policy.set_verdict(overrule);
        self
    }

    /// Adds a token to the request, waiting for one if needed. `None`: the caller's own header stays.
    async fn authorize(
        &self,
        request: &mut Request,
        repeatable: bool,
        limit: Limit,
    ) -> Result<Option<Sent>> {
        match self.policy.slot().authorize(request.headers_mut()) {
            Authorized::Attached(sent) => Ok(Some(Policy::weighed(sent, request.method()))),
            Authorized::Own => Ok(None),
            Authorized::Full => Err(no_token(Policy::no_room())),
            // Boxed, like what follows a refusal: most requests do not need the space.
            Authorized::Empty => Box::pin(self.wait(request, repeatable, limit)).await,
        }
    }

    async fn wait(
        &self,
        request: &mut Request,
        repeatable: bool,
        limit: Limit,
    ) -> Result<Option<Sent>> {
        let target = if repeatable { self.target(request) } else { Target::UNKNOWN };
        let token = self.policy.slot().token_for(target, repeatable, limit.until());
        let issued = token.await.map_err(no_token)?;
        self.authorize_with(issued, request, limit).await
    }

    async fn authorize_with(
        &self,
        mut issued: IssuedToken,
        request: &mut Request,
        limit: Limit,
    ) -> Result<Option<Sent>> {
        let slot = self.policy.slot();
        loop {
            match slot.authorize_with(&issued, request.headers_mut()) {
                Authorized::Attached(sent) => {
                    return Ok(Some(Policy::weighed(sent, request.method())));
                }
                Authorized::Own => return Ok(None),
                Authorized::Full => return Err(no_token(Policy::no_room())),
                // It expired between the end of the flight and now.
                Authorized::Empty => {
                    let another = slot.token_for(self.target(request), false, limit.until());
                    issued = another.await.map_err(no_token)?;
                }
            }
        }
    }

    fn target(&self, request: &Request) -> Target {
        let url = request.url();
        self.policy.slot().target(request.method(), url.scheme(), url.authority(), url.path())
    }

    /// Prepares the second send, or returns why the first response stands.
    async fn second_send(
        &self,
        kept: Option<Box<Kept>>,
        refused: &Refused,
        target: Target,
        limit: Limit,
    ) -> std::result::Result<(Request, IssuedToken), Outcome> {
        let slot = self.policy.slot();
        let hints = Hints::of(refused.response.headers());
        let frozen = match &kept {
            None => Err(NotReplayed::Off),
            // The refused request is the last one of a chain; the first one may have been acted on.
            Some(kept) if refused.way != Way::Straight && !kept.is_safe() => {
                Err(NotReplayed::Redirected)
            }
            Some(kept) => kept.freeze(),
        };
        if let Err(reason) = frozen {
            // For the next request. The result changes nothing for this one.
            let _ = slot.note_refusal(refused.sent, target, Some(&hints));
            return Err(Outcome::NotReplayed(reason));
        }
        let refresh =
            slot.after_refusal(refused.sent, target, Some(Box::new(hints)), limit.until());
        let issued = refresh.await.map_err(Outcome::RefreshFailed)?;
        let kept = kept.ok_or(Outcome::NotReplayed(NotReplayed::Off))?;
        let mut request = kept.again().map_err(Outcome::NotReplayed)?;
        request.headers_mut().remove(slot.header_name());
        Ok((request, issued))
    }

    /// The first response was a refusal: it is delivered, or the request is sent once more.
    async fn after_refusal(
        &self,
        mut refused: Refused,
        kept: Option<Box<Kept>>,
        extensions: &mut Extensions,
        next: Next<'_>,
        limit: Limit,
    ) -> Result<Response> {
        let target = self.target_of(kept.as_deref());
        let (mut request, issued) = match self.second_send(kept, &refused, target, limit).await {
            Ok(second) => second,
            Err(outcome) => {
                record_outcome(&mut refused.response, outcome);
                return Ok(refused.response);
            }
        };
        // Before the second send: hyper drains a small body that is dropped, and the connection is
        // free again.
        drop(refused);
        let attached = self.authorize_with(issued, &mut request, limit).await?;
        limit.shorten(&mut request);
        let url = request.url().clone();
        let mut response = next.run(request, extensions).await?;
        let judged = self.judge(&response, Some(&url), extensions);
        let slot = self.policy.slot();
        let outcome = match (attached, judged) {
            (Some(_), Judged::RedirectedAway) => Outcome::RedirectedAway,
            (Some(sent), Judged::Refused(_)) => {
                slot.note_second_refusal(sent, target);
                Outcome::Replayed
            }
            (Some(sent), Judged::Accepted) => {
                slot.note_second_acceptance(sent, target);
                Outcome::Replayed
            }
            _ => Outcome::Replayed,
        };
        record_outcome(&mut response, outcome);
        Ok(response)
    }

    /// Unknown for a request of which nothing was kept.
    fn target_of(&self, kept: Option<&Kept>) -> Target {
        kept.map_or(Target::UNKNOWN, |kept| self.target(kept.request()))
    }

    /// The API accepted a token for the first time.
    #[cold]
    fn note_acceptance(&self, sent: Sent, kept: Option<&Kept>) {
        self.policy.slot().note_acceptance(sent, self.target_of(kept));
    }
}

/// A response that refuses our token.
struct Refused {
    response: Response,
    /// With the token that it refuses.
    sent: Sent,
    way: Way,
}

impl Middleware for OAuthMiddleware {
    // As `async_trait` would write it, except that it would store the request twice.
    fn handle<'s, 'e, 'n, 'f>(
        &'s self,
        mut request: Request,
        extensions: &'e mut Extensions,
        next: Next<'n>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'f>>
    where
        's: 'f,
        'e: 'f,
        'n: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            // Left by an earlier send of a retry layer around us.
            drop(Stamped::take(extensions));
            let limit = Limit::of(&request, self.policy.deadline(extensions, request.headers()));
            let strategy = self.strategy.chosen(ReplayChoice::of(extensions));
            let url = request.url();
            let (scheme, authority) = (url.scheme(), url.has_host().then(|| url.authority()));
            let mut is_known = false;
            let headers = request.headers();
            let passed = match self.policy.admit_parts(scheme, authority, headers, extensions) {
                Admission::Attach(to) => {
                    is_known = to == Destination::Primary;
                    let repeatable = strategy.replays();
                    let attached = self.authorize(&mut request, repeatable, limit).await?;
                    attached.ok_or(NotAttached::OwnAuthorization)
                }
                Admission::Pass(reason) => Err(reason),
                Admission::Refuse(error) => return Err(no_token(error)),
            };
            let sent = match passed {
                Ok(sent) => sent,
                Err(reason) => {
                    limit.shorten(&mut request);
                    let mut response = next.run(request, extensions).await?;
                    record_outcome(&mut response, Outcome::NotAttached(reason));
                    return Ok(response);
                }
            };
            let kept = strategy.keep(&mut request);
            limit.shorten(&mut request);
            // Where it is sent must be known when the response is there: the kept request has the URL, or
            // the policy knows the origin, which is enough if no one asks whether the token is accepted.
            let is_known = is_known && sent.is_settled();
            let url = (kept.is_none() && !is_known).then(|| request.url().clone());
            let mut response = next.clone().run(request, extensions).await?;
            let requested = url.as_ref().or(kept.as_deref().map(Kept::url));
            let outcome = match self.judge(&response, requested, extensions) {
                Judged::Stands => Outcome::Attached,
                Judged::Accepted => {
                    if !sent.is_settled() {
                        self.note_acceptance(sent, kept.as_deref());
                    }
                    Outcome::Attached
                }
                Judged::RedirectedAway => Outcome::RedirectedAway,
                Judged::Refused(way) => {
                    let refused = Refused { response, sent, way };
                    let second = self.after_refusal(refused, kept, extensions, next, limit);
                    return Box::pin(second).await;
                }
            };
            record_outcome(&mut response, outcome);
            Ok(response)
        })
    }
}

fn record_outcome(response: &mut Response, outcome: Outcome) {
    outcome.record(response.extensions_mut());
}
