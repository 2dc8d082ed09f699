//! The C API as extensions meet it: every function that many packages use is called with correct input and with bad input, and does
//! what CPython does; the answers of CPython are in `capi/*_expected.txt` (`CAPE_BLESS=1` with a CPython writes them).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use cape_tests::process::{limit, run};
use cape_tests::{cape, compile, cpython, crossing_sources, root, scratch};

/// Functions that at least this many packages use must have a call with correct input.
const MUCH_USED: i64 = 5;

/// The options of a run under zeal.
fn zeal() -> &'static [&'static str] {
    static OPTIONS: OnceLock<[&str; 2]> = OnceLock::new();
    OPTIONS.get_or_init(|| ["-X", format!("gc={}", cape_tests::zeal("50")).leak()])
}

fn table() -> toml::Table {
    let text = std::fs::read_to_string(root().join("include/api.toml")).expect("the table");
    toml::from_str(&text).expect("the table is TOML")
}

/// Used symbols of the table: functions, data.
fn used() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut out = (BTreeSet::new(), BTreeSet::new());
    for (name, row) in table() {
        if row.get("used").and_then(|u| u.as_integer()).unwrap_or(0) >= MUCH_USED {
            let data = row.get("data").is_some();
            if data {
                out.1.insert(name)
            } else {
                out.0.insert(name)
            };
        }
    }
    out
}

/// The folder with the compiled extensions, the signatures and the names of the data symbols.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "api");
        let own = |name: &str| vec![root().join(format!("tests/capi/{name}.c")).display().to_string()];
        let own = [
            "anycall",
            "badresults",
            "scenarios",
            "typeslots",
            "handover",
            "scenarios_more",
            "macros",
            "datetimes",
            "single",
            "weakrefs",
            "callbacks",
            "hotcalls",
            "ends",
            "interpreters",
            "largetext",
            "tracked",
            "classes",
            "tracing",
            "tables",
            "quick",
            "temporaries",
            "dicts",
            "apart",
        ]
        .map(|name| (name, own(name)));
        for (name, sources) in own.into_iter().chain([("crossing", crossing_sources())]) {
            let target = folder.join(format!("{name}.cpython-314-x86_64-linux-gnu.so")).display().to_string();
            let mut arguments = vec!["-std=gnu11", "-O1", "-shared", "-fPIC", "-w", "-o", &target];
            arguments.extend(sources.iter().map(String::as_str));
            compile("cc", &arguments);
        }
        std::fs::write(folder.join("signatures.tsv"), signatures()).expect("the folder can be written");
        let data: Vec<String> = used().1.into_iter().collect();
        std::fs::write(folder.join("data.txt"), data.join("\n")).expect("the folder can be written");
        folder
    })
}

/// Rows of name, result, parameters, "borrowed" or nothing, stolen parameters.
fn signatures() -> String {
    let mut out = String::new();
    for (name, row) in table() {
        let text = |key: &str| row.get(key).and_then(|v| v.as_str()).unwrap_or("").to_string();
        let c = text("c");
        let Some((result, parameters)) = c.split_once('(') else { continue };
        let steals = row
            .get("steals")
            .and_then(|s| s.as_array())
            .map_or(String::new(), |s| s.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>().join(","));
        let parameters = parameters.trim_end_matches(')');
        out += &format!("{name}\t{}\t{parameters}\t{}\t{steals}\n", result.trim(), text("returns"));
    }
    out
}

/// Output of a script of `capi` in an engine.
fn output(engine: &Path, mode: &str, options: &[&str], script: &str, arguments: &[PathBuf]) -> String {
    let log = folder().join(format!("{script}-{mode}.log"));
    let mut command = Command::new(engine);
    command.args(options).arg(root().join("tests/capi").join(script)).args(arguments);
    command.env("PYTHONHASHSEED", "0").current_dir(folder());
    let outcome = run(&mut command, &log, limit(Duration::from_secs(3600)));
    assert!(outcome.is_ok(), "{script} {mode}: {}\n{}", outcome.end(), outcome.tail(20));
    outcome.output
}

/// (call, case) -> outcome; lines without cases are cases themselves.
fn outcomes(text: &str) -> BTreeMap<(String, String), String> {
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            [call, cases, outcome] => cases.split(" | ").for_each(|case| {
                out.insert((call.to_string(), case.to_string()), outcome.to_string());
            }),
            [call, outcome] => drop(out.insert((call.to_string(), String::new()), outcome.to_string())),
            _ => panic!("not an outcome: {line}"),
        }
    }
    out
}

