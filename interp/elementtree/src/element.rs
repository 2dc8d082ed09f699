//! `Element`: its state, its plain methods, and how it is made.

use cape_heap::{Field, Header, heap, heap_object};
use cape_stdlib::warn::warn;
use cape_vm::native::{Flavour, MethodDef, Named, Raw, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::state::native;
use crate::{ANY, INIT, NEW, copying, find, items, iter};

heap_object! {
    /// An element. `attrib` is a dict, `children` a list that nobody else sees; EMPTY as long as there is nothing in them.
    pub struct ElementObj { pub tag: Field, pub text: Field, pub tail: Field, pub attrib: Field, pub children: Field }
}

impl Named for ElementObj {
    const NAME: &'static str = "xml.etree.ElementTree.Element";
}

/// An element.
pub type E = Ptr<ElementObj>;

impl ElementObj {
    /// The number of subelements.
    #[inline]
    pub fn len(&self) -> usize {
        self.list().map_or(0, |l| l.len())
    }

    /// A subelement.
    #[inline]
    pub fn child(&self, i: usize) -> Option<E> {
        // SAFETY: only elements are put into the list.
        self.list()?.get(i).map(|v| unsafe { v.cast::<ElementObj>() })
    }

    /// The subelements, if there were any.
    #[inline]
    pub fn list(&self) -> Option<Ptr<ListObj>> {
        let v = self.children.get();
        // SAFETY: nothing but a list is stored there.
        (!v.is_empty()).then(|| unsafe { v.cast::<ListObj>() })
    }

    /// The attributes, if there were any.
    pub fn attributes(&self) -> Option<Ptr<DictObj>> {
        self.attrib.downcast()
    }
}

/// The list of subelements, made if there was none.
pub fn children(e: E) -> Ptr<ListObj> {
    e.list().unwrap_or_else(|| {
        let list = ListObj::new(&[]);
        e.children.set(e, list.value());
        list
    })
}

/// The dict of attributes, made if there was none.
pub fn attributes(e: E) -> Ptr<DictObj> {
    e.attributes().unwrap_or_else(|| {
        let d = DictObj::new();
        e.attrib.set(e, d.value());
        d
    })
}

/// An element of the module's class; `attrib` is a dict, which it takes as its own, or EMPTY.
pub fn new(class: Ptr<TypeObj>, tag: Value, attrib: Value) -> E {
    let map = class.instance_map();
    heap().alloc(
        map,
        ElementObj {
            header: Header::new(map),
            tag: Field::new(tag),
            text: Field::new(Value::NONE),
            tail: Field::new(Value::NONE),
            attrib: Field::new(attrib),
            children: Field::new(Value::EMPTY),
        },
    )
}

/// The module's class of this element, which is not that of its instances when it is of a class below.
pub fn class_of(e: E) -> Ptr<TypeObj> {
    native(type_of(e.value()))
}

/// `v` as an element, which it must be.
pub fn expected(vm: &Vm, v: Value) -> Res<E> {
    v.downcast()
        .ok_or_else(|| vm.type_error(format!("expected an Element, not \"{}\"", type_of(v).name_str())))
}

/// Makes the class.
pub fn make_class() -> Ptr<TypeObj> {
    let flags = TypeFlags::BASE | TypeFlags::HAS_WEAKREF | TypeFlags::INDEXED;
    let b = new_type::<ElementObj>("xml.etree.ElementTree.Element", rt().types.object, flags)
        .new_fn("__new__($type, *args, **kwargs)", NEW, |_: &Vm, class: Ptr<TypeObj>, _: Value, _: Value| {
            new(class, Value::NONE, Value::EMPTY)
        })
        .def(MethodDef::leak_foreign("__init__", ANY, INIT, Flavour::Method, Raw { call: initialize, data: [0, 0] }))
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__bool__($self, /)", "True if self else False", |vm: &Vm, e: E| {
            let message = "Testing an element's truth value will always return True in future versions.  Use specific 'len(elem)' or 'elem is not None' test instead.";
            warn(vm, rt().types.deprecation_warning, message, 1)?;
            Ok::<bool, cape_vm::Raised>(e.len() != 0)
        })
        .method("append($self, subelement, /)", "", |_: &Vm, e: E, child: E| children(e).push(child.value()))
        .method("clear($self, /)", "", |_: &Vm, e: E| {
            e.attrib.set_no_barrier(Value::EMPTY);
            e.children.set_no_barrier(Value::EMPTY);
            e.text.set_no_barrier(Value::NONE);
            e.tail.set_no_barrier(Value::NONE);
        })
        .method("get($self, /, key, default=None)", "", |vm: &Vm, e: E, key: Value, default: Option<Value>| {
            let found = e.attributes().map_or(Ok(None), |d| d.get(vm, key))?;
            Ok::<Value, cape_vm::Raised>(found.or(default).unwrap_or(Value::NONE))
        })
        .method("set($self, key, value, /)", "", |vm: &Vm, e: E, key: Value, v: Value| {
            attributes(e).set(vm, key, v)
        })
        .method("keys($self, /)", "", |_: &Vm, e: E| {
            let list = ListObj::new(&[]);
            e.attributes().into_iter().for_each(|d| d.table.iter().for_each(|entry| list.push(entry.key)));
            list
        })
        .method("items($self, /)", "", |_: &Vm, e: E| {
            let list = ListObj::new(&[]);
            let Some(d) = e.attributes() else { return list };
            let mut at = 0;
            while let Some((i, entry)) = d.table.next_entry(at) {
                list.push(TupleObj::new(&[entry.key, entry.value]).value());
                at = i + 1;
            }
            list
        })
        .method(
            "makeelement($self, tag, attrib, /)",
            "",
            |_: &Vm, e: E, tag: Value, attrib: Ptr<DictObj>| new(class_of(e), tag, attrib.copy().value()),
        )
        .method("__sizeof__($self, /)", "", size)
        .getset("tag", "A string identifying what kind of data this element represents", |_: &Vm, e: E| e.tag.get(), |vm: &Vm, e: E, v: Value| {
            settable(vm, v).map(|()| e.tag.set(e, v))
        })
        .getset("text", "A string of text directly after the start tag, or None", |_: &Vm, e: E| e.text.get(), |vm: &Vm, e: E, v: Value| {
            settable(vm, v).map(|()| e.text.set(e, v))
        })
        .getset("tail", "A string of text directly after the end tag, or None", |_: &Vm, e: E| e.tail.get(), |vm: &Vm, e: E, v: Value| {
            settable(vm, v).map(|()| e.tail.set(e, v))
        })
        .getset("attrib", "A dictionary containing the element's attributes", |_: &Vm, e: E| attributes(e), |vm: &Vm, e: E, v: Value| {
            settable(vm, v)?;
            e.attrib.set(e, a_dict(vm, v)?.value());
            Ok(())
        });
    methods(b).class()
}

