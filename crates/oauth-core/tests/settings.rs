//! Missing and wrong settings are refused by name, and no value is shown.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

#[path = "slot/subscriber.rs"]
#[expect(dead_code, reason = "the tests of the slot use more of it")]
mod subscriber;

use std::time::Duration;

use oauth_core::grant::{Grant as _, TokenRequest};
use oauth_core::{Apiera, Ataccama, ClientAuth, ClientCredentials, Error, Fuuffy, Oleria, Origins};

const SECRET: &str = "a5ecretThatNobodyMaySee";

fn client() -> ClientAuth {
    ClientAuth::secret("id", SECRET)
}

fn refused<T: std::fmt::Debug>(built: Result<T, Error>, text: &str) {
    let error = built.unwrap_err();
    assert_eq!(error.to_string(), text);
    assert!(error.is_setting() && !error.is_transient());
    assert!(!format!("{error:?}").contains(SECRET));
}

#[test]
fn a_missing_setting_is_named_with_the_call_that_sets_it() {
    refused(
        ClientCredentials::builder(client()).build(),
        "`token_url` is missing: call `.token_url(..)`",
    );
    refused(
        Oleria::builder(client()).api_url("https://a.example").build(),
        "Oleria: `authentication_url` is missing: call `.authentication_url(..)`",
    );
    refused(
        Oleria::builder(client()).authentication_url("https://a.example").build(),
        "Oleria: `api_url` is missing: call `.api_url(..)`",
    );
    refused(
        Apiera::builder(client()).build(),
        "Apiera: `organization` is missing: call `.organization(..)`",
    );
    refused(
        Ataccama::builder(client()).realm("acme").build(),
        "Ataccama: `environment` is missing: call `.environment(..)`",
    );
    refused(
        Ataccama::builder(client()).environment("acme").build(),
        "Ataccama: `realm` is missing: call `.realm(..)`",
    );
}

#[test]
fn empty_credentials_are_refused_by_every_grant() {
    for (id, secret, name) in [("", SECRET, "client_id"), ("id", "", "client_secret")] {
        let client = || ClientAuth::secret(id, secret);
        refused(Fuuffy::builder(client()).build(), &format!("Fuuffy: `{name}` is empty"));
        let apiera = Apiera::builder(client()).organization("org_A").build();
        refused(apiera, &format!("Apiera: `{name}` is empty"));
        let oleria = Oleria::builder(client())
            .authentication_url("https://a.example")
            .api_url("https://a.example");
        refused(oleria.build(), &format!("Oleria: `{name}` is empty"));
        let ataccama = Ataccama::builder(client()).environment("acme").realm("acme").build();
        refused(ataccama, &format!("Ataccama: `{name}` is empty"));
        let generic = ClientCredentials::builder(client()).token_url("https://a.example").build();
        refused(generic, &format!("`{name}` is empty"));
    }
}

#[test]
fn a_token_url_is_absolute_https_and_plain() {
    // RFC 6749 §1.6, §2.3.1, §3.2.
    for (url, problem) in [
        ("", "is empty"),
        ("/token", "must be an absolute URL: https://host[:port]"),
        ("auth.example/token", "must be an absolute URL: https://host[:port]"),
        ("ftp://auth.example/t", "must be an https URL"),
        ("https://auth.example/t#f", "must not have a fragment (the part from `#` on)"),
        (" https://auth.example/t", "has white space or a control character: trim it"),
        ("https://auth.example/t\n", "has white space or a control character: trim it"),
        ("https://*.auth.example/t", "must name one host, without `*`"),
        ("https://*.example/t", "must name one host, without `*`"),
        ("https://auth.*.example/t?x", "must name one host, without `*`"),
        (
            "https://auth.example/t?client_secret=x",
            "has a parameter in its query that the body sends: take it out",
        ),
        (
            "https://auth.example/t?grant_type=x",
            "has a parameter in its query that the body sends: take it out",
        ),
    ] {
        let built = ClientCredentials::builder(client()).token_url(url).build();
        refused(built, &format!("`token_url` {problem}"));
    }
    for url in [
        "http://auth.example/t",
        "http://127.0.0.1.nip.io/t",
        "http://localhost./t",
        "https://user:pass@auth.example/t",
        "https:///t",
        "https://auth.example:0/t",
        "https://auth.example:99999/t",
    ] {
        let error = ClientCredentials::builder(client()).token_url(url).build().unwrap_err();
        assert!(error.to_string().starts_with("`token_url` "), "{url}: {error}");
        assert!(!error.to_string().contains("pass"), "{error}");
    }
    for url in [
        "http://localhost/t",
        "http://[::1]:1/t",
        "http://127.0.0.1:80/t?a=b",
        "https://auth.example/*?a=https://*.b",
        "https://auth.example?a=*",
        // Of what the body does not send.
        "https://auth.example/t?scope=x&audience=y&resource=z",
    ] {
        ClientCredentials::builder(client()).token_url(url).build().unwrap();
    }
}

