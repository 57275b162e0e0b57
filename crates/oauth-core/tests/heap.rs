//! What is left in the process's memory of a client's secret and of a token when all that held them
//! is gone: nothing of ours.
//!
//! Linux shows a process its own memory as a file, so that this needs no unsafe code. The transport
//! is scripted: its bytes are static or wiped, as ours are. **Not covered**, because the bytes are
//! not ours: the kernel's socket buffers, TLS, hyper's read and write buffers, h2's; copies that a
//! caller makes of the texts that it hands in; the stack and the registers.
//!
//! One test, so that no other one allocates or frees beside it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::convert::Infallible;
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{
    Apiera, Ataccama, ClientAuth, ClientCredentials, FetchContext, Fuuffy, GrantSource, Oleria,
    Origins, RotatingClient, TokenSlot, TokenSource,
};
use tower::service_fn;
use zeroize::Zeroizing;

/// Texts are kept in disguise, so that the program's own constants are not found.
const DISGUISE: u8 = 0x5a;
const LENGTH: usize = 64;
/// What is looked for is a text's end: an allocator writes over the beginning of what is freed.
const TAIL: usize = 24;

/// A text that no one else has: made here, never written out in plain.
fn disguised(salt: usize) -> [u8; LENGTH] {
    let letter = |i: usize| (((i + 97 * salt) * 2_654_435_761) >> 13) % 26;
    std::array::from_fn(|i| (b'a' + letter(i) as u8) ^ DISGUISE)
}

/// In plain, in memory that is wiped.
fn plain(disguised: &[u8; LENGTH]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    text.extend(disguised.iter().map(|b| char::from(b ^ DISGUISE)));
    text
}

/// The credentials as HTTP Basic carries them, in disguise.
fn basic_of(secret: &[u8; LENGTH]) -> Vec<u8> {
    let pair = Zeroizing::new(["id:", plain(secret).as_str()].concat());
    let mut text = Zeroizing::new(vec![0; 4 * pair.len().div_ceil(3)]);
    STANDARD.encode_slice(pair.as_bytes(), &mut text).unwrap();
    text.iter().map(|b| b ^ DISGUISE).collect()
}

/// What is needed to look, allocated once: looking allocates nothing, for that would write over what
/// was freed just before.
struct Search {
    maps: Vec<u8>,
    window: Vec<u8>,
}

static SEARCH: Mutex<Search> = Mutex::new(Search { maps: Vec::new(), window: Vec::new() });

fn search() -> MutexGuard<'static, Search> {
    let mut search = SEARCH.lock().unwrap();
    search.maps.resize(256 * 1024, 0);
    search.window.resize(1 << 20, 0);
    search
}

/// How often the end of a text stands in this process's writable memory that no file is behind: the
/// heap, and whatever else an allocator maps.
fn found(disguised: &[u8]) -> usize {
    let disguised = &disguised[disguised.len() - TAIL..];
    let mut search = search();
    let Search { maps, window } = &mut *search;
    let length = read_maps(maps);
    let maps = std::str::from_utf8(&maps[..length]).unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    for line in maps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (range, access) = (fields.next().unwrap(), fields.next().unwrap());
        let name = fields.nth(3).unwrap_or_default();
        if !access.starts_with("rw") || !(name.is_empty() || name == "[heap]") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        // The window holds what was read into it: it is not a place to look at.
        let own = window.as_ptr() as u64..(window.as_ptr() as u64 + window.len() as u64);
        for part in
            [address(start)..address(end).min(own.start), address(start).max(own.end)..address(end)]
        {
            if part.start < part.end {
                count += found_in(part, &memory, window, disguised);
            }
        }
    }
    window.fill(0);
    black_box(window);
    count
}

fn read_maps(into: &mut [u8]) -> usize {
    let mut file = File::open("/proc/self/maps").unwrap();
    let mut length = 0;
    loop {
        let read = file.read(&mut into[length..]).unwrap();
        assert!(length < into.len(), "more regions than there is room for");
        if read == 0 {
            return length;
        }
        length += read;
    }
}