fn methods(b: TypeBuilder) -> TypeBuilder {
    iter::add(find::add(copying::add(items::add(b))))
}

fn settable(vm: &Vm, v: Value) -> Res<()> {
    if v.is_empty() { Err(vm.attribute_error("can't delete element attribute")) } else { Ok(()) }
}

fn a_dict(vm: &Vm, v: Value) -> Res<Ptr<DictObj>> {
    v.downcast().ok_or_else(|| vm.type_error(format!("attrib must be dict, not {}", type_of(v).name_str())))
}

/// The attributes that a call gives: those of the dict at `at`, or of the argument `attrib`, and the other keywords. EMPTY if there are
/// none.
fn given_attributes(
    vm: &Vm,
    function: &str,
    at: usize,
    args: &[Value],
    kwnames: Option<Ptr<TupleObj>>,
) -> Res<Value> {
    let names = kwnames.map_or(0, |k| k.len());
    let positional = args.len() - names;
    if !(at..=at + 1).contains(&positional) {
        let (given, plural) = (positional, if at == 1 { "" } else { "s" });
        return Err(vm.type_error(if given < at {
            format!("{function}() takes at least {at} argument{plural} ({given} given)")
        } else {
            format!("{function}() takes at most {} arguments ({given} given)", at + 1)
        }));
    }
    let mut attrib = None;
    if let Some(&v) = args[..positional].get(at) {
        let Some(d) = v.downcast::<DictObj>() else {
            let got = if v.is_none() { "None".to_owned() } else { type_of(v).name_str() };
            return Err(vm.type_error(format!("{function}() argument {} must be dict, not {got}", at + 1)));
        };
        attrib = Some(d.copy());
    }
    let keywords = kwnames.iter().flat_map(|k| k.as_slice()).zip(&args[positional..]);
    if attrib.is_none() {
        let named =
            keywords.clone().find(|(k, _)| k.downcast::<StrObj>().is_some_and(|k| k.eq_str("attrib")));
        if let Some((_, &v)) = named {
            attrib = Some(a_dict(vm, v)?.copy());
        }
    }
    let taken = args[..positional].len() == at;
    for (&k, &v) in keywords {
        if taken && k.downcast::<StrObj>().is_some_and(|k| k.eq_str("attrib")) {
            continue;
        }
        attrib.get_or_insert_with(DictObj::new).set(vm, k, v)?;
    }
    Ok(attrib.filter(|d| !d.is_empty()).map_or(Value::EMPTY, |d| d.value()))
}

