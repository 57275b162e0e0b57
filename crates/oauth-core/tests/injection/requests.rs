//! A grant's token request, and what its parts say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{ClientAuth, Error};

pub(crate) const TOKEN_URL: &str = "https://auth.test/t";

pub(crate) fn client() -> ClientAuth {
    ClientAuth::secret("i", "s")
}

pub(crate) fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

/// The members of a JSON object of strings, in any order.
pub(crate) fn object(body: &[u8]) -> Vec<(String, String)> {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap();
    let members = value.as_object().unwrap().iter();
    let mut members: Vec<_> =
        members.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect();
    // Of a name that comes twice only one is left: then the number of colons differs.
    assert_eq!(serde_json::to_vec(&value).unwrap().len(), body.len(), "a member twice");
    members.sort();
    members
}

pub(crate) fn sent(grant: &impl Grant) -> Request<Bytes> {
    let request = grant.request(&TokenRequest::new(grant, grant.client().current()));
    let known = [CONTENT_TYPE, ACCEPT, AUTHORIZATION];
    assert!(request.headers().keys().all(|name| known.contains(name)), "{request:?}");
    assert_eq!(request.method(), "POST");
    request
}

/// The built grant's request, or nothing if the grant was refused by this setting's name.
pub(crate) fn built<G: Grant>(
    grant: Result<G, Error>,
    setting: &str,
    value: &str,
) -> Option<Request<Bytes>> {
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

pub(crate) fn is_control(value: &str) -> bool {
    value.contains(char::is_control)
}

/// What stands before and behind the first colon (RFC 7617 §2).
pub(crate) fn basic_pair(request: &Request<Bytes>) -> (String, String) {
    let header = request.headers()[AUTHORIZATION].to_str().unwrap();
    let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
    let pair = String::from_utf8(pair).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    (id.to_owned(), secret.to_owned())
}

/// One form-encoded value, without a name.
pub(crate) fn decoded(text: &str) -> String {
    assert!(!text.contains(['&', '=']), "{text}");
    form(format!("v={text}").as_bytes()).remove(0).1
}
