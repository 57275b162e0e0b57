//! Requests per second and the 99th percentile over loopback: hyper with HTTP/1.1 and HTTP/2, and
//! reqwest, each without a layer, without one but with a header that the caller sets by hand (the same
//! kilobyte on the wire), with a static header, and with ours; in turns of a tenth of a
//! second, so that what else the machine does hits all of them.
//!
//! `cargo bench -p oauth-benches --bench end_to_end [-- --json | --record | --quick]`

#![expect(clippy::print_stdout, reason = "its output is what a bench is for")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use oauth_benches::asked::Asked;
use oauth_benches::rows::{authorization, static_header};
use oauth_benches::stats::{median, median_ratio, permille, round};
use oauth_benches::{recorded, secret};
use oauth_core::{BoxError, Origins, StaticToken, Token, TokenSlot};
use oauth_reqwest::OAuthMiddleware;
use oauth_tower::{NoReplay, OAuthLayer};
use reqwest_middleware::ClientBuilder;
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt};

/// Requests under way at the same time.
const AT_ONCE: usize = 16;

/// One request, to the end of the response's body.
type Exchange = Arc<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

fn main() {
    let Some(asked) = Asked::of_bench() else { return };
    let (rounds, turn) = if asked.quick { (2, 20) } else { (60, 80) };
    let server = serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let rows = runtime.expect("a runtime").block_on(async {
        let mut rows = Vec::new();
        for (client, exchanges) in clients(server).await {
            rows.extend(compare(client, exchanges, rounds, Duration::from_millis(turn)).await);
        }
        rows
    });
    let figures = json!({
        "about": "16 requests at once over loopback; ratios are medians over rounds, of the same round.",
        "machine": recorded::machine(),
        "rows": rows,
    });
    if asked.record {
        recorded::write("end_to_end", &figures);
    }
    if asked.json {
        println!("{figures}");
        return;
    }
    println!(
        "{:<10} {:<25} {:>11} {:>12} {:>12} {:>12} {:>11}",
        "client", "layer", "requests/s", "/ no layer", "/ by hand", "/ static", "p99 in us"
    );
    for row in &rows {
        println!(
            "{:<10} {:<25} {:>11} {:>12} {:>12} {:>12} {:>11}",
            row["client"].as_str().unwrap_or_default(),
            row["layer"].as_str().unwrap_or_default(),
            row["per_second"].to_string(),
            row["to_no_layer"].to_string(),
            row["to_by_hand"].to_string(),
            row["to_static_header"].to_string(),
            row["p99_us"].to_string()
        );
    }
}

/// A server on a thread of its own, which responds with 200 and a few bytes. It ends with the process.
fn serve() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("an address")).expect("somebody listens");
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                stream.set_nodelay(true).expect("an option");
                tokio::spawn(async move {
                    let answer = hyper::service::service_fn(async |_: Request<Incoming>| {
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
                    });
                    let server = auto::Builder::new(TokioExecutor::new());
                    // That the client's process ends is not an error here.
                    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
    });
    told.recv().expect("an address")
}

/// Each client's exchanges: without a layer, with a static header, ours without and with replay.
async fn clients(server: SocketAddr) -> Vec<(&'static str, Vec<(&'static str, Exchange)>)> {
    let url = format!("http://{server}/v1/things");
    let slot = slot_of(server, &secret()).await;
    // The layer without the kilobyte on the wire.
    let short = slot_of(server, &secret()[..32]).await;
    let layer = || OAuthLayer::new(slot.clone());
    let mut clients = Vec::new();
    for (name, http2) in [("hyper h1", false), ("hyper h2", true)] {
        clients.push((
            name,
            vec![
                ("none", tower_exchange(hyper_client(http2), &url, None)),
                ("by hand", tower_exchange(hyper_client(http2), &url, Some(authorization()))),
                ("static header", tower_exchange(static_header(hyper_client(http2)), &url, None)),
                (
                    "ours, NoReplay",
                    tower_exchange(layer().replay(NoReplay).layer(hyper_client(http2)), &url, None),
                ),
                ("ours, Buffered", tower_exchange(layer().layer(hyper_client(http2)), &url, None)),
                (
                    "ours, NoReplay, 32 bytes",
                    tower_exchange(
                        OAuthLayer::new(short.clone()).replay(NoReplay).layer(hyper_client(http2)),
                        &url,
                        None,
                    ),
                ),
            ],
        ));
    }
    let plain = || ClientBuilder::new(reqwest::Client::new());
    let headers = HeaderMap::from_iter([(AUTHORIZATION, authorization())]);
    let with_header =
        reqwest::Client::builder().default_headers(headers).build().expect("a client");
    let ours = || OAuthMiddleware::new(slot.clone());
    clients.push((
        "reqwest",
        vec![
            ("none", reqwest_exchange(plain(), &url, None)),
            ("by hand", reqwest_exchange(plain(), &url, Some(authorization()))),
            ("static header", reqwest_exchange(ClientBuilder::new(with_header), &url, None)),
            (
                "ours, NoReplay",
                reqwest_exchange(plain().with(ours().replay(oauth_reqwest::NoReplay)), &url, None),
            ),
            ("ours, default", reqwest_exchange(plain().with(ours()), &url, None)),
        ],
    ));
    clients
}

