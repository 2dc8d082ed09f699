//! Struct sequences: tuples with named fields, of which the last may be attributes only (`os.stat_result`, `time.struct_time`).
//!
//! The visible fields are the tuple's items; the hidden ones are the object's tail.

use std::sync::RwLock;

use cape_heap::{HeapObject, MapRef, Ptr, Value, write_barrier};

use crate::exc::Res;
use crate::native::{NativeFn, new_type};
use crate::object::*;
use crate::runtime::{StaticType, intern, rt, type_of};
use crate::vm::Vm;

/// A struct sequence type that a native module makes; kept in a `static`.
pub struct StructSeq {
    class: StaticType,
    spec: Spec,
}

/// What a struct sequence type is made from.
pub struct Spec {
    /// `module.name`.
    pub name: &'static str,
    /// Docstring.
    pub doc: &'static str,
    /// All fields in order: name (empty for an unnamed one) and docstring.
    pub fields: &'static [(&'static str, &'static str)],
    /// How many of them are items of the sequence.
    pub visible: usize,
    /// Whether Python code may make instances.
    pub instantiable: bool,
    /// Completes what the constructor has read, field by field.
    pub complete: Option<fn(&mut [Value])>,
}

/// Fields that a struct sequence may have.
const MAX_FIELDS: usize = 32;

/// The types made so far, by address: they are old and never freed.
static SPECS: RwLock<Vec<(usize, &'static Spec)>> = RwLock::new(Vec::new());

fn spec_of(class: Ptr<TypeObj>) -> &'static Spec {
    let at = class.as_raw() as usize;
    let specs = SPECS.read().unwrap_or_else(|e| e.into_inner());
    specs.iter().find(|s| s.0 == at).expect("a struct sequence type").1
}

impl Spec {
    /// Index and name of each named field.
    fn named(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.fields.iter().enumerate().filter(|(_, f)| !f.0.is_empty()).map(|(i, f)| (i, f.0))
    }

    fn unnamed(&self) -> usize {
        self.fields.len() - self.named().count()
    }
}

impl StructSeq {
    /// Not made yet.
    pub const fn new(spec: Spec) -> StructSeq {
        StructSeq { class: StaticType::new(), spec }
    }

    /// The type, made at the first use.
    pub fn class(&'static self) -> Ptr<TypeObj> {
        if let Some(t) = self.class.try_get() {
            return t;
        }
        let s = &self.spec;
        assert!(s.fields.len() <= MAX_FIELDS);
        let flags = if s.instantiable { 0 } else { TypeFlags::NO_INSTANTIATION };
        let mut b = new_type::<TupleObj>(s.name, rt().types.tuple, flags).doc(s.doc);
        let t = b.class();
        if !s.name.starts_with("sys.") {
            // Those of other modules than `sys` are heap types in CPython, whose attributes may be set.
            t.flags.set(t.flags.get() & !TypeFlags::IMMUTABLE);
        }
        let hidden = s.fields.len() - s.visible;
        if hidden > 0 {
            let map = MapRef::new(TupleObj::kind(), t.value(), hidden as u16);
            crate::shape::enter(map, t);
            t.instance_map.set(map.id());
        }
        SPECS.write().unwrap_or_else(|e| e.into_inner()).push((t.as_raw() as usize, s));
        for (i, name) in s.named() {
            b = b.getset_raw(name, s.fields[i].1, GETTERS[i], Some(readonly));
        }
        let names = s.named().filter(|f| f.0 < s.visible).map(|f| intern(f.1)).collect::<Vec<_>>();
        b = b
            .attribute("n_fields", Value::int(s.fields.len() as i64))
            .attribute("n_sequence_fields", Value::int(s.visible as i64))
            .attribute("n_unnamed_fields", Value::int(s.unnamed() as i64))
            .attribute("__match_args__", TupleObj::new(&names).value())
            .method("__repr__($self, /)", "Return repr(self).", repr)
            .method("__reduce__($self, /)", "", reduce)
            .method(
                "__replace__($self, /, **changes)",
                "Return a copy of the structure with new values for the specified fields.",
                replace,
            );
        if s.instantiable {
            b.new_fn("__new__(type, /, sequence, dict={})", "Create and return a new object.", construct);
        }
        self.class.set(t);
        t
    }

    /// An instance; `fields` has a value for every field, hidden ones too.
    pub fn make(&'static self, fields: &[Value]) -> Value {
        make(self.class(), &self.spec, fields).value()
    }
}

fn make(class: Ptr<TypeObj>, spec: &Spec, fields: &[Value]) -> Ptr<TupleObj> {
    assert_eq!(fields.len(), spec.fields.len());
    let t = TupleObj::with_map(class.instance_map(), &fields[..spec.visible]);
    for (i, &v) in fields[spec.visible..].iter().enumerate() {
        // SAFETY: the map of the type has a tail cell for every hidden field.
        unsafe { t.header().tail().add(i).write(v) };
    }
    write_barrier(t.header());
    t
}

