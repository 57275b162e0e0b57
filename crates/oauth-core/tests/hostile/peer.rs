//! A peer that speaks TCP and says whatever the test says.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::measured::SECRET;

/// Listens until the process ends. `answer` gets each connection after its request was read, with
/// its number.
pub(crate) fn peer(answer: impl FnMut(TcpStream, usize) + Send + 'static) -> SocketAddr {
    peer_of(SECRET, answer)
}

/// The same for another client: a request ends with its secret.
pub(crate) fn peer_of(
    secret: &'static str,
    mut answer: impl FnMut(TcpStream, usize) + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for number in 0.. {
            let (mut stream, _) = listener.accept().unwrap();
            if read_request(&mut stream, secret) {
                answer(stream, number);
            }
        }
    });
    address
}

/// Whether the whole request came: its body ends with the secret.
fn read_request(stream: &mut TcpStream, secret: &str) -> bool {
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    while !asked.ends_with(secret.as_bytes()) {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(n) => asked.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

/// A peer that sends these bytes to everyone and ends the connection in good order.
pub(crate) fn says(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = bytes.into();
    peer(move |mut stream, _| {
        // A client that has heard enough is gone.
        let _ = stream.write_all(&bytes);
    })
}

/// A peer that sends these bytes and then waits for the client to go.
pub(crate) fn says_and_waits(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = bytes.into();
    peer(move |mut stream, _| {
        let _ = stream.write_all(&bytes);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// A peer that sends `head` and then `piece` until the client goes; with a pause between the
/// pieces if there is one.
pub(crate) fn pours(head: &str, piece: Vec<u8>, pause: Duration) -> SocketAddr {
    let head = head.to_owned();
    peer(move |mut stream, _| {
        let mut result = stream.write_all(head.as_bytes());
        while result.is_ok() {
            // The pause is the misbehaviour itself; nothing waits for it to be over.
            thread::sleep(pause);
            result = stream.write_all(&piece);
        }
    })
}

/// A response of HTTP/1.1 with this status line's rest, these header lines and this body, framed
/// by its length.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", body)
}
