//! The ratios as a picture: a row per case, a dot per peer, on a logarithmic axis.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::{Report, title};

const ROW: i32 = 14;
const LEFT: i32 = 330;
const WIDTH: i32 = 1000;
const RIGHT: i32 = 30;
const TOP: i32 = 60;
/// The colours of the peers.
const COLOURS: [RGBColor; 3] = [RGBColor(31, 95, 170), RGBColor(200, 90, 20), RGBColor(60, 140, 60)];

/// What stands in a row.
enum Line<'a> {
    Group(&'a str),
    Case(&'a crate::report::Row),
}

/// Draws the ratios into an SVG file.
pub fn draw(report: &Report, path: &Path) -> Result<(), String> {
    let mut lines = vec![];
    for group in report.groups() {
        lines.push(Line::Group(group));
        lines.extend(report.cases.iter().filter(|row| row.group == group).map(Line::Case));
    }
    let height = TOP + ROW * lines.len() as i32 + 20;
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    picture(report, &lines, height, &area).map_err(|e| format!("{}: {e}", path.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn picture(report: &Report, lines: &[Line], height: i32, area: &Area) -> Drawn {
    area.fill(&WHITE)?;
    let ratios = report.cases.iter().flat_map(|row| row.ratios.values());
    let (low, high) = ratios.fold((0.5f64, 2.0f64), |(low, high), &r| (low.min(r), high.max(r)));
    let (low, high) = (low.log2().floor(), high.log2().ceil());
    let x = |ratio: f64| {
        LEFT + ((ratio.log2() - low) / (high - low) * f64::from(WIDTH - LEFT - RIGHT)).round() as i32
    };
    let style = |size: i32, pos: HPos| {
        TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(pos, VPos::Center))
    };
    heading(report, area, &style(13, HPos::Left))?;
    for power in low as i32..=high as i32 {
        let at = x(f64::from(power).exp2());
        let colour = if power == 0 { BLACK } else { RGBColor(225, 225, 225) };
        area.draw(&PathElement::new(vec![(at, TOP), (at, height - 20)], colour))?;
        let label = if power < 0 { format!("1/{}", 1u64 << -power) } else { format!("{}", 1u64 << power) };
        area.draw(&Text::new(label, (at, TOP - 10), style(11, HPos::Center)))?;
    }
    for (i, line) in lines.iter().enumerate() {
        let y = TOP + ROW * i as i32 + ROW / 2;
        let row = match line {
            Line::Group(group) => {
                area.draw(&Text::new(title(group).to_string(), (8, y), style(13, HPos::Left)))?;
                continue;
            }
            Line::Case(row) => row,
        };
        area.draw(&Text::new(row.name.clone(), (LEFT - 10, y), style(11, HPos::Right)))?;
        for (engine, colour) in report.engines.iter().skip(1).zip(COLOURS) {
            let Some(&ratio) = row.ratios.get(engine) else { continue };
            area.draw(&PathElement::new(vec![(x(1.0), y), (x(ratio), y)], colour.mix(0.4)))?;
            area.draw(&Circle::new((x(ratio), y), 3, colour.filled()))?;
        }
    }
    area.present()?;
    Ok(())
}

/// What the axis is, and which colour is whose.
fn heading(report: &Report, area: &Area, style: &TextStyle) -> Drawn {
    let first = report.engines.first().map_or("", String::as_str);
    let text = format!("time on {first} by time on a peer (left of 1: {first} is faster)");
    area.draw(&Text::new(text, (8, 18), style.clone()))?;
    for (i, (engine, colour)) in report.engines.iter().skip(1).zip(COLOURS).enumerate() {
        let at = WIDTH - 240 + 110 * i as i32;
        area.draw(&Circle::new((at, 18), 4, colour.filled()))?;
        area.draw(&Text::new(engine.clone(), (at + 10, 18), style.clone()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Summary;

    #[test]
    fn every_ratio_is_a_dot() {
        let mut report = Report { engines: vec!["Cape".into(), "CPython".into()], cases: vec![] };
        let time = |median| Ok(Summary { median, spread: 0.01 });
        report.add("call", "one & <two>", vec![time(30.0), time(20.0)]);
        report.add("gil", "taken", vec![time(30.0), Err("absent".into())]);
        let path = std::env::temp_dir().join(format!("cape-perf-{}.svg", std::process::id()));
        draw(&report, &path).expect("drawn");
        let text = std::fs::read_to_string(&path).expect("written");
        let _ = std::fs::remove_file(&path);
        assert!(text.contains("one &amp; &lt;two&gt;"), "{text}");
        assert_eq!(text.matches("<circle").count(), 2, "one for the legend, one for the ratio");
    }
}
