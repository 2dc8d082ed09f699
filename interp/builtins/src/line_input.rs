//! Lines from the terminal: what `input` and the prompt of the interpreter read, with a line editor when there is one.

use std::sync::Mutex;

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::codecs::registry;

/// What was read beyond the last line.
static AHEAD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Encoding and error handler of a text stream.
pub struct Coding {
    /// The codec's name.
    pub encoding: String,
    /// The error handler's name.
    pub errors: String,
}

impl Coding {
    /// What a stream says of itself, if it says both.
    pub fn of(vm: &Vm, stream: Value) -> Option<Coding> {
        let text = |name| {
            let v = vm.get_attr_str(stream, name).ok()?;
            v.downcast::<StrObj>().map(|s| s.display())
        };
        Some(Coding { encoding: text("encoding")?, errors: text("errors")? })
    }
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: i32) -> bool {
    // SAFETY: isatty takes any number.
    unsafe { libc::isatty(fd) == 1 }
}

/// Shows a prompt and reads a line, with its newline unless the input ends within it; `None` at the end of the input.
///
/// With a terminal on both sides the `readline` module reads it, once it has been imported and if it can; else the prompt goes to the
/// descriptor of errors, and the line is what descriptor 0 gives.
pub fn read_line(
    vm: &Vm,
    prompt: Ptr<StrObj>,
    from: &Coding,
    to: Option<&Coding>,
) -> Res<Option<Ptr<StrObj>>> {
    if let Some(editor) = editor() {
        match vm.call(editor, &[prompt.value()]) {
            Ok(line) if line.is_none() => {}
            Ok(line) => {
                let Some(line) = line.downcast::<StrObj>() else {
                    return Err(vm.type_error("a line editor returned non-string"));
                };
                return Ok(Some(line));
            }
            Err(r) if r.is(rt().types.eof_error) => return Ok(None),
            Err(r) => return Err(r),
        }
    }
    let shown = match to {
        Some(c) => registry::encode(vm, prompt.value(), &c.encoding, Some(&c.errors))?
            .downcast::<BytesObj>()
            .map(|b| b.as_slice().to_vec())
            .unwrap_or_default(),
        None => prompt.display().into_bytes(),
    };
    show(&shown);
    let line = line_of_bytes(vm)?;
    if line.is_empty() {
        return Ok(None);
    }
    let text = registry::decode(vm, BytesObj::new(&line).value(), &from.encoding, Some(&from.errors))?;
    Ok(text.downcast::<StrObj>())
}

/// What reads lines in place of the terminal driver: `readline`'s, where standard input and output are terminals.
fn editor() -> Option<Value> {
    if !is_terminal(0) || !is_terminal(1) {
        return None;
    }
    let module = rt().modules().get_str(intern("readline"))?.downcast::<ModuleObj>()?;
    module.get(intern("_read_line"))
}

/// Writes to the descriptor of errors. What fails there has nobody to be told.
fn show(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the buffer is live for the call.
        let n = unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
        if n <= 0 {
            break;
        }
        bytes = &bytes[n as usize..];
    }
}

/// The next line of descriptor 0, with its newline; empty at its end or when it cannot be read. Signal handlers run meanwhile.
fn line_of_bytes(vm: &Vm) -> Res<Vec<u8>> {
    let ahead = || AHEAD.lock().unwrap_or_else(|e| e.into_inner());
    loop {
        let mut kept = ahead();
        if let Some(end) = memchr::memchr(b'\n', &kept) {
            let rest = kept.split_off(end + 1);
            return Ok(std::mem::replace(&mut *kept, rest));
        }
        drop(kept);
        let mut block = [0u8; 4096];
        let (n, interrupted) = vm.allow_threads(|| {
            // SAFETY: the buffer is live for the call.
            let n = unsafe { libc::read(0, block.as_mut_ptr().cast(), block.len()) };
            (n, n < 0 && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted)
        });
        match n {
            _ if interrupted => vm.poll()?,
            1.. => ahead().extend_from_slice(&block[..n as usize]),
            _ => return Ok(std::mem::take(&mut *ahead())),
        }
    }
}

/// `input()`.
pub(crate) fn input(vm: &Vm, prompt: Option<Value>) -> Res<Value> {
    vm.audit("builtins.input", &[prompt.unwrap_or(Value::NONE)])?;
    let line = read_answer(vm, prompt)?;
    vm.audit("builtins.input/result", &[line])?;
    Ok(line)
}

fn read_answer(vm: &Vm, prompt: Option<Value>) -> Res<Value> {
    let stream = |name: &str| {
        rt().sys()
            .get_str(intern(name))
            .filter(|v| !v.is_none())
            .ok_or_else(|| vm.runtime_error(format!("input(): lost sys.{name}")))
    };
    let (stdin, stdout, stderr) = (stream("stdin")?, stream("stdout")?, stream("stderr")?);
    let _ = vm.call_method(stderr, rt().names.flush, &[]);
    if is_stream_of_terminal(vm, stdin, 0)
        && is_stream_of_terminal(vm, stdout, 1)
        && let (Some(from), Some(to)) = (Coding::of(vm, stdin), Coding::of(vm, stdout))
    {
        let _ = vm.call_method(stdout, rt().names.flush, &[]);
        let prompt = match prompt {
            Some(p) => vm.str(p)?,
            None => rt().empty_str(),
        };
        if (0..prompt.len()).any(|i| prompt.char_at(i) == 0) {
            return Err(vm.value_error("input: prompt string cannot contain null characters"));
        }
        let Some(line) = read_line(vm, prompt, &from, Some(&to))? else {
            return Err(vm.new_exc_args(rt().types.eof_error, &[]));
        };
        let mut n = line.len();
        if n > 0 && line.char_at(n - 1) == '\n' as u32 {
            n -= 1;
        }
        if n > 0 && line.char_at(n - 1) == '\r' as u32 {
            n -= 1;
        }
        return Ok(line.substring(0, n).value());
    }
    if let Some(p) = prompt {
        let s = vm.str(p)?;
        vm.call_method(stdout, rt().names.write, &[s.value()])?;
    }
    let _ = vm.call_method(stdout, rt().names.flush, &[]);
    let line = vm.call_method(stdin, intern("readline"), &[])?;
    let Some(s) = line.downcast::<StrObj>() else {
        return Err(vm.type_error("object.readline() returned non-string"));
    };
    if s.is_empty() {
        return Err(vm.eof_error("EOF when reading a line"));
    }
    if s.char_at(s.len() - 1) == '\n' as u32 {
        return Ok(s.substring(0, s.len() - 1).value());
    }
    Ok(line)
}

/// Whether a stream is that of the descriptor, which is a terminal.
fn is_stream_of_terminal(vm: &Vm, stream: Value, fd: i32) -> bool {
    let number = vm.call_method(stream, intern("fileno"), &[]);
    number.is_ok_and(|n| n == Value::int(fd as i64)) && is_terminal(fd)
}
