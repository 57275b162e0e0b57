//! Settings that come from somebody who means harm break out of nothing: each is sent exactly as it
//! was given, in the place where it belongs, or refused by its name when the grant is built.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use oauth_core::{
    Apiera, Ataccama, ClientAuth, ClientCredentials, Error, Fuuffy, Grant, Oleria, Token,
};
use proptest::prelude::*;
use url::Url;

const TOKEN_URL: &str = "https://auth.test/t";

/// What breaks out of a form, of JSON, of HTTP Basic, of a header, of a URL, if anything does.
const HOSTILE: [&str; 34] = [
    "a&client_id=evil",
    "a&grant_type=password",
    "a=b",
    "a;b",
    "a+b c",
    "a%26b",
    "a%2fb",
    "a%00b",
    "a%",
    "a\"b",
    "a\",\"client_id\":\"evil",
    "a\\",
    "a\\\"b",
    "a\\u0022b",
    "{}",
    "a:b",
    "a/b",
    "a/../b",
    "..",
    ".",
    "%2e%2e",
    "a?b",
    "a?b=c&d",
    "a#b",
    "a@evil.test",
    "//evil.test",
    "https://evil.test/",
    "ключ",
    "\u{202e}a",
    "a\u{e9}\u{301}",
    "a\r\nx-evil: 1",
    "a\nb",
    "a\0b",
    "a\u{7f}b",
];

fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

/// The members of a JSON object of strings, in any order.
fn object(body: &[u8]) -> Vec<(String, String)> {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap();
    let members = value.as_object().unwrap().iter();
    let mut members: Vec<_> =
        members.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect();
    // Of a name that comes twice only one is left: then the number of colons differs.
    assert_eq!(serde_json::to_vec(&value).unwrap().len(), body.len(), "a member twice");
    members.sort();
    members
}

fn sent(grant: &impl Grant) -> Request<Bytes> {
    let request = grant.request(&grant.client().current());
    let known = [CONTENT_TYPE, ACCEPT, AUTHORIZATION];
    assert!(request.headers().keys().all(|name| known.contains(name)), "{request:?}");
    assert_eq!(request.method(), "POST");
    request
}

/// The built grant's request, or nothing if the grant was refused by this setting's name.
fn built<G: Grant>(grant: Result<G, Error>, setting: &str, value: &str) -> Option<Request<Bytes>> {
    match grant {
        Ok(grant) => Some(sent(&grant)),
        Err(error) => {
            assert!(error.is_setting(), "{value:?}: {error:?}");
            let text = error.to_string();
            assert!(text.contains(&format!("`{setting}`")), "{value:?}: {text}");
            assert!(!text.contains(char::is_control), "{text:?}");
            None
        }
    }
}

fn is_control(value: &str) -> bool {
    value.contains(char::is_control)
}

#[test]
fn ids_and_secrets_stay_what_they_are_in_form_json_and_basic() {
    for value in HOSTILE {
        for (id, secret, name) in
            [(value, "s", "client_id"), ("i", value, "client_secret"), (value, value, "client_id")]
        {
            let client = ClientAuth::secret(id, secret);
            let generic = |client| ClientCredentials::builder(client).token_url(TOKEN_URL);
            // Raw Basic cannot carry a colon in the id.
            let of_raw = if is_control(value) { name } else { "client_id" };
            let requests = [
                built(generic(client.clone()).build(), name, value),
                built(generic(client.clone()).json().build(), name, value),
                built(generic(client.clone().basic()).build(), name, value),
                built(generic(client.clone().raw_basic()).build(), of_raw, value),
            ];
            if is_control(value) {
                assert!(requests.iter().all(Option::is_none), "{value:?}");
                continue;
            }
            let [in_form, in_json, basic, raw] = requests;
            let grant_type = ("grant_type", "client_credentials");
            let expected = [grant_type, ("client_id", id), ("client_secret", secret)];
            assert_eq!(form(in_form.unwrap().body()), pairs(&expected), "{value:?}");
            let mut sorted = pairs(&expected);
            sorted.sort();
            assert_eq!(object(in_json.unwrap().body()), sorted, "{value:?}");
            let basic = basic.unwrap();
            assert_eq!(form(basic.body()), pairs(&[grant_type]));
            let (of_id, of_secret) = basic_pair(&basic);
            assert_eq!((decoded(&of_id), decoded(&of_secret)), (id.into(), secret.into()));
            assert_eq!(raw.is_none(), id.contains(':'));
            if let Some(raw) = raw {
                assert_eq!(basic_pair(&raw), (id.to_owned(), secret.to_owned()));
            }
        }
    }
}