fn found_in(part: Range<u64>, memory: &File, window: &mut [u8], disguised: &[u8]) -> usize {
    let (mut at, mut count) = (part.start, 0);
    loop {
        let length = window.len().min((part.end - at) as usize);
        // A region that went away meanwhile holds nothing any more.
        if memory.read_exact_at(&mut window[..length], at).is_err() {
            return count;
        }
        count += occurrences(&window[..length], disguised);
        if length < window.len() {
            return count;
        }
        // What stands across two windows is seen whole in the second one.
        at += (length - (TAIL - 1)) as u64;
    }
}

fn occurrences(window: &[u8], disguised: &[u8]) -> usize {
    let first = disguised[0] ^ DISGUISE;
    let is_here = |text: &[u8]| text.iter().zip(disguised).all(|(a, b)| a ^ DISGUISE == *b);
    let starts = window.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts.filter(|(at, _)| window.get(*at..at + TAIL).is_some_and(is_here)).count()
}

/// A token request and its response over a transport that keeps nothing, then a refusal and another
/// token, then the end of all of it.
fn live_and_die(grant: impl Grant, token: [u8; LENGTH], envelope: bool) {
    let transport = service_fn(move |request: Request<Full<Bytes>>| async move {
        // Read, as a connection would, and dropped.
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert!(!body.is_empty());
        let text = plain(&token);
        let mut answer = Zeroizing::new(Vec::with_capacity(1024));
        if envelope {
            answer.extend_from_slice(b"{\"data\":\"{\\\"access_token\\\":\\\"");
            answer.extend_from_slice(text.as_bytes());
            answer.extend_from_slice(b"\\\",\\\"expires_in\\\":600}\"}");
        } else {
            answer.extend_from_slice(b"{\"access_token\":\"");
            answer.extend_from_slice(text.as_bytes());
            answer.extend_from_slice(b"\",\"expires_in\":600,\"scope\":\"a b\"}");
        }
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_owner(answer))))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let slot = TokenSlot::builder(GrantSource::new(grant, transport))
            .origins(Origins::parse(["https://api.test"]).unwrap())
            .build();
        let issued = slot.token().await.unwrap();
        assert_eq!(found(&token), 1, "the live token is found, and once");
        black_box(format!("{slot:?} {issued:?}"));
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", issued.token().header_value().clone());
        slot.replace(issued.generation()).await.unwrap_err();
        drop(headers);
    });
}

/// A refusal whose text has the secret in it, in every part that is kept: masking it must leave none
/// behind.
fn refused(grant: impl Grant, spelling: &[u8]) {
    let client = grant.client().current();
    let before = found(spelling);
    for part in ["error", "error_description", "error_uri", "token_type", "scope", "location"] {
        let response = echoing(part, spelling);
        let answer = grant.response(&TokenRequest::new(&grant, client.clone()), &response);
        drop(response);
        assert_eq!(found(spelling), before, "after masking it in {part}");
        match answer {
            Ok(token) => assert!(part == "scope" && !format!("{token:?}").contains("scope: Some")),
            Err(error) => drop(black_box(format!("{error} {error:?}"))),
        }
    }
}

/// A transport whose error quotes what it was to send.
fn unreachable(grant: impl Grant, secret: &[u8; LENGTH]) {
    #[derive(Debug)]
    struct Quoting(Zeroizing<String>);
    impl std::fmt::Display for Quoting {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            // In parts, by which a text would grow that is not given its room.
            (0..8).try_for_each(|_| write!(f, "{} ", *self.0))
        }
    }
    impl std::error::Error for Quoting {}

    let before = found(secret);
    let disguised = *secret;
    let transport = service_fn(move |_: Request<Full<Bytes>>| async move {
        Err::<Response<Full<Bytes>>, _>(Quoting(plain(&disguised)))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime
        .block_on(GrantSource::new(grant, transport).fetch(FetchContext::default()))
        .unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("[redacted]"));
    // The grant is gone, and the secret with it.
    assert_eq!(found(secret), before - 1, "after masking a transport's error");
}

