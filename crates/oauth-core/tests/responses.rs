//! Token responses and error responses in all the forms in which real token endpoints give them.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use oauth_core::grant::ClientCredentialsBuilder;
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{ClientAuth, ClientCredentials, Error, Fuuffy, Token};

const DEFAULT: Duration = Duration::from_secs(300);

fn builder() -> ClientCredentialsBuilder {
    ClientCredentials::builder(ClientAuth::secret("id", "the-secret"))
        .token_url("https://auth.example/t")
        .provider_name("P")
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        response.headers_mut().append(HeaderName::from_static(name), value);
    }
    response
}

fn read(
    status: u16,
    headers: &[(&'static str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<Token, Error> {
    let grant = builder().build().unwrap();
    grant.response(
        &TokenRequest::new(&grant, grant.client().current()),
        &answer(status, headers, body.as_ref()),
    )
}

fn ok(body: &str) -> Token {
    read(200, &[], body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn refused(body: impl AsRef<[u8]>) -> String {
    let error = read(200, &[], body.as_ref()).unwrap_err();
    assert!(!error.is_transient(), "{error}");
    error.to_string()
}

#[test]
fn expires_in_is_read_in_every_form() {
    // Item 34.
    let ten_years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    let seconds = Duration::from_secs;
    for (member, lifetime) in [
        (r#","expires_in":300"#, seconds(300)),
        (r#","expires_in":"3600""#, seconds(3600)),
        (r#","expires_in":59.5"#, Duration::from_millis(59_500)),
        (r#","expires_in":300.0"#, seconds(300)),
        (r#","expires_in":"300.0""#, seconds(300)),
        ("", DEFAULT),
        (r#","expires_in":null"#, DEFAULT),
        (r#","expires_in":"soon""#, DEFAULT),
        (r#","expires_in":[1]"#, DEFAULT),
        (r#","expires_in":0"#, Duration::ZERO),
        (r#","expires_in":"0""#, Duration::ZERO),
        (r#","expires_in":-1"#, Duration::ZERO),
        (r#","expires_in":-1e400"#, Duration::ZERO),
        (r#","expires_in":1000000000000000000"#, ten_years),
        (r#","expires_in":99999999999999999999999999999999"#, ten_years),
        (r#","expires_in":1e999"#, ten_years),
        (r#","expires_in":"1e999""#, ten_years),
        (r#","expires_in":60,"expires_on":0"#, seconds(60)),
    ] {
        let token = ok(&format!(r#"{{"access_token":"abc"{member}}}"#));
        assert_eq!(token.lifetime(), Some(lifetime), "{member}");
    }
}

/// 784111777 s after 1970: the time that the servers of these tests have.
const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

#[test]
fn expires_on_is_read_against_the_date_of_its_response_where_expires_in_is_missing() {
    let default = DEFAULT.as_secs();
    let ten_years = 10 * 365 * 24 * 60 * 60;
    let dateless: &[_] = &[];
    for (headers, member, life) in [
        (&[DATE][..], r#""expires_on":784112377"#, 600),
        (&[DATE], r#""expires_on":"784112377""#, 600),
        (&[DATE], r#""expires_on":784112377,"expires_in":60"#, 60),
        (&[DATE], r#""expires_on":784111776"#, 0),
        (&[DATE], r#""expires_on":0"#, 0),
        (&[DATE], r#""expires_on":"99999999999999""#, ten_years),
        (&[DATE], r#""expires_on":"soon""#, default),
        // Our own clock may be an hour off.
        (dateless, r#""expires_on":784112377"#, default),
        (dateless, r#""expires_on":99999999999999"#, default),
        (&[("date", "yesterday")], r#""expires_on":784112377"#, default),
        (&[("date", "784111777")], r#""expires_on":784112377"#, default),
    ] {
        let body = format!(r#"{{"access_token":"abc",{member}}}"#);
        let token = read(200, headers, &body).unwrap();
        assert_eq!(token.lifetime(), Some(Duration::from_secs(life)), "{headers:?} {member}");
    }
}

#[test]
fn the_default_lifetime_is_a_setting() {
    let grant = builder().default_lifetime(Duration::from_secs(42)).build().unwrap();
    let response = answer(200, &[], br#"{"access_token":"abc"}"#);
    let token =
        grant.response(&TokenRequest::new(&grant, grant.client().current()), &response).unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(42)));
}

#[test]
fn a_token_type_is_bearer_without_case_or_refused() {
    // RFC 6749 §5.1, §7.1.
    for member in
        ["", r#","token_type":null"#, r#","token_type":"bearer""#, r#","token_type":"BEARER""#]
    {
        let token = ok(&format!(r#"{{"access_token":"abc"{member}}}"#));
        assert_eq!(token.header_value(), "Bearer abc");
    }
    assert_eq!(
        refused(r#"{"access_token":"abc","token_type":"mac"}"#),
        "P: the token's type is not Bearer but `mac` (200)"
    );
    assert_eq!(
        refused(r#"{"access_token":"abc","token_type":["Bearer"]}"#),
        "P: the response's `token_type` is not a string (200)"
    );
}

#[test]
fn a_missing_token_type_is_refused_where_it_is_required() {
    let grant = builder().require_token_type().build().unwrap();
    let read = |body: &[u8]| {
        grant
            .response(&TokenRequest::new(&grant, grant.client().current()), &answer(200, &[], body))
    };
    let error = read(br#"{"access_token":"abc"}"#).unwrap_err();
    assert_eq!(error.to_string(), "P: the response has no `token_type` (200)");
    read(br#"{"access_token":"abc","token_type":"Bearer"}"#).unwrap();
}

#[test]
fn a_scope_is_a_string_or_an_array() {
    // RFC 6749 §3.3, §5.1; item 36.
    for (member, scope) in [
        (r#""scope":"a b""#, Some("a b")),
        (r#""scope":["a","b"]"#, Some("a b")),
        (r#""scope":"""#, None),
        (r#""scope":[]"#, None),
        (r#""scope":null"#, None),
        (r#""scope":7"#, None),
        (r#""other":1"#, None),
        (r#""scope":"echo the-secret""#, None),
        (r#""scope":["tokentoken"]"#, None),
    ] {
        let token = ok(&format!(r#"{{"access_token":"tokentoken",{member}}}"#));
        assert_eq!(token.scope(), scope, "{member}");
    }
}

#[test]
fn a_scope_longer_than_16_kib_is_not_kept() {
    for (length, kept) in [(16 * 1024, true), (16 * 1024 + 1, false)] {
        let scope = "read ".repeat(4_000)[..length - 1].to_owned() + "x";
        let token = ok(&format!(r#"{{"access_token":"tokentoken","scope":"{scope}"}}"#));
        assert_eq!(token.scope(), kept.then_some(&*scope), "{length}");
    }
}

#[test]
fn unknown_members_of_any_type_and_a_refresh_token_are_ignored() {
    // RFC 6749 §4.4.3, §5.1.
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for member in [
        r#""refresh_token":"r","refresh_expires_in":0"#.to_owned(),
        r#""x":{"access_token":"no"},"not-before-policy":0,"y":1e999"#.to_owned(),
        r#""x":1,"x":2"#.to_owned(),
        format!(r#""x":{deep}"#),
    ] {
        assert_eq!(ok(&format!(r#"{{{member},"access_token":"abc"}}"#)).expose_secret(), "abc");
    }
}

#[test]
fn nesting_without_end_is_an_error_and_no_overflow() {
    let body = format!(r#"{{"access_token":"abc","x":{}"#, "[".repeat(500_000));
    assert!(refused(body).starts_with("P: the response's JSON "));
}

#[test]
fn a_byte_order_mark_and_any_content_type_are_taken() {
    // Item 38.
    let body = b"\xEF\xBB\xBF \r\n{\"access_token\":\"a\\/b\\u002Dc\"}\n";
    for content_type in [
        None,
        Some("application/json;charset=UTF-8"),
        Some("text/plain"),
        Some("text/html"),
        Some("\u{fc}"),
    ] {
        let headers: Vec<_> = content_type.iter().map(|value| ("content-type", *value)).collect();
        assert_eq!(read(200, &headers, body).unwrap().expose_secret(), "a/b-c");
    }
}

#[test]
fn a_response_without_a_usable_token_is_an_error() {
    // Item 37.
    for (body, text) in [
        ("", "the response is empty (200)"),
        (" \r\n", "the response is empty (200)"),
        ("\u{feff}", "the response is empty (200)"),
        ("{}", "the response has no `access_token` (200)"),
        (r#"{"access_token":null}"#, "the response has no `access_token` (200)"),
        (r#"{"access_token":""}"#, "the response's `access_token` is not a token (200)"),
        (r#"{"access_token":"null"}"#, "the response's `access_token` is not a token (200)"),
        (r#"{"access_token":7}"#, "the response's `access_token` is not a token (200)"),
        (r#"{"access_token":{"a":1}}"#, "the response's `access_token` is not a token (200)"),
        (r#"{"access_token":"\ud800"}"#, "the response's `access_token` is not a token (200)"),
        (
            r#"{"access_token":"a\r\nx: y"}"#,
            "the access token has a character that is not visible ASCII (200)",
        ),
        (
            "<html>the-secret</html>",
            "the response is not a JSON object (no content type, 23 bytes) (200)",
        ),
        (
            r#"["abc","Bearer",300]"#,
            "the response is not a JSON object (no content type, 20 bytes) (200)",
        ),
        ("null", "the response is not a JSON object (no content type, 4 bytes) (200)"),
        ("access_token=abc", "the response is not a JSON object (no content type, 16 bytes) (200)"),
    ] {
        assert_eq!(refused(body), format!("P: {text}"));
    }
    let error = read(200, &[("content-type", "text/html; charset=x")], "<html>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "P: the response is not a JSON object (content type `text/html; charset=x`, 6 bytes) (200)"
    );
}

#[test]
fn broken_json_is_reported_by_place_and_never_quoted() {
    for (body, problem) in [
        (r#"{"access_token":"abc"#, "ends too early (line 1, column 20)"),
        ("{\n\"access_token\": the-secret}", "is malformed (line 2, column 18)"),
        (r#"{"access_token":"abc"} x"#, "is malformed (line 1, column 24)"),
    ] {
        assert_eq!(refused(body), format!("P: the response's JSON {problem} (200)"));
    }
    assert!(refused(b"{\"access_token\":\"\xFF\"}").contains("is malformed"));
}

#[test]
fn known_members_that_come_twice_are_refused() {
    // Item 41.
    for body in [
        r#"{"access_token":"a","access_token":"a"}"#,
        r#"{"access_token":"a","access\u005ftoken":"b"}"#,
        r#"{"access_token":"a","expires_in":1,"expires_in":1}"#,
        r#"{"access_token":"a","token_type":"Bearer","token_type":"Bearer"}"#,
        r#"{"access_token":"a","scope":"a","scope":null}"#,
    ] {
        assert!(refused(body).starts_with("P: the response's JSON has a member twice"), "{body}");
    }
}

#[test]
fn an_error_member_makes_an_error_of_a_200() {
    // Item 37.
    let error =
        read(200, &[], r#"{"access_token":"a","error":"invalid_scope","error_description":"no"}"#)
            .unwrap_err();
    assert_eq!(error.code(), Some("invalid_scope"));
    assert_eq!(
        error.to_string(),
        "P: the token endpoint rejected the request (200 invalid_scope: no); \
         hint: the scope is unknown or not granted to this client"
    );
}

#[test]
fn an_error_member_that_says_nothing_is_none() {
    for nothing in ["null", "\"\"", "false", "0", "{}", "[]", "{ }", "[\r\n]"] {
        let body = format!(r#"{{"access_token":"a","error": {nothing} }}"#);
        assert_eq!(ok(&body).expose_secret(), "a");
    }
    for something in ["\" \"", "true", "1", "[[]]", r#"["x"]"#, r#"{"code":7}"#] {
        let text = refused(format!(r#"{{"access_token":"a","error":{something}}}"#));
        assert!(text.starts_with("P: the token endpoint rejected the request (200"), "{text}");
    }
}

#[test]
fn codes_and_descriptions_of_any_shape_survive_as_text() {
    // RFC 6749 §5.2.
    for (body, code, text) in [
        (r#"{"error":"made_up"}"#, Some("made_up"), "(400 made_up)"),
        (r#"{"error":"a","error_description":"b"}"#, Some("a"), "(400 a: b)"),
        (
            r#"{"error":"a","error_description":"b","error_uri":"https://e.example/a"}"#,
            Some("a"),
            "(400 a: b; see https://e.example/a)",
        ),
        (r#"{"error":"a","message":"b"}"#, Some("a"), "(400 a: b)"),
        (r#"{"error":{"code":7,"message":"b"}}"#, Some("7"), "(400 7: b)"),
        (r#"{"code":"7","message":"b"}"#, Some("7"), "(400 7: b)"),
        (
            r#"{"error":"a\r\n\u001b[31m"}"#,
            Some(r"a\u{d}\u{a}\u{1b}[31m"),
            r"(400 a\u{d}\u{a}\u{1b}[31m)",
        ),
        (r#"{"message":"b"}"#, None, "(400: b)"),
        ("<html>", None, "(400)"),
        ("", None, "(400)"),
        (r#"{"error":"a","error":"b"}"#, None, "(400)"),
    ] {
        let error = read(400, &[], body).unwrap_err();
        assert_eq!(error.code(), code, "{body}");
        let text = format!("P: the token endpoint rejected the request {text}");
        assert_eq!(error.to_string(), text, "{body}");
    }
    let long = format!(r#"{{"error":"{}","error_description":"{0}"}}"#, "x y".repeat(5_000));
    let error = read(400, &[], long).unwrap_err();
    assert_eq!(error.code().map(|code| code.chars().count()), Some(64));
    assert!(error.to_string().chars().count() < 400);
}

#[test]
fn what_passes_by_itself_is_transient_and_the_rest_is_not() {
    for (status, transient) in [
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (405, false),
        (408, true),
        (418, false),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
        (599, true),
    ] {
        for body in ["<html>Bad Gateway</html>", r#"{"error":"x"}"#, ""] {
            let error = read(status, &[], body).unwrap_err();
            assert_eq!(error.is_transient(), transient, "{status}");
            assert_eq!(error.status().unwrap().as_u16(), status);
        }
    }
}

#[test]
fn bad_credentials_are_400_and_401() {
    // Item 42.
    for (status, body, bad) in [
        (400, r#"{"error":"invalid_client"}"#, true),
        (401, r#"{"error":"invalid_client"}"#, true),
        (401, r#"{"error":"unauthorized_client"}"#, true),
        (401, r#"{"error":"access_denied"}"#, true),
        (401, "", true),
        (400, r#"{"error":"unauthorized_client"}"#, false),
        (403, r#"{"error":"access_denied"}"#, false),
        (500, r#"{"error":"invalid_client"}"#, false),
    ] {
        let error = read(status, &[], body).unwrap_err();
        assert_eq!(error.is_bad_credentials(), bad, "{status} {body}");
    }
}

#[test]
fn a_redirect_is_its_own_error_and_names_scheme_host_and_port_alone() {
    // Item 40.
    for (status, location, target) in [
        (301, Some("https://other.example/t?secret=the-secret"), " to https://other.example"),
        (302, Some("http://u:p@other.example:81/x"), " to http://other.example:81"),
        (302, Some("https://[2001:db8::7]:8443/t"), " to https://[2001:db8::7]:8443"),
        (303, Some("/relative"), ""),
        (307, Some("https://the-secret.example/"), " to https://[redacted].example"),
        (308, None, ""),
        (
            307,
            Some("https://eu-west-1.auth.long-name.example/"),
            " to https://eu-west-1.auth.long-name.example",
        ),
    ] {
        let headers: Vec<_> = location.iter().map(|value| ("location", *value)).collect();
        let error = read(status, &headers, r#"{"access_token":"abc"}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "P: the token endpoint responded with a redirect{target}; redirects are not followed ({status}); \
                 hint: the token URL must be the endpoint's final address"
            )
        );
        assert!(!error.is_transient());
    }
}

#[test]
fn an_encoded_response_is_a_clear_error() {
    let body = r#"{"access_token":"abc"}"#;
    let error = read(200, &[("content-encoding", "gzip")], body).unwrap_err();
    assert_eq!(
        error.to_string(),
        "P: the response is encoded (`gzip`), although no encoding was accepted (200)"
    );
    for plain in ["identity", "Identity", ""] {
        read(200, &[("content-encoding", plain)], body).unwrap();
    }
    read(200, &[("content-encoding", "identity, br")], body).unwrap_err();
}

proptest::proptest! {
    #[test]
    fn no_response_makes_the_reader_panic(
        status in 200_u16..600,
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        member in "(access_token|expires_in|expires_on|data|error|scope|token_type)",
        value in r#"(-?[0-9]{1,40}(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,9})?|"[ -~]{0,8}"|\{\}|\[\]|null|true)"#,
    ) {
        let json = format!(r#"{{"{member}":{value},"access_token":"abc"}}"#);
        let fuuffy = Fuuffy::builder(ClientAuth::secret("id", "the-secret")).build().unwrap();
        for body in [body.as_slice(), json.as_bytes()] {
            let response = answer(status, &[], body);
            let _ = read(status, &[], body).map_err(|error| error.to_string());
            let _ = fuuffy.response(&TokenRequest::new(&fuuffy, fuuffy.client().current()), &response);
        }
    }
}

#[test]
fn the_servers_reason_reaches_the_caller_whatever_its_shape() {
    let json = ("content-type", "application/json");
    for (header, body) in [
        (json, r#"{"errorCode":"E0000021","errorSummary":"bad app"}"#),
        (json, r#"{"reason":"bad app"}"#),
        (json, r#"{"type":"about:blank","title":"Unauthorized","detail":"bad app"}"#),
        (json, r#"{"errors":[{"message":"bad app"}]}"#),
        (json, r#"[{"message":"bad app","errorCode":"X"}]"#),
        (json, r#"{"error":["bad app"]}"#),
        (("content-type", "Text/Plain; charset=utf-8"), "bad app\n"),
    ] {
        let error = read(401, &[header], body).unwrap_err();
        assert!(error.to_string().contains("bad app)"), "{error}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(401), "{body}");
    }
    let html = read(401, &[("content-type", "text/html")], "<p>bad app").unwrap_err();
    assert!(!html.to_string().contains("bad app"), "{html}");
    // A success that is none.
    let error = read(200, &[json], r#"{"errors":[{"message":"bad app"}]}"#).unwrap_err();
    assert!(error.to_string().contains("bad app"), "{error}");
}
