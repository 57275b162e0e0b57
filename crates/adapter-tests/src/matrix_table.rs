//! Every shape of a body, every moment of a 401, and what comes of it: one table for both adapters and
//! for both versions of HTTP. Where the body stands when the 401 comes is definite: it goes on only
//! when the response has been there for everyone to see.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use oauth_core::{Changes, NotReplayed, Outcome};
use oauth_testkit::{ProtectedApi, RecordedRequest};
use sha2::{Digest, Sha256};

use crate::gated::{Gate, Gated};

/// Not the default, so that it is not one of the sizes by chance.
pub const CAP: usize = 96 * 1024;

/// What the trailers of this table count towards the cap: 32 bytes, and for their one field 32 more
/// beside its name and its value.
const TRAILERS: usize = 32 + 32 + "x-checksum".len() + "17".len();

const K64: usize = 64 * 1024;
const LARGE: usize = 10 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Of known length; without any bytes it is not a body at all.
    Announced(usize),
    /// Streams, and its length is unknown; without any bytes it is a body that turns out empty.
    Streamed(usize),
    /// Streams, and trailers follow.
    Trailers(usize),
}

use Shape::{Announced, Streamed, Trailers};

/// When the server refuses the request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    /// On the head. Nothing of the body is sent yet.
    Before,
    /// When it has read half of the body, rounded up. The rest is not sent yet, be it only the end.
    During,
    /// When it has read everything.
    After,
}

pub const REFUSALS: [Refusal; 3] = [Refusal::Before, Refusal::During, Refusal::After];

/// How often the request goes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sends {
    /// Replayed: 2 requests, 2 tokens, 200, and the second send is whole.
    Twice,
    /// `BodyTooLarge`: 1 request, 2 tokens (the second one is for the next request), and the 401 is
    /// the one that the bare client gets.
    Once,
}

use Sends::{Once, Twice};

/// What was not pulled from a body when the 401 came needs no keeping, so that a streamed body of any
/// length is sent again if at most the cap was pulled. One that announces more than the cap is never
/// kept. (No cell differs by the version of HTTP or by the adapter: with the body standing still,
/// nothing is on its way into a connection that the server closes.)
pub const TABLE: [(Shape, [Sends; 3]); 16] = [
    //                            before  during after
    (Announced(0), /*          */ [Twice, Twice, Twice]),
    (Announced(1), /*          */ [Twice, Twice, Twice]),
    (Announced(K64), /*        */ [Twice, Twice, Twice]),
    (Announced(CAP), /*        */ [Twice, Twice, Twice]),
    (Announced(CAP + 1), /*    */ [Once, Once, Once]),
    (Announced(LARGE), /*      */ [Once, Once, Once]),
    (Streamed(0), /*           */ [Twice, Twice, Twice]),
    (Streamed(1), /*           */ [Twice, Twice, Twice]),
    (Streamed(K64), /*         */ [Twice, Twice, Twice]),
    (Streamed(CAP), /*         */ [Twice, Twice, Twice]),
    (Streamed(CAP + 1), /*     */ [Twice, Twice, Once]),
    (Streamed(LARGE), /*       */ [Twice, Once, Once]),
    (Trailers(1), /*           */ [Twice, Twice, Twice]),
    (Trailers(K64), /*         */ [Twice, Twice, Twice]),
    (Trailers(CAP - TRAILERS), /**/ [Twice, Twice, Twice]),
    (Trailers(CAP - TRAILERS + 1), [Twice, Twice, Once]),
];

#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub shape: Shape,
    pub refusal: Refusal,
    pub sends: Sends,
}

/// The whole table.
pub fn cells() -> impl Iterator<Item = Cell> {
    TABLE.into_iter().flat_map(|(shape, row)| {
        REFUSALS.into_iter().zip(row).map(move |(refusal, sends)| Cell { shape, refusal, sends })
    })
}

