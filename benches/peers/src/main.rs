//! Other crates that hand out tokens, in the same rows as ours: what a request pays while the token
//! is fresh, and what a storm costs the token endpoint.
//!
//! `cargo run --release [-- --json | --record | --quick]`, in `benches/peers`

mod aliri;
mod by_hand;
mod gears;
mod huskarl;
mod middle;
mod ours;
mod scenarios;

use futures_util::future::BoxFuture;
use oauth_benches::asked::Asked;
use oauth_benches::recorded;
use oauth_benches::rows::Row;
use oauth_benches::stats::{median, median_ratio, round};
use oauth_benches::storm::{Api, Call, TokenEndpoint};
use oauth_benches::timing::{Batch, Batches, alternate};
use serde_json::{Value, json};

/// One of the crates, or a way to use it.
struct Peer {
    name: &'static str,
    /// Whether callers may come before there is a token; else it is fetched when the client is made.
    starts_empty: bool,
    /// Whether it has a response to a 401.
    handles_401: bool,
    /// Whether its runs with many callers are recorded; not twice for one crate.
    storms: bool,
    connect: Connect,
}

type Connect = for<'a> fn(&'a TokenEndpoint, &'a Api) -> BoxFuture<'a, Client>;

/// A client of that endpoint and that API.
struct Client {
    /// A call of the API.
    call: Call,
    /// Requests that go to a service that does nothing.
    hand_out: Box<dyn FnOnce() -> Batch + Send>,
}

const PEERS: [Peer; 8] = [
    Peer {
        name: "oauth-tower, NoReplay",
        starts_empty: true,
        handles_401: true,
        storms: false,
        connect: ours::no_replay,
    },
    Peer {
        name: "oauth-tower, Buffered",
        starts_empty: true,
        handles_401: true,
        storms: true,
        connect: ours::buffered,
    },
    Peer {
        name: "middle",
        starts_empty: false,
        handles_401: false,
        storms: true,
        connect: middle::connect,
    },
    Peer {
        name: "aliri_tokens",
        starts_empty: false,
        handles_401: false,
        storms: true,
        connect: aliri::connect,
    },
    Peer {
        name: "RwLock, by hand",
        starts_empty: true,
        handles_401: true,
        storms: true,
        connect: by_hand::connect,
    },
    Peer {
        name: "huskarl",
        starts_empty: true,
        handles_401: true,
        storms: true,
        connect: huskarl::connect,
    },
    Peer {
        name: "cf-gears-toolkit-auth, plain",
        starts_empty: true,
        handles_401: false,
        storms: true,
        connect: gears::plain,
    },
    Peer {
        name: "cf-gears-toolkit-auth, 401",
        starts_empty: true,
        handles_401: true,
        storms: true,
        connect: gears::refreshing,
    },
];

fn main() {
    let asked = Asked::of_program();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads");
    let hot_path = hot_path(&runtime, if asked.quick { 20 } else { 3000 });
    let storms = runtime.block_on(async {
        let mut rows = Vec::new();
        for peer in PEERS.iter().filter(|peer| peer.storms) {
            eprintln!("{}", peer.name);
            rows.push(scenarios::all(peer, asked.quick).await);
        }
        rows
    });
    let figures = json!({
        "about": "Nanoseconds per call with a fresh token of 1 KiB before a service that does nothing, and storms; one run, side by side.",
        "machine": recorded::machine(),
        "hot_path": hot_path,
        "storms": storms,
    });
    if asked.record {
        recorded::write("peers", &figures);
    }
    if asked.json {
        println!("{figures}");
    } else {
        print(&figures);
    }
}

fn hot_path(runtime: &tokio::runtime::Runtime, rounds: usize) -> Vec<Value> {
    let floor = [Row::Noop, Row::StaticHeader, Row::StaticOverriding];
    let mut names = floor.map(Row::name).to_vec();
    let one = Batches { body: 0, threads: 1 };
    let mut batches: Vec<_> = floor.into_iter().map(|row| row.visit(one.clone())).collect();
    let (endpoint, api) = (TokenEndpoint::start(), Api::default());
    let token = oauth_benches::secret();
    endpoint.server.respond_with(move |_| {
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }).to_string()
    });
    for peer in &PEERS {
        let client = runtime.block_on(async {
            let client = (peer.connect)(&endpoint, &api).await;
            let status = (client.call)().await.expect("a token");
            assert_eq!(status, 200, "{}", peer.name);
            client
        });
        names.push(peer.name);
        batches.push(vec![(client.hand_out)()]);
    }
    let times = alternate(batches, rounds);
    let row = |at: usize| {
        let over: Vec<_> = times[at].iter().zip(&times[0]).map(|(ns, noop)| ns - noop).collect();
        json!({
            "row": names[at],
            "ns": round(median(&times[at]), 1),
            "ns_over_noop": round(median(&over), 1),
            "to_static_header": round(median_ratio(&times[at], &times[1]), 2),
        })
    };
    (0..names.len()).map(row).collect()
}

fn print(figures: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    println!(
        "{:<30} {:>9} {:>10} {:>17}",
        "fresh token", "ns/call", "over no-op", "x static header"
    );
    for row in figures["hot_path"].as_array().into_iter().flatten() {
        println!(
            "{:<30} {:>9} {:>10} {:>17}",
            text(&row["row"]),
            text(&row["ns"]),
            text(&row["ns_over_noop"]),
            text(&row["to_static_header"])
        );
    }
    for scenario in scenarios::NAMES {
        println!("\n{scenario}");
        for row in figures["storms"].as_array().into_iter().flatten() {
            println!("  {:<30} {}", text(&row["peer"]), text(&row[scenario]));
        }
    }
}
