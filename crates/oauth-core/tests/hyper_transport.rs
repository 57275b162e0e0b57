//! The default transport over real sockets on loopback.
#![cfg(feature = "hyper-transport")]
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;

use oauth_core::{
    ClientAuth, ClientCredentials, FetchContext, GrantSource, HyperTransport, TokenSource as _,
};

const SECRET: &str = "the-secret";
const TOKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"access_token\":\"abc\"}";

/// Answers `answers` one connection each, then goes; sends what it was asked, and the number of
/// bytes that came after it answered.
fn server(answers: &'static [&'static str]) -> (SocketAddr, mpsc::Receiver<(String, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.ends_with(SECRET.as_bytes()) && asked.first() != Some(&0x16) {
                let n = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..n]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            // To the end: the client closes what it does not pool.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            sender.send((String::from_utf8_lossy(&asked).into_owned(), rest.len())).unwrap();
        }
    });
    (address, receiver)
}

fn grant(url: String) -> ClientCredentials {
    ClientCredentials::builder(ClientAuth::secret("i", SECRET)).token_url(url).build().unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn one_source_serves_one_runtime_after_another_and_keeps_no_connection() {
    let (address, asked) = server(&[TOKEN, TOKEN]);
    // Made outside any runtime.
    let source = GrantSource::with_default_transport(grant(format!("http://{address}/t?a=b")));
    let source = source.unwrap();
    for _ in 0..2 {
        let token = run(source.fetch(FetchContext::default())).unwrap();
        assert_eq!(token.expose_secret(), "abc");
        let (request, after) = asked.recv().unwrap();
        assert!(request.starts_with("POST /t?a=b HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
        assert!(request.contains(&format!("host: {address}\r\n")), "{request}");
        assert_eq!(after, 0);
    }
}

#[test]
fn a_redirect_is_not_followed_and_asked_for_once() {
    let (address, asked) = server(&[
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n",
    ]);
    let source = GrantSource::with_default_transport(grant(format!("http://{address}/t"))).unwrap();
    let error = run(source.fetch(FetchContext::default())).unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(307));
    asked.recv().unwrap();
    asked.recv().unwrap_err();
}

#[test]
fn a_refused_connection_is_a_transient_error_with_its_cause() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let source = GrantSource::with_default_transport(grant(format!("http://{address}/t"))).unwrap();
    let error = run(source.fetch(FetchContext::default())).unwrap_err();
    assert!(error.is_transient() && !error.is_timeout());
    let mut chain = Vec::new();
    let mut next = error.source();
    while let Some(link) = next {
        chain.push(link.to_string());
        next = link.source();
    }
    assert!(chain.iter().any(|text| text.contains("refused")), "{chain:?}");
}

#[test]
fn a_server_without_tls_gets_no_secret_over_https() {
    let (address, asked) = server(&["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"]);
    let source =
        GrantSource::new(grant(format!("https://{address}/t")), HyperTransport::new().unwrap());
    let error = run(source.fetch(FetchContext::default())).unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let (hello, _) = asked.recv().unwrap();
    assert!(!hello.contains("client_secret"));
}

#[test]
fn a_certificate_of_an_unknown_issuer_ends_the_handshake_before_the_secret_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.key_pair.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .unwrap();
    let server = thread::spawn(move || {
        let mut tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut sent = Vec::new();
        let result = rustls::Stream::new(&mut tls, &mut stream).read_to_end(&mut sent);
        (sent, result.unwrap_err().to_string())
    });
    let url = format!("https://localhost:{port}/t");
    let source = GrantSource::with_default_transport(grant(url)).unwrap();
    let error = run(source.fetch(FetchContext::default())).unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    let (sent, alert) = server.join().unwrap();
    assert!(sent.is_empty());
    assert!(alert.contains("UnknownCA"), "{alert}");
}

#[test]
fn the_tls_provider_is_named_and_the_process_wide_default_left_alone() {
    let _transport = HyperTransport::new().unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[test]
fn the_transport_and_its_future_show_their_names_alone() {
    let mut transport = HyperTransport::new().unwrap();
    assert_eq!(format!("{transport:?}"), "HyperTransport { .. }");
    let request = http::Request::post("http://127.0.0.1:1/t").body(SECRET.into()).unwrap();
    let call = tower::Service::call(&mut transport, request);
    assert_eq!(format!("{call:?}"), "HyperTransportFuture { .. }");
}
