//! HTTP Basic at the token endpoint, and that the client authenticates itself once and in one way.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{encode, good_fields, headers, send, token_path};
use oauth_testkit::{AuthServer, Dialect};

/// The fields without the client's, except for those that are named.
fn fields_with(auth: &AuthServer, in_body: &[&str]) -> Vec<(String, String)> {
    let mut fields = good_fields(auth);
    fields.retain(|(name, _)| !name.starts_with("client_") || in_body.contains(&&**name));
    fields
}

fn basic(id: &str, secret: &str) -> String {
    format!("authorization: Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The header that a client in order sends.
fn good_basic(auth: &AuthServer) -> String {
    basic(&auth.client_id(), &escaped(&auth.client_secret()))
}

async fn ask_with_headers(
    auth: &AuthServer,
    extra: &[&str],
    fields: &[(String, String)],
) -> common::Answer {
    let mut all = headers(auth.dialect());
    all.extend(extra);
    let start = format!("POST {}", token_path(auth));
    send(auth.addr(), &start, &all, &encode(auth.dialect(), fields)).await.unwrap()
}

async fn ask_basic(auth: &AuthServer, id: &str, secret: &str, in_body: &[&str]) -> common::Answer {
    ask_with_headers(auth, &[&basic(id, secret)], &fields_with(auth, in_body)).await
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn form_encoded_basic_is_taken_in_place_of_the_secret_in_the_body() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let (id, secret) = (auth.client_id(), escaped(&auth.client_secret()));
        assert_eq!(ask_basic(&auth, &id, &secret, &[]).await.status, 200, "{dialect}");
        assert_eq!(ask_basic(&auth, &id, &secret, &["client_id"]).await.status, 200, "{dialect}");
    }
}

#[tokio::test]
async fn basic_that_was_not_form_encoded_is_refused_by_default() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let (id, secret) = (auth.client_id(), auth.client_secret());
        let answer = ask_basic(&auth, &id, &secret, &[]).await;
        assert_eq!(answer.status, 401, "{dialect}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
        auth.raw_basic(true);
        assert_eq!(ask_basic(&auth, &id, &secret, &[]).await.status, 200, "{dialect}");
    }
}

// RFC 6749 §2.3
#[tokio::test]
async fn basic_and_a_secret_in_the_body_at_once_get_400() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let (id, secret) = (auth.client_id(), escaped(&auth.client_secret()));
        for in_body in [&["client_id", "client_secret"][..], &["client_secret"]] {
            let answer = ask_basic(&auth, &id, &secret, in_body).await;
            assert_eq!(answer.status, 400, "{dialect} {in_body:?}");
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (2, 0));
    }
}

// RFC 6749 §2.3
#[tokio::test]
async fn a_second_authorization_header_gets_400_whatever_it_holds() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let good = good_basic(&auth);
        let wrong = basic("other", "other");
        let fields = fields_with(&auth, &[]);
        let others = [&*good, &*wrong, "authorization: Bearer x", "authorization:"];
        for other in others {
            for both in [[&*good, other], [other, &*good]] {
                let answer = ask_with_headers(&auth, &both, &fields).await;
                assert_eq!(answer.status, 400, "{dialect} {both:?}");
                assert_eq!(answer.header("www-authenticate"), None);
            }
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (8, 0));
        assert_eq!(ask_with_headers(&auth, &[&good], &fields).await.status, 200, "{dialect}");
    }
}

#[tokio::test]
async fn an_id_in_the_body_that_is_not_basics_gets_400() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let old_id = auth.client_id();
        // Both clients are good, and still are two.
        auth.add_client();
        for other in [&*old_id, "other", &format!("{} ", auth.client_id())] {
            let mut fields = fields_with(&auth, &["client_id"]);
            fields.iter_mut().filter(|(name, _)| name == "client_id").for_each(|field| {
                field.1 = other.to_owned();
            });
            let answer = ask_with_headers(&auth, &[&good_basic(&auth)], &fields).await;
            assert_eq!(answer.status, 400, "{dialect} {other}");
            assert_eq!(answer.header("www-authenticate"), None);
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (3, 0));
    }
}

