//! Writing: string escapes and `make_encoder`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

heap_object! {
    /// `make_encoder`: calls turn a value into text.
    pub struct EncoderObj {
        markers: Field,
        default: Field,
        encoder: Field,
        indent: Field,
        key_separator: Field,
        item_separator: Field,
        sort_keys: bool,
        skipkeys: bool,
        allow_nan: bool,
        /// The encoder is this module's: 0 no, 1 ASCII, 2 not.
        fast: u8,
    }
}

impl Named for EncoderObj {
    const NAME: &'static str = "Encoder";
}

/// Makes the class.
pub fn make_type(_vm: &Vm) -> Ptr<TypeObj> {
    new_type::<EncoderObj>("_json.Encoder", rt().types.object, 0)
        .doc("Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)")
        .new_fn(
            "__new__($type, markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
        )
        .method("__call__($self, /, obj, _current_indent_level)", "Call self as a function.", call)
        .getter("markers", "markers", |_: &Vm, e: Ptr<EncoderObj>| e.markers.get())
        .getter("default", "default", |_: &Vm, e: Ptr<EncoderObj>| e.default.get())
        .getter("encoder", "encoder", |_: &Vm, e: Ptr<EncoderObj>| e.encoder.get())
        .getter("indent", "indent", |_: &Vm, e: Ptr<EncoderObj>| e.indent.get())
        .getter("key_separator", "key_separator", |_: &Vm, e: Ptr<EncoderObj>| e.key_separator.get())
        .getter("item_separator", "item_separator", |_: &Vm, e: Ptr<EncoderObj>| e.item_separator.get())
        .getter("sort_keys", "sort_keys", |_: &Vm, e: Ptr<EncoderObj>| e.sort_keys)
        .getter("skipkeys", "skipkeys", |_: &Vm, e: Ptr<EncoderObj>| e.skipkeys)
        .class()
}

#[allow(clippy::too_many_arguments, reason = "Python's signature")]
fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    markers: Value,
    default: Value,
    encoder: Value,
    indent: Value,
    key_separator: Ptr<StrObj>,
    item_separator: Ptr<StrObj>,
    sort_keys: bool,
    skipkeys: bool,
    allow_nan: bool,
) -> Res<Value> {
    if !markers.is_none() && !markers.is::<DictObj>() {
        return Err(vm.type_error(format!(
            "make_encoder() argument 1 must be dict or None, not {}",
            type_of(markers).name_str()
        )));
    }
    let name = encoder.downcast::<BuiltinObj>().map_or("", |b| b.def.name);
    let fast = match name {
        "encode_basestring_ascii" => 1,
        "encode_basestring" => 2,
        _ => 0,
    };
    let map = cls.instance_map();
    let e = heap().alloc(
        map,
        EncoderObj {
            header: Header::new(map),
            markers: Field::new(markers),
            default: Field::new(default),
            encoder: Field::new(encoder),
            indent: Field::new(indent),
            key_separator: Field::new(key_separator.value()),
            item_separator: Field::new(item_separator.value()),
            sort_keys,
            skipkeys,
            allow_nan,
            fast,
        },
    );
    Ok(e.value())
}

fn call(vm: &Vm, e: Ptr<EncoderObj>, obj: Value, level: isize) -> Res<Value> {
    let str_field = |f: &Field| f.downcast::<StrObj>().expect("checked when made");
    let indent = match e.indent.get() {
        i if i.is_none() => None,
        i => Some(i.downcast::<StrObj>().ok_or_else(|| {
            vm.type_error(format!("indent must be a string or None, not {}", type_of(i).name_str()))
        })?),
    };
    let mut w = Writer {
        vm,
        e,
        key_separator: str_field(&e.key_separator),
        item_separator: str_field(&e.item_separator),
        indent,
        out: StrBuilder::new(),
    };
    w.value(obj, level.max(0) as usize)?;
    Ok(TupleObj::new(&[w.out.finish().value()]).value())
}

/// A string in quotes with its escapes.
pub fn quoted(vm: &Vm, v: Value, ascii: bool) -> Res<Ptr<StrObj>> {
    let s = super::text(vm, v)?;
    let mut out = StrBuilder::with_capacity(s.len() + 2);
    quote(&mut out, s, ascii);
    Ok(out.finish())
}

