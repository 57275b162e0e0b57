//! What becomes of the connection when a 401 is dropped before the second send.
//!
//! hyper's HTTP/1.1 client reads the head of a response with one `read` of 8 KiB; what came with it of
//! the body is handed on before anyone asks. When the body is dropped, it decodes once more: what is
//! buffered, or else what one `read` that does not wait gives, 16 KiB after a first one that was
//! filled. If that was the end of the body, the connection is kept; if not, it is closed. So a 401 that
//! fits into 8 KiB with its head and came at once costs no connection, up to a body of 24 KiB it is up to
//! the kernel's timing, and nothing ever waits for the rest. Over HTTP/2 the stream is reset and the
//! connection stays. `drained.rs` has the exact sizes.

use oauth_core::ReplayBody;
use oauth_testkit::Fault;
use tower::{Layer, ServiceExt};

use crate::scripted::Streamed;
use crate::wire::{Http, World, assert_whole, client, is_replayed, whole};
use oauth_adapter_tests::matrix_table::bytes;

/// A 401 like this, then the replay; returns how many connections it took.
async fn connections_after(http: Http, refusal: Fault) -> u64 {
    let world = World::new().await;
    world.api.inject(refusal);
    let service = world.layer().layer(client::<ReplayBody<Streamed>>(http));
    let response = service.oneshot(world.post(whole(&bytes(100)))).await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &bytes(100));
    assert_eq!(world.api.requests(), 2);
    world.api.connections()
}

fn refusal(length: usize) -> Fault {
    Fault::status(401).body("x".repeat(length))
}

#[tokio::test]
async fn over_h1_the_second_send_reuses_the_connection_of_a_small_401() {
    for length in [0, 1, 512, 4096] {
        let connections = connections_after(Http::One, refusal(length)).await;
        assert_eq!(connections, 1, "a 401 of {length} bytes");
    }
}

#[tokio::test]
async fn over_h1_nothing_waits_for_a_401_that_is_too_large_to_drain() {
    assert_eq!(connections_after(Http::One, refusal(8 * 1024 * 1024)).await, 2);
}

#[tokio::test]
async fn over_h1_nothing_waits_for_a_401_whose_rest_never_comes() {
    for sent in [0, 1, 4095] {
        let connections = connections_after(Http::One, refusal(4096).stalls_after(sent)).await;
        assert_eq!(connections, 2, "{sent} bytes of a 401");
    }
}

#[tokio::test]
async fn over_h2_one_connection_does_whatever_the_401() {
    for length in [0, 1, 512, 4096, 8 * 1024 * 1024] {
        assert_eq!(connections_after(Http::Two, refusal(length)).await, 1, "{length} bytes");
    }
    let more_than_a_window = refusal(8 * 1024 * 1024).stalls_after(70_000);
    assert_eq!(connections_after(Http::Two, more_than_a_window).await, 1);
}
