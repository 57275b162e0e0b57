//! A client small enough to send what a real one would not: one request a connection, as text.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io;
use std::net::SocketAddr;

use oauth_testkit::{AuthServer, Dialect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "content-type: application/json";

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The value of a string member, however deep: enough for tokens.
    pub(crate) fn member(&self, name: &str) -> String {
        let body = self.body.replace('\\', "");
        let (_, rest) = body.split_once(&format!("\"{name}\":\"")).expect(name);
        rest.split('"').next().unwrap().to_owned()
    }
}

pub(crate) async fn send(
    addr: SocketAddr,
    start: &str,
    headers: &[&str],
    body: impl AsRef<[u8]>,
) -> io::Result<Answer> {
    let body = body.as_ref();
    let mut text = format!("{start} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(&[text.as_bytes(), body].concat()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    parse(&answer).ok_or_else(|| io::Error::other("not HTTP"))
}

pub(crate) fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub(crate) fn token_path(auth: &AuthServer) -> String {
    let url = auth.token_url();
    url.strip_prefix(&format!("http://{}", auth.addr())).unwrap().to_owned()
}

/// The fields that the dialect wants, in its order, with the right values.
pub(crate) fn good_fields(auth: &AuthServer) -> Vec<(String, String)> {
    let value = |name: &str| match name {
        "grant_type" => "client_credentials".to_owned(),
        "client_id" => auth.client_id(),
        "client_secret" => auth.client_secret(),
        "scope" => auth.scope(),
        "audience" => auth.audience(),
        _ => auth.organization(),
    };
    auth.dialect().fields().iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

pub(crate) fn encode(dialect: Dialect, fields: &[(String, String)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pair = |(name, value): &(String, String)| match dialect {
        Dialect::Apiera => format!("\"{name}\":\"{value}\""),
        _ => format!("{}={}", escape(name), escape(value)),
    };
    let pairs: Vec<String> = fields.iter().map(pair).collect();
    match dialect {
        Dialect::Apiera => format!("{{{}}}", pairs.join(",")),
        _ => pairs.join("&"),
    }
}

pub(crate) fn headers(dialect: Dialect) -> Vec<&'static str> {
    match dialect {
        Dialect::Apiera => vec![JSON],
        Dialect::Fuuffy => vec![FORM, "accept: application/json"],
        _ => vec![FORM],
    }
}

/// A token request with these fields.
pub(crate) async fn ask_with(auth: &AuthServer, fields: &[(String, String)]) -> Answer {
    let start = format!("POST {}", token_path(auth));
    let dialect = auth.dialect();
    send(auth.addr(), &start, &headers(dialect), &encode(dialect, fields)).await.unwrap()
}

/// A token request in order.
pub(crate) async fn ask(auth: &AuthServer) -> Answer {
    ask_with(auth, &good_fields(auth)).await
}

/// A token request with one field changed (or, with `None`, left out).
pub(crate) async fn ask_but(auth: &AuthServer, name: &str, value: Option<&str>) -> Answer {
    let mut fields = good_fields(auth);
    match value {
        None => fields.retain(|(known, _)| known != name),
        Some(value) => {
            fields.iter_mut().filter(|(known, _)| known == name).for_each(|field| {
                field.1 = value.to_owned();
            });
        }
    }
    ask_with(auth, &fields).await
}

pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

/// A fixture with its token replaced.
pub(crate) fn with_token(fixture: &str, token: &str) -> String {
    let fixture = fixture.trim_end();
    let plain = fixture.replace('\\', "");
    let (_, rest) = plain.split_once("\"access_token\":\"").unwrap();
    fixture.replace(rest.split('"').next().unwrap(), token)
}
