//! Pickling: instances, by what their `__reduce_ex__` says, and what is found by its name.

use cape_heap::{HeapObject, MapRef};
use cape_vm::class::lookup_mro;
use cape_vm::object::*;
use cape_vm::shape;
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::errors::{class_name, in_context, noted, pickling};
use crate::opcode::*;
use crate::save::Saver;
use crate::tables::{self, DISPATCH, EXTENSIONS};

/// Which instances are pickled in the usual way, by class and attributes alone: nothing needs to be called for those. Answers are kept by
/// map and version of the class.
pub struct Plain([(u32, u32, bool); 8]);

impl Plain {
    /// No answers yet.
    pub fn new() -> Plain {
        Plain([(0, 0, false); 8])
    }

    #[inline]
    fn is(&mut self, v: Value, class: Ptr<TypeObj>) -> bool {
        let map = v.header().map();
        if !std::ptr::eq(map.kind(), InstanceObj::kind()) {
            return false;
        }
        let (id, version) = (map.id(), cape_vm::class::version(class));
        let place = (id as usize ^ id as usize >> 3) % self.0.len();
        match self.0[place] {
            (i, v, answer) if i == id && v == version => answer,
            _ => {
                let answer = is_plain(map, class);
                self.0[place] = (id, version, answer);
                answer
            }
        }
    }
}

/// Whether all that pickling asks instances of the class for is what `object` has.
#[cold]
fn is_plain(map: MapRef, class: Ptr<TypeObj>) -> bool {
    let object = rt().types.object;
    let inherits = |name: &str| lookup_mro(class, intern(name)) == object.dict().get_str(intern(name));
    let has = |name: &str| lookup_mro(class, intern(name)).is_some();
    let asked = ["__reduce_ex__", "__reduce__", "__getstate__", "__class__"];
    let own = |name: &&str| shape::shape_of(map).is_none_or(|s| s.slot_of(intern(name)).is_some());
    let plain_dict = lookup_mro(class, rt().names.dict).is_none_or(|d| {
        shape::has_attrs(map) && d.downcast::<GetSetObj>().is_some_and(|g| g.def.name == "__dict__")
    });
    !class.has(TypeFlags::CUSTOM_GETATTR | TypeFlags::NO_INSTANTIATION | TypeFlags::FOREIGN)
        && !class.special(Special::New).is_empty()
        && asked.iter().all(|name| inherits(name))
        && !["__getnewargs_ex__", "__getnewargs__", "__slots__", "__slotnames__"].iter().any(|name| has(name))
        && (!shape::has_attrs(map) || !asked.iter().any(own))
        && plain_dict
}

/// What a `__reduce_ex__` has returned.
struct Reduced {
    callable: Value,
    args: Ptr<TupleObj>,
    state: Option<Value>,
    list_items: Option<Value>,
    dict_items: Option<Value>,
    state_setter: Option<Value>,
}

/// How the instance is to be made.
enum Making {
    Call,
    New,
    NewEx,
}

