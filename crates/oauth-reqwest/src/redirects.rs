//! Which redirects a client may follow below the middleware.

use reqwest::redirect::{Attempt, Policy};

use crate::way::{is_same, is_same_origin};

/// A redirect policy for the client below the middleware: follows only within the origin of the first URL,
/// ten hops at most. A redirect to anywhere else is delivered as it is, and so is one back to the first
/// URL: it could not be recognized afterwards, and after a 401 a POST that was acted on could be sent
/// again.
///
/// With reqwest's own policy a request that has our header takes it to a foreign host: not with the first
/// hop there, but with the next one (reqwest 0.13 starts each hop from the headers of the first
/// request, and leaves `Authorization` out only where the host is another one than that of the hop
/// before).
///
/// ```
/// let client = reqwest::Client::builder().redirect(oauth_reqwest::redirects()).build()?;
/// # drop(client);
/// # Ok::<(), reqwest::Error>(())
/// ```
///
/// # Errors
/// After ten hops the request fails as with reqwest's default policy
/// ([`reqwest::Error::is_redirect`]).
pub fn redirects() -> Policy {
    Policy::custom(|attempt| {
        if may_follow(&attempt) {
            // Counts the hops.
            Policy::default().redirect(attempt)
        } else {
            attempt.stop()
        }
    })
}

fn may_follow(attempt: &Attempt<'_>) -> bool {
    let (first, next) = (attempt.previous().first(), attempt.url());
    first.is_some_and(|first| is_same_origin(first, next) && !is_same(first, next))
}
