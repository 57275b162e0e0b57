//! Draws the pictures in `docs/` from the recorded figures.
//!
//! `cargo run --release -p oauth-benches --bin plot`

use std::error::Error;
use std::path::PathBuf;

use oauth_benches::plot;

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn main() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(docs())?;
    for (name, picture) in plot::pictures()? {
        std::fs::write(docs().join(name), picture)?;
        eprintln!("drawn: docs/{name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_show_the_recorded_figures() {
        for (name, picture) in plot::pictures().unwrap() {
            let drawn = std::fs::read_to_string(docs().join(name)).unwrap();
            let advice = "draw it anew: cargo run --release -p oauth-benches --bin plot";
            assert!(drawn == picture, "docs/{name} shows other figures; {advice}");
        }
    }
}