impl Saver<'_> {
    /// An object of no class that has opcodes of its own.
    pub fn other(&mut self, v: Value) -> Res<()> {
        let (vm, t, class) = (self.vm, &rt().types, type_of(v));
        if let Some(f) = self.reducer_override {
            let r = vm.call(f, &[v])?;
            if r != Value::NOT_IMPLEMENTED {
                return self.reduced(v, r);
            }
        }
        if class == t.type_ {
            return self.class(v);
        }
        if class == t.function {
            return self.global(v, None);
        }
        let reduce = match self.dispatch_table {
            None => self.shared(&DISPATCH)?.get(vm, class.value())?,
            Some(table) => match vm.get_item(table, class.value()) {
                Ok(f) => Some(f),
                Err(r) if r.is(t.key_error) => None,
                Err(r) => return Err(r),
            },
        };
        let r = if let Some(f) = reduce {
            vm.call(f, &[v])?
        } else if class.is_subtype(t.type_) {
            return self.global(v, None);
        } else if self.proto >= 2 && !self.asks_ids() && v.is_ptr() && self.plain.is(v, class) {
            return self.instance(v, class);
        } else if let Some(f) = vm.get_attr_opt(v, intern("__reduce_ex__"))? {
            vm.call(f, &[Value::int(self.proto as i64)])?
        } else if let Some(f) = vm.get_attr_opt(v, intern("__reduce__"))? {
            vm.call(f, &[])?
        } else {
            return Err(pickling(vm, format!("can't pickle {} object", class_name(v))));
        };
        self.reduced(v, r)
    }

    #[cold]
    fn in_part(&self, r: Raised, of: Value, part: &str) -> Raised {
        noted(self.vm, r, format!("when serializing {} {part}", class_name(of)))
    }

    /// An instance whose class pickles as `object` does: `__newobj__`, the class, and the attributes as state.
    fn instance(&mut self, v: Value, class: Ptr<TypeObj>) -> Res<()> {
        self.plain_instance(v, class).map_err(|r| self.in_part(r, v, "object"))
    }

    fn plain_instance(&mut self, v: Value, class: Ptr<TypeObj>) -> Res<()> {
        self.save(class.value()).map_err(|r| self.in_part(r, v, "class"))?;
        self.edge()?;
        self.out.slice(&[EMPTY_TUPLE, NEWOBJ]);
        // Saving the class may have run code.
        if let Some(n) = self.number(v) {
            self.out.byte(POP);
            return self.get(n);
        }
        self.memoize(v)?;
        let map = v.header().map();
        if !shape::has_attrs(map) {
            return Ok(());
        }
        let Some(names) = shape::shape_of(map).map(|s| s.names()) else {
            let Some(d) = self.vm.dict_of(v).filter(|d| !d.is_empty()) else { return Ok(()) };
            return self.state(v, d.value());
        };
        let n = names.len();
        if n == 0 {
            return Ok(());
        }
        // The state is the attributes as a dict, which nobody else can have: it need not be made.
        let values = ArrayObj::new(n);
        (0..n).for_each(|i| values.set(i, shape::read_slot(v.header(), map, i as u32)));
        self.edge()?;
        self.out.byte(EMPTY_DICT);
        self.memoize_nothing()?;
        if n > 1 {
            self.out.byte(MARK);
        }
        for i in 0..n {
            if let Err(r) = self.attribute(names.get(i), values.get(i)) {
                return Err(self.in_part(r, v, "state"));
            }
        }
        self.out.slice(&[if n > 1 { SETITEMS } else { SETITEM }, BUILD]);
        Ok(())
    }

    fn attribute(&mut self, name: Value, v: Value) -> Res<()> {
        self.save(name)?;
        self.save(v).map_err(|r| match self.vm.repr_str(name) {
            Ok(name) => noted(self.vm, r, format!("when serializing dict item {name}")),
            Err(_) => r,
        })
    }

    fn state(&mut self, of: Value, state: Value) -> Res<()> {
        self.save(state).map_err(|r| self.in_part(r, of, "state"))?;
        self.out.byte(BUILD);
        Ok(())
    }

    /// An object that is pickled as the call `callable(*args)`.
    pub fn reduced_to(&mut self, v: Value, callable: Value, args: &[Value]) -> Res<()> {
        let args = TupleObj::new(args);
        let r =
            Reduced { callable, args, state: None, list_items: None, dict_items: None, state_setter: None };
        self.rebuilt(v, &r)
    }

    /// What a reduction function returned for `v`.
    fn reduced(&mut self, v: Value, r: Value) -> Res<()> {
        if r.is::<StrObj>() {
            return self.global(v, Some(r));
        }
        let done = match r.downcast::<TupleObj>() {
            Some(t) => self.parsed(t).and_then(|r| self.rebuilt(v, &r)),
            None => Err(pickling(
                self.vm,
                format!("__reduce__ must return a string or tuple, not {}", class_name(r)),
            )),
        };
        done.map_err(|r| self.in_part(r, v, "object"))
    }

    fn parsed(&self, t: Ptr<TupleObj>) -> Res<Reduced> {
        let vm = self.vm;
        if !(2..=6).contains(&t.len()) {
            return Err(pickling(vm, "tuple returned by __reduce__ must contain 2 through 6 elements"));
        }
        let wrong = |which: &str, what: &str, v: Value| {
            let name = class_name(v);
            pickling(
                vm,
                format!("{which} item of the tuple returned by __reduce__ must be {what}, not {name}"),
            )
        };
        let item = |i: usize| t.as_slice().get(i).copied().filter(|v| !v.is_none());
        let (callable, args) = (t.get(0), t.get(1));
        if !vm.is_callable(callable) {
            return Err(wrong("first", "callable", callable));
        }
        let Some(args) = args.downcast::<TupleObj>() else { return Err(wrong("second", "a tuple", args)) };
        let iterator = |i: usize, which: &str| match item(i) {
            Some(v) if type_of(v).special(Special::Next).is_empty() => Err(wrong(which, "an iterator", v)),
            v => Ok(v),
        };
        let (list_items, dict_items) = (iterator(3, "fourth")?, iterator(4, "fifth")?);
        if let Some(v) = item(5)
            && !vm.is_callable(v)
        {
            return Err(wrong("sixth", "callable", v));
        }
        Ok(Reduced { callable, args, state: item(2), list_items, dict_items, state_setter: item(5) })
    }

    fn making(&self, callable: Value) -> Res<Making> {
        if self.proto < 2 {
            return Ok(Making::Call);
        }
        let name = self.vm.get_attr_opt(callable, rt().names.name)?;
        Ok(match name.and_then(|n| n.downcast::<StrObj>()) {
            Some(n) if n.eq_str("__newobj_ex__") => Making::NewEx,
            Some(n) if n.eq_str("__newobj__") => Making::New,
            _ => Making::Call,
        })
    }

    /// Writes how `v` is made, and what is done with it then.
    fn rebuilt(&mut self, v: Value, r: &Reduced) -> Res<()> {
        match self.making(r.callable)? {
            Making::NewEx => self.new_object_ex(v, r.args)?,
            Making::New => self.new_object(v, r.args)?,
            Making::Call => {
                self.save(r.callable).map_err(|e| self.in_part(e, v, "reconstructor"))?;
                self.save(r.args.value()).map_err(|e| self.in_part(e, v, "reconstructor arguments"))?;
                self.out.byte(REDUCE);
            }
        }
        // With a number already, it contains itself: what was made goes, and it comes from the memo.
        if let Some(n) = self.number(v) {
            self.out.byte(POP);
            return self.get(n);
        }
        self.memoize(v)?;
        if let Some(items) = r.list_items {
            self.appends(items, v)?;
        }
        if let Some(items) = r.dict_items {
            self.set_items(items, v)?;
        }
        match (r.state, r.state_setter) {
            (None, _) => Ok(()),
            (Some(state), None) => self.state(v, state),
            (Some(state), Some(setter)) => {
                self.save(setter).map_err(|e| self.in_part(e, v, "state setter"))?;
                self.save(v)?;
                self.save(state).map_err(|e| self.in_part(e, v, "state"))?;
                self.out.slice(&[TUPLE2, REDUCE, POP]);
                Ok(())
            }
        }
    }

    fn new_object(&mut self, v: Value, args: Ptr<TupleObj>) -> Res<()> {
        let vm = self.vm;
        if args.is_empty() {
            return Err(pickling(vm, "__newobj__ expected at least 1 argument, got 0"));
        }
        let class = args.get(0);
        if !class.is::<TypeObj>() {
            let name = class_name(class);
            return Err(pickling(vm, format!("first argument to __newobj__() must be a class, not {name}")));
        }
        let own = vm.get_attr(v, rt().names.class)?;
        if own != class {
            let (own, class) = (vm.repr_str(own)?, vm.repr_str(class)?);
            return Err(pickling(vm, format!("first argument to __newobj__() must be {own}, not {class}")));
        }
        self.save(class).map_err(|e| self.in_part(e, v, "class"))?;
        let rest = TupleObj::new(&args.as_slice()[1..]).value();
        self.save(rest).map_err(|e| self.in_part(e, v, "__new__ arguments"))?;
        self.out.byte(NEWOBJ);
        Ok(())
    }

    fn new_object_ex(&mut self, v: Value, all: Ptr<TupleObj>) -> Res<()> {
        let vm = self.vm;
        let &[class, args, keywords] = all.as_slice() else {
            return Err(pickling(vm, format!("__newobj_ex__ expected 3 arguments, got {}", all.len())));
        };
        let wrong = |which: &str, what: &str, v: Value| {
            let name = class_name(v);
            pickling(vm, format!("{which} argument to __newobj_ex__() must be a {what}, not {name}"))
        };
        if !class.is::<TypeObj>() {
            return Err(wrong("first", "class", class));
        }
        let Some(positional) = args.downcast::<TupleObj>() else {
            return Err(wrong("second", "tuple", args));
        };
        let Some(named) = keywords.downcast::<DictObj>() else {
            return Err(wrong("third", "dict", keywords));
        };
        if self.proto >= 4 {
            self.save(class).map_err(|e| self.in_part(e, v, "class"))?;
            let done = self.save(args).and_then(|()| self.save(keywords));
            done.map_err(|e| self.in_part(e, v, "__new__ arguments"))?;
            self.out.byte(NEWOBJ_EX);
            return Ok(());
        }
        // Older protocols have no keywords: a partial has them.
        let mut bound = ValueVec::new();
        bound.push(vm.get_attr(class, Special::New.name_value())?);
        bound.push(class);
        bound.extend_from_slice(positional.as_slice());
        let partial = vm.import_attr("functools", "partial")?;
        let partial = vm.call_dict(partial, &bound, Some(named))?;
        self.save(partial).map_err(|e| self.in_part(e, v, "reconstructor"))?;
        self.save(rt().empty_tuple().value())?;
        self.out.byte(REDUCE);
        Ok(())
    }

    fn class(&mut self, v: Value) -> Res<()> {
        for single in [Value::NONE, Value::ELLIPSIS, Value::NOT_IMPLEMENTED] {
            if v == type_of(single).value() {
                return self.reduced_to(v, rt().types.type_.value(), &[single]);
            }
        }
        self.global(v, None)
    }

    /// An object that is found by its name, which is `name` or its own.
    pub fn global(&mut self, v: Value, name: Option<Value>) -> Res<()> {
        let vm = self.vm;
        let name = match name {
            Some(n) => n,
            None => match vm.get_attr_opt(v, intern("__qualname__"))? {
                Some(n) => n,
                None => vm.get_attr(v, rt().names.name)?,
            },
        };
        let Some(text) = name.downcast::<StrObj>() else {
            return Err(
                vm.type_error(format!("the name of a global must be a str, not {}", class_name(name)))
            );
        };
        let module = module_of(vm, v, text)?;
        if self.proto >= 2 {
            let key = TupleObj::new(&[module, name]).value();
            if let Some(code) = self.shared(&EXTENSIONS)?.get(vm, key)? {
                return self.extension(code);
            }
        }
        if self.proto >= 4 {
            self.save(module)?;
            self.save(name)?;
            self.out.byte(STACK_GLOBAL);
            return self.memoize(v);
        }
        let parts = tables::dotted(text);
        let part = |i: usize| rt().intern_obj(text.substring(parts[i].0, parts[i].1));
        for _ in 1..parts.len() {
            let getattr = rt().builtins().get_str(intern("getattr"));
            self.save(
                getattr.ok_or_else(|| vm.attribute_error("module 'builtins' has no attribute 'getattr'"))?,
            )?;
            if self.proto < 2 {
                self.out.byte(MARK);
            }
        }
        self.by_name(module, if parts.len() == 1 { name } else { part(0) })?;
        for i in 1..parts.len() {
            self.save(part(i))?;
            self.out.slice(&[if self.proto < 2 { TUPLE } else { TUPLE2 }, REDUCE]);
        }
        self.memoize(v)
    }

    fn by_name(&mut self, mut module: Value, mut name: Value) -> Res<()> {
        let vm = self.vm;
        if self.proto < 3 && self.fix_imports {
            (module, name) = tables::renamed(vm, &tables::OLD_NAMES, &tables::OLD_IMPORTS, module, name)?;
        }
        self.out.byte(GLOBAL);
        for (what, v) in [("module", module), ("global", name)] {
            let bytes = match self.identifier(v) {
                Ok(b) => b,
                Err(r) if r.is(rt().types.unicode_encode_error) => {
                    let text = vm.repr_str(v)?;
                    let proto = self.proto;
                    let e = pickling(
                        vm,
                        format!("can't pickle {what} identifier {text} using pickle protocol {proto}"),
                    );
                    return Err(in_context(e, r));
                }
                Err(r) => return Err(r),
            };
            self.out.slice(&bytes);
            self.out.byte(b'\n');
        }
        Ok(())
    }

    /// A code of the extension registry.
    fn extension(&mut self, code: Value) -> Res<()> {
        let vm = self.vm;
        let number = vm.index_int(code)?;
        let Some(n) = number.to_i64() else {
            return Err(vm.overflow_error("Python int too large to convert to C long"));
        };
        let [a, b, c, d, ..] = n.to_le_bytes();
        match n {
            1..=0xff => self.out.slice(&[EXT1, a]),
            0x100..=0xffff => self.out.slice(&[EXT2, a, b]),
            0x1_0000..=0x7fff_ffff => self.out.slice(&[EXT4, a, b, c, d]),
            _ => return Err(vm.runtime_error(format!("extension code {n} is out of range"))),
        }
        Ok(())
    }
}

