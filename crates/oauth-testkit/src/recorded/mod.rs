//! Requests as a server received them.

pub(crate) mod fields;
mod log;
mod received;

pub(crate) use log::Log;
pub(crate) use received::Received;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;

use crate::Dialect;

/// A request as a server received it.
///
/// `Debug` shows neither the body, nor the query, nor the value of a header that carries credentials.
#[derive(Clone)]
pub struct RecordedRequest {
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Bytes,
    received: Received,
}

impl RecordedRequest {
    /// A request whose body was read and is kept.
    pub(crate) fn new(parts: &Parts, body: Bytes) -> Self {
        let received = Received::whole(&body);
        Self { body, ..Self::streaming(parts, received) }
    }

    /// A request whose body streams in, and is not kept.
    pub(crate) fn streaming(parts: &Parts, received: Received) -> Self {
        let mut headers = parts.headers.clone();
        for (name, value) in &mut headers {
            if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name) {
                value.set_sensitive(true);
            }
        }
        Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers,
            body: Bytes::new(),
            received,
        }
    }

    /// The method, as sent.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, still percent-encoded, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Every header.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body. Empty for a request to a [`ProtectedApi`](crate::ProtectedApi), which keeps none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    pub fn body_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// How many bytes of the body the server has read by now.
    pub fn body_length(&self) -> u64 {
        self.received.length()
    }

    /// The SHA-256 (hex) of what the server has read of the body by now.
    pub fn body_sha256(&self) -> String {
        self.received.sha256()
    }

    /// The trailers after the body; none if there were none, or the server has not read that far.
    pub fn trailers(&self) -> HeaderMap {
        self.received.trailers()
    }

    /// Whether the server has read the body to its end.
    pub fn is_complete(&self) -> bool {
        self.received.is_complete()
    }

    /// Whether the client gave the request up, or the connection broke, while the server read the body.
    pub fn is_broken_off(&self) -> bool {
        self.received.is_broken_off()
    }

    /// The fields of the body in the order in which they were sent, duplicates included; empty if the body is
    /// neither a form nor a JSON object, by its content type.
    pub fn fields(&self) -> Vec<(String, String)> {
        let media_type = self.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let dialect = [Dialect::Oleria, Dialect::Apiera]
            .into_iter()
            .find(|dialect| media_type.eq_ignore_ascii_case(dialect.content_type()));
        dialect.and_then(|dialect| fields::parse(dialect, &self.body)).unwrap_or_default()
    }

    /// The first field of that name.
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("has_query", &self.query.is_some())
            .field("headers", &self.headers)
            .field("body_length", &self.body_length())
            .finish_non_exhaustive()
    }
}
