//! Plays six scenarios for each provider and adapter against servers in this process, and shows
//! what they cost.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use std::process::ExitCode;

use clap::Parser;
use oauth_examples::{Adapter, Scenario, play, table};
use oauth_testkit::Dialect;

/// Real HTTP clients get through a guarded API with tokens from four providers' dialects.
#[derive(Debug, Parser)]
struct Options {
    /// One JSON object a line on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let mut rows = Vec::new();
    for dialect in Dialect::ALL {
        for adapter in Adapter::ALL {
            for scenario in Scenario::ALL {
                let row = play(dialect, adapter, scenario).await?;
                if options.json {
                    println!("{}", serde_json::to_string(&row)?);
                }
                let verdict = row.off().unwrap_or_else(|| "ok".to_owned());
                eprintln!("{dialect} {} {}: {verdict}", row.adapter, scenario.name());
                rows.push(row);
            }
        }
    }
    let off = rows.iter().filter(|row| row.off().is_some()).count();
    if !options.json {
        println!("\n{}", table(&rows));
        println!("{} scenarios, {off} with a figure that is off", rows.len());
    }
    Ok(if off == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
