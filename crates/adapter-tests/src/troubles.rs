//! What goes wrong on the way, and what the caller and the server see of it: to be the same with and
//! without us. Shared by both adapters.

use std::error::Error as StdError;
use std::pin::{Pin, pin};

use oauth_testkit::{Fault, ProtectedApi};

use crate::gated::Gated;
use crate::matrix_table::bytes;

const LENGTH: usize = 20_000;
const HALF: usize = LENGTH / 2;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// A 401 in the middle of the upload, when there is no other token to be had.
    EarlyRefusal,
    /// The server resets the connection in the middle of the upload.
    ResetInTheUpload,
    /// The upload fails at its client.
    UploadFails,
    /// The client gives up in the middle of the upload.
    GivenUp,
    /// The server goes in the middle of its response.
    AnswerBreaksOff,
    /// The same with a 401 when there is no other token to be had.
    RefusalBreaksOff,
    /// The server goes away before it has responded.
    NoAnswer,
    /// What comes is not HTTP.
    Garbage,
}

use Trouble::*;

pub const TROUBLES: [Trouble; 8] = [
    EarlyRefusal,
    ResetInTheUpload,
    UploadFails,
    GivenUp,
    AnswerBreaksOff,
    RefusalBreaksOff,
    NoAnswer,
    Garbage,
];

/// The rest of a response: its length, or its error.
pub type Rest = Pin<Box<dyn Future<Output = Result<usize, String>>>>;

/// The status and the rest, or the error.
pub type Answer = Result<(u16, Rest), String>;

/// The same when the rest has come.
pub type WholeAnswer = Result<(u16, Result<usize, String>), String>;

/// What the caller saw (nothing, if it gave up), and what the server saw.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub answer: Option<WholeAnswer>,
    pub requests: u64,
    pub read: u64,
    pub complete: bool,
    pub broken_off: bool,
}

/// The last cause: what was wrapped around it may differ.
pub fn root_of(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source()).last().unwrap().to_string()
}

/// The limit is for a test that would not end otherwise; nothing waits for it.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let watched = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, watched).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

impl Trouble {
    /// Whether a token is refused: with us, the issuer has no other one.
    pub fn refuses(self) -> bool {
        matches!(self, EarlyRefusal | RefusalBreaksOff)
    }

    fn prepare(self, api: &ProtectedApi) {
        let stalling = |status| Fault::status(status).body(vec![b'x'; 1000]).stalls_after(100);
        match self {
            EarlyRefusal => {
                api.refuse_everything(true);
                api.respond_after(HALF as u64);
            }
            ResetInTheUpload => {
                api.inject(Fault::reset());
                api.respond_after(HALF as u64);
            }
            UploadFails | GivenUp => {}
            AnswerBreaksOff => api.inject(stalling(200)),
            RefusalBreaksOff => api.inject(stalling(401)),
            NoAnswer => api.inject(Fault::reset()),
            Garbage => api.inject(Fault::garbage()),
        }
    }

    /// Sends one request with a body into the trouble.
    pub async fn meet(self, api: &ProtectedApi, send: impl AsyncFnOnce(Gated) -> Answer) -> Seen {
        self.prepare(api);
        let body = Gated::new(bytes(LENGTH));
        let (body, gate) = match self {
            EarlyRefusal | ResetInTheUpload | GivenUp => {
                let (body, gate) = body.gated(HALF);
                (body, Some(gate))
            }
            UploadFails => {
                let (body, gate) = body.failing().gated(HALF);
                (body, Some(gate))
            }
            _ => (body, None),
        };
        let half_read = || api.last_request().is_some_and(|r| r.body_length() == HALF as u64);
        let mut gate = gate;
        let mut half_sent = pin!(until("half an upload", half_read));
        let mut call = Box::pin(send(body));
        let answer = match self {
            GivenUp => tokio::select! {
                biased;
                _ = &mut call => panic!("it responded"),
                () = &mut half_sent => None,
            },
            UploadFails => tokio::select! {
                biased;
                answer = &mut call => Some(answer),
                () = &mut half_sent => {
                    drop(gate.take());
                    Some(call.as_mut().await)
                }
            },
            _ => Some(call.as_mut().await),
        };
        // Given up, if it has no response.
        drop(call);
        drop(gate);
        // What stalls breaks off now, when its head has come.
        api.clear_faults();
        let answer = match answer {
            None => None,
            Some(Err(error)) => Some(Err(error)),
            Some(Ok((status, rest))) => Some(Ok((status, rest.await))),
        };
        if matches!(self, GivenUp | UploadFails) {
            until("a broken upload", || api.last_request().is_some_and(|r| r.is_broken_off()))
                .await;
        }
        let last = api.last_request().unwrap();
        Seen {
            answer,
            requests: api.requests(),
            read: last.body_length(),
            complete: last.is_complete(),
            broken_off: last.is_broken_off(),
        }
    }

    /// What there is to see, apart from the wording of errors.
    pub fn assert(self, seen: &Seen) {
        let (complete, broken_off) = (seen.complete, seen.broken_off);
        assert_eq!(seen.requests, 1, "{self:?}: {seen:?}");
        let as_expected = match (self, &seen.answer) {
            (EarlyRefusal, Some(Ok((401, Ok(1..))))) => !complete && !broken_off,
            (ResetInTheUpload, Some(Err(_))) => !complete && seen.read == HALF as u64,
            (UploadFails, Some(Err(_))) => broken_off && seen.read >= HALF as u64,
            (GivenUp, None) => broken_off && seen.read == HALF as u64,
            (AnswerBreaksOff, Some(Ok((200, Err(_))))) => complete,
            (RefusalBreaksOff, Some(Ok((401, Err(_))))) => complete,
            (NoAnswer | Garbage, Some(Err(_))) => complete,
            _ => false,
        };
        assert!(as_expected, "{self:?}: {seen:?}");
    }
}
