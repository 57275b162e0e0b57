//! The matrix over hyper's client, and bodies that are sent at full speed into an early 401.

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use oauth_core::{NotReplayed, Outcome, ReplayBody};
use oauth_tower::Buffered;
use tower::{Layer, ServiceExt};

use crate::scripted::Streamed;
use crate::wire::{Http, World, assert_whole, client, in_pieces, whole};
use oauth_adapter_tests::gated::Gated;
use oauth_adapter_tests::matrix_table::{
    CAP, Cell, Sends, bytes, cells, opened_by_the_second_send, renewed,
};

async fn run(http: Http, cell: Cell) {
    let world = World::new().await;
    world.auth.revoke_all();
    cell.prepare(&world.api);
    let mut changes = world.slot.subscribe();
    let layer = world.layer().replay(Buffered::new().cap(CAP));
    let service = layer.layer(client::<ReplayBody<Gated>>(http));
    let (body, gate) = cell.body();
    let mut request = world.post(body);
    request.headers_mut().extend(cell.headers());
    let call = service.oneshot(request);
    let response = opened_by_the_second_send(&world.api, gate, call).await.unwrap();
    renewed(&mut changes, cell).await;
    let outcome = Outcome::of(response.extensions());
    let tokens = world.auth.token_requests();
    cell.assert(response.status().as_u16(), &outcome, &world.api, tokens);
    if cell.sends == Sends::Once {
        assert_is_the_401_of_the_bare_client(http, cell, &world, response).await;
    }
}

async fn assert_is_the_401_of_the_bare_client(
    http: Http,
    cell: Cell,
    world: &World,
    ours: Response<Incoming>,
) {
    let (body, gate) = cell.body();
    let mut request: Request<Gated> = world.post(body);
    request.headers_mut().extend(cell.headers());
    request.headers_mut().insert("authorization", "Bearer revoked".parse().unwrap());
    let bare = client::<Gated>(http).request(request).await.unwrap();
    let what_came = async |response: Response<Incoming>| {
        let (mut head, body) = response.into_parts();
        head.headers.remove("date");
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.version, head.headers, body)
    };
    assert_eq!(what_came(ours).await, what_came(bare).await, "{http:?} {cell:?}");
    drop(gate);
}

#[tokio::test]
async fn over_h1_every_cell_of_the_matrix() {
    for cell in cells() {
        run(Http::One, cell).await;
    }
}

#[tokio::test]
async fn over_h2_every_cell_of_the_matrix() {
    for cell in cells() {
        run(Http::Two, cell).await;
    }
}

const DEFAULT_CAP: usize = 64 * 1024;

/// Sizes, and whether the body fits under the default cap.
const AT_FULL_SPEED: [(usize, bool); 5] = [
    (0, true),
    (1, true),
    (DEFAULT_CAP, true),
    (DEFAULT_CAP + 1, false),
    (10 * 1024 * 1024, false),
];

/// The server responds on the head, and the body comes as fast as it can.
async fn at_full_speed(http: Http, length: usize, streams: bool) -> Result<Outcome, BoxedError> {
    let world = World::new().await;
    world.auth.revoke_all();
    world.api.respond_early(true);
    let data = bytes(length);
    let body = if streams { in_pieces(&data, 7000) } else { whole(&data) };
    let service = world.layer().layer(client::<ReplayBody<Streamed>>(http));
    let response = service.oneshot(world.post(body)).await?;
    let outcome = Outcome::of(response.extensions());
    match &outcome {
        Outcome::Replayed => {
            assert_whole(&response, &data);
            assert_eq!(world.api.requests(), 2);
        }
        Outcome::NotReplayed(NotReplayed::BodyTooLarge) => {
            assert_eq!((response.status().as_u16(), world.api.requests()), (401, 1));
        }
        other => panic!("{http:?}, {length} bytes: {other:?}"),
    }
    Ok(outcome)
}

type BoxedError = Box<dyn std::error::Error>;

/// How much of a stream hyper has pulled when the 401 comes is a matter of time; of a body in one piece
/// it is all or nothing, and both fit or do not fit alike.
#[tokio::test]
async fn over_h2_at_full_speed_into_an_early_401() {
    for (length, fits) in AT_FULL_SPEED {
        let whole = at_full_speed(Http::Two, length, false).await.unwrap();
        assert_eq!(matches!(whole, Outcome::Replayed), fits, "{length} bytes");
        let streamed = at_full_speed(Http::Two, length, true).await.unwrap();
        assert!(matches!(streamed, Outcome::Replayed) || !fits, "{length} bytes in pieces");
    }
}

/// Over HTTP/1.1 the server closes the connection after such a response, with bytes unread: the kernel
/// sends a reset, and a client that writes on may meet it before it reads the response. Then the call
/// fails as it would without the layer, and only then.
#[tokio::test]
async fn over_h1_at_full_speed_into_an_early_401() {
    for (length, fits) in AT_FULL_SPEED {
        for streams in [false, true] {
            match at_full_speed(Http::One, length, streams).await {
                Ok(outcome) => {
                    assert!(matches!(outcome, Outcome::Replayed) == fits || (streams && !fits));
                }
                // What fits into one write cannot meet a reset.
                Err(error) => assert!(length > 1, "{length} bytes: {error}"),
            }
        }
    }
}
