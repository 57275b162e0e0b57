//! The body of a response, in memory that is wiped, up to a cap.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use zeroize::Zeroizing;

use crate::error::BoxError;

/// The first buffer: most responses fit.
const FIRST: usize = 4 * 1024;

/// Why the body is incomplete.
pub(super) enum Stopped {
    TooLarge,
    Broken(BoxError),
}

/// What the transport buffered itself is out of reach and not wiped.
pub(super) async fn collect<B>(headers: &HeaderMap, body: B, cap: usize) -> Result<Bytes, Stopped>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.trim().parse().ok());
    if announced.unwrap_or(0).max(body.size_hint().lower()) > cap as u64 {
        return Err(Stopped::TooLarge);
    }
    let mut body = pin!(body);
    let mut collected = Zeroizing::new(Vec::with_capacity(FIRST.min(cap)));
    let mut frames = 0_usize;
    // Each frame is used up inside the poll, so that its type need not be `Send`.
    while poll_fn(|cx| {
        Poll::Ready(match ready!(body.as_mut().poll_frame(cx)) {
            None => Ok(false),
            Some(Err(error)) => Err(Stopped::Broken(error.into())),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => append(&mut collected, data, cap).map(|()| true),
                Err(_trailers) => Ok(true),
            },
        })
    })
    .await?
    {
        // Endless frames must run into the cap even if they are empty, and a body that is always ready must
        // not starve the time limit.
        frames += 1;
        if frames > cap.max(FIRST) {
            return Err(Stopped::TooLarge);
        }
        tokio::task::consume_budget().await;
    }
    Ok(Bytes::from_owner(collected))
}

fn append(to: &mut Zeroizing<Vec<u8>>, mut data: impl Buf, cap: usize) -> Result<(), Stopped> {
    if data.remaining() > cap - to.len() {
        return Err(Stopped::TooLarge);
    }
    let needed = to.len() + data.remaining();
    if needed > to.capacity() {
        // Growing in place would leave the old bytes behind in freed memory.
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(to.capacity() * 2).min(cap)));
        larger.extend_from_slice(to);
        *to = larger;
    }
    while data.has_remaining() {
        let chunk = data.chunk();
        let taken = chunk.len();
        to.extend_from_slice(chunk);
        data.advance(taken);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_grows_by_an_own_copy_that_is_no_larger_than_the_cap() {
        const CAP: usize = 6_000;
        let mut buffer = Zeroizing::new(Vec::with_capacity(FIRST));
        let mut expected = Vec::new();
        // Exactly full is not too full. Growth in place, which would leave bytes behind that no one
        // wipes, doubles whatever the cap is.
        for (more, capacity) in [(4_000, FIRST), (96, FIRST), (1, CAP), (1_903, CAP)] {
            let data: Vec<u8> = (0..more).map(|i| i as u8).collect();
            expected.extend_from_slice(&data);
            assert!(append(&mut buffer, &data[..], CAP).is_ok());
            assert_eq!((buffer.capacity(), &**buffer), (capacity, &*expected), "{more}");
        }
        assert!(append(&mut buffer, &b"x"[..], CAP).is_err());
        assert_eq!(**buffer, expected);
    }

    #[test]
    fn the_buffer_at_least_doubles_and_holds_what_is_needed() {
        for (more, capacity) in [(1, 2 * FIRST), (FIRST, 2 * FIRST), (3 * FIRST, 4 * FIRST)] {
            let mut buffer = Zeroizing::new(vec![0; FIRST]);
            assert!(append(&mut buffer, &vec![1; more][..], usize::MAX).is_ok());
            assert_eq!((buffer.capacity(), buffer.len()), (capacity, FIRST + more));
        }
    }
}
