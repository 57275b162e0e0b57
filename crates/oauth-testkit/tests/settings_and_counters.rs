//! What an authorization server is told, what it tells, and what it counts.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::{ask, ask_but, bearer, send};
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};

const OLERIAS_SCOPE: &str = "ClientCredentialsResourceServer/client_credentials_base_scope";

#[test]
fn a_dialect_names_its_contract() {
    let form = "application/x-www-form-urlencoded";
    let three = vec!["grant_type", "client_id", "client_secret"];
    let oleria = vec!["grant_type", "client_id", "client_secret", "scope"];
    let apiera = vec!["client_id", "client_secret", "audience", "grant_type", "organization"];
    let expected = [
        (Dialect::Oleria, "oleria", 3600, oleria, form),
        (Dialect::Apiera, "apiera", 86_400, apiera, "application/json"),
        (Dialect::Fuuffy, "fuuffy", 3600, three.clone(), form),
        (Dialect::Ataccama, "ataccama", 300, three, form),
    ];
    assert_eq!(Dialect::ALL, expected.each_ref().map(|row| row.0));
    for (dialect, name, seconds, fields, content_type) in expected {
        assert_eq!((dialect.name(), &*format!("{dialect:>9}")), (name, &*format!("{name:>9}")));
        assert_eq!(dialect.default_lifetime(), Duration::from_secs(seconds));
        assert_eq!((dialect.fields(), dialect.content_type()), (&*fields, content_type));
    }
}

#[tokio::test]
async fn each_server_has_its_urls_and_defaults() {
    for (dialect, base, token, scope) in [
        (Dialect::Oleria, "", "/oauth2/token", OLERIAS_SCOPE),
        (Dialect::Apiera, "", "/oauth/token", ""),
        (Dialect::Fuuffy, "/v1", "/auth/token", ""),
        (
            Dialect::Ataccama,
            "",
            "/auth/realms/testkit/protocol/openid-connect/token",
            "profile email",
        ),
    ] {
        let auth = AuthServer::start(dialect).await.unwrap();
        assert!(auth.addr().ip().is_loopback() && auth.addr().port() > 0);
        assert_eq!(auth.base_url(), format!("http://{}{base}", auth.addr()));
        assert_eq!(auth.token_url(), format!("http://{}{base}{token}", auth.addr()));
        assert_eq!(
            (auth.dialect(), auth.realm(), auth.scope()),
            (dialect, "testkit".into(), scope.into())
        );
        assert_eq!(auth.audience(), "https://api.apiera.io");

        let api = ProtectedApi::start(&auth).await.unwrap();
        assert_eq!(api.dialect(), Some(dialect));
        assert_eq!(api.base_url(), format!("http://{}", api.addr()));
        assert_ne!(api.addr(), auth.addr());
        for path in ["/a/b?c", "a/b?c"] {
            assert_eq!(api.url(path), format!("http://{}/a/b?c", api.addr()));
        }
        assert_eq!(api.url(""), format!("http://{}/", api.addr()));
    }
}

#[tokio::test]
async fn each_server_has_credentials_and_an_organization_of_its_own() {
    let is_alphanumeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut seen = HashSet::new();
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let (id, secret, organization) =
            (auth.client_id(), auth.client_secret(), auth.organization());
        assert!(id.len() == 26 && is_alphanumeric(&id), "{id}");
        let name = organization.strip_prefix("org_").unwrap();
        assert!(name.len() == 16 && is_alphanumeric(name), "{name}");
        // What form and Basic encoding have to escape, with letters and digits around each.
        let blank = |c: char| if c.is_ascii_alphanumeric() { 'x' } else { c };
        let shape: String = secret.chars().map(blank).collect();
        assert_eq!(shape, "xxxxxxxxxxxx+xxx/xxx=xxx%xxxxx&xxx:xxx%xxx");
        assert!(secret.contains("%2B"), "{secret}");
        for value in [id, secret, organization, auth.rotate_secret(), auth.add_client().0] {
            assert!(seen.insert(value));
        }
    }
    assert_eq!(seen.len(), 20);
}

#[tokio::test]
async fn tokens_look_as_their_providers_do_and_are_never_the_same() {
    let mut seen = HashSet::new();
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        for token in [auth.issue(), auth.issue(), ask(&auth).await.member("access_token")] {
            if dialect == Dialect::Fuuffy {
                let digits = token.strip_prefix("sk-").unwrap();
                assert!(digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
            } else {
                let parts: Vec<&str> = token.split('.').collect();
                assert_eq!(parts[0], "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9");
                // A claim of 42 bytes, a signature of 64.
                assert_eq!((parts.len(), parts[1].len(), parts[2].len()), (3, 56, 86), "{token}");
            }
            assert!(seen.insert(token));
        }
    }
    assert_eq!(seen.len(), 12);
}

