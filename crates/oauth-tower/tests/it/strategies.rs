//! The strategies by themselves: what the first send gets, what the second, and what they show.

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use oauth_core::{BoxError, NotReplayed, ReplayBody};
use oauth_tower::{Buffered, CloneBody, Keep, NoReplay, Strategy};

use crate::scripted::{Streamed, full, streamed};

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
    check(into_body.pass(request(full("")).map(|_| streamed(&["te", "xt"], None)))).await;
}

#[tokio::test]
async fn the_second_body_is_as_the_first() {
    let (first, keep) = Buffered::new().split(full("text"), None);
    assert_eq!(read(first).await, "text");
    keep.freeze().unwrap();
    assert_eq!(read(keep.again().unwrap()).await, "text");

    let (first, keep) = Buffered::into_body(boxed).split(streamed(&["te", "xt"], None), None);
    assert_eq!(read(first).await, "text");
    keep.freeze().unwrap();
    assert_eq!(read(keep.again().unwrap()).await, "text");

    let (first, keep) = CloneBody.split(full("text"), None);
    assert_eq!(read(first).await, "text");
    keep.freeze().unwrap();
    assert_eq!(read(keep.again().unwrap()).await, "text");
}

#[tokio::test]
async fn a_body_over_the_cap_of_the_strategy_or_the_request_is_sent_once() {
    let too_large = Err(NotReplayed::BodyTooLarge);
    for (cap, chosen, expected) in
        [(4, None, Ok(())), (3, None, too_large), (3, Some(4), Ok(())), (4, Some(3), too_large)]
    {
        let (first, keep) = Buffered::new().cap(cap).split(full("text"), chosen);
        assert_eq!(read(first).await, "text");
        assert_eq!(keep.freeze(), expected);
        assert_eq!(keep.again().map(drop), expected);

        let strategy = Buffered::into_body(boxed).cap(cap);
        let (first, keep) = strategy.split(streamed(&["te", "xt"], None), chosen);
        assert_eq!(read(first).await, "text");
        assert_eq!(keep.freeze(), expected);
        assert_eq!(keep.again().map(drop), expected);
    }
}

#[tokio::test]
async fn without_replay_there_is_no_second_body() {
    let (first, keep) = NoReplay.split(full("text"), Some(1 << 20));
    assert_eq!(read(first).await, "text");
    assert_eq!(keep.freeze(), Err(NotReplayed::Off));
    assert_eq!(keep.again().map(drop), Err::<(), _>(NotReplayed::Off));
}

#[test]
fn debug_shows_the_settings_and_nothing_of_a_body() {
    let shown = |body: &'static str| {
        let (_, buffered) = Buffered::new().split(full(body), None);
        let into_body = Buffered::into_body(boxed).cap(7);
        let (_, teed) = into_body.split(streamed(&[body], None), None);
        let (_, cloned) = CloneBody.split(full(body), None);
        format!("{into_body:?} {buffered:?} {teed:?} {cloned:?}")
    };
    assert_eq!(
        shown("secret"),
        "IntoBody { cap: 7, .. } Teed(Some(Replay { .. })) TeedInto(Teed(Some(Replay { .. }))) Cloned { .. }"
    );
}
