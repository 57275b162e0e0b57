//! Whole responses with malicious content.

use std::io::Write as _;

use oauth_core::{ClientAuth, ClientCredentials};

use crate::measured::{LONG, assert_typed, fetch, fetch_with};
use crate::peer::{answer, ok, peer_of, says};

/// As much as the cap lets pass.
const CAP: usize = 1024 * 1024;

/// The text of the error, which is permanent: another attempt gets the same response.
fn refused(bytes: impl Into<Vec<u8>>) -> String {
    let error = fetch(says(bytes), LONG).expect_err("an answer without a token");
    assert_typed(&error);
    assert!(!error.is_transient(), "{error:?}");
    error.to_string()
}

#[test]
fn a_hundred_thousand_challenges_are_an_error_whether_they_fit_or_not() {
    // One line that fits into the head, one that does not, and a line each.
    let fits = format!("www-authenticate: {}\r\n", "B,".repeat(100_000));
    let text = refused(answer("401 Unauthorized", &fits, r#"{"error":"invalid_client"}"#));
    assert!(text.contains("(401 invalid_client)"), "{text}");
    let challenge = "Bearer error=\"x\", ".repeat(100_000);
    for headers in [
        format!("www-authenticate: {challenge}\r\n"),
        "www-authenticate: Bearer\r\n".repeat(100_000),
    ] {
        let error = fetch(says(answer("401 Unauthorized", &headers, "")), LONG).unwrap_err();
        assert_typed(&error);
        assert!(error.is_transient() && !error.is_timeout(), "{error:?}");
    }
}

#[test]
fn deeply_nested_json_is_an_error_or_is_skipped() {
    let half = CAP / 2 - 64;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = half / open.len();
        let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth.min(half)));
        // Where a token belongs, in an error's place, in a member that no one knows, and cut short.
        let token = refused(ok(format!("{{\"access_token\":{nested}}}")));
        assert!(token.contains("`access_token` is not a token"), "{token}");
        refused(ok(format!("{{\"error\":{nested}}}")));
        let unknown = format!("{{\"x\":{nested},\"access_token\":\"abc\"}}");
        let token = fetch(says(ok(unknown)), LONG).unwrap();
        assert_eq!(token.expose_secret(), "abc");
        let cut = refused(ok(format!("{{\"x\":{}", open.repeat(depth))));
        assert!(cut.contains("ends too early"), "{cut}");
    }
}

#[test]
fn duplicate_members_are_refused_whichever_comes_first() {
    for body in [
        r#"{"access_token":"a","access_token":"b"}"#,
        r#"{"access_token":"a","expires_in":1,"expires_in":2}"#,
        r#"{"access_token":"a","acce\u0073s_token":"b"}"#,
    ] {
        let text = refused(ok(body));
        assert!(text.contains("has a member twice"), "{text}");
    }
    // A name that no one knows may come as often as it likes.
    let many = format!("{{{}\"access_token\":\"abc\"}}", "\"x\":1,".repeat(100_000));
    fetch(says(ok(many)), LONG).unwrap();
}