/// Field `i`, visible or hidden.
fn field_of(t: Ptr<TupleObj>, i: usize) -> Value {
    if i < t.len() {
        return t.get(i);
    }
    let hidden = i - t.len();
    assert!(hidden < t.header().map().tail_words as usize);
    // SAFETY: inside the tail.
    unsafe { *t.header().tail().add(hidden) }
}

/// Fields are members that cannot be written to, or deleted.
fn readonly(vm: &Vm, _: &[Value]) -> Res<Value> {
    Err(vm.attribute_error("readonly attribute"))
}

fn get<const I: usize>(_: &Vm, args: &[Value]) -> Res<Value> {
    Ok(field_of(args[0].downcast().expect("the descriptor has checked the type"), I))
}

macro_rules! getters { ($($i:literal)*) => { [$(get::<$i>),*] } }
const GETTERS: [NativeFn; MAX_FIELDS] =
    getters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

fn repr(vm: &Vm, t: Ptr<TupleObj>) -> Res<Value> {
    let spec = spec_of(type_of(t.value()));
    let mut out = StrBuilder::new();
    out.push_str(spec.name);
    out.push('(' as u32);
    for (i, (_, name)) in spec.named().take(spec.visible).enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(name);
        out.push('=' as u32);
        let text = vm.repr(t.get(i))?;
        out.push_obj(&text);
    }
    out.push(')' as u32);
    Ok(out.finish().value())
}

fn hidden_dict(t: Ptr<TupleObj>, spec: &Spec) -> Ptr<DictObj> {
    let d = DictObj::new();
    for (i, name) in spec.named().filter(|f| f.0 >= spec.visible) {
        d.set_str(intern(name), field_of(t, i));
    }
    d
}

fn reduce(_: &Vm, t: Ptr<TupleObj>) -> Value {
    let class = type_of(t.value());
    let state = hidden_dict(t, spec_of(class)).value();
    let args = TupleObj::new(&[TupleObj::new(t.as_slice()).value(), state]);
    TupleObj::new(&[class.value(), args.value()]).value()
}

fn replace(vm: &Vm, t: Ptr<TupleObj>, changes: Ptr<DictObj>) -> Res<Value> {
    let class = type_of(t.value());
    let spec = spec_of(class);
    if spec.unnamed() > 0 {
        return Err(vm.type_error(format!(
            "__replace__() is not supported for {} because it has unnamed field(s)",
            spec.name
        )));
    }
    let mut fields = [Value::NONE; MAX_FIELDS];
    for (i, name) in spec.named() {
        fields[i] = changes.remove_str(intern(name)).unwrap_or_else(|| field_of(t, i));
    }
    if !changes.is_empty() {
        let names = ListObj::new(&[]);
        changes.table.iter().for_each(|e| names.push(e.key));
        return Err(vm.type_error(format!("Got unexpected field name(s): {}", vm.repr_str(names.value())?)));
    }
    Ok(make(class, spec, &fields[..spec.fields.len()]).value())
}

fn construct(vm: &Vm, class: Ptr<TypeObj>, sequence: Value, dict: Option<Value>) -> Res<Value> {
    let spec = spec_of(class);
    let items = match vm.vec_of(sequence) {
        Err(r) if r.is(rt().types.type_error) => {
            return Err(vm.type_error("constructor requires a sequence"));
        }
        r => r?,
    };
    let dict =
        match dict {
            None => None,
            Some(d) => Some(d.downcast::<DictObj>().ok_or_else(|| {
                vm.type_error(format!("{}() takes a dict as second arg, if any", spec.name))
            })?),
        };
    let (min, max, given) = (spec.visible, spec.fields.len(), items.len());
    if given < min || given > max {
        let word = match (min == max, given < min) {
            (true, _) => "a ",
            (false, true) => "an at least ",
            (false, false) => "an at most ",
        };
        let n = if given < min { min } else { max };
        return Err(
            vm.type_error(format!("{}() takes {word}{n}-sequence ({given}-sequence given)", spec.name))
        );
    }
    let mut fields = [Value::NONE; MAX_FIELDS];
    fields[..given].copy_from_slice(&items);
    let mut used = 0;
    if let Some(d) = dict {
        for (i, name) in spec.named().filter(|f| f.0 >= given) {
            if let Some(v) = d.get_str(intern(name)) {
                fields[i] = v;
                used += 1;
            }
        }
        if used < d.len() {
            return Err(vm.type_error(format!("{}() got duplicate or unexpected field name(s)", spec.name)));
        }
    }
    let fields = &mut fields[..max];
    if let Some(f) = spec.complete {
        f(fields);
    }
    Ok(make(class, spec, fields).value())
}