/// `Element(tag, attrib={}, **extra)`
fn initialize(vm: &Vm, _: &'static MethodDef, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
    let e = args.first().and_then(|e| e.downcast::<ElementObj>());
    let e = e.ok_or_else(|| {
        vm.type_error("descriptor '__init__' requires a 'xml.etree.ElementTree.Element' object")
    })?;
    let args = &args[1..];
    let attrib = given_attributes(vm, "Element", 1, args, kwnames)?;
    e.attrib.set(e, attrib);
    e.children.set_no_barrier(Value::EMPTY);
    e.tag.set(e, args[0]);
    e.text.set_no_barrier(Value::NONE);
    e.tail.set_no_barrier(Value::NONE);
    Ok(Value::NONE)
}

/// `SubElement(parent, tag, attrib={}, **extra)`; the module comes first.
pub fn sub_element(
    vm: &Vm,
    _: &'static MethodDef,
    args: &[Value],
    kwnames: Option<Ptr<TupleObj>>,
) -> Res<Value> {
    let args = &args[1..];
    let attrib = given_attributes(vm, "SubElement", 2, args, kwnames)?;
    let Some(parent) = args[0].downcast::<ElementObj>() else {
        let got = if args[0].is_none() { "None".to_owned() } else { type_of(args[0]).name_str() };
        return Err(vm.type_error(format!(
            "SubElement() argument 1 must be xml.etree.ElementTree.Element, not {got}"
        )));
    };
    let e = new(class_of(parent), args[1], attrib);
    children(parent).push(e.value());
    Ok(e.value())
}

fn repr(vm: &Vm, e: E) -> Res<String> {
    let v = e.value();
    if !vm.repr_enter(v) {
        let name = type_of(v).name_str();
        return Err(vm.runtime_error(format!("reentrant call inside {name}.__repr__")));
    }
    let tag = vm.repr_str(e.tag.get());
    vm.repr_leave(v);
    Ok(format!("<Element {} at {:#x}>", tag?, vm.id(v)))
}

/// The size that CPython's has: five words and, of those with attributes or subelements, eight more and the room for subelements that
/// the first four places are too few for.
fn size(_: &Vm, e: E) -> usize {
    const HEAD: usize = 16;
    const WORD: usize = 8;
    let mut size = HEAD + 5 * WORD;
    if e.attributes().is_some() || e.list().is_some() {
        size += 8 * WORD;
        let (mut room, n) = (4, e.len());
        while room < n {
            let needed = room + 1;
            room = needed + (needed >> 3) + if needed < 9 { 3 } else { 6 };
        }
        if room > 4 {
            size += room * WORD;
        }
    }
    size
}
