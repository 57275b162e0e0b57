//! Instructions (by callgrind) and allocations of one call. The gate among the benches: they hardly
//! depend on what else the machine does.
//!
//! `cargo bench -p oauth-benches --bench instructions [-- --check | --exact | --record]`
//!
//! A row is called by [`LESS`] and by [`MORE`] requests, in two processes that do the same otherwise;
//! the difference is what the calls cost. That is all that is needed of a framework here, and nothing
//! has to be installed but valgrind.

#![expect(clippy::print_stdout, reason = "its output is what a bench is for")]

use std::process::{Command, ExitCode};

use oauth_benches::asked::Asked;
use oauth_benches::recorded;
use oauth_benches::rows::{PREPARED, Row, run};
use serde_json::{Value, json};

const BODIES: [usize; 2] = [0, 1024];
const LESS: usize = 100;
const MORE: usize = PREPARED;
/// How far a row may be off its recorded figure, either way.
const TOLERANCE: f64 = 0.03;
/// The same in instructions, with `--exact`: the same code twice is off by two at most.
const EXACT: f64 = 5.0;
/// With another toolchain than the recorded one: how far above its recorded figure the ratio may be
/// of what the layer and the static header cost over the no-op service.
const RATIO_TOLERANCE: f64 = 0.15;

/// One memcpy, whatever the processor has: glibc would choose by it. And freed memory is not put
/// together: that would be 100 instructions a call for some rows and nothing for others.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM:\
                        glibc.malloc.tcache_count=10000";

const RECORD_ANEW: &str = "cargo bench -p oauth-benches --bench instructions -- --record";

struct Figure {
    row: Row,
    body: usize,
    instructions: f64,
    allocations: f64,
}

fn main() -> ExitCode {
    let Some(asked) = Asked::of_bench() else { return ExitCode::SUCCESS };
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions: skipped, valgrind is not here (apt-get install valgrind)");
        return ExitCode::SUCCESS;
    }
    let mut figures = Vec::new();
    for body in BODIES {
        for row in Row::ALL {
            let instructions = instructions(row, body);
            figures.push(Figure { row, body, instructions, allocations: allocations(row, body) });
        }
    }
    let toolchain = recorded::toolchain();
    if asked.json {
        println!("{}", to_json(&figures, &toolchain));
    }
    if asked.record {
        recorded::write("instructions", &to_json(&figures, &toolchain));
        return ExitCode::SUCCESS;
    }
    let Some(recorded) = recorded::read("instructions") else {
        println!("nothing is recorded; record it with\n  {RECORD_ANEW}");
        return ExitCode::from(u8::from(asked.check));
    };
    let same = recorded["toolchain"] == toolchain;
    if asked.exact && !same {
        println!(
            "recorded with {}, this is {toolchain}: counts of two toolchains cannot be compared; go back to \
             the commit before, record there, and compare here",
            recorded["toolchain"]
        );
        return ExitCode::FAILURE;
    }
    let mut off = Vec::new();
    if !asked.json {
        println!(
            "{:<28} {:>5} {:>14} {:>8} {:>8} {:>9}",
            "row", "body", "instructions", "allocs", "off by", ""
        );
    }
    for figure in &figures {
        let before = find(&recorded, figure.row.name(), figure.body);
        let change = figure.instructions / before.0 - 1.0;
        let more = figure.instructions - before.0;
        if !asked.json {
            println!(
                "{:<28} {:>5} {:>14.1} {:>8} {:>+8.1} {:>+8.1}%",
                figure.row.name(),
                figure.body,
                figure.instructions,
                figure.allocations,
                more,
                100.0 * change
            );
        }
        let unlike = figure.allocations != before.1;
        // Not for a row that is not recorded: that is off by NaN.
        let within = if asked.exact { more.abs() <= EXACT } else { change.abs() <= TOLERANCE };
        if unlike || (same && !within) {
            off.push(format!(
                "{}, {} bytes: {:.1} instructions and {} allocations, recorded are {:.1} and {}",
                figure.row.name(),
                figure.body,
                figure.instructions,
                figure.allocations,
                before.0,
                before.1
            ));
        }
    }
    let cost = |row: Row| {
        let of = |row: Row| figures.iter().find(|figure| figure.row == row && figure.body == 0);
        of(row).map_or(f64::NAN, |row| row.instructions)
    };
    let ratio = over_static(cost);
    let before = over_static(|row| find(&recorded, row.name(), 0).0);
    if !asked.json {
        println!("NoReplay over the no-op service, against the static header's: {ratio:.2}");
    }
    if !same {
        println!(
            "recorded with {}, this is {toolchain}: instruction counts are only shown; held are the \
             allocations, and the ratio to within {:.0} % above {before:.2}",
            recorded["toolchain"],
            100.0 * RATIO_TOLERANCE
        );
        let within = ratio <= before * (1.0 + RATIO_TOLERANCE);
        if !within {
            off.push(format!(
                "NoReplay costs {ratio:.2} times a static header, {before:.2} before"
            ));
        }
    }
    if off.is_empty() {
        return ExitCode::SUCCESS;
    }
    let bound =
        if asked.exact { format!("{EXACT:.0}") } else { format!("{:.0} %", 100.0 * TOLERANCE) };
    println!("\noff the recorded figures (instructions by more than {bound}):");
    for line in &off {
        println!("  {line}");
    }
    println!(
        "If that is meant (a gain is recorded, too), record anew and say why in the commit:\n  {RECORD_ANEW}"
    );
    ExitCode::from(u8::from(asked.check))
}

