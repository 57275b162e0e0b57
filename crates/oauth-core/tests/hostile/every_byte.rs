//! A response that breaks off, at each of its bytes in turn.

use std::io::Write as _;
use std::time::Duration;

use socket2::SockRef;

use crate::measured::{LONG, assert_typed, fetch};
use crate::peer::peer;

const BODY: &str = r#"{"access_token":"abc","token_type":"Bearer","expires_in":60}"#;

#[derive(Clone, Copy, PartialEq)]
enum End {
    /// In good order: FIN.
    Closed,
    /// RST, as from a process that was killed or a firewall.
    Reset,
}

/// The same response in the three ways in which HTTP/1.1 frames one.
fn answers() -> [String; 3] {
    let length = BODY.len();
    [
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{BODY}"),
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{BODY}\r\n0\r\n\r\n"
        ),
        format!("HTTP/1.0 200 OK\r\n\r\n{BODY}"),
    ]
}

fn cut_at_every_byte(end: End) {
    for whole in answers() {
        let sent = whole.clone().into_bytes();
        let address = peer(move |mut stream, number| {
            // The client may be gone already when the last byte is not needed.
            let _ = stream.write_all(&sent[..number.min(sent.len())]);
            if end == End::Reset {
                let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
        });
        for cut in 0..=whole.len() {
            let result = fetch(address, LONG);
            if cut < whole.len() {
                let error = result.expect_err("a token out of a part of an answer");
                assert_typed(&error);
                assert!(!error.is_timeout(), "{cut}: {error:?}");
            } else {
                match (end, result) {
                    (_, Ok(token)) => assert_eq!(token.expose_secret(), "abc"),
                    // Whether the bytes before a reset are still read is the system's choice.
                    (End::Reset, Err(error)) => assert!(error.is_transient(), "{error:?}"),
                    (End::Closed, Err(error)) => panic!("{error:?}"),
                }
            }
        }
    }
}

#[test]
fn a_response_that_ends_at_any_byte_is_an_error_and_never_a_token() {
    cut_at_every_byte(End::Closed);
}

#[test]
fn a_response_that_is_reset_at_any_byte_is_an_error_and_never_a_token() {
    cut_at_every_byte(End::Reset);
}
