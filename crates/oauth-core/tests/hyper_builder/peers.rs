//! A token endpoint of a private CA, and a proxy before it, on loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

pub(crate) const HOST: &str = "auth.example";
const BODY: &str = r#"{"access_token":"abc","token_type":"Bearer","expires_in":60}"#;

/// A certificate authority.
pub(crate) struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // Authorities of the same name are taken for one with a bad signature.
        let name: String = key.public_key_raw()[..8].iter().map(|b| format!("{b:x}")).collect();
        params.distinguished_name.push(DnType::CommonName, name);
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate and its key, for this name.
    pub(crate) fn issue(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.certificate, &self.key).unwrap(), key)
    }
}

/// What a token endpoint saw of one connection.
pub(crate) struct Seen {
    pub(crate) request: String,
    pub(crate) protocol: Option<Vec<u8>>,
    pub(crate) client_certificate: bool,
}

/// A token endpoint over TLS for `auth.example`. With `clients` it wants a certificate of theirs.
pub(crate) fn endpoint(
    authority: &Authority,
    clients: Option<&Authority>,
) -> (SocketAddr, Receiver<Seen>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (certificate, key) = authority.issue(HOST);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.certificate.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let (sender, receiver) = channel();
    let address = serve(move |stream| {
        let tls = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        let Some(request) = respond(&mut stream) else { return };
        let protocol = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
        let client_certificate = stream.conn.peer_certificates().is_some();
        let _ = sender.send(Seen { request, protocol, client_certificate });
    });
    (address, receiver)
}

/// The same without TLS.
pub(crate) fn plain_endpoint() -> (SocketAddr, Receiver<String>) {
    let (sender, receiver) = channel();
    let address = serve(move |mut stream| {
        if let Some(request) = respond(&mut stream) {
            let _ = sender.send(request);
        }
    });
    (address, receiver)
}

/// A proxy that leads whatever is asked for to this address, if `allows` lets the request pass; what it was
/// asked.
pub(crate) fn proxy(
    to: SocketAddr,
    allows: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> (SocketAddr, Receiver<String>) {
    let (sender, receiver): (Sender<String>, _) = channel();
    let address = serve(move |mut stream| {
        let Some(request) = read_until(&mut stream, |text| text.ends_with("\r\n\r\n")) else {
            return;
        };
        let passes = allows(&request);
        sender.send(request).unwrap();
        if !passes {
            let refusal =
                b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(refusal).unwrap();
            return;
        }
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let upstream = TcpStream::connect(to).unwrap();
        let (mut from, mut into) = (stream.try_clone().unwrap(), upstream.try_clone().unwrap());
        let forth = thread::spawn(move || std::io::copy(&mut from, &mut into));
        let _ = std::io::copy(&mut &upstream, &mut &stream);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let _ = forth.join();
    });
    (address, receiver)
}

/// Each connection is served on a thread of its own.
fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (handle, stream) = (handle.clone(), stream.unwrap());
            thread::spawn(move || handle(stream));
        }
    });
    address
}

/// Reads one request and grants it a token.
fn respond(stream: &mut (impl Read + Write)) -> Option<String> {
    let request = read_until(stream, has_whole_body)?;
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", BODY.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(BODY.as_bytes()).ok()?;
    stream.flush().ok()?;
    Some(request)
}

fn has_whole_body(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| length.parse() == Ok(body.len()))
}

fn read_until(stream: &mut impl Read, is_whole: impl Fn(&str) -> bool) -> Option<String> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        read.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&read);
        if is_whole(&text) {
            return Some(text.into_owned());
        }
    }
}

/// A directory that is gone with the test.
pub(crate) struct Directory(std::path::PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let mut number = NUMBER.lock().unwrap();
        *number += 1;
        let name = format!("oauth-core-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> std::path::PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
