//! How much memory a body that may be sent again holds: the cap, not what its chunks are slices of.
//!
//! A separate binary: the counting allocator serves the whole process. It counts each thread for
//! itself, so that the tests do not disturb each other.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use futures_util::stream::{Stream, iter};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use oauth_core::replay::{DEFAULT_CAP, ReplayBody, ReplayHandle, ReplayRefused};

const LARGE: usize = 64 << 20;

type Frames = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>>>>>;

/// Made while they are pulled, so that what is not kept is freed at once.
fn body(frames: impl Iterator<Item = Frame<Bytes>> + 'static) -> Frames {
    StreamBody::new(Box::pin(iter(frames.map(Ok))))
}

/// As the page `replay` has it: the cap, 1 % of it, and 1 KiB for the state of the two ends.
fn bound(cap: usize) -> i64 {
    i64::try_from(cap + cap / 100 + 1024).unwrap()
}

fn next(body: &mut ReplayBody<Frames>) -> Option<Frame<Bytes>> {
    let polled = Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(frame) = polled else { panic!("it is all there") };
    frame.transpose().unwrap()
}

/// What the handle holds when the first send has pulled these frames, and the handle.
fn kept(
    cap: usize,
    frames: impl Iterator<Item = Frame<Bytes>> + 'static,
) -> (AllocationInfo, ReplayHandle<Frames>) {
    let mut handle = None;
    let measured = measure(|| {
        let (mut first, replay) = ReplayBody::tee(body(frames), cap);
        while next(&mut first).is_some() {}
        handle = replay;
    });
    (measured, handle.unwrap())
}

