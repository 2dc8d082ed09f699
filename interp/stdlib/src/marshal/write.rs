//! Writing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_traits::Signed;

use super::{MAX_DEPTH, code};

/// Hashes identities, which are as good as random but for their low bits.
#[derive(Default)]
struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only identities are hashed")
    }
    fn write_usize(&mut self, n: usize) {
        self.0 = (n as u64 >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

struct Writer<'a> {
    vm: &'a Vm,
    out: Vec<u8>,
    version: i32,
    allow_code: bool,
    depth: usize,
    /// Reference numbers by `id()`. What was written stays alive: it belongs to the value that is being written.
    refs: HashMap<usize, u32, BuildHasherDefault<IdentityHasher>>,
    /// Slices and frozensets that are being written: when read, they are made when what they have is there, which cannot have them.
    open: Vec<usize>,
}

/// The marshalled form of a value.
pub fn dumps(vm: &Vm, v: Value, version: i32, allow_code: bool) -> Res<Vec<u8>> {
    let refs = HashMap::with_capacity_and_hasher(if v.is_ptr() { 100 } else { 0 }, Default::default());
    let mut w = Writer { vm, out: Vec::new(), version, allow_code, depth: 0, refs, open: Vec::new() };
    w.object(v)?;
    Ok(w.out)
}

impl Writer<'_> {
    fn long(&mut self, n: i32) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn size(&mut self, n: usize) -> Res<()> {
        match i32::try_from(n) {
            Ok(n) => {
                self.long(n);
                Ok(())
            }
            Err(_) => Err(self.vm.value_error("unmarshallable object")),
        }
    }

    fn sized(&mut self, data: &[u8]) -> Res<()> {
        self.size(data.len())?;
        self.out.extend_from_slice(data);
        Ok(())
    }

    fn object(&mut self, v: Value) -> Res<()> {
        let simple = match v {
            Value::NONE => Some(code::NONE),
            Value::TRUE => Some(code::TRUE),
            Value::FALSE => Some(code::FALSE),
            Value::ELLIPSIS => Some(code::ELLIPSIS),
            v if v == rt().types.stop_iteration.value() => Some(code::STOP_ITERATION),
            _ => None,
        };
        if let Some(c) = simple {
            self.out.push(c);
            return Ok(());
        }
        if self.depth >= MAX_DEPTH {
            return Err(self.vm.value_error("object too deeply nested to marshal"));
        }
        self.depth += 1;
        let mut flag = 0;
        // Numbers have no identity worth a reference.
        if self.version >= 3 && v.is_ptr() {
            let id = self.vm.id(v);
            let next = self.refs.len() as u32;
            match self.refs.entry(id) {
                Entry::Occupied(e) => {
                    let n = *e.get();
                    if self.open.contains(&id) {
                        return Err(self.vm.value_error("unmarshallable object"));
                    }
                    self.out.push(code::REF);
                    self.long(n as i32);
                    self.depth -= 1;
                    return Ok(());
                }
                Entry::Vacant(e) => e.insert(next),
            };
            flag = code::FLAG_REF;
        }
        self.complex_object(v, flag)?;
        self.depth -= 1;
        Ok(())
    }

    fn complex_object(&mut self, v: Value, flag: u8) -> Res<()> {
        let t = &rt().types;
        let class = type_of(v);
        if class == t.int {
            self.int(v, flag)
        } else if let Some(f) = float_of(v).filter(|_| class == t.float) {
            self.out.push(flag | if self.version > 1 { code::BINARY_FLOAT } else { code::FLOAT });
            self.float(f)
        } else if let Some(c) = v.downcast::<ComplexObj>().filter(|_| class == t.complex) {
            self.out.push(flag | if self.version > 1 { code::BINARY_COMPLEX } else { code::COMPLEX });
            self.float(c.re)?;
            self.float(c.im)
        } else if let Some(b) = v.downcast::<BytesObj>().filter(|_| class == t.bytes) {
            self.out.push(flag | code::BYTES);
            self.sized(b.as_slice())
        } else if class == t.str {
            self.str(v, flag)
        } else if let Some(tuple) = v.downcast::<TupleObj>().filter(|_| class == t.tuple) {
            if self.version >= 4 && tuple.len() < 256 {
                self.out.push(flag | code::SMALL_TUPLE);
                self.out.push(tuple.len() as u8);
            } else {
                self.out.push(flag | code::TUPLE);
                self.size(tuple.len())?;
            }
            tuple.as_slice().iter().try_for_each(|&x| self.object(x))
        } else if let Some(l) = v.downcast::<ListObj>().filter(|_| class == t.list) {
            self.out.push(flag | code::LIST);
            self.size(l.len())?;
            let items = l.snapshot();
            items.as_slice().iter().try_for_each(|&x| self.object(x))
        } else if let Some(d) = v.downcast::<DictObj>().filter(|_| class == t.dict) {
            self.out.push(flag | code::DICT);
            let copy = d.copy();
            for e in copy.table.iter() {
                self.object(e.key)?;
                self.object(e.value)?;
            }
            self.out.push(code::NULL);
            Ok(())
        } else if let Some(s) = v.downcast::<SetObj>().filter(|_| class == t.set || class == t.frozenset) {
            self.out.push(flag | if class == t.frozenset { code::FROZENSET } else { code::SET });
            self.set(s)
        } else if let Some(c) = v.downcast::<CodeObj>() {
            if !self.allow_code {
                return Err(self.vm.value_error("marshalling code objects is disallowed"));
            }
            self.constants(v, c)?;
            self.out.push(flag | code::CODE);
            self.sized(&cape_bytecode::serialize(&c.unit))
        } else if let Some(s) = v.downcast::<SliceObj>().filter(|_| self.version >= 5) {
            self.out.push(flag | code::SLICE);
            self.open.push(self.vm.id(v));
            [s.start.get(), s.stop.get(), s.step.get()].iter().try_for_each(|&x| self.object(x))?;
            self.open.pop();
            Ok(())
        } else if self.vm.has_buffer(v) {
            let b = self.vm.bytes_like(v)?;
            self.out.push(flag | code::BYTES);
            self.sized(b.as_slice())
        } else {
            Err(self.vm.value_error("unmarshallable object"))
        }
    }

    /// Whether the constants of code can be written: `replace` takes any.
    fn constants(&mut self, v: Value, c: Ptr<CodeObj>) -> Res<()> {
        let id = self.vm.id(v);
        if self.open.contains(&id) {
            return Err(self.vm.value_error("unmarshallable object"));
        }
        self.open.push(id);
        let t = &rt().types;
        let plain = [t.int, t.float, t.complex, t.str, t.bytes, t.bool, t.none_type];
        for &k in cape_builtins::code::consts(c).as_slice() {
            if let Some(inner) = k.downcast::<CodeObj>() {
                self.constants(k, inner)?;
            } else if !plain.contains(&type_of(k)) {
                // (Written beside: the code's own form has its constants in it.)
                let mut beside = Writer {
                    vm: self.vm,
                    out: Vec::new(),
                    version: self.version,
                    allow_code: self.allow_code,
                    depth: self.depth,
                    refs: HashMap::default(),
                    open: self.open.clone(),
                };
                beside.object(k)?;
            }
        }
        self.open.pop();
        Ok(())
    }

    fn int(&mut self, v: Value, flag: u8) -> Res<()> {
        let i = self.vm.index_int(v)?;
        if let Some(n) = i.to_i64().and_then(|n| i32::try_from(n).ok()) {
            self.out.push(flag | code::INT);
            self.long(n);
            return Ok(());
        }
        self.out.push(flag | code::LONG);
        let big = i.into_big();
        // Digits of 15 bits.
        let bits = big.magnitude().bits();
        let n = bits.div_ceil(15) as i32;
        self.long(if big.is_negative() { -n } else { n });
        let words = big.magnitude().to_u64_digits();
        for d in 0..n as usize {
            let at = d * 15;
            let (w, shift) = (at / 64, at % 64);
            let mut digit = words[w] >> shift;
            if shift > 49 && w + 1 < words.len() {
                digit |= words[w + 1] << (64 - shift);
            }
            self.out.extend_from_slice(&((digit & 0x7fff) as u16).to_le_bytes());
        }
        Ok(())
    }

    fn float(&mut self, f: f64) -> Res<()> {
        if self.version > 1 {
            self.out.extend_from_slice(&f.to_le_bytes());
            return Ok(());
        }
        let text = self.vm.repr(Value::float(f))?.display();
        self.out.push(text.len() as u8);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn str(&mut self, v: Value, flag: u8) -> Res<()> {
        let Some(s) = v.downcast::<StrObj>() else { return Ok(()) };
        let interned = s.is_interned();
        if self.version >= 4 && s.is_ascii() {
            let short = s.len() < 256;
            self.out.push(
                flag | match (short, interned) {
                    (true, true) => code::SHORT_ASCII_INTERNED,
                    (true, false) => code::SHORT_ASCII,
                    (false, true) => code::ASCII_INTERNED,
                    (false, false) => code::ASCII,
                },
            );
            if short {
                self.out.push(s.len() as u8);
            } else {
                self.size(s.len())?;
            }
            self.out.extend_from_slice(s.data1());
            return Ok(());
        }
        self.out.push(flag | if self.version >= 3 && interned { code::INTERNED } else { code::STR });
        self.sized(&s.to_wtf8())
    }

    /// The elements in an order that does not depend on their hashes.
    fn set(&mut self, s: cape_vm::Ptr<SetObj>) -> Res<()> {
        let mut items = ValueVec::new();
        s.table.iter().for_each(|e| items.push(e.key));
        let mut order: Vec<(Vec<u8>, usize)> = Vec::with_capacity(items.len());
        for (i, &v) in items.as_slice().iter().enumerate() {
            order.push((dumps(self.vm, v, self.version, self.allow_code)?, i));
        }
        order.sort();
        self.size(items.len())?;
        order.iter().try_for_each(|(_, i)| self.object(items[*i]))
    }
}