#[tokio::test]
async fn a_token_is_accepted_while_it_lives() {
    let auth = AuthServer::start(Dialect::Apiera).await.unwrap();
    let (first, second) = (auth.issue(), ask(&auth).await.member("access_token"));
    assert!(auth.accepts(&first) && auth.accepts(&second));
    assert!(!auth.accepts("") && !auth.accepts("other"));
    auth.revoke(&first);
    auth.revoke("other");
    assert!(!auth.accepts(&first) && auth.accepts(&second));
    auth.revoke_all();
    assert!(!auth.accepts(&second));
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_repeated_token_starts_anew() {
    let auth = AuthServer::start(Dialect::Ataccama).await.unwrap();
    auth.repeat_token(true);
    let token = auth.issue();
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(auth.issue(), token);
    tokio::time::advance(Duration::from_secs(299)).await;
    assert!(auth.accepts(&token));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!auth.accepts(&token));
    assert_eq!(auth.issue(), token);
    assert!(auth.accepts(&token));
}

#[tokio::test]
async fn a_scope_is_required_by_oleria_and_returned_by_ataccama() {
    let oleria = AuthServer::start(Dialect::Oleria).await.unwrap();
    oleria.set_scope("a b");
    assert_eq!(oleria.scope(), "a b");
    assert_eq!(ask(&oleria).await.status, 200);
    assert_eq!(ask_but(&oleria, "scope", Some(OLERIAS_SCOPE)).await.status, 400);

    let ataccama = AuthServer::start(Dialect::Ataccama).await.unwrap();
    ataccama.set_scope("a \"b\"");
    assert!(ask(&ataccama).await.body.ends_with(r#","scope":"a \"b\""}"#));
}

#[tokio::test]
async fn a_lifetime_is_sent_in_whole_seconds() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        for (lifetime, told) in [(Duration::from_millis(1999), 1), (Duration::ZERO, 0)] {
            auth.set_lifetime(lifetime);
            let answer = ask(&auth).await;
            let member = format!("\"expires_in\":{told}");
            assert_eq!(answer.body.matches(&member).count(), 1, "{dialect} {}", answer.body);
        }
        assert!(!auth.accepts(&auth.issue()));
    }
}

#[tokio::test]
async fn a_token_response_is_json_that_must_not_be_stored() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let normal = ask(&auth).await;
        auth.respond_with(|token| format!("[\"{token}\"]"));
        let own = ask(&auth).await;
        assert_eq!(own.body, format!("[\"{}\"]", own.body.trim_matches(['[', ']', '"'])));
        for answer in [normal, own] {
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some("application/json"))
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("pragma"), Some("no-cache"));
        }
        assert_eq!(auth.tokens_issued(), 2);
    }
}

#[tokio::test]
async fn a_body_of_the_tests_own_making_may_ask_the_server_itself() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let asked = auth.clone();
    auth.respond_with(move |token| {
        asked.set_scope(format!("after {}", asked.tokens_issued()));
        format!("{} {}", asked.accepts(token), asked.client_id())
    });
    assert_eq!(ask(&auth).await.body, format!("true {}", auth.client_id()));
    assert_eq!(auth.scope(), "after 1");
    auth.respond_normally();
}

#[tokio::test]
async fn every_request_counts_once_where_it_belongs_until_the_reset() {
    let auth = AuthServer::start(Dialect::Fuuffy).await.unwrap();
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (0, 0));
    assert_eq!((auth.stray_requests(), auth.connections()), (0, 0));
    assert!(auth.last_token_request().is_none());
    let token = ask(&auth).await.member("access_token");
    ask(&auth).await;
    ask_but(&auth, "client_secret", Some("other")).await;
    auth.inject(Fault::status(503));
    ask(&auth).await;
    for path in ["/", "/v1/auth"] {
        assert_eq!(send(auth.addr(), &format!("GET {path}"), &[], "").await.unwrap().status, 404);
    }
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (4, 2));
    assert_eq!((auth.stray_requests(), auth.connections()), (2, 6));
    assert_eq!(auth.token_request_log().len(), 4);
    assert_eq!(auth.last_token_request().unwrap().path(), "/v1/auth/token");

    let clone = auth.clone();
    clone.reset_counters();
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (0, 0));
    assert_eq!((auth.stray_requests(), auth.connections()), (0, 0));
    assert!(auth.last_token_request().is_none() && auth.token_request_log().is_empty());
    // Tokens stay what they are, and keep their numbers.
    let api = ProtectedApi::start(&auth).await.unwrap();
    for (token, number) in [(token, 1), (ask(&auth).await.member("access_token"), 3)] {
        let answer = send(api.addr(), "GET /", &[&bearer(&token)], "").await.unwrap();
        assert!(answer.body.ends_with(&format!("\"token_seq\":{number}}}")), "{}", answer.body);
    }
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (1, 1));
    assert_eq!((auth.stray_requests(), auth.connections()), (0, 1));
}

#[tokio::test]
async fn a_clearing_gives_a_token_request_that_hangs_its_response() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    auth.inject(Fault::hang());
    auth.inject(Fault::status(503).forever());
    let asking = tokio::spawn({
        let auth = auth.clone();
        async move { ask(&auth).await.status }
    });
    // Recorded in the step that meets the fault.
    while auth.last_token_request().is_none() {
        tokio::task::yield_now().await;
    }
    auth.clear_faults();
    assert_eq!(asking.await.unwrap(), 200);
    assert_eq!(ask(&auth).await.status, 200);
    assert_eq!((auth.token_requests(), auth.tokens_issued()), (2, 2));
}
