//! The exact bytes of every provider's token request, and the documented responses read back.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{
    Apiera, Ataccama, ClientAuth, ClientCredentials, Error, Fuuffy, Oleria, RotatingClient, Token,
};
use oauth_testkit::fixtures;

fn client() -> ClientAuth {
    ClientAuth::secret("the id", "s3cret/+")
}

/// A request as it would stand on the wire of HTTP/1.1, without `host` and `content-length`.
fn wire(request: &Request<Bytes>) -> String {
    let mut out = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        writeln!(out, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    writeln!(out, "\n{}", std::str::from_utf8(request.body()).unwrap()).unwrap();
    out
}

fn sent(grant: &impl Grant) -> String {
    wire(&grant.request(&TokenRequest::new(grant, grant.client().current())))
}

fn form(url: &str, body: &str) -> String {
    format!(
        "POST {url}\ncontent-type: application/x-www-form-urlencoded\naccept: application/json\n\n{body}\n"
    )
}

fn json(url: &str, body: &str) -> String {
    format!("POST {url}\ncontent-type: application/json\naccept: application/json\n\n{body}\n")
}

fn basic(url: &str, pair: &str, body: &str) -> String {
    form(url, body).replacen("\n\n", &format!("\nauthorization: Basic {pair}\n\n"), 1)
}

fn oleria() -> Oleria {
    Oleria::builder(client())
        .authentication_url("https://auth.example/oauth2/token")
        .api_url("https://devx.acme.oleria.io/v1/")
        .build()
        .unwrap()
}

fn apiera() -> Apiera {
    Apiera::builder(client()).organization("org_EXAMPLE").build().unwrap()
}

fn fuuffy() -> Fuuffy {
    Fuuffy::builder(client()).build().unwrap()
}

fn ataccama() -> Ataccama {
    Ataccama::builder(client()).environment("acme").realm("acme").build().unwrap()
}

#[test]
fn oleria_sends_a_form_with_its_four_required_fields_in_order() {
    assert_eq!(
        sent(&oleria()),
        form(
            "https://auth.example/oauth2/token",
            "grant_type=client_credentials&client_id=the+id&client_secret=s3cret%2F%2B\
             &scope=ClientCredentialsResourceServer%2Fclient_credentials_base_scope",
        )
    );
    assert_eq!(oleria().info().origins().to_string(), "https://devx.acme.oleria.io");
    assert_eq!(oleria().info().refresh_window(), Some(Duration::from_secs(60)));
}

#[test]
fn oleria_takes_another_scope_an_audience_and_basic() {
    let grant = Oleria::builder(client().basic())
        .authentication_url("https://auth.example/oauth2/token")
        .token_url("http://127.0.0.1:8080/token")
        .api_url("http://127.0.0.1:8081")
        .scope("a b")
        .audience("https://api.example")
        .build()
        .unwrap();
    assert_eq!(
        sent(&grant),
        basic(
            "http://127.0.0.1:8080/token",
            "dGhlK2lkOnMzY3JldCUyRiUyQg==",
            "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.example",
        )
    );
    assert_eq!(grant.info().origins().to_string(), "http://127.0.0.1:8081");
}

#[test]
fn apiera_sends_json_in_the_documented_order() {
    assert_eq!(
        sent(&apiera()),
        json(
            "https://auth.apiera.io/oauth/token",
            r#"{"client_id":"the id","client_secret":"s3cret/+","audience":"https://api.apiera.io","grant_type":"client_credentials","organization":"org_EXAMPLE"}"#,
        )
    );
    assert_eq!(apiera().info().origins().to_string(), "https://api.apiera.io");
    assert_eq!(apiera().info().refresh_window(), Some(Duration::from_secs(300)));
}

#[test]
fn fuuffy_sends_grant_type_first_or_not_at_all() {
    let url = "https://api-gateway.fuuffy.com/v1/auth/token";
    let credentials = "client_id=the+id&client_secret=s3cret%2F%2B";
    assert_eq!(sent(&fuuffy()), form(url, &format!("grant_type=client_credentials&{credentials}")));
    let bare = Fuuffy::builder(client()).without_grant_type().build().unwrap();
    assert_eq!(sent(&bare), form(url, credentials));
    assert_eq!(fuuffy().info().origins().to_string(), "https://api-gateway.fuuffy.com");
    assert_eq!(fuuffy().info().refresh_window(), Some(Duration::from_secs(60)));
}

#[test]
fn the_version_in_the_base_url_of_fuuffy_is_neither_doubled_nor_lost() {
    for base in ["http://localhost:1", "http://localhost:1/", "http://localhost:1/v1/"] {
        let grant = Fuuffy::builder(client()).base_url(base).build().unwrap();
        let request = grant.request(&TokenRequest::new(&grant, client()));
        assert_eq!(request.uri(), "http://localhost:1/v1/auth/token", "{base}");
        assert_eq!(grant.info().origins().to_string(), "http://localhost:1");
    }
    let testing = Fuuffy::builder(client()).testing().build().unwrap();
    assert_eq!(
        testing.request(&TokenRequest::new(&testing, client())).uri(),
        "https://testing-api-gateway.fuuffy.com/v1/auth/token"
    );
}

#[test]
fn ataccama_sends_a_form_to_the_realm_of_the_environment() {
    assert_eq!(
        sent(&ataccama()),
        form(
            "https://acme.ataccama.one/auth/realms/acme/protocol/openid-connect/token",
            "grant_type=client_credentials&client_id=the+id&client_secret=s3cret%2F%2B",
        )
    );
    assert_eq!(ataccama().info().origins().to_string(), "https://acme.ataccama.one");
    assert_eq!(ataccama().info().refresh_window(), Some(Duration::from_secs(60)));
}

#[test]
fn ataccama_serves_self_managed_deployments() {
    let builder = || Ataccama::builder(client()).realm(" The Realm ");
    let path = "realms/The%20Realm/protocol/openid-connect/token";
    for (builder, url) in [
        (builder().base_url("https://one.example"), "https://one.example/auth/"),
        (builder().base_url("https://one.example/kc/"), "https://one.example/kc/"),
        (builder().base_url("https://one.example").auth_prefix(""), "https://one.example/"),
        (
            builder().environment(" acme ").host_suffix("one.example"),
            "https://acme.one.example/auth/",
        ),
        (builder().environment("acme").auth_prefix("kc"), "https://acme.ataccama.one/kc/"),
    ] {
        let grant = builder.build().unwrap();
        assert_eq!(
            grant.request(&TokenRequest::new(&grant, client())).uri(),
            format!("{url}{path}").as_str()
        );
        let origin = &url[..url[8..].find('/').unwrap() + 8];
        assert_eq!(grant.info().origins().to_string(), origin);
    }
}

#[test]
fn a_token_url_of_its_own_leaves_the_origins_alone() {
    let url = "http://127.0.0.1:8080/token";
    let apiera = Apiera::builder(client()).organization("org_A").token_url(url).build().unwrap();
    let fuuffy = Fuuffy::builder(client()).token_url(url).build().unwrap();
    let ataccama = Ataccama::builder(client()).environment("acme").token_url(url).build().unwrap();
    let grants: [(&dyn Grant, _); 3] = [
        (&apiera, "https://api.apiera.io"),
        (&fuuffy, "https://api-gateway.fuuffy.com"),
        (&ataccama, "https://acme.ataccama.one"),
    ];
    for (grant, origin) in grants {
        assert_eq!(grant.request(&TokenRequest::new(grant, client())).uri(), url);
        assert_eq!(grant.info().origins().to_string(), origin);
    }
}

#[test]
fn the_generic_grant_sends_what_has_a_value_in_a_fixed_order() {
    let builder = || {
        ClientCredentials::builder(client())
            .token_url("https://auth.example/t?tenant=a%20b")
            .api_url("https://api.example/v1")
            .api_url("https://files.example")
    };
    // RFC 6749 §3.2: a query is kept, empty values are left out.
    let url = "https://auth.example/t?tenant=a%20b";
    assert_eq!(
        sent(&builder().scope("").parameter("empty", "").build().unwrap()),
        form(url, "grant_type=client_credentials&client_id=the+id&client_secret=s3cret%2F%2B")
    );
    let full = builder()
        .parameter("z", " %&+£€")
        .parameter("a", "1")
        .resource("https://api.example/a")
        .resource("urn:b")
        .audience("aud")
        .scope("r w");
    let grant = full.clone().build().unwrap();
    // RFC 6749 App. B, RFC 8707 §2.
    assert_eq!(
        sent(&grant),
        form(
            url,
            "grant_type=client_credentials&client_id=the+id&client_secret=s3cret%2F%2B&scope=r+w\
             &audience=aud&resource=https%3A%2F%2Fapi.example%2Fa&resource=urn%3Ab\
             &z=+%25%26%2B%C2%A3%E2%82%AC&a=1",
        )
    );
    assert_eq!(grant.info().origins().to_string(), "https://api.example, https://files.example");
    assert_eq!((grant.info().refresh_window(), grant.info().hint()), (None, None));
    assert!(!grant.allows_plain_http());
    assert_eq!(
        sent(&full.json().build().unwrap()),
        json(
            url,
            r#"{"grant_type":"client_credentials","client_id":"the id","client_secret":"s3cret/+","scope":"r w","audience":"aud","resource":["https://api.example/a","urn:b"],"z":" %&+£€","a":"1"}"#,
        )
    );
}

#[test]
fn the_generic_grant_passes_on_how_it_is_to_be_used() {
    let grant = ClientCredentials::builder(client())
        .token_url("http://auth.example:8080/t")
        .refresh_window(Duration::from_secs(7))
        .dangerous_plain_http(true)
        .build()
        .unwrap();
    assert_eq!(grant.info().refresh_window(), Some(Duration::from_secs(7)));
    assert!(grant.allows_plain_http());
    assert_eq!(grant.info().name().unwrap(), "auth.example:8080");
}

#[test]
fn each_further_api_url_of_a_provider_adds_an_origin() {
    let (one, two) = ("https://one.example/x", "https://two.example/y");
    let oleria = Oleria::builder(client()).authentication_url("https://auth.example/t");
    let apiera = Apiera::builder(client()).organization("org_A");
    let fuuffy = Fuuffy::builder(client());
    let ataccama = Ataccama::builder(client()).environment("acme").realm("acme");
    for info in [
        oleria.api_url(one).api_url(two).build().unwrap().info(),
        apiera.api_url(one).api_url(two).build().unwrap().info(),
        fuuffy.api_url(one).api_url(two).build().unwrap().info(),
        ataccama.api_url(one).api_url(two).build().unwrap().info(),
    ] {
        assert_eq!(info.origins().to_string(), "https://one.example, https://two.example");
    }
}

#[test]
fn basic_moves_id_and_secret_out_of_the_body() {
    // RFC 6749 §2.3, §2.3.1.
    let grant = |client: ClientAuth| {
        ClientCredentials::builder(client).token_url("https://auth.example/t").build().unwrap()
    };
    let encoded = grant(client().basic());
    let body = "grant_type=client_credentials";
    assert_eq!(
        sent(&encoded),
        basic("https://auth.example/t", "dGhlK2lkOnMzY3JldCUyRiUyQg==", body)
    );
    let raw = grant(client().raw_basic());
    assert_eq!(sent(&raw), basic("https://auth.example/t", "dGhlIGlkOnMzY3JldC8r", body));
    let request = encoded.request(&TokenRequest::new(&encoded, client().basic()));
    assert!(request.headers()["authorization"].is_sensitive());
}

#[test]
fn a_rotation_changes_the_next_request() {
    let client = RotatingClient::new(ClientAuth::secret("old", "1"));
    let grant = Fuuffy::builder(client.clone()).without_grant_type().build().unwrap();
    client.rotate(ClientAuth::secret("new", "2")).unwrap();
    let request = grant.request(&TokenRequest::new(&grant, grant.client().current()));
    assert_eq!(request.body(), "client_id=new&client_secret=2");
}

fn read(grant: &impl Grant, status: u16, body: &str) -> Result<Token, Error> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    grant.response(&TokenRequest::new(grant, client()), &response)
}

