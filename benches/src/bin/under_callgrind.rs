//! One row and nothing else, for the bench `instructions` to run under callgrind:
//! `under_callgrind <row> <bytes of body> <calls>`.
//!
//! A separate binary, because a counting allocator would count itself.

use oauth_benches::rows::{Row, run};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [row, body, calls] => (Row::named(row), body.parse().ok(), calls.parse().ok()),
        _ => (None, None, None),
    };
    let (Some(row), Some(body), Some(calls)) = parsed else {
        eprintln!("usage: under_callgrind <row> <bytes of body> <calls>");
        std::process::exit(2);
    };
    run(row, body, calls, &mut |calls| calls());
}
