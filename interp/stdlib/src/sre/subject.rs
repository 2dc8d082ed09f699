//! What is searched, and strings put together from parts of it.

use cape_vm::buffer::Buffer;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::engine::{self, Request, State};
use super::program::Program;

/// A subject, held in place while it is looked at. Lives in native frames only.
pub struct Subject {
    value: Value,
    bytes: Option<Buffer>,
}

impl Subject {
    /// The subject for a pattern; `for_bytes` is what the pattern was made from, if that is known.
    pub fn of(vm: &Vm, value: Value, for_bytes: Option<bool>) -> Res<Subject> {
        if value.is::<StrObj>() {
            if for_bytes == Some(true) {
                return Err(vm.type_error("cannot use a bytes pattern on a string-like object"));
            }
            return Ok(Subject { value, bytes: None });
        }
        let Ok(bytes) = vm.bytes_like(value) else {
            return Err(vm.type_error(format!(
                "expected string or bytes-like object, got '{}'",
                type_of(value).name_str()
            )));
        };
        if for_bytes == Some(false) {
            return Err(vm.type_error("cannot use a string pattern on a bytes-like object"));
        }
        Ok(Subject { value, bytes: Some(bytes) })
    }

    fn str(&self) -> Ptr<StrObj> {
        self.value.downcast().expect("a str or bytes-like subject")
    }

    /// Number of characters.
    pub fn len(&self) -> usize {
        match &self.bytes {
            Some(b) => b.as_slice().len(),
            None => self.str().len(),
        }
    }

    /// Whether it is bytes-like.
    pub fn is_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    /// Clips `pos` and `endpos` to the subject.
    pub fn clip(&self, pos: Option<isize>, endpos: Option<isize>) -> (usize, usize) {
        let n = self.len() as isize;
        let start = pos.unwrap_or(0).clamp(0, n);
        let end = endpos.unwrap_or(n).clamp(0, n);
        (start as usize, end as usize)
    }

    /// Matches or searches.
    pub fn run(&self, p: &Program, q: Request, anywhere: bool, st: &mut State) -> bool {
        fn go<C: engine::Unit>(p: &Program, s: &[C], q: Request, anywhere: bool, st: &mut State) -> bool {
            if anywhere { engine::search(p, s, q, st) } else { engine::match_at(p, s, q, st) }
        }
        if let Some(b) = &self.bytes {
            return go(p, b.as_slice(), q, anywhere, st);
        }
        let s = self.str();
        match s.kind() {
            StrKind::One => go(p, s.data1(), q, anywhere, st),
            StrKind::Two => go(p, s.data2(), q, anywhere, st),
            StrKind::Four => go(p, s.data4(), q, anywhere, st),
        }
    }

    /// The part `from..to` as `str` or `bytes`.
    pub fn slice(&self, from: usize, to: usize) -> Value {
        let exact = |base: Ptr<TypeObj>| type_of(self.value) == base && from == 0 && to == self.len();
        match &self.bytes {
            Some(b) => {
                if exact(cape_vm::rt().types.bytes) {
                    return self.value;
                }
                let s = b.as_slice();
                BytesObj::new(&s[from.min(s.len())..to.min(s.len()).max(from.min(s.len()))]).value()
            }
            None if exact(cape_vm::rt().types.str) => self.value,
            None => self.str().substring(from, to).value(),
        }
    }
}

/// A string or bytes in the making.
pub struct Joined {
    is_bytes: bool,
    narrow: Vec<u8>,
    wide: Vec<u32>,
    is_wide: bool,
    parts: usize,
}

impl Joined {
    /// Nothing yet.
    pub fn new(is_bytes: bool) -> Joined {
        Joined { is_bytes, narrow: Vec::new(), wide: Vec::new(), is_wide: false, parts: 0 }
    }

    fn chars(&mut self, it: impl Iterator<Item = u32>) {
        for c in it {
            if !self.is_wide && c > 0xff {
                self.is_wide = true;
                self.wide.extend(self.narrow.drain(..).map(u32::from));
            }
            if self.is_wide { self.wide.push(c) } else { self.narrow.push(c as u8) }
        }
    }

    fn latin1(&mut self, s: &[u8]) {
        if self.is_wide {
            self.wide.extend(s.iter().map(|b| *b as u32));
        } else {
            self.narrow.extend_from_slice(s);
        }
    }

    /// Appends a part of the subject.
    pub fn part(&mut self, s: &Subject, from: usize, to: usize) {
        self.parts += 1;
        if from >= to {
            return;
        }
        if let Some(b) = &s.bytes {
            let b = b.as_slice();
            return self.latin1(&b[from.min(b.len())..to.min(b.len())]);
        }
        let s = s.str();
        match s.kind() {
            StrKind::One => self.latin1(&s.data1()[from..to]),
            StrKind::Two => self.chars(s.data2()[from..to].iter().map(|c| *c as u32)),
            StrKind::Four => self.chars(s.data4()[from..to].iter().copied()),
        }
    }

    /// Appends a string or bytes object.
    pub fn push(&mut self, vm: &Vm, v: Value) -> Res<()> {
        let at = self.parts;
        self.parts += 1;
        let got = || type_of(v).name_str();
        if self.is_bytes {
            let Ok(b) = vm.bytes_like(v) else {
                return Err(vm.type_error(format!(
                    "sequence item {at}: expected a bytes-like object, {} found",
                    got()
                )));
            };
            self.latin1(b.as_slice());
            return Ok(());
        }
        let Some(s) = v.downcast::<StrObj>() else {
            return Err(vm.type_error(format!("sequence item {at}: expected str instance, {} found", got())));
        };
        match s.kind() {
            StrKind::One => self.latin1(s.data1()),
            _ => self.chars(s.chars()),
        }
        Ok(())
    }

    /// The result.
    pub fn finish(self) -> Value {
        match (self.is_bytes, self.is_wide) {
            (true, _) => BytesObj::new(&self.narrow).value(),
            (false, true) => StrObj::from_code_points(&self.wide).value(),
            (false, false) => StrObj::from_latin1(&self.narrow).value(),
        }
    }
}
