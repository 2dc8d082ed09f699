//! `io.open`.

use cape_vm::object::{Int, StrObj};
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use super::buffered;
use super::fileio;
use super::text;
use super::util::*;

/// The arguments of `open`.
pub struct Args<'a> {
    /// Path or descriptor.
    pub file: Value,
    /// Mode.
    pub mode: &'a str,
    /// Buffering policy.
    pub buffering: isize,
    /// Encoding, or None.
    pub encoding: Value,
    /// Error handler, or None.
    pub errors: Value,
    /// Newline, or None.
    pub newline: Value,
    /// Whether closing closes the descriptor.
    pub closefd: bool,
    /// Opener, or None.
    pub opener: Value,
}

impl Default for Args<'_> {
    fn default() -> Self {
        let none = Value::NONE;
        Args { file: none, mode: "r", buffering: -1, encoding: none, errors: none, newline: none, closefd: true, opener: none }
    }
}

#[allow(clippy::too_many_arguments, reason = "as many as Python's")]
pub(super) fn open_function(
    vm: &Vm,
    file: Value,
    mode: Option<Value>,
    buffering: Option<isize>,
    encoding: Option<Value>,
    errors: Option<Value>,
    newline: Option<Value>,
    closefd: Option<bool>,
    opener: Option<Value>,
) -> Res<Value> {
    let or_none = |v: Option<Value>| v.unwrap_or(Value::NONE);
    let str_arg = |v: Option<Value>, what: &str| match v {
        Some(v) if !v.is_none() && !v.is::<StrObj>() => Err(vm.type_error(format!(
            "open() argument '{what}' must be str or None, not {}",
            type_of(v).name_str()
        ))),
        v => Ok(or_none(v)),
    };
    let mode = match mode {
        None => "r".to_string(),
        Some(m) => match m.downcast::<StrObj>() {
            Some(m) => vm.utf8(m)?,
            None => {
                return Err(vm.type_error(format!(
                    "open() argument 'mode' must be str, not {}",
                    type_of(m).name_str()
                )));
            }
        },
    };
    open(
        vm,
        &Args {
            file,
            mode: &mode,
            buffering: buffering.unwrap_or(-1),
            encoding: str_arg(encoding, "encoding")?,
            errors: str_arg(errors, "errors")?,
            newline: str_arg(newline, "newline")?,
            closefd: closefd.unwrap_or(true),
            opener: or_none(opener),
        },
    )
}

/// Opens a file.
pub fn open(vm: &Vm, a: &Args<'_>) -> Res<Value> {
    let file = if Int::of(a.file).is_some() { a.file } else { crate::fsname::fspath(vm, a.file)? };
    let has = |c: char| a.mode.contains(c);
    let repeated = a.mode.char_indices().any(|(i, c)| a.mode[i + c.len_utf8()..].contains(c));
    if repeated || a.mode.chars().any(|c| !"xrwa+tb".contains(c)) {
        return Err(vm.value_error(format!("invalid mode: '{}'", a.mode)));
    }
    let main = ['x', 'r', 'w', 'a'].iter().filter(|&&c| has(c)).count();
    let (binary, updating) = (has('b'), has('+'));
    if has('t') && binary {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    if main != 1 {
        return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
    }
    for (v, what) in [(a.encoding, "an encoding"), (a.errors, "an errors"), (a.newline, "a newline")] {
        if binary && !v.is_none() {
            return Err(vm.value_error(format!("binary mode doesn't take {what} argument")));
        }
    }
    if binary && a.buffering == 1 {
        crate::warn::warn(
            vm,
            rt().types.runtime_warning,
            "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
            1,
        )?;
    }
    let raw_mode: String = a.mode.chars().filter(|&c| c != 't' && c != 'b').collect();
    let raw = fileio::open(vm, file, &raw_mode, a.closefd, a.opener)?;
    match wrap(vm, a, raw, binary, updating) {
        Ok(v) => Ok(v),
        Err(e) => {
            let second = call(vm, raw.value(), "close", &[]);
            both(Err::<(), _>(e), second)
        }
    }
}

/// Puts the layers that the mode asks for on a raw file.
fn wrap(vm: &Vm, a: &Args<'_>, raw: Ptr<fileio::FileIoObj>, binary: bool, updating: bool) -> Res<Value> {
    let mut buffering = a.buffering;
    let mut line_buffering = buffering == 1 && !binary;
    if buffering < 0 {
        // Terminals, which are character devices, are line buffered.
        let fd = raw.fd();
        // SAFETY: a plain call.
        let tty =
            matches!(raw.kind.get(), 0 | libc::S_IFCHR) && vm.allow_threads(|| unsafe { libc::isatty(fd) }) == 1;
        line_buffering = tty && !binary;
    }
    if buffering < 0 || buffering == 1 {
        buffering = (raw.blksize.get() as isize).clamp(super::DEFAULT_BUFFER_SIZE as isize, 8 << 20);
    }
    if buffering == 0 {
        if !binary {
            return Err(vm.value_error("can't have unbuffered text I/O"));
        }
        return Ok(raw.value());
    }
    let class = if updating {
        &buffered::RANDOM
    } else if a.mode.contains('r') {
        &buffered::READER
    } else {
        &buffered::WRITER
    };
    if updating && !ask(vm, raw.value(), "seekable")? {
        return Err(unsupported(vm, "File or stream is not seekable."));
    }
    let buffer = buffered::open(vm, class, raw.value(), buffering as usize)?;
    if binary {
        return Ok(buffer);
    }
    let t = text::open(vm, buffer, a.encoding, a.errors, a.newline, line_buffering, false)
        .or_else(|e| {
            let second = call(vm, buffer, "close", &[]);
            both(Err::<(), _>(e), second)?;
            Err(e)
        })?;
    vm.set_attr(t.value(), intern("mode"), StrObj::new(a.mode).value())?;
    Ok(t.value())
}
