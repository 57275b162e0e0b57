//! reqwest as the way to the token endpoint.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oauth_core::{BoxError, ClientAuth, GrantSource, Oleria, TokenSlot};
use oauth_reqwest::ReqwestTransport;
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};
use reqwest::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use rustls::CertificateError;
use tower::util::MapErrLayer;

use crate::world::{World, grant, h2, plain};

#[tokio::test]
async fn the_secret_follows_no_redirect_and_no_foreign_response_is_taken_for_a_token() {
    for status in [301, 302, 303, 307, 308] {
        let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
        let api = ProtectedApi::start(&auth).await.unwrap();
        let thief = ProtectedApi::open().await.unwrap();
        thief.inject(Fault::status(200).body(r#"{"access_token":"evil","expires_in":60}"#));
        auth.inject(Fault::redirect(status, thief.url("/token")).forever());
        // A user's own policy does not come through.
        let builder = plain().redirect(Policy::limited(10));
        let transport = ReqwestTransport::from_builder(builder).unwrap();
        let slot = TokenSlot::new(GrantSource::new(grant(&auth, &api), transport));
        let error = slot.prefetch().await.unwrap_err();
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status), "{error}");
        assert_eq!((thief.requests(), auth.token_requests()), (0, 1), "{status}");
        assert!(slot.cached().is_none());
    }
}

#[tokio::test]
async fn a_token_request_is_sent_once_even_if_its_connection_breaks() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    auth.inject(Fault::reset());
    let transport = ReqwestTransport::from_builder(plain()).unwrap();
    let slot = TokenSlot::new(GrantSource::new(grant(&auth, &api), transport));
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(auth.token_requests(), 1);
}

#[tokio::test]
async fn the_token_request_announces_its_length_and_has_a_connection_of_its_own() {
    let world = World::new().await;
    let sent = world.auth.last_token_request().unwrap();
    assert_eq!(sent.header("content-length"), Some(sent.body().len().to_string().as_str()));
    assert!(sent.header("transfer-encoding").is_none());
    let generation = world.slot.cached().unwrap().generation();
    world.slot.replace(generation).await.unwrap();
    assert_eq!((world.auth.token_requests(), world.auth.connections()), (2, 2));
}

#[tokio::test]
async fn a_token_request_names_the_builders_agent_or_else_ours() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    let ours = format!("oauth-reqwest/{}", env!("CARGO_PKG_VERSION"));
    let default = [(USER_AGENT, HeaderValue::from_static("from-defaults/1"))];
    for (builder, agent) in [
        (plain(), &*ours),
        (plain().user_agent("billing/1.2"), "billing/1.2"),
        (plain().default_headers(default.into_iter().collect()), "from-defaults/1"),
        (plain().user_agent(""), ""),
    ] {
        let transport = ReqwestTransport::from_builder(builder).unwrap();
        let slot = TokenSlot::new(GrantSource::new(grant(&auth, &api), transport));
        slot.token().await.unwrap();
        let sent = auth.last_token_request().unwrap();
        assert_eq!(sent.header("user-agent"), Some(agent));
    }
}

#[tokio::test]
async fn tokens_come_over_h2_too() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    let transport = ReqwestTransport::from_builder(h2()).unwrap();
    let slot = TokenSlot::new(GrantSource::new(grant(&auth, &api), transport));
    slot.token().await.unwrap();
    assert_eq!(auth.token_requests(), 1);
}

#[tokio::test]
async fn the_text_of_an_error_has_neither_the_secret_nor_the_url() {
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    auth.inject(Fault::garbage().forever());
    let transport = ReqwestTransport::from_builder(plain()).unwrap();
    let slot = TokenSlot::new(GrantSource::new(grant(&auth, &api), transport));
    let error = slot.prefetch().await.unwrap_err();
    let mut told = format!("{error} {error:?} {error:#?}");
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(error) = cause {
        told.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(!told.contains(&auth.client_secret()) && !told.contains(&auth.addr().to_string()));
}

#[test]
fn a_transport_shows_none_of_its_settings() {
    let headers = [(AUTHORIZATION, HeaderValue::from_static("Bearer not-for-logs"))];
    let builder = plain().default_headers(headers.into_iter().collect());
    let transport = ReqwestTransport::from_builder(builder).unwrap();
    assert_eq!(format!("{transport:?}"), "ReqwestTransport { .. }");
}

#[test]
fn a_builder_that_reqwest_refuses_is_an_error_that_names_it() {
    let error = ReqwestTransport::from_builder(plain().user_agent("a\nb")).unwrap_err();
    assert!(error.to_string().contains("reqwest::ClientBuilder"), "{error}");
}

#[tokio::test]
async fn a_proxy_of_the_users_gets_the_token_request_over_plain_http_and_without_one_no_proxy_does()
{
    let auth = AuthServer::start(Dialect::Oleria).await.unwrap();
    let api = ProtectedApi::start(&auth).await.unwrap();
    let proxy = ProtectedApi::open().await.unwrap();
    let through = reqwest::Proxy::all(proxy.base_url()).unwrap();
    let proxied = reqwest::Client::builder().proxy(through);
    for (builder, seen) in [(proxied, (1, 0)), (plain(), (1, 1))] {
        let transport = ReqwestTransport::from_builder(builder).unwrap();
        let slot = TokenSlot::new(GrantSource::new(grant(&auth, &api), transport));
        // What the proxy makes of it is no token.
        assert_eq!(slot.prefetch().await.is_ok(), seen.1 == 1);
        assert_eq!((proxy.requests(), auth.token_requests()), seen);
    }
}

/// The first call over a reqwest whose connector fails with this, and how often it was asked.
async fn first_call(
    failure: impl Fn() -> BoxError + Clone + Send + Sync + 'static,
) -> (oauth_core::Error, usize) {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let fail = move |_: BoxError| {
        counter.fetch_add(1, Ordering::Relaxed);
        failure()
    };
    let builder = plain().connector_layer(MapErrLayer::new(fail));
    let transport = ReqwestTransport::from_builder(builder).unwrap();
    let grant = Oleria::builder(ClientAuth::secret("id", "the-secret"))
        .token_url(format!("http://{gone}/token"))
        .api_url("https://api.example")
        .build()
        .unwrap();
    let error = TokenSlot::new(GrantSource::new(grant, transport)).token().await.unwrap_err();
    (error, asked.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_permanent_at_the_first_attempt() {
    // As tokio-rustls has it; reqwest puts two errors of its own and hyper's around it.
    let unknown = || {
        let error = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        io::Error::new(io::ErrorKind::InvalidData, error).into()
    };
    let (error, asked) = first_call(unknown).await;
    assert_eq!((asked, error.is_transient()), (1, false));
    let text = error.to_string();
    assert!(text.contains("invalid peer certificate: UnknownIssuer; hint: trust"), "{text}");
}

#[tokio::test]
async fn what_a_connector_says_to_be_permanent_is() {
    let pinned = || oauth_core::Error::permanent("not the pinned key").into();
    let (error, asked) = first_call(pinned).await;
    assert_eq!((asked, error.is_transient()), (1, false));
    assert!(error.to_string().contains("could not be reached: not the pinned key"), "{error}");
}
