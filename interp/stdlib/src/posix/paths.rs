//! Operations on path strings, and `fspath`.

use cape_vm::native::FromArg;
use cape_vm::object::{BytesObj, ModuleObj, StrObj, TupleObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use crate::fsname;

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.function(
        "fspath($module, /, path)",
        "Return the file system path representation of the object.",
        fsname::fspath,
    )
    .function("_path_normpath($module, /, path)", "Normalize path, eliminating double slashes, etc.", normpath)
    .function(
        "_path_splitroot_ex($module, /, p)",
        "Split a pathname into drive, root and tail.",
        splitroot_ex,
    );
}

/// A str or bytes path that is not handed to the system: no encoding takes place, NULs are allowed.
enum Text {
    Str(Ptr<StrObj>),
    Bytes(Ptr<BytesObj>),
}

impl FromArg for Text {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self> {
        let of = |v: Value| match v.downcast::<StrObj>() {
            Some(s) => Some(Text::Str(s)),
            None => v.downcast::<BytesObj>().map(Text::Bytes),
        };
        if let Some(t) = of(v) {
            return Ok(t);
        }
        let (name, param) = (vm.native_def().name, vm.native_def().parsed().params[i].name);
        if let Some(t) = fsname::call_fspath(vm, v)?.and_then(of) {
            return Ok(t);
        }
        Err(vm.type_error(format!(
            "{name}: {param} should be string, bytes or os.PathLike, not {}",
            type_of(v).name_str()
        )))
    }
}

/// Length of the root of a path: 0, 1, or 2 for exactly two slashes.
fn root_len(p: &[u8]) -> usize {
    let n = p.iter().take_while(|&&c| c == b'/').count();
    if n > 2 { 1 } else { n }
}

fn normalize(p: &[u8]) -> Vec<u8> {
    if p.is_empty() {
        return b".".to_vec();
    }
    let root = root_len(p);
    let mut out: Vec<u8> = p[..root].to_vec();
    for part in p[root..].split(|&c| c == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => {
                let last = out[root..].iter().rposition(|&c| c == b'/').map_or(root, |i| root + i + 1);
                if out.len() == root {
                    if root > 0 {
                        continue;
                    }
                } else if &out[last..] != b".." {
                    out.truncate(last.saturating_sub(1).max(root));
                    continue;
                }
            }
            _ => {}
        }
        if out.len() > root {
            out.push(b'/');
        }
        out.extend_from_slice(part);
    }
    if out.is_empty() {
        out.push(b'.');
    }
    out
}

fn normpath(_: &Vm, path: Text) -> Value {
    match path {
        Text::Str(s) => StrObj::from_wtf8(&normalize(&s.to_wtf8())).value(),
        Text::Bytes(b) => BytesObj::new(&normalize(b.as_slice())).value(),
    }
}

fn splitroot_ex(_: &Vm, path: Text) -> Value {
    match path {
        Text::Str(s) => {
            let n = s.chars().take(3).take_while(|&c| c == '/' as u32).count();
            let n = if n > 2 { 1 } else { n };
            let (root, tail) = (s.substring(0, n), s.substring(n, s.len()));
            TupleObj::new(&[StrObj::new("").value(), root.value(), tail.value()]).value()
        }
        Text::Bytes(b) => {
            let (root, tail) = b.as_slice().split_at(root_len(b.as_slice()));
            let (root, tail) = (BytesObj::new(root).value(), BytesObj::new(tail).value());
            TupleObj::new(&[BytesObj::new(b"").value(), root, tail]).value()
        }
    }
}
