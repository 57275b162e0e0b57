//! Where a response is from, as tower-http's redirect follower below the layer tells it.

use http::{Extensions, Uri};
use oauth_core::adapter::Policy;

/// Sets what a layer knows by itself. A function of the user's own takes its place.
pub(crate) fn set_response_uri(policy: &mut Policy) {
    policy.set_response_uri(request_uri);
}

/// What a follower of either version has left. Where both have, one is below the other, and the lower
/// one alone knows: the older version, for it is the one inside ready-made clients.
fn request_uri(response: &Extensions) -> Option<&Uri> {
    let found = None;
    #[cfg(feature = "tower-http-06")]
    let found = found
        .or_else(|| response.get().map(|tower_http_0_6::follow_redirect::RequestUri(uri)| uri));
    #[cfg(feature = "tower-http-07")]
    let found =
        found.or_else(|| response.get().map(|tower_http::follow_redirect::RequestUri(uri)| uri));
    found
}
