//! The fuzz targets' entry points under inputs that are made here: the same in every run, and fast.
//!
//! A normal run plays 60,000 inputs, the long one (`cargo test --release -p oauth-core --test fuzzed
//! -- --ignored`) 1,500,000. `fuzz/` has the same entry points for cargo-fuzz.

mod entry {
    pub(crate) mod challenges;
    pub(crate) mod origins;
    pub(crate) mod replay;
    pub(crate) mod responses;
    pub(crate) mod retry_after;
}
mod inputs;

use inputs::play;
use oauth_testkit::fixtures;

/// Of each of the five targets.
const NORMAL: usize = 12_000;
const LONG: usize = 300_000;

const FIXTURES: &[&[u8]] = &[
    fixtures::APIERA_TOKEN.as_bytes(),
    fixtures::APIERA_ACCESS_DENIED.as_bytes(),
    fixtures::ATACCAMA_TOKEN.as_bytes(),
    fixtures::ATACCAMA_UNAUTHORIZED_CLIENT.as_bytes(),
    fixtures::FUUFFY_TOKEN_IN_STRING.as_bytes(),
    fixtures::FUUFFY_TOKEN.as_bytes(),
    fixtures::FUUFFY_INVALID_CLIENT_WRAPPED.as_bytes(),
    fixtures::FUUFFY_API_ERROR.as_bytes(),
    fixtures::OLERIA_TOKEN.as_bytes(),
    fixtures::OLERIA_INVALID_CLIENT.as_bytes(),
];
const RESPONSE_WORDS: &[&[u8]] = &[
    b"\"access_token\":",
    b"\"expires_in\":",
    b"\"expires_on\":",
    b"\"token_type\":",
    b"\"scope\":",
    b"\"data\":",
    b"\"error\":",
    b"\"code\":",
    b"\"message\":",
    b"\"error_description\":",
    b"\"error_uri\":",
    b"null",
    b"\"\"",
    b"1e999",
    b"-1",
    b"{}",
    b"[]",
    b"[[",
    b"\\ud800",
    b"\\u0000",
    b"\\\"",
    b"\"Bearer\"",
    b"\xff",
    b"\xef\xbb\xbf",
    b"s3cr+t of/the client",
    b"s3cr%2Bt+of%2Fthe+client",
    b",",
    b":",
    b"{",
    b"}",
];
const CHALLENGES: &[&[u8]] = &[
    b"Bearer realm=\"x\", error=\"invalid_token\", error_description=\"a, \\\"b\\\"\"\nBasic realm=\"y\"",
    b"Negotiate abcd==, Digest qop=\"auth, auth-int\", nonce=x\nBearer error=insufficient_scope",
    b"Bearer", b"",
];
const CHALLENGE_WORDS: &[&[u8]] = &[
    b"Bearer ",
    b"bearer",
    b"Basic ",
    b"error=",
    b"ERROR =",
    b"\"invalid_token\"",
    b"invalid_request",
    b"\"insufficient_scope\"",
    b"realm=\"",
    b"\"",
    b"\\",
    b"\\\"",
    b",",
    b"=",
    b"==",
    b" ",
    b"\t",
    b"\n",
    b"abc/+~==",
    b"\xe4",
    b";",
    b"Bearer,Bearer,Bearer,Bearer,",
];
const WAITS: &[&[u8]] = &[
    b"120",
    b"Sun, 06 Nov 1994 08:49:37 GMT",
    b"Sunday, 06-Nov-94 08:49:37 GMT",
    b"Sun Nov  6 08:49:37 1994",
    b"1000000000000",
    b"\"a\";r=0;t=20, \"b\";r=5;t=3000",
    b"limit=10, remaining=0, reset=20",
    b"784111837.5",
];
const WAIT_WORDS: &[&[u8]] = &[
    b"9999999999",
    b"-",
    b"+",
    b".",
    b"0",
    b" ",
    b"GMT",
    b"UTC",
    b"Feb",
    b"31",
    b"23:59:60",
    b"99",
    b"9999",
    b"18446744073709551616",
    b"\"",
    b"\\",
    b";t=",
    b";r=0",
    b",",
    b"\xff",
    b"\t",
];
const URLS: &[&[u8]] = &[
    b"https://api.apiera.io\nhttps://API.apiera.io:443/v1?x\napi.apiera.io",
    b"https://api.apiera.io\nhttps://api.apiera.io@evil.example/",
    b"https://*.oleria.io\nhttps://acme.oleria.io/",
    b"http://[::1]:8080\nhttp://[0:0::1]:8080/\n[::1]:8080",
    b"http://127.0.0.1\nhttp://127.1:80/",
    b"https://api.apiera.io/v1?x=://*.a",
    b"https://*.oleria.io\nhttps://XN--acme.oleria.io/",
];
const URL_WORDS: &[&[u8]] = &[
    b"https://",
    b"http://",
    b"@",
    b":",
    b":443",
    b":80",
    b":0443",
    b".",
    b"..",
    b"*.",
    b"/",
    b"//",
    b"\\",
    b"%2e",
    b"%40",
    b"?",
    b"#",
    b"[::1]",
    b"[::ffff:127.0.0.1]",
    b"[0:0:0:0:0:0:0:1]",
    b"127.0.0.1",
    b"0x7f.1",
    b"2130706433",
    b"localhost",
    b"LOCALHOST.",
    b"xn--",
    b"xn--bcher-kva",
    b"api.apiera.io",
    b"evil.example",
    b".evil.example",
    b"_",
    b"-",
    b"\t",
    b" ",
    b"\n",
    b"\xc3\xbc",
];
const HISTORIES: &[&[u8]] = &[
    // The cap, what the source knows and how it ends, its frames, a zero, what is done.
    b"\x40\x00\x29\x09\x08\x31\x00\x00\x04\x06\x03\x03\x03",
    b"\x10\x00\xff\x00\x00\x04\x05\x06",
    b"\xff\x01\x11\x19\x21\x29\x00\x00\x00\x06\x03\x07\x03",
    b"\xff\x02\x11\x19\x00\x00\x00\x00\x00\x04\x06\x03\x03",
    b"\xff\x04\x11\x00\x00\x06\x03\x03",
    b"\x40\x03\x11\x08\x00\x00\x00\x00\x06\x03",
];
const OPERATIONS: &[&[u8]] = &[
    b"\x00",
    b"\x01",
    b"\x03\x03",
    b"\x04",
    b"\x05",
    b"\x06",
    b"\x07",
    b"\x0f",
    b"\x08\x08",
    b"\xf9",
];

