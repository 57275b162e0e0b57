//! Nanoseconds per call on one thread and on two, each row against the static header (a reqwest
//! chain: against the empty one) in the same round; the median of the ratios is the figure.
//!
//! `cargo bench -p oauth-benches --bench side_by_side [-- --json | --record | --quick]`
//!
//! `hot_path` has the same rows under divan, with its spread; this one is for comparing.

#![expect(clippy::print_stdout, reason = "its output is what a bench is for")]

use oauth_benches::asked::Asked;
use oauth_benches::recorded;
use oauth_benches::rows::Row;
use oauth_benches::stats::{median, median_ratio, round};
use oauth_benches::timing::{Batches, alternate};
use serde_json::{Value, json};

fn main() {
    let Some(asked) = Asked::of_bench() else { return };
    let rounds = if asked.quick { 20 } else { 3000 };
    let mut rows = Vec::new();
    for threads in [1, 2] {
        for body in [0, 1024] {
            for floor in [Row::Noop, Row::Chain] {
                rows.extend(side_by_side(floor, threads, body, rounds));
            }
        }
    }
    let figures = json!({
        "about": "Nanoseconds per call; ratios are medians over rounds, against the static header (a reqwest chain: the empty chain) of the same round.",
        "machine": recorded::machine(),
        "rows": rows,
    });
    if asked.record {
        recorded::write("side_by_side", &figures);
    }
    if asked.json {
        println!("{figures}");
        return;
    }
    println!(
        "{:<28} {:>7} {:>5} {:>8} {:>17} {:>15}",
        "row", "threads", "body", "ns/call", "x reference", "ns over floor"
    );
    for row in &rows {
        println!(
            "{:<28} {:>7} {:>5} {:>8.1} {:>17.2} {:>15.1}",
            row["row"].as_str().unwrap_or_default(),
            row["threads"],
            row["body"],
            row["ns"].as_f64().unwrap_or_default(),
            row["to_reference"].as_f64().unwrap_or_default(),
            row["ns_over_floor"].as_f64().unwrap_or_default(),
        );
    }
}

/// The rows with the same floor, among themselves: a chain's requests would drive the others' out of
/// the caches.
fn side_by_side(floor: Row, threads: usize, body: usize, rounds: usize) -> Vec<Value> {
    let rows: Vec<_> = Row::ALL.into_iter().filter(|row| row.floor() == floor).collect();
    let batches = rows.iter().map(|row| row.visit(Batches { body, threads })).collect();
    let times = alternate(batches, rounds);
    let reference = rows.iter().position(|row| *row == Row::StaticHeader).unwrap_or(0);
    let figure = |at: usize| {
        let over: Vec<_> = times[at].iter().zip(&times[0]).map(|(ns, floor)| ns - floor).collect();
        json!({
            "row": rows[at].name(),
            "threads": threads,
            "body": body,
            "ns": round(median(&times[at]), 1),
            "to_reference": round(median_ratio(&times[at], &times[reference]), 3),
            "ns_over_floor": round(median(&over), 1),
        })
    };
    (0..rows.len()).map(figure).collect()
}
