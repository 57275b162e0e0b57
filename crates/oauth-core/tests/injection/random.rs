//! The same for any text.

use oauth_core::{Ataccama, ClientAuth, ClientCredentials};
use proptest::prelude::*;
use url::Url;

use crate::requests::{TOKEN_URL, basic_pair, client, decoded, form, object, pairs, sent};

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
