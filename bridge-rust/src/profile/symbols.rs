//! What a native address is: its functions with files and lines, and on which side of the boundary it lies.

use std::ffi::c_void;
use std::path::Path;

use object::{Object, ObjectSegment, SymbolMap, SymbolMapName};

use super::sampler::function_start;

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The interpreter and the library: Python code, and what is built in.
    Python,
    /// Functions of extensions, and of the libraries that they use.
    C,
    /// The bridge: crossing from one to the other, and the C API.
    Boundary,
    /// Making and collecting objects.
    Memory,
    /// The C library and the like: it is whoever's calls it.
    Caller,
}

impl Side {
    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Side::Python => "python",
            Side::C => "c",
            Side::Boundary => "boundary",
            Side::Memory => "memory",
            Side::Caller => "system",
        }
    }
}

/// A function that an address is in. Inlined functions come before those they are in.
pub struct Symbol {
    pub name: String,
    pub file: String,
    pub line: u32,
    pub side: Side,
}

/// A file that is mapped with code.
#[derive(Debug)]
pub struct Mapping {
    pub start: u64,
    pub end: u64,
    pub offset: u64,
    pub path: String,
}

/// The mapped code of this process.
pub struct Symbols {
    pub mappings: Vec<Mapping>,
    /// The path of this program.
    program: String,
    /// Where it is loaded, its functions by address, and the names that those refer to.
    loaded_at: u64,
    functions: Vec<(u64, String)>,
}

/// Shared objects of the system, by how their names begin.
const SYSTEM: &[&str] = &[
    "ld-",
    "libc.",
    "libc-",
    "libdl.",
    "libgcc_s",
    "libm.",
    "libm-",
    "libpthread",
    "librt.",
    "libstdc++",
    "[",
];

impl Symbols {
    /// Reads what is mapped now.
    pub fn new() -> Symbols {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
        let (loaded_at, functions) = functions(&program).unwrap_or_default();
        Symbols {
            mappings: maps.lines().filter_map(mapping).collect(),
            program: program.to_string_lossy().into_owned(),
            loaded_at,
            functions,
        }
    }

    /// The function of this program that an address is in, by the symbol table. Debug information of lines alone, which has what
    /// is inlined, knows functions without their crates.
    fn function(&self, address: u64) -> Option<String> {
        let address = address.wrapping_sub(self.loaded_at);
        let at = self.functions.partition_point(|f| f.0 <= address).checked_sub(1)?;
        Some(format!("{:#}", backtrace::SymbolName::new(self.functions[at].1.as_bytes())))
    }

    /// The number of the mapping that an address is in.
    pub fn mapping(&self, address: u64) -> Option<usize> {
        self.mappings.iter().position(|m| (m.start..m.end).contains(&address))
    }

    /// The functions that the call before a return address is in, the innermost inlined one first: at least one.
    pub fn find(&self, return_address: u64) -> Vec<Symbol> {
        let mapping = self.mapping(return_address - 1).map(|m| &self.mappings[m]);
        let path = mapping.map_or("[unknown]", |m| m.path.as_str());
        let in_program = path == self.program;
        let outside = if is_system(path) { Side::Caller } else { Side::C };
        let mut found = Vec::new();
        backtrace::resolve(return_address as *mut c_void, |s| {
            let Some(name) = s.name().map(|n| format!("{n:#}")) else { return };
            let file = s.filename().map_or_else(String::new, |f| f.to_string_lossy().into_owned());
            let side = if in_program { side_of_file(&file) } else { outside };
            let name = name.split_once('<').map_or(&*name, |(n, _)| if n.is_empty() { &name } else { n });
            let name = if in_program { qualified(name, &file) } else { name.to_string() };
            found.push(Symbol { name, file, line: s.lineno().unwrap_or(0), side });
        });
        if in_program
            && let Some(last) = found.last_mut()
            && let Some(name) = self.function(return_address - 1)
        {
            last.side = side_in_program(&name, &last.file);
            last.name = name;
        }
        // Inlined parts of Rust's own library, and closures, say nothing about the program.
        let outermost = found.len().saturating_sub(1);
        let mut n = 0;
        found.retain(|s| {
            n += 1;
            n > outermost || !in_program || s.side != Side::Caller && !s.name.contains('{')
        });
        if found.is_empty() {
            found.push(self.nameless(return_address, path, mapping, outside));
        }
        found
    }

    /// A function without a symbol is called by its place in its file.
    fn nameless(&self, address: u64, path: &str, mapping: Option<&Mapping>, outside: Side) -> Symbol {
        let file = Path::new(path).file_name().map_or_else(|| path.into(), |n| n.to_string_lossy());
        let name = match (mapping, function_start(address as usize - 1)) {
            (Some(m), start @ 1..) => {
                format!("{file}+{:#x}", (start as u64).saturating_sub(m.start) + m.offset)
            }
            _ => file.into_owned(),
        };
        let side = if path == self.program { Side::Caller } else { outside };
        Symbol { name, file: path.to_string(), line: 0, side }
    }
}

