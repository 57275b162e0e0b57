use http::header::HeaderValue;

use super::*;

fn admits(origins: &Origins, url: &str) -> bool {
    let uri: Uri = url.parse().unwrap();
    origins.admit(uri.scheme_str().unwrap(), uri.authority().unwrap().as_str(), None)
}

#[test]
fn an_origin_is_scheme_host_and_port_without_case() {
    let origins = Origins::parse(["https://api.apiera.io/v1?x"]).unwrap();
    for home in ["https://api.apiera.io/", "https://API.apiera.io:443/a", "HTTPS://Api.Apiera.Io/"]
    {
        assert!(admits(&origins, home), "{home}");
    }
    for foreign in [
        "http://api.apiera.io/",
        "https://api.apiera.io:8443/",
        "https://api.apiera.io.evil.example/",
        "https://api.apiera.io@evil.example/",
        "https://evil.example@api.apiera.io/",
        "https://api.apiera.io./",
        "https://xn--pi-7ka.apiera.io/",
        "https://api.apiera.io:4430/",
        "https://aapi.apiera.io/",
    ] {
        assert!(!admits(&origins, foreign), "{foreign}");
    }
}

#[test]
fn a_star_stands_for_exactly_one_label() {
    let origins = Origins::parse(["https://*.oleria.io"]).unwrap();
    assert!(admits(&origins, "https://acme.oleria.io/"));
    assert!(admits(&origins, "https://ACME.oleria.io:443/"));
    for foreign in [
        "https://oleria.io/",
        "https://devx.acme.oleria.io/",
        "https://evil@acme.oleria.io/",
        "https://acme.oleria.io.evil.example/",
        "https://.oleria.io/",
    ] {
        let Ok(_) = foreign.parse::<Uri>() else { continue };
        assert!(!admits(&origins, foreign), "{foreign}");
    }
}

#[test]
fn plain_http_is_for_loopback_literals_alone() {
    for good in [
        "http://localhost:1",
        "http://LOCALHOST",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:80",
    ] {
        Origin::parse(good).unwrap();
    }
    for bad in [
        "http://api.example",
        "http://127.0.0.1.nip.io",
        "http://localhost.",
        "http://127.1",
        "http://0177.0.0.1",
        "http://[::ffff:127.0.0.1]",
        "http://*.app.localhost",
        "http://0.0.0.0",
        "http://0.0.0.1",
        "http://126.255.255.255",
        "http://128.0.0.1",
        "http://[::]",
        "http://[::2]",
        "http://localhost.localdomain",
    ] {
        let error = Origin::parse(bad).unwrap_err().to_string();
        assert!(error.contains("`origin`"), "{bad}: {error}");
    }
    assert!(!admits(&Origins::any_https(), "http://localhost/"));
}

#[test]
fn an_ipv6_origin_has_one_spelling() {
    let origins = Origins::parse(["https://[2001:DB8:0::1]:443"]).unwrap();
    assert!(admits(&origins, "https://[2001:db8::1]/"));
    assert_eq!(origins.to_string(), "https://[2001:db8::1]");
}

#[test]
fn an_ipv4_address_in_an_ipv6_origin_is_home_in_both_notations() {
    for declared in ["https://[::FFFF:192.0.2.1]", "https://[::ffff:c000:201]:443"] {
        let origins = Origins::parse([declared]).unwrap();
        for home in [
            "https://[::ffff:192.0.2.1]/",
            "https://[::FFFF:192.0.2.1]:443/",
            "https://[::ffff:c000:201]/",
            "https://[::FFFF:C000:201]:443/",
        ] {
            assert!(admits(&origins, home), "{declared} {home}");
        }
        for foreign in [
            "https://[::ffff:192.0.2.2]/",
            "https://[::ffff:192.0.2.1]:8443/",
            "https://[::ffff:c000:202]/",
            "https://[::192.0.2.1]/",
            "https://192.0.2.1/",
        ] {
            assert!(!admits(&origins, foreign), "{declared} {foreign}");
        }
        assert_eq!(origins.to_string(), "https://[::ffff:c000:201]");
    }
    let origins = Origins::parse(["https://[::ffff:192.0.2.1]:8443"]).unwrap();
    assert!(admits(&origins, "https://[::ffff:192.0.2.1]:8443/"));
    assert!(admits(&origins, "https://[::ffff:c000:201]:8443/"));
    assert!(!admits(&origins, "https://[::ffff:192.0.2.1]/"));
    let host = HeaderValue::from_static("[::ffff:192.0.2.1]:8443");
    assert!(origins.admit("https", "[::ffff:192.0.2.1]:8443", Some(&host)));
}

