//! One request's own choice about its replay.

use http::Extensions;

/// Whether and how this request may be sent again, overriding the adapter's setting: put it into the
/// request's extensions.
///
/// ```
/// use oauth_core::ReplayChoice;
///
/// // An upload that must not be kept in memory, however small.
/// let request = http::Request::put("https://api.example.com/backups/1")
///     .extension(ReplayChoice::Off)
///     .body(())?;
/// # drop(request);
/// # Ok::<(), http::Error>(())
/// ```
///
/// With reqwest-middleware: `client.put(url).with_extension(ReplayChoice::UpTo(1 << 20))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplayChoice {
    /// Not sent again: a 401 is delivered, and the token is refreshed for the next request.
    Off,
    /// Sent again if its body has at most this many bytes, trailers included.
    ///
    /// Bodies that are not buffered but shared have no cap, with this or without: the bytes of a
    /// reqwest body, and what the strategy `CloneBody` of `oauth-tower` clones. Its strategy
    /// `NoReplay` never sends twice; reqwest's chooses for each request.
    UpTo(usize),
}

impl ReplayChoice {
    /// Returns the choice in a request's extensions.
    pub fn of(extensions: &Extensions) -> Option<Self> {
        if extensions.is_empty() {
            return None;
        }
        extensions.get().copied()
    }
}