fn quote(out: &mut StrBuilder, s: Ptr<StrObj>, ascii: bool) {
    out.push(34);
    let plain = |c: u32| c >= 32 && c != 34 && c != 92 && (c < 127 || !ascii);
    if s.is_ascii() && s.data1().iter().all(|&b| plain(b as u32)) {
        out.push_obj(&s);
        out.push(34);
        return;
    }
    for c in s.chars() {
        match c {
            34 => out.push_str("\\\""),
            92 => out.push_str("\\\\"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            10 => out.push_str("\\n"),
            13 => out.push_str("\\r"),
            9 => out.push_str("\\t"),
            0..32 => out.push_str(&format!("\\u{c:04x}")),
            127..0x10000 if ascii => out.push_str(&format!("\\u{c:04x}")),
            0x10000.. if ascii => {
                let v = c - 0x10000;
                out.push_str(&format!("\\u{:04x}\\u{:04x}", 0xd800 | v >> 10, 0xdc00 | v & 0x3ff));
            }
            c => out.push(c),
        }
    }
    out.push(34);
}

/// One call. Lives in native frames only.
struct Writer<'a> {
    vm: &'a Vm,
    e: Ptr<EncoderObj>,
    key_separator: Ptr<StrObj>,
    item_separator: Ptr<StrObj>,
    indent: Option<Ptr<StrObj>>,
    out: StrBuilder,
}

