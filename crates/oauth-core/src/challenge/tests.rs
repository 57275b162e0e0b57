use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{MAX_CHALLENGES, MAX_LINES, MAX_TEXT, challenges};

fn headers<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let line = HeaderValue::from_bytes(line.as_ref()).expect("no control characters");
        headers.append(WWW_AUTHENTICATE, line);
    }
    headers
}

/// `Scheme`, `Scheme:token68`, `Scheme[name=value|name=value]` of the names asked for.
fn read(headers: &HeaderMap) -> Vec<String> {
    challenges(headers)
        .map(|challenge| {
            let mut text = challenge.scheme().to_owned();
            if let Some(token68) = challenge.token68() {
                text = format!("{text}:{token68}");
            }
            let params: Vec<_> = ["realm", "error", "scope", "a", "b", "qop"]
                .into_iter()
                .filter_map(|name| Some(format!("{name}={}", challenge.param(name)?)))
                .collect();
            if !params.is_empty() {
                text = format!("{text}[{}]", params.join("|"));
            }
            text
        })
        .collect()
}

#[test]
fn lines_that_servers_send_are_read_as_they_were_meant() {
    let table: &[(&[&str], &[&str])] = &[
        (&[], &[]),
        (&[""], &[]),
        (&["Bearer"], &["Bearer"]),
        (&["  Bearer  "], &["Bearer"]),
        (&["Bearer, Basic"], &["Bearer", "Basic"]),
        (&["Bearer,Basic,"], &["Bearer", "Basic"]),
        (&[r#"Bearer realm="example""#], &["Bearer[realm=example]"]),
        // RFC 6750 §3
        (
            &[
                r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#,
            ],
            &["Bearer[realm=example|error=invalid_token]"],
        ),
        // RFC 9110 §11.6.1
        (
            &[r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#],
            &["Basic[realm=simple]", "Newauth[realm=apps]"],
        ),
        (
            &[r#"Newauth realm="Login to \"apps\"", a="\\\,""#],
            &[r#"Newauth[realm=Login to "apps"|a=\,]"#],
        ),
        // Several lines.
        (
            &["Negotiate", r#"Basic realm="x""#, r#"Bearer error="invalid_token""#],
            &["Negotiate", "Basic[realm=x]", "Bearer[error=invalid_token]"],
        ),
        // Any case.
        (&[r#"BEARER Error="invalid_token", REALM=x"#], &["BEARER[realm=x|error=invalid_token]"]),
        // No space after the comma, or several, or tabs.
        (
            &["Bearer realm=\"x\",error=\"e\",\t scope=s,Basic realm=y"],
            &["Bearer[realm=x|error=e|scope=s]", "Basic[realm=y]"],
        ),
        // No comma at all.
        (
            &[r#"Bearer realm="x" error="e" Basic realm="y""#],
            &["Bearer[realm=x|error=e]", "Basic[realm=y]"],
        ),
        // Empty elements, and a comma right after the scheme.
        (&[", ,Bearer, realm=x, ,,error=e"], &["Bearer[realm=x|error=e]"]),
        // Semicolons.
        (&["Bearer realm=x; error=e; scope=s"], &["Bearer[realm=x|error=e|scope=s]"]),
        // Blanks around the sign.
        (&["Bearer realm = \"x\" , error\t=\te"], &["Bearer[realm=x|error=e]"]),
        (&[r#"Bearer realm= "x""#], &["Bearer[realm=x]"]),
        // token68.
        (
            &["Negotiate TlRMTVNTUAAB+/~-._==, Basic realm=x"],
            &["Negotiate:TlRMTVNTUAAB+/~-._==", "Basic[realm=x]"],
        ),
        (&["NTLM abc"], &["NTLM:abc"]),
        (&["NTLM abc= ,Basic"], &["NTLM:abc=", "Basic"]),
        (&["Bearer realm=x=y"], &["Bearer[realm=x=y]"]),
        // A comma, a scheme and a parameter inside a string are text.
        (
            &[r#"Digest qop="auth,auth-int", realm="Bearer error=x, a=1""#],
            &["Digest[realm=Bearer error=x, a=1|qop=auth,auth-int]"],
        ),
        // The first of two, whatever its case.
        (&["Bearer Error=first, error=second, a=1, a=2"], &["Bearer[error=first|a=1]"]),
        // A parameter before any scheme belongs to none, and none is carried into the next line.
        (&["error=e, Bearer a=1"], &["Bearer[a=1]"]),
        (&["Bearer", "error=e"], &["Bearer"]),
        // Addresses without quotes.
        (
            &["Bearer realm=https://example.com/x?y=z, error=e"],
            &["Bearer[realm=https://example.com/x?y=z|error=e]"],
        ),
        // Values without a text.
        (&[r#"Bearer realm="", error=, a=1"#], &["Bearer[realm=|error=|a=1]"]),
        // Strings without an end.
        (&[r#"Bearer error="inv"#], &["Bearer[error=inv]"]),
        (&[r#"Bearer error="inv\"#], &["Bearer[error=inv]"]),
        (&[r#"Bearer error="inv\""#], &["Bearer[error=inv\"]"]),
        (&[r#"Bearer error=""#], &["Bearer[error=]"]),
        // A stray string hides what it has.
        (&[r#"Bearer "a=1, Basic" b=2"#], &["Bearer[b=2]"]),
        (&["=,=\"\",;@ Bearer"], &["Bearer"]),
        // Two schemes with the comma lost.
        (&["Bearer Basic realm=x"], &["Bearer", "Basic[realm=x]"]),
    ];
    for (lines, expected) in table {
        assert_eq!(read(&headers(lines.iter())), *expected, "{lines:?}");
    }
}

#[test]
fn bytes_beyond_ascii_are_kept_as_far_as_they_are_text() {
    let lines: &[&[u8]] = &[
        "Bearer realm=\"grün\", error=e".as_bytes(),
        b"Bearer realm=\"gr\xfcn\", error=\"\\\xfc\"",
        b"Bearer \xff\xfe error=e",
    ];
    assert_eq!(
        read(&headers(lines)),
        [
            "Bearer[realm=grün|error=e]",
            "Bearer[realm=gr\u{fffd}n|error=\u{fffd}]",
            "Bearer[error=e]",
        ]
    );
}

#[test]
fn a_scheme_is_recognised_in_any_case_and_only_as_a_whole() {
    let headers = headers(["bEaReR x=y"]);
    let challenge = challenges(&headers).next().expect("one");
    assert!(challenge.is("Bearer"));
    assert!(!challenge.is("Bear"));
    assert!(!challenge.is("Bearers"));
    assert_eq!(challenge.param("y"), None);
    assert_eq!(challenge.param(""), None);
}

#[test]
fn a_value_without_escapes_is_borrowed() {
    let headers = headers([r#"Bearer realm="plain text", error=bare, scope="with \" one""#]);
    let challenge = challenges(&headers).next().expect("one");
    for name in ["realm", "error"] {
        assert!(matches!(challenge.param(name), Some(std::borrow::Cow::Borrowed(_))), "{name}");
    }
    assert_eq!(challenge.param("scope").as_deref(), Some("with \" one"));
}

#[test]
fn debug_shows_neither_token68_nor_parameters() {
    let headers = headers(["Negotiate c2VjcmV0, Digest nonce=secret"]);
    assert_eq!(format!("{:?}", challenges(&headers)), "Challenges { .. }");
    let shown: Vec<_> = challenges(&headers).map(|c| format!("{c:?}")).collect();
    assert_eq!(
        shown,
        [r#"Challenge { scheme: "Negotiate", .. }"#, r#"Challenge { scheme: "Digest", .. }"#]
    );
}

#[test]
fn the_limits_are_as_documented() {
    assert_eq!((MAX_LINES, MAX_CHALLENGES, MAX_TEXT), (16, 64, 16_384));
}

#[test]
fn lines_beyond_the_limit_are_absent() {
    let lines = (0..1000).map(|n| format!("S{n} a=1"));
    let headers = headers(lines);
    let read = read(&headers);
    assert_eq!(read.len(), MAX_LINES);
    assert_eq!(read[MAX_LINES - 1], format!("S{}[a=1]", MAX_LINES - 1));
}

#[test]
fn challenges_beyond_the_limit_are_absent() {
    for one in ["A,", "A x=y, ", "Negotiate abc=, "] {
        assert_eq!(challenges(&headers([one.repeat(100_000)])).count(), MAX_CHALLENGES);
    }
}

#[test]
fn text_beyond_the_limit_is_absent_whichever_line_it_is_in() {
    let filler = |len: usize| format!("A a={}", "x".repeat(len - 4));
    let half = MAX_TEXT / 2;
    let within = headers([filler(half), filler(half - 4), "Last".to_owned()]);
    assert_eq!(challenges(&within).count(), 3);
    let beyond = headers([filler(half), filler(half), "Last".to_owned()]);
    assert_eq!(challenges(&beyond).count(), 2);
    let cut = headers([format!("A a=1, b={}, realm=r", "x".repeat(MAX_TEXT))]);
    let cut = read(&cut);
    assert!(cut[0].starts_with("A[a=1|b=x") && !cut[0].contains("realm"));
}

/// What would be slow if a byte were looked at again and again: all of it is read in one go.
#[test]
fn hostile_text_ends_at_the_limits() {
    for text in ["\"", "=", "a", "a ", "a=", " ", "\\", "a=\"\\", "a/b ", "a = ", ", "] {
        let headers = headers([format!("Bearer {}", text.repeat(100_000))]);
        assert!(read(&headers).len() <= MAX_CHALLENGES);
    }
}

fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let any_byte = any::<u8>().prop_filter("no control characters", |&byte| {
        byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
    });
    let likely = prop::sample::select(b" \t,;=\"\\abA/+~".to_vec());
    prop::collection::vec(prop_oneof![1 => any_byte, 3 => likely], 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(401),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_read_without_a_panic(lines in prop::collection::vec(header_bytes(), 0..4)) {
        let headers = headers(&lines);
        for challenge in challenges(&headers) {
            prop_assert!(!challenge.scheme().is_empty());
            prop_assert_ne!(challenge.token68(), Some(""));
            for name in ["a", "b", "realm"] {
                let _ = challenge.param(name);
            }
        }
    }

    /// Whatever the values are, quoting brings them back.
    #[test]
    fn a_quoted_value_comes_back_whole(
        values in prop::collection::vec("[ -~\u{e4}\u{20ac}]{0,20}", 1..5),
        blanks in "[ \t]{0,2}",
        comma in "(,|, | ,\t)",
    ) {
        let quote = |value: &String| value.replace('\\', "\\\\").replace('"', "\\\"");
        let params: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(n, value)| format!("p{n}{blanks}={blanks}\"{}\"", quote(value)))
            .collect();
        let line = format!("One {}{comma}Two x=y", params.join(&comma));
        let headers = headers([line]);
        let read: Vec<_> = challenges(&headers).collect();
        prop_assert_eq!(read.len(), 2);
        for (n, value) in values.iter().enumerate() {
            let param = read[0].param(&format!("P{n}"));
            prop_assert_eq!(param.as_deref(), Some(value.as_str()));
        }
        let param = read[1].param("x");
        prop_assert_eq!(param.as_deref(), Some("y"));
    }
}