/// What stands before and behind the first colon (RFC 7617 §2).
fn basic_pair(request: &Request<Bytes>) -> (String, String) {
    let header = request.headers()[AUTHORIZATION].to_str().unwrap();
    let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
    let pair = String::from_utf8(pair).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    (id.to_owned(), secret.to_owned())
}

/// One form-encoded value, without a name.
fn decoded(text: &str) -> String {
    assert!(!text.contains(['&', '=']), "{text}");
    form(format!("v={text}").as_bytes()).remove(0).1
}

fn client() -> ClientAuth {
    ClientAuth::secret("i", "s")
}

#[test]
fn scopes_audiences_organizations_and_parameters_stay_one_member_each() {
    let (id, secret) = (("client_id", "i"), ("client_secret", "s"));
    let grant_type = ("grant_type", "client_credentials");
    for value in HOSTILE {
        let generic = || ClientCredentials::builder(client()).token_url(TOKEN_URL);
        let oleria = || Oleria::builder(client()).token_url(TOKEN_URL).api_url("https://api.test");
        let organization = |value: &str| Apiera::builder(client()).organization(value);

        for (request, name) in [
            (built(generic().scope(value).build(), "scope", value), "scope"),
            (built(generic().audience(value).build(), "audience", value), "audience"),
            (built(generic().resource(value).build(), "resource", value), "resource"),
            (built(generic().parameter("x", value).build(), "parameter", value), "x"),
            (built(generic().parameter(value, "y").build(), "parameter", value), value),
        ] {
            let value = if name == value { "y" } else { value };
            if let Some(request) = request {
                let expected = [grant_type, id, secret, (name, value)];
                assert_eq!(form(request.body()), pairs(&expected), "{value:?}");
            } else {
                assert!(["scope", "resource"].contains(&name), "{name} {value:?}");
            }
        }
        let scope = built(oleria().scope(value).build(), "scope", value);
        assert_eq!(
            scope.is_none(),
            !value.is_ascii() || value.contains(['"', '\\']) || is_control(value)
        );
        if let Some(request) = scope {
            let expected = [grant_type, id, secret, ("scope", value)];
            assert_eq!(form(request.body()), pairs(&expected));
        }
        let audience = built(oleria().audience(value).build(), "audience", value).unwrap();
        assert_eq!(form(audience.body()).last().unwrap(), &("audience".into(), value.into()));

        let org = built(organization(value).build(), "organization", value).unwrap();
        let audience = built(organization("org_A").audience(value).build(), "audience", value);
        for (request, organization, audience) in
            [(org, value, "https://api.apiera.io"), (audience.unwrap(), "org_A", value)]
        {
            let mut expected = pairs(&[
                id,
                secret,
                grant_type,
                ("audience", audience),
                ("organization", organization),
            ]);
            expected.sort();
            assert_eq!(object(request.body()), expected, "{value:?}");
        }
    }
}

#[test]
fn a_realm_stays_one_segment_of_its_path_and_an_environment_one_label() {
    for value in HOSTILE {
        let grant = Ataccama::builder(client()).environment("acme").realm(value).build();
        if let Some(request) = built(grant, "realm", value) {
            let url = Url::parse(&request.uri().to_string()).unwrap();
            assert_eq!(url.host_str(), Some("acme.ataccama.one"), "{value:?}");
            assert_eq!((url.query(), url.fragment(), url.port()), (None, None, None));
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            let [auth, realms, realm, protocol, connect, token] = segments[..] else {
                panic!("{value:?}: {url}");
            };
            let around = [auth, realms, protocol, connect, token];
            assert_eq!(around, ["auth", "realms", "protocol", "openid-connect", "token"]);
            let realm = percent_encoding::percent_decode_str(realm).decode_utf8().unwrap();
            assert_eq!(realm, value);
        }
        // None of them is a label.
        let builder = || Ataccama::builder(client()).realm("acme");
        assert!(built(builder().environment(value).build(), "environment", value).is_none());
        let suffix = builder().environment("acme").host_suffix(value).build();
        assert!(built(suffix, "host_suffix", value).is_none());
        let prefix = builder().environment("acme").auth_prefix(value).build();
        if let Some(request) = built(prefix, "auth_prefix", value) {
            let url = Url::parse(&request.uri().to_string()).unwrap();
            assert_eq!(url.host_str(), Some("acme.ataccama.one"), "{value:?}");
            assert!(url.path().ends_with("/realms/acme/protocol/openid-connect/token"), "{url}");
        }
    }
}