impl Writer<'_> {
    fn string(&mut self, v: Value) -> Res<()> {
        if self.e.fast != 0 {
            let s: Ptr<StrObj> = v.downcast().expect("a str");
            quote(&mut self.out, s, self.e.fast == 1);
            return Ok(());
        }
        let r = self.vm.call(self.e.encoder.get(), &[v])?;
        let Some(s) = r.downcast::<StrObj>() else {
            return Err(self
                .vm
                .type_error(format!("encoder() must return a string, not {}", type_of(r).name_str())));
        };
        self.out.push_obj(&s);
        Ok(())
    }

    fn float_text(&self, v: Value) -> Res<String> {
        let f = float_of(v).unwrap_or(0.0);
        if f.is_finite() {
            return Ok(cape_builtins::float_text::repr(f));
        }
        if !self.e.allow_nan {
            return Err(self.vm.value_error(format!(
                "Out of range float values are not JSON compliant: {}",
                self.vm.repr_str(v)?
            )));
        }
        Ok(if f.is_nan() { "NaN" } else if f > 0.0 { "Infinity" } else { "-Infinity" }.to_string())
    }

    fn int_text(&self, v: Value) -> Res<String> {
        match Int::of(v) {
            Some(Int::Small(i)) => Ok(i.to_string()),
            Some(i) => cape_builtins::int_text::decimal(self.vm, &i),
            None => Ok(String::new()),
        }
    }

    fn value(&mut self, v: Value, level: usize) -> Res<()> {
        match v {
            Value::NONE => self.out.push_str("null"),
            Value::TRUE => self.out.push_str("true"),
            Value::FALSE => self.out.push_str("false"),
            v if v.is::<StrObj>() => return self.string(v),
            v if is_int(v) => {
                let t = self.int_text(v)?;
                self.out.push_str(&t);
            }
            v if float_of(v).is_some() => {
                let t = self.float_text(v)?;
                self.out.push_str(&t);
            }
            v if v.is::<ListObj>() || v.is::<TupleObj>() => {
                self.vm.check_native_stack(" while encoding a JSON object")?;
                return self.list(v, level);
            }
            v if v.is::<DictObj>() => {
                self.vm.check_native_stack(" while encoding a JSON object")?;
                return self.dict(v, level);
            }
            v => return self.other(v, level),
        }
        Ok(())
    }

    /// Marks a container as being written; the mark's key, to take it off again.
    fn enter(&self, v: Value) -> Res<Option<Value>> {
        let Some(markers) = self.e.markers.downcast::<DictObj>() else { return Ok(None) };
        let id = int_value(self.vm.id(v) as i64);
        if markers.get(self.vm, id)?.is_some() {
            return Err(self.vm.value_error("Circular reference detected"));
        }
        markers.set(self.vm, id, v)?;
        Ok(Some(id))
    }

    fn leave(&self, mark: Option<Value>) -> Res<()> {
        if let (Some(id), Some(markers)) = (mark, self.e.markers.downcast::<DictObj>())
            && markers.remove(self.vm, id)?.is_none()
        {
            return Err(self.vm.key_error_for(id));
        }
        Ok(())
    }

    fn note(&self, r: Raised, text: String) -> Raised {
        // An exception that takes no notes goes on without.
        let _ = self.vm.add_note(r.exc(), &text);
        r
    }

    fn other(&mut self, v: Value, level: usize) -> Res<()> {
        self.vm.check_native_stack(" while encoding a JSON object")?;
        let mark = self.enter(v)?;
        let made = self.vm.call(self.e.default.get(), &[v])?;
        self.vm.check_native_stack(" while encoding a JSON object")?;
        self.value(made, level).map_err(|r| {
            self.note(r, format!("when serializing {} object", full_name(type_of(v))))
        })?;
        self.leave(mark)
    }

    fn newline(&mut self, level: usize) {
        if let Some(i) = self.indent {
            self.out.push(10);
            (0..level).for_each(|_| self.out.push_obj(&i));
        }
    }

    fn separator(&mut self, level: usize) {
        self.out.push_obj(&self.item_separator);
        self.newline(level);
    }

    fn list(&mut self, v: Value, level: usize) -> Res<()> {
        let items = self.vm.list_of(v)?;
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        let mark = self.enter(v)?;
        self.out.push_str("[");
        self.newline(level + 1);
        // What is called may shorten a list.
        let list = v.downcast::<ListObj>().filter(|_| type_of(v) == rt().types.list);
        for (i, &x) in items.as_slice().iter().enumerate() {
            if list.is_some_and(|l| i >= l.len()) {
                break;
            }
            if i > 0 {
                self.separator(level + 1);
            }
            self.value(x, level + 1).map_err(|r| {
                self.note(r, format!("when serializing {} item {i}", full_name(type_of(v))))
            })?;
        }
        self.leave(mark)?;
        self.newline(level);
        self.out.push_str("]");
        Ok(())
    }

    fn dict(&mut self, v: Value, level: usize) -> Res<()> {
        let vm = self.vm;
        let d: Ptr<DictObj> = v.downcast().expect("a dict");
        if d.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        let mark = self.enter(v)?;
        self.out.push_str("{");
        let mut first = true;
        if self.e.sort_keys || type_of(v) != rt().types.dict {
            let items = vm.call_method(v, rt().names.items, &[])?;
            let items = vm.list_of(items)?;
            let list = ListObj::from_array(items, items.len());
            if self.e.sort_keys {
                vm.call_method(list.value(), cape_vm::intern("sort"), &[])?;
            }
            let items = list.snapshot();
            for &item in items.as_slice() {
                let pair = item.downcast::<TupleObj>().filter(|t| t.len() == 2);
                let Some(t) = pair else { return Err(vm.value_error("items must return 2-tuples")) };
                self.pair(v, t.get(0), t.get(1), level + 1, &mut first)?;
            }
        } else {
            let copy = d.copy();
            for e in copy.table.iter() {
                self.pair(v, e.key, e.value, level + 1, &mut first)?;
            }
        }
        self.leave(mark)?;
        if !first {
            self.newline(level);
        }
        self.out.push_str("}");
        Ok(())
    }

    fn pair(&mut self, dict: Value, key: Value, v: Value, level: usize, first: &mut bool) -> Res<()> {
        let plain = match key {
            k if k.is::<StrObj>() => None,
            k if float_of(k).is_some() => Some(self.float_text(k)?),
            Value::TRUE => Some("true".to_string()),
            Value::FALSE => Some("false".to_string()),
            Value::NONE => Some("null".to_string()),
            k if is_int(k) => Some(self.int_text(k)?),
            _ if self.e.skipkeys => return Ok(()),
            k => {
                return Err(self.vm.type_error(format!(
                    "keys must be str, int, float, bool or None, not {}",
                    type_of(k).name_str()
                )));
            }
        };
        if std::mem::replace(first, false) {
            self.newline(level);
        } else {
            self.separator(level);
        }
        match plain {
            Some(text) => {
                let s = StrObj::new(&text).value();
                self.string(s)?;
            }
            None => self.string(key)?,
        }
        self.out.push_obj(&self.key_separator);
        self.value(v, level).map_err(|r| {
            let key = self.vm.repr_str(key).unwrap_or_default();
            self.note(r, format!("when serializing {} item {key}", full_name(type_of(dict))))
        })
    }
}

fn full_name(t: Ptr<TypeObj>) -> String {
    cape_vm::class::full_name(t)
}
