//! URLs that look like home and are not, put together at random, against an independent oracle: the
//! URL parser of the WHATWG. Ours may be stricter than it, never laxer.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "fuzzed/entry/origins.rs"]
mod oracle;

use http::{Extensions, HeaderMap, HeaderValue, Uri};
use oauth_core::adapter::{Admission, Policy};
use oauth_core::{Origin, Origins, StaticToken, Token, TokenSlot};
use oracle::{Judged, check, judge};
use proptest::prelude::*;
use proptest::sample::select;

/// What a token is declared for.
const HOMES: [&str; 11] = [
    "https://api.apiera.io",
    "https://API.Apiera.io:443/v1",
    "https://api.apiera.io:8443",
    "https://*.oleria.io",
    "https://xn--bcher-kva.example",
    "https://api.apiera.io.",
    "https://[2001:db8::1]",
    "https://[::ffff:192.0.2.1]",
    "https://192.0.2.1",
    "http://127.0.0.1:8080",
    "http://[::1]",
];

/// Hosts that are home, nearly home, or elsewhere.
fn host() -> impl Strategy<Value = String> {
    let known = select(vec![
        "api.apiera.io",
        "acme.oleria.io",
        "oleria.io",
        "a.b.oleria.io",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.example",
        "b\u{fc}cher.example",
        "evil.example",
        "[2001:db8::1]",
        "[2001:DB8:0:0::1]",
        "[2001:db8::0.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:192.0.2.1]",
        "[::FFFF:192.0.2.1]",
        "[::ffff:c000:201]",
        "[0:0::ffff:c000:0201]",
        "[::1]",
        "[0:0::1]",
        "192.0.2.1",
        "192.0.513",
        "0xc0.0.2.1",
        "3221225985",
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "localhost",
        "127.0.0.1.nip.io",
    ]);
    let trick = select(vec![
        "plain",
        "plain",
        "plain",
        "upper",
        "dot",
        "dots",
        "suffix",
        "prefix",
        "escaped",
        "label",
        "wide",
        "underscore",
        "nothing",
    ]);
    (known, trick).prop_map(|(host, trick)| match trick {
        "upper" => host.to_uppercase(),
        "dot" => format!("{host}."),
        "dots" => format!("{host}.."),
        "suffix" => format!("{host}.evil.example"),
        "prefix" => format!("evil{host}"),
        "escaped" => host.replace('.', "%2e"),
        "label" => format!("x.{host}"),
        // The full stop of another script, which URL parsers take for a dot.
        "wide" => host.replace('.', "\u{3002}"),
        "underscore" => format!("_{host}"),
        "nothing" => String::new(),
        _ => host.to_owned(),
    })
}

fn url() -> impl Strategy<Value = String> {
    let scheme = select(vec![
        "https://",
        "https://",
        "https://",
        "HTTPS://",
        "http://",
        "HtTp://",
        "ftp://",
        "wss://",
        "https:",
        "//",
        "https:/\\",
    ]);
    let user = select(vec![
        "",
        "",
        "",
        "",
        "u@",
        "u:p@",
        "api.apiera.io@",
        "api.apiera.io:443@",
        "@",
        "%40",
        "a@b@",
    ]);
    let port = select(vec![
        "",
        "",
        "",
        ":443",
        ":80",
        ":8443",
        ":8080",
        ":",
        ":0443",
        ":0",
        ":65536",
        ":443:443",
        ":+443",
        ":4430",
        ":%34%34%33",
    ]);
    let rest =
        select(vec!["", "/", "/v1?x=1", "?@api.apiera.io", "#@api.apiera.io", "\\@a", "/@x"]);
    (scheme, user, host(), port, rest)
        .prop_map(|(scheme, user, host, port, rest)| format!("{scheme}{user}{host}{port}{rest}"))
}

