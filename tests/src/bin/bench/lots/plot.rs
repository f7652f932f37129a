//! Plots of the figures over the size of the ledger, one SVG each.

use std::path::Path;

use anyhow::Context as _;
use plotters::prelude::{
    BLUE, ChartBuilder, Color as _, IntoDrawingArea as _, LineSeries, RED, SVGBackend, WHITE,
};

use crate::lots::row::{Bound, Row};

/// Width and height of a plot.
const SIZE: (u32, u32) = (800, 400);

/// A figure: name of the file, words on top, how it is read off a row, and its ceiling or floor.
struct Figure {
    name: &'static str,
    title: &'static str,
    read: fn(&Row) -> u64,
    bound: Option<u64>,
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn figures(bound: &Bound) -> Vec<Figure> {
    let figure = |name, title, read: fn(&Row) -> u64, bound| Figure { name, title, read, bound };
    vec![
        figure("events", "events a second", |row| row.events_a_second, None),
        figure("lines", "lines a second", |row| row.lines_a_second, None),
        figure(
            "processor",
            "processor time of all nodes, µs an event; red: signatures and rows alone",
            |row| nanos(row.nodes) / 1_000,
            Some(nanos(bound.nodes) / 1_000),
        ),
        figure(
            "disk",
            "ledger of one node, bytes an event; red: bytes submitted",
            |row| row.disk_bytes,
            Some(bound.event_bytes),
        ),
        figure("resident", "resident memory of a node, MiB", |row| row.resident_mib, None),
        figure(
            "submission",
            "submission to receipts, 99 of 100, ms; red: the least possible",
            |row| nanos(row.submission.p99) / 1_000_000,
            Some(nanos(bound.submission) / 1_000_000),
        ),
        figure(
            "trace",
            "complete trace under load, 99 of 100, µs; red: there and back",
            |row| nanos(row.trace.p99) / 1_000,
            Some(nanos(bound.trace) / 1_000),
        ),
    ]
}

/// Draws every figure into `folder`.
pub(crate) fn all(folder: &Path, rows: &[Row], bound: &Bound) -> anyhow::Result<()> {
    for figure in figures(bound) {
        let path = folder.join(format!("lots-{}.svg", figure.name));
        draw(&path, rows, &figure).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn draw(path: &Path, rows: &[Row], figure: &Figure) -> anyhow::Result<()> {
    let points: Vec<(u64, u64)> = rows.iter().map(|row| (row.events, (figure.read)(row))).collect();
    let last = points.last().map_or(1, |(events, _)| *events);
    let highest = points.iter().map(|(_, value)| *value).chain(figure.bound).max();
    let highest = highest.unwrap_or_default().max(1);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(figure.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(72)
        .build_cartesian_2d(0..last, 0..highest + highest / 10)?;
    chart.configure_mesh().x_desc("events in the ledger").max_light_lines(1).draw()?;
    chart.draw_series(LineSeries::new(points, BLUE.stroke_width(2)))?;
    if let Some(bound) = figure.bound {
        chart.draw_series(LineSeries::new([(0, bound), (last, bound)], RED.stroke_width(1)))?;
    }
    area.present()?;
    Ok(())
}
