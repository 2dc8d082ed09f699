//! Unpickling: instances made and given their state.

use cape_vm::class::{full_name, lookup_of_instance};
use cape_vm::object::*;
use cape_vm::shape;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, intern, rt, type_of};

use crate::errors::unpickling;
use crate::load::Loader;

impl Loader<'_> {
    /// `cls.__new__(cls, *args)`
    pub fn new_object(&mut self) -> Res<()> {
        let vm = self.vm;
        let (args, class) = (self.stack.pop(vm)?, self.stack.pop(vm)?);
        let (class, args) = self.checked("NEWOBJ", class, args)?;
        if args.is_empty()
            && let Some(v) = vm.bare_instance(class)
        {
            self.stack.push(v);
            return Ok(());
        }
        self.call_new(class, args, None)
    }

    /// The same with keywords.
    pub fn new_object_ex(&mut self) -> Res<()> {
        let vm = self.vm;
        let (keywords, args, class) = (self.stack.pop(vm)?, self.stack.pop(vm)?, self.stack.pop(vm)?);
        let (class, args) = self.checked("NEWOBJ_EX", class, args)?;
        let Some(keywords) = keywords.downcast::<DictObj>() else {
            let t = full_name(type_of(keywords));
            return Err(unpickling(vm, format!("NEWOBJ_EX kwargs argument must be a dict, not {t}")));
        };
        self.call_new(class, args, Some(keywords))
    }

    fn checked(&self, op: &str, class: Value, args: Value) -> Res<(Ptr<TypeObj>, Ptr<TupleObj>)> {
        let wrong = |which: &str, v: Value| {
            let t = full_name(type_of(v));
            unpickling(self.vm, format!("{op} {which}, not {t}"))
        };
        let class = class.downcast().ok_or_else(|| wrong("class argument must be a type", class))?;
        let args = args.downcast().ok_or_else(|| wrong("args argument must be a tuple", args))?;
        Ok((class, args))
    }

    fn call_new(
        &mut self,
        class: Ptr<TypeObj>,
        args: Ptr<TupleObj>,
        keywords: Option<Ptr<DictObj>>,
    ) -> Res<()> {
        let vm = self.vm;
        let new = vm.get_attr(class.value(), Special::New.name_value())?;
        let v =
            vm.with_receiver(class.value(), args.as_slice(), |vm, all| vm.call_dict(new, all, keywords))?;
        self.stack.push(v);
        Ok(())
    }

    /// An instance as protocol 0 makes it: of the arguments from `at` on.
    pub fn instantiate(&mut self, class: Value, at: usize) -> Res<()> {
        let vm = self.vm;
        let args = TupleObj::new(self.stack.from(at));
        self.stack.truncate(at);
        if args.is_empty()
            && let Some(c) = class.downcast::<TypeObj>()
            && vm.get_attr_opt(class, intern("__getinitargs__"))?.is_none()
        {
            return self.call_new(c, args, None);
        }
        let v = vm.call(class, args.as_slice())?;
        self.stack.push(v);
        Ok(())
    }

    /// Gives the instance below its state.
    pub fn build(&mut self) -> Res<()> {
        let vm = self.vm;
        self.stack.need(vm, 2)?;
        let state = self.stack.pop(vm)?;
        let v = self.stack.top(vm)?;
        let class = type_of(v);
        let simple = v.is::<InstanceObj>() && !class.has(TypeFlags::CUSTOM_GETATTR);
        let asked = *self.set_state.get_or_insert_with(|| intern("__setstate__"));
        let set_state =
            match simple && lookup_of_instance(class, asked).is_none() && !shape::is_own(v.header(), asked) {
                true => None,
                false => vm.get_attr_opt(v, asked)?,
            };
        if let Some(f) = set_state {
            return vm.call(f, &[state]).map(drop);
        }
        let (state, slots) = match state.downcast::<TupleObj>() {
            Some(t) if t.len() == 2 => (t.get(0), t.get(1)),
            _ => (state, Value::NONE),
        };
        if !state.is_none() {
            let Some(state) = state.downcast::<DictObj>() else {
                return Err(unpickling(vm, "state is not a dictionary"));
            };
            if simple && has_plain_dict(v, class) {
                self.set_attributes(v, state)?;
            } else {
                self.fill_dict(v, state)?;
            }
        }
        if !slots.is_none() {
            let Some(slots) = slots.downcast::<DictObj>() else {
                return Err(unpickling(vm, "slot state is not a dictionary"));
            };
            let mut at = 0;
            while let Some((i, e)) = slots.table.next_entry(at) {
                at = i + 1;
                if !e.key.is::<StrObj>() {
                    let t = full_name(type_of(e.key));
                    return Err(vm.type_error(format!("attribute name must be string, not '{t}'")));
                }
                vm.set_attr(v, e.key, e.value)?;
            }
        }
        Ok(())
    }

    /// Attributes of an instance of no unusual class. Keys that are no plain strings go through its dict.
    fn set_attributes(&mut self, v: Value, state: Ptr<DictObj>) -> Res<()> {
        let mut at = 0;
        while let Some((i, e)) = state.table.next_entry(at) {
            at = i + 1;
            let Some(key) = e.key.downcast::<StrObj>().filter(|_| type_of(e.key) == rt().types.str) else {
                return self.fill_dict(v, state);
            };
            let key = self.intern(key);
            shape::set(v.header(), key, e.value);
        }
        Ok(())
    }

    /// `v.__dict__.update(state)`
    fn fill_dict(&mut self, v: Value, state: Ptr<DictObj>) -> Res<()> {
        let vm = self.vm;
        let dict = vm.get_attr(v, rt().names.dict)?;
        let mut at = 0;
        while let Some((i, e)) = state.table.next_entry(at) {
            at = i + 1;
            let key = match e.key.downcast::<StrObj>() {
                Some(s) if type_of(e.key) == rt().types.str => self.intern(s),
                _ => e.key,
            };
            vm.set_item(dict, key, e.value)?;
        }
        Ok(())
    }

    /// The interned string of the same text. The names of a class's attributes come again and again, as the same objects.
    fn intern(&mut self, s: Ptr<StrObj>) -> Value {
        let place = (s.value().bits() >> 4) as usize % self.interned.len();
        let (key, found) = self.interned[place];
        if key == s.value() {
            return found;
        }
        let found = rt().intern_obj(s);
        self.interned[place] = (s.value(), found);
        found
    }
}

/// Whether `v.__dict__` is the usual one.
fn has_plain_dict(v: Value, class: Ptr<TypeObj>) -> bool {
    shape::has_attrs(v.header().map())
        && lookup_of_instance(class, rt().names.dict)
            .is_some_and(|d| d.downcast::<GetSetObj>().is_some_and(|g| g.def.name == "__dict__"))
}
