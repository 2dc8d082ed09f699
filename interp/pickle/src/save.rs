//! Pickling: atoms, texts and containers.

use std::borrow::Cow;

use cape_builtins::codecs::{escape, narrow};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};
use num_bigint::BigInt;

use crate::buffer::PickleBufferObj;
use crate::errors::{class_name, noted, pickling};
use crate::opcode::*;
use crate::output::Output;
use crate::pickler::PicklerObj;
use crate::reduce::Plain;
use crate::tables::Shared;

/// Depth from which on the fast mode looks for cycles.
const FAST_DEPTH: usize = 50;

/// One `dump`. Lives in native frames only.
pub struct Saver<'a> {
    pub vm: &'a Vm,
    /// Has the memo and the settings.
    pub p: Ptr<PicklerObj>,
    pub out: Output,
    pub proto: i32,
    pub bin: bool,
    fast: bool,
    pub fix_imports: bool,
    /// `persistent_id`, where it is not the one that says None to everything.
    persistent_id: Option<Value>,
    pub reducer_override: Option<Value>,
    pub dispatch_table: Option<Value>,
    buffer_callback: Option<Value>,
    /// Identities of the containers around, in the fast mode.
    around: Vec<usize>,
    /// Which instances are written without being asked.
    pub plain: Plain,
}

