//! Echoes as they were seen, each with what the error says instead.

use bytes::Bytes;
use http::{Response, StatusCode};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{ClientAuth, ClientCredentials, Error, RotatingClient};

use crate::places::{all_shown, grant, shown, window};

const SECRET: &str = "k7Qw/eRt+yUi/pAs9dFg/hJk";
const NOTE: &str = "[redacted: it contains the client's credentials]";

fn client() -> ClientAuth {
    ClientAuth::secret("billing", SECRET)
}

fn refused(grant: &impl Grant, client: &ClientAuth, body: &str) -> Error {
    let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    grant.response(&TokenRequest::new(grant, client.clone()), &answer).unwrap_err()
}

#[test]
fn a_description_with_the_secret_as_json_percent_or_dotnet_write_it_is_dropped_whole() {
    let grant = grant(client());
    for echo in [
        SECRET.replace('/', r"\/"),
        SECRET.replace('/', "%2f").replace('+', "%2b"),
        SECRET.replace('+', r"\u002B"),
    ] {
        let text = serde_json::to_string(&format!("unknown secret: {echo}")).unwrap();
        let body = format!(r#"{{"error":"invalid_request","error_description":{text}}}"#);
        let error = refused(&grant, &client(), &body);
        assert!(error.to_string().contains(&format!("(400 invalid_request: {NOTE})")), "{error}");
        assert_eq!(window(SECRET, &shown(&error)), None, "{error:?}");
    }
}

#[test]
fn the_credentials_of_basic_are_found_in_other_spellings_and_within_other_texts() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    // Too short to be looked for by itself in all spellings, long enough with the id.
    for secret in [SECRET, "pw-1"] {
        let client = ClientAuth::secret("billing", secret).basic();
        let pair = format!("billing:{secret}");
        for echo in [
            URL_SAFE.encode(&pair),
            STANDARD.encode(format!("grant=x&{pair}&y")),
            STANDARD.encode(&pair).replace('=', "%3d").replace('+', "%2b"),
            pair.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            for text in [format!("bad header: Basic {echo}"), format!("/x/{echo}")] {
                for shown in all_shown(&grant(client.clone()), &client, &text) {
                    assert_eq!(window(&echo, &shown), None, "{text}: {shown}");
                }
            }
        }
    }
}

#[test]
fn the_other_credentials_of_a_roll_out_are_masked_as_well() {
    let other = ClientAuth::secret("billing-2", "z/tZ9VwFZqApmIQ+ZH1I5pLk");
    let rotating = RotatingClient::new(client()).with_fallback(other.clone()).unwrap();
    let grant = ClientCredentials::builder(rotating.clone()).token_url("https://auth.example/t");
    let grant = grant.build().unwrap();
    for (asked, echo) in
        [(&client(), r"z\/tZ9VwFZqApmIQ+ZH1I5pLk"), (&other, r"k7Qw\/eRt+yUi\/pAs9dFg\/hJk")]
    {
        let text = serde_json::to_string(echo).unwrap();
        let body = format!(r#"{{"error":"x","error_description":{text}}}"#);
        let error = refused(&grant, asked, &body);
        assert!(error.to_string().contains(&format!("(400 x: {NOTE})")), "{error}");
    }
    // Credentials that were replaced while its response was on the way.
    rotating.rotate(other).unwrap();
    let body = r#"{"error":"x","error_description":"k7Qw\\/eRt+yUi\\/pAs9dFg\\/hJk"}"#;
    assert!(refused(&grant, &client(), body).to_string().contains(NOTE));
}

#[test]
fn an_access_token_beside_an_error_is_not_shown_in_another_spelling() {
    let grant = grant(client());
    let token = "AbCd/EfGh/IjKl/MnOp";
    for text in [
        r#""error":"x","error_description":"AbCd%2fEfGh%2fIjKl%2fMnOp""#,
        r#""token_type":"AbCd%2fEfGh%2fIjKl%2fMnOp""#,
        r#""scope":"AbCd%2fEfGh%2fIjKl%2fMnOp""#,
    ] {
        let body = format!(r#"{{"access_token":"{token}",{text}}}"#);
        let text = match grant
            .response(&TokenRequest::new(&grant, client()), &Response::new(Bytes::from(body)))
        {
            Ok(token) => format!("{token:?}"),
            Err(error) => shown(&error),
        };
        assert!(!text.contains("EfGh"), "{text}");
    }
}

#[test]
fn what_stands_at_the_end_of_what_is_looked_at_or_of_a_long_scope_is_not_shown() {
    let grant = grant(client());
    let echo = SECRET.replace('/', "%252f");
    for room in (4_000..4_200).step_by(7).chain([0, 190, 16_300, 60_000]) {
        let text = format!("{}{echo}{}", "x ".repeat(room / 2), " y".repeat(4_096));
        for shown in all_shown(&grant, &client(), &text) {
            assert_eq!(window(&echo, &shown), None, "{room}");
        }
    }
}

#[test]
fn a_part_of_the_secret_is_enough() {
    let grant = grant(client());
    let body = r#"{"error":"x","error_description":"starts with k7Qw%2feRt%2byU"}"#;
    assert!(refused(&grant, &client(), body).to_string().contains(NOTE));
}

#[test]
fn a_parameter_whose_name_says_that_it_is_a_secret_is_not_shown_and_others_are() {
    for (name, shown) in [
        ("assertion", false),
        ("X-API-Key", false),
        ("subject_token", false),
        ("password", false),
        ("shared.secret", false),
        ("tenant", true),
        ("token_kind", true),
    ] {
        let grant = ClientCredentials::builder(client())
            .token_url("https://auth.example/t")
            .parameter(name, "north/west 7");
        let body = r#"{"error":"x","error_description":"bad: north%2fwest+7"}"#;
        let error = refused(&grant.build().unwrap(), &client(), body).to_string();
        assert_eq!(error.contains("north%2fwest+7"), shown, "{name}: {error}");
        assert_eq!(error.contains(NOTE), !shown, "{name}: {error}");
    }
}

#[test]
fn of_a_location_the_host_is_shown_if_no_secret_begins_in_it() {
    for (location, target) in [
        ("https://k7Qw/eRt+yUi/pAs9dFg/hJk", "https://[redacted]"),
        ("https://other.example/k7Qw/eRt+yUi/pAs9dFg/hJk", "https://other.example"),
        ("https://other.example:8443/k7Qw/eRt+yUi/pAs9dFg/hJk", "https://other.example:8443"),
        ("https://k7Qw/eRt%2byUi/pAs9dFg/hJk", &*format!("{NOTE}://{NOTE}")),
    ] {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::FOUND;
        answer.headers_mut().insert("location", location.parse().unwrap());
        let grant = grant(client());
        let request = TokenRequest::new(&grant, client());
        let error = grant.response(&request, &answer).unwrap_err().to_string();
        assert!(error.contains(&format!("a redirect to {target};")), "{location}: {error}");
    }
}
