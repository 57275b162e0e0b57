//! Heads and bodies without end or with a wrong length, and responses that trickle.

use std::time::Duration;

use crate::measured::{LONG, SHORT, assert_typed, fetch};
use crate::peer::{answer, ok, pours, says, says_and_waits};

const NO_PAUSE: Duration = Duration::ZERO;
const TOKEN: &str = r#"{"access_token":"abc","expires_in":60}"#;

#[test]
fn a_header_value_without_end_is_a_broken_connection() {
    let error =
        fetch(pours("HTTP/1.1 200 OK\r\nx: ", vec![b'a'; 16 * 1024], NO_PAUSE), LONG).unwrap_err();
    assert_typed(&error);
    assert!(error.is_transient() && !error.is_timeout(), "{error:?}");
}

#[test]
fn header_lines_without_end_are_a_broken_connection() {
    let lines = "a: b\r\n".repeat(2000).into_bytes();
    let error = fetch(pours("HTTP/1.1 200 OK\r\n", lines, NO_PAUSE), LONG).unwrap_err();
    assert_typed(&error);
    assert!(error.is_transient() && !error.is_timeout(), "{error:?}");
}

#[test]
fn a_body_without_end_meets_the_cap() {
    let chunk = [b"4000\r\n".as_slice(), &[b' '; 0x4000], b"\r\n"].concat();
    for (head, piece) in [
        ("HTTP/1.1 200 OK\r\n\r\n", vec![b' '; 16 * 1024]),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk),
    ] {
        let error = fetch(pours(head, piece, NO_PAUSE), LONG).unwrap_err();
        assert_typed(&error);
        assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
        assert_eq!(error.status().map(|s| s.as_u16()), Some(200));
    }
}

#[test]
fn the_trailers_and_chunk_extensions_of_a_body_do_not_grow_without_end() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let extensions = pours(&format!("{head}1;"), vec![b'a'; 16 * 1024], NO_PAUSE);
    let trailers = pours(&format!("{head}0\r\n"), "a: b\r\n".repeat(2000).into_bytes(), NO_PAUSE);
    for address in [extensions, trailers] {
        let error = fetch(address, LONG).unwrap_err();
        assert_typed(&error);
        assert!(error.is_transient() && !error.is_timeout(), "{error:?}");
    }
}

#[test]
fn interim_responses_without_end_meet_the_time_limit_or_a_limit_of_their_own() {
    let interim = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(100);
    let error = fetch(pours("", interim, NO_PAUSE), SHORT).unwrap_err();
    assert_typed(&error);
    assert!(error.is_transient(), "{error:?}");
}

#[test]
fn a_response_that_drips_byte_by_byte_meets_the_time_limit() {
    let pause = Duration::from_millis(1);
    for head in ["HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"] {
        let error = fetch(pours(head, vec![b' '], pause), SHORT).unwrap_err();
        assert_typed(&error);
        assert!(error.is_timeout() && error.is_transient(), "{error:?}");
    }
}

#[test]
fn silence_after_the_request_meets_the_time_limit() {
    let error = fetch(says_and_waits(""), SHORT).unwrap_err();
    assert_typed(&error);
    assert!(error.is_timeout() && error.is_transient(), "{error:?}");
}

fn framed(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n{TOKEN}").into_bytes()
}

#[test]
fn a_content_length_that_is_too_short_cuts_the_response() {
    let error = fetch(says(framed("content-length: 10\r\n")), LONG).unwrap_err();
    assert_typed(&error);
    assert!(!error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("ends too early"), "{error}");
}

#[test]
fn a_content_length_that_is_too_long_is_a_broken_connection_or_a_time_out() {
    let bytes = framed("content-length: 1000\r\n");
    let ended = fetch(says(bytes.clone()), LONG).unwrap_err();
    assert_typed(&ended);
    assert!(ended.is_transient() && !ended.is_timeout(), "{ended:?}");
    let waiting = fetch(says_and_waits(bytes), SHORT).unwrap_err();
    assert_typed(&waiting);
    assert!(waiting.is_timeout(), "{waiting:?}");
}

#[test]
fn a_content_length_over_the_cap_is_refused_before_the_body_is_read() {
    // Over it by one, and over what fits into anything: hyper refuses that by itself.
    for (length, transient) in [("1048577", false), ("1000000000000", false)] {
        let bytes = framed(&format!("content-length: {length}\r\n"));
        let error = fetch(says_and_waits(bytes), LONG).unwrap_err();
        assert_typed(&error);
        assert_eq!(error.is_transient(), transient, "{error:?}");
        assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    }
}

#[test]
fn lengths_that_are_invalid_or_contradict_each_other_are_a_broken_connection() {
    for lines in [
        "content-length: -1\r\n",
        "content-length: 38\r\ncontent-length: 39\r\n",
        "content-length: 38, 39\r\n",
        "content-length: 0x26\r\n",
        "content-length: +38\r\n",
        "content-length: 99999999999999999999999999\r\n",
        "content-length:\r\n",
    ] {
        let error = fetch(says(framed(lines)), LONG).unwrap_err();
        assert_typed(&error);
        assert!(error.is_transient() && !error.is_timeout(), "{lines}: {error:?}");
    }
}

#[test]
fn what_is_not_http_is_a_broken_connection() {
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx\0y: z\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let error = fetch(says(bytes), LONG).unwrap_err();
        assert_typed(&error);
        assert!(error.is_transient() && !error.is_timeout(), "{bytes:?}: {error:?}");
    }
}

#[test]
fn an_encoded_response_is_a_clear_error_and_is_not_unpacked() {
    // The default transport asks for nothing but plain and unpacks nothing: there is no bomb.
    for encoding in ["gzip", "br", "zstd", "deflate, gzip"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let body = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
        let error = fetch(says(answer("200 OK", &headers, body)), LONG).unwrap_err();
        assert_typed(&error);
        let told = format!("the response is encoded (`{encoding}`)");
        assert!(error.to_string().contains(&told), "{error}");
    }
    fetch(says(answer("200 OK", "content-encoding: identity\r\n", TOKEN)), LONG).unwrap();
    fetch(says(ok(TOKEN)), LONG).unwrap();
}