/// A slot with that token.
async fn slot_of(server: SocketAddr, secret: &str) -> TokenSlot {
    let slot = TokenSlot::builder(StaticToken::new(Token::bearer(secret).expect("a token")))
        .origins(Origins::parse([&*format!("http://{server}")]).expect("an origin"))
        .build();
    slot.token().await.expect("a token");
    slot
}

fn hyper_client<B>(http2: bool) -> Client<HttpConnector, B>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).http2_only(http2).build(connector)
}

/// With `header`, the caller puts it into each request: the same bytes on the wire as a layer's.
fn tower_exchange<S>(service: S, url: &str, header: Option<HeaderValue>) -> Exchange
where
    S: Service<Request<Full<Bytes>>, Response = Response<Incoming>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    let url: http::Uri = url.parse().expect("a URL");
    Arc::new(move || {
        let (mut service, url, header) = (service.clone(), url.clone(), header.clone());
        Box::pin(async move {
            let mut request = Request::get(url).body(Full::default())?;
            if let Some(header) = header {
                request.headers_mut().insert(AUTHORIZATION, header);
            }
            let response = service.ready().await.map_err(Into::into)?.call(request).await;
            response.map_err(Into::into)?.into_body().collect().await?;
            Ok(())
        })
    })
}

fn reqwest_exchange(client: ClientBuilder, url: &str, header: Option<HeaderValue>) -> Exchange {
    let (client, url) = (client.build(), url.parse::<reqwest::Url>().expect("a URL"));
    Arc::new(move || {
        let mut request = client.get(url.clone());
        if let Some(header) = header.clone() {
            request = request.header(AUTHORIZATION, header);
        }
        Box::pin(async move {
            request.send().await?.bytes().await?;
            Ok(())
        })
    })
}

async fn compare(
    client: &str,
    exchanges: Vec<(&'static str, Exchange)>,
    rounds: usize,
    turn: Duration,
) -> Vec<Value> {
    let mut rates = vec![Vec::new(); exchanges.len()];
    let mut waits = vec![Vec::new(); exchanges.len()];
    // The first round opens the connections.
    for round in 0..=rounds {
        for step in 0..exchanges.len() {
            // Each round starts with another one, so that none always follows the same.
            let at = (round + step) % exchanges.len();
            let (rate, mut turn_waits) = load(&exchanges[at].1, turn).await;
            if round > 0 {
                rates[at].push(rate);
                waits[at].append(&mut turn_waits);
            }
        }
    }
    let row = |at: usize| {
        json!({
            "client": client,
            "layer": exchanges[at].0,
            "per_second": median(&rates[at]).round(),
            "to_no_layer": round(median_ratio(&rates[at], &rates[0]), 3),
            "to_by_hand": round(median_ratio(&rates[at], &rates[1]), 3),
            "to_static_header": round(median_ratio(&rates[at], &rates[2]), 3),
            "p99_us": round(1e6 * permille(&mut waits[at].clone(), 990).as_secs_f64(), 0),
        })
    };
    (0..exchanges.len()).map(row).collect()
}

/// Requests per second, and how long each took.
async fn load(exchange: &Exchange, time: Duration) -> (f64, Vec<Duration>) {
    let stop = Arc::new(AtomicBool::new(false));
    let from = Instant::now();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (exchange, stop) = (exchange.clone(), stop.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let from = Instant::now();
                    exchange().await.expect("a response");
                    waits.push(from.elapsed());
                }
                waits
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for task in tasks {
        waits.append(&mut task.await.expect("no panic"));
    }
    (waits.len() as f64 / from.elapsed().as_secs_f64(), waits)
}
