//! The embedded standard library: every module's bytecode, and its source in compressed form for tracebacks and `inspect`.

include!(concat!(env!("OUT_DIR"), "/facts.rs"));

static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));

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

/// A file of the library that is no module, by its path in the library's folder.
pub fn file(path: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|f| f.0 == path).map(|f| f.1)
}

/// All modules, sorted by name.
pub fn modules() -> impl Iterator<Item = Module> {
    (0..FACTS.len()).map(get)
}

impl Module {
    /// The source text's bytes.
    pub fn source(&self) -> Vec<u8> {
        let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(self.packed, self.source_len);
        bytes.expect("the archive was written by the build script")
    }
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
}
