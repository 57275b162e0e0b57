//! A client that unpacks responses, and a token endpoint that sends a bomb.
//!
//! A separate binary: the counting allocator serves the whole process, and counts each thread for
//! itself. The client is on the thread that is measured, the server on another.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, Token, TokenSource,
};
use oauth_reqwest::ReqwestTransport;
use oauth_testkit::{AuthServer, Dialect, Fault};
use tokio::runtime::Builder;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// One token request that gets this packed body, and the most memory that it held.
fn fetch(body: &[u8]) -> (Result<Token, Error>, u64) {
    let server = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let auth = server.block_on(AuthServer::start(Dialect::Oleria)).unwrap();
    auth.inject(Fault::status(200).body(gzip(body)).header("content-encoding", "gzip"));
    let grant = ClientCredentials::builder(ClientAuth::secret("id", "secret"))
        .token_url(auth.token_url())
        .build()
        .unwrap();
    let transport = ReqwestTransport::from_builder(reqwest::Client::builder().no_proxy()).unwrap();
    let source = GrantSource::new(grant, transport);
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    let mut result = None;
    let info = allocation_counter::measure(|| {
        result = Some(client.block_on(source.fetch(FetchContext::default())))
    });
    let sent = auth.last_token_request().unwrap();
    assert_eq!(sent.header("accept-encoding"), Some("gzip"));
    (result.unwrap(), info.bytes_max)
}

#[test]
fn a_gzip_bomb_meets_the_cap_on_what_comes_out_of_it() {
    let bomb = [br#"{"access_token":"abc","x":""#.as_slice(), &[b' '; 16 * 1024 * 1024]].concat();
    assert!(gzip(&bomb).len() < 128 * 1024, "the cap must not stop it before it is unpacked");
    let (result, peak) = fetch(&bomb);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    assert!(peak < 4 * 1024 * 1024, "{peak} bytes");
}

#[test]
fn a_packed_response_is_read_where_the_client_unpacks_it() {
    let (result, _) = fetch(br#"{"access_token":"abc","expires_in":60}"#);
    assert_eq!(result.unwrap().expose_secret(), "abc");
}
