//! Every way to ask wrongly, and each provider's response to it, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Answer, FORM, JSON, encode, good_fields, headers, send, token_path};
use oauth_testkit::{AuthServer, Dialect};

const LIMIT: usize = 64 * 1024;

/// A token request in order but for what a test changes in it.
struct Ask {
    start: String,
    headers: Vec<String>,
    fields: Vec<(String, String)>,
    /// Bytes that follow the fields.
    tail: Vec<u8>,
}

impl Ask {
    fn in_order(auth: &AuthServer) -> Self {
        Self {
            start: format!("POST {}", token_path(auth)),
            headers: headers(auth.dialect()).into_iter().map(str::to_owned).collect(),
            fields: good_fields(auth),
            tail: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.iter_mut().filter(|(known, _)| known == name).for_each(|field| {
            field.1 = value.to_owned();
        });
    }

    /// Blanks may follow a JSON text, and nothing else; a form may end in separators.
    fn pad_to(&mut self, length: usize) {
        let is_json = self.headers[0] == JSON;
        let dialect = if is_json { Dialect::Apiera } else { Dialect::Oleria };
        let padding = length - encode(dialect, &self.fields).len();
        self.tail = vec![if is_json { b' ' } else { b'&' }; padding];
    }

    async fn send(self, auth: &AuthServer) -> Answer {
        let headers: Vec<&str> = self.headers.iter().map(|header| &**header).collect();
        let mut body = encode(auth.dialect(), &self.fields).into_bytes();
        body.extend(self.tail);
        send(auth.addr(), &self.start, &headers, body).await.unwrap()
    }
}

/// Asks once for each row, with a change by the row's name, and compares status and body.
async fn each_is_answered(dialect: Dialect, rows: &[(&str, u16, &str)]) {
    let auth = AuthServer::start(dialect).await.unwrap();
    for (what, status, body) in rows {
        let mut ask = Ask::in_order(&auth);
        match *what {
            "path" => "POST /nowhere".clone_into(&mut ask.start),
            "realm" => {
                ask.start = format!("POST {}", token_path(&auth).replace("testkit", "other"));
            }
            "method" => ask.start = ask.start.replace("POST", "GET"),
            "content type" => "content-type: text/plain".clone_into(&mut ask.headers[0]),
            "accept" => "accept: text/html".clone_into(&mut ask.headers[1]),
            // By one byte, so that the server has read all of it before it responds.
            "too large" => ask.pad_to(LIMIT + 1),
            "malformed" => ask.tail = vec![0xff],
            "query" => ask.start.push_str("?grant_type=client_credentials"),
            "duplicate" => ask.fields.push(("client_id".to_owned(), "again".to_owned())),
            "missing" => ask.fields.retain(|(name, _)| name != "client_id"),
            "order" => ask.fields.swap(0, 1),
            "scheme" => ask.headers.push("authorization: Bearer x".to_owned()),
            "grant" => ask.set("grant_type", "password"),
            "client" => ask.set("client_secret", "other"),
            name => ask.set(name, "other"),
        }
        let answer = ask.send(&auth).await;
        assert_eq!((answer.status, &*answer.body), (*status, *body), "{dialect} {what}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("allow"), (*what == "method").then_some("POST"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let strays = rows.iter().filter(|row| row.0 == "path").count() as u64;
    assert_eq!(auth.stray_requests(), strays);
    assert_eq!(auth.token_requests(), rows.len() as u64 - strays);
    assert_eq!(auth.tokens_issued(), 0);
    assert_eq!(Ask::in_order(&auth).send(&auth).await.status, 200, "{dialect}");
}

#[tokio::test]
async fn oleria_says_invalid_request_to_most_of_it() {
    const INVALID: &str = r#"{"error":"invalid_request"}"#;
    let not_allowed = r#"{"message":"Method Not Allowed"}"#;
    each_is_answered(
        Dialect::Oleria,
        &[
            ("path", 404, r#"{"message":"Not Found"}"#),
            ("method", 405, not_allowed),
            ("content type", 405, not_allowed),
            ("too large", 400, INVALID),
            ("malformed", 400, INVALID),
            ("query", 400, INVALID),
            ("duplicate", 400, INVALID),
            ("missing", 400, INVALID),
            ("order", 400, INVALID),
            ("scheme", 400, INVALID),
            ("grant", 400, INVALID),
            ("client", 401, r#"{"error":"invalid_client"}"#),
            ("scope", 400, INVALID),
        ],
    )
    .await;
}

#[tokio::test]
async fn apiera_describes_each() {
    let rows = [
        ("path", 404, "not_found", "Not found"),
        ("method", 405, "method_not_allowed", "Method not allowed"),
        ("content type", 415, "invalid_request", "Unsupported content type"),
        ("too large", 413, "invalid_request", "The body is too large"),
        ("malformed", 400, "invalid_request", "The body cannot be read"),
        ("query", 400, "invalid_request", "Parameters belong in the body"),
        ("duplicate", 400, "invalid_request", "Parameter sent twice: client_id"),
        ("missing", 400, "invalid_request", "Missing parameter: client_id"),
        ("order", 400, "invalid_request", "Parameters are not in the documented order"),
        ("scheme", 400, "invalid_request", "Use one client authentication method"),
        ("grant", 400, "unsupported_grant_type", "Unsupported grant_type"),
        ("client", 401, "access_denied", "Unauthorized"),
        ("organization", 400, "invalid_request", "Invalid organization"),
        ("audience", 403, "access_denied", r#"Client is not authorized to access \"other\"."#),
    ];
    let rows = rows.map(|(what, status, error, description)| {
        (what, status, format!(r#"{{"error":"{error}","error_description":"{description}"}}"#))
    });
    let rows: Vec<_> = rows.iter().map(|(what, status, body)| (*what, *status, &**body)).collect();
    each_is_answered(Dialect::Apiera, &rows).await;
}

#[tokio::test]
async fn fuuffy_has_a_number_for_each() {
    const INVALID: &str = r#"{"error":{"code":"400013","code_reason":"invalid_request","message":"Missing or invalid parameters"}}"#;
    let client = r#"{"code":"401021","code_reason":"invalid_client","message":"Invalid client_id, client_secret, or session_key"}"#;
    let method =
        r#"{"code":"405000","code_reason":"method_not_allowed","message":"Method not allowed"}"#;
    each_is_answered(
        Dialect::Fuuffy,
        &[
            ("path", 404, r#"{"code":"404000","code_reason":"not_found","message":"Not found"}"#),
            ("method", 405, method),
            ("content type", 400, INVALID),
            ("accept", 400, INVALID),
            ("too large", 400, INVALID),
            ("malformed", 400, INVALID),
            ("query", 400, INVALID),
            ("duplicate", 400, INVALID),
            ("missing", 400, INVALID),
            ("order", 400, INVALID),
            ("scheme", 400, INVALID),
            ("grant", 400, INVALID),
            ("client", 401, client),
        ],
    )
    .await;
}

#[tokio::test]
async fn ataccama_responds_as_keycloak() {
    let plain = [
        ("path", 404, "HTTP 404 Not Found"),
        ("realm", 404, "Realm does not exist"),
        ("method", 405, "HTTP 405 Method Not Allowed"),
        ("content type", 415, "HTTP 415 Unsupported Media Type"),
        ("too large", 413, "HTTP 413 Request Entity Too Large"),
    ];
    let described = [
        ("malformed", 400, "invalid_request", "The body cannot be read"),
        ("query", 400, "invalid_request", "Parameters belong in the body"),
        ("duplicate", 400, "invalid_request", "duplicated parameter"),
        ("missing", 400, "invalid_request", "Missing form parameter: client_id"),
        ("order", 400, "invalid_request", "Parameters are not in the documented order"),
        ("scheme", 400, "invalid_request", "Use one client authentication method"),
        ("grant", 400, "unsupported_grant_type", "Unsupported grant_type"),
        ("client", 401, "unauthorized_client", "Invalid client or Invalid client credentials"),
    ];
    let plain =
        plain.map(|(what, status, error)| (what, status, format!(r#"{{"error":"{error}"}}"#)));
    let described = described.map(|(what, status, error, description)| {
        (what, status, format!(r#"{{"error":"{error}","error_description":"{description}"}}"#))
    });
    let rows: Vec<_> = plain
        .iter()
        .chain(&described)
        .map(|(what, status, body)| (*what, *status, &**body))
        .collect();
    each_is_answered(Dialect::Ataccama, &rows).await;
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_not() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        for (length, is_read) in [(LIMIT, true), (LIMIT + 1, false)] {
            let mut ask = Ask::in_order(&auth);
            ask.pad_to(length);
            let answer = ask.send(&auth).await;
            assert_eq!(answer.status == 200, is_read, "{dialect} {length}");
            let kept = if is_read { length } else { 0 };
            assert_eq!(auth.last_token_request().unwrap().body().len(), kept);
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (2, 1));
    }
}

#[tokio::test]
async fn a_content_type_may_differ_in_case_and_has_to_be_there_once() {
    for dialect in Dialect::ALL {
        let auth = AuthServer::start(dialect).await.unwrap();
        let (own, other) = if dialect == Dialect::Apiera { (JSON, FORM) } else { (FORM, JSON) };
        let refused = match dialect {
            Dialect::Oleria => 405,
            Dialect::Fuuffy => 400,
            Dialect::Apiera | Dialect::Ataccama => 415,
        };
        for (types, status) in [
            (vec![own.to_uppercase()], 200),
            (vec![], refused),
            (vec![other.to_owned()], refused),
            (vec![own.to_owned(), other.to_owned()], refused),
            (vec![own.to_owned(), own.to_owned()], refused),
            (vec![format!("{own}; charset=utf-8")], refused),
        ] {
            let mut ask = Ask::in_order(&auth);
            ask.headers.splice(..1, types.clone());
            assert_eq!(ask.send(&auth).await.status, status, "{dialect} {types:?}");
        }
        assert_eq!((auth.token_requests(), auth.tokens_issued()), (6, 1));
    }
}
