//! Every size of a client stream and every moment of a refusal, over tonic, with exact expectations.
//!
//! Requests of gRPC have no trailers. A body is what is on the wire: each message has a prefix of
//! five bytes.

use bytes::Bytes;
use oauth_core::ReplayBody;
use oauth_tower::Buffered;
use tonic::Code;
use tonic::body::Body;

use crate::grpc_world::{Moment, PREFIX, Seen, World, upload};
use oauth_adapter_tests::issuer::{Issuer, settle};
use oauth_adapter_tests::matrix_table::bytes;

const CAP: usize = 128 * 1024;

/// Messages whose bodies have these sizes; the first half of them is sent before the refusal.
fn streams() -> [(&'static str, Vec<usize>); 7] {
    [
        ("empty", vec![]),
        ("one empty message", vec![0]),
        ("1 byte", vec![1]),
        ("64 KiB", vec![32 * 1024; 2]),
        ("cap", vec![CAP / 2 - PREFIX; 2]),
        ("cap + 1", vec![CAP / 2 - PREFIX, CAP / 2 - PREFIX + 1]),
        ("10 MiB", vec![64 * 1024; 160]),
    ]
}

async fn cell(name: &str, sizes: &[usize], moment: Moment, replays: bool) {
    let (world, issuer) = (World::start().await, Issuer::new());
    let into_body = Buffered::into_body(Body::new as fn(ReplayBody<Body>) -> Body).cap(CAP);
    let layer = world.layer(issuer.ready_slot().await).replay(into_body).grpc();
    let mut client = world.client(layer);
    world.refuse("t1", moment);
    let messages: Vec<Bytes> = sizes.iter().map(|size| bytes(*size)).collect();

    // What the server waits for must not depend on how fast the client is.
    let held = match moment {
        Moment::Before => Some(0),
        Moment::During(read) => Some(read),
        Moment::After => None,
    };
    let answer = upload(&mut client, world.messages(&messages, held)).await;
    settle().await;

    let told = format!("{name}, refused {moment:?}");
    let first = Seen::whole("t1", &messages[..held.unwrap_or(messages.len())]);
    assert_eq!(issuer.requests(), 2, "{told}");
    if replays {
        let second = Seen::whole("t2", &messages);
        assert_eq!(answer.unwrap(), &second.digest[..], "{told}");
        assert_eq!(world.seen(), [first, second], "{told}");
        assert_eq!(world.outcomes(), ["Replayed"], "{told}");
    } else {
        assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated, "{told}");
        assert_eq!(world.seen(), [first], "{told}");
        assert_eq!(world.outcomes(), ["NotReplayed(BodyTooLarge)"], "{told}");
    }
}

#[tokio::test]
async fn a_stream_refused_on_its_head_is_sent_whole_whatever_its_size() {
    for (name, sizes) in streams() {
        cell(name, &sizes, Moment::Before, true).await;
    }
}

#[tokio::test]
async fn a_stream_refused_half_way_is_sent_whole_if_that_half_is_under_the_cap() {
    for (name, sizes) in streams() {
        let half = sizes.len().div_ceil(2);
        let fits = sizes[..half].iter().map(|size| size + PREFIX).sum::<usize>() <= CAP;
        assert_eq!(fits, name != "10 MiB");
        cell(name, &sizes, Moment::During(half), fits).await;
    }
}

#[tokio::test]
async fn a_stream_refused_at_its_end_is_sent_again_up_to_the_cap() {
    for (name, sizes) in streams() {
        let fits = sizes.iter().map(|size| size + PREFIX).sum::<usize>() <= CAP;
        assert_eq!(fits, !["cap + 1", "10 MiB"].contains(&name));
        cell(name, &sizes, Moment::After, fits).await;
    }
}