#[test]
fn the_documented_tokens_are_read() {
    let hour = Duration::from_secs(3600);
    let jwt = |token: Token, seconds: u64| {
        assert!(token.expose_secret().starts_with("eyJ"));
        assert!(token.expose_secret().ends_with(".c2ln"));
        assert_eq!(token.lifetime(), Some(Duration::from_secs(seconds)));
        token.scope().map(str::to_owned)
    };
    let oleria = read(&oleria(), 200, fixtures::OLERIA_TOKEN).unwrap();
    assert_eq!(jwt(oleria, 3600), None);
    let apiera = read(&apiera(), 200, fixtures::APIERA_TOKEN).unwrap();
    assert_eq!(jwt(apiera, 86_400), None);
    let ataccama = read(&ataccama(), 200, fixtures::ATACCAMA_TOKEN).unwrap();
    assert_eq!(jwt(ataccama, 300).as_deref(), Some("profile email"));
    let bare = r#"{"access_token":"sk-0123456789abcdef0123456789abcdef","expires_in":3600}"#;
    for (status, body) in
        [(200, fixtures::FUUFFY_TOKEN), (201, fixtures::FUUFFY_TOKEN_IN_STRING), (200, bare)]
    {
        let token = read(&fuuffy(), status, body).unwrap();
        assert_eq!(token.expose_secret(), "sk-0123456789abcdef0123456789abcdef");
        assert_eq!(token.lifetime(), Some(hour));
    }
}

