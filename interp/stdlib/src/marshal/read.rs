//! Reading.

use std::borrow::Cow;
use std::sync::Arc;

use cape_vm::object::*;
use cape_vm::{Raised, Res, Value, Vm, intern, rt};
use num_bigint::{BigInt, BigUint, Sign};

use super::{MAX_DEPTH, code};

/// Where the data comes from.
pub enum Source<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// The `read` method of a file.
    File(Value),
}

struct Reader<'a> {
    vm: &'a Vm,
    from: Source<'a>,
    allow_code: bool,
    depth: usize,
    refs: ValueVec,
}

/// Reads one value.
pub fn load(vm: &Vm, from: Source<'_>, allow_code: bool) -> Res<Value> {
    let mut r = Reader { vm, from, allow_code, depth: 0, refs: ValueVec::new() };
    match r.object()? {
        v if v.is_empty() => Err(vm.type_error("NULL object in marshal data for object")),
        v => Ok(v),
    }
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Res<Cow<'a, [u8]>> {
        let short = || self.vm.eof_error("marshal data too short");
        match &mut self.from {
            Source::Bytes(data) => {
                if data.len() < n {
                    return Err(short());
                }
                let (head, rest) = data.split_at(n);
                *data = rest;
                Ok(Cow::Borrowed(head))
            }
            Source::File(f) => {
                let buffer = BytearrayObj::new(vec![0; n]);
                let got = self.vm.call_method(*f, intern("readinto"), &[buffer.value()])?;
                match self.vm.index_int(got)?.to_i64() {
                    Some(k) if k == n as i64 => Ok(Cow::Owned(buffer.as_slice().to_vec())),
                    Some(k) if k > n as i64 => Err(self.vm.value_error(format!(
                        "read() returned too much data: {n} bytes requested, {k} returned"
                    ))),
                    _ => Err(short()),
                }
            }
        }
    }

    fn array<const N: usize>(&mut self) -> Res<[u8; N]> {
        let b = self.bytes(N)?;
        let mut out = [0; N];
        out.copy_from_slice(&b);
        Ok(out)
    }

    fn bad(&self, what: &str) -> Raised {
        self.vm.value_error(format!("bad marshal data ({what})"))
    }

    fn long(&mut self) -> Res<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn size(&mut self, what: &str) -> Res<usize> {
        let n = self.long()?;
        usize::try_from(n).map_err(|_| self.bad(&format!("{what} size out of range")))
    }

    fn sized(&mut self, what: &str) -> Res<Cow<'a, [u8]>> {
        let n = self.size(what)?;
        self.bytes(n)
    }

    /// Gives the object the next reference number, if it is flagged.
    fn remember(&mut self, flag: bool, v: Value) -> Value {
        if flag {
            self.refs.push(v);
        }
        v
    }

    fn item(&mut self, what: &str) -> Res<Value> {
        match self.object()? {
            v if v.is_empty() => {
                Err(self.vm.type_error(format!("NULL object in marshal data for {what}")))
            }
            v => Ok(v),
        }
    }

    /// An object; EMPTY for the NULL that ends dicts.
    fn object(&mut self) -> Res<Value> {
        let byte = match self.array::<1>() {
            Ok([b]) => b,
            Err(r) if r.is(rt().types.eof_error) => {
                return Err(self.vm.eof_error("EOF read where object expected"));
            }
            Err(r) => return Err(r),
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.depth -= 1;
            return Err(self.vm.value_error("recursion limit exceeded"));
        }
        let flag = byte & code::FLAG_REF != 0;
        let r = self.of_code(byte & !code::FLAG_REF, flag);
        self.depth -= 1;
        r
    }

    fn of_code(&mut self, c: u8, flag: bool) -> Res<Value> {
        let v = match c {
            code::NULL => return Ok(Value::EMPTY),
            code::NONE => return Ok(Value::NONE),
            code::TRUE => return Ok(Value::TRUE),
            code::FALSE => return Ok(Value::FALSE),
            code::ELLIPSIS => return Ok(Value::ELLIPSIS),
            code::STOP_ITERATION => return Ok(rt().types.stop_iteration.value()),
            code::INT => Value::int(self.long()? as i64),
            code::INT64 => int_value(i64::from_le_bytes(self.array()?)),
            code::LONG => self.big()?,
            code::FLOAT => Value::float(self.text_float()?),
            code::BINARY_FLOAT => Value::float(f64::from_le_bytes(self.array()?)),
            code::COMPLEX => {
                let (re, im) = (self.text_float()?, self.text_float()?);
                ComplexObj::new(re, im).value()
            }
            code::BINARY_COMPLEX => {
                let (re, im) = (f64::from_le_bytes(self.array()?), f64::from_le_bytes(self.array()?));
                ComplexObj::new(re, im).value()
            }
            code::BYTES => BytesObj::new(&self.sized("bytes object")?).value(),
            code::STR => StrObj::from_wtf8(&self.sized("string")?).value(),
            code::INTERNED => rt().intern_obj(StrObj::from_wtf8(&self.sized("string")?)),
            code::ASCII => StrObj::from_latin1(&self.sized("string")?).value(),
            code::ASCII_INTERNED => rt().intern_obj(StrObj::from_latin1(&self.sized("string")?)),
            code::SHORT_ASCII | code::SHORT_ASCII_INTERNED => {
                let [n] = self.array()?;
                let s = StrObj::from_latin1(&self.bytes(n as usize)?);
                if c == code::SHORT_ASCII { s.value() } else { rt().intern_obj(s) }
            }
            code::SMALL_TUPLE => {
                let [n] = self.array()?;
                return self.tuple(n as usize, flag);
            }
            code::TUPLE => {
                let n = self.size("tuple")?;
                return self.tuple(n, flag);
            }
            code::LIST => return self.list(flag),
            code::DICT => return self.dict(flag),
            code::SET | code::FROZENSET => return self.set(c == code::FROZENSET, flag),
            code::SLICE => return self.slice(flag),
            code::CODE => return self.code(flag),
            code::REF => {
                let n = self.long()?;
                let v = usize::try_from(n).ok().and_then(|n| self.refs.get(n).copied());
                return match v {
                    Some(v) if !v.is_empty() => Ok(v),
                    _ => Err(self.bad("invalid reference")),
                };
            }
            _ => return Err(self.bad("unknown type code")),
        };
        Ok(self.remember(flag, v))
    }

    fn big(&mut self) -> Res<Value> {
        let n = self.long()?;
        if n == i32::MIN {
            return Err(self.bad("long size out of range"));
        }
        let count = n.unsigned_abs() as usize;
        let mut out = BigUint::default();
        let mut digits = Vec::with_capacity(count.min(1 << 16));
        for i in 0..count {
            let d = i16::from_le_bytes(self.array()?);
            if d < 0 {
                return Err(self.bad("digit out of range in long"));
            }
            if d == 0 && i + 1 == count {
                return Err(self.bad("unnormalized long data"));
            }
            digits.push(d as u16);
        }
        for d in digits.iter().rev() {
            out = (out << 15u32) | BigUint::from(*d);
        }
        Ok(big_value(BigInt::from_biguint(if n < 0 { Sign::Minus } else { Sign::Plus }, out)))
    }

    fn text_float(&mut self) -> Res<f64> {
        let [n] = self.array()?;
        let text = self.bytes(n as usize)?;
        let s = StrObj::from_latin1(&text).value();
        let f = self.vm.call(rt().types.float.value(), &[s])?;
        Ok(float_of(f).unwrap_or(0.0))
    }

    fn tuple(&mut self, n: usize, flag: bool) -> Res<Value> {
        if n > 1 << 28 {
            return Err(self.bad("tuple size out of range"));
        }
        let t = TupleObj::new(&vec![Value::NONE; n]);
        self.remember(flag, t.value());
        for i in 0..n {
            let v = self.item("tuple")?;
            t.init_item(i, v);
        }
        Ok(t.value())
    }

    fn list(&mut self, flag: bool) -> Res<Value> {
        let n = self.size("list")?;
        let l = ListObj::new(&[]);
        self.remember(flag, l.value());
        for _ in 0..n {
            let v = self.item("list")?;
            l.push(v);
        }
        Ok(l.value())
    }

    fn dict(&mut self, flag: bool) -> Res<Value> {
        let d = DictObj::new();
        self.remember(flag, d.value());
        loop {
            let k = self.object()?;
            if k.is_empty() {
                return Ok(d.value());
            }
            let v = self.object()?;
            if v.is_empty() {
                return Ok(d.value());
            }
            d.set(self.vm, k, v)?;
        }
    }

    fn set(&mut self, frozen: bool, flag: bool) -> Res<Value> {
        let n = self.size("set")?;
        let s = SetObj::with_map(if frozen { rt().maps.frozenset } else { rt().maps.set });
        // A frozenset cannot contain itself: its number refers to nothing while it is read.
        let at = self.refs.len();
        self.remember(flag, if frozen { Value::EMPTY } else { s.value() });
        for _ in 0..n {
            let v = self.item("set")?;
            s.add(self.vm, v)?;
        }
        self.fulfil(flag, at, s.value());
        Ok(s.value())
    }

    fn fulfil(&mut self, flag: bool, at: usize, v: Value) {
        if flag {
            self.refs.as_mut_slice()[at] = v;
            self.refs.touched();
        }
    }

    fn slice(&mut self, flag: bool) -> Res<Value> {
        let at = self.refs.len();
        self.remember(flag, Value::EMPTY);
        let (start, stop, step) = (self.item("slice")?, self.item("slice")?, self.item("slice")?);
        let v = SliceObj::new(start, stop, step).value();
        self.fulfil(flag, at, v);
        Ok(v)
    }

    fn code(&mut self, flag: bool) -> Res<Value> {
        if !self.allow_code {
            return Err(self.vm.value_error("unmarshalling code objects is disallowed"));
        }
        let at = self.refs.len();
        self.remember(flag, Value::EMPTY);
        let data = self.sized("code")?;
        let unit =
            cape_bytecode::deserialize(&data, None).map_err(|_| self.bad("code of another version of Cape"))?;
        let v = cape_vm::eval::new_code(self.vm, Arc::new(unit)).value();
        self.fulfil(flag, at, v);
        Ok(v)
    }
}
