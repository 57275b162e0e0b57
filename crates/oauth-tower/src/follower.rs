//! Where a response came from, as recorded by tower-http's redirect follower below the layer.

use http::{Extensions, Uri};
use oauth_core::adapter::Policy;

/// Sets the default. A function that the user sets replaces it.
pub(crate) fn set_response_uri(policy: &mut Policy) {
    policy.set_response_uri(request_uri);
}

/// What a follower of either version recorded. If both did, one is below the other and only the lower one
/// is right: the older version, which is the one inside ready-made clients.
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
