//! The gateway's callers choose their `Host` and their URL. The token goes to the API all the same,
//! under its own name, and nowhere else.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use oauth_core::{Ataccama, ClientAuth, TokenSlot};
use oauth_examples::gateway;
use oauth_testkit::{AuthServer, Dialect, Fault, ProtectedApi};

struct World {
    auth: AuthServer,
    api: ProtectedApi,
    thief: ProtectedApi,
    address: SocketAddr,
}

impl World {
    async fn new() -> Self {
        let auth = AuthServer::start(Dialect::Ataccama).await.unwrap();
        let api = ProtectedApi::start(&auth).await.unwrap();
        let thief = ProtectedApi::open().await.unwrap();
        let client = ClientAuth::secret(auth.client_id(), auth.client_secret());
        let grant = Ataccama::builder(client)
            .realm(auth.realm())
            .base_url(auth.base_url())
            .api_url(api.base_url())
            .build()
            .unwrap();
        let slot = TokenSlot::for_grant(grant).unwrap();
        let router = gateway(slot, api.addr().to_string().parse().unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { auth, api, thief, address }
    }

    /// Sends these lines as they are, and reads the response to its end.
    async fn send(&self, lines: String) -> String {
        let address = self.address;
        let sent = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let text = format!("{lines}\r\nconnection: close\r\n\r\n");
            stream.write_all(text.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        sent.await.unwrap()
    }
}

#[tokio::test]
async fn a_hostile_host_reaches_the_api_under_its_own_name_and_with_the_token() {
    let world = World::new().await;
    let (api, thief) = (world.api.addr(), world.thief.addr());
    let requests = [
        format!("GET /v1/x HTTP/1.1\r\nhost: {thief}"),
        "GET /v1/x HTTP/1.1\r\nhost: evil.example".to_owned(),
        format!("GET /v1/x HTTP/1.1\r\nhost: {api}@{thief}"),
        format!("GET /v1/x HTTP/1.1\r\nhost: {api}\r\nhost: {thief}"),
        format!("GET /v1/x HTTP/1.1\r\nhost: {api}\r\nx-forwarded-host: {thief}"),
        // In absolute form the URL itself names another place.
        format!("GET http://{thief}/v1/x HTTP/1.1\r\nhost: {thief}"),
        format!("GET http://u:p@{thief}/v1/x HTTP/1.1\r\nhost: {api}"),
        // A token of the caller's own is not the API's business either.
        format!("GET /v1/x HTTP/1.1\r\nhost: {thief}\r\nauthorization: Bearer stolen"),
    ];
    let count = requests.len() as u64;
    for request in requests {
        let told = request.clone();
        let answer = world.send(request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{told}: {answer}");
        let seen = world.api.last_request().unwrap();
        assert_eq!(seen.header("host"), Some(api.to_string().as_str()), "{told}");
        let authorization = seen.header("authorization").unwrap();
        assert!(authorization.starts_with("Bearer ") && authorization != "Bearer stolen");
        assert!(!answer.contains(authorization), "the caller got the token");
    }
    assert_eq!((world.api.requests(), world.api.refused()), (count, 0));
    assert_eq!((world.thief.requests(), world.auth.token_requests()), (0, 1));
}

#[tokio::test]
async fn paths_that_look_like_another_place_stay_paths_of_the_api() {
    let world = World::new().await;
    let thief = world.thief.addr();
    for path in [format!("//{thief}/x"), format!("/@{thief}"), format!("/..//{thief}/")] {
        let answer = world.send(format!("GET {path} HTTP/1.1\r\nhost: gateway")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{path}: {answer}");
        assert_eq!(world.api.last_request().unwrap().path(), path);
    }
    assert_eq!((world.api.requests(), world.thief.requests()), (3, 0));
}

#[tokio::test]
async fn readiness_asks_whether_the_next_request_can_be_served_and_liveness_asks_nothing() {
    let world = World::new().await;
    let get = |path: &str| world.send(format!("GET {path} HTTP/1.1\r\nhost: gateway"));
    // Nobody has called the API yet, and nobody will before the gateway is ready.
    assert!(get("/readyz").await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(world.auth.token_requests(), 0);

    world.auth.inject(Fault::status(503).header("retry-after", "3600"));
    let failed = get("/v1/x").await;
    assert!(failed.starts_with("HTTP/1.1 502 Bad Gateway"), "{failed}");
    assert_eq!((world.auth.token_requests(), world.api.requests()), (1, 0));
    assert!(get("/readyz").await.starts_with("HTTP/1.1 503 Service Unavailable"));
    assert!(get("/livez").await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!((world.auth.token_requests(), world.api.requests()), (1, 0), "a probe is no caller");
}