/// Where a program is loaded, and the functions of its symbol table in order.
fn functions(program: &Path) -> Option<(u64, Vec<(u64, String)>)> {
    let bytes = std::fs::read(program).ok()?;
    let file = object::File::parse(&*bytes).ok()?;
    let map: SymbolMap<SymbolMapName<'_>> = file.symbol_map();
    let functions = map.symbols().iter().map(|s| (s.address(), s.name().to_string())).collect();
    // SAFETY: zeros are a valid value; dladdr only writes to it.
    let loaded_at = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        libc::dladdr(cape_vm::profile::evaluator() as *const c_void, &mut info);
        info.dli_fbase as u64
    };
    let first = file.segments().map(|s| s.address()).min()?;
    Some((loaded_at.checked_sub(first)?, functions))
}

/// A line of `/proc/self/maps`, if it is code.
fn mapping(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let trimmed = rest.trim_start();
        let end = trimmed.find(' ').unwrap_or(trimmed.len());
        let (field, after) = trimmed.split_at(end);
        rest = after;
        field
    };
    let [range, rights, offset, _device, _inode] = std::array::from_fn(|_| field());
    let (start, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    rights.contains('x').then_some(())?;
    Some(Mapping {
        start: number(start)?,
        end: number(end)?,
        offset: number(offset)?,
        path: rest.trim().to_string(),
    })
}

fn is_system(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.is_empty() || SYSTEM.iter().any(|s| name.starts_with(s))
}

/// A function of this program with the module that its file is: `interp/vm/src/eval/calls.rs` is `cape_vm::eval::calls`.
fn qualified(name: &str, file: &str) -> String {
    let path = || {
        let (folder, inside) = file.rsplit_once("/src/")?;
        let name = match folder.rsplit('/').next()? {
            "bridge-rust" => "bridge",
            other => other,
        };
        let inside = inside.strip_suffix(".rs")?;
        let inside = inside.strip_suffix("/mod").unwrap_or(inside);
        let inside = if inside == "lib" { String::new() } else { format!("::{}", inside.replace('/', "::")) };
        (side_of_file(file) != Side::Caller).then(|| format!("cape_{name}{inside}"))
    };
    path().map_or_else(|| name.to_string(), |path| format!("{path}::{name}"))
}

/// The side of a function of this program by the file that it is written in.
fn side_of_file(file: &str) -> Side {
    const FOLDERS: [(&str, Side); 4] = [
        ("bridge-rust/", Side::Boundary),
        ("bridge-c/", Side::Boundary),
        ("interp/heap/", Side::Memory),
        ("interp/", Side::Python),
    ];
    FOLDERS.iter().find(|f| file.contains(f.0)).map_or(Side::Caller, |f| f.1)
}

/// The side of a function of this program: that of the crate that it belongs to.
fn side_in_program(name: &str, file: &str) -> Side {
    if !name.contains("::") {
        if name == "main" {
            return Side::Caller;
        }
        let bridge = side_of_file(file) == Side::Boundary
            || ["Py", "_Py", "cape_"].iter().any(|p| name.starts_with(p));
        return if bridge { Side::Boundary } else { Side::Caller };
    }
    // `<&mut cape_heap::Heap as core::...>::f` is of cape_heap.
    let path = name.trim_start_matches(['<', '&', '*', '(', '[', '_']).trim_start_matches("mut ");
    let path = path.trim_start_matches("const ").trim_start_matches("dyn ");
    match path.split("::").next().unwrap_or("") {
        "cape_bridge" => Side::Boundary,
        "cape_heap" => Side::Memory,
        "cape" => Side::Python,
        other if other.starts_with("cape_") => Side::Python,
        _ => Side::Caller,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_of_functions() {
        let of = |name| side_in_program(name, "");
        assert_eq!(of("cape_vm::eval::evaluate"), Side::Python);
        assert_eq!(of("<cape_bridge::foreign::Bridge as cape_vm::foreign::Foreign>::load"), Side::Boundary);
        assert_eq!(of("<&mut cape_heap::Heap as core::fmt::Debug>::fmt"), Side::Memory);
        assert_eq!(of("core::ptr::drop_in_place<cape_bridge::enter::Cx>"), Side::Caller);
        assert_eq!(of("PyList_New"), Side::Boundary);
        assert_eq!(of("mi_malloc"), Side::Caller);
        assert_eq!(side_in_program("list_length", "../bridge-c/listobject.c"), Side::Boundary);
    }

    #[test]
    fn inlined_functions_get_their_modules() {
        assert_eq!(qualified("call_op", "/x/interp/vm/src/eval/calls.rs"), "cape_vm::eval::calls::call_op");
        assert_eq!(qualified("one", "/x/bridge-rust/src/profile/mod.rs"), "cape_bridge::profile::one");
        assert_eq!(qualified("f", "/x/interp/vm/src/lib.rs"), "cape_vm::f");
        assert_eq!(qualified("map", "/rustc/0/library/core/src/option.rs"), "map");
        assert_eq!(qualified("list_len", "../bridge-c/list.c"), "list_len");
    }

    #[test]
    fn lines_of_maps() {
        let line = "7f00-7fff r-xp 00001000 08:01 42                         /a folder/x.so";
        let m = mapping(line).expect("code");
        assert_eq!((m.start, m.end, m.offset, m.path.as_str()), (0x7f00, 0x7fff, 0x1000, "/a folder/x.so"));
        assert!(mapping("7f00-7fff rw-p 00001000 08:01 42 /x.so").is_none());
        assert!(is_system("/lib/x86_64-linux-gnu/libc.so.6") && is_system("[vdso]"));
        assert!(!is_system("/a folder/x.so"));
    }
}
