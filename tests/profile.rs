//! `cape --profile`: what is in the files, and in which order.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::process::{limit, run};
use cape_tests::{cape, compile, crossing_sources, root, scratch};
use pprof::protos::{Message, Profile};

const EVALUATOR: &str = "cape_vm::eval::evaluate";
/// The vectorcall of functions, which enters compiled code itself.
const FROM_C: &str = "cape_bridge::slots::trampolines::vectorcall_function";
/// Where native code calls compiled code, this stands for the loop.
const CALLER: &str = "cape_vm::eval::frames::<impl cape_vm::vm::Vm>::call_function";

/// A frame as the profile has it.
#[derive(Clone, Debug)]
struct Frame {
    name: String,
    file: String,
    first_line: i64,
    line: i64,
}

/// A stack, outermost frame first.
struct Stack {
    frames: Vec<Frame>,
    labels: HashMap<String, String>,
    samples: i64,
    nanoseconds: i64,
}

impl Stack {
    fn names(&self) -> Vec<&str> {
        self.frames.iter().map(|f| f.name.as_str()).collect()
    }

    /// Whether the names come in this order, with others in between.
    fn has_in_order(&self, names: &[&str]) -> bool {
        let mut all = self.frames.iter();
        names.iter().all(|n| all.any(|f| f.name == *n))
    }
}

/// Runs a script under the profiler; its output, and the file of the profile.
fn profile(name: &str, script: &str, arguments: &[&str]) -> (String, PathBuf) {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), name);
    let file = folder.join("out.pb");
    let mut command = Command::new(cape());
    command.arg("--profile").arg(&file).arg(root().join("tests/profile").join(script)).args(arguments);
    let outcome = run(&mut command, &folder.join("log"), limit(Duration::from_secs(120)));
    assert!(outcome.is_ok(), "{}: {}", outcome.end(), outcome.tail(10));
    (outcome.output, file)
}

/// Reads a profile, following every number in it.
fn read(file: &Path) -> Vec<Stack> {
    let bytes = std::fs::read(file).expect("the profile");
    let p = Profile::parse_from_bytes(&bytes).expect("a profile in pprof's format");
    let text = |i: i64| p.string_table[i as usize].clone();
    assert_eq!(p.string_table[0], "");
    let kinds: Vec<_> = p.sample_type.iter().map(|t| (text(t.ty), text(t.unit))).collect();
    let kinds: Vec<_> = kinds.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(kinds, [("samples", "count"), ("cpu", "nanoseconds")]);
    let functions: HashMap<u64, _> = p.function.iter().map(|f| (f.id, f)).collect();
    let mappings: BTreeSet<u64> = p.mapping.iter().map(|m| m.id).collect();
    let locations: HashMap<u64, _> = p.location.iter().map(|l| (l.id, l)).collect();
    assert!(!locations.contains_key(&0) && !functions.contains_key(&0));
    assert!(p.location.iter().all(|l| l.mapping_id == 0 || mappings.contains(&l.mapping_id)));
    p.sample
        .iter()
        .map(|s| {
            let mut frames = Vec::new();
            for line in s.location_id.iter().flat_map(|l| &locations[l].line) {
                let f = functions[&line.function_id];
                frames.push(Frame {
                    name: text(f.name),
                    file: text(f.filename),
                    first_line: f.start_line,
                    line: line.line,
                });
            }
            frames.reverse();
            Stack {
                frames,
                labels: s.label.iter().map(|l| (text(l.key), text(l.str))).collect(),
                samples: s.value[0],
                nanoseconds: s.value[1],
            }
        })
        .collect()
}

