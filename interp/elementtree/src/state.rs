//! What the classes of one import of the module know of each other.

use cape_heap::{Field, Header, heap, heap_object};
use cape_stdlib::statics::StaticValue;
use cape_vm::object::*;
use cape_vm::runtime::StaticMap;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

heap_object! {
    /// The classes, and the factories that builders use when they are given none (None: the text itself stands for a comment).
    pub struct StateObj {
        pub element: Field,
        pub builder: Field,
        pub parser: Field,
        pub iter: Field,
        pub error: Field,
        pub comment: Field,
        pub pi: Field,
    }
}

static MAP: StaticMap = StaticMap::new();
/// A list of the states, the latest last.
static STATES: StaticValue = StaticValue::shared();

impl StateObj {
    /// Remembers the classes of an import.
    pub fn add([element, builder, parser, iter]: [Ptr<TypeObj>; 4], error: Ptr<TypeObj>) {
        let map = MAP.get(cape_vm::buffer::kind_of::<StateObj>());
        let field = |t: Ptr<TypeObj>| Field::new(t.value());
        let state = heap().alloc(
            map,
            StateObj {
                header: Header::new(map),
                element: field(element),
                builder: field(builder),
                parser: field(parser),
                iter: field(iter),
                error: field(error),
                comment: Field::new(Value::NONE),
                pi: Field::new(Value::NONE),
            },
        );
        match STATES.try_get().and_then(|l| l.downcast::<ListObj>()) {
            Some(list) => list.push(state.value()),
            None => STATES.set(ListObj::new(&[state.value()]).value()),
        }
    }

    /// The state of one of the classes, or of one below it.
    pub fn of(class: Ptr<TypeObj>) -> Ptr<StateObj> {
        let own = native(class).value();
        let states =
            STATES.try_get().and_then(|l| l.downcast::<ListObj>()).expect("the module was initialised");
        (0..states.len())
            .rev()
            .filter_map(|i| states.get(i)?.downcast::<StateObj>())
            .find(|s| [&s.element, &s.builder, &s.parser, &s.iter].iter().any(|f| f.get() == own))
            .expect("a class of the module")
    }

    /// One of the classes.
    pub fn class(&self, field: impl Fn(&StateObj) -> &Field) -> Ptr<TypeObj> {
        field(self).downcast().expect("a class")
    }

    /// Whether `v` is an instance of the class in this field, and of none below it.
    pub fn is_exact(&self, v: Value, field: impl Fn(&StateObj) -> &Field) -> bool {
        v.is_ptr() && cape_vm::type_of(v).value() == field(self).get()
    }

    /// `ParseError`.
    #[cold]
    pub fn parse_error(&self, vm: &Vm, message: &str, place: Option<(i64, i64, i64)>) -> Raised {
        let e = match vm.call(self.error.get(), &[StrObj::new(message).value()]) {
            Ok(e) => e,
            Err(r) => return r,
        };
        if let Some((code, line, column)) = place {
            let position = TupleObj::new(&[Value::int(line), Value::int(column)]).value();
            for (name, v) in [("code", Value::int(code)), ("position", position)] {
                if let Err(r) = vm.set_attr(e, intern(name), v) {
                    return r;
                }
            }
        }
        match e.downcast() {
            Some(e) => Raised::new(e),
            None => vm.type_error("exceptions must derive from BaseException"),
        }
    }
}

/// The class of the module that a class is, or is below.
pub fn native(mut class: Ptr<TypeObj>) -> Ptr<TypeObj> {
    while class.has(TypeFlags::HEAP)
        && let Some(base) = class.base()
    {
        class = base;
    }
    class
}

/// The class `ParseError`.
pub fn make_error(vm: &Vm) -> Res<Ptr<TypeObj>> {
    let namespace = DictObj::new();
    namespace.set_str(rt().names.module, intern("xml.etree.ElementTree"));
    let bases = TupleObj::new(&[rt().types.syntax_error.value()]);
    let class =
        vm.call(rt().types.type_.value(), &[intern("ParseError"), bases.value(), namespace.value()])?;
    class.downcast().ok_or_else(|| vm.type_error("type() gave no class"))
}
