//! What is put into a URL.

use oauth_core::grant::Grant as _;
use oauth_core::{Ataccama, ClientCredentials, Fuuffy};
use url::Url;

use crate::hostile::HOSTILE;
use crate::requests::{TOKEN_URL, built, client};

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
                assert_eq!(grant.info().origins().to_string(), origin, "{url}");
            }
        }
    }
}