impl<'a> Saver<'a> {
    /// For one object. `write` is EMPTY for all at once.
    pub fn new(vm: &'a Vm, p: Ptr<PicklerObj>, write: Value) -> Res<Saver<'a>> {
        let given = |v: Value| (!v.is_empty()).then_some(v);
        Ok(Saver {
            vm,
            p,
            out: Output::new(write),
            proto: p.proto.get(),
            bin: p.bin.get() != 0,
            fast: p.fast.get() != 0,
            fix_imports: p.fix_imports.get(),
            persistent_id: p.persistent_id_override(vm)?,
            reducer_override: p.reducer_override(vm)?,
            dispatch_table: given(p.dispatch_table.get()),
            buffer_callback: given(p.buffer_callback.get()),
            around: vec![],
            plain: Plain::new(),
        })
    }

    /// Writes the whole pickle.
    pub fn dump(&mut self, v: Value) -> Res<()> {
        if self.proto >= 2 {
            self.out.slice(&[PROTO, self.proto as u8]);
        }
        if self.proto >= 4 {
            self.out.start();
        }
        self.save(v)?;
        self.out.byte(STOP);
        self.out.finish();
        Ok(())
    }

    /// The memo number of an object.
    #[inline]
    pub fn number(&self, v: Value) -> Option<i64> {
        self.p.memo().get(&self.p.values, v)
    }

    /// Gives an object, which has just been written, a number.
    #[inline]
    pub fn memoize(&mut self, v: Value) -> Res<()> {
        if self.fast {
            return Ok(());
        }
        let at = self.p.memo().add(&self.p.values, self.p.header(), v);
        self.put(at)
    }

    /// Takes a number for an object that nobody can refer to again.
    pub fn memoize_nothing(&mut self) -> Res<()> {
        if self.fast {
            return Ok(());
        }
        let at = self.p.memo().skip();
        self.put(at)
    }

    #[inline]
    fn put(&mut self, at: usize) -> Res<()> {
        if self.proto >= 4 {
            self.out.byte(MEMOIZE);
        } else if !self.bin {
            self.out.slice(format!("{}{at}\n", PUT as char).as_bytes());
        } else if at < 256 {
            self.out.slice(&[BINPUT, at as u8]);
        } else if let Ok(at) = u32::try_from(at) {
            self.out.byte(LONG_BINPUT);
            self.out.slice(&at.to_le_bytes());
        } else {
            return Err(pickling(self.vm, "memo id too large for LONG_BINPUT"));
        }
        Ok(())
    }

    /// Refers to an object by its number.
    #[inline]
    pub fn get(&mut self, number: i64) -> Res<()> {
        if !self.bin {
            self.out.slice(format!("{}{number}\n", GET as char).as_bytes());
        } else if let Ok(n) = u8::try_from(number) {
            self.out.slice(&[BINGET, n]);
        } else if let Ok(n) = u32::try_from(number) {
            self.out.byte(LONG_BINGET);
            self.out.slice(&n.to_le_bytes());
        } else {
            return Err(pickling(self.vm, "memo id too large for LONG_BINGET"));
        }
        Ok(())
    }

    /// Before each object: a full frame ends.
    #[inline]
    pub fn edge(&mut self) -> Res<()> {
        if self.out.bytes.len() >= self.out.limit { self.out.boundary(self.vm) } else { Ok(()) }
    }

    /// Whether `persistent_id` is to be asked about each object.
    pub fn asks_ids(&self) -> bool {
        self.persistent_id.is_some()
    }

    /// Writes an object.
    #[inline]
    pub fn save(&mut self, v: Value) -> Res<()> {
        self.edge()?;
        if let Some(f) = self.persistent_id
            && self.persistent(f, v)?
        {
            return Ok(());
        }
        self.save_itself(v)
    }

    fn persistent(&mut self, f: Value, v: Value) -> Res<bool> {
        let id = self.vm.call(f, &[v])?;
        if id.is_none() {
            return Ok(false);
        }
        if self.bin {
            self.edge()?;
            self.save_itself(id)?;
            self.out.byte(BINPERSID);
            return Ok(true);
        }
        let text = self.vm.str(id)?;
        let Some(text) = text.as_ascii() else {
            return Err(pickling(self.vm, "persistent IDs in protocol 0 must be ASCII strings"));
        };
        self.out.byte(PERSID);
        self.out.slice(text.as_bytes());
        self.out.byte(b'\n');
        Ok(true)
    }

    #[inline]
    fn save_itself(&mut self, v: Value) -> Res<()> {
        if v.is_int() {
            self.int(v.as_int());
            return Ok(());
        }
        if v.is_float() {
            self.float(v.as_float());
            return Ok(());
        }
        match v {
            Value::NONE => self.out.byte(NONE),
            Value::TRUE | Value::FALSE => self.bool(v == Value::TRUE),
            _ => return self.object(v),
        }
        Ok(())
    }

    fn object(&mut self, v: Value) -> Res<()> {
        self.vm.check_native_stack(" while pickling an object")?;
        let (t, class) = (&rt().types, type_of(v));
        if class == t.str {
            let s: Ptr<StrObj> = v.downcast().expect("a str");
            return match self.number(v) {
                Some(n) => self.get(n),
                None => self.str(s),
            };
        }
        if class == t.int
            && let Some(l) = v.downcast::<LongObj>()
        {
            return match l.to_i64() {
                Some(i) => {
                    self.int(i);
                    Ok(())
                }
                None => self.long(&l.to_bigint()),
            };
        }
        if class == t.float
            && let Some(f) = float_of(v)
        {
            self.float(f);
            return Ok(());
        }
        if let Some(n) = self.number(v) {
            return self.get(n);
        }
        if class == t.dict {
            self.dict(v.downcast().expect("a dict"))
        } else if class == t.list {
            self.list(v.downcast().expect("a list"))
        } else if class == t.tuple {
            self.tuple(v.downcast().expect("a tuple"))
        } else if class == t.bytes {
            self.bytes(v.downcast().expect("bytes"))
        } else if class == t.set {
            self.set(v.downcast().expect("a set"))
        } else if class == t.frozenset {
            self.frozenset(v.downcast().expect("a frozenset"))
        } else if class == t.bytearray {
            self.bytearray(v.downcast().expect("a bytearray"))
        } else if let Some(b) = v.downcast::<PickleBufferObj>().filter(|_| class == crate::buffer::class()) {
            self.buffer(b)
        } else {
            self.other(v)
        }
    }

    fn bool(&mut self, b: bool) {
        match (self.proto >= 2, b) {
            (true, true) => self.out.byte(NEWTRUE),
            (true, false) => self.out.byte(NEWFALSE),
            (false, true) => self.out.slice(b"I01\n"),
            (false, false) => self.out.slice(b"I00\n"),
        }
    }

    #[inline]
    fn int(&mut self, i: i64) {
        let [a, b, c, d, ..] = i.to_le_bytes();
        if self.bin && i as i32 as i64 == i {
            match i {
                0..=0xff => self.out.slice(&[BININT1, a]),
                0..=0xffff => self.out.slice(&[BININT2, a, b]),
                _ => self.out.slice(&[BININT, a, b, c, d]),
            }
        } else {
            self.wide_int(i);
        }
    }

    #[inline(never)]
    fn wide_int(&mut self, i: i64) {
        if self.proto >= 2 {
            let bits = if i < 0 { !i } else { i };
            let n = (64 - bits.leading_zeros() as usize) / 8 + 1;
            self.out.slice(&[LONG1, n as u8]);
            self.out.slice(&i.to_le_bytes()[..n.min(8)]);
        } else if i as i32 as i64 == i {
            self.out.slice(format!("I{i}\n").as_bytes());
        } else {
            self.out.slice(format!("L{i}L\n").as_bytes());
        }
    }

    fn long(&mut self, i: &BigInt) -> Res<()> {
        if self.proto < 2 {
            let text = cape_builtins::int_text::decimal(self.vm, &Int::Big(i.clone()))?;
            self.out.slice(format!("L{text}L\n").as_bytes());
            return Ok(());
        }
        let bytes = i.to_signed_bytes_le();
        match bytes.len() {
            n @ 0..256 => self.out.slice(&[LONG1, n as u8]),
            n => {
                let n = i32::try_from(n).map_err(|_| self.vm.overflow_error("int too large to pickle"))?;
                self.out.byte(LONG4);
                self.out.slice(&n.to_le_bytes());
            }
        }
        self.out.slice(&bytes);
        Ok(())
    }

    #[inline]
    fn float(&mut self, f: f64) {
        if self.bin {
            let mut b = [BINFLOAT; 9];
            b[1..].copy_from_slice(&f.to_be_bytes());
            self.out.slice(&b);
        } else {
            self.out.slice(format!("F{}\n", cape_builtins::float_text::repr(f)).as_bytes());
        }
    }

    fn str(&mut self, s: Ptr<StrObj>) -> Res<()> {
        let v = s.value();
        if !self.bin {
            self.out.byte(UNICODE);
            let text = raw_unicode_escape(s);
            self.out.slice(&text);
            self.out.byte(b'\n');
            return self.memoize(v);
        }
        let text = match s.as_ascii() {
            Some(t) => Cow::Borrowed(t.as_bytes()),
            None => s.to_wtf8(),
        };
        let n = text.len();
        if n < 256 && self.proto >= 4 {
            self.out.slice(&[SHORT_BINUNICODE, n as u8]);
            self.out.slice(&text);
        } else {
            self.sized(&text, [BINUNICODE, BINUNICODE8], "string", None)?;
        }
        self.memoize(v)
    }

    /// Data behind an opcode with a length of 32 or 64 bits.
    fn sized(&mut self, data: &[u8], codes: [u8; 2], what: &str, payload: Option<Value>) -> Res<()> {
        let mut head = [0; 9];
        let head = match u32::try_from(data.len()) {
            Ok(n) => {
                head[0] = codes[0];
                head[1..5].copy_from_slice(&n.to_le_bytes());
                &head[..5]
            }
            Err(_) if self.proto >= 4 => {
                head[0] = codes[1];
                head[1..].copy_from_slice(&(data.len() as u64).to_le_bytes());
                &head[..]
            }
            Err(_) => {
                return Err(self.vm.overflow_error(format!(
                    "serializing a {what} larger than 4 GiB requires pickle protocol 4 or higher"
                )));
            }
        };
        self.out.counted(self.vm, head, data, payload)
    }

    /// The bytes of `of`, which is memoized.
    fn bytes_data(&mut self, of: Value, data: &[u8], payload: Option<Value>) -> Res<()> {
        if data.len() < 256 {
            self.out.slice(&[SHORT_BINBYTES, data.len() as u8]);
            self.out.slice(data);
        } else {
            self.sized(data, [BINBYTES, BINBYTES8], "bytes object", payload)?;
        }
        self.memoize(of)
    }

    fn bytearray_data(&mut self, of: Value, data: &[u8], payload: Option<Value>) -> Res<()> {
        let mut head = [BYTEARRAY8; 9];
        head[1..].copy_from_slice(&(data.len() as u64).to_le_bytes());
        self.out.counted(self.vm, &head, data, payload)?;
        self.memoize(of)
    }

    fn bytes(&mut self, b: Ptr<BytesObj>) -> Res<()> {
        if self.proto >= 3 {
            return self.bytes_data(b.value(), b.as_slice(), Some(b.value()));
        }
        // Older protocols have no bytes: Python 2 reads a str that `codecs.encode` makes of Latin-1.
        if b.is_empty() {
            return self.reduced_to(b.value(), rt().types.bytes.value(), &[]);
        }
        let text = StrObj::from_latin1(b.as_slice()).value();
        let encode = self.vm.import_attr("codecs", "encode")?;
        self.reduced_to(b.value(), encode, &[text, rt().intern("latin1")])
    }

    fn bytearray(&mut self, b: Ptr<BytearrayObj>) -> Res<()> {
        if self.proto >= 5 {
            return self.bytearray_data(b.value(), b.as_slice(), Some(b.value()));
        }
        let class = rt().types.bytearray.value();
        if b.as_slice().is_empty() {
            return self.reduced_to(b.value(), class, &[]);
        }
        let data = BytesObj::new(b.as_slice()).value();
        self.reduced_to(b.value(), class, &[data])
    }

    fn buffer(&mut self, b: Ptr<PickleBufferObj>) -> Res<()> {
        if self.proto < 5 {
            return Err(pickling(self.vm, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        let view = crate::buffer::view(self.vm, b)?;
        let layout = view.raw().layout();
        if !layout.is_c_contiguous() && !layout.is_f_contiguous() {
            return Err(pickling(
                self.vm,
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
            ));
        }
        let readonly = view.raw().readonly;
        let in_band = match self.buffer_callback {
            Some(f) => {
                let r = self.vm.call(f, &[b.value()])?;
                self.vm.truth(r)?
            }
            None => true,
        };
        if !in_band {
            self.out.byte(NEXT_BUFFER);
            if readonly {
                self.out.byte(READONLY_BUFFER);
            }
            return Ok(());
        }
        match readonly {
            true => self.bytes_data(b.value(), view.as_slice(), None),
            false => self.bytearray_data(b.value(), view.as_slice(), None),
        }
    }

    fn tuple(&mut self, t: Ptr<TupleObj>) -> Res<()> {
        let n = t.len();
        if n == 0 {
            match self.bin {
                true => self.out.byte(EMPTY_TUPLE),
                false => self.out.slice(&[MARK, TUPLE]),
            }
            return Ok(());
        }
        let short = n <= 3 && self.proto >= 2;
        if !short {
            self.out.byte(MARK);
        }
        for (i, &v) in t.as_slice().iter().enumerate() {
            self.save(v).map_err(|r| self.at_item(r, t.value(), i))?;
        }
        // If it has a number now, it contains itself: what stands on the stack goes, and it comes from the memo.
        if let Some(number) = self.number(t.value()) {
            match (short, self.bin) {
                (true, _) => (0..n).for_each(|_| self.out.byte(POP)),
                (false, true) => self.out.byte(POP_MARK),
                (false, false) => (0..=n).for_each(|_| self.out.byte(POP)),
            }
            return self.get(number);
        }
        self.out.byte(if short { [TUPLE1, TUPLE2, TUPLE3][n - 1] } else { TUPLE });
        self.memoize(t.value())
    }

    #[cold]
    fn at_item(&self, r: Raised, of: Value, i: usize) -> Raised {
        noted(self.vm, r, format!("when serializing {} item {i}", class_name(of)))
    }

    #[cold]
    fn at_key(&self, r: Raised, of: Value, key: Value) -> Raised {
        match self.vm.repr_str(key) {
            Ok(key) => noted(self.vm, r, format!("when serializing {} item {key}", class_name(of))),
            Err(_) => r,
        }
    }

    #[cold]
    fn at_element(&self, r: Raised, of: Value) -> Raised {
        noted(self.vm, r, format!("when serializing {} element", class_name(of)))
    }

    /// In the fast mode, deep down: refuses what is inside itself.
    fn enter(&mut self, v: Value) -> Res<()> {
        if !self.fast {
            return Ok(());
        }
        let id = self.vm.id(v);
        if self.around.len() + 1 >= FAST_DEPTH && self.around[FAST_DEPTH - 1..].contains(&id) {
            return Err(self.vm.value_error(format!(
                "fast mode: can't pickle cyclic objects including object type {} at {id:#x}",
                cape_vm::class::full_name(type_of(v))
            )));
        }
        self.around.push(id);
        Ok(())
    }

    fn leave(&mut self) {
        self.around.pop();
    }

    fn list(&mut self, l: Ptr<ListObj>) -> Res<()> {
        self.enter(l.value())?;
        match self.bin {
            true => self.out.byte(EMPTY_LIST),
            false => self.out.slice(&[MARK, LIST]),
        }
        self.memoize(l.value())?;
        if self.bin {
            self.items_of(l)?;
        } else if !l.is_empty() {
            let items = self.vm.iter(l.value())?;
            self.appends(items, l.value())?;
        }
        self.leave();
        Ok(())
    }

    /// The items of a list, which may change meanwhile.
    fn items_of(&mut self, l: Ptr<ListObj>) -> Res<()> {
        if l.len() == 1 {
            let v = l.get(0).unwrap_or(Value::NONE);
            self.save(v).map_err(|r| self.at_item(r, l.value(), 0))?;
            self.out.byte(APPEND);
            return Ok(());
        }
        let mut i = 0;
        while i < l.len() {
            self.out.byte(MARK);
            let end = i + BATCH;
            while i < end
                && let Some(v) = l.get(i)
            {
                self.save(v).map_err(|r| self.at_item(r, l.value(), i))?;
                i += 1;
            }
            self.out.byte(APPENDS);
        }
        Ok(())
    }

    /// What an iterator gives, to be appended to `of`.
    pub fn appends(&mut self, items: Value, of: Value) -> Res<()> {
        let mut i = 0;
        if !self.bin {
            while let Some(v) = self.vm.next(items)? {
                self.save(v).map_err(|r| self.at_item(r, of, i))?;
                self.out.byte(APPEND);
                i += 1;
            }
            return Ok(());
        }
        loop {
            let Some(first) = self.vm.next(items)? else { return Ok(()) };
            let Some(mut next) = self.vm.next(items)? else {
                self.save(first).map_err(|r| self.at_item(r, of, i))?;
                self.out.byte(APPEND);
                return Ok(());
            };
            self.out.byte(MARK);
            self.save(first).map_err(|r| self.at_item(r, of, i))?;
            let end = i + BATCH;
            i += 1;
            loop {
                self.save(next).map_err(|r| self.at_item(r, of, i))?;
                i += 1;
                if i == end {
                    break;
                }
                match self.vm.next(items)? {
                    Some(v) => next = v,
                    None => break,
                }
            }
            self.out.byte(APPENDS);
            if i != end {
                return Ok(());
            }
        }
    }

    fn dict(&mut self, d: Ptr<DictObj>) -> Res<()> {
        self.enter(d.value())?;
        match self.bin {
            true => self.out.byte(EMPTY_DICT),
            false => self.out.slice(&[MARK, DICT]),
        }
        self.memoize(d.value())?;
        if d.is_empty() {
        } else if self.bin {
            self.entries_of(d)?;
        } else {
            let items = self.vm.call_method(d.value(), rt().names.items, &[])?;
            let items = self.vm.iter(items)?;
            self.set_items(items, d.value())?;
        }
        self.leave();
        Ok(())
    }

    /// A key and its value in `of`.
    pub fn entry(&mut self, of: Value, key: Value, v: Value) -> Res<()> {
        self.save(key)?;
        self.save(v).map_err(|r| self.at_key(r, of, key))
    }

    fn entries_of(&mut self, d: Ptr<DictObj>) -> Res<()> {
        let len = d.len();
        let mut at = 0;
        if len == 1 {
            let Some((_, e)) = d.table.next_entry(0) else { return Ok(()) };
            self.entry(d.value(), e.key, e.value)?;
            self.out.byte(SETITEM);
            return Ok(());
        }
        loop {
            let mut n = 0;
            self.out.byte(MARK);
            while n < BATCH
                && let Some((i, e)) = d.table.next_entry(at)
            {
                at = i + 1;
                n += 1;
                self.entry(d.value(), e.key, e.value)?;
                if d.len() != len {
                    return Err(self.vm.runtime_error("dictionary changed size during iteration"));
                }
            }
            self.out.byte(SETITEMS);
            if n < BATCH {
                return Ok(());
            }
        }
    }

    /// Pairs that an iterator gives, to be set as items of `of`.
    pub fn set_items(&mut self, items: Value, of: Value) -> Res<()> {
        let vm = self.vm;
        let pair = |v: Value| {
            let t = v.downcast::<TupleObj>().filter(|t| t.len() == 2);
            t.ok_or_else(|| vm.type_error("dict items iterator must return 2-tuples"))
        };
        if !self.bin {
            while let Some(v) = vm.next(items)? {
                let t = pair(v)?;
                self.entry(of, t.get(0), t.get(1))?;
                self.out.byte(SETITEM);
            }
            return Ok(());
        }
        loop {
            let Some(first) = vm.next(items)? else { return Ok(()) };
            let first = pair(first)?;
            let Some(mut next) = vm.next(items)? else {
                self.entry(of, first.get(0), first.get(1))?;
                self.out.byte(SETITEM);
                return Ok(());
            };
            self.out.byte(MARK);
            self.entry(of, first.get(0), first.get(1))?;
            let mut n = 1;
            loop {
                let t = pair(next)?;
                self.entry(of, t.get(0), t.get(1))?;
                n += 1;
                if n == BATCH {
                    break;
                }
                match vm.next(items)? {
                    Some(v) => next = v,
                    None => break,
                }
            }
            self.out.byte(SETITEMS);
            if n != BATCH {
                return Ok(());
            }
        }
    }

    fn set(&mut self, s: Ptr<SetObj>) -> Res<()> {
        if self.proto < 4 {
            let items = ListObj::from_vec(self.vm.vec_of(s.value())?).value();
            return self.reduced_to(s.value(), rt().types.set.value(), &[items]);
        }
        self.out.byte(EMPTY_SET);
        self.memoize(s.value())?;
        let len = s.len();
        if len == 0 {
            return Ok(());
        }
        let mut at = 0;
        loop {
            let mut n = 0;
            self.out.byte(MARK);
            while n < BATCH
                && let Some((i, e)) = s.table.next_entry(at)
            {
                at = i + 1;
                n += 1;
                self.save(e.key).map_err(|r| self.at_element(r, s.value()))?;
                if s.len() != len {
                    return Err(self.vm.runtime_error("set changed size during iteration"));
                }
            }
            self.out.byte(ADDITEMS);
            if n < BATCH {
                return Ok(());
            }
        }
    }

    fn frozenset(&mut self, s: Ptr<SetObj>) -> Res<()> {
        if self.proto < 4 {
            let items = ListObj::from_vec(self.vm.vec_of(s.value())?).value();
            return self.reduced_to(s.value(), rt().types.frozenset.value(), &[items]);
        }
        self.out.byte(MARK);
        let mut at = 0;
        while let Some((i, e)) = s.table.next_entry(at) {
            at = i + 1;
            self.save(e.key).map_err(|r| self.at_element(r, s.value()))?;
        }
        if let Some(n) = self.number(s.value()) {
            self.out.byte(POP_MARK);
            return self.get(n);
        }
        self.out.byte(FROZENSET);
        self.memoize(s.value())
    }

    /// A table of `copyreg` or `_compat_pickle`.
    pub fn shared(&self, table: &'static Shared) -> Res<Ptr<DictObj>> {
        table.get(self.vm)
    }

    /// An identifier in the encoding of the protocol; the error is that of the encoding.
    pub fn identifier(&self, name: Value) -> Res<Vec<u8>> {
        let s: Ptr<StrObj> =
            name.downcast().ok_or_else(|| self.vm.type_error("an identifier must be a str"))?;
        if self.proto >= 3 {
            return Ok(self.vm.utf8(s)?.into_bytes());
        }
        let mut errors = cape_builtins::codecs::errors::Errors::new(self.vm, "strict");
        narrow::encode(s, &mut errors, narrow::ASCII)
    }
}

/// Text for protocol 0: escaped so that it has no line feed, and so that backslashes are told from escapes.
fn raw_unicode_escape(s: Ptr<StrObj>) -> Vec<u8> {
    let special = |c: u32| matches!(c, 0 | 10 | 13 | 26 | 92);
    if !s.chars().any(special) {
        return escape::encode_raw_unicode(s);
    }
    let mut out = Vec::with_capacity(s.len() + 16);
    for c in s.chars() {
        match c {
            c if special(c) => out.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
            0..256 => out.push(c as u8),
            256..0x10000 => out.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
            _ => out.extend_from_slice(format!("\\U{c:08x}").as_bytes()),
        }
    }
    out
}
