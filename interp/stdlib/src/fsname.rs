//! File names: the file system's encoding (UTF-8, or ASCII in the C locale, with `surrogateescape`), and the arguments of functions that take paths.

use std::ffi::{CStr, CString};

use cape_vm::native::FromArg;
use cape_vm::object::{BytesObj, Int, StrObj};
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

/// Decodes a name that the system gave.
pub fn decode(name: &[u8]) -> Ptr<StrObj> {
    let ascii = rt().config().ascii_names;
    if let Ok(s) = std::str::from_utf8(name)
        && !(ascii && !s.is_ascii())
    {
        return StrObj::new(s);
    }
    let escaped = |b: u8| if b < 0x80 { b as u32 } else { 0xdc00 + b as u32 };
    if ascii {
        return StrObj::from_code_points(&name.iter().map(|&b| escaped(b)).collect::<Vec<u32>>());
    }
    let mut out = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        out.extend(chunk.valid().chars().map(|c| c as u32));
        out.extend(chunk.invalid().iter().map(|&b| escaped(b)));
    }
    StrObj::from_code_points(&out)
}

/// Encodes a name for the system.
pub fn encode(vm: &Vm, name: Ptr<StrObj>) -> Res<Vec<u8>> {
    if let Some(s) = name.as_ascii() {
        return Ok(s.as_bytes().to_vec());
    }
    let ascii = rt().config().ascii_names;
    let is_escape = |c: u32| (0xdc80..0xdd00).contains(&c);
    let mut out = Vec::with_capacity(name.len() * 2);
    for (i, c) in name.chars().enumerate() {
        match char::from_u32(c) {
            Some(c) if ascii && !c.is_ascii() => {
                let end = i + name.chars().skip(i).take_while(|&c| c >= 0x80 && !is_escape(c)).count();
                return Err(vm.unicode_encode_error_at("ascii", name, i, end, "ordinal not in range(128)"));
            }
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None if is_escape(c) => out.push((c - 0xdc00) as u8),
            None => {
                let bad = |c: &u32| (0xd800..0xe000).contains(c) && !is_escape(*c);
                let end = i + name.chars().skip(i).take_while(bad).count();
                return Err(vm.unicode_encode_error_at("utf-8", name, i, end, "surrogates not allowed"));
            }
        }
    }
    Ok(out)
}

/// `v.__fspath__()`; `None` for objects without it, or with None in its place.
pub fn call_fspath(vm: &Vm, v: Value) -> Res<Option<Value>> {
    if type_of(v).special(Special::Fspath).is_none() {
        Ok(None)
    } else {
        vm.try_special(v, Special::Fspath, &[])
    }
}

/// `os.fspath`.
pub fn fspath(vm: &Vm, path: Value) -> Res<Value> {
    if path.is::<StrObj>() || path.is::<BytesObj>() {
        return Ok(path);
    }
    let Some(r) = call_fspath(vm, path)? else {
        return Err(vm.type_error(format!(
            "expected str, bytes or os.PathLike object, not {}",
            type_of(path).name_str()
        )));
    };
    if r.is::<StrObj>() || r.is::<BytesObj>() {
        return Ok(r);
    }
    Err(vm.type_error(format!(
        "expected {}.__fspath__() to return str or bytes, not {}",
        type_of(path).name_str(),
        type_of(r).name_str()
    )))
}

/// `os.fsencode`: the bytes of a path; embedded NULs raise.
pub fn fsencode(vm: &Vm, path: Value) -> Res<CString> {
    let p = fspath(vm, path)?;
    let bytes = match p.downcast::<StrObj>() {
        Some(s) => encode(vm, s)?,
        None => p.downcast::<BytesObj>().expect("str or bytes").as_slice().to_vec(),
    };
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}

/// A name that is no path, as the system takes it.
pub fn c_name(vm: &Vm, name: Ptr<StrObj>) -> Res<CString> {
    CString::new(encode(vm, name)?).map_err(|_| vm.value_error("embedded null character"))
}

/// A path argument, converted.
pub struct Name {
    /// What the system gets.
    pub text: CString,
    /// What was passed (after `__fspath__`), for errors; `None` when the argument was None.
    pub object: Value,
    /// The argument was bytes: results are bytes too.
    pub is_bytes: bool,
    /// The argument was a file descriptor.
    pub fd: Option<i32>,
}

impl Name {
    /// The C string.
    pub fn as_ptr(&self) -> *const libc::c_char {
        self.text.as_ptr()
    }

    /// A name that the system gave, as the type that the argument has.
    pub fn result(&self, name: &[u8]) -> Value {
        if self.is_bytes { BytesObj::new(name).value() } else { decode(name).value() }
    }
}

const FD: u8 = 1;
const NONE: u8 = 2;

/// A path argument: `FLAGS` bit 0 also takes file descriptors, bit 1 also takes None.
pub struct PathArg<const FLAGS: u8>(pub Name);

/// A path.
pub type Path = PathArg<0>;
/// A path or a file descriptor.
pub type PathOrFd = PathArg<FD>;
/// A path, a file descriptor or None (also when left out).
pub type PathOrFdOrNone = PathArg<{ FD | NONE }>;
/// A path or None (also when left out).
pub type PathOrNone = PathArg<NONE>;

impl<const FLAGS: u8> std::ops::Deref for PathArg<FLAGS> {
    type Target = Name;
    fn deref(&self) -> &Name {
        &self.0
    }
}

