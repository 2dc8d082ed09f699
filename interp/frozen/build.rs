//! Compiles the pure-Python standard library (the `Lib` of `rustpython-pylib`) and this crate's own Python files to one archive.

use std::fs;
use std::path::{Path, PathBuf};

use cape_bytecode::serialize;
use cape_compile::{CompileOptions, Mode, compile};

/// Folders and files that need a desktop, and tests.
const LEFT_OUT: &[&str] = &["idlelib", "tkinter", "turtledemo", "turtle.py", "test", "__pycache__"];

/// Repairs of the library: unified diffs, each named as the file that it changes, with a few words before it that say why.
const REPAIRS: &str = "repairs";

/// Files of the library that are no modules, and folders of such files.
const DATA: &[&str] = &["ensurepip/_bundled", "pydoc_data/_pydoc.css", "venv/scripts"];

/// What every start imports. Their code is kept together, so that it comes with few pages of the others'.
const AT_START: &[&str] = &[
    "_cape_library",
    "_collections_abc",
    "_sitebuiltins",
    "abc",
    "codecs",
    "encodings",
    "encodings.aliases",
    "encodings.utf_8",
    "genericpath",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "io",
    "os",
    "posixpath",
    "site",
    "stat",
];

struct Module {
    name: String,
    path: String,
    package: bool,
    code: Vec<u8>,
    source: Vec<u8>,
    source_len: usize,
}

fn walk(dir: &Path, prefix: &str, relative: &str, out: &mut Vec<(String, String, PathBuf, bool)>) {
    let mut entries: Vec<_> = fs::read_dir(dir).expect("a folder of the library").flatten().collect();
    entries.sort_by_key(|e| e.file_name());
    for e in entries {
        let file = e.file_name().to_string_lossy().into_owned();
        if LEFT_OUT.contains(&file.as_str()) {
            continue;
        }
        let path = e.path();
        let rel = format!("{relative}{file}");
        if path.is_dir() {
            if path.join("__init__.py").exists() {
                out.push((
                    format!("{prefix}{file}"),
                    format!("{rel}/__init__.py"),
                    path.join("__init__.py"),
                    true,
                ));
            }
            walk(&path, &format!("{prefix}{file}."), &format!("{rel}/"), out);
        } else if let Some(stem) = file.strip_suffix(".py")
            && stem != "__init__"
        {
            out.push((format!("{prefix}{stem}"), rel, path, false));
        }
    }
}

fn module(name: String, path: String, file: &Path, package: bool) -> Option<Module> {
    let mut source = fs::read(file).expect("a source file");
    let repairs = Path::new(REPAIRS).join(format!("{path}.patch"));
    let patch = fs::read_to_string(&repairs).ok();
    if let Some(patch) = &patch {
        let text = String::from_utf8(source).expect("a source in UTF-8");
        let patch = diffy::Patch::from_str(patch).unwrap_or_else(|e| panic!("{}: {e}", repairs.display()));
        let repaired = diffy::apply(&text, &patch).unwrap_or_else(|e| panic!("{}: {e}", repairs.display()));
        source = repaired.into_bytes();
    }
    let text = String::from_utf8_lossy(&source);
    let code = match compile(&text, &path, Mode::Exec, CompileOptions::default()) {
        Ok(unit) => serialize(&unit),
        Err(e) => {
            assert!(patch.is_none(), "{}: {e:?}", repairs.display());
            println!("cargo::warning={path}: {e:?}");
            return None;
        }
    };
    Some(Module {
        name,
        path,
        package,
        code,
        source_len: source.len(),
        source: miniz_oxide::deflate::compress_to_vec(&source, 6),
    })
}

/// The files at `path`, relative to the folder of the library, and what is in them.
fn data_files(path: &str, out: &mut Vec<(String, Vec<u8>)>) {
    let file = Path::new(rustpython_pylib::LIB_PATH).join(path);
    if !file.is_dir() {
        out.push((path.into(), fs::read(&file).expect("a file of the library")));
        return;
    }
    let entries = fs::read_dir(&file).expect("a folder of the library").flatten();
    let mut names: Vec<_> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.iter().for_each(|name| data_files(&format!("{path}/{name}"), out));
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=python");
    println!("cargo::rerun-if-changed={REPAIRS}");
    let mut files = Vec::new();
    // Our own first, for of two modules of one name the first stays.
    walk(Path::new("python"), "", "", &mut files);
    walk(Path::new(rustpython_pylib::LIB_PATH), "", "", &mut files);
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let chunk = files.len().div_ceil(threads);
    let mut modules: Vec<Module> = std::thread::scope(|s| {
        let workers: Vec<_> = files
            .chunks(chunk)
            .map(|c| {
                std::thread::Builder::new()
                    .stack_size(64 << 20)
                    .spawn_scoped(s, move || {
                        c.iter()
                            .filter_map(|(n, p, f, k)| module(n.clone(), p.clone(), f, *k))
                            .collect::<Vec<_>>()
                    })
                    .expect("a thread")
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().expect("a worker")).collect()
    });
    modules.sort_by(|a, b| a.name.cmp(&b.name));
    modules.dedup_by(|a, b| a.name == b.name);

    // Index rows of eight u32 each, then the bytes they refer to: all names and paths, which a start reads, then the code that it runs, then
    // all other code, then all sources. Otherwise the names alone would bring every page of the library into memory.
    let (first, later): (Vec<usize>, Vec<usize>) =
        (0..modules.len()).partition(|&i| AT_START.contains(&modules[i].name.as_str()));
    assert_eq!(first.len(), AT_START.len(), "a module that every start imports is missing");
    let all: Vec<usize> = (0..modules.len()).collect();
    let mut index: Vec<u32> = vec![0; 1 + 8 * modules.len()];
    index[0] = modules.len() as u32;
    let mut data: Vec<u8> = Vec::new();
    let base = 4 * index.len();
    for (together, of) in [(&[0, 1][..], &all), (&[2], &first), (&[2], &later), (&[3], &all)] {
        for (i, m) in of.iter().map(|&i| (i, &modules[i])) {
            for &n in together {
                let part = [m.name.as_bytes(), m.path.as_bytes(), &m.code, &m.source][n];
                index[1 + 8 * i + 2 * n] = (base + data.len()) as u32;
                index[2 + 8 * i + 2 * n] = part.len() as u32;
                data.extend_from_slice(part);
            }
        }
    }
    let mut out: Vec<u8> = index.iter().flat_map(|w| w.to_le_bytes()).collect();
    out.extend_from_slice(&data);
    let mut facts = String::from("pub(crate) const FACTS: &[(bool, usize)] = &[\n");
    for m in &modules {
        facts.push_str(&format!("    ({}, {}),\n", m.package, m.source_len));
    }
    facts.push_str("];\n");
    let (mut files, mut packed) = (Vec::new(), Vec::new());
    DATA.iter().for_each(|path| data_files(path, &mut files));
    facts.push_str("const FILES: &[(&str, std::ops::Range<usize>, usize)] = &[\n");
    for (path, contents) in &files {
        let start = packed.len();
        packed.extend(miniz_oxide::deflate::compress_to_vec(contents, 6));
        facts.push_str(&format!("    ({path:?}, {start}..{}, {}),\n", packed.len(), contents.len()));
    }
    facts.push_str("];\n");
    let dir = PathBuf::from(std::env::var_os("OUT_DIR").expect("OUT_DIR"));
    fs::write(dir.join("library.bin"), out).expect("library.bin");
    fs::write(dir.join("files.bin"), packed).expect("files.bin");
    fs::write(dir.join("facts.rs"), facts).expect("facts.rs");
}
