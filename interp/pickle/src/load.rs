//! Unpickling: the machine.

use cape_builtins::codecs::errors::Errors;
use cape_builtins::codecs::{self, escape};
use cape_builtins::memoryview;
use cape_vm::buffer::flags;
use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};
use num_bigint::BigInt;

use crate::errors::{is_unpickling, unpickling};
use crate::input::{Input, Rest};
use crate::numbers;
use crate::opcode::*;
use crate::stack::Stack;
use crate::tables::{CACHE, INVERTED};
use crate::unpickler::UnpicklerObj;

/// One `load`. Lives in native frames only.
pub struct Loader<'a> {
    pub vm: &'a Vm,
    /// Has the memo and the settings.
    pub u: Ptr<UnpicklerObj>,
    input: Input<'a>,
    pub stack: Stack,
    find_class: Option<Value>,
    /// The name `__setstate__`, interned once somebody has asked.
    pub set_state: Option<Value>,
    /// Names of attributes, and what they are interned as.
    pub interned: [(Value, Value); 16],
}

impl<'a> Loader<'a> {
    /// For one object.
    pub fn new(vm: &'a Vm, u: Ptr<UnpicklerObj>, input: Input<'a>) -> Loader<'a> {
        let interned = [(Value::EMPTY, Value::EMPTY); 16];
        Loader { vm, u, input, stack: Stack::new(), find_class: None, set_state: None, interned }
    }

    /// What was read and not used.
    pub fn finish(self) -> Rest {
        self.input.rest()
    }

    /// Reads one object.
    pub fn load(&mut self) -> Res<Value> {
        self.u.proto.set(0);
        self.find_class = self.u.find_class_override(self.vm)?;
        loop {
            let op = match self.input.byte_at_hand() {
                Some(op) => op,
                None => self.input.byte().map_err(|r| match is_unpickling(r) {
                    true => self.vm.eof_error("Ran out of input"),
                    false => r,
                })?,
            };
            if op == STOP {
                let v = self.stack.pop(self.vm)?;
                self.input.skip_consumed()?;
                return Ok(v);
            }
            self.step(op)?;
        }
    }

    #[inline]
    fn push(&mut self, v: Value) -> Res<()> {
        self.stack.push(v);
        Ok(())
    }

    #[inline]
    fn step(&mut self, op: u8) -> Res<()> {
        match op {
            NONE => self.push(Value::NONE),
            BININT => {
                let i = i32::from_le_bytes(self.input.array()?);
                self.push(Value::int(i as i64))
            }
            BININT1 => {
                let i = self.input.byte()?;
                self.push(Value::int(i as i64))
            }
            BININT2 => {
                let i = u16::from_le_bytes(self.input.array()?);
                self.push(Value::int(i as i64))
            }
            BINFLOAT => {
                let f = f64::from_be_bytes(self.input.array()?);
                self.push(Value::float(f))
            }
            SHORT_BINUNICODE => {
                let n = self.input.byte()? as usize;
                self.text(n)
            }
            BINUNICODE => {
                let n = u32::from_le_bytes(self.input.array()?) as usize;
                self.text(n)
            }
            MEMOIZE => {
                let i = self.u.memo_len();
                self.put(i)
            }
            BINPUT => {
                let i = self.input.byte()? as usize;
                self.put(i)
            }
            BINGET => {
                let i = self.input.byte()? as usize;
                self.get(i)
            }
            MARK => {
                self.stack.mark();
                Ok(())
            }
            APPENDS => {
                let at = self.stack.unmark(self.vm)?;
                self.append(at)
            }
            APPEND => {
                self.stack.need(self.vm, 2)?;
                self.append(self.stack.len() - 1)
            }
            SETITEMS => {
                let at = self.stack.unmark(self.vm)?;
                self.set_items(at)
            }
            SETITEM => match self.stack.len().checked_sub(2) {
                Some(at) => self.set_items(at),
                None => Err(self.stack.underflow(self.vm)),
            },
            EMPTY_LIST => self.push(ListObj::new(&[]).value()),
            EMPTY_DICT => self.push(DictObj::new().value()),
            EMPTY_TUPLE => self.push(rt().empty_tuple().value()),
            TUPLE1 => self.short_tuple(1),
            TUPLE2 => self.short_tuple(2),
            TUPLE3 => self.short_tuple(3),
            TUPLE => {
                let at = self.stack.unmark(self.vm)?;
                self.tuple(at)
            }
            NEWTRUE => self.push(Value::TRUE),
            NEWFALSE => self.push(Value::FALSE),
            NEWOBJ => self.new_object(),
            BUILD => self.build(),
            _ => self.rare_step(op),
        }
    }

    #[inline(never)]
    fn rare_step(&mut self, op: u8) -> Res<()> {
        let vm = self.vm;
        match op {
            PROTO => {
                let n = self.input.byte()?;
                if n as i64 > HIGHEST {
                    return Err(vm.value_error(format!("unsupported pickle protocol: {n}")));
                }
                self.u.proto.set(n as i32);
                Ok(())
            }
            FRAME => {
                let n = self.long_size("FRAME length exceeds system's maximum of")?;
                self.input.frame(n)
            }
            STACK_GLOBAL => {
                let (name, module) = (self.stack.pop(vm)?, self.stack.pop(vm)?);
                if type_of(name) != rt().types.str || type_of(module) != rt().types.str {
                    return Err(unpickling(vm, "STACK_GLOBAL requires str"));
                }
                self.global(module, name)
            }
            GLOBAL => {
                let module = self.name(true)?;
                let name = self.name(true)?;
                self.global(module, name)
            }
            REDUCE => {
                let (args, f) = (self.stack.pop(vm)?, self.stack.pop(vm)?);
                let Some(args) = args.downcast::<TupleObj>() else {
                    return Err(vm.type_error("argument list must be a tuple"));
                };
                let v = vm.call(f, args.as_slice())?;
                self.push(v)
            }
            NEWOBJ_EX => self.new_object_ex(),
            INST => {
                let at = self.stack.unmark(vm)?;
                let (module, name) = (self.name(false)?, self.name(false)?);
                let class = self.find(module, name)?;
                self.instantiate(class, at)
            }
            OBJ => {
                let at = self.stack.unmark(vm)?;
                if at == self.stack.len() {
                    return Err(self.stack.underflow(vm));
                }
                let class = self.stack.at(at);
                self.instantiate(class, at + 1)?;
                // The class was below the arguments.
                let v = self.stack.pop(vm)?;
                self.stack.truncate(at);
                self.push(v)
            }
            LONG_BINGET => {
                let i = u32::from_le_bytes(self.input.array()?) as usize;
                self.get(i)
            }
            LONG_BINPUT => {
                let i = u32::from_le_bytes(self.input.array()?) as usize;
                self.put(i)
            }
            GET => {
                let i = numbers::memo_number(vm, self.input.full_line()?)?;
                match usize::try_from(i) {
                    Ok(i) => self.get(i),
                    Err(_) => Err(self.no_memo(i)),
                }
            }
            PUT => {
                let line = self.input.full_line()?.to_vec();
                self.stack.top(vm)?;
                let i = numbers::memo_number(vm, &line)?;
                self.put(usize::try_from(i).map_err(|_| vm.value_error("negative PUT argument"))?)
            }
            POP => self.stack.drop_top(vm),
            POP_MARK => {
                let at = self.stack.unmark(vm)?;
                self.stack.truncate(at);
                Ok(())
            }
            DUP => {
                let v = self.stack.top(vm)?;
                self.push(v)
            }
            INT => {
                let v = numbers::int(vm, self.input.full_line()?)?;
                self.push(v)
            }
            LONG => {
                let v = numbers::long(vm, self.input.full_line()?)?;
                self.push(v)
            }
            LONG1 => {
                let n = self.input.byte()? as usize;
                self.binary_long(n)
            }
            LONG4 => {
                let n = i32::from_le_bytes(self.input.array()?);
                let n =
                    usize::try_from(n).map_err(|_| unpickling(vm, "LONG pickle has negative byte count"))?;
                self.binary_long(n)
            }
            FLOAT => {
                let v = numbers::float(vm, self.input.full_line()?)?;
                self.push(Value::float(v))
            }
            STRING => {
                let line = self.input.line()?;
                let quoted = match line {
                    [a @ (b'\'' | b'"'), inner @ .., b] if a == b => inner.to_vec(),
                    _ => return Err(unpickling(vm, "the STRING opcode argument must be quoted")),
                };
                let data = escape::decode_bytes(vm, &quoted, "strict")?;
                self.old_string(BytesObj::new(&data))
            }
            BINSTRING => {
                let n = i32::from_le_bytes(self.input.array()?);
                let n = usize::try_from(n)
                    .map_err(|_| unpickling(vm, "BINSTRING pickle has negative byte count"))?;
                let data = self.bytes(n)?;
                self.old_string(data)
            }
            SHORT_BINSTRING => {
                let n = self.input.byte()? as usize;
                let data = self.bytes(n)?;
                self.old_string(data)
            }
            UNICODE => {
                let line = self.input.line()?;
                let (s, _) = escape::decode_raw_unicode(line, &mut Errors::new(vm, "strict"), true)?;
                self.push(s.value())
            }
            BINUNICODE8 => {
                let n = self.long_size("BINUNICODE exceeds system's maximum size of")?;
                self.text(n)
            }
            SHORT_BINBYTES => {
                let n = self.input.byte()? as usize;
                let data = self.bytes(n)?;
                self.push(data.value())
            }
            BINBYTES => {
                let n = u32::from_le_bytes(self.input.array()?) as usize;
                let data = self.bytes(n)?;
                self.push(data.value())
            }
            BINBYTES8 => {
                let n = self.long_size("BINBYTES exceeds system's maximum size of")?;
                let data = self.bytes(n)?;
                self.push(data.value())
            }
            BYTEARRAY8 => {
                let n = self.long_size("BYTEARRAY8 exceeds system's maximum size of")?;
                let data = match self.input.is_at_hand(n)? {
                    true => self.input.take(n)?.to_vec(),
                    false => self.input.read_large(n)?,
                };
                self.push(BytearrayObj::new(data).value())
            }
            NEXT_BUFFER => self.next_buffer(),
            READONLY_BUFFER => self.readonly_buffer(),
            LIST => {
                let at = self.stack.unmark(vm)?;
                let l = ListObj::new(self.stack.from(at));
                self.stack.truncate(at);
                self.push(l.value())
            }
            DICT => {
                let at = self.stack.unmark(vm)?;
                let n = self.stack.len() - at;
                if !n.is_multiple_of(2) {
                    return Err(unpickling(vm, "odd number of items for DICT"));
                }
                let d = DictObj::new();
                for i in (at..self.stack.len()).step_by(2) {
                    d.set(vm, self.stack.at(i), self.stack.at(i + 1))?;
                }
                self.stack.truncate(at);
                self.push(d.value())
            }
            EMPTY_SET => self.push(SetObj::with_map(rt().maps.set).value()),
            FROZENSET => {
                let at = self.stack.unmark(vm)?;
                let s = SetObj::with_map(rt().maps.frozenset);
                for i in at..self.stack.len() {
                    s.add(vm, self.stack.at(i))?;
                }
                self.stack.truncate(at);
                self.push(s.value())
            }
            ADDITEMS => {
                let at = self.stack.unmark(vm)?;
                self.add_items(at)
            }
            PERSID => {
                let line = self.input.line()?;
                if !line.is_ascii() {
                    return Err(unpickling(vm, "persistent IDs in protocol 0 must be ASCII strings"));
                }
                let id = StrObj::from_latin1(line).value();
                self.persistent(id)
            }
            BINPERSID => {
                let id = self.stack.pop(vm)?;
                self.persistent(id)
            }
            EXT1 => {
                let code = self.input.byte()?;
                self.extension(code as i64)
            }
            EXT2 => {
                let code = u16::from_le_bytes(self.input.array()?);
                self.extension(code as i64)
            }
            EXT4 => {
                let code = i32::from_le_bytes(self.input.array()?);
                self.extension(code as i64)
            }
            b' '..=b'~' if op != b'\'' && op != b'\\' => {
                Err(unpickling(vm, format!("invalid load key, '{}'.", op as char)))
            }
            _ => Err(unpickling(vm, format!("invalid load key, '\\x{op:02x}'."))),
        }
    }

    fn long_size(&mut self, what: &str) -> Res<usize> {
        let n = u64::from_le_bytes(self.input.array()?);
        if n > i64::MAX as u64 {
            return Err(self.vm.overflow_error(format!("{what} {} bytes", i64::MAX)));
        }
        Ok(n as usize)
    }

    #[inline]
    fn text(&mut self, n: usize) -> Res<()> {
        let data = self.input.take(n)?;
        let s = if data.is_ascii() {
            StrObj::from_latin1(data)
        } else {
            match std::str::from_utf8(data) {
                Ok(s) => StrObj::new(s),
                Err(_) => {
                    let data = BytesObj::new(data).value();
                    codecs::decode(self.vm, data, "utf-8", "surrogatepass")?
                }
            }
        };
        self.push(s.value())
    }

    fn bytes(&mut self, n: usize) -> Res<Ptr<BytesObj>> {
        Ok(match self.input.is_at_hand(n)? {
            true => BytesObj::new(self.input.take(n)?),
            false => BytesObj::new(&self.input.read_large(n)?),
        })
    }

    fn binary_long(&mut self, n: usize) -> Res<()> {
        let data = self.input.take(n)?;
        let v = match data.len() {
            0..=8 => {
                let mut word = [if data.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 }; 8];
                word[..data.len()].copy_from_slice(data);
                int_value(i64::from_le_bytes(word))
            }
            _ => Int::Big(BigInt::from_signed_bytes_le(data)).into_value(),
        };
        self.push(v)
    }

    /// A string of Python 2.
    fn old_string(&mut self, data: Ptr<BytesObj>) -> Res<()> {
        let (encoding, errors) = self.u.encoding();
        let encoding = self.vm.utf8(encoding)?;
        if encoding == "bytes" {
            return self.push(data.value());
        }
        let errors = self.vm.utf8(errors)?;
        let s = codecs::decode(self.vm, data.value(), &encoding, &errors)?;
        self.push(s.value())
    }

    #[inline]
    fn put(&mut self, i: usize) -> Res<()> {
        let v = self.stack.top(self.vm)?;
        self.u.memo_set(self.vm, i, v)
    }

    #[inline]
    fn get(&mut self, i: usize) -> Res<()> {
        match self.u.memo_get(self.vm, i)? {
            Some(v) => self.push(v),
            None => Err(self.no_memo(i as i64)),
        }
    }

    #[cold]
    fn no_memo(&self, i: i64) -> Raised {
        unpickling(self.vm, format!("Memo value not found at index {i}"))
    }

    #[inline]
    fn short_tuple(&mut self, n: usize) -> Res<()> {
        self.stack.need(self.vm, n)?;
        self.tuple(self.stack.len() - n)
    }

    #[inline]
    fn tuple(&mut self, at: usize) -> Res<()> {
        let t = TupleObj::new(self.stack.from(at));
        self.stack.truncate(at);
        self.push(t.value())
    }

    /// Appends the values from `at` on to what is below them.
    fn append(&mut self, at: usize) -> Res<()> {
        let vm = self.vm;
        self.stack.need_below(vm, at)?;
        if at == self.stack.len() {
            return Ok(());
        }
        let to = self.stack.at(at - 1);
        if let Some(l) = to.downcast::<ListObj>().filter(|_| type_of(to) == rt().types.list) {
            match self.stack.from(at) {
                &[v] => l.push(v),
                values => l.splice(l.len(), l.len(), values),
            }
        } else if let Some(extend) = vm.get_attr_opt(to, intern("extend"))? {
            let items = ListObj::new(self.stack.from(at));
            vm.call(extend, &[items.value()])?;
        } else {
            let append = vm.get_attr(to, intern("append"))?;
            for i in at..self.stack.len() {
                vm.call(append, &[self.stack.at(i)])?;
            }
        }
        self.stack.truncate(at);
        Ok(())
    }

    /// Sets the items from `at` on, keys and values by turns, in what is below them.
    fn set_items(&mut self, at: usize) -> Res<()> {
        let vm = self.vm;
        self.stack.need_below(vm, at)?;
        if at == self.stack.len() {
            return Ok(());
        }
        if !(self.stack.len() - at).is_multiple_of(2) {
            return Err(unpickling(vm, "odd number of items for SETITEMS"));
        }
        let to = self.stack.at(at - 1);
        let dict = to.downcast::<DictObj>().filter(|_| type_of(to) == rt().types.dict);
        for i in (at..self.stack.len()).step_by(2) {
            let (key, v) = (self.stack.at(i), self.stack.at(i + 1));
            match dict {
                Some(d) => d.set(vm, key, v)?,
                None => vm.set_item(to, key, v)?,
            }
        }
        self.stack.truncate(at);
        Ok(())
    }

    fn add_items(&mut self, at: usize) -> Res<()> {
        let vm = self.vm;
        self.stack.need_below(vm, at)?;
        if at == self.stack.len() {
            return Ok(());
        }
        let to = self.stack.at(at - 1);
        match to.downcast::<SetObj>().filter(|_| type_of(to).is_subtype(rt().types.set)) {
            Some(s) => {
                for i in at..self.stack.len() {
                    s.add(vm, self.stack.at(i))?;
                }
            }
            None => {
                let add = vm.get_attr(to, intern("add"))?;
                for i in at..self.stack.len() {
                    vm.call(add, &[self.stack.at(i)])?;
                }
            }
        }
        self.stack.truncate(at);
        Ok(())
    }

    /// A name on a line of its own.
    fn name(&mut self, utf8: bool) -> Res<Value> {
        let vm = self.vm;
        let line = self.input.full_line()?;
        if line.is_ascii() {
            return Ok(StrObj::from_latin1(line).value());
        }
        let line = BytesObj::new(line).value();
        Ok(codecs::decode(vm, line, if utf8 { "utf-8" } else { "ascii" }, "strict")?.value())
    }

    fn find(&mut self, module: Value, name: Value) -> Res<Value> {
        match self.find_class {
            Some(f) => self.vm.call(f, &[module, name]),
            None => self.u.find_class(self.vm, module, name),
        }
    }

    fn global(&mut self, module: Value, name: Value) -> Res<()> {
        let v = self.find(module, name)?;
        self.push(v)
    }

    fn extension(&mut self, code: i64) -> Res<()> {
        let vm = self.vm;
        let key = Value::int(code);
        if let Some(v) = CACHE.get(vm)?.get(vm, key)? {
            return self.push(v);
        }
        let Some(pair) = INVERTED.get(vm)?.get(vm, key)? else {
            return Err(match code {
                ..=0 => unpickling(vm, "EXT specifies code <= 0"),
                _ => vm.value_error(format!("unregistered extension code {code}")),
            });
        };
        let t = pair
            .downcast::<TupleObj>()
            .filter(|t| t.len() == 2 && t.as_slice().iter().all(|v| v.is::<StrObj>()));
        let Some(t) = t else {
            return Err(vm.value_error(format!("_inverted_registry[{code}] isn't a 2-tuple of strings")));
        };
        let v = self.find(t.get(0), t.get(1))?;
        CACHE.get(vm)?.set(vm, key, v)?;
        self.push(v)
    }

    fn persistent(&mut self, id: Value) -> Res<()> {
        let f = self.u.persistent_load(self.vm)?;
        let v = self.vm.call(f, &[id])?;
        self.push(v)
    }

    fn next_buffer(&mut self) -> Res<()> {
        let vm = self.vm;
        let buffers = self.u.buffers.get();
        if buffers.is_empty() {
            return Err(unpickling(
                vm,
                "pickle stream refers to out-of-band data but no *buffers* argument was given",
            ));
        }
        match vm.next(buffers)? {
            Some(v) => self.push(v),
            None => Err(unpickling(vm, "not enough out-of-band buffers")),
        }
    }

    fn readonly_buffer(&mut self) -> Res<()> {
        let vm = self.vm;
        let v = self.stack.top(vm)?;
        if !vm.has_buffer(v) {
            let t = full_name(type_of(v));
            return Err(vm.type_error(format!("memoryview: a bytes-like object is required, not '{t}'")));
        }
        let view = memoryview::new(vm, v, flags::FULL_RO)?.value();
        let readonly = vm.get_attr(view, intern("readonly"))?;
        if !vm.truth(readonly)? {
            let view = vm.call_method(view, intern("toreadonly"), &[])?;
            self.stack.set_top(view);
        }
        Ok(())
    }
}