/// The data of the second send, joined, and its trailers.
fn second(replay: ReplayHandle<Frames>) -> (Vec<u8>, Option<HeaderMap>) {
    let mut body = replay.take_over().unwrap();
    let (mut data, mut trailers) = (Vec::new(), None);
    while let Some(frame) = next(&mut body) {
        match frame.into_data() {
            Ok(chunk) => data.extend_from_slice(&chunk),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    (data, trailers)
}

/// A slice of a large allocation of its own.
fn slice_of_large(large: usize, length: usize) -> Bytes {
    Bytes::from(vec![b'a'; large]).slice(large / 2..large / 2 + length)
}

#[test]
fn a_slice_of_64_mib_keeps_no_64_mib_alive() {
    for length in [1, 1024, DEFAULT_CAP] {
        let frames = std::iter::once_with(move || Frame::data(slice_of_large(LARGE, length)));
        let (measured, replay) = kept(DEFAULT_CAP, frames);
        assert!(measured.bytes_max >= LARGE as u64, "it was there");
        assert!(measured.bytes_current <= bound(length), "{length}: {measured:?}");
        assert_eq!(second(replay).0, vec![b'a'; length]);
    }
}

#[test]
fn slices_of_many_large_buffers_keep_none_of_them_alive() {
    // More and less than what may be called small.
    for length in [7, 1024, 1500] {
        let frames = (0..40).map(move |_| Frame::data(slice_of_large(1 << 20, length)));
        let (measured, replay) = kept(DEFAULT_CAP, frames);
        assert!(measured.bytes_current <= bound(DEFAULT_CAP), "{length}: {measured:?}");
        assert_eq!(second(replay).0, vec![b'a'; 40 * length]);
    }
}

#[test]
fn blocks_never_take_more_than_the_cap_whatever_the_chunks_are() {
    static ZEROS: [u8; 1 << 17] = [0; 1 << 17];
    for cap in [1, 100, 8191, 8192, 8193, 3 * 8192 + 1, DEFAULT_CAP, 1 << 20] {
        for chunk in [1, 2, 7, 1000, 4097, 8191, 8192, 8193, 20_000, 1 << 17] {
            let whole = (0..cap / chunk).map(move |_| chunk);
            let frames = whole
                .chain(std::iter::once(cap % chunk))
                .map(|length| Frame::data(Bytes::from_static(&ZEROS[..length])));
            let (measured, replay) = kept(cap, frames);
            // Not even while it grows: nothing else is allocated here.
            let most = i64::try_from(measured.bytes_max).unwrap();
            assert!(most <= bound(cap), "{cap} in {chunk}: {measured:?}");
            assert_eq!(second(replay).0.len(), cap);
        }
    }
}

#[test]
fn a_body_of_one_byte_a_chunk_costs_an_allocation_for_8_kib() {
    let frames = (0..DEFAULT_CAP).map(|n| Frame::data(Bytes::from(vec![n as u8])));
    let (measured, replay) = kept(DEFAULT_CAP, frames);
    assert!(measured.bytes_current <= bound(DEFAULT_CAP), "{measured:?}");
    // The state of the two ends, the queue, a block for the first byte, eight blocks.
    assert!(measured.count_current <= 11, "{measured:?}");
    let all: Vec<u8> = (0..DEFAULT_CAP).map(|n| n as u8).collect();
    assert_eq!(second(replay).0, all);
}

#[test]
fn empty_frames_cost_nothing() {
    let empty = || slice_of_large(1 << 20, 0);
    let frames = (0..1000).map(move |_| Frame::data(empty()));
    let (measured, replay) = kept(10, frames);
    assert!(measured.bytes_current <= bound(0), "{measured:?}");
    assert_eq!(measured.count_current, 1, "the state of the two ends");
    assert_eq!(second(replay), (vec![], None));
}

#[test]
fn a_chunk_and_its_end_cost_one_allocation_each_for_the_state_and_the_copy() {
    let frames = std::iter::once(Frame::data(Bytes::from_static(&[7; 1024])));
    let (measured, replay) = kept(DEFAULT_CAP, frames);
    assert_eq!(measured.count_current, 2, "{measured:?}");
    drop(replay);
}

#[test]
fn trailers_keep_neither_the_room_of_their_map_nor_what_their_values_are_slices_of() {
    let fields = |count: usize| {
        let mut map = HeaderMap::with_capacity(20_000);
        let large = Bytes::from(vec![b'a'; LARGE]);
        for n in 0..count {
            let name = HeaderName::try_from(format!("x-{n}")).unwrap();
            map.append(name, HeaderValue::from_maybe_shared(large.slice(n..n + 3)).unwrap());
        }
        map
    };
    for count in [0, 1, 100] {
        let frames = std::iter::once_with(move || Frame::trailers(fields(count)));
        let (measured, replay) = kept(DEFAULT_CAP, frames);
        assert!(measured.bytes_max >= LARGE as u64, "they were there");
        assert!(measured.bytes_current <= bound(count * 40), "{count}: {measured:?}");
        assert_eq!(second(replay), (vec![], Some(fields(count))));
    }
}

#[test]
fn trailers_take_no_more_than_they_count() {
    // The worst: the shortest fields, up to the cap.
    for cap in [32 + 36, 1024, DEFAULT_CAP] {
        let count = (cap - 32) / (3 + 32 + 1);
        let field = |n: usize| HeaderName::from_bytes(format!("{n:03x}").as_bytes()).unwrap();
        let map: HeaderMap =
            (0..count).map(|n| (field(n), HeaderValue::from_static("1"))).collect();
        assert_eq!(map.len(), count);
        let expected = map.clone();
        let frames = std::iter::once_with(move || Frame::trailers(map.clone()));
        let (measured, replay) = kept(cap, frames);
        // The map of the frames goes with the source.
        assert!(measured.bytes_current <= bound(cap), "{cap}: {measured:?}");
        assert_eq!(second(replay).1, Some(expected));
    }
}

#[test]
fn the_copy_of_trailers_takes_no_more_while_it_is_made() {
    for (name, value) in [("x-longer", "1"), ("abc", "as long"), ("xyz", "abc")] {
        let map = HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        let (mut first, _replay) =
            ReplayBody::tee(body(std::iter::once(Frame::trailers(map))), 100);
        let mut frame = None;
        let copied = measure(|| frame = next(&mut first));
        assert_eq!((copied.count_total, copied.bytes_max), (2, copied.bytes_total), "{name}");
        assert!(copied.bytes_max <= (name.len() + value.len() + 32) as u64, "{copied:?}");
        assert!(frame.is_some());
    }
}

#[test]
fn trailers_come_again_with_their_order_their_repetitions_and_what_is_sensitive() {
    let mut map = HeaderMap::new();
    let mut secret = HeaderValue::from_bytes(b"s\xe9cret").unwrap();
    secret.set_sensitive(true);
    map.append("x-b", HeaderValue::from_static("1"));
    map.append("content-type", secret);
    map.append("x-b", HeaderValue::from_static(""));
    map.append("x-a", HeaderValue::from_static("a: b\tc"));
    let first = map.clone();
    let frames = std::iter::once(Frame::trailers(map));
    let (_, replay) = kept(DEFAULT_CAP, frames);
    let again = second(replay).1.unwrap();
    assert!(again.iter().eq(first.iter()), "{again:?}");
    let sensitive =
        |map: &HeaderMap| map.values().map(HeaderValue::is_sensitive).collect::<Vec<_>>();
    assert_eq!(sensitive(&again), sensitive(&first));
}

#[test]
fn as_many_trailer_fields_as_fit_into_a_map_come_again() {
    let mut map = HeaderMap::new();
    for n in 0_u32.. {
        let name = HeaderName::try_from(format!("x-{n}")).unwrap();
        if map.try_append(name, HeaderValue::from_static("1")).is_err() {
            break;
        }
    }
    let first = map.clone();
    let (_, replay) = kept(8 << 20, std::iter::once(Frame::trailers(map)));
    assert!(first.len() > 20_000);
    assert!(second(replay).1.unwrap().iter().eq(first.iter()));
}

#[test]
fn the_frame_over_the_cap_frees_at_once_all_that_was_kept() {
    static ZEROS: [u8; 1024] = [0; 1024];
    // Data over the cap, and trailers.
    let last: [fn() -> Frame<Bytes>; 2] =
        [|| Frame::data(Bytes::from_static(b"1")), || Frame::trailers(HeaderMap::new())];
    for last in last {
        let full = (0..64).map(|_| Frame::data(Bytes::from_static(&ZEROS)));
        let after = std::iter::once(Frame::data(Bytes::from_static(b"2")));
        let frames = body(full.chain(std::iter::once_with(last)).chain(after));
        let (mut first, replay) = ReplayBody::tee(frames, DEFAULT_CAP);
        let filled = measure(|| {
            for _ in 0..64 {
                assert!(next(&mut first).is_some());
            }
        });
        assert!(filled.bytes_current >= i64::try_from(DEFAULT_CAP).unwrap(), "{filled:?}");
        let over = measure(|| assert!(next(&mut first).is_some()));
        assert_eq!(over.bytes_current, -filled.bytes_current);
        assert_eq!(over.bytes_max, 0, "nothing is copied first");
        // And from then on nothing is kept.
        let later = measure(|| assert!(next(&mut first).is_some()));
        assert_eq!(later.count_total, 0);
        assert_eq!(replay.unwrap().freeze(), Err(ReplayRefused::OverCap));
    }
}

#[test]
fn a_keeper_that_goes_frees_all_that_was_kept() {
    let frames = body((0..64).map(|_| Frame::data(Bytes::from_static(&[0; 1000]))));
    let (mut first, replay) = ReplayBody::tee(frames, DEFAULT_CAP);
    let filled = measure(|| (0..40).for_each(|_| drop(next(&mut first))));
    let gone = measure(|| drop(replay));
    assert_eq!(gone.bytes_current, -filled.bytes_current);
    let later = measure(|| while next(&mut first).is_some() {});
    assert!(later.bytes_max == 0, "nothing is kept any more: {later:?}");
}

#[test]
fn the_second_send_gives_its_blocks_away_one_by_one() {
    let frames = (0..DEFAULT_CAP / 1024).map(|_| Frame::data(Bytes::from_static(&[0; 1024])));
    let (measured, replay) = kept(DEFAULT_CAP, frames);
    let mut body = None;
    let taken = measure(|| body = replay.take_over().ok());
    assert!(taken.bytes_max <= 1024, "{taken:?}");
    let mut body = body.unwrap();
    let mut held = measured.bytes_current + taken.bytes_current;
    while !body.is_end_stream() {
        let sent = measure(|| drop(next(&mut body)));
        held += sent.bytes_current;
        let left = body.size_hint().lower();
        assert!(held <= bound(usize::try_from(left).unwrap()), "{left} left: {held}");
    }
    assert!(next(&mut body).is_none());
}