/// By callgrind, per call.
fn instructions(row: Row, body: usize) -> f64 {
    let [less, more] = [LESS, MORE].map(|calls| collected(row, body, calls));
    (more - less) as f64 / (MORE - LESS) as f64
}

/// All instructions of a process that makes so many calls.
fn collected(row: Row, body: usize, calls: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env!("CARGO_BIN_EXE_under_callgrind"))
        .args([row.name(), &body.to_string(), &calls.to_string()])
        .env("GLIBC_TUNABLES", TUNABLES)
        .output()
        .expect("valgrind runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let line = told.lines().find_map(|line| line.split_once("Collected : "));
    line.and_then(|(_, count)| count.trim().parse().ok())
        .unwrap_or_else(|| panic!("no count: {told}"))
}

/// Allocations per call.
fn allocations(row: Row, body: usize) -> f64 {
    let mut count = 0;
    run(row, body, MORE, &mut |calls| count = allocation_counter::measure(calls).count_total);
    count as f64 / MORE as f64
}

/// What the layer costs over the no-op service, against what the static header does.
fn over_static(cost: impl Fn(Row) -> f64) -> f64 {
    (cost(Row::NoReplay) - cost(Row::Noop)) / (cost(Row::StaticHeader) - cost(Row::Noop))
}

fn to_json(figures: &[Figure], toolchain: &Value) -> Value {
    let rows: Vec<_> = figures
        .iter()
        .map(|figure| {
            json!({
                "row": figure.row.name(),
                "body": figure.body,
                "instructions": (10.0 * figure.instructions).round() / 10.0,
                "allocations": figure.allocations,
            })
        })
        .collect();
    json!({
        "about": "Per call, by callgrind. They depend on the toolchain and on Cargo.lock: with another \
                  toolchain only the allocations and the ratio to the static header are held.",
        "record_anew": RECORD_ANEW,
        "toolchain": toolchain,
        "rows": rows,
    })
}

/// What is recorded for a row: instructions and allocations.
fn find(recorded: &Value, name: &str, body: usize) -> (f64, f64) {
    let rows = recorded["rows"].as_array();
    let row =
        rows.and_then(|rows| rows.iter().find(|row| row["row"] == name && row["body"] == body));
    row.map_or((f64::NAN, f64::NAN), |row| {
        let figure = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        (figure("instructions"), figure("allocations"))
    })
}