fn responses(count: usize) {
    let grants = entry::responses::grants();
    play(FIXTURES, RESPONSE_WORDS, count, |input| entry::responses::check(&grants, input));
}

fn challenges(count: usize) {
    play(CHALLENGES, CHALLENGE_WORDS, count, entry::challenges::check);
}

fn retry_after(count: usize) {
    let grant = entry::retry_after::grant();
    play(WAITS, WAIT_WORDS, count, |input| entry::retry_after::check(&grant, input));
}

fn origins(count: usize) {
    let mut judged = [0; 3];
    play(URLS, URL_WORDS, count, |input| judged[entry::origins::check(input) as usize] += 1);
    // Inputs that are all refused at once would prove nothing.
    assert!(judged.iter().all(|n| *n > count / 100), "{judged:?}");
}

fn replay(count: usize) {
    let mut played = [0; 3];
    play(HISTORIES, OPERATIONS, count, |input| played[entry::replay::check(input) as usize] += 1);
    assert!(played.iter().all(|n| *n > count / 20), "{played:?}");
}

#[test]
fn no_response_of_a_token_endpoint_makes_a_grant_panic_or_show_a_secret() {
    responses(NORMAL);
}

#[test]
fn no_challenge_makes_the_parser_panic_and_the_verdict_follows_from_what_it_reads() {
    challenges(NORMAL);
}

#[test]
fn no_wait_that_a_server_asks_for_overflows() {
    retry_after(NORMAL);
}

#[test]
fn no_request_gets_the_token_that_a_url_parser_would_send_elsewhere() {
    origins(NORMAL);
}

#[test]
fn no_history_makes_a_replay_body_lose_or_repeat_a_byte() {
    replay(NORMAL);
}

#[test]
#[ignore = "the long run"]
fn a_million_and_a_half_inputs_break_nothing() {
    for target in [responses, challenges, retry_after, origins, replay] {
        target(LONG);
    }
}