#[test]
fn what_is_put_into_a_url_leads_to_no_other_host() {
    for value in HOSTILE {
        for url in [
            format!("https://auth.test{value}"),
            format!("https://auth.test/{value}"),
            format!("https://auth.test/?t={value}"),
            format!("https://auth.test:443{value}"),
            format!("https://{value}auth.test/"),
            format!("https://auth.test\\{value}"),
            format!("https:{value}//auth.test/"),
            value.to_owned(),
        ] {
            let generic = ClientCredentials::builder(client()).token_url(&*url).build();
            let fuuffy = Fuuffy::builder(client()).base_url(&*url).build();
            for request in [built(generic, "token_url", &url), built(fuuffy, "base_url", &url)] {
                let Some(request) = request else { continue };
                let uri = request.uri();
                let oracle = Url::parse(&url).unwrap();
                assert_eq!(uri.host().map(str::to_ascii_lowercase).as_deref(), oracle.host_str());
                assert_eq!(uri.scheme_str(), Some("https"), "{url}");
                assert!(!uri.authority().unwrap().as_str().contains('@'), "{url}");
            }
            let api = ClientCredentials::builder(client()).token_url(TOKEN_URL).api_url(&*url);
            if let Ok(grant) = api.build() {
                let oracle = Url::parse(&url).unwrap();
                let origin = oracle.origin().ascii_serialization();
                assert_eq!(grant.origins().to_string(), origin, "{url}");
            }
        }
    }
}

#[test]
fn a_token_that_fits_into_no_header_is_refused_and_not_shown() {
    for value in HOSTILE.into_iter().chain(["", " ", "a b", "a\t"]) {
        let visible = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
        match Token::bearer(value) {
            Ok(token) => {
                assert!(visible, "{value:?}");
                assert_eq!(token.header_value(), &format!("Bearer {value}"));
            }
            Err(error) => {
                assert!(!visible, "{value:?}");
                assert!(value.trim().is_empty() || !format!("{error:?}").contains(value));
            }
        }
    }
    let error = Token::bearer("a".repeat(1024 * 1024)).unwrap_err();
    assert_eq!(error.to_string(), "the access token is longer than 64 KiB");
}

/// Text that is made of what is special somewhere, and of anything else.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        "&=\"\\/.%?#@:;+ {}[],<>'`|^~$!*()\r\n\0\t2fFeE0aZ\u{e9}\u{1f600}\u{202e}"
            .chars()
            .collect::<Vec<_>>(),
    );
    prop::collection::vec(prop_oneof![4 => special, 1 => any::<char>()], 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn every_request_that_is_built_says_exactly_what_was_set(
        id in text(), secret in text(), scope in text(), audience in text(),
        name in text(), value in text(), method in 0..3, json in any::<bool>(),
    ) {
        let client = ClientAuth::secret(&id, &*secret);
        let client = match method {
            0 => client,
            1 => client.basic(),
            _ => client.raw_basic(),
        };
        let builder = ClientCredentials::builder(client).token_url(TOKEN_URL);
        let builder = builder.scope(&scope).audience(&audience).parameter(&name, &value);
        let grant = if json { builder.json().build() } else { builder.build() };
        let Ok(grant) = grant else { return Ok(()) };
        let request = sent(&grant);
        let mut expected = vec![("grant_type", "client_credentials")];
        if method == 0 {
            expected.extend([("client_id", &*id), ("client_secret", &*secret)]);
        }
        expected.extend([("scope", &*scope), ("audience", &*audience), (&*name, &*value)]);
        expected.retain(|(_, value)| !value.is_empty());
        let mut expected = pairs(&expected);
        if json {
            expected.sort();
            prop_assert_eq!(object(request.body()), expected);
        } else {
            prop_assert_eq!(form(request.body()), expected);
        }
        if method == 1 {
            let (of_id, of_secret) = basic_pair(&request);
            prop_assert_eq!((decoded(&of_id), decoded(&of_secret)), (id, secret));
        } else if method == 2 {
            prop_assert_eq!(basic_pair(&request), (id, secret));
        }
    }

    #[test]
    fn every_realm_that_is_taken_is_one_segment(realm in text()) {
        let grant = Ataccama::builder(client()).environment("acme").realm(&realm).build();
        let Ok(grant) = grant else { return Ok(()) };
        let url = Url::parse(&sent(&grant).uri().to_string()).unwrap();
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        prop_assert_eq!(segments.len(), 6);
        let taken = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
        prop_assert_eq!(&*taken, realm.trim());
    }
}