/// A response that has this in one of its parts, many times.
fn echoing(part: &str, spelling: &[u8]) -> Response<Bytes> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let echo = |text: &mut Vec<u8>| {
        for _ in 0..5 {
            text.extend(spelling.iter().map(|b| b ^ DISGUISE));
            text.push(b'.');
        }
    };
    let mut response = Response::builder();
    let mut body = Zeroizing::new(Vec::with_capacity(4096));
    match part {
        "location" => {
            text.extend_from_slice(b"https://a.test/?echo=");
            echo(&mut text);
            let target = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).unwrap();
            response = response.status(307).header("location", target);
        }
        _ => {
            let status = if ["token_type", "scope"].contains(&part) { 200 } else { 401 };
            response = response.status(status);
            body.extend_from_slice(b"{\"access_token\":\"mF_9\",\"expires_in\":60,\"");
            body.extend_from_slice(part.as_bytes());
            body.extend_from_slice(b"\":\"no: ");
            echo(&mut body);
            body.extend_from_slice(b"\"}");
        }
    }
    response.body(Bytes::from_owner(body)).unwrap()
}

#[test]
fn nothing_of_ours_is_left_of_a_secret_or_a_token_when_their_holders_are_gone() {
    let (secret, token) = (disguised(1), disguised(2));
    // The controls: what is alive or was leaked is found.
    drop(search());
    assert_eq!((found(&secret), found(&token)), (0, 0));
    let alive = plain(&secret);
    assert_eq!(found(&secret), 1);
    let leaked = alive.to_string();
    assert_eq!(found(&secret), 2);
    // Freed and not wiped, a text is found for as long as no one writes over it.
    let canary = disguised(3);
    let freed = black_box(plain(&canary).to_string());
    assert_eq!(found(&canary), 1);
    drop(freed);
    let left = found(&canary);
    // Of the GNU allocator it is known that it writes over no more than the beginning. Where one
    // wipes what is freed, nothing is left whatever we do.
    if cfg!(target_env = "gnu") && std::env::var_os("MALLOC_PERTURB_").is_none() {
        assert_eq!(left, 1, "this test could not fail");
    }
    drop((alive, Zeroizing::new(leaked)));
    assert_eq!(found(&secret), 0);

    // `String` to `Box<str>` of the same size is not a copy.
    let client = || ClientAuth::secret("id", std::mem::take(&mut *plain(&secret)));
    for client in [client(), client().basic(), client().raw_basic()] {
        let generic = || ClientCredentials::builder(client.clone()).token_url("https://a.test/t");
        live_and_die(generic().build().unwrap(), token, false);
        live_and_die(generic().json().build().unwrap(), token, false);
        let oleria = Oleria::builder(client.clone())
            .authentication_url("https://a.test/t")
            .api_url("https://api.test");
        live_and_die(oleria.build().unwrap(), token, false);
        let apiera = Apiera::builder(client.clone()).organization("org_A");
        live_and_die(apiera.build().unwrap(), token, false);
        live_and_die(Fuuffy::builder(client.clone()).build().unwrap(), token, true);
        let ataccama = Ataccama::builder(client.clone()).environment("acme").realm("acme");
        live_and_die(ataccama.build().unwrap(), token, false);
        refused(generic().build().unwrap(), &secret);
        unreachable(generic().build().unwrap(), &secret);
        let grant = generic().build().unwrap();
        let sent = grant.request(&TokenRequest::new(&grant, client.clone()));
        drop(grant);
        if sent.headers().contains_key("authorization") {
            refused(generic().build().unwrap(), &basic_of(&secret));
        }
    }
    // At once, before anything else writes over what was freed.
    let grant = ClientCredentials::builder(client().basic()).token_url("https://a.test/t");
    let grant = grant.build().unwrap();
    let basic = basic_of(&secret);
    let request = grant.request(&TokenRequest::new(&grant, grant.client().current()));
    assert_eq!(found(&basic), 1, "the live header is found");
    drop(request);
    assert_eq!(found(&basic), 0, "the header of Basic");
    drop(grant);
    let rotating = RotatingClient::new(client()).with_fallback(client()).unwrap();
    rotating.rotate(client()).unwrap();
    drop(rotating);
    let left = (found(&secret), found(&basic), found(&token));
    assert_eq!(left, (0, 0, 0), "secret, its Basic form, token");
}
