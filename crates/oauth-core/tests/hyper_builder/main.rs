//! The settings of the default transport, against real peers on loopback.
#![cfg(feature = "hyper-transport")]
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

mod peers;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, HyperTransport,
    HyperTransportBuilder, Token, TokenSource as _,
};
use tokio::net::TcpStream;

use crate::peers::{Authority, Directory, HOST, endpoint, plain_endpoint, proxy};

async fn fetch(url: &str, builder: HyperTransportBuilder) -> Result<Token, Error> {
    let grant = ClientCredentials::builder(ClientAuth::secret("i", "the-secret"))
        .token_url(url)
        .api_url("https://api.example")
        .build()
        .unwrap();
    GrantSource::new(grant, builder.build()?).fetch(FetchContext::default()).await
}

/// Leads whatever is asked for to this address, as a resolver would.
#[derive(Clone)]
struct To(SocketAddr);

impl tower::Service<Uri> for To {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0;
        Box::pin(async move { Ok(TokioIo::new(TcpStream::connect(address).await?)) })
    }
}

fn url() -> String {
    format!("https://{HOST}/t")
}

#[tokio::test]
async fn a_private_ca_is_trusted_from_a_file_or_from_text_beside_or_instead_of_the_systems() {
    let (authority, directory) = (Authority::new(), Directory::new());
    let (address, seen) = endpoint(&authority, None);
    let file = directory.file("ca.pem", &authority.pem());
    let builder = || HyperTransport::builder().tcp_connector(To(address));
    for builder in [
        builder().roots_file(&file),
        builder().roots_pem(authority.pem()),
        builder().roots_pem(authority.pem()).without_system_roots(),
        builder().roots_pem(Authority::new().pem() + &authority.pem()),
    ] {
        assert_eq!(fetch(&url(), builder).await.unwrap().expose_secret(), "abc");
        assert!(!seen.recv().unwrap().client_certificate);
    }
    for builder in [builder(), builder().roots_pem(Authority::new().pem()).without_system_roots()] {
        let error = fetch(&url(), builder).await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("UnknownIssuer"), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_server() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (address, seen) = endpoint(&authority, Some(&clients));
    let (certificate, key) = clients.issue("billing");
    let directory = Directory::new();
    let (chain, secret) = (certificate.pem(), key.serialize_pem());
    let files = (directory.file("tls.crt", &chain), directory.file("tls.key", &secret));
    let builder =
        || HyperTransport::builder().tcp_connector(To(address)).roots_pem(authority.pem());
    for builder in [
        builder().identity_files(&files.0, &files.1),
        builder().identity_pem(format!("{chain}{secret}")),
        builder().identity_pem(format!("{secret}{chain}")),
    ] {
        fetch(&url(), builder).await.unwrap();
        assert!(seen.recv().unwrap().client_certificate);
    }
    let error = fetch(&url(), builder()).await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn a_tls_configuration_of_the_users_own_takes_the_place_of_roots_and_identity() {
    let authority = Authority::new();
    let (address, seen) = endpoint(&authority, None);
    let config = || {
        let mut roots = rustls::RootCertStore::empty();
        let pem = authority.pem();
        let root = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes());
        roots.add(root.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    };
    let builder = || HyperTransport::builder().tcp_connector(To(address)).tls_config(config());
    fetch(&url(), builder()).await.unwrap();
    assert_eq!(seen.recv().unwrap().protocol.as_deref(), Some(&b"http/1.1"[..]));
    let error = builder().roots_pem(authority.pem()).build().unwrap_err();
    assert!(error.is_setting() && error.to_string().contains("`tls_config`"), "{error}");
}

#[tokio::test]
async fn token_requests_go_through_the_proxy_but_for_exceptions_and_loopback() {
    let authority = Authority::new();
    let (address, seen) = endpoint(&authority, None);
    let (proxy, asked) = proxy(address, |_| true);
    let builder =
        || HyperTransport::builder().roots_pem(authority.pem()).proxy(format!("http://{proxy}"));
    for (url, connect) in [
        (format!("https://{HOST}/t"), "CONNECT auth.example:443 HTTP/1.1\r\n"),
        (format!("https://{HOST}:8443/t"), "CONNECT auth.example:8443 HTTP/1.1\r\n"),
    ] {
        fetch(&url, builder()).await.unwrap();
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with(connect) && !asked.contains("uthorization"), "{asked}");
        // The secret is inside the tunnel alone.
        assert!(seen.recv().unwrap().request.contains("the-secret"));
    }
    let direct = builder().tcp_connector(To(address));
    for except in ["other.example,auth.example", "example", "*"] {
        for builder in [
            direct.clone().no_proxy(except),
            HyperTransport::builder()
                .roots_pem(authority.pem())
                .tcp_connector(To(address))
                .no_proxy(except)
                .proxy(format!("http://{proxy}")),
        ] {
            fetch(&url(), builder).await.unwrap();
            seen.recv().unwrap();
        }
    }
    let (plain, requests) = plain_endpoint();
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/t", plain.port());
        fetch(&url, builder()).await.unwrap();
        requests.recv().unwrap();
    }
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn a_proxys_password_is_sent_to_it_and_a_wrong_one_is_permanent_and_not_shown() {
    let authority = Authority::new();
    let (address, _seen) = endpoint(&authority, None);
    // "user:p4ssw0rd-of-a-test"
    let (proxy, asked) =
        proxy(address, |request| request.contains("Basic dXNlcjpwNHNzdzByZC1vZi1hLXRlc3Q="));
    let builder = |user: &str| {
        HyperTransport::builder().roots_pem(authority.pem()).proxy(format!("http://{user}@{proxy}"))
    };
    fetch(&url(), builder("user:p4ssw0rd-of-a-test")).await.unwrap();
    let wrong = builder("user:another-passw0rd");
    assert_eq!(format!("{wrong:?}"), "HyperTransportBuilder { .. }");
    let error = fetch(&url(), wrong).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("the proxy wants another user and password"), "{error}");
    assert!(!format!("{error} {error:?}").contains("another-passw0rd"));
    assert!(asked.iter().take(2).all(|request| request.contains("Proxy-Authorization: Basic ")));
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_or_does_not_answer_is_transient() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let proxied = |to: SocketAddr| HyperTransport::builder().proxy(format!("http://{to}"));
    let limit = Duration::from_millis(50);
    let error = fetch(&url(), proxied(silent).connect_timeout(limit)).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("timed out connecting (connect limit of 50ms)"), "{error}");
    drop(listener);
    let error = fetch(&url(), proxied(silent)).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_request_names_its_agent_and_has_the_headers_that_were_added() {
    let (address, requests) = plain_endpoint();
    let url = format!("http://{address}/t");
    fetch(&url, HyperTransport::builder()).await.unwrap();
    let request = requests.recv().unwrap();
    let agent = format!("user-agent: oauth-core/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(request.contains(&agent), "{request}");
    assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
    let name = HeaderName::from_static;
    let builder = HyperTransport::builder()
        .user_agent("billing/1.2")
        .header(name("x-tenant"), HeaderValue::from_static("acme"))
        .header(name("x-tenant"), HeaderValue::from_static("beta"))
        .header(name("accept"), HeaderValue::from_static("text/html"));
    fetch(&url, builder).await.unwrap();
    let request = requests.recv().unwrap();
    assert!(request.contains("user-agent: billing/1.2\r\n"), "{request}");
    assert!(request.contains("x-tenant: acme\r\nx-tenant: beta\r\n"), "{request}");
    // What the grant says itself stays.
    assert!(request.contains("accept: application/json\r\n"), "{request}");
    assert!(!request.contains("text/html"), "{request}");
}

#[tokio::test]
async fn a_version_alone_is_what_is_offered() {
    let authority = Authority::new();
    let (address, seen) = endpoint(&authority, None);
    let builder =
        || HyperTransport::builder().tcp_connector(To(address)).roots_pem(authority.pem());
    for builder in [builder(), builder().http1_only()] {
        fetch(&url(), builder).await.unwrap();
        assert_eq!(seen.recv().unwrap().protocol.as_deref(), Some(&b"http/1.1"[..]));
    }
    // The server has HTTP/1.1 alone.
    let error = fetch(&url(), builder().http2_only()).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    assert!(error.hint().unwrap().contains("no TLS version, cipher suite or protocol"), "{error}");
}

#[tokio::test]
async fn a_resolver_of_the_users_own_is_asked() {
    let (address, requests) = plain_endpoint();
    let resolver =
        tower::service_fn(move |name: hyper_util::client::legacy::connect::dns::Name| {
            assert_eq!(name.as_str(), "localhost");
            std::future::ready(Ok::<_, std::io::Error>(std::iter::once(SocketAddr::from((
                [127, 0, 0, 1],
                0,
            )))))
        });
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    let url = format!("http://localhost:{}/t", address.port());
    fetch(&url, HyperTransport::builder().tcp_connector(tcp)).await.unwrap();
    requests.recv().unwrap();
}

#[tokio::test]
async fn another_client_has_the_same_roots_and_proxy_by_the_connector() {
    let authority = Authority::new();
    let (address, seen) = endpoint(&authority, None);
    let (proxy, asked) = proxy(address, |_| true);
    let transport = HyperTransport::builder()
        .roots_pem(authority.pem())
        .proxy(format!("http://{proxy}"))
        .build()
        .unwrap();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build(transport.connector());
    let body = http_body_util::Full::new(bytes::Bytes::from("client_credentials"));
    let request = http::Request::post("https://auth.example/orders").body(body).unwrap();
    assert_eq!(client.request(request).await.unwrap().status(), 200);
    assert!(seen.recv().unwrap().request.starts_with("POST /orders HTTP/1.1\r\n"));
    asked.recv().unwrap();
}

#[test]
fn what_is_wrong_is_named_when_the_transport_is_built() {
    let directory = Directory::new();
    let authority = Authority::new();
    let (certificate, _) = authority.issue("a");
    let (_, other_key) = authority.issue("b");
    let pair = certificate.pem() + &other_key.serialize_pem();
    let missing = directory.file("x", "").with_file_name("missing.pem");
    let builder = HyperTransport::builder;
    for (builder, expected) in [
        (builder().roots_file(&missing), "missing.pem` cannot be read: "),
        (
            builder().roots_file(directory.file("der", "\0\0")),
            "der` has no certificate: it must have",
        ),
        (builder().roots_pem(other_key.serialize_pem()), "`roots` the PEM text has no certificate"),
        (builder().roots_pem("-----BEGIN CERTIFICATE-----\nAA"), "the PEM text is not PEM: "),
        (
            builder().roots_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "the PEM text has a bad certificate: ",
        ),
        (builder().without_system_roots(), "`roots` are none: with `without_system_roots`"),
        (builder().identity_pem(certificate.pem()), "`identity` the PEM text has no private key"),
        (builder().identity_pem(pair), "`identity` the PEM text does not fit the certificate: "),
        (builder().identity_files(&missing, &missing), "`identity` `"),
        (builder().proxy("proxy.example:3128"), "`proxy` must be an absolute http or https URL"),
        (builder().proxy("socks5://u:hidden@proxy.example"), "`proxy` must be an absolute http"),
        (builder().proxy(""), "`proxy`"),
        (builder().no_proxy("a"), "`no_proxy` has no effect without `proxy`"),
        (builder().user_agent("a\nb"), "`user_agent` is empty or has characters"),
        (builder().user_agent(""), "`user_agent` is empty"),
        (
            builder().header(http::header::AUTHORIZATION, HeaderValue::from_static("hidden")),
            "`header` must not be `authorization`",
        ),
    ] {
        let error = builder.build().unwrap_err();
        let text = error.to_string();
        assert!(error.is_setting() && text.contains(expected), "{text}");
        assert!(!format!("{text} {error:?}").contains("hidden"), "{text}");
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}

/// In a process of its own, because the variables are the process's.
#[test]
fn the_environments_proxy_counts_only_by_asking() {
    const CHILD: &str = "OAUTH_CORE_TEST_CHILD";
    if let Ok(root) = std::env::var(CHILD) {
        let run = |builder: HyperTransportBuilder| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(fetch(&url(), builder.roots_file(&root)))
        };
        run(HyperTransport::builder().proxy_from_env()).unwrap();
        run(HyperTransport::builder()).unwrap_err();
        return;
    }
    let authority = Authority::new();
    let (address, _seen) = endpoint(&authority, None);
    let (proxy, asked) = proxy(address, |_| true);
    let directory = Directory::new();
    for (no_proxy, requests) in [("", 1), ("auth.example", 0)] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_environments_proxy_counts_only_by_asking"])
            .env_remove("https_proxy")
            .env_remove("no_proxy")
            .env("HTTPS_PROXY", format!("http://{proxy}"))
            .env("NO_PROXY", no_proxy)
            .env(CHILD, directory.file("ca.pem", &authority.pem()))
            .output()
            .unwrap();
        assert_eq!(child.status.success(), requests == 1);
        assert_eq!(asked.try_iter().count(), requests);
    }
}