/// The name of the module in which `v` is found as `name`; PicklingError when it is not found there.
fn module_of(vm: &Vm, v: Value, name: Ptr<StrObj>) -> Res<Value> {
    let t = &rt().types;
    let local = || Ok(pickling(vm, format!("Can't pickle local object {}", vm.repr_str(v)?)));
    let module = vm.get_attr_opt(v, rt().names.module)?.filter(|m| !m.is_none());
    let parts = tables::dotted(name);
    if parts.iter().any(|&(start, end)| end - start == 8 && name.substring(start, end).eq_str("<locals>")) {
        return Err(local()?);
    }
    let module = match module {
        Some(m) => m,
        None => match search_modules(vm, v, name)? {
            Some(m) => return Ok(m),
            None => intern("__main__"),
        },
    };
    let found = match tables::import(vm, module) {
        Ok(m) => m,
        Err(r) if [t.import_error, t.value_error, t.key_error].iter().any(|&e| r.is(e)) => {
            let (shown, why) = (vm.repr_str(v)?, vm.str(r.value())?.display());
            return Err(in_context(pickling(vm, format!("Can't pickle {shown}: {why}")), r));
        }
        Err(r) => return Err(r),
    };
    let place = || Ok(format!("{}.{}", vm.str(module)?.display(), name.display()));
    match tables::get_dotted(vm, found, name) {
        Ok(there) if there == v => Ok(module),
        Ok(_) => {
            let (shown, place) = (vm.repr_str(v)?, place()?);
            Err(pickling(vm, format!("Can't pickle {shown}: it's not the same object as {place}")))
        }
        Err(r) if r.is(t.attribute_error) => {
            let (shown, place) = (vm.repr_str(v)?, place()?);
            Err(in_context(pickling(vm, format!("Can't pickle {shown}: it's not found as {place}")), r))
        }
        Err(r) => Err(r),
    }
}

/// The module that has an object without `__module__`.
fn search_modules(vm: &Vm, v: Value, name: Ptr<StrObj>) -> Res<Option<Value>> {
    let modules = rt().modules().copy();
    for e in modules.table.iter() {
        let skipped =
            e.key.downcast::<StrObj>().is_some_and(|k| k.eq_str("__main__") || k.eq_str("__mp_main__"));
        if skipped || e.value.is_none() {
            continue;
        }
        match tables::get_dotted(vm, e.value, name) {
            Ok(there) if there == v => return Ok(Some(e.key)),
            Ok(_) => {}
            Err(r) if r.is(rt().types.attribute_error) => {}
            Err(r) => return Err(r),
        }
    }
    Ok(None)
}