#[test]
fn plain_http_beyond_loopback_needs_the_switch_that_is_named_dangerous() {
    let builder = || ClientCredentials::builder(client()).token_url("http://auth.example/t");
    builder().dangerous_plain_http(false).build().unwrap_err();
    builder().dangerous_plain_http(true).build().unwrap();
    // Never for the API: the switch is about the token request.
    let api = builder().dangerous_plain_http(true).api_url("http://api.example").build();
    refused(
        api,
        "`api_url` must be https: plain http is allowed for loopback only (RFC 6750 §5.3)",
    );
}

#[test]
fn scope_resource_and_extra_parameters_are_checked_locally() {
    let builder = || ClientCredentials::builder(client()).token_url("https://auth.example/t");
    // RFC 6749 §3.3.
    for bad in ["a  b", " a", "a ", "a\"b", "a\\b", "ä", "a\nb"] {
        refused(
            builder().scope(bad).build(),
            "`scope` must be words of visible ASCII without `\"` and `\\`, parted by single spaces (RFC 6749 §3.3)",
        );
    }
    builder().scope("openid https://api.example/.default !#[]~").build().unwrap();
    // RFC 8707 §2.
    for bad in ["", "api", "/api", "https://api.example/#f"] {
        refused(
            builder().resource(bad).build(),
            "`resource` must be an absolute URI without a fragment (RFC 8707 §2)",
        );
    }
    // RFC 6749 §3.2: no parameter twice.
    for name in ["grant_type", "client_id", "client_secret", "scope", "audience", "resource"] {
        refused(
            builder().parameter(name, "x").build(),
            &format!(
                "`parameter` must not be `{name}`, which the grant itself sends: use its setter"
            ),
        );
    }
    builder().parameter("client_assertion", "x").build().unwrap_err();
    refused(
        builder().parameter("a", "1").parameter("b", "1").parameter("a", "2").build(),
        "`parameter` `a` is set twice",
    );
    refused(builder().parameter("", "x").build(), "`parameter` has an empty name");
}

#[test]
fn origins_and_api_url_exclude_each_other() {
    let builder = || ClientCredentials::builder(client()).token_url("https://auth.example/t");
    let origins = Origins::any_https();
    refused(
        builder().origins(origins.clone()).api_url("https://api.example").build(),
        "`origins` cannot be combined with `api_url`",
    );
    assert_eq!(builder().origins(origins.clone()).build().unwrap().info().origins(), &origins);
    assert!(!builder().build().unwrap().info().origins().is_declared());
}

