//! Which redirects a client may follow below the middleware.

use reqwest::redirect::{Attempt, Policy};

/// A redirect policy for the client below the middleware: follows only within the origin of the first
/// URL, ten hops at most. A redirect to anywhere else is delivered as it is.
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
        if is_within_first_origin(&attempt) {
            // Counts the hops.
            Policy::default().redirect(attempt)
        } else {
            attempt.stop()
        }
    })
}

fn is_within_first_origin(attempt: &Attempt<'_>) -> bool {
    let first = attempt.previous().first();
    first.is_some_and(|first| first.origin() == attempt.url().origin())
}