fn policy(home: &str) -> Policy {
    let slot = TokenSlot::builder(StaticToken::new(Token::bearer("t").unwrap()))
        .origins(Origins::parse([home]).unwrap())
        .build();
    Policy::new(slot)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_token_is_attached_for_no_url_that_a_url_parser_takes_elsewhere(
        home in select(&HOMES[..]), url in url(), hosts in prop::collection::vec(host(), 0..3),
    ) {
        let judged = judge(home, &url, hosts.first().map(String::as_str));
        let Ok(uri) = url.parse::<Uri>() else { return Ok(()) };
        let mut headers = HeaderMap::new();
        for host in &hosts {
            // What no header can hold is sent by no one.
            if let Ok(value) = HeaderValue::from_str(host) {
                headers.append("host", value);
            }
        }
        let admission = policy(home).admit(&uri, &headers, &Extensions::new());
        let attached = matches!(admission, Admission::Attach(_));
        // What the adapters ask decides as the origins do, and of two hosts it takes none.
        let expected = judged == Judged::Home && headers.len() < 2;
        prop_assert_eq!(attached, expected, "{} {} {:?}", home, url, hosts);
    }

    #[test]
    fn what_is_declared_for_any_https_is_admitted_for_https_alone(url in url()) {
        let Ok(uri) = url.parse::<Uri>() else { return Ok(()) };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Ok(());
        };
        let admitted = Origins::any_https().admit(scheme, authority.as_str(), None);
        let expected = scheme.eq_ignore_ascii_case("https") && !authority.as_str().contains('@');
        prop_assert_eq!(admitted, expected, "{}", url);
    }

    #[test]
    fn a_url_of_the_primary_origin_has_the_origin_of_every_other_one_that_is(
        home in select(&HOMES[..]), urls in prop::collection::vec(url(), 2),
    ) {
        let policy = policy(home);
        let is_primary = |url: &url::Url| {
            let authority = url.authority().rsplit('@').next().unwrap();
            policy.is_primary(url.scheme(), authority)
        };
        let urls = urls.iter().map(String::as_str).chain([home]);
        let urls: Vec<_> = urls.filter_map(|url| url.parse().ok()).collect();
        for one in urls.iter().filter(|url| is_primary(url)) {
            for other in &urls {
                let same = one.origin() == other.origin();
                prop_assert_eq!(is_primary(other), same, "{}: {} {}", home, one, other);
            }
        }
    }

    #[test]
    fn an_origin_that_is_taken_is_one_that_a_url_parser_reads_the_same(url in url()) {
        let Ok(origin) = Origin::parse(&url) else { return Ok(()) };
        let oracle = url::Url::parse(&url);
        // A name like `evil192.0.2.1` or an empty `xn--` is none to it: no client gets there.
        let Ok(oracle) = oracle else { return Ok(()) };
        prop_assert_eq!(oracle.username(), "");
        let ascii = oracle.origin().ascii_serialization();
        // Ours leaves addresses in other notations as they are written; theirs makes them decimal.
        let same = origin.to_string() == ascii;
        let address = matches!(oracle.host(), Some(url::Host::Ipv4(_)));
        prop_assert!(same || address, "{} is {} and {}", url, origin, ascii);
    }
}

#[test]
fn every_home_is_home_in_each_of_its_spellings() {
    for (home, urls) in [
        ("https://api.apiera.io", &["https://api.apiera.io", "HTTPS://API.APIERA.IO:443/x?y"][..]),
        ("https://api.apiera.io:8443", &["https://api.apiera.io:8443/"]),
        ("https://*.oleria.io", &["https://acme.oleria.io/", "https://ACME.oleria.io:443"]),
        ("https://[2001:DB8::0:1]", &["https://[2001:db8::1]/", "https://[2001:DB8::1]:443/"]),
        (
            "https://[::ffff:192.0.2.1]",
            &[
                "https://[::ffff:192.0.2.1]/",
                "https://[::FFFF:192.0.2.1]:443",
                "https://[::ffff:c000:201]/",
            ],
        ),
        ("https://[::ffff:c000:201]:8443", &["https://[::ffff:192.0.2.1]:8443"]),
        ("http://127.0.0.1", &["http://127.0.0.1/", "http://127.0.0.1:80/"]),
    ] {
        for url in urls {
            assert_eq!(judge(home, url, None), Judged::Home, "{home} {url}");
            // As the fuzz target's seeds have it.
            assert_eq!(check(format!("{home}\n{url}").as_bytes()), Judged::Home);
        }
    }
}

#[test]
fn a_response_is_from_the_origin_in_every_spelling_and_from_elsewhere_otherwise() {
    let mut policy = policy("https://api.apiera.io");
    policy.set_response_uri(|found| found.get());
    for (from, elsewhere) in [
        ("https://api.apiera.io/x", false),
        ("HTTPS://API.apiera.io:443/x", false),
        ("https://u:p@api.apiera.io/x", false),
        ("https://api.apiera.io:8443/x", true),
        ("http://api.apiera.io/x", true),
        ("http://api.apiera.io:443/x", true),
        ("https://api.apiera.io.evil.example/x", true),
        ("/x", true),
    ] {
        let mut answer = Extensions::new();
        answer.insert(Uri::from_static(from));
        // Of what goes home nothing is kept, and of others what they are.
        for requested in ["https://api.apiera.io/", "https://API.apiera.io/"] {
            let uri = Uri::from_static(requested);
            let admission = policy.admit(&uri, &HeaderMap::new(), &Extensions::new());
            let Admission::Attach(to) = admission else { panic!("{uri}: {admission:?}") };
            let kept = policy.requested(&uri, to);
            assert_eq!(kept.is_some(), requested.contains("API"));
            assert_eq!(policy.is_redirected_away(&answer, kept.as_ref()), elsewhere, "{from}");
        }
    }
    assert!(!policy.is_redirected_away(&Extensions::new(), None), "an answer that does not say");
}

#[test]
fn the_tricks_of_the_textbook_are_foreign() {
    for url in [
        "https://api.apiera.io@evil.example/",
        "https://api.apiera.io:443@evil.example/",
        "https://api.apiera.io.evil.example/",
        "https://evil.example/api.apiera.io",
        "https://evil.example#api.apiera.io",
        "https://evil.example?https://api.apiera.io",
        "https://api.apiera.io./",
        "https://api.apiera.io:444/",
        "https://api%2eapiera.io/",
        "https://xn--pi-7ka.apiera.io/",
        "http://api.apiera.io/",
        "http://api.apiera.io:443/",
    ] {
        assert_ne!(judge("https://api.apiera.io", url, None), Judged::Home, "{url}");
    }
}