#[test]
fn what_is_shown_of_a_grant_and_its_settings_are_names_alone() {
    let auth = r#"ClientAuth { id: "id", method: None, .. }"#;
    let auth = format!("RotatingClient {{ epoch: 0, auth: {auth}, fallback: None }}");
    let url = "https://auth.example/t?key=hidden";
    let generic = ClientCredentials::builder(client())
        .token_url(url)
        .parameter("tenant", "hidden-too")
        .api_url("https://api.example/hidden")
        .refresh_window(Duration::from_secs(7));
    let oleria = Oleria::builder(client()).authentication_url(url).api_url("https://api.example");
    let apiera = Apiera::builder(client()).token_url(url).organization("org_hidden");
    let fuuffy = Fuuffy::builder(client()).token_url(url);
    let ataccama = Ataccama::builder(client()).token_url(url).environment("acme");
    for (text, name) in [
        (format!("{generic:?}"), "ClientCredentialsBuilder"),
        (format!("{oleria:?}"), "OleriaBuilder"),
        (format!("{apiera:?}"), "ApieraBuilder"),
        (format!("{fuuffy:?}"), "FuuffyBuilder"),
        (format!("{ataccama:?}"), "AtaccamaBuilder"),
    ] {
        assert_eq!(text, format!("{name} {{ client: {auth}, .. }}"));
    }
    for (text, [name, provider, origin, window]) in [
        (
            format!("{:?}", generic.build().unwrap()),
            ["ClientCredentials", "auth.example", "https://api.example", "7s"],
        ),
        (
            format!("{:?}", oleria.build().unwrap()),
            ["Oleria", "Oleria", "https://api.example", "60s"],
        ),
        (
            format!("{:?}", apiera.build().unwrap()),
            ["Apiera", "Apiera", "https://api.apiera.io", "300s"],
        ),
        (
            format!("{:?}", fuuffy.build().unwrap()),
            ["Fuuffy", "Fuuffy", "https://api-gateway.fuuffy.com", "60s"],
        ),
        (
            format!("{:?}", ataccama.build().unwrap()),
            ["Ataccama", "Ataccama", "https://acme.ataccama.one", "60s"],
        ),
    ] {
        assert_eq!(
            text,
            format!(
                "{name}(GrantConfig {{ provider: {provider:?}, token_endpoint: auth.example/t, \
                 client: {auth}, origins: {origin}, refresh_window: Some({window}), .. }})"
            )
        );
    }
}

#[test]
fn oleria_needs_a_scope() {
    let builder = || {
        Oleria::builder(client())
            .authentication_url("https://auth.example/t")
            .api_url("https://devx.acme.oleria.io")
    };
    refused(builder().scope("").build(), "Oleria: `scope` is empty, and Oleria requires one");
    let error = builder().authentication_url("http://auth.example").build().unwrap_err();
    assert!(error.to_string().starts_with("Oleria: `authentication_url` must be https"), "{error}");
}

#[test]
fn apiera_needs_an_organization_and_warns_of_an_unusual_one() {
    let builder = |organization: &str| Apiera::builder(client()).organization(organization);
    for empty in ["", " \n"] {
        refused(
            builder(empty).build(),
            "Apiera: `organization` is empty: the id looks like `org_…`",
        );
    }
    let (seen, _captured) = subscriber::captured();
    builder(" org_A ").build().unwrap();
    assert_eq!(seen.with(""), [""; 0]);
    builder("acme").build().unwrap();
    assert_eq!(seen.with("does not begin with `org_`").len(), 1);
    refused(
        builder("org_A").audience("").build(),
        "Apiera: `audience` is empty, and Apiera requires one",
    );
}

#[test]
fn a_base_url_is_the_start_of_a_url() {
    for (base, problem) in [
        ("https://gateway.example/v1?x=y", "must not have a query (the part from `?` on)"),
        ("https://gateway.example/v1#x", "must not have a fragment (the part from `#` on)"),
        ("", "is empty"),
    ] {
        let fuuffy = Fuuffy::builder(client()).base_url(base).build();
        refused(fuuffy, &format!("Fuuffy: `base_url` {problem}"));
        let ataccama = Ataccama::builder(client()).base_url(base).realm("acme").build();
        refused(ataccama, &format!("Ataccama: `base_url` {problem}"));
    }
}