/// Compares what Cape prints with what CPython printed: `known` lists calls (or cases) that differ, with the reason.
fn compare(script: &str, mode: &str, options: &[&str], known: &[(&str, &str, &str)]) {
    let path = root().join("tests/capi").join(script.replace(".py", "_expected.txt"));
    let expected = std::fs::read_to_string(&path).expect("the expected outcomes");
    let mut arguments = vec![folder().to_path_buf()];
    if script == "api_calls.py" {
        arguments.push(folder().join("signatures.tsv"));
    }
    arguments.push(path);
    let got = outcomes(&output(cape(), mode, options, script, &arguments));
    let expected = outcomes(&expected);
    let mut wrong = Vec::new();
    for ((call, case), outcome) in expected.iter().filter(|e| e.1 != "crash") {
        let ours = got.get(&(call.clone(), case.clone())).map_or("nothing", |s| s);
        let is_known = known.iter().any(|k| k.0 == call && (k.1 == case || k.1.is_empty()));
        if ours != outcome && !is_known {
            wrong.push(format!("{call} {case}\n    CPython {outcome}\n    Cape    {ours}"));
        }
        if ours == outcome && is_known {
            println!("known to differ, but does not: {call} {case}");
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} of {} differ\n{}", expected.len(), wrong.join("\n"));
}

/// What CPython prints now, if it is here, is what the file says; or becomes it.
fn check_expected(script: &str) {
    let Some(cpython) = cpython() else {
        println!("no CPython 3.14 here (CAPE_PEER_CPYTHON): not compared");
        return;
    };
    let path = root().join("tests/capi").join(script.replace(".py", "_expected.txt"));
    let mut arguments = vec![folder().to_path_buf()];
    if script == "api_calls.py" {
        arguments.push(folder().join("signatures.tsv"));
    }
    let text = output(&cpython, "cpython", &[], script, &arguments);
    if std::env::var_os("CAPE_BLESS").is_some() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    let expected = outcomes(&std::fs::read_to_string(&path).expect("the expected outcomes"));
    // Crashes are chance.
    let wrong: Vec<_> = outcomes(&text)
        .into_iter()
        .filter(|(k, v)| v != "crash" && expected.get(k).is_some_and(|e| e != "crash" && e != v))
        .collect();
    assert!(wrong.is_empty(), "CPython says other than {}: {wrong:#?}", path.display());
}

const NO_OWN_VECTORCALL: &str =
    "classes have no vectorcall function of their own here, so the result is checked in tp_call";
const NO_PYTHON_INSIDE: &str = "the answer does not go through calls, which look at the error indicator";
const OWN_HASHES: &str = "hashes are Cape's own: what C remembers of them is not asked";

/// Calls and cases that differ, and why.
const CALLS_THAT_DIFFER: &[(&str, &str, &str)] = &[
    ("PyObject_CallObject(list, ((1, 2),))", "error set before", NO_OWN_VECTORCALL),
    ("PyObject_Vectorcall(dict, ([('a', 1)], 5), 1, ('b',))", "error set before", NO_OWN_VECTORCALL),
    ("PyObject_VectorcallDict(dict, ([('a', 1)],), 1, {'b': 2})", "error set before", NO_OWN_VECTORCALL),
    ("PyFunction_New(CODE, {})", "error set before", NO_OWN_VECTORCALL),
    ("PyFunction_NewWithQualName(CODE, {}, 'A.b')", "error set before", NO_OWN_VECTORCALL),
    ("PyWeakref_NewProxy(?, NULL)", "ValueError('v')", "exceptions can be weakly referenced"),
    ("PyBuffer_SizeFromFormat(b'iq')", "error set before", NO_PYTHON_INSIDE),
    ("_PyDict_GetItem_KnownHash({1: 1}, 1, ?)", "", OWN_HASHES),
    ("PyObject_Dir(instance)", "error set before", NO_PYTHON_INSIDE),
    (
        "PySequence_GetSlice([1, 2, 3], 0, -1)",
        "error set before",
        "no conversion on the way takes the error for its own",
    ),
    ("PyObject_GenericSetAttr(?, 'attribute', 2)", "int", "builtin classes do not change, whoever asks"),
];

const IN_RUST: &str = "no function of C is behind it, and it is called by its vectorcall";
const MANAGED_STATE: &str =
    "what it refers to changes on the managed side alone: functions of the API answer, its struct does not";

const MACROS_THAT_DIFFER: &[(&str, &str, &str)] = &[
    (
        "type_tests deque",
        "",
        "a class of the VM that C does not know has every slot that its methods could fill",
    ),
    ("function_parts builtin", "", IN_RUST),
    ("function_parts bound", "", IN_RUST),
    ("function_parts own", "", IN_RUST),
    ("function_parts cell", "", MANAGED_STATE),
    ("function_parts empty cell", "", MANAGED_STATE),
    ("data b'abc'", "", MANAGED_STATE),
    ("data bytearray(b'abc')", "", MANAGED_STATE),
    ("data array('i', [1, 2])", "", MANAGED_STATE),
    ("data derived", "", MANAGED_STATE),
];

const CHECKED: &str = "CPython does not look at the result, and goes on with what it is";

const RESULTS_THAT_DIFFER: &[(&str, &str, &str)] = &[
    ("nb_bool T.__bool__(v)", "", CHECKED),
    ("nb_index [1, 2][v]", "", CHECKED),
    ("sq_item list(v)", "", CHECKED),
    ("sq_length T.__len__(v)", "", CHECKED),
];

#[test]
fn api_functions_do_what_cpython_does() {
    compare("api_calls.py", "cape", &[], CALLS_THAT_DIFFER);
}

#[test]
fn api_functions_do_what_cpython_does_under_zeal() {
    let options = format!("gc={}", cape_tests::zeal("150"));
    compare("api_calls.py", "zeal", &["-X", &options], CALLS_THAT_DIFFER);
}

#[test]
fn bad_results_raise_what_cpython_raises() {
    compare("bad_results.py", "cape", &[], RESULTS_THAT_DIFFER);
}

#[test]
fn bad_results_raise_what_cpython_raises_under_zeal() {
    compare("bad_results.py", "zeal", zeal(), RESULTS_THAT_DIFFER);
}

#[test]
fn slots_members_and_constructors_do_what_cpythons_do() {
    compare("typeslots.py", "cape", &[], &[]);
    compare("typeslots.py", "zeal", zeal(), &[]);
}

#[test]
fn what_c_hands_over_is_what_cpython_gets() {
    compare("handover.py", "cape", &[], &[]);
    compare("handover.py", "zeal", zeal(), &[]);
}

#[test]
fn shorter_ways_do_what_cpythons_do() {
    compare("quick.py", "cape", &[], &[]);
    compare("quick.py", "compiled", &["-X", "jit=1"], &[]);
    compare("quick.py", "zeal", zeal(), &[]);
}

#[test]
fn calls_of_python_do_what_cpythons_do() {
    compare("callbacks.py", "cape", &[], &[]);
    compare("callbacks.py", "zeal", zeal(), &[]);
}

#[test]
fn hot_calls_into_c_do_what_cpythons_do() {
    compare("hotcalls.py", "cape", &[], &[]);
    compare("hotcalls.py", "zeal", zeal(), &[]);
}

#[test]
fn arguments_made_for_a_call_are_what_cpythons_are() {
    compare("temporaries.py", "cape", &[], &[]);
    compare("temporaries.py", "zeal", zeal(), &[]);
}

#[test]
fn weak_references_show_c_their_targets() {
    compare("weakrefs.py", "cape", &[], &[]);
    compare("weakrefs.py", "zeal", zeal(), &[]);
}

#[test]
fn dicts_sets_and_iterators_do_in_c_what_cpythons_do() {
    compare("tables.py", "cape", &[], &[]);
    compare("tables.py", "zeal", zeal(), &[]);
}

#[test]
fn cycles_that_python_never_sees_are_collected() {
    compare("tracked.py", "cape", &[], &[]);
    compare("tracked.py", "zeal", zeal(), &[]);
}

#[test]
fn large_texts_share_their_memory() {
    compare("largetext.py", "cape", &[], &[]);
    compare("largetext.py", "zeal", zeal(), &[]);
}

/// Ends of Python by C: what is written, and the exit code.
fn ends(engine: &Path) {
    let begin = "before: initialized 1 finalizing 0\natexit, registered last (1, 0)\natexit, registered first\n__del__\n\
                 Py_AtExit: initialized 0\n";
    for (how, rest, code) in [
        ("exit", "", 7),
        ("finalize", "after: initialized 0\n", 8),
        ("finalize_ex", "after: 0 initialized 0\nagain: 0\n", 8),
    ] {
        let mut command = Command::new(engine);
        command.arg(root().join("tests/capi/ends.py")).arg(folder()).arg(how).current_dir(folder());
        let outcome = run(&mut command, &folder().join("ends.log"), limit(Duration::from_secs(600)));
        assert_eq!(outcome.output, format!("{begin}{rest}"), "{how}");
        assert_eq!(outcome.status.and_then(|s| s.code()), Some(code), "{how}");
    }
}

#[test]
fn c_ends_python() {
    ends(cape());
    if let Some(cpython) = cpython() {
        ends(&cpython);
    }
}

#[test]
fn macros_and_formats_give_what_cpythons_give() {
    compare("macros.py", "cape", &[], MACROS_THAT_DIFFER);
    compare("macros.py", "zeal", zeal(), MACROS_THAT_DIFFER);
}

#[test]
fn datetimes_are_what_cpythons_are() {
    compare("datetimes.py", "cape", &[], &[]);
    compare("datetimes.py", "zeal", zeal(), &[]);
}

#[test]
fn modules_of_one_phase_classes_and_bound_methods_are_what_cpythons_are() {
    compare("single.py", "cape", &[], &[]);
    compare("single.py", "zeal", zeal(), &[]);
}

#[test]
fn interpreters_that_c_makes_are_as_cpythons() {
    compare("interpreters.py", "cape", &[], &[]);
    compare("interpreters.py", "zeal", zeal(), &[]);
}

#[test]
fn tracers_in_c_are_told_what_cpythons_are() {
    compare("tracing.py", "cape", &[], &[]);
    compare("tracing.py", "compiled", &["-X", "jit=1"], &[]);
    compare("tracing.py", "zeal", zeal(), &[]);
}

#[test]
fn dicts_that_c_fills_are_what_cpythons_are() {
    compare("dicts.py", "cape", &[], &[]);
    compare("dicts.py", "zeal", zeal(), &[]);
}

#[test]
fn generated_code_takes_structs_apart() {
    compare("apart.py", "cape", &[], &[]);
    compare("apart.py", "zeal", zeal(), &[]);
}

#[test]
fn classes_that_c_has_seen_die() {
    compare("classes.py", "cape", &[], &[]);
    compare("classes.py", "compiled", &["-X", "jit=1"], &[]);
    compare("classes.py", "zeal", zeal(), &[]);
}

#[test]
fn expected_outcomes_are_cpythons() {
    check_expected("datetimes.py");
    check_expected("single.py");
    check_expected("interpreters.py");
    check_expected("api_calls.py");
    check_expected("macros.py");
    check_expected("bad_results.py");
    check_expected("typeslots.py");
    check_expected("handover.py");
    check_expected("weakrefs.py");
    check_expected("callbacks.py");
    check_expected("hotcalls.py");
    check_expected("temporaries.py");
    check_expected("largetext.py");
    check_expected("tracked.py");
    check_expected("classes.py");
    check_expected("tracing.py");
    check_expected("tables.py");
    check_expected("quick.py");
    check_expected("dicts.py");
    check_expected("apart.py");
}

fn scenarios(engine: &Path, mode: &str, options: &[&str]) {
    output(engine, mode, options, "scenarios.py", &[folder().to_path_buf()]);
    output(engine, mode, options, "scenarios_more.py", &[folder().to_path_buf(), folder().join("data.txt")]);
}

#[test]
fn scenarios_hold() {
    scenarios(cape(), "cape", &[]);
    scenarios(cape(), "zeal", zeal());
}

#[test]
fn scenarios_hold_in_cpython() {
    match cpython() {
        Some(cpython) => scenarios(&cpython, "cpython", &[]),
        None => println!("no CPython 3.14 here (CAPE_PEER_CPYTHON): skipped"),
    }
}

/// Every way to cross, many times over: memory stays flat, and the heap is sound in the end. `CAPE_CROSSINGS` says how many times
/// (10000000 for the real thing).
#[test]
fn crossings_leak_nothing() {
    let count = std::env::var("CAPE_CROSSINGS").unwrap_or_else(|_| "20000".into());
    let arguments = [folder().to_path_buf(), count.into()];
    output(cape(), "verify", &["-X", "gc=verify"], "leaks.py", &arguments);
}

#[test]
fn every_much_used_function_is_called() {
    let read = |name: &str| std::fs::read_to_string(root().join("tests/capi").join(name)).expect(name);
    let calls = read("api_calls.txt");
    let called: BTreeSet<&str> = calls.lines().filter_map(|l| Some(l.split_once('(')?.0)).collect();
    let sources = ["scenarios.c", "scenarios_more.c", "scenarios_more.py", "macros.c"].map(read);
    let words: BTreeSet<&str> =
        sources.iter().flat_map(|s| s.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    let missing: Vec<String> =
        used().0.into_iter().filter(|n| !called.contains(&**n) && !words.contains(&**n)).collect();
    assert!(missing.is_empty(), "used by {MUCH_USED} packages or more, but never called: {missing:?}");
}
