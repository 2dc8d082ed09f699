//! The embedded standard library: every module's bytecode, its source in compressed form for tracebacks and `inspect`, and the files that
//! packages carry as data.

use std::collections::BTreeMap;

include!(concat!(env!("OUT_DIR"), "/facts.rs"));

static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));

static FILE_DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/files.bin"));

/// One embedded module.
#[derive(Clone, Copy)]
pub struct Module {
    /// Dotted name.
    pub name: &'static str,
    /// File, relative to the library's folder.
    pub path: &'static str,
    /// Whether it is a package.
    pub package: bool,
    /// Serialized code.
    pub code: &'static [u8],
    packed: &'static [u8],
    source_len: usize,
}

fn word(i: usize) -> usize {
    let b = &DATA[4 * i..4 * i + 4];
    u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize
}

fn part(module: usize, n: usize) -> &'static [u8] {
    let at = 1 + 8 * module + 2 * n;
    let (start, len) = (word(at), word(at + 1));
    &DATA[start..start + len]
}

fn text(bytes: &'static [u8]) -> &'static str {
    std::str::from_utf8(bytes).expect("names of modules are UTF-8")
}

fn get(i: usize) -> Module {
    let (package, source_len) = FACTS[i];
    Module {
        name: text(part(i, 0)),
        path: text(part(i, 1)),
        package,
        code: part(i, 2),
        packed: part(i, 3),
        source_len,
    }
}

/// The module with this dotted name.
pub fn find(name: &str) -> Option<Module> {
    let (mut lo, mut hi) = (0, FACTS.len());
    while lo < hi {
        let mid = (lo + hi) / 2;
        match part(mid, 0).cmp(name.as_bytes()) {
            std::cmp::Ordering::Equal => return Some(get(mid)),
            std::cmp::Ordering::Less => lo = mid + 1,
            std::cmp::Ordering::Greater => hi = mid,
        }
    }
    None
}

/// All modules, sorted by name.
pub fn modules() -> impl Iterator<Item = Module> {
    (0..FACTS.len()).map(get)
}

fn unpack(packed: &[u8], len: usize) -> Vec<u8> {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, len);
    bytes.expect("the archive was written by the build script")
}

impl Module {
    /// The source text's bytes.
    pub fn source(&self) -> Vec<u8> {
        unpack(self.packed, self.source_len)
    }
}

/// What is in the file at `path`, relative to the library's folder: the source of a module, or what packages carry as data.
pub fn file(path: &str) -> Option<Vec<u8>> {
    if let Some((_, place, len)) = FILES.iter().find(|f| f.0 == path) {
        return Some(unpack(&FILE_DATA[place.clone()], *len));
    }
    let name = path.strip_suffix(".py")?.replace('/', ".");
    let module = find(name.strip_suffix(".__init__").unwrap_or(&name))?;
    (module.path == path).then(|| module.source())
}

/// Names of what is in the folder at `path`, in order, each with whether it is a folder; nothing for what is none. The library's own folder is `""`.
pub fn folder(path: &str) -> BTreeMap<&'static str, bool> {
    let paths = modules().map(|m| m.path).chain(FILES.iter().map(|f| f.0));
    let inside = paths.filter_map(|p| match path {
        "" => Some(p),
        _ => p.strip_prefix(path)?.strip_prefix('/'),
    });
    inside.map(|rest| rest.split_once('/').map_or((rest, false), |(name, _)| (name, true))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_modules() {
        let os = super::find("os").expect("os is embedded");
        assert!(!os.package && os.path == "os.py" && os.source().starts_with(b"r\"\"\"OS routines"));
        assert!(super::find("json").expect("json is embedded").package);
        assert!(super::find("no_such_module").is_none());
        assert!(super::file("pydoc_data/_pydoc.css").is_some_and(|css| css.starts_with(b"/*")));
    }

    #[test]
    fn finds_files() {
        let script = super::file("venv/scripts/common/activate").expect("a script is embedded");
        assert!(script.starts_with(b"# This file must be used with"));
        assert!(super::file("json/__init__.py").is_some() && super::file("os.py").is_some());
        for none in ["json.py", "os/__init__.py", "venv/scripts", "nothing"] {
            assert!(super::file(none).is_none(), "{none}");
        }
        let venv: Vec<_> = super::folder("venv").into_iter().collect();
        assert_eq!(venv, [("__init__.py", false), ("__main__.py", false), ("scripts", true)]);
        assert!(super::folder("os.py").is_empty() && super::folder("").get("os.py") == Some(&false));
    }
}
