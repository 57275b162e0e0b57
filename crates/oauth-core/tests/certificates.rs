//! TLS handshakes that fail, against real servers on loopback: which failures another attempt mends,
//! and what the error says of the others.
#![cfg(feature = "hyper-transport")]
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_core::{ClientAuth, ClientCredentials, Error, GrantSource, HyperTransport, TokenSlot};
use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

/// What a server does with a connection.
type Handler = dyn Fn(TcpStream) + Send + Sync;

/// A server on loopback that counts its connections.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let handle: Box<Handler> = Box::new(handle);
        // One after the other: each attempt needs its response before the next one begins.
        thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                handle(stream.unwrap());
            }
        });
        Self { address, connections }
    }

    /// Ends each connection with its side of a handshake, and responds to no request.
    fn tls(config: ServerConfig) -> Self {
        let config = Arc::new(config);
        Self::start(move |mut stream| {
            let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let _ = rustls::Stream::new(&mut tls, &mut stream).read_to_end(&mut Vec::new());
            drain(stream);
        })
    }

    /// Reads a client's hello and sends these bytes.
    fn raw(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(answer).unwrap();
            drain(stream);
        })
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/t", self.address.port())
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads on after the last word, for to close with unread data would reset the connection.
fn drain(mut stream: TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn key(pair: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(pair.serialize_der()).into()
}

fn self_signed(name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let CertifiedKey { cert, key_pair } =
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    (cert.der().clone(), key(&key_pair))
}

/// Valid between these years, for `localhost`.
fn valid_between(from: i32, to: i32) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, 1, 1);
    let pair = KeyPair::generate().unwrap();
    (params.self_signed(&pair).unwrap().der().clone(), key(&pair))
}

fn server_config(
    (certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>),
) -> ServerConfig {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

fn grant(url: String) -> ClientCredentials {
    ClientCredentials::builder(ClientAuth::secret("i", "the-secret"))
        .token_url(url)
        .api_url("https://api.example")
        .build()
        .unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What the first caller of a slot gets over the default transport.
fn first_call(url: String) -> Error {
    run(async { TokenSlot::for_grant(grant(url)).unwrap().token().await.unwrap_err() })
}

/// The same over the default transport's stack, which trusts this certificate as a root.
fn first_call_trusting(
    root: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    url: String,
) -> Error {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let tls = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    let connector = HttpsConnector::from((tcp, tls));
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    run(async { TokenSlot::new(GrantSource::new(grant(url), client)).token().await.unwrap_err() })
}

#[test]
fn a_certificate_of_an_unknown_issuer_is_permanent_at_the_first_attempt_and_says_what_to_do() {
    let server = Server::tls(server_config(self_signed("localhost")));
    let error = first_call(server.url("localhost"));
    assert_eq!(server.connections(), 1);
    assert!(!error.is_transient() && !error.is_timeout() && !error.is_bad_credentials());
    let text = error.to_string();
    assert!(text.contains("invalid peer certificate: UnknownIssuer"), "{text}");
    assert!(text.contains("; hint: trust the root certificate of its issuer"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn an_expired_certificate_is_permanent_and_one_that_is_not_valid_yet_is_not() {
    let server = Server::tls(server_config(valid_between(2000, 2001)));
    let error = first_call(server.url("localhost"));
    assert_eq!((server.connections(), error.is_transient()), (1, false));
    let text = error.to_string();
    assert!(text.contains("certificate expired") && text.contains("clock"), "{text}");

    // The machine's clock may be set while it boots, and a new certificate comes of age.
    let server = Server::tls(server_config(valid_between(4000, 4001)));
    let slot = TokenSlot::for_grant(grant(server.url("localhost"))).unwrap();
    let error = run(slot.prefetch()).unwrap_err();
    assert!(error.is_transient());
    assert!(error.to_string().contains("not valid yet"), "{error}");
}

#[test]
fn a_certificate_for_another_host_is_permanent_and_names_both() {
    let certificate = self_signed("elsewhere.example");
    let root = certificate.0.clone();
    let server = Server::tls(server_config(certificate));
    let error = first_call_trusting(&root, rustls::ALL_VERSIONS, server.url("localhost"));
    assert_eq!((server.connections(), error.is_transient()), (1, false));
    let text = error.to_string();
    assert!(text.contains("not valid for name \"localhost\""), "{text}");
    assert!(text.contains("elsewhere.example"), "{text}");
    assert!(text.contains("; hint: the token URL must name a host"), "{text}");
}

#[test]
fn a_server_that_wants_a_client_certificate_is_permanent() {
    let (certificate, key) = self_signed("localhost");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots.into(), provider()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let server = Server::tls(config);
    let error = first_call_trusting(&certificate, rustls::ALL_VERSIONS, server.url("localhost"));
    assert_eq!((server.connections(), error.is_transient()), (1, false));
    let text = error.to_string();
    assert!(text.contains("fatal alert: CertificateRequired"), "{text}");
    assert!(text.contains("client certificate"), "{text}");
}

#[test]
fn a_server_of_another_tls_version_is_permanent() {
    let (certificate, key) = self_signed("localhost");
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let server = Server::tls(config);
    let only = [&rustls::version::TLS13];
    let error = first_call_trusting(&certificate, &only, server.url("localhost"));
    assert_eq!((server.connections(), error.is_transient()), (1, false));
    assert!(error.to_string().contains("; hint: the client and the server have no"), "{error}");
}

/// A fatal alert as a TLS record, before any key is agreed on.
const fn alert(description: u8) -> [u8; 7] {
    [0x15, 3, 3, 0, 2, 2, description]
}

#[test]
fn an_alert_that_refuses_the_client_is_permanent() {
    const HANDSHAKE_FAILURE: [u8; 7] = alert(40);
    const UNRECOGNISED_NAME: [u8; 7] = alert(112);
    for answer in [&HANDSHAKE_FAILURE, &UNRECOGNISED_NAME] {
        let server = Server::raw(answer);
        let error = first_call(server.url("localhost"));
        assert_eq!((server.connections(), error.is_transient()), (1, false), "{error}");
        assert!(error.to_string().contains("received fatal alert: "), "{error}");
    }
}

#[test]
fn what_a_later_attempt_may_mend_stays_transient() {
    const INTERNAL_ERROR: [u8; 7] = alert(80);
    for answer in [
        // The server is in trouble, or went away in the middle of the handshake.
        &INTERNAL_ERROR[..],
        b"",
        b"\x16\x03\x03",
        // No TLS at all: what stands in for a server that is starting speaks so, too.
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
    ] {
        let server = Server::raw(answer);
        let transport = HyperTransport::new().unwrap();
        let slot = TokenSlot::new(GrantSource::new(grant(server.url("localhost")), transport));
        let error = run(slot.prefetch()).unwrap_err();
        assert!(error.is_transient(), "{answer:?}: {error:?}");
        assert!(error.to_string().contains("could not be reached"), "{error}");
        assert_eq!(server.connections(), 1);
    }
}
