//! Pictures of recorded figures, as SVG that is readable on light and on dark pages.

pub mod hot_path;
pub mod storm;

use std::error::Error;

use plotters::style::{RGBColor, TextStyle};

use crate::recorded;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

// Drawn on a light page; `themed` says what they are on a dark one.
const TEXT: RGBColor = RGBColor(0x24, 0x29, 0x2f);
const LINE: RGBColor = RGBColor(0xd0, 0xd7, 0xde);
// Readable on both.
const OURS: RGBColor = RGBColor(0x2f, 0x81, 0xf7);
const THEIRS: RGBColor = RGBColor(0x8b, 0x94, 0x9e);
const REQUEST: RGBColor = RGBColor(0xe3, 0x6f, 0x1e);

const DARK: &str = "<style>@media (prefers-color-scheme: dark) {\n\
    [fill=\"#24292F\"] { fill: #e6edf3 }\n\
    [stroke=\"#D0D7DE\"] { stroke: #3d444d }\n\
    [fill=\"#D0D7DE\"] { fill: #3d444d }\n\
    }</style>\n";

/// All of them, each with the name of its file.
///
/// # Errors
/// If figures are missing, or there is nothing to draw.
pub fn pictures() -> Result<[(&'static str, String); 2]> {
    let peers = recorded::read("peers").ok_or("recorded/peers.json is missing")?;
    let storms = recorded::read("storm").ok_or("recorded/storm.json is missing")?;
    Ok([("hot-path.svg", hot_path::draw(&peers)?), ("storm.svg", storm::draw(&storms)?)])
}

fn text(size: i32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size)).color(&TEXT)
}

/// The picture with its second set of colours.
fn themed(svg: &str) -> Result<String> {
    let start = svg.find("<svg").ok_or("no picture")?;
    let end = start + svg[start..].find('>').ok_or("no picture")? + 1;
    Ok(format!("{}\n{DARK}{}", &svg[..end], svg[end..].trim_start()))
}