#[test]
fn python_between_native_frames() {
    let extension = scratch(env!("CARGO_TARGET_TMPDIR"), "profile-extension");
    let shared = extension.join("crossing.cpython-314-x86_64-linux-gnu.so");
    let mut arguments = vec!["-shared", "-fPIC", "-O2", "-o", shared.to_str().expect("a path in UTF-8")];
    let sources = crossing_sources();
    arguments.extend(sources.iter().map(String::as_str));
    compile("cc", &arguments);
    let (output, file) =
        profile("profile-crossing", "crossing.py", &[extension.to_str().expect("a path in UTF-8")]);
    let stacks = read(&file);

    // As much as there was CPU time.
    let used: f64 = output.lines().next().and_then(|l| l.parse().ok()).expect("the CPU time");
    let sampled = stacks.iter().map(|s| s.nanoseconds).sum::<i64>() as f64 / 1e9;
    assert!((0.85..1.15).contains(&(sampled / used)), "{sampled} s in samples, {used} s of CPU time");

    // Every crossing is there, in order. (Compiled code calls C itself: there is no function of the boundary then on the way in.)
    let crossing = [
        EVALUATOR,
        "<module>",
        "work",
        "outer",
        "[to C]",
        "call_int",
        "[boundary]",
        "[to Python]",
        "from_c",
        "inner",
    ];
    let count = |f: &dyn Fn(&Stack) -> bool| stacks.iter().filter(|s| f(s)).map(|s| s.samples).sum::<i64>();
    let through = count(&|s| s.has_in_order(&crossing));
    assert!(through > 10, "{through} samples through C and back");

    let script = root().join("tests/profile/crossing.py");
    let script = script.to_str().expect("a path in UTF-8");
    let text = std::fs::read_to_string(script).expect("the script");
    let line_of = |t: &str| text.lines().position(|l| l == t).expect("a line") as i64 + 1;
    let mut lines = BTreeSet::new();
    for s in &stacks {
        for (i, f) in s.frames.iter().enumerate() {
            assert_ne!(f.name, "[unknown code]");
            if f.name == "inner" {
                assert_eq!((f.file.as_str(), f.first_line), (script, line_of("def inner(x):")));
                assert_eq!(s.frames[i - 1].name, "from_c", "who called it");
                lines.insert(f.line);
            }
            if f.name == "from_c" {
                let mut below = s.frames[..i].iter().rev().map(|f| f.name.as_str());
                let by = below.find(|n| *n != "[to Python]").expect("what runs it");
                assert!([EVALUATOR, CALLER, FROM_C].contains(&by), "{by}: the loop that C entered runs it");
            }
            if f.name == "outer" {
                assert_eq!(f.line, line_of("    crossing.call_int(from_c)"));
            }
        }
    }
    assert!(lines.contains(&line_of("        total += i * x")), "lines of inner: {lines:?}");
    let inside = line_of("def inner(x):")..=line_of("    return total");
    assert!(lines.iter().all(|l| inside.contains(l)), "lines of inner: {lines:?}");

    // Whose time it is.
    let of = |side: &str| count(&|s| s.labels["side"] == side);
    for side in ["python", "boundary", "c"] {
        assert!(of(side) > 5, "{side}: {} samples", of(side));
    }
    assert!(stacks.iter().all(|s| s.labels["side"] != "system"));

    // The other thread has its own stack.
    let other = |s: &Stack| s.names().contains(&"Other.run");
    assert!(count(&|s| other(s) && s.has_in_order(&["Thread._bootstrap", "Other.run", "work"])) > 50);
    assert!(stacks.iter().all(|s| !(other(s) && s.names().contains(&"<module>"))));

    // The other two files tell the same.
    let beside = |suffix: &str| {
        std::fs::read_to_string(format!("{}{suffix}", file.display())).expect("a file beside the profile")
    };
    let folded = beside(".folded");
    let total: i64 =
        folded.lines().filter_map(|l| l.rsplit_once(' ')).filter_map(|(_, n)| n.parse::<i64>().ok()).sum();
    assert_eq!(total, stacks.iter().map(|s| s.samples).sum::<i64>());
    let inner = format!("inner ({script}:{})", line_of("def inner(x):"));
    assert!(folded.contains(&inner), "{inner}");
    let svg = beside(".svg");
    assert!(svg.contains("<svg") && svg.contains("[to C]") && svg.contains("from_c ("));
}

#[test]
fn signals_at_any_instruction() {
    let (output, file) = profile("profile-flood", "flood.py", &[]);
    // (The profile's own line is behind it.)
    assert_eq!(output.lines().next(), Some("counted"));
    let stacks = read(&file);
    for s in stacks.iter().filter(|s| s.names().contains(&"add")) {
        assert!(s.names().contains(&"count"), "{:?}", s.names());
    }
}

#[test]
fn loops_inside_loops_and_short_lived_code() {
    // The second is deeper than the native frames that a sample has.
    for depth in [20, 150] {
        let (_, file) = profile(&format!("profile-nested-{depth}"), "nested.py", &[&depth.to_string()]);
        let stacks = read(&file);
        let mut found = 0;
        for s in stacks.iter().filter(|s| s.names().contains(&"down") && s.names().contains(&"spin")) {
            let names = s.names();
            assert_eq!(names.iter().filter(|n| **n == "down").count(), depth + 1, "{names:?}");
            let loops = names.iter().enumerate().filter(|(_, n)| [EVALUATOR, CALLER].contains(n));
            // (What calls compiled code may also call the loop.)
            let inside: Vec<&str> =
                loops.map(|(i, _)| names[i + 1]).filter(|n| !n.starts_with("cape_")).collect();
            assert!(inside.ends_with(&["down"; 10]), "{inside:?}");
            assert!(inside.len() == depth + 1 || depth > 100, "{inside:?}");
            found += s.samples;
        }
        assert!(found > 50, "{found} samples at the bottom");
        // Each of these is called by the code that made it, whoever else had its address before.
        let mut short = 0;
        for s in &stacks {
            let names = s.names();
            assert!(!names.contains(&"[unknown code]"), "{names:?}");
            if let Some(i) = names.iter().position(|n| n.starts_with("short_")) {
                assert_eq!(names[i - 1], "<module>");
                assert_eq!(s.frames[i].file, "<string>");
                short += 1;
            }
        }
        assert!(short >= 10, "{short} of the functions that live shortly");
    }
}

/// The option is CPython's style of option too; a file that cannot be written is said before the program runs.
#[test]
fn options() {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "profile-options");
    let file = folder.join("x.pb");
    let code = "import os, sys\nif os.fork() == 0: sys.exit()\nos.wait()\nprint('ran')\nsys.exit(3)";
    let option = format!("profile={}", file.display());
    let mut command = Command::new(cape());
    command.args(["-X", &option, "-c", code]);
    let outcome = run(&mut command, &folder.join("log"), limit(Duration::from_secs(60)));
    assert_eq!(outcome.status.and_then(|s| s.code()), Some(3), "{}", outcome.tail(5));
    // Once: the child has no profile.
    assert_eq!(outcome.output.matches(" samples, python ").count(), 1, "{}", outcome.output);
    read(&file);

    let mut command = Command::new(cape());
    command.arg(format!("--profile={}/none/x.pb", folder.display())).args(["-c", "print('ran')"]);
    let outcome = run(&mut command, &folder.join("log"), limit(Duration::from_secs(60)));
    assert_eq!(outcome.status.and_then(|s| s.code()), Some(2), "{}", outcome.tail(5));
    assert!(!outcome.output.contains("ran"), "{}", outcome.output);
}
