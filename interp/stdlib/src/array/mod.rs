//! `array`.

mod elements;
mod methods;
mod pickle;
mod sequence;

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, MapRef, Native, heap, heap_object};
use cape_vm::buffer::{self, Layout, RawBuffer, Buffer};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use cape_builtins::number::warn;
use elements::{PLACES, TYPES, Type};

heap_object! {
    /// `array.array`: native storage; `exports` counts the buffers taken from it, which freeze its size.
    pub struct ArrayTypeObj { data: Native<UnsafeCell<Vec<u8>>>, letter: Cell<u8>, exports: Cell<usize> } [drop]

    /// Iterator over an array; `array` is EMPTY once exhausted.
    pub struct ArrayIterObj { array: Field, index: Cell<usize> }
}

impl Named for ArrayTypeObj {
    const NAME: &'static str = "array.array";
}
impl Named for ArrayIterObj {
    const NAME: &'static str = "array.arrayiterator";
}

static ARRAY: StaticType = StaticType::new();
static ITER: StaticType = StaticType::new();

type A = Ptr<ArrayTypeObj>;

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let flags = TypeFlags::BASE | TypeFlags::SEQUENCE | TypeFlags::HAS_WEAKREF;
    let t = new_type::<ArrayTypeObj>("array.array", rt().types.object, flags)
        .doc(
            "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode, and\ninitialized \
             from the optional initializer value, which must be a list,\nstring or iterable over elements of the appropriate \
             type.\n\nArrays represent basic values and behave very much like lists, except\nthe type of objects stored in them is \
             constrained: integers of 1, 2, 4 or 8\nbytes (b, B, h, H, i, I, l, L, q, Q), floats (f, d) and characters (u, w).",
        )
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", new);
    ARRAY.set(t.class());
    buffer::register(buffer::kind_of::<ArrayTypeObj>(), export);
    sequence::add(t);
    methods::add(t);
    pickle::add(t, m);
    let it = new_type::<ArrayIterObj>("array.arrayiterator", rt().types.object, TypeFlags::NO_INSTANTIATION);
    sequence::add_iterator(it);
    ITER.set(it.class());
    m.class(ARRAY.get());
    m.add("ArrayType", ARRAY.get().value());
    let abc = vm.import_attr("collections.abc", "MutableSequence")?;
    vm.call_method(abc, cape_vm::intern("register"), &[ARRAY.get().value()])?;
    let letters: String = TYPES.iter().map(|t| t.letter as char).collect();
    m.add("typecodes", StrObj::new(&letters).value());
    Ok(())
}

impl ArrayTypeObj {
    /// What the items are.
    fn item_type(&self) -> &'static Type {
        let place = PLACES[self.letter.get() as usize];
        TYPES.get(place as usize).expect("a known type code")
    }

    /// The storage.
    fn bytes(&self) -> &[u8] {
        // SAFETY: the GIL is held, and callers run no Python code while they hold the slice.
        unsafe { &*self.data.get() }
    }

    /// Runs `f` with the storage. `f` must not run Python code.
    fn with<T>(&self, f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        // SAFETY: the GIL is held and f runs no Python code, so this is the only reference.
        f(unsafe { &mut *self.data.get() })
    }

    /// Number of items.
    fn len(&self) -> usize {
        self.bytes().len() / self.item_type().size
    }

    /// Item `i`, or `None` when out of range.
    fn get(&self, i: usize) -> Option<Value> {
        let t = self.item_type();
        let from = i.checked_mul(t.size)?;
        self.bytes().get(from..from + t.size).map(|b| t.read(b))
    }

    /// Whether the size may change now.
    fn check_resize(&self, vm: &Vm) -> Res<()> {
        if self.exports.get() == 0 { Ok(()) } else { self.take_back(vm) }
    }

    /// Takes the memory back from those that are dead; BufferError when it is still lent.
    #[cold]
    fn take_back(&self, vm: &Vm) -> Res<()> {
        let this = self.header.as_value();
        cape_builtins::memoryview::release_dead(vm, &|exporter| exporter == this, &|| self.exports.get() != 0)?;
        if self.exports.get() == 0 { Ok(()) } else { Err(frozen(vm)) }
    }

    /// Replaces items `from..to` by the items in `new`; BufferError when that changes a frozen size.
    fn splice(&self, vm: &Vm, from: usize, to: usize, new: &[u8]) -> Res<()> {
        let size = self.item_type().size;
        let mut range = from * size..to * size;
        if new.len() != range.len() {
            self.check_resize(vm)?;
            // Finalizers may have run.
            let len = self.with(|d| d.len());
            range = range.start.min(len)..range.end.min(len);
        }
        self.with(|d| {
            if new.len() == range.len() {
                d[range].copy_from_slice(new);
            } else {
                d.splice(range, new.iter().copied());
            }
        });
        Ok(())
    }

    /// Appends a value.
    fn push(&self, vm: &Vm, v: Value) -> Res<()> {
        let mut item = [0; 8];
        let t = self.item_type();
        t.write(vm, v, &mut item[..t.size])?;
        self.check_resize(vm)?;
        self.with(|d| d.extend_from_slice(&item[..t.size]));
        Ok(())
    }
}