impl<const FLAGS: u8> FromArg for PathArg<FLAGS> {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self> {
        // Asked for now: `__fspath__` calls other functions.
        let def = vm.native_def();
        if v.is_empty() || v.is_none() {
            if FLAGS & NONE != 0 {
                let text = CString::from(c".");
                return Ok(PathArg(Name { text, object: Value::NONE, is_bytes: false, fd: None }));
            }
            return Err(wrong_type(vm, v, i, FLAGS));
        }
        let object = if v.is::<StrObj>() || v.is::<BytesObj>() {
            v
        } else if FLAGS & FD != 0 && !type_of(v).special(Special::Index).is_empty() {
            let fd = fd_of_int(vm, v)?;
            return Ok(PathArg(Name { text: CString::default(), object: v, is_bytes: false, fd: Some(fd) }));
        } else {
            match call_fspath(vm, v)? {
                None => return Err(wrong_type(vm, v, i, FLAGS)),
                Some(r) if r.is::<StrObj>() || r.is::<BytesObj>() => r,
                Some(r) => {
                    return Err(vm.type_error(format!(
                        "expected {}.__fspath__() to return str or bytes, not {}",
                        type_of(v).name_str(),
                        type_of(r).name_str()
                    )));
                }
            }
        };
        let (name, param) = (def.name, def.parsed().params[i].name);
        let bytes = match object.downcast::<StrObj>() {
            Some(s) => encode(vm, s)?,
            None => object.downcast::<BytesObj>().expect("str or bytes").as_slice().to_vec(),
        };
        let text = CString::new(bytes)
            .map_err(|_| vm.value_error(format!("{name}: embedded null character in {param}")))?;
        Ok(PathArg(Name { text, object, is_bytes: object.is::<BytesObj>(), fd: None }))
    }
}

#[cold]
fn wrong_type(vm: &Vm, v: Value, i: usize, flags: u8) -> Raised {
    let def = vm.native_def();
    let kinds = match flags {
        0 => "string, bytes or os.PathLike",
        FD => "string, bytes, os.PathLike or integer",
        NONE => "string, bytes, os.PathLike or None",
        _ => "string, bytes, os.PathLike, integer or None",
    };
    vm.type_error(format!(
        "{}: {} should be {kinds}, not {}",
        def.name,
        def.parsed().params[i].name,
        type_of(v).name_str()
    ))
}

fn fd_of_int(vm: &Vm, v: Value) -> Res<i32> {
    warn_of_bool(vm, v)?;
    let i = vm.index_int(v)?;
    match i.to_i64() {
        Some(n) if i32::try_from(n).is_ok() => Ok(n as i32),
        _ => {
            let negative = matches!(&i, Int::Small(n) if *n < 0)
                || matches!(&i, Int::Big(b) if b.sign() == num_bigint::Sign::Minus);
            Err(vm.overflow_error(if negative {
                "fd is less than minimum"
            } else {
                "fd is greater than maximum"
            }))
        }
    }
}

/// A `dir_fd` argument: `AT_FDCWD` when None or left out.
pub struct DirFd(pub i32);

impl DirFd {
    /// Whether a descriptor was given.
    pub fn given(&self) -> bool {
        self.0 != libc::AT_FDCWD
    }
}

impl FromArg for DirFd {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        if v.is_empty() || v.is_none() {
            return Ok(DirFd(libc::AT_FDCWD));
        }
        if type_of(v).special(Special::Index).is_empty() {
            return Err(
                vm.type_error(format!("argument should be integer or None, not {}", type_of(v).name_str()))
            );
        }
        fd_of_int(vm, v).map(DirFd)
    }
}

/// A file descriptor: an int, or an object with `fileno()`.
pub struct Fd(pub i32);

impl FromArg for Fd {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        fd_of(vm, v).map(Fd)
    }
}

/// RuntimeWarning for True and False, which are unlikely to be meant.
fn warn_of_bool(vm: &Vm, v: Value) -> Res<()> {
    if v == Value::TRUE || v == Value::FALSE {
        let category = cape_vm::rt().types.runtime_warning;
        crate::warn::warn(vm, category, "bool is used as a file descriptor", 1)?;
    }
    Ok(())
}

/// The file descriptor in an int or in an object with `fileno()`.
pub fn fd_of(vm: &Vm, v: Value) -> Res<i32> {
    warn_of_bool(vm, v)?;
    let n = match Int::of(v) {
        Some(i) => i,
        None => {
            let Some(f) = vm.get_attr_opt(v, cape_vm::intern("fileno"))? else {
                return Err(vm.type_error("argument must be an int, or have a fileno() method."));
            };
            let r = vm.call(f, &[])?;
            match Int::of(r) {
                Some(i) => i,
                None => return Err(vm.type_error("fileno() returned a non-integer")),
            }
        }
    };
    let Some(n) = n.to_i64().and_then(|n| i32::try_from(n).ok()) else {
        return Err(vm.overflow_error("Python int too large to convert to C int"));
    };
    if n < 0 {
        return Err(vm.value_error(format!("file descriptor cannot be a negative integer ({n})")));
    }
    Ok(n)
}

/// The text of a C string that the system gave.
///
/// # Safety
/// `p` must point to a terminated string.
pub unsafe fn from_c(p: *const libc::c_char) -> Ptr<StrObj> {
    // SAFETY: the caller's promise.
    decode(unsafe { CStr::from_ptr(p) }.to_bytes())
}
