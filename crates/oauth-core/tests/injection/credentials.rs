//! Ids and secrets.

use oauth_core::{ClientAuth, ClientCredentials};

use crate::hostile::HOSTILE;
use crate::requests::{TOKEN_URL, basic_pair, built, decoded, form, is_control, object, pairs};

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
