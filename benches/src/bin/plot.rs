//! Draws the pictures in `docs/` from the recorded figures.
//!
//! `cargo run --release -p oauth-benches --bin plot`

use std::error::Error;
use std::path::PathBuf;

use oauth_benches::plot::{hot_path, storm};
use oauth_benches::recorded;

fn main() -> Result<(), Box<dyn Error>> {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::create_dir_all(&docs)?;
    let peers = recorded::read("peers").ok_or("recorded/peers.json is missing")?;
    std::fs::write(docs.join("hot-path.svg"), hot_path::draw(&peers)?)?;
    let storms = recorded::read("storm").ok_or("recorded/storm.json is missing")?;
    std::fs::write(docs.join("storm.svg"), storm::draw(&storms)?)?;
    eprintln!("drawn: docs/hot-path.svg, docs/storm.svg");
    Ok(())
}
