//! One token request to a peer, and what it cost in memory at its worst.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use oauth_core::grant::Grant;
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, HyperTransport, Token,
    TokenSource,
};

pub(crate) const SECRET: &str = "the-secret";
/// What one exchange may hold over what was there before it.
pub(crate) const MOST: u64 = 4 * 1024 * 1024;
/// For peers that hang: the end is the time limit's, whenever it comes.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
/// For all others, so that a machine that is busy makes none of them a time-out.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn grant(address: SocketAddr) -> ClientCredentials {
    ClientCredentials::builder(ClientAuth::secret("i", SECRET))
        .token_url(format!("http://{address}/t"))
        .build()
        .unwrap()
}

/// One for all tests: making one reads the system's certificates.
pub(crate) fn transport() -> HyperTransport {
    static TRANSPORT: LazyLock<HyperTransport> = LazyLock::new(|| HyperTransport::new().unwrap());
    TRANSPORT.clone()
}

/// Fetches with a source of the default transport; fails if the peak is over [`MOST`].
pub(crate) fn fetch(address: SocketAddr, limit: Duration) -> Result<Token, Error> {
    fetch_with(grant(address), limit)
}

pub(crate) fn fetch_with(grant: impl Grant, limit: Duration) -> Result<Token, Error> {
    let source = GrantSource::new(grant, transport()).time_limit(limit);
    let (result, peak) = measure(source);
    assert!(peak < MOST, "{peak} bytes");
    result
}

/// The result, and how many bytes were held at most over what was held before.
pub(crate) fn measure(source: impl TokenSource) -> (Result<Token, Error>, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut result = None;
    let info = allocation_counter::measure(|| {
        result = Some(runtime.block_on(source.fetch(FetchContext::default())))
    });
    (result.unwrap(), info.bytes_max)
}

/// What every failed exchange has in common: it says who failed, and shows no secret.
pub(crate) fn assert_typed(error: &Error) {
    assert!(error.provider().is_some(), "{error:?}");
    let text = format!("{error} {error:?} {error:#?}");
    assert!(!text.contains(SECRET), "{text}");
    assert!(text.len() < 4096, "{} bytes of text", text.len());
}
