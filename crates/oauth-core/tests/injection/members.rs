//! What else a request's body carries.

use oauth_core::{Apiera, ClientCredentials, Oleria};

use crate::hostile::HOSTILE;
use crate::requests::{TOKEN_URL, built, client, form, is_control, object, pairs};

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
