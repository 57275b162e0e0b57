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
        "http://*.localhost",
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
        ("ftp://api.example", "https"),
        ("https://api.example:0", "port"),
        ("https://api.example:+1", "port"),
        ("https://", "neither a name"),
        ("https://a..b", "neither a name"),
        ("https://*", "neither a name"),
        ("https://a.*.b", "neither a name"),
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
