//! Whatever the chunks, the cap, the trailers and the moment of the response: the second send has
//! exactly the original bytes and trailers, or there is none and the reason is recorded.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use oauth_core::{BoxError, NotReplayed, Outcome, ReplayBody};
use oauth_tower::{Buffered, OAuthLayer};
use proptest::prelude::*;
use tower::{Layer, ServiceExt};

use crate::scripted::{Streamed, full, post, read};
use oauth_adapter_tests::issuer::{API, Issuer, settle};

#[derive(Clone, Debug)]
struct Case {
    chunks: Vec<Vec<u8>>,
    trailers: bool,
    /// The chunk at which the body fails, if it does.
    torn_at: Option<usize>,
    cap: usize,
    /// Frames that the first send reads before the 401; none: all.
    read_before: Option<usize>,
    /// What becomes of the rest of the first body: read on beside the second send, or dropped.
    reads_on: bool,
    refresh_fails: bool,
    gives_up: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
        any::<bool>(),
        prop::option::weighted(0.2, 0usize..8),
        0usize..200,
        prop::option::of(0usize..9),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(chunks, trailers, torn_at, cap, read_before, reads_on, fails, gives_up)| Case {
                chunks,
                trailers,
                torn_at,
                cap,
                read_before,
                reads_on,
                refresh_fails: fails,
                gives_up,
            },
        )
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("17"));
    trailers
}

impl Case {
    fn body(&self) -> Streamed {
        let mut frames: Vec<Result<_, BoxError>> = Vec::new();
        for (i, chunk) in self.chunks.iter().enumerate() {
            if self.torn_at == Some(i) {
                frames.push(Err("torn".into()));
                break;
            }
            frames.push(Ok(Frame::data(Bytes::from(chunk.clone()))));
        }
        if self.trailers && !self.is_torn() {
            frames.push(Ok(Frame::trailers(trailers())));
        }
        StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
    }

    fn is_torn(&self) -> bool {
        self.torn_at.is_some_and(|at| at < self.chunks.len())
    }

    fn whole(&self) -> (Vec<u8>, Option<HeaderMap>) {
        (self.chunks.concat(), self.trailers.then(trailers))
    }
}

/// What a send saw: its bytes, its trailers, whether it ended well.
type Sent = (Bytes, Option<HeaderMap>, bool);

async fn run(case: Case) -> Result<(), TestCaseError> {
    let issuer = Issuer::new();
    let slot = issuer.ready_slot().await;
    if case.refresh_fails {
        issuer.fail();
    }
    let second = Arc::new(Mutex::new(None::<Sent>));
    let first = Arc::new(Mutex::new(None::<Sent>));
    let (case2, noted_second, noted_first) = (case.clone(), second.clone(), first.clone());
    let inner = tower::service_fn(move |request: Request<ReplayBody<Streamed>>| {
        let (case, second, first) = (case2.clone(), noted_second.clone(), noted_first.clone());
        async move {
            let is_first = request.headers()["authorization"] == "Bearer t1";
            let mut body = request.into_body();
            if !is_first {
                let sent = read(body).await;
                *second.lock().unwrap() = Some(sent);
                return Ok::<_, BoxError>(Response::new(full("welcome")));
            }
            let mut data = Vec::new();
            let mut seen_trailers = None;
            let mut complete = None;
            for _ in 0..case.read_before.unwrap_or(usize::MAX) {
                match body.frame().await {
                    None => complete = Some(true),
                    Some(Err(_)) => complete = Some(false),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(chunk) => data.extend_from_slice(&chunk),
                        Err(frame) => seen_trailers = frame.into_trailers().ok(),
                    },
                }
                if complete.is_some() {
                    break;
                }
            }
            if complete.is_none() && case.reads_on {
                // As a connection's task does.
                tokio::spawn(async move {
                    let (rest, rest_trailers, complete) = read(body).await;
                    data.extend_from_slice(&rest);
                    let trailers = seen_trailers.or(rest_trailers);
                    *first.lock().unwrap() = Some((data.into(), trailers, complete));
                });
            } else {
                let complete = complete.unwrap_or(false);
                *first.lock().unwrap() = Some((data.into(), seen_trailers, complete));
            }
            let response: Response<Full<Bytes>> =
                Response::builder().status(401).body(full("no")).unwrap();
            Ok(response)
        }
    });
    let layer = OAuthLayer::new(slot).replay(Buffered::new().cap(case.cap));
    let call = layer.layer(inner).oneshot(post(API, case.body()));
    let (data, expected_trailers) = case.whole();
    if case.gives_up {
        let mut call = tokio_test::task::spawn(call);
        let _ = call.poll();
        drop(call);
        settle().await;
        // The first body goes on and ends as it would have.
        if let (Some(sent), true, false) = (&*first.lock().unwrap(), case.reads_on, case.is_torn())
        {
            prop_assert_eq!(sent, &(data.into(), expected_trailers, true));
        }
        return Ok(());
    }
    let response = call.await.unwrap();
    settle().await;
    let second = second.lock().unwrap().take();
    let first = first.lock().unwrap().take();
    // As the docs of `ReplayBody` count trailers: name, value, and 32 for each field and the whole.
    let weight = if case.trailers { 32 + "x-checksum".len() + "17".len() + 32 } else { 0 };
    match Outcome::of(response.extensions()) {
        Outcome::Replayed => {
            let (sent, sent_trailers, complete) = second.expect("a second send");
            // A body that was torn only after the response is torn in the second send.
            prop_assert_eq!(complete, !case.is_torn());
            if complete {
                prop_assert_eq!(sent, data.clone());
                prop_assert_eq!(sent_trailers, expected_trailers.clone());
            } else {
                prop_assert!(data.starts_with(&sent));
            }
            // The first one has no more than the whole, and looks whole only if it is.
            if let Some((sent, sent_trailers, complete)) = first {
                prop_assert!(data.starts_with(&sent));
                if complete {
                    prop_assert_eq!((sent.to_vec(), sent_trailers), (data, expected_trailers));
                }
            }
        }
        Outcome::NotReplayed(reason) => {
            prop_assert!(second.is_none());
            match reason {
                NotReplayed::BodyTooLarge => prop_assert!(data.len() + weight > case.cap),
                NotReplayed::BodyUnavailable => prop_assert!(case.is_torn()),
                other => prop_assert!(false, "{:?}", other),
            }
            if case.reads_on && !case.is_torn() {
                let whole = (data.into(), expected_trailers, true);
                prop_assert_eq!(first.expect("the first body flows on"), whole);
            }
        }
        Outcome::RefreshFailed(_) => {
            prop_assert!(case.refresh_fails && second.is_none());
            if case.reads_on && !case.is_torn() {
                let whole = (data.into(), expected_trailers, true);
                prop_assert_eq!(first.expect("the first body flows on"), whole);
            }
        }
        other => prop_assert!(false, "{:?}", other),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_second_send_is_the_first_one_again_or_there_is_none_and_the_reason_is_recorded(case in cases()) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(run(case))?;
    }
}