#[test]
fn a_wrong_origin_is_refused_with_what_to_do() {
    for (bad, advice) in [
        ("api.example.com", "absolute URL"),
        ("https://bücher.example", "punycode"),
        ("https://u:p@api.example", "user information"),
        ("ftp://api.example", "must be an https URL"),
        ("ftp://localhost", "must be an https URL"),
        ("ws://127.0.0.1", "must be an https URL"),
        ("https://api.example:443:443", "port"),
        ("https://[::1]:443:", "port"),
        ("https://api.example:0", "port"),
        ("https://api.example:+1", "port"),
        ("https://", "neither a name"),
        ("https://a..b", "neither a name"),
        ("https://*", "wildcard"),
        ("https://a.*.b", "wildcard"),
        ("https://exa%6dple.com", "neither a name"),
    ] {
        let error = Origin::parse(bad).unwrap_err().to_string();
        assert!(error.contains(advice), "{bad}: {error}");
    }
}

#[test]
fn a_host_header_must_name_the_same_authority() {
    let origins = Origins::parse(["https://api.example.com"]).unwrap();
    let host = |text: &'static str| Some(HeaderValue::from_static(text));
    let admit =
        |authority: &str, h: Option<HeaderValue>| origins.admit("https", authority, h.as_ref());
    assert!(admit("api.example.com", host("API.example.com")));
    assert!(admit("api.example.com:443", host("api.example.com")));
    assert!(admit("api.example.com", host("api.example.com:443")));
    assert!(!admit("api.example.com", host("evil.example")));
    assert!(!admit("api.example.com", host("api.example.com:8443")));
    assert!(!admit("api.example.com", host("")));
    assert!(!Origins::any_https().admit("https", "api.example.com", host("evil.example").as_ref()));
}

#[test]
fn a_star_stands_before_a_name_of_two_labels_or_more() {
    for good in [
        "https://*.oleria.io",
        "https://*.oleria.io.",
        "https://*.oleria.io:8443",
        "https://*.eu.api.oleria.io",
        "https://*.1.oleria.io",
        "https://*.oleria.x1",
        "https://*.0x.oleria.xyz",
        "https://*.api.localhost",
        "https://*.xn--bcher-kva.example",
        // Not known to be a public suffix: see the documentation.
        "https://*.co.uk",
    ] {
        Origin::parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        "https://*",
        "https://*:443",
        "https://*.com",
        "https://*.com:443",
        "https://*.com.",
        "https://*.COM/path",
        "https://*.localhost",
        "https://*.xn--p1ai",
        "https://*.127.0.0.1",
        "https://*.192.0.2.1.",
        "https://*.0.0.1",
        "https://*.1",
        "https://*.a.1",
        "https://*.a.0x7f",
        "https://*.a.0X",
        "https://*.[::1]",
        "https://*.[2001:db8::1]",
        "https://*.*.com",
        "https://*.*.oleria.io",
        "https://foo.*.com",
        "https://foo.*",
        "https://foo*.oleria.io",
        "https://*foo.oleria.io",
        "https://**.oleria.io",
    ] {
        let error = Origin::parse(bad).unwrap_err().to_string();
        assert_eq!(
            error,
            "`origin` may have a wildcard as the first label alone, before a name of at least two \
             labels: https://*.example.com",
            "{bad}"
        );
    }
    for bad in
        ["https://*.", "https://*..", "https://*..oleria.io", "https://*.a..b", "https://*.a b.c"]
    {
        let error = Origin::parse(bad).unwrap_err().to_string();
        assert!(error.contains("neither a name nor an address"), "{bad}: {error}");
    }
}

#[test]
fn an_absolute_name_after_a_star_is_another_origin_than_the_name() {
    let origins = Origins::parse(["https://*.oleria.io."]).unwrap();
    assert!(admits(&origins, "https://acme.oleria.io./"));
    assert!(!admits(&origins, "https://acme.oleria.io/"));
    assert_eq!(origins.to_string(), "https://*.oleria.io.");
}

#[test]
fn any_https_admits_no_empty_authority_and_no_user_information() {
    let any = Origins::any_https();
    assert!(any.admit("https", "api.example", None));
    assert!(any.admit("HTTPS", "api.example:8443", None));
    for (scheme, authority) in
        [("https", ""), ("http", "api.example"), ("https", "u@api.example"), ("ws", "api.example")]
    {
        assert!(!any.admit(scheme, authority, None), "{scheme} {authority}");
    }
}

