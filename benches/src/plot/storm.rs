//! A storm over time: how many callers wait, and when the token endpoint is asked.

use plotters::prelude::*;
use serde_json::Value;

use super::{LINE, OURS, REQUEST, Result, text, themed};

/// Draws the timeline.
///
/// # Errors
/// If the figures are not those of the storms.
pub fn draw(storms: &Value) -> Result<String> {
    let timeline = &storms["timeline"];
    let samples = timeline["samples_ms_waiting_requests"].as_array().ok_or("no samples")?;
    let sample = |row: &Value, at: usize| row[at].as_f64().ok_or("no figure");
    let (mut waiting, mut asked, mut requests) = (Vec::new(), Vec::new(), 0.0);
    for row in samples {
        let at = sample(row, 0)?;
        waiting.push((at, sample(row, 1)?));
        let now = sample(row, 2)?;
        if now > requests {
            asked.push((at, now));
            requests = now;
        }
    }
    let callers = timeline["callers"].as_f64().ok_or("no callers")?;
    let (end, top) = (waiting.last().ok_or("no samples")?.0, callers * 1.3);
    let events = [
        (0.0, "no token yet".to_string()),
        (timeline["revoked_at"].as_f64().ok_or("no event")?, "token revoked".to_string()),
        (
            timeline["failing_from"].as_f64().ok_or("no event")?,
            "token stale, endpoint responds with 500".to_string(),
        ),
    ];

    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (760, 300)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption("1,000 callers in a loop", text(15))
            .margin(14)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(LINE)
            .axis_style(LINE)
            .label_style(text(12))
            .axis_desc_style(text(13))
            .y_desc("callers that wait")
            .x_desc("milliseconds; orange: a token request begins")
            .y_labels(6)
            .y_label_formatter(&|count| format!("{count:.0}"))
            .x_label_formatter(&|at| format!("{at:.0}"))
            .draw()?;
        chart.draw_series(AreaSeries::new(waiting, 0.0, OURS.mix(0.25)).border_style(OURS))?;
        for (at, _) in &asked {
            let line = [(*at, 0.0), (*at, callers * 1.08)];
            chart.draw_series([PathElement::new(line, REQUEST.stroke_width(2))])?;
        }
        for (at, what) in events {
            let place = (at + end * 0.006, callers * 1.22);
            chart.draw_series([Text::new(what, place, text(13))])?;
        }
        area.present()?;
    }
    themed(&svg)
}