#[test]
fn numbers_beyond_any_type_do_not_overflow() {
    for number in ["1e999", "-1e999", "1e-999", "1E+99999999999999999999"] {
        let body = format!("{{\"access_token\":\"abc\",\"expires_in\":{number},\"x\":{number}}}");
        assert_eq!(fetch(says(ok(body)), LONG).unwrap().expose_secret(), "abc");
    }
    let digits = format!("{{\"access_token\":\"abc\",\"expires_in\":{}}}", "9".repeat(CAP - 64));
    assert_eq!(fetch(says(ok(digits)), LONG).unwrap().expose_secret(), "abc");
    let number = refused(ok(r#"{"access_token":1e999}"#));
    assert!(number.contains("`access_token` is not a token"), "{number}");
}

#[test]
fn invalid_utf8_is_malformed() {
    for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80"] {
        let body = [b"{\"access_token\":\"", bytes, b"\"}"].concat();
        let text = refused(ok(body));
        assert!(text.contains("is malformed"), "{bytes:?}: {text}");
        let name = [b"{\"", bytes, b"\":1,\"access_token\":\"abc\"}"].concat();
        refused(ok(name));
    }
}

#[test]
fn lone_surrogates_are_not_a_token_and_no_text() {
    for escape in [r"\ud800", r"\udfff", r"\ud800\ud800", r"\udc00\ud800", r"\ud83d"] {
        let text = refused(ok(format!("{{\"access_token\":\"a{escape}\"}}")));
        assert!(text.contains("`access_token` is not a token"), "{escape}: {text}");
        let body = format!("{{\"error\":\"{escape}\",\"error_description\":\"{escape}\"}}");
        refused(answer("400 Bad Request", "", body));
    }
}

#[test]
fn tokens_that_fit_into_no_header_are_refused_with_the_reason() {
    for (token, reason) in [
        (r"a\r\nx: y", "not visible ASCII"),
        (r"a\u0000", "not visible ASCII"),
        (r"a\n", "not visible ASCII"),
        ("a b", "not visible ASCII"),
        ("кл\u{44e}ч", "not visible ASCII"),
        (r"\ud83d\ude00", "not visible ASCII"),
        (r"\u007f", "not visible ASCII"),
    ] {
        let text = refused(ok(format!("{{\"access_token\":\"{token}\"}}")));
        assert!(text.contains(reason), "{token}: {text}");
    }
    // With its braces it is over the cap at 1 MiB, and under it over what a header may be.
    let text = refused(ok(format!("{{\"access_token\":\"{}\"}}", "a".repeat(CAP - 32))));
    assert!(text.contains("is longer than 64 KiB"), "{text}");
    let text = refused(ok(format!("{{\"access_token\":\"{}\"}}", "a".repeat(CAP))));
    assert!(text.contains("larger than 1048576 bytes"), "{text}");
}

#[test]
fn a_200_with_an_error_is_a_refusal() {
    let text = refused(ok(r#"{"error":"invalid_client","access_token":"abc","expires_in":60}"#));
    assert!(text.contains("(200 invalid_client)"), "{text}");
}

#[test]
fn a_login_page_is_an_error_that_shows_nothing_of_it() {
    let page = format!("<!doctype html><title>Sign in</title>{}", "<p>x</p>".repeat(10_000));
    let text = refused(answer("200 OK", "content-type: text/html\r\n", page));
    assert!(
        text.contains("is not a JSON object (content type `text/html`, 80037 bytes)"),
        "{text}"
    );
    assert!(!text.contains("Sign in"), "{text}");
}

#[test]
fn texts_as_long_as_the_cap_lets_pass_are_cut_in_bounded_memory() {
    // Each character of it is one that masking makes ten times as long: the client's secret.
    let client = ClientAuth::secret("i", "aa");
    let long = "a".repeat(CAP - 256);
    let half = "b ".repeat(CAP / 4 - 256);
    for body in [
        format!("{{\"error\":\"x\",\"error_description\":\"{long}\"}}"),
        format!("{{\"error\":\"{long}\"}}"),
        format!("{{\"error\":\"x\",\"error_description\":\"{half}\",\"error_uri\":\"{half}\"}}"),
        format!("{{\"error\":{{\"code\":\"{half}\",\"message\":\"{half}\"}}}}"),
        format!("{{\"access_token\":\"t\",\"token_type\":\"{long}\"}}"),
        format!("{{\"access_token\":\"t\",\"scope\":[{}1]}}", "\"a\",".repeat(CAP / 4 - 256)),
    ] {
        let sent = answer("200 OK", "", body);
        let address = peer_of("aa", move |mut stream, _| {
            let _ = stream.write_all(&sent);
        });
        let grant = ClientCredentials::builder(client.clone())
            .token_url(format!("http://{address}/t"))
            .build()
            .unwrap();
        match fetch_with(grant, LONG) {
            Ok(token) => assert_eq!(token.expose_secret(), "t"),
            Err(error) => assert_typed(&error),
        }
    }
}