#[test]
fn the_default_port_is_that_of_the_scheme_and_needs_its_colon() {
    let host = |text: &'static str| Some(HeaderValue::from_static(text));
    let local = Origins::parse(["http://127.0.0.1"]).unwrap();
    assert_eq!(local, Origins::parse(["http://127.0.0.1:80"]).unwrap());
    assert_eq!(local.to_string(), "http://127.0.0.1");
    for other in ["http://127.0.0.1:8080", "http://127.0.0.1:443", "https://127.0.0.1:80"] {
        assert_ne!(local, Origins::parse([other]).unwrap(), "{other}");
        assert!(!admits(&local, other), "{other}");
    }
    assert!(local.admit("http", "127.0.0.1", host("127.0.0.1:80").as_ref()));
    assert!(local.admit("http", "127.0.0.1:80", host("127.0.0.1").as_ref()));
    for foreign in ["127.0.0.1:8080", "127.0.0.1:443", "127.0.0.1:81", "127.0.0.1:0"] {
        assert!(!local.admit("http", "127.0.0.1", host(foreign).as_ref()), "{foreign}");
    }
    let any = Origins::any_https();
    for (authority, other) in [
        ("ab443", "a"),
        ("a", "ab443"),
        ("x443", "y443"),
        ("a:999", "a"),
        ("a", "a:999"),
        ("a:80", "a"),
        ("a", "a:8443"),
        ("a", "a:"),
        ("ab", "ab:0443"),
    ] {
        assert!(!any.admit("https", authority, host(other).as_ref()), "{authority} {other}");
        assert!(any.admit("https", authority, host(authority).as_ref()), "{authority}");
    }
    assert!(any.admit("https", "a:443", host("A").as_ref()));
    assert!(any.admit("https", "443", host("443:443").as_ref()));
}

#[test]
fn a_port_may_be_empty_and_is_the_default_then() {
    for (empty, plain) in [
        ("https://api.example:", "https://api.example"),
        ("https://api.example:/x", "https://api.example:443"),
        ("https://[::1]:", "https://[::1]"),
        ("http://127.0.0.1:", "http://127.0.0.1:80"),
    ] {
        assert_eq!(Origin::parse(empty).unwrap(), Origin::parse(plain).unwrap(), "{empty}");
    }
}

#[test]
fn an_origin_has_its_parts() {
    let exact = Origin::parse("HTTPS://API.example:443/x").unwrap();
    assert_eq!((exact.scheme(), exact.authority()), ("https", "api.example"));
    assert!(exact.is_exact());
    assert_eq!(format!("{exact} {exact:?}"), "https://api.example Origin(https://api.example)");
    let local = Origin::parse("http://[::1]:81").unwrap();
    assert_eq!((local.scheme(), local.authority()), ("http", "[::1]:81"));
    assert!(!Origin::parse("https://*.api.example").unwrap().is_exact());
}

#[test]
fn what_is_declared_is_known_in_one_spelling_at_once() {
    let origins = Origins::parse(["https://*.w.example", "https://a.example", "http://[::1]:81"]);
    let origins = origins.unwrap();
    for (https, authority) in [(true, "a.example"), (false, "[::1]:81")] {
        assert!(origins.declare(https, authority), "{authority}");
    }
    for (https, authority) in [
        (false, "a.example"),
        (true, "[::1]:81"),
        (true, "b.example"),
        (true, "a.example:443"),
        (true, ".w.example"),
        (true, "x.w.example"),
        (true, ""),
    ] {
        assert!(!origins.declare(https, authority), "{https} {authority}");
    }
    assert!(origins.is_declared() && Origins::any_https().is_declared());
    for none in [Origins::undeclared(), Origins::these(Vec::new())] {
        assert!(!none.is_declared() && !none.declare(true, ""));
        assert!(!none.admit("https", "a.example", None));
    }
    assert!(!Origins::any_https().declare(true, "a.example"));
}

#[test]
fn a_secret_goes_over_https_or_to_loopback() {
    for (uri, private) in [
        ("https://a.example/", true),
        ("HTTPS://a.example/", true),
        ("https://192.0.2.1/", true),
        ("http://localhost:1/", true),
        ("http://127.1.2.3/", true),
        ("http://[::1]/", true),
        ("http://a.example/", false),
        ("http://0.0.0.0/", false),
        ("ftp://localhost/", false),
        ("/localhost", false),
        ("localhost", false),
    ] {
        assert_eq!(is_private_channel(&uri.parse().unwrap()), private, "{uri}");
    }
}

#[test]
fn user_information_is_what_stands_before_the_last_at_sign() {
    for (authority, host) in
        [("a.example:1", "a.example:1"), ("u:p@a.example", "a.example"), ("a@b@c", "c"), ("u@", "")]
    {
        assert_eq!(host::without_user(authority), host, "{authority}");
    }
}
