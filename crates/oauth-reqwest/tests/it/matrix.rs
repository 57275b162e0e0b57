//! The matrix over reqwest, and bodies that are sent at full speed into an early 401.

use oauth_core::{NotReplayed, Outcome};
use oauth_reqwest::Buffered;
use reqwest::{Body, Response};

use crate::world::{World, assert_whole, h2, in_pieces, outcome, plain, with};
use oauth_adapter_tests::matrix_table::{
    CAP, Cell, Sends, bytes, cells, opened_by_the_second_send, renewed,
};

type Builder = fn() -> reqwest::ClientBuilder;

async fn run(builder: Builder, cell: Cell) {
    let world = World::revoked().await;
    cell.prepare(&world.api);
    let mut changes = world.slot.subscribe();
    let client = with(builder(), world.middleware().replay(Buffered::new().cap(CAP)));
    let (body, gate) = cell.body();
    let call = world.post(&client, Body::wrap(body)).headers(cell.headers()).send();
    let response = opened_by_the_second_send(&world.api, gate, call).await.unwrap();
    renewed(&mut changes, cell).await;
    let tokens = world.auth.token_requests();
    cell.assert(response.status().as_u16(), &outcome(&response), &world.api, tokens);
    if cell.sends == Sends::Once {
        assert_is_the_401_of_the_bare_client(builder, cell, &world, response).await;
    }
}

async fn assert_is_the_401_of_the_bare_client(
    builder: Builder,
    cell: Cell,
    world: &World,
    ours: Response,
) {
    let (body, gate) = cell.body();
    let bare = builder().build().unwrap().post(world.api.url("/things")).headers(cell.headers());
    let bare = bare.bearer_auth("revoked").body(Body::wrap(body)).send().await.unwrap();
    let what_came = async |response: Response| {
        let mut headers = response.headers().clone();
        headers.remove("date");
        let (status, version) = (response.status(), response.version());
        (status, version, headers, response.bytes().await.unwrap())
    };
    assert_eq!(what_came(ours).await, what_came(bare).await, "{cell:?}");
    drop(gate);
}

#[tokio::test]
async fn over_h1_every_cell_of_the_matrix() {
    for cell in cells() {
        run(plain, cell).await;
    }
}

#[tokio::test]
async fn over_h2_every_cell_of_the_matrix() {
    for cell in cells() {
        run(h2, cell).await;
    }
}

const DEFAULT_CAP: usize = 64 * 1024;

const SIZES: [usize; 5] = [0, 1, DEFAULT_CAP, DEFAULT_CAP + 1, 10 * 1024 * 1024];

/// Bodies of bytes have no cap. The server responds when it has read everything.
#[tokio::test]
async fn bytes_of_every_size_are_replayed() {
    for builder in [plain, h2] {
        for length in SIZES {
            let world = World::revoked().await;
            let client = with(builder(), world.middleware());
            let response = world.post(&client, bytes(length)).send().await.unwrap();
            assert!(matches!(outcome(&response), Outcome::Replayed), "{length} bytes");
            assert_whole(&response, &bytes(length));
            assert_eq!(world.counts(), (2, 1, 2), "{length} bytes");
        }
    }
}

/// The server responds on the head, and the body comes as fast as it can.
async fn at_full_speed(builder: Builder, length: usize, streams: bool) -> Result<Outcome, String> {
    let world = World::revoked().await;
    world.api.respond_early(true);
    let data = bytes(length);
    let body = if streams { in_pieces(&data, 7000) } else { data.clone().into() };
    let client = with(builder(), world.middleware());
    let response = world.post(&client, body).send().await.map_err(|error| format!("{error:?}"))?;
    let outcome = outcome(&response);
    match &outcome {
        Outcome::Replayed => {
            assert_whole(&response, &data);
            assert_eq!(world.counts(), (2, 1, 2));
        }
        Outcome::NotReplayed(NotReplayed::BodyTooLarge) => {
            assert!(streams && length > DEFAULT_CAP, "{length} bytes");
            assert_eq!((response.status().as_u16(), world.api.requests()), (401, 1));
        }
        other => panic!("{length} bytes: {other:?}"),
    }
    Ok(outcome)
}

/// How much of a stream hyper has pulled when the 401 comes is a matter of time; bytes are replayed
/// whatever was pulled of them.
#[tokio::test]
async fn over_h2_at_full_speed_into_an_early_401() {
    for length in SIZES {
        for streams in [false, true] {
            let outcome = at_full_speed(h2, length, streams).await.unwrap();
            let may_be_too_large = streams && length > DEFAULT_CAP;
            assert!(matches!(outcome, Outcome::Replayed) || may_be_too_large, "{length} bytes");
        }
    }
}

/// Over HTTP/1.1 the server closes the connection after such a response, with bytes unread: the kernel
/// sends a reset, and a client that writes on may meet it before it reads the response. Then the call
/// fails as it would without us, and only then.
#[tokio::test]
async fn over_h1_at_full_speed_into_an_early_401() {
    for length in SIZES {
        for streams in [false, true] {
            match at_full_speed(plain, length, streams).await {
                Ok(outcome) => {
                    let may_be_too_large = streams && length > DEFAULT_CAP;
                    assert!(matches!(outcome, Outcome::Replayed) || may_be_too_large);
                }
                // What fits into one write cannot meet a reset.
                Err(error) => assert!(length > 1, "{length} bytes: {error}"),
            }
        }
    }
}