#[test]
fn the_environment_of_ataccama_is_one_label_of_a_host() {
    let long = "a".repeat(64);
    for bad in
        ["", " ", "https://acme", "acme.ataccama.one", "a/b", "a b", "-a", "a-", "a@b", "ä", &long]
    {
        refused(
            Ataccama::builder(client()).environment(bad).realm("acme").build(),
            "Ataccama: `environment` must be one label of a host name, `acme`: no URL, no dot, no space",
        );
    }
    for bad in ["", "a/b", "a..b", "evil.example:1", "a#b"] {
        let builder = Ataccama::builder(client()).environment("acme").realm("acme");
        refused(
            builder.host_suffix(bad).build(),
            "Ataccama: `host_suffix` must be a host name, `ataccama.one`",
        );
    }
}

#[test]
fn ataccama_takes_every_label_of_a_host_and_a_suffix_with_its_dot() {
    let longest = "a".repeat(63);
    for label in ["a", "acme-2", "0", "A-B-C", &longest] {
        let builder = Ataccama::builder(client()).environment(label).realm("acme");
        let grant = builder.host_suffix(format!(" .{label}.example")).build().unwrap();
        let url = format!("https://{label}.{label}.example");
        assert_eq!(grant.info().origins().to_string(), url.to_ascii_lowercase());
    }
}

#[test]
fn ataccama_needs_an_environment_unless_both_urls_are_given() {
    let builder = || Ataccama::builder(client()).realm("acme");
    let (token, api) = ("https://auth.example/t", "https://api.example");
    let missing = "Ataccama: `environment` is missing: call `.environment(..)`";
    refused(builder().build(), missing);
    refused(builder().token_url(token).build(), missing);
    refused(builder().api_url(api).build(), missing);
    let grant = Ataccama::builder(client()).token_url(token).api_url(api).build().unwrap();
    assert_eq!(grant.request(&TokenRequest::new(&grant, client())).uri(), token);
    assert_eq!(grant.info().origins().to_string(), api);
    // What is not used must not be wrong.
    refused(
        builder().base_url(api).environment("a.b").build(),
        "Ataccama: `environment` must be one label of a host name, `acme`: no URL, no dot, no space",
    );
}

#[test]
fn the_realm_of_ataccama_is_one_path_segment() {
    let built = |realm: &str| Ataccama::builder(client()).environment("acme").realm(realm).build();
    for bad in ["a/b", "..", "a..b", ".", "a?b", "a#b", "a\\b"] {
        refused(built(bad), "Ataccama: `realm` must be one path segment: no `/`, `..`, `?` or `#`");
    }
    refused(built("  "), "Ataccama: `realm` is empty");
    refused(built("a\u{0}b"), "Ataccama: `realm` has a control character");
    let prefix = |prefix: &str| {
        Ataccama::builder(client()).environment("acme").realm("acme").auth_prefix(prefix).build()
    };
    for bad in ["/../x", "/a?b", "/a#b"] {
        refused(prefix(bad), "Ataccama: `auth_prefix` must be a plain path, `/auth`");
    }
    refused(
        Ataccama::builder(client())
            .base_url("https://one.example/kc")
            .auth_prefix("/auth")
            .realm("acme")
            .build(),
        "Ataccama: `auth_prefix` must be left out: `base_url` has a path",
    );
}

#[test]
fn the_environment_is_read_and_what_is_missing_is_named() {
    // Set for no test: `set_var` would be unsafe. The values are tested where they are read.
    let missing = "is not set in the environment, or empty, or not Unicode";
    let missing = |name: &str| format!("`{name}_CLIENT_ID` {missing}");
    refused(ClientCredentials::from_env(), &missing("OAUTH"));
    refused(Oleria::from_env(), &format!("Oleria: {}", missing("OLERIA")));
    refused(Apiera::from_env(), &format!("Apiera: {}", missing("APIERA")));
    refused(Fuuffy::from_env(), &format!("Fuuffy: {}", missing("FUUFFY")));
    refused(Ataccama::from_env(), &format!("Ataccama: {}", missing("ATACCAMA")));
}
