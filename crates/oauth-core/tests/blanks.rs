//! Byte order marks and blanks around a secret: what editors, shells and copying leave behind.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::{Response, StatusCode};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{ClientAuth, ClientCredentials, Error, FileSecret, SecretProvider as _};

struct Scratch(PathBuf);

impl Scratch {
    fn holding(content: &[u8]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, SeqCst));
        let path = std::env::temp_dir().join(format!("oauth-core-blanks-{process}-{number}"));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What a file with this content is sent as, read back from the token request.
async fn sent(content: &[u8]) -> Result<String, Error> {
    let file = Scratch::holding(content);
    let client = FileSecret::new("billing", &file.0).post().credentials().await?;
    let body = body(&client);
    let mut members = form_urlencoded::parse(&body);
    Ok(members.find(|(name, _)| name == "client_secret").unwrap().1.into_owned())
}

fn body(client: &ClientAuth) -> Bytes {
    let grant = grant(client);
    grant.request(&TokenRequest::new(&grant, client.clone())).into_body()
}

fn grant(client: &ClientAuth) -> ClientCredentials {
    ClientCredentials::builder(client.clone()).token_url("https://auth.example/t").build().unwrap()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[tokio::test]
async fn a_byte_order_mark_and_line_ends_are_not_part_of_a_files_secret() {
    for content in [
        "hidden one".as_bytes(),
        b"\xEF\xBB\xBFhidden one",
        b"\xEF\xBB\xBFhidden one\r\n",
        b"hidden one\n\n\r\n",
    ] {
        assert_eq!(sent(content).await.unwrap(), "hidden one", "{content:?}");
    }
}

#[tokio::test]
async fn a_file_in_another_encoding_is_refused_by_its_name() {
    for content in [
        utf16("\u{feff}hidden", u16::to_le_bytes),
        utf16("\u{feff}hidden\r\n", u16::to_be_bytes),
        utf16("\u{feff}", u16::to_le_bytes),
        utf16("hidden", u16::to_le_bytes),
        utf16("hidden", u16::to_be_bytes),
        b"\xFF\xFE\0\0h\0\0\0".to_vec(),
        b"\0\0\xFE\xFF\0\0\0h".to_vec(),
    ] {
        let error = sent(&content).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("UTF-16") && text.contains("oauth-core-blanks-"), "{text}");
        assert!(error.is_setting() && !text.contains("hid"), "{text}");
    }
}

const BLANKS: [(char, &str); 16] = [
    (' ', "a space (U+0020)"),
    ('\t', "a tab (U+0009)"),
    ('\u{a0}', "a non-breaking space (U+00A0)"),
    ('\u{85}', "white space (U+0085)"),
    ('\u{2003}', "white space (U+2003)"),
    ('\u{2028}', "white space (U+2028)"),
    ('\u{3000}', "white space (U+3000)"),
    ('\u{ad}', "an invisible mark (U+00AD)"),
    ('\u{200b}', "an invisible mark (U+200B)"),
    ('\u{200e}', "an invisible mark (U+200E)"),
    ('\u{202e}', "an invisible mark (U+202E)"),
    ('\u{2060}', "an invisible mark (U+2060)"),
    ('\u{2069}', "an invisible mark (U+2069)"),
    ('\u{180e}', "an invisible mark (U+180E)"),
    ('\u{3164}', "an invisible mark (U+3164)"),
    ('\u{feff}', "a byte order mark (U+FEFF)"),
];

#[tokio::test]
async fn a_blank_at_either_end_of_a_files_secret_is_refused_by_its_name() {
    for (blank, name) in BLANKS {
        for (content, place) in [
            (format!("hidden{blank}"), "ends with"),
            (format!("hidden{blank}\n"), "ends with"),
            (format!("hidden\r\n{blank}\r\n"), "ends with"),
            (format!("\u{feff}{blank}hidden\n"), "begins with"),
            (format!("{blank}{blank}"), "begins with"),
        ] {
            // A single mark at the very beginning is the file's, not the secret's.
            let place = if content == "\u{feff}\u{feff}" { "begins with" } else { place };
            let error = sent(content.as_bytes()).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(&format!("has a file that {place} {name}")), "{text}");
            assert!(error.is_setting() && !text.contains("hidden"), "{text}");
            assert!(text.contains("oauth-core-blanks-"), "{text}");
        }
    }
    assert_eq!(sent("a b\u{200b}c".as_bytes()).await.unwrap(), "a b\u{200b}c", "inside it may be");
}

fn refused(client: &ClientAuth, status: u16) -> Error {
    let mut answer = Response::new(Bytes::from(r#"{"error":"invalid_client"}"#));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    let grant = grant(client);
    grant.response(&TokenRequest::new(&grant, client.clone()), &answer).unwrap_err()
}

#[test]
fn elsewhere_a_blank_is_sent_and_named_when_the_credentials_are_called_wrong() {
    let advice = "the client id or the secret is wrong, or the client is disabled";
    for (blank, name) in BLANKS.into_iter().filter(|(blank, _)| !blank.is_control()) {
        let client = ClientAuth::secret("billing", format!("hidden{blank}"));
        let body = body(&client);
        assert!(form_urlencoded::parse(&body).any(|(_, value)| value == format!("hidden{blank}")));
        let error = refused(&client, 401);
        let hint = format!("{advice}; the `client_secret` that was sent ends with {name}");
        assert_eq!(error.hint(), Some(&*hint));
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        let error = refused(&ClientAuth::secret(format!("{blank}billing"), "hidden"), 401);
        let hint = format!("{advice}; the `client_id` that was sent begins with {name}");
        assert_eq!(error.hint(), Some(&*hint));
    }
    let both = ClientAuth::secret("billing ", " hidden");
    let hint = format!(
        "{advice}; the `client_id` that was sent ends with a space (U+0020); \
         the `client_secret` that was sent begins with a space (U+0020)"
    );
    assert_eq!(refused(&both, 400).hint(), Some(&*hint));
    assert_eq!(refused(&ClientAuth::secret("billing", "hid den"), 401).hint(), Some(advice));
    // Where nothing was called wrong, nothing is said of it.
    assert_eq!(refused(&both, 503).hint(), None);
}
