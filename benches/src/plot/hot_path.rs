//! What a request pays while the token is fresh, as bars.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde_json::Value;

use super::{OURS, Result, TEXT, THEIRS, text, themed};

const WIDTH: i32 = 760;
const ROW: i32 = 26;
const TOP: i32 = 46;
const LEFT: i32 = 230;
const RIGHT: i32 = 90;

/// Draws the rows of `hot_path`, nanoseconds over the no-op service.
///
/// # Errors
/// If the figures are not those of the peers.
pub fn draw(peers: &Value) -> Result<String> {
    let rows = peers["hot_path"].as_array().ok_or("no hot_path")?;
    let mut bars = Vec::new();
    for row in rows.iter().filter(|row| row["row"] != "no-op") {
        let name = row["row"].as_str().ok_or("no name")?;
        bars.push((name, row["ns_over_noop"].as_f64().ok_or("no figure")?));
    }
    bars.sort_by(|a, b| a.1.total_cmp(&b.1));
    let longest = bars.last().ok_or("no rows")?.1;
    let height = TOP + ROW * i32::try_from(bars.len())? + 12;

    let mut svg = String::new();
    {
        let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let title = "A fresh token of 1 KiB: nanoseconds a request pays over no layer at all";
        area.draw_text(title, &text(15), (14, 14))?;
        for (at, (name, ns)) in (0_i32..).zip(&bars) {
            let (top, middle) = (TOP + at * ROW, TOP + at * ROW + ROW / 2);
            let end = LEFT + (f64::from(WIDTH - LEFT - RIGHT) * ns.max(0.0) / longest) as i32;
            let color = if name.starts_with("oauth-") { OURS } else { THEIRS };
            area.draw(&Rectangle::new([(LEFT, top + 4), (end, top + ROW - 4)], color.filled()))?;
            let beside = |side| text(13).pos(Pos::new(side, VPos::Center)).color(&TEXT);
            area.draw_text(name, &beside(HPos::Right), (LEFT - 8, middle))?;
            area.draw_text(&format!("{ns:.0} ns"), &beside(HPos::Left), (end + 6, middle))?;
        }
        area.present()?;
    }
    themed(&svg)
}
