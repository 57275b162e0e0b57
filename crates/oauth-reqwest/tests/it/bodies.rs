//! The second send: the same request, whole; or the reason why there is none.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream;
use oauth_core::{NotReplayed, Outcome};
use oauth_reqwest::{Buffered, NoReplay};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Version};
use reqwest_middleware::ClientBuilder;

use crate::world::{
    Below, World, assert_whole, bytes, h2, in_pieces, is_replayed, outcome, plain, with,
};

#[tokio::test]
async fn a_request_goes_out_with_the_token_and_its_response_is_marked_by_nothing() {
    let world = World::empty().await;
    let response = world.post(&world.client(), "hello").send().await.unwrap();
    assert_whole(&response, b"hello");
    assert!(matches!(outcome(&response), Outcome::Attached));
    assert_eq!(world.counts(), (1, 0, 1));
}

#[tokio::test]
async fn bodies_of_bytes_are_never_wrapped_and_replayed_as_they_are() {
    let world = World::revoked().await;
    let below =
        Below::new(|request, _| request.body().and_then(Body::as_bytes).map(<[u8]>::to_vec));
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(world.middleware())
        .with(below.clone())
        .build();
    // Over the cap of streams: bytes have none.
    let sent = bytes(1024 * 1024);
    let response = world.post(&client, sent.clone()).send().await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
    assert_eq!(below.noted(), [Some(sent.to_vec()), Some(sent.to_vec())]);
    assert_eq!(world.counts(), (2, 1, 2));
}

#[tokio::test]
async fn a_stream_is_replayed_whole() {
    let world = World::revoked().await;
    let sent = bytes(60_000);
    let response = world.post(&world.client(), in_pieces(&sent, 1000)).send().await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
    assert_eq!(world.counts(), (2, 1, 2));
}

#[tokio::test]
async fn requests_without_a_body_and_with_an_empty_one_are_replayed() {
    for method in ["GET", "POST", "DELETE"] {
        let world = World::revoked().await;
        let method = method.parse().unwrap();
        let request = world.client().request(method, world.api.url("/things"));
        let response = request.send().await.unwrap();
        assert!(is_replayed(&response));
        assert_whole(&response, b"");
    }
    let world = World::revoked().await;
    let response = world.post(&world.client(), in_pieces(&bytes(0), 1)).send().await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, b"");
}

#[tokio::test]
async fn a_multipart_form_with_a_stream_in_it_is_replayed_whole() {
    fn form() -> Form {
        let file = Part::stream(in_pieces(&bytes(20_000), 999)).file_name("a.bin");
        Form::new().text("name", "value").part("file", file)
    }
    let world = World::new().await;
    let client = world.client();
    let url = world.api.url("/upload");
    let once = client.post(&url).multipart(form()).send().await.unwrap();
    assert!(matches!(outcome(&once), Outcome::Attached));
    world.auth.revoke_all();
    let twice = client.post(&url).multipart(form()).send().await.unwrap();
    assert!(is_replayed(&twice));
    assert_eq!(twice.status(), 200);
    assert_eq!(twice.headers()["x-body-length"], once.headers()["x-body-length"]);
    let log = world.api.request_log();
    let [_, first, second] = &log[..] else { panic!("{} requests", log.len()) };
    assert_eq!(first.header("content-type"), second.header("content-type"));
    // The same boundary, so the same bytes.
    assert_eq!(first.body_sha256(), second.body_sha256());
    assert!(first.is_complete() && second.is_complete());
    assert!(second.body_length() > 20_000);
}

#[tokio::test]
async fn a_multipart_form_of_texts_is_a_stream_too_and_replayed_up_to_the_cap() {
    for (length, sends) in [(1000, 2), (64 * 1024, 1)] {
        let world = World::revoked().await;
        let form = Form::new().text("name", "x".repeat(length));
        let request = world.client().post(world.api.url("/upload")).multipart(form);
        let response = request.send().await.unwrap();
        assert_eq!(is_replayed(&response), sends == 2, "{length} bytes");
        let log = world.api.request_log();
        assert_eq!(log.len(), sends, "{length} bytes");
        let (first, last) = (&log[0], &log[sends - 1]);
        assert_eq!(first.body_sha256(), last.body_sha256(), "{length} bytes");
        assert_eq!(first.header("content-length"), last.header("content-length"));
        assert!(last.is_complete() && last.body_length() > length as u64);
    }
}

#[tokio::test]
async fn a_stream_over_the_cap_is_sent_once_and_the_token_refreshed_for_the_next_request() {
    let world = World::revoked().await;
    let client = world.client();
    let mut changes = world.slot.subscribe();
    let sent = bytes(64 * 1024 + 1);
    let response = world.post(&client, in_pieces(&sent, 1000)).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::BodyTooLarge)));
    assert_eq!(world.slot.status().flights, 2);
    changes.changed().await.unwrap();
    let response = world.post(&client, in_pieces(&sent, 1000)).send().await.unwrap();
    assert!(matches!(outcome(&response), Outcome::Attached));
    assert_whole(&response, &sent);
    assert_eq!(world.counts(), (2, 1, 2));
}

#[tokio::test]
async fn a_larger_cap_takes_larger_streams() {
    let world = World::revoked().await;
    let sent = bytes(64 * 1024 + 1);
    let client = world.client_with(world.middleware().replay(Buffered::new().cap(sent.len())));
    let response = world.post(&client, in_pieces(&sent, 1000)).send().await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
}