#[test]
fn an_envelope_is_unwrapped_once_and_only_for_fuuffy() {
    let twice = r#"{"data":"\"{\\\"access_token\\\":\\\"t\\\"}\""}"#;
    read(&fuuffy(), 200, twice).unwrap_err();
    read(&fuuffy(), 200, r#"{"data":[{"access_token":"t"}]}"#).unwrap_err();
    read(&fuuffy(), 200, r#"{"data":null}"#).unwrap_err();
    read(&oleria(), 200, fixtures::FUUFFY_TOKEN).unwrap_err();
}

#[derive(Debug, PartialEq)]
struct Seen<'a> {
    transient: bool,
    bad_credentials: bool,
    code: Option<&'a str>,
    hint: Option<&'a str>,
}

/// One row of a contract card.
fn row(
    grant: &impl Grant,
    status: u16,
    body: &str,
    (transient, bad_credentials): (bool, bool),
    code: Option<&str>,
    hint: Option<&str>,
) {
    let error = read(grant, status, body).unwrap_err();
    let seen = Seen {
        transient: error.is_transient(),
        bad_credentials: error.is_bad_credentials(),
        code: error.code(),
        hint: error.hint(),
    };
    assert_eq!(seen, Seen { transient, bad_credentials, code, hint }, "{status} {body}");
    assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
    assert_eq!(error.provider(), grant.info().name());
}

const PERMANENT: (bool, bool) = (false, false);
const TRANSIENT: (bool, bool) = (true, false);
const BAD_CREDENTIALS: (bool, bool) = (false, true);

#[test]
fn the_errors_of_oleria_are_classified_as_its_contract_has_them() {
    let grant = oleria();
    let hint = "id or secret wrong, key deleted, or wrong environment";
    let bad_client = fixtures::OLERIA_INVALID_CLIENT;
    let bad_request = fixtures::OLERIA_INVALID_REQUEST;
    for status in [400, 401] {
        row(&grant, status, bad_client, BAD_CREDENTIALS, Some("invalid_client"), Some(hint));
    }
    let hint = "a field of grant_type, client_id, client_secret, scope is missing or misspelt";
    row(&grant, 400, bad_request, PERMANENT, Some("invalid_request"), Some(hint));
    let hint = "content type stripped on the way, or a wrong URL";
    row(&grant, 405, "<html>", PERMANENT, None, Some(hint));
    row(&grant, 429, "", TRANSIENT, None, None);
    row(&grant, 502, "<html>", TRANSIENT, None, None);
    let hint =
        "the egress firewall must allow the host of the Authentication URL and of the API URL";
    assert_eq!(grant.info().hint(), Some(hint));
}

#[test]
fn the_errors_of_apiera_are_classified_as_its_contract_has_them() {
    let grant = apiera();
    let denied = fixtures::APIERA_ACCESS_DENIED;
    let code = Some("access_denied");
    let hint = "the organization id is missing or invalid";
    row(&grant, 400, "{}", PERMANENT, None, Some(hint));
    row(&grant, 401, denied, BAD_CREDENTIALS, code, Some("client id or secret wrong"));
    let hint = "this client is not granted that audience";
    row(&grant, 403, denied, PERMANENT, code, Some(hint));
    let hint = "too many token requests: share one slot, wait for the reset";
    row(&grant, 429, "", TRANSIENT, None, Some(hint));
    // Throttling in disguise.
    let global = r#"{"error":"access_denied","error_description":"Global limit has been reached"}"#;
    let hint = "the tenant's limit of token requests is reached, wait for the reset";
    row(&grant, 500, global, TRANSIENT, code, Some(hint));
    row(&grant, 500, "{}", TRANSIENT, None, None);
}

#[test]
fn the_errors_of_fuuffy_are_classified_by_status_and_code() {
    let grant = fuuffy();
    let hint = "a parameter is missing or invalid";
    let body = fixtures::FUUFFY_INVALID_REQUEST;
    row(&grant, 400, body, PERMANENT, Some("400013"), Some(hint));
    let hint = "client id or secret wrong, or test credentials against production";
    for body in [
        fixtures::FUUFFY_INVALID_CLIENT,
        fixtures::FUUFFY_INVALID_CLIENT_WRAPPED,
        r#"{"code":401021,"code_reason":"something else"}"#,
        r#"{"error":{"code":401021}}"#,
    ] {
        row(&grant, 401, body, BAD_CREDENTIALS, Some("401021"), Some(hint));
    }
    // A code says the same under every status.
    let hint = "a parameter is missing or invalid";
    row(&grant, 400, "", PERMANENT, None, Some(hint));
    row(&grant, 422, r#"{"code":400013}"#, PERMANENT, Some("400013"), Some(hint));
    row(&grant, 422, r#"{"code":7}"#, PERMANENT, Some("7"), None);
    row(&grant, 403, "", PERMANENT, None, Some("forbidden for this resource"));
    row(&grant, 404, "", PERMANENT, None, Some("check `/v1` in the base URL"));
    let hint = "wait for the reset: 100 requests a minute, 1000 an hour";
    row(&grant, 429, "", TRANSIENT, None, Some(hint));
    let hint = "if it stays, contact the provider's customer service";
    let body = fixtures::FUUFFY_API_ERROR;
    for status in [200, 400, 401, 500, 503] {
        row(&grant, status, body, TRANSIENT, Some("500999"), Some(hint));
    }
    row(&grant, 502, "<html>", TRANSIENT, None, Some(hint));
}

#[test]
fn a_refusal_of_fuuffy_under_a_200_is_one() {
    let body = fixtures::FUUFFY_INVALID_CLIENT;
    let hint = "client id or secret wrong, or test credentials against production";
    row(&fuuffy(), 200, body, BAD_CREDENTIALS, Some("401021"), Some(hint));
    let wrapped = r#"{"data":{"code":"401021"}}"#;
    row(&fuuffy(), 200, wrapped, BAD_CREDENTIALS, Some("401021"), Some(hint));
    // Whatever is in the envelope.
    let beside = r#"{"error":"invalid_client","data":{"access_token":"t"}}"#;
    row(&fuuffy(), 200, beside, BAD_CREDENTIALS, Some("invalid_client"), Some(hint));
}

#[test]
fn the_errors_of_ataccama_are_classified_as_keycloak_means_them() {
    let grant = ataccama();
    let hint = "wrong id or secret, stray spaces, or the API client is disabled";
    let body = fixtures::ATACCAMA_UNAUTHORIZED_CLIENT;
    row(&grant, 401, body, BAD_CREDENTIALS, Some("unauthorized_client"), Some(hint));
    let body = r#"{"error":"invalid_client"}"#;
    row(&grant, 401, body, BAD_CREDENTIALS, Some("invalid_client"), Some(hint));
    let body = r#"{"error":"unauthorized_client","error_description":"Client not enabled to retrieve service account"}"#;
    let hint = "enable service accounts for this client";
    row(&grant, 401, body, PERMANENT, Some("unauthorized_client"), Some(hint));
    let hint = "a form parameter is missing or sent twice";
    let body = r#"{"error":"invalid_request"}"#;
    row(&grant, 400, body, PERMANENT, Some("invalid_request"), Some(hint));
    row(&grant, 403, "", PERMANENT, None, Some("https required, or the realm is disabled"));
    let hint = "the realm in the URL is not the tenant's name";
    let body = fixtures::ATACCAMA_UNKNOWN_REALM;
    row(&grant, 404, body, PERMANENT, Some("Realm does not exist"), Some(hint));
    row(&grant, 500, r#"{"error":"unknown_error"}"#, TRANSIENT, Some("unknown_error"), None);
}

#[test]
fn the_errors_of_a_generic_grant_are_classified_as_the_rfc_has_them() {
    // RFC 6749 §5.2.
    let grant = ClientCredentials::builder(client()).token_url("https://auth.example/t");
    let grant = grant.build().unwrap();
    let wrong_client = "the client id or the secret is wrong, or the client is disabled";
    row(&grant, 401, "", BAD_CREDENTIALS, None, Some(wrong_client));
    for (code, hint) in [
        (
            "invalid_request",
            "a parameter is missing or not understood: see the provider's documentation",
        ),
        ("invalid_scope", "the scope is unknown or not granted to this client"),
        ("unauthorized_client", "this client may not use the client credentials grant"),
        ("unsupported_grant_type", "the token endpoint does not know the client credentials grant"),
    ] {
        let body = format!(r#"{{"error":"{code}"}}"#);
        for status in [200, 400, 403, 404] {
            row(&grant, status, &body, PERMANENT, Some(code), Some(hint));
        }
    }
    for status in [404, 405] {
        row(&grant, status, "", PERMANENT, None, Some("check the token URL"));
    }
    row(&grant, 403, "", PERMANENT, None, None);
    row(&grant, 429, "", TRANSIENT, None, None);
}

#[test]
fn the_error_of_a_generic_grant_names_the_host() {
    let grant = ClientCredentials::builder(client()).token_url("https://auth.example/t");
    let error = read(&grant.build().unwrap(), 401, r#"{"error":"invalid_client"}"#).unwrap_err();
    assert!(error.is_bad_credentials());
    assert_eq!(
        error.to_string(),
        "auth.example: the token endpoint rejected the request (401 invalid_client); \
         hint: the client id or the secret is wrong, or the client is disabled"
    );
}
