//! The files of a profile: pprof's protobuf, folded stacks, a flame graph.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pprof::flamegraph::color::{Color, PaletteMap};
use pprof::flamegraph::{self, Options};
use pprof::protos::{self, Message};

use super::FREQUENCY;
use super::stacks::{Kind, Profile};
use super::symbols::Side;

const PERIOD: u64 = 1_000_000_000 / FREQUENCY;

/// Writes `file`, `file.folded` and `file.svg`.
///
/// # Errors
/// What the system says, and what the flame graph's maker says.
pub fn write(file: &Path, profile: &Profile, began: SystemTime, duration: Duration) -> io::Result<()> {
    let message = message(profile, began, duration);
    fs::write(file, message.write_to_bytes().map_err(io::Error::other)?)?;
    let lines = folded(profile);
    let mut text = lines.join("\n");
    text.push('\n');
    fs::write(beside(file, ".folded"), text)?;
    fs::write(beside(file, ".svg"), flame_graph(profile, &lines)?)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The string table of a protobuf profile.
#[derive(Default)]
struct Strings {
    all: Vec<String>,
    numbers: HashMap<String, i64>,
}

impl Strings {
    fn add(&mut self, text: &str) -> i64 {
        if let Some(&n) = self.numbers.get(text) {
            return n;
        }
        let n = self.all.len() as i64;
        self.all.push(text.to_string());
        self.numbers.insert(text.to_string(), n);
        n
    }
}

fn message(profile: &Profile, began: SystemTime, duration: Duration) -> protos::Profile {
    let mut strings = Strings::default();
    strings.add("");
    let mut kind = |ty: &str, unit: &str| protos::ValueType {
        ty: strings.add(ty),
        unit: strings.add(unit),
        ..Default::default()
    };
    let (samples, time) = (kind("samples", "count"), kind("cpu", "nanoseconds"));
    // Numbers in a profile begin at 1.
    let mapping = |m: usize| m as u64 + 1;
    let location = |p: usize| p as u64 + 1;
    let function = |f: usize| f as u64 + 1;
    let labels = ["thread", "side"].map(|l| strings.add(l));
    let sample = profile
        .stacks
        .iter()
        .map(|s| protos::Sample {
            location_id: s.places.iter().map(|&p| location(p)).collect(),
            value: vec![s.weight as i64, (s.weight * PERIOD) as i64],
            label: labels
                .into_iter()
                .zip([s.thread.as_str(), s.side.name()])
                .map(|(key, text)| protos::Label { key, str: strings.add(text), ..Default::default() })
                .collect(),
            ..Default::default()
        })
        .collect();
    let mappings = profile
        .mappings
        .iter()
        .enumerate()
        .map(|(i, m)| protos::Mapping {
            id: mapping(i),
            memory_start: m.start,
            memory_limit: m.end,
            file_offset: m.offset,
            filename: strings.add(&m.path),
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
            ..Default::default()
        })
        .collect();
    let locations = profile
        .places
        .iter()
        .enumerate()
        .map(|(i, p)| protos::Location {
            id: location(i),
            mapping_id: profile.mapping(p.address).map_or(0, mapping),
            address: p.address,
            line: p
                .lines
                .iter()
                .map(|&(f, line)| protos::Line {
                    function_id: function(f),
                    line: line as i64,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        })
        .collect();
    let functions = profile
        .functions
        .iter()
        .enumerate()
        .map(|(i, f)| protos::Function {
            id: function(i),
            // Were the system's name the same, pprof would take `<module>` for a template's argument and drop it.
            name: strings.add(&f.name),
            filename: strings.add(&f.file),
            start_line: f.first_line as i64,
            ..Default::default()
        })
        .collect();
    let comment = vec![strings.add(&profile.summary())];
    protos::Profile {
        sample_type: vec![samples, time.clone()],
        sample,
        mapping: mappings,
        location: locations,
        function: functions,
        comment,
        time_nanos: began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as i64,
        duration_nanos: duration.as_nanos() as i64,
        period_type: Some(time).into(),
        period: PERIOD as i64,
        string_table: strings.all,
        ..Default::default()
    }
}

/// A line per stack, outermost frame first: `thread;frame;...;frame count`.
fn folded(profile: &Profile) -> Vec<String> {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for s in &profile.stacks {
        let mut line = s.thread.replace(';', ":");
        for &p in s.places.iter().rev() {
            for &(f, _) in profile.places[p].lines.iter().rev() {
                line.push(';');
                line.push_str(&profile.functions[f].label());
            }
        }
        *lines.entry(line).or_default() += s.weight;
    }
    lines.into_iter().map(|(stack, weight)| format!("{stack} {weight}")).collect()
}

fn flame_graph(profile: &Profile, lines: &[String]) -> io::Result<Vec<u8>> {
    let mut palette = PaletteMap::default();
    for f in &profile.functions {
        let (r, g, b) = match (f.kind, f.side) {
            (Kind::Python, _) => (110, 190, 110),
            (_, Side::Python) => (175, 195, 215),
            (_, Side::C) => (235, 110, 90),
            (_, Side::Boundary) => (245, 185, 75),
            (_, Side::Memory) => (190, 150, 210),
            (_, Side::Caller) => (205, 205, 205),
        };
        palette.insert(f.label(), Color { r, g, b });
    }
    let mut options = Options::default();
    options.title = "Cape".to_string();
    options.subtitle = Some(format!(
        "{}. Python functions green, interpreter blue, memory violet, boundary orange, C red",
        profile.summary()
    ));
    options.palette_map = Some(&mut palette);
    let mut svg = Vec::new();
    // Without a sample it is an error to it, after a picture that says so.
    match flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg) {
        Err(e) if !lines.is_empty() => Err(io::Error::other(e)),
        _ => Ok(svg),
    }
}