#[tokio::test]
async fn a_stream_that_fails_is_not_sent_again() {
    let world = World::revoked().await;
    world.api.respond_early(true);
    let pieces = [Ok(bytes(10)), Err(std::io::Error::other("torn"))];
    let body = Body::wrap_stream(stream::iter(pieces));
    // The server may respond first or see the upload break: never is there a second send.
    let answer = world.post(&world.client(), body).send().await;
    if let Ok(response) = answer {
        assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::BodyUnavailable)));
    }
    assert!(world.api.requests() <= 1);
}

#[tokio::test]
async fn without_replay_the_401_is_delivered_and_the_token_refreshed_for_the_next_request() {
    let world = World::revoked().await;
    let client = world.client_with(world.middleware().replay(NoReplay));
    let mut changes = world.slot.subscribe();
    let response = world.post(&client, "x").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(outcome(&response), Outcome::NotReplayed(NotReplayed::Off)));
    assert_eq!(world.slot.status().flights, 2);
    changes.changed().await.unwrap();
    let response = world.post(&client, "x").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(world.counts(), (2, 1, 2));
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Marker(u8);

#[tokio::test]
async fn headers_extensions_and_version_are_the_same_on_the_second_send_and_the_time_limit_is_one()
{
    let world = World::revoked().await;
    let below = Below::new(|request, extensions| {
        let mut headers = request.headers().clone();
        let token = headers.remove("authorization");
        let seen = (request.method().clone(), request.url().clone(), headers);
        let settings = (request.version(), request.timeout().copied());
        (seen, settings, extensions.get::<Marker>().copied(), token)
    });
    let client = ClientBuilder::new(plain().build().unwrap())
        .with(world.middleware())
        .with(below.clone())
        .build();
    let response = world
        .post(&client, in_pieces(&bytes(10), 3))
        .header("x-many", "one")
        .header("x-many", "two")
        .timeout(Duration::from_secs(77))
        .version(Version::HTTP_11)
        .with_extension(Marker(3))
        .send()
        .await
        .unwrap();
    assert!(is_replayed(&response));
    let noted = below.noted();
    let [first, second] = &noted[..] else { panic!("{} sends", noted.len()) };
    assert_eq!((&first.0, first.1.0, &first.2), (&second.0, second.1.0, &second.2));
    assert_eq!((second.2, second.1.0), (Some(Marker(3)), Version::HTTP_11));
    // One limit for both: the second send has what is left.
    let [first_limit, second_limit] = [first.1.1.unwrap(), second.1.1.unwrap()];
    let whole = Duration::from_secs(77);
    assert!(whole >= first_limit && first_limit >= second_limit, "{first_limit:?}");
    assert!(second_limit > whole - Duration::from_secs(60), "{second_limit:?}");
    assert_ne!(first.3, second.3);
    assert!(second.3.as_ref().unwrap().is_sensitive());
}

async fn a_hundred_posts_after_a_revocation(builder: reqwest::ClientBuilder) {
    let world = World::revoked().await;
    let client = with(builder, world.middleware());
    let sent = bytes(32 * 1024);
    let calls = (0..100).map(|i| {
        let body = if i % 2 == 0 { sent.clone().into() } else { in_pieces(&sent, 5000) };
        world.post(&client, body).send()
    });
    let mut replayed = 0;
    for response in join_all(calls).await {
        let response = response.unwrap();
        assert_whole(&response, &sent);
        replayed += u64::from(is_replayed(&response));
    }
    assert!(replayed >= 1);
    assert_eq!(world.counts(), (100 + replayed, replayed, 2));
}

#[tokio::test]
async fn over_h1_a_revoked_token_costs_a_hundred_posts_one_token_request() {
    a_hundred_posts_after_a_revocation(plain()).await;
}

#[tokio::test]
async fn over_h2_a_revoked_token_costs_a_hundred_posts_one_token_request() {
    a_hundred_posts_after_a_revocation(h2()).await;
}

/// The rest of the body comes only when the second send is under way: whoever pulls it sends it.
async fn an_early_401_in_the_middle_of_an_upload(builder: reqwest::ClientBuilder) {
    let world = World::revoked().await;
    world.api.respond_early(true);
    let sent = bytes(4 * 1024 * 1024);
    let api = world.api.clone();
    let rest = sent.clone();
    let pieces = stream::unfold(0, move |at| {
        let (api, rest) = (api.clone(), rest.clone());
        async move {
            while at == 1 && api.requests() < 2 {
                tokio::task::yield_now().await;
            }
            let piece = rest.chunks(64 * 1024).nth(at)?;
            Some((Ok::<_, std::convert::Infallible>(rest.slice_ref(piece)), at + 1))
        }
    });
    let middleware = world.middleware().replay(Buffered::new().cap(8 * 1024 * 1024));
    let client = with(builder, middleware);
    let response = world.post(&client, Body::wrap_stream(pieces)).send().await.unwrap();
    assert!(is_replayed(&response));
    assert_whole(&response, &sent);
    assert_eq!((world.api.requests(), world.auth.token_requests()), (2, 2));
}

#[tokio::test]
async fn over_h1_an_early_401_lets_the_second_send_carry_the_whole_upload() {
    an_early_401_in_the_middle_of_an_upload(plain()).await;
}

#[tokio::test]
async fn over_h2_an_early_401_lets_the_second_send_carry_the_whole_upload() {
    an_early_401_in_the_middle_of_an_upload(h2()).await;
}
