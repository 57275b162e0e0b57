//! The strategies on their own: what the first send gets, what the second, and what they show.

use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};

use super::*;

type Streamed = UnsyncBoxBody<Bytes, BoxError>;

/// A body of these chunks, whose size no one knows.
fn streamed(chunks: &[&'static str]) -> Streamed {
    let frames = chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))));
    let frames: Vec<_> = frames.collect();
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

fn full(text: &'static str) -> Full<Bytes> {
    Full::new(Bytes::from_static(text.as_bytes()))
}

async fn read<B>(body: B) -> Bytes
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    body.collect().await.unwrap().to_bytes()
}

fn boxed(body: ReplayBody<Streamed>) -> Streamed {
    body.map_err(BoxError::from).boxed_unsync()
}

#[tokio::test]
async fn a_request_that_is_sent_once_stays_as_it_is() {
    fn request(body: Full<Bytes>) -> Request<Full<Bytes>> {
        Request::put("https://api.test/one").header("x-a", "1").body(body).unwrap()
    }
    async fn check<B>(passed: Request<B>)
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        assert_eq!((passed.method().as_str(), passed.uri().path()), ("PUT", "/one"));
        assert_eq!(passed.headers()["x-a"], "1");
        assert_eq!(read(passed.into_body()).await, "text");
    }
    check(Buffered::new().pass(request(full("text")))).await;
    check(CloneBody.pass(request(full("text")))).await;
    check(NoReplay.pass(request(full("text")))).await;
    let into_body = Buffered::into_body(boxed);
    check(into_body.pass(request(full("")).map(|_| streamed(&["te", "xt"])))).await;
}

#[tokio::test]
async fn the_second_body_is_as_the_first() {
    let (first, handle) = Buffered::new().split(full("text"), None);
    assert_eq!(read(first).await, "text");
    handle.freeze().unwrap();
    assert_eq!(read(handle.again().unwrap()).await, "text");

    let (first, handle) = Buffered::into_body(boxed).split(streamed(&["te", "xt"]), None);
    assert_eq!(read(first).await, "text");
    handle.freeze().unwrap();
    assert_eq!(read(handle.again().unwrap()).await, "text");

    let (first, handle) = CloneBody.split(full("text"), None);
    assert_eq!(read(first).await, "text");
    handle.freeze().unwrap();
    assert_eq!(read(handle.again().unwrap()).await, "text");
}

#[tokio::test]
async fn a_body_over_the_cap_of_the_strategy_or_the_request_is_sent_once() {
    let too_large = Err(NotReplayed::BodyTooLarge);
    for (cap, chosen, expected) in
        [(4, None, Ok(())), (3, None, too_large), (3, Some(4), Ok(())), (4, Some(3), too_large)]
    {
        let (first, handle) = Buffered::new().cap(cap).split(full("text"), chosen);
        assert_eq!(read(first).await, "text");
        assert_eq!(handle.freeze(), expected);
        assert_eq!(handle.again().map(drop), expected);

        let strategy = Buffered::into_body(boxed).cap(cap);
        let (first, handle) = strategy.split(streamed(&["te", "xt"]), chosen);
        assert_eq!(read(first).await, "text");
        assert_eq!(handle.freeze(), expected);
        assert_eq!(handle.again().map(drop), expected);
    }
}

#[tokio::test]
async fn without_replay_there_is_no_second_body() {
    let (first, handle) = NoReplay.split(full("text"), Some(1 << 20));
    assert_eq!(read(first).await, "text");
    assert_eq!(handle.freeze(), Err(NotReplayed::Off));
    assert_eq!(handle.again().map(drop), Err::<(), _>(NotReplayed::Off));
}

#[test]
fn debug_shows_the_settings_and_nothing_of_a_body() {
    let shown = |body: &'static str| {
        let (_, buffered) = Buffered::new().split(full(body), None);
        let into_body = Buffered::into_body(boxed).cap(7);
        let (_, teed) = into_body.split(streamed(&[body]), None);
        let (_, cloned) = CloneBody.split(full(body), None);
        format!("{into_body:?} {buffered:?} {teed:?} {cloned:?}")
    };
    assert_eq!(
        shown("secret"),
        "IntoBody { cap: 7, .. } Teed(Some(ReplayHandle { .. })) TeedInto(Teed(Some(ReplayHandle { .. }))) Cloned { .. }"
    );
}
