//! Ordinary texts stay what they are, whatever the secret.

use bytes::Bytes;
use http::{Response, StatusCode};
use oauth_core::ClientAuth;
use oauth_core::grant::{Grant, TokenRequest};

use crate::places::grant;

const TEXTS: [&str; 9] = [
    "Invalid client or Invalid client credentials",
    "The client 'billing-service' is unknown in realm 'acme'",
    "AADSTS7000215: Invalid client secret provided. Trace ID: 2024-11-05 10:32:11Z",
    "100% of the quota (10,000 requests/day) is used; see https://example.com/a?b=c&d=%7B1%7D",
    "client_secret must not be empty: \"password\" is no grant",
    "Клиент не найден: проверьте секрет",
    "Der Schlüssel »abc« ist abgelaufen",
    "----------------------------------------",
    "C:\\inetpub\\wwwroot\\token.aspx failed &amp; was stopped",
];

#[test]
fn ordinary_descriptions_are_shown_as_they_are() {
    for secret in [
        "k7Qw/eRt+yUi/pAs9dFg/hJk",
        "0123456789abcdef0123456789abcdef",
        "6f1c2a52-6a1f-4bb2-9d2f-7f5f6a9c1e11",
        "correct-horse-battery-staple-for-the-password-of-nobody",
        "--------------------------------!",
        "1111111111111111",
        "!\"#$%&'()*+,-./:;<=>?@",
        "ключ-от-всех-замков-и-дверей",
        "pw-1!",
    ] {
        let client = ClientAuth::secret("billing-service", secret);
        let grant = grant(client.clone());
        for text in TEXTS {
            let quoted = serde_json::to_string(text).unwrap();
            let body = format!(r#"{{"error":"invalid_request","error_description":{quoted}}}"#);
            let mut answer = Response::new(Bytes::from(body));
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            let error = grant
                .response(&TokenRequest::new(&grant, client.clone()), &answer)
                .unwrap_err()
                .to_string();
            assert!(error.contains(&format!("(400 invalid_request: {text})")), "{secret}: {error}");
        }
    }
}

#[test]
fn a_short_secret_is_masked_where_it_stands_and_the_rest_is_kept() {
    let client = ClientAuth::secret("billing", "pw/1");
    let mut answer =
        Response::new(Bytes::from(r#"{"error":"x","error_description":"bad pw/1, or pw%2F1"}"#));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let grant = grant(client.clone());
    let request = TokenRequest::new(&grant, client);
    let error = grant.response(&request, &answer).unwrap_err().to_string();
    assert!(error.contains("(400 x: bad [redacted], or [redacted])"), "{error}");
}
