//! No secret and no token in any text of a grant, its builder, its source or its errors.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::future::ready;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{
    Apiera, Ataccama, ClientAuth, ClientCredentials, Error, FetchContext, Fuuffy, GrantSource,
    Oleria, Token, TokenSource,
};
use tower::service_fn;

const SECRET: &str = "s\"ecret 0+ne/ä\\";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0b2tlbiJ9.c2lnbmF0dXJl";

fn client() -> ClientAuth {
    ClientAuth::secret("visible-id", SECRET)
}

/// The spellings in which the secret can travel.
fn spellings() -> Vec<String> {
    let encoded = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let json = serde_json::to_string(SECRET).unwrap();
    let basic = client().basic();
    let grant = ClientCredentials::builder(basic).token_url("https://auth.example/t");
    let grant = grant.build().unwrap();
    let request = grant.request(&TokenRequest::new(&grant, client().basic()));
    let header = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .trim_start_matches("Basic ")
        .to_owned();
    vec![SECRET.into(), encoded, json.trim_matches('"').into(), header, TOKEN.into()]
}

fn assert_silent(text: &str) {
    for spelling in spellings() {
        assert!(!text.contains(&spelling), "{spelling} in {text}");
    }
}

fn assert_debug_silent(value: &impl Debug) {
    assert_silent(&format!("{value:?}"));
    assert_silent(&format!("{value:#?}"));
}

fn assert_error_silent(error: &Error) {
    assert_debug_silent(error);
    assert_silent(&format!("{error:#}"));
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(link) = next {
        assert_silent(&link.to_string());
        assert_silent(&format!("{link:?} {link:#?}"));
        next = link.source();
    }
}

#[test]
fn grants_builders_and_sources_show_no_secret() {
    let generic = ClientCredentials::builder(client())
        .token_url("https://auth.example/t?key=querykey1")
        .parameter("pin", "extravalue1");
    // Not checked yet, so it may be there; not shown either.
    let careless = ClientCredentials::builder(client()).token_url("https://u:urlpassword1@a/t");
    let oleria = Oleria::builder(client())
        .authentication_url("https://auth.example/t")
        .api_url("https://devx.acme.oleria.io");
    let apiera = Apiera::builder(client()).organization("org_A");
    let fuuffy = Fuuffy::builder(client());
    let ataccama = Ataccama::builder(client()).environment("acme").realm("acme");
    assert_debug_silent(&(&generic, &oleria, &apiera, &fuuffy, &ataccama));
    assert!(!format!("{careless:?}").contains("urlpassword1"));
    let text = format!("{:?} {:?}", generic, generic.clone().build().unwrap());
    assert!(!text.contains("querykey1") && !text.contains("extravalue1"), "{text}");
    assert!(text.contains("visible-id"), "{text}");
    let source = GrantSource::new(oleria.clone().build().unwrap(), ());
    assert_debug_silent(&(
        generic.build().unwrap(),
        oleria.build().unwrap(),
        apiera.build().unwrap(),
        fuuffy.build().unwrap(),
        ataccama.build().unwrap(),
        source,
    ));
    assert_error_silent(&careless.build().unwrap_err());
}

/// Every grant of the crate, with secrets in the body and in the header.
fn with_every_grant(check: impl Fn(&dyn Grant, &ClientAuth)) {
    for client in [client(), client().basic(), client().raw_basic()] {
        let generic =
            ClientCredentials::builder(client.clone()).token_url("https://auth.example/t");
        let oleria = Oleria::builder(client.clone())
            .authentication_url("https://auth.example/t")
            .api_url("https://devx.acme.oleria.io");
        let apiera = Apiera::builder(client.clone()).organization("org_A");
        let fuuffy = Fuuffy::builder(client.clone());
        let ataccama = Ataccama::builder(client.clone()).environment("acme").realm("acme");
        check(&generic.build().unwrap(), &client);
        check(&oleria.build().unwrap(), &client);
        check(&apiera.build().unwrap(), &client);
        check(&fuuffy.build().unwrap(), &client);
        check(&ataccama.build().unwrap(), &client);
    }
}