#[cold]
fn frozen(vm: &Vm) -> Raised {
    vm.buffer_error("cannot resize an array that is exporting buffers")
}

fn export(_: &Vm, v: Value, what: u32) -> Res<Buffer> {
    let a: A = v.downcast().expect("registered for arrays");
    a.exports.set(a.exports.get() + 1);
    let (ptr, len) = a.with(|d| (d.as_mut_ptr(), d.len()));
    let mut raw = RawBuffer::fixed(ptr, len, false);
    let t = a.item_type();
    raw.itemsize = t.size;
    let wants = buffer::flags::FORMAT | buffer::flags::ND;
    if what & wants != 0 {
        let format = if what & buffer::flags::FORMAT != 0 { t.format } else { "B" };
        raw.layout = Some(Box::new(Layout::row(format.into(), t.size, len / t.size)));
    }
    raw.release = Some(|v, _| {
        if let Some(a) = v.downcast::<ArrayTypeObj>() {
            a.exports.set(a.exports.get() - 1);
        }
    });
    Ok(Buffer::new(v, raw))
}

/// An array of this class and type with these bytes.
fn make(map: MapRef, letter: u8, data: Vec<u8>) -> A {
    heap().alloc(
        map,
        ArrayTypeObj {
            header: Header::new(map),
            data: Native(UnsafeCell::new(data)),
            letter: Cell::new(letter),
            exports: Cell::new(0),
        },
    )
}

/// An array of exact type.
fn plain(letter: u8, data: Vec<u8>) -> A {
    make(ARRAY.get().instance_map(), letter, data)
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<A> {
    if !kwargs.is_empty() && cls == ARRAY.get() {
        return Err(vm.type_error("array.array() takes no keyword arguments"));
    }
    let args = args.as_slice();
    if args.is_empty() || args.len() > 2 {
        let (word, n) = if args.is_empty() { ("at least", "1 argument") } else { ("at most", "2 arguments") };
        return Err(vm.type_error(format!("array() takes {word} {n} ({} given)", args.len())));
    }
    let t = item_type_arg(vm, args[0])?;
    if t.letter == b'u' {
        let message = "The 'u' type code is deprecated and will be removed in Python 3.16";
        warn(vm, rt().types.deprecation_warning, message)?;
    }
    vm.audit("array.__new__", &[args[0], args.get(1).copied().unwrap_or(Value::NONE)])?;
    let a = make(cls.instance_map(), t.letter, Vec::new());
    if let Some(&initial) = args.get(1) {
        fill(vm, a, initial)?;
    }
    Ok(a)
}

/// The type that a type code argument names.
fn item_type_arg(vm: &Vm, v: Value) -> Res<&'static Type> {
    let Some(s) = v.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "array() argument 1 must be a unicode character, not {}",
            cape_builtins::number::type_name(v)
        )));
    };
    if s.len() != 1 {
        return Err(vm.type_error(format!(
            "array() argument 1 must be a unicode character, not a string of length {}",
            s.len()
        )));
    }
    let c = s.char_at(0);
    TYPES.iter().find(|t| t.letter as u32 == c).ok_or_else(|| {
        vm.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)")
    })
}

fn fill(vm: &Vm, a: A, initial: Value) -> Res<()> {
    let t = a.item_type();
    if let Some(s) = initial.downcast::<StrObj>() {
        if !t.is_text() {
            return Err(vm.type_error(format!(
                "cannot use a str to initialize an array with typecode '{}'",
                t.letter as char
            )));
        }
        a.with(|d| s.chars().for_each(|c| d.extend_from_slice(&c.to_le_bytes())));
        return Ok(());
    }
    if let Some(other) = initial.downcast::<ArrayTypeObj>() {
        if other.item_type().is_text() && !t.is_text() {
            return Err(vm.type_error(format!(
                "cannot use a unicode array to initialize an array with typecode '{}'",
                t.letter as char
            )));
        }
        if other.letter.get() == a.letter.get() {
            let data = other.bytes().to_vec();
            a.with(|d| *d = data);
            return Ok(());
        }
    }
    if initial.is::<BytesObj>() || initial.is::<BytearrayObj>() {
        return methods::from_bytes(vm, a, initial);
    }
    vm.for_each(initial, |v| a.push(vm, v))
}

/// The instance's `__dict__`, or None.
fn dict_of(vm: &Vm, a: A) -> Res<Value> {
    Ok(vm.get_attr_opt(a.value(), intern("__dict__"))?.unwrap_or(Value::NONE))
}

/// The class of an array.
fn class_of(a: A) -> Value {
    type_of(a.value()).value()
}