/// Bytes that differ from place to place, the same at each start.
pub fn bytes(length: usize) -> Bytes {
    static BYTES: LazyLock<Bytes> =
        LazyLock::new(|| (0..LARGE).map(|i| (i * 31 % 251) as u8).collect());
    BYTES.slice(..length)
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Cell {
    pub fn data(&self) -> Bytes {
        let (Announced(length) | Streamed(length) | Trailers(length)) = self.shape;
        bytes(length)
    }

    fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        if let Trailers(_) = self.shape {
            trailers.insert("x-checksum", HeaderValue::from_static("17"));
        }
        trailers
    }

    /// The header without which hyper sends no trailers over HTTP/1.1.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Trailers(_) = self.shape {
            headers.insert("trailer", HeaderValue::from_static("x-checksum"));
        }
        headers
    }

    fn read_by_then(&self) -> usize {
        let length = self.data().len();
        match self.refusal {
            Refusal::Before => 0,
            Refusal::During => length.div_ceil(2),
            Refusal::After => length,
        }
    }

    /// Sets when the server responds.
    pub fn prepare(&self, api: &ProtectedApi) {
        if self.refusal != Refusal::After {
            api.respond_after(self.read_by_then() as u64);
        }
    }

    pub fn body(&self) -> (Gated, Option<Gate>) {
        let mut body = Gated::new(self.data());
        match self.shape {
            Announced(0) => return (body.announced(), None),
            Announced(_) => body = body.announced(),
            Streamed(_) => {}
            Trailers(_) => body = body.trailers(self.trailers()),
        }
        if self.refusal == Refusal::After {
            return (body, None);
        }
        let (body, gate) = body.gated(self.read_by_then());
        (body, Some(gate))
    }

    /// What the caller and the servers saw.
    pub fn assert(&self, status: u16, outcome: &Outcome, api: &ProtectedApi, tokens: u64) {
        let log = api.request_log();
        let tell = format!("{self:?}: {status}, {outcome:?}, {} requests", log.len());
        match self.sends {
            Twice => {
                assert!(matches!(outcome, Outcome::Replayed), "{tell}");
                assert_eq!(
                    (status, api.requests(), api.refused(), tokens),
                    (200, 2, 1, 2),
                    "{tell}"
                );
                self.assert_whole(&log[1]);
                self.assert_same_headers(&log[0], &log[1]);
            }
            Once => {
                let reason = NotReplayed::BodyTooLarge;
                assert!(matches!(outcome, Outcome::NotReplayed(r) if *r == reason), "{tell}");
                assert_eq!(
                    (status, api.requests(), api.refused(), tokens),
                    (401, 1, 1, 2),
                    "{tell}"
                );
            }
        }
        if self.refusal == Refusal::After {
            return self.assert_whole(&log[0]);
        }
        let (first, sent) = (&log[0], self.data().slice(..self.read_by_then()));
        assert_eq!(first.body_length(), sent.len() as u64, "{tell}");
        assert_eq!(first.body_sha256(), sha256(&sent), "{tell}");
        assert!(!first.is_complete(), "{tell}");
    }

    fn assert_whole(&self, seen: &RecordedRequest) {
        let sent = self.data();
        assert_eq!(seen.body_length(), sent.len() as u64, "{self:?}");
        assert_eq!(seen.body_sha256(), sha256(&sent), "{self:?}");
        assert_eq!(seen.trailers(), self.trailers(), "{self:?}");
        assert!(seen.is_complete(), "{self:?}");
    }

    /// All but the token, and with them what frames the body.
    fn assert_same_headers(&self, first: &RecordedRequest, second: &RecordedRequest) {
        let (mut first, mut second) = (first.headers().clone(), second.headers().clone());
        assert!(first.remove("authorization").is_some(), "{self:?}");
        assert!(second.remove("authorization").is_some(), "{self:?}");
        if (self.shape, self.refusal) == (Streamed(0), Refusal::After) {
            // The stream turned out empty with the first send, so that the second one has no body
            // where the first one had one of unknown size: it is not chunked over HTTP/1.1, and over
            // HTTP/2 it says that there is nothing.
            let framing = [first.remove("transfer-encoding"), second.remove("content-length")];
            let framing = framing.each_ref().map(|value| value.as_ref().map(HeaderValue::as_bytes));
            let expected = [[Some(&b"chunked"[..]), None], [None, Some(&b"0"[..])]];
            assert!(expected.contains(&framing), "{self:?}: {framing:?}");
        }
        assert_eq!(first, second, "{self:?}");
    }
}

/// The refresh in the background of a token whose request is not sent again. The limit is there for one
/// that was lost: it says so, where the test would hang.
pub async fn renewed(changes: &mut Changes, cell: Cell) {
    let changed = tokio::time::timeout(Duration::from_secs(10), changes.changed()).await;
    changed.unwrap_or_else(|_| panic!("{cell:?}: the token was not refreshed")).unwrap();
}

/// Runs the call; opens the gate when the second send is under way, or when the call has its response.
pub async fn opened_by_the_second_send<T>(
    api: &ProtectedApi,
    gate: Option<Gate>,
    call: impl Future<Output = T>,
) -> T {
    let second_send = async {
        while api.requests() < 2 {
            tokio::task::yield_now().await;
        }
    };
    let mut call = std::pin::pin!(call);
    tokio::select! {
        biased;
        answer = &mut call => answer,
        () = second_send => {
            drop(gate);
            call.await
        }
    }
}