#[test]
fn a_server_that_echoes_the_secret_does_not_bring_it_into_an_error() {
    for echo in spellings() {
        let quoted = serde_json::to_string(&echo).unwrap();
        let bodies = [
            format!(r#"{{"error":{quoted},"error_description":{quoted},"error_uri":{quoted}}}"#),
            format!(r#"{{"error":{{"code":{quoted},"message":{quoted}}}}}"#),
            format!(r#"{{"code":{quoted},"message":{quoted}}}"#),
            format!(r#"{{"access_token":"t","token_type":{quoted}}}"#),
            format!(r#"{{"access_token":{quoted},"access_token":{quoted}}}"#),
            format!(r#"{{"access_token":{quoted}{echo}"#),
            format!(r#"{{"data":{quoted}}}"#),
            format!("<html>{echo}</html>"),
            echo.clone(),
        ];
        with_every_grant(|grant, client| {
            for body in &bodies {
                for status in [200, 302, 400, 401, 429, 500] {
                    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    let value = HeaderValue::from_bytes(echo.as_bytes()).unwrap();
                    for name in ["content-type", "location", "retry-after", "x-ratelimit-reset"] {
                        response.headers_mut().insert(name, value.clone());
                    }
                    if let Err(error) =
                        grant.response(&TokenRequest::new(grant, client.clone()), &response)
                    {
                        assert_error_silent(&error);
                    }
                    response.headers_mut().insert("content-encoding", value);
                    assert_error_silent(
                        &grant
                            .response(&TokenRequest::new(grant, client.clone()), &response)
                            .unwrap_err(),
                    );
                }
            }
        });
    }
}

#[test]
fn a_token_shows_neither_itself_nor_an_echo_of_the_secret_in_its_scope() {
    with_every_grant(|grant, client| {
        let secret = serde_json::to_string(SECRET).unwrap();
        for scope in [secret, format!("\"{TOKEN}\""), format!("[\"a\",\"{TOKEN}\"]")] {
            let body = format!(r#"{{"access_token":"{TOKEN}","scope":{scope}}}"#);
            let token: Token = grant
                .response(
                    &TokenRequest::new(grant, client.clone()),
                    &Response::new(Bytes::from(body)),
                )
                .unwrap();
            assert_debug_silent(&token);
            assert_eq!(token.expose_secret(), TOKEN);
        }
    });
}

#[tokio::test]
async fn a_transport_whose_error_quotes_the_request_is_masked_through_its_whole_chain() {
    for echo in spellings().into_iter().filter(|echo| echo != TOKEN) {
        let text = format!("sent {echo}");
        let transport = service_fn(move |_: Request<Full<Bytes>>| {
            let inner = std::io::Error::other(text.clone());
            ready(Err::<Response<Full<Bytes>>, _>(std::io::Error::other(inner)))
        });
        let grant = ClientCredentials::builder(client().basic())
            .token_url("https://auth.example/t")
            .build()
            .unwrap();
        let error =
            GrantSource::new(grant, transport).fetch(FetchContext::default()).await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(error.source().unwrap().to_string(), "sent [redacted]");
        assert_error_silent(&error);
    }
}

#[tokio::test]
async fn a_whole_exchange_shows_nothing_in_its_errors() {
    let transport = service_fn(|_: Request<Full<Bytes>>| async {
        let body = serde_json::to_string(&format!("bad secret {SECRET}")).unwrap();
        let body = format!(r#"{{"error":"invalid_client","error_description":{body}}}"#);
        let mut response = Response::new(Full::<Bytes>::from(body));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        Ok::<_, Infallible>(response)
    });
    let grant = Ataccama::builder(client()).environment("acme").realm("acme").build().unwrap();
    let error =
        GrantSource::new(grant, transport).fetch(FetchContext::default()).await.unwrap_err();
    assert_error_silent(&error);
    assert_eq!(
        error.to_string(),
        "Ataccama: the token endpoint rejected the request (401 invalid_client: bad secret \
         [redacted]); hint: wrong id or secret, stray spaces, or the API client is disabled"
    );
}