#[tokio::test]
async fn an_authorization_that_is_not_basic_gets_400_beside_good_fields_too() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let encoded = good_basic(&auth).rsplit(' ').next().unwrap().to_owned();
        for value in
            ["", "Basic", "Bearer x", "\u{fc}", &encoded, &format!("Basi {encoded}"), "Digest a:b"]
        {
            let authorization = format!("authorization: {value}");
            for fields in [good_fields(&auth), fields_with(&auth, &[])] {
                let answer = ask_with_headers(&auth, &[&authorization], &fields).await;
                assert_eq!(answer.status, 400, "{dialect} {value:?}");
                assert_eq!(answer.header("www-authenticate"), None);
            }
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (14, 0));
    }
}

#[tokio::test]
async fn basic_that_cannot_be_read_gets_401_and_a_challenge() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let good = good_basic(&auth);
        let encoded = good.rsplit(' ').next().unwrap();
        for credentials in [
            // Not base64: foreign letters, a blank inside, a part of it, two in a list.
            "%%%",
            &format!("{} {}", &encoded[..8], &encoded[8..]),
            &encoded[..5],
            &format!("{encoded},Basic {encoded}"),
            // Not UTF-8, then without a colon.
            &STANDARD.encode(b"\xff:\xfe"),
            &STANDARD.encode(auth.client_id()),
        ] {
            let authorization = format!("authorization: Basic {credentials}");
            let fields = fields_with(&auth, &[]);
            let answer = ask_with_headers(&auth, &[&authorization], &fields).await;
            assert_eq!(answer.status, 401, "{dialect} {credentials}");
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"token\""));
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (6, 0));
    }
}

#[tokio::test]
async fn an_empty_or_wrong_id_or_secret_in_basic_gets_401() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let (id, secret) = (auth.client_id(), escaped(&auth.client_secret()));
        for (id, secret) in
            [(&*id, ""), ("", &*secret), ("", ""), (&*id, "other"), ("other", &*secret)]
        {
            let answer = ask_basic(&auth, id, secret, &[]).await;
            assert_eq!(answer.status, 401, "{dialect} {id:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"token\""));
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (5, 0));
    }
}

// RFC 6749 §5.2
#[tokio::test]
async fn a_wrong_secret_in_the_body_gets_401_without_a_challenge_for_basic() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let answer = common::ask_but(&auth, "client_secret", Some("other")).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, None), "{dialect}");
    }
}

// RFC 9110 §11.1, RFC 7617 §2
#[tokio::test]
async fn the_scheme_of_basic_has_no_case_and_may_stand_apart() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let encoded = good_basic(&auth).rsplit(' ').next().unwrap().to_owned();
        for scheme in ["bASIC ", "Basic   "] {
            let authorization = format!("authorization: {scheme}{encoded}");
            let fields = fields_with(&auth, &[]);
            let answer = ask_with_headers(&auth, &[&authorization], &fields).await;
            assert_eq!(answer.status, 200, "{dialect} {scheme}");
        }
    }
}

// RFC 6749 §3.2
#[tokio::test]
async fn an_id_or_secret_in_the_body_that_is_empty_or_doubled_gets_400_beside_basic_too() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        for name in ["client_id", "client_secret"] {
            let mut empty = fields_with(&auth, &[name]);
            empty.iter_mut().filter(|(known, _)| known == name).for_each(|field| field.1.clear());
            let mut doubled = fields_with(&auth, &[name]);
            doubled.extend(good_fields(&auth).into_iter().filter(|(known, _)| known == name));
            for fields in [empty, doubled] {
                let answer = ask_with_headers(&auth, &[&good_basic(&auth)], &fields).await;
                assert_eq!(answer.status, 400, "{dialect} {name}");
            }
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (4, 0));
    }
}

#[tokio::test]
async fn basic_replaces_the_client_in_the_body_and_nothing_else() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let mut left_out = 0;
        for name in dialect.fields().iter().filter(|name| !name.starts_with("client_")) {
            let mut fields = fields_with(&auth, &[]);
            fields.retain(|(known, _)| known != name);
            let status = ask_with_headers(&auth, &[&good_basic(&auth)], &fields).await.status;
            // Fuuffy's grant_type is the one that may be left out.
            assert_eq!(
                status,
                if dialect == Dialect::Fuuffy { 200 } else { 400 },
                "{dialect} {name}"
            );
            left_out += 1;
        }
        assert_eq!(auth.token_requests(), left_out);
    }
}
