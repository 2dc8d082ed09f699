//! `_stat`.

use cape_vm::native::int_from;
use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Value, Vm};

const CONSTANTS: &[(&str, i64)] = &[
    ("SF_APPEND", 0x40000),
    ("SF_ARCHIVED", 0x10000),
    ("SF_DATALESS", 0x4000_0000),
    ("SF_FIRMLINK", 0x80_0000),
    ("SF_IMMUTABLE", 0x20000),
    ("SF_NOUNLINK", 0x10_0000),
    ("SF_SETTABLE", 0xffff_0000),
    ("SF_SNAPSHOT", 0x20_0000),
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
    ("S_ENFMT", 0o2000),
    ("S_IEXEC", 0o100),
    ("S_IFBLK", 0o060000),
    ("S_IFCHR", 0o020000),
    ("S_IFDIR", 0o040000),
    ("S_IFDOOR", 0),
    ("S_IFIFO", 0o010000),
    ("S_IFLNK", 0o120000),
    ("S_IFPORT", 0),
    ("S_IFREG", 0o100000),
    ("S_IFSOCK", 0o140000),
    ("S_IFWHT", 0),
    ("S_IREAD", 0o400),
    ("S_IRGRP", 0o040),
    ("S_IROTH", 0o004),
    ("S_IRUSR", 0o400),
    ("S_IRWXG", 0o070),
    ("S_IRWXO", 0o007),
    ("S_IRWXU", 0o700),
    ("S_ISGID", 0o2000),
    ("S_ISUID", 0o4000),
    ("S_ISVTX", 0o1000),
    ("S_IWGRP", 0o020),
    ("S_IWOTH", 0o002),
    ("S_IWRITE", 0o200),
    ("S_IWUSR", 0o200),
    ("S_IXGRP", 0o010),
    ("S_IXOTH", 0o001),
    ("S_IXUSR", 0o100),
    ("UF_APPEND", 4),
    ("UF_COMPRESSED", 0x20),
    ("UF_DATAVAULT", 0x80),
    ("UF_HIDDEN", 0x8000),
    ("UF_IMMUTABLE", 2),
    ("UF_NODUMP", 1),
    ("UF_NOUNLINK", 0x10),
    ("UF_OPAQUE", 8),
    ("UF_SETTABLE", 0xffff),
    ("UF_TRACKED", 0x40),
];

const FMT: u32 = 0o170000;

macro_rules! kinds { ($m:ident, $($name:literal $what:literal $bits:expr),*) => { $( $m.function(
    concat!($name, "($module, object, /)"),
    concat!("Return True if mode is from a ", $what, "."),
    |vm: &Vm, m: Value| mode(vm, m).map(|m| $bits != 0 && m & FMT == $bits),
); )* } }

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in CONSTANTS {
        m.add(name, int_from(n as i128));
    }
    kinds!(m, "S_ISBLK" "block special device file" 0o060000, "S_ISCHR" "character special device file" 0o020000,
        "S_ISDIR" "directory" 0o040000, "S_ISDOOR" "door" 0, "S_ISFIFO" "FIFO (named pipe)" 0o010000,
        "S_ISLNK" "symbolic link" 0o120000, "S_ISPORT" "event port" 0, "S_ISREG" "regular file" 0o100000,
        "S_ISSOCK" "socket" 0o140000, "S_ISWHT" "whiteout" 0);
    m.function("S_IFMT($module, object, /)", "Return the portion of the file's mode that describes the file type.", |vm: &Vm, m: Value| {
        mode(vm, m).map(|m| m & FMT)
    })
    .function("S_IMODE($module, object, /)", "Return the portion of the file's mode that can be set by os.chmod().", |vm: &Vm, m: Value| {
        mode(vm, m).map(|m| m & 0o7777)
    })
    .function("filemode($module, object, /)", "Convert a file's mode to a string of the form '-rwxrwxrwx'", filemode);
    Ok(())
}

fn mode(vm: &Vm, v: Value) -> Res<u32> {
    if cape_vm::object::Int::of(v).is_none() && cape_vm::type_of(v).special(cape_vm::special::Special::Index).is_empty() {
        return Err(vm.type_error("an integer is required"));
    }
    let i = vm.index_int(v)?;
    match i.to_i64() {
        Some(n) => u32::try_from(n).map_err(|_| vm.overflow_error("mode out of range")),
        None => Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    }
}

fn filemode(vm: &Vm, v: Value) -> Res<String> {
    let m = mode(vm, v)?;
    let kind = match m & FMT {
        0o140000 => 's',
        0o120000 => 'l',
        0o100000 => '-',
        0o060000 => 'b',
        0o040000 => 'd',
        0o020000 => 'c',
        0o010000 => 'p',
        _ => '?',
    };
    let mut out = String::from(kind);
    for (shift, special, yes, no) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let bits = m >> shift;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        out.push(match (m & special != 0, bits & 1 != 0) {
            (true, true) => yes,
            (true, false) => no,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    Ok(out)
}
