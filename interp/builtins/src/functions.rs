//! The functions of the `builtins` module, and the module itself.

use std::cell::Cell;

use cape_vm::class::full_name;
use cape_vm::native::{IntoRes, NativeFn, OrNone};
use cape_vm::object::*;
use cape_vm::ops::{self, Cmp};
use cape_vm::runtime::{StaticType, intern, rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::compile_fn;
use crate::sum::sum;

/// Makes the `builtins` module: its namespace becomes the VM's.
pub fn init(_vm: &Vm) {
    let m = ModuleObj::with_map(rt().maps.module);
    let d = m.dict();
    // What the other files have put there already stays.
    d.table.copy_from(d.header(), &rt().builtins().table);
    rt().builtins.set(d.value());
    d.set_str(rt().names.name, intern("builtins"));
    d.set_str(
        rt().names.doc,
        StrObj::new("Built-in functions, types, exceptions, and other objects.").value(),
    );
    for n in [rt().names.package, rt().names.loader, rt().names.spec] {
        d.set_str(n, if n == rt().names.package { intern("") } else { Value::NONE });
    }
    let t = &rt().types;
    for c in [
        t.object, t.type_, t.int, t.bool, t.float, t.complex, t.str, t.bytes, t.bytearray, t.tuple, t.list, t.dict,
        t.set, t.frozenset, t.range, t.slice, t.classmethod, t.staticmethod, t.property,
    ] {
        m.class(c);
    }
    for &c in t.as_slice() {
        if c.has(TypeFlags::EXC_SUBCLASS) && !c.name_str().starts_with('_') {
            m.class(c);
        }
    }
    m.add("EnvironmentError", t.os_error.value());
    m.add("IOError", t.os_error.value());
    m.add("_IncompleteInputError", t.incomplete_input_error.value());
    m.add("None", Value::NONE);
    m.add("True", Value::TRUE);
    m.add("False", Value::FALSE);
    m.add("Ellipsis", Value::ELLIPSIS);
    m.add("NotImplemented", Value::NOT_IMPLEMENTED);
    m.add("__debug__", Value::bool(rt().config().optimize == 0));
    table(m);
    rt().import_function.set(m.get(rt().names.import).expect("just made"));
    compile_fn::init(m);
    rt().modules().set_str(intern("builtins"), m.value());
}

fn table(m: Ptr<ModuleObj>) {
    m.function("__build_class__(func, name, /, *bases, metaclass=None, **kwds)", "Internal helper function used by the class statement.", build_class)
        .function("__import__(name, globals=None, locals=None, fromlist=(), level=0)", "Import a module.", crate::import::import)
        .function("abs(number, /)", "Return the absolute value of the argument.", |vm: &Vm, v: Value| vm.unary(v, Special::Abs, "abs()"))
        .function("all(iterable, /)", "Return True if bool(x) is True for all values x in the iterable.\n\nIf the iterable is empty, return True.", all)
        .function("any(iterable, /)", "Return True if bool(x) is True for any x in the iterable.\n\nIf the iterable is empty, return False.", any)
        .function("ascii(obj, /)", "Return an ASCII-only representation of an object.", |vm: &Vm, v: Value| vm.ascii(v))
        .function("bin(number, /)", "Return the binary representation of an integer.\n\n   >>> bin(42)\n   '0b101010'", |vm: &Vm, v: Value| radix(vm, v, 2))
        .function("breakpoint(*args, **kws)", "Call sys.breakpointhook(*args, **kws).", breakpoint)
        .function("callable(obj, /)", "Return whether the object is callable (i.e., some kind of function).", |vm: &Vm, v: Value| vm.is_callable(v))
        .function("chr(i, /)", "Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.", chr)
        .function("delattr(obj, name, /)", "Deletes the named attribute from the given object.", |vm: &Vm, o: Value, n: Value| { attr_name(vm, n)?; vm.del_attr(o, n) })
        .function("dir(object=None, /)", "Show attributes of an object.", dir)
        .function("divmod(x, y, /)", "Return the tuple (x//y, x%y).", |vm: &Vm, a: Value, b: Value| vm.binary(a, b, &ops::DIVMOD))
        .function("format(value, format_spec='', /)", "Return type(value).__format__(value, format_spec).", format)
        .function("getattr(object, name, default=None, /)", "getattr(object, name[, default]) -> value", getattr)
        .function("globals()", "Return the dictionary containing the current scope's global variables.", |vm: &Vm| vm.caller_globals())
        .function("hasattr(obj, name, /)", "Return whether the object has an attribute with the given name.", |vm: &Vm, o: Value, n: Value| { attr_name(vm, n)?; vm.get_attr_opt(o, n).map(|r| r.is_some()) })
        .function("hash(obj, /)", "Return the hash value for the given object.", |vm: &Vm, v: Value| vm.hash(v))
        .function("hex(number, /)", "Return the hexadecimal representation of an integer.\n\n   >>> hex(42)\n   '0x2a'", |vm: &Vm, v: Value| radix(vm, v, 16))
        .function("id(obj, /)", "Return the identity of an object.", |vm: &Vm, v: Value| {
            let id = vm.id(v).into_res(vm)?;
            vm.audit("builtins.id", &[id])?;
            Ok::<_, Raised>(id)
        })
        .function("input(prompt='', /)", "Read a string from standard input.", crate::line_input::input)
        .function("isinstance(obj, class_or_tuple, /)", "Return whether an object is an instance of a class or of a subclass thereof.", |vm: &Vm, o: Value, c: Value| vm.is_instance(o, c))
        .function("issubclass(cls, class_or_tuple, /)", "Return whether 'cls' is derived from another class or is the same class.", |vm: &Vm, o: Value, c: Value| vm.is_subclass(o, c))
        .function("iter(object, sentinel=None, /)", "iter(iterable) -> iterator\niter(callable, sentinel) -> iterator", iter)
        .function("aiter(async_iterable, /)", "Return an AsyncIterator for an AsyncIterable object.", aiter)
        .function("len(obj, /)", "Return the number of items in a container.", |vm: &Vm, v: Value| vm.len(v))
        .function("locals()", "Return a dictionary containing the current scope's local variables.", locals)
        .function("max(*args, key=None, default=None)", "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value", |vm: &Vm, a: Ptr<TupleObj>, k: OrNone<Value>, d: Option<Value>| extreme(vm, a, k, d, Cmp::Gt, "max"))
        .function("min(*args, key=None, default=None)", "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value", |vm: &Vm, a: Ptr<TupleObj>, k: OrNone<Value>, d: Option<Value>| extreme(vm, a, k, d, Cmp::Lt, "min"))
        .function("next(iterator, default=None, /)", "Return the next item from the iterator.", next)
        .function("anext(aiterator, default=None, /)", "Return the next item from the async iterator.", anext)
        .function("oct(number, /)", "Return the octal representation of an integer.\n\n   >>> oct(42)\n   '0o52'", |vm: &Vm, v: Value| radix(vm, v, 8))
        .function("ord(character, /)", "Return the ordinal value of a character.", ord)
        .function("pow(base, exp, mod=None)", "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.", pow)
        .function("print(*args, sep=' ', end='\\n', file=None, flush=False)", "Prints the values to a stream, or to sys.stdout by default.", print)
        .function("repr(obj, /)", "Return the canonical string representation of the object.", |vm: &Vm, v: Value| vm.repr(v))
        .function("round(number, ndigits=None)", "Round a number to a given precision in decimal digits.", round)
        .function("setattr(obj, name, value, /)", "Sets the named attribute on the given object to the specified value.", |vm: &Vm, o: Value, n: Value, v: Value| { attr_name(vm, n)?; vm.set_attr(o, n, v) })
        .function("sorted(iterable, /, *, key=None, reverse=False)", "Return a new list containing all items from the iterable in ascending order.", sorted)
        .function("sum(iterable, /, start=0)", "Return the sum of a 'start' value (default: 0) plus an iterable of numbers", sum)
        .function("vars(object=None, /)", "Show vars.", vars);
    let several: [(&str, NativeFn); 2] = [
        ("max", |vm, args| extreme_of(vm, args, Cmp::Gt)),
        ("min", |vm, args| extreme_of(vm, args, Cmp::Lt)),
    ];
    for (name, f) in several {
        let b: Ptr<BuiltinObj> = m.get(intern(name)).and_then(|b| b.downcast()).expect("a function");
        b.def.positional.set(Some(f));
    }
}

fn attr_name(vm: &Vm, n: Value) -> Res<()> {
    if n.is::<StrObj>() {
        return Ok(());
    }
    Err(vm.type_error(format!("attribute name must be string, not '{}'", type_of(n).name_str())))
}

fn build_class(
    vm: &Vm,
    func: Value,
    name: Value,
    bases: Ptr<TupleObj>,
    metaclass: Option<Value>,
    kwds: Ptr<DictObj>,
) -> Res<Value> {
    let Some(f) = func.downcast::<FunctionObj>() else {
        return Err(vm.type_error("__build_class__: func must be a function"));
    };
    if !name.is::<StrObj>() {
        return Err(vm.type_error("__build_class__: name is not a string"));
    }
    let resolved = resolve_bases(vm, bases)?;
    let mut meta = match metaclass {
        Some(m) => m,
        None if resolved.is_empty() => rt().types.type_.value(),
        None => type_of(resolved.get(0)).value(),
    };
    if let Some(m) = meta.downcast::<TypeObj>() {
        meta = winning_metaclass(vm, m, resolved.as_slice())?.value();
    }
    let prepare = vm.get_attr_opt(meta, Special::Prepare.name_value())?;
    let ns = match prepare {
        Some(p) => vm.call_dict(p, &[name, resolved.value()], Some(kwds))?,
        None => DictObj::new().value(),
    };
    if !ns.is::<DictObj>() && type_of(ns).special(Special::Getitem).is_empty() {
        let m = meta.downcast::<TypeObj>().map_or("<metaclass>".to_string(), |t| t.name_str());
        return Err(vm.type_error(format!(
            "{m}.__prepare__() must return a mapping, not {}",
            type_of(ns).name_str()
        )));
    }
    let globals: Ptr<DictObj> = f.globals.downcast().expect("globals of a function");
    let cell = vm.run_code(f.code(), globals, ns, f.closure.downcast())?;
    if resolved != bases
        && let Some(d) = ns.downcast::<DictObj>()
    {
        d.set_str(rt().names.orig_bases, bases.value());
    }
    let cls = vm.call_dict(meta, &[name, resolved.value(), ns], Some(kwds))?;
    if let (Some(_), Some(c)) = (cls.downcast::<TypeObj>(), cell.downcast::<CellObj>()) {
        let held = c.content.get();
        if held.is_empty() {
            return Err(vm.runtime_error(format!(
                "__class__ not set defining {} as {}. Was __classcell__ propagated to type.__new__?",
                vm.repr_str(name)?,
                vm.repr_str(cls)?
            )));
        }
        if held != cls {
            return Err(vm.type_error(format!(
                "__class__ set to {} defining {} as {}",
                vm.repr_str(held)?,
                vm.repr_str(name)?,
                vm.repr_str(cls)?
            )));
        }
    }
    Ok(cls)
}

/// PEP 560: bases that are not classes are asked for their `__mro_entries__`.
pub fn resolve_bases(vm: &Vm, bases: Ptr<TupleObj>) -> Res<Ptr<TupleObj>> {
    if bases.as_slice().iter().all(|b| b.is::<TypeObj>()) {
        return Ok(bases);
    }
    let mut out = ValueVec::with_capacity(bases.len());
    let mut changed = false;
    for &b in bases.as_slice() {
        if b.is::<TypeObj>() {
            out.push(b);
            continue;
        }
        match vm.get_attr_opt(b, Special::MroEntries.name_value())? {
            None => out.push(b),
            Some(m) => {
                let r = vm.call(m, &[bases.value()])?;
                let Some(t) = r.downcast::<TupleObj>() else {
                    return Err(vm.type_error("__mro_entries__ must return a tuple"));
                };
                out.extend_from_slice(t.as_slice());
                changed = true;
            }
        }
    }
    Ok(if changed { TupleObj::new(&out) } else { bases })
}

/// The most derived metaclass of a class's bases.
pub fn winning_metaclass(vm: &Vm, meta: Ptr<TypeObj>, bases: &[Value]) -> Res<Ptr<TypeObj>> {
    let mut winner = meta;
    for &b in bases {
        let t = type_of(b);
        if winner.is_subtype(t) {
            continue;
        }
        if t.is_subtype(winner) {
            winner = t;
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

fn all(vm: &Vm, it: Value) -> Res<bool> {
    let it = vm.iter(it)?;
    while let Some(v) = vm.next(it)? {
        if !vm.truth(v)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any(vm: &Vm, it: Value) -> Res<bool> {
    let it = vm.iter(it)?;
    while let Some(v) = vm.next(it)? {
        if vm.truth(v)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn radix(vm: &Vm, v: Value, base: u32) -> Res<Ptr<StrObj>> {
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        _ => "0x",
    };
    if v.is_int() {
        // (An unboxed int has 51 bits.)
        let mut room = [0u8; 64];
        let (mut at, mut rest) = (room.len(), v.as_int().unsigned_abs());
        let bits = base.trailing_zeros();
        loop {
            at -= 1;
            room[at] = b"0123456789abcdef"[(rest & (base as u64 - 1)) as usize];
            rest >>= bits;
            if rest == 0 {
                break;
            }
        }
        let sign = if v.as_int() < 0 { "-" } else { "" };
        for &b in prefix.as_bytes().iter().rev().chain(sign.as_bytes()) {
            at -= 1;
            room[at] = b;
        }
        return Ok(StrObj::from_latin1(&room[at..]));
    }
    let i = vm.index_int(v)?.into_big();
    let digits = i.magnitude().to_str_radix(base);
    let sign = if i.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    Ok(StrObj::new(&format!("{sign}{prefix}{digits}")))
}

fn breakpoint(vm: &Vm, args: Ptr<TupleObj>, kws: Ptr<DictObj>) -> Res<Value> {
    let hook = rt()
        .sys()
        .get_str(intern("breakpointhook"))
        .ok_or_else(|| vm.runtime_error("lost sys.breakpointhook"))?;
    vm.audit("builtins.breakpoint", &[hook])?;
    vm.call_dict(hook, args.as_slice(), Some(kws))
}

fn chr(vm: &Vm, v: Value) -> Res<Ptr<StrObj>> {
    match vm.index_int(v)?.to_i64() {
        Some(i @ 0..=0x10ffff) => Ok(StrObj::from_char(i as u32)),
        _ => Err(vm.value_error("chr() arg not in range(0x110000)")),
    }
}

fn ord(vm: &Vm, v: Value) -> Res<u32> {
    let wrong = |n: usize, what: &str| {
        vm.type_error(format!("ord() expected a character, but {what} of length {n} found"))
    };
    if let Some(s) = v.downcast::<StrObj>() {
        return if s.len() == 1 { Ok(s.char_at(0)) } else { Err(wrong(s.len(), "string")) };
    }
    let bytes: Option<(usize, u8)> = if let Some(b) = v.downcast::<BytesObj>() {
        Some((b.len(), b.as_slice().first().copied().unwrap_or(0)))
    } else {
        v.downcast::<BytearrayObj>().map(|b| (b.as_slice().len(), b.as_slice().first().copied().unwrap_or(0)))
    };
    match bytes {
        Some((1, b)) => Ok(b as u32),
        Some((n, _)) => Err(wrong(n, if v.is::<BytesObj>() { "bytes" } else { "bytearray" })),
        None => Err(vm.type_error(format!(
            "ord() expected string of length 1, but {} found",
            type_of(v).name_str()
        ))),
    }
}

fn dir(vm: &Vm, v: Option<Value>) -> Res<Value> {
    let names = match v {
        None => {
            let l = locals(vm)?;
            let keys = vm.call_method(l, rt().names.keys, &[])?;
            vm.list_of(keys)?
        }
        Some(v) => {
            let f = type_of(v).special(Special::Dir);
            if f.is_empty() {
                return Err(vm.type_error("object does not provide __dir__"));
            }
            let r = vm.call_special(f, &[v])?;
            vm.list_of(r)?
        }
    };
    let list = ListObj::from_array(names, names.len());
    vm.call_method(list.value(), intern("sort"), &[])?;
    Ok(list.value())
}

fn format(vm: &Vm, v: Value, spec: Option<Ptr<StrObj>>) -> Res<Ptr<StrObj>> {
    vm.format(v, spec.unwrap_or_else(|| rt().empty_str()))
}

fn getattr(vm: &Vm, o: Value, n: Value, default: Option<Value>) -> Res<Value> {
    attr_name(vm, n)?;
    match default {
        None => vm.get_attr(o, n),
        Some(d) => Ok(vm.get_attr_opt(o, n)?.unwrap_or(d)),
    }
}

fn iter(vm: &Vm, v: Value, sentinel: Option<Value>) -> Res<Value> {
    let Some(s) = sentinel else { return vm.iter(v) };
    if !vm.is_callable(v) {
        return Err(vm.type_error("iter(v, w): v must be callable"));
    }
    Ok(crate::iterators::call_iter(v, s))
}

fn aiter(vm: &Vm, v: Value) -> Res<Value> {
    let f = type_of(v).special(Special::Aiter);
    if f.is_empty() {
        return Err(vm.type_error(format!("'{}' object is not an async iterable", type_of(v).name_str())));
    }
    let it = vm.call_special(f, &[v])?;
    if type_of(it).special(Special::Anext).is_empty() {
        return Err(vm.type_error(format!("aiter() returned not an async iterator of type '{}'", type_of(it).name_str())));
    }
    Ok(it)
}

fn locals(vm: &Vm) -> Res<Value> {
    let Some(f) = vm.top_frame() else {
        let globals = vm.caller_globals().map(|g| g.value());
        return globals.ok_or_else(|| vm.system_error("frame does not exist"));
    };
    let o = vm.frame_object(f);
    // Of a function: a fresh snapshot each time (PEP 667).
    Ok(crate::frame::namespace(o).unwrap_or_else(|| crate::frame::snapshot(o).value()))
}

fn extreme(vm: &Vm, args: Ptr<TupleObj>, key: OrNone<Value>, default: Option<Value>, cmp: Cmp, name: &str) -> Res<Value> {
    let positional = args.len() > 1;
    if args.is_empty() {
        return Err(vm.type_error(format!("{name} expected at least 1 argument, got 0")));
    }
    if positional && default.is_some() {
        return Err(vm.type_error(format!(
            "Cannot specify a default for {name}() with multiple positional arguments"
        )));
    }
    let it = vm.iter(if positional { args.value() } else { args.get(0) })?;
    let mut best: Option<(Value, Value)> = None;
    while let Some(v) = vm.next(it)? {
        let k = match key.0 {
            Some(f) => vm.call(f, &[v])?,
            None => v,
        };
        match best {
            Some((_, b)) if !vm.compare_bool(k, b, cmp)? => {}
            _ => best = Some((v, k)),
        }
    }
    match (best, default) {
        (Some((v, _)), _) => Ok(v),
        (None, Some(d)) => Ok(d),
        (None, None) => Err(vm.value_error(format!("{name}() iterable argument is empty"))),
    }
}

/// `max` or `min` of several arguments.
fn extreme_of(vm: &Vm, args: &[Value], cmp: Cmp) -> Res<Value> {
    let [first, second, others @ ..] = args else { return Ok(Value::EMPTY) };
    let mut best = *first;
    for &v in std::iter::once(second).chain(others) {
        if vm.compare_bool(v, best, cmp)? {
            best = v;
        }
    }
    Ok(best)
}

fn next(vm: &Vm, it: Value, default: Option<Value>) -> Res<Value> {
    if type_of(it).special(Special::Next).is_empty() {
        return Err(vm.type_error(format!("'{}' object is not an iterator", type_of(it).name_str())));
    }
    match (vm.next_or_value(it)?, default) {
        (Some(v), _) => Ok(v),
        (None, Some(d)) => {
            vm.take_stop_value();
            Ok(d)
        }
        (None, None) => vm.stop_if_empty(Value::EMPTY),
    }
}

fn anext(vm: &Vm, it: Value, default: Option<Value>) -> Res<Value> {
    let f = type_of(it).special(Special::Anext);
    if f.is_empty() {
        return Err(vm.type_error(format!("'{}' object is not an async iterator", type_of(it).name_str())));
    }
    let a = vm.call_special(f, &[it])?;
    match default {
        None => Ok(a),
        Some(d) => Ok(crate::asyncgen::anext_or(a, d)),
    }
}

fn pow(vm: &Vm, base: Value, exp: Value, modulus: OrNone<Value>) -> Res<Value> {
    match modulus.0 {
        Some(m) => power(vm, base, exp, m, "** or pow()"),
        None => vm.binary(base, exp, &ops::POW),
    }
}

/// `pow(base, exp, m)`; a message calls it `symbol`.
pub fn power(vm: &Vm, base: Value, exp: Value, m: Value, symbol: &str) -> Res<Value> {
    let (tb, te) = (type_of(base), type_of(exp));
    // A subclass that has its own version goes first.
    let reflected_first = tb != te
        && te.is_subtype(tb)
        && te.special(Special::Rpow) != tb.special(Special::Rpow);
    let mut order = [(base, Special::Pow), (exp, Special::Rpow)];
    if reflected_first {
        order.reverse();
    }
    for (v, s) in order {
        let f = type_of(v).special(s);
        if f.is_empty() || s == Special::Rpow && (tb == te || ops::same_slot(tb.special(Special::Pow), f)) {
            continue;
        }
        let other = if s == Special::Pow { exp } else { base };
        let r = vm.call_special(f, &[v, other, m])?;
        if r != Value::NOT_IMPLEMENTED {
            return Ok(r);
        }
    }
    if let Some(r) = power_by_modulus(vm, base, exp, m) {
        let r = r?;
        if r != Value::NOT_IMPLEMENTED {
            return Ok(r);
        }
    }
    Err(vm.type_error(format!(
        "unsupported operand type(s) for {symbol}: '{}', '{}', '{}'",
        full_name(type_of(base)),
        full_name(type_of(exp)),
        full_name(type_of(m))
    )))
}

/// A native class whose `__pow__` is also asked when only the modulus is of it, as a slot is.
pub struct ModulusPower {
    class: StaticType,
    power: Cell<Option<fn(&Vm, Value, Value, Value) -> Res<Value>>>,
}

// SAFETY: used with the GIL held.
unsafe impl Sync for ModulusPower {}

/// The one there is, once its module is imported.
pub static MODULUS_POWER: ModulusPower = ModulusPower { class: StaticType::new(), power: Cell::new(None) };

impl ModulusPower {
    /// Sets the class and what it does.
    pub fn set(&self, class: Ptr<TypeObj>, power: fn(&Vm, Value, Value, Value) -> Res<Value>) {
        self.class.set(class);
        self.power.set(Some(power));
    }
}

/// What the modulus makes of operands that do not know it: only a slot, no method of a class, is asked.
fn power_by_modulus(vm: &Vm, base: Value, exp: Value, m: Value) -> Option<Res<Value>> {
    let t = type_of(m);
    if t.special(Special::Pow).is::<FunctionObj>() {
        return None;
    }
    if t.is_subtype(rt().types.float) {
        return Some(Err(vm.type_error("pow() 3rd argument not allowed unless all arguments are integers")));
    }
    if t.is_subtype(rt().types.complex) {
        let types = &rt().types;
        let number = |v: Value| [types.int, types.float, types.complex].iter().any(|&n| type_of(v).is_subtype(n));
        return (number(base) && number(exp)).then(|| Err(vm.value_error("complex modulo")));
    }
    if crate::weakref::is_proxy(m) {
        return Some(crate::weakref::power(vm, base, exp, Some(m)));
    }
    if let Some(power) = MODULUS_POWER.power.get()
        && t.is_subtype(MODULUS_POWER.class.get())
    {
        return Some(power(vm, base, exp, m));
    }
    cape_vm::foreign::try_foreign()?.power_by_modulus(vm, base, exp, m)
}

fn print(
    vm: &Vm,
    args: Ptr<TupleObj>,
    sep: OrNone<Value>,
    end: OrNone<Value>,
    file: OrNone<Value>,
    flush: Option<Value>,
) -> Res<()> {
    let file = match file.0 {
        Some(f) => f,
        None => match rt().sys().get_str(rt().names.stdout) {
            Some(f) if f.is_none() => return Ok(()),
            Some(f) => f,
            None => return Err(vm.runtime_error("lost sys.stdout")),
        },
    };
    for (v, name) in [(sep.0, "sep"), (end.0, "end")] {
        if let Some(v) = v
            && !v.is::<StrObj>()
        {
            return Err(vm.type_error(format!(
                "{name} must be None or a string, not {}",
                type_of(v).name_str()
            )));
        }
    }
    let write = vm.get_attr(file, rt().names.write)?;
    for (i, &a) in args.as_slice().iter().enumerate() {
        if i > 0 {
            vm.call(write, &[sep.0.unwrap_or(rt().latin1_char(b' ').value())])?;
        }
        let s = vm.str(a)?;
        vm.call(write, &[s.value()])?;
    }
    vm.call(write, &[end.0.unwrap_or(rt().latin1_char(b'\n').value())])?;
    if let Some(f) = flush
        && vm.truth(f)?
    {
        vm.call_method(file, rt().names.flush, &[])?;
    }
    Ok(())
}

fn round(vm: &Vm, v: Value, ndigits: OrNone<Value>) -> Res<Value> {
    let f = type_of(v).special(Special::Round);
    if f.is_empty() {
        return Err(vm.type_error(format!("type {} doesn't define __round__ method", type_of(v).name_str())));
    }
    match ndigits.0 {
        Some(n) => vm.call_special(f, &[v, n]),
        None => vm.call_special(f, &[v]),
    }
}

fn sorted(vm: &Vm, it: Value, key: Option<Value>, reverse: Option<Value>) -> Res<Value> {
    let items = vm.list_of(it)?;
    let list = ListObj::from_array(items, items.len());
    let kw = DictObj::new();
    if let Some(k) = key {
        kw.set_str(intern("key"), k);
    }
    if let Some(r) = reverse {
        kw.set_str(intern("reverse"), r);
    }
    let sort = vm.get_attr_str(list.value(), "sort")?;
    vm.call_dict(sort, &[], Some(kw))?;
    Ok(list.value())
}

fn vars(vm: &Vm, v: Option<Value>) -> Res<Value> {
    match v {
        None => locals(vm),
        Some(v) => match vm.get_attr_opt(v, rt().names.dict)? {
            Some(d) => Ok(d),
            None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
        },
    }
}
