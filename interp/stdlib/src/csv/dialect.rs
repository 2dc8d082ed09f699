//! `_csv.Dialect`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// How fields are delimited and quoted. Characters that are not set are [`NOT_SET`].
    pub struct DialectObj {
        pub lineterminator: Field,
        pub delimiter: u32,
        pub quotechar: u32,
        pub escapechar: u32,
        pub quoting: u32,
        pub doublequote: bool,
        pub skipinitialspace: bool,
        pub strict: bool,
    }
}

impl Named for DialectObj {
    const NAME: &'static str = "_csv.Dialect";
}

/// No character.
pub const NOT_SET: u32 = u32::MAX;

/// The quoting styles, by number.
pub const QUOTING: [&str; 6] =
    ["QUOTE_MINIMAL", "QUOTE_ALL", "QUOTE_NONNUMERIC", "QUOTE_NONE", "QUOTE_STRINGS", "QUOTE_NOTNULL"];
pub const QUOTE_ALL: u32 = 1;
pub const QUOTE_NONNUMERIC: u32 = 2;
pub const QUOTE_NONE: u32 = 3;
pub const QUOTE_STRINGS: u32 = 4;
pub const QUOTE_NOTNULL: u32 = 5;

static TYPE: StaticType = StaticType::new();

/// The parameters, in the order of the constructor's arguments after `dialect`.
const PARAMS: [&str; 8] = [
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

fn char_or_none(c: u32) -> Value {
    if c == NOT_SET { Value::NONE } else { StrObj::from_char(c).value() }
}

/// Makes the class.
pub fn make_type(_vm: &Vm) -> Ptr<TypeObj> {
    let reduce = |vm: &Vm, d: Ptr<DialectObj>| {
        Err::<(), _>(vm.type_error(format!("cannot pickle '{}' instances", type_of(d.value()).name_str())))
    };
    let b = new_type::<DialectObj>("_csv.Dialect", rt().types.object, TypeFlags::BASE)
        .doc("CSV dialect\n\nThe Dialect type records CSV parsing and generation options.\n")
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
        )
        .method("__reduce__($self, /)", "raises an exception to avoid pickling", reduce)
        .method(
            "__reduce_ex__($self, protocol, /)",
            "raises an exception to avoid pickling",
            |vm: &Vm, d: Ptr<DialectObj>, _p: Value| {
                Err::<(), _>(
                    vm.type_error(format!("cannot pickle '{}' instances", type_of(d.value()).name_str())),
                )
            },
        )
        .getter("delimiter", "", |_: &Vm, d: Ptr<DialectObj>| char_or_none(d.delimiter))
        .getter("escapechar", "", |_: &Vm, d: Ptr<DialectObj>| char_or_none(d.escapechar))
        .getter("quotechar", "", |_: &Vm, d: Ptr<DialectObj>| char_or_none(d.quotechar))
        .getter("lineterminator", "", |_: &Vm, d: Ptr<DialectObj>| d.lineterminator.get())
        .getter("quoting", "", |_: &Vm, d: Ptr<DialectObj>| d.quoting)
        .getset("skipinitialspace", "", |_: &Vm, d: Ptr<DialectObj>| d.skipinitialspace, read_only)
        .getset("doublequote", "", |_: &Vm, d: Ptr<DialectObj>| d.doublequote, read_only)
        .getset("strict", "", |_: &Vm, d: Ptr<DialectObj>| d.strict, read_only);
    TYPE.set(b.class());
    b.class()
}

fn read_only(vm: &Vm, _d: Ptr<DialectObj>, _v: Value) -> Res<()> {
    Err(vm.attribute_error("readonly attribute"))
}

/// The dialect under a name.
pub fn registered(vm: &Vm, name: Value) -> Res<Value> {
    match super::dialects().get(vm, name)? {
        Some(d) => Ok(d),
        None => Err(super::raise(vm, "unknown dialect")),
    }
}

/// The dialect for a base (EMPTY for none) and overriding parameters.
pub fn of(vm: &Vm, base: Value, kwargs: Ptr<DictObj>) -> Res<Ptr<DialectObj>> {
    let mut args = [Value::EMPTY; 9];
    args[0] = base;
    keywords(vm, kwargs, &mut args)?;
    build(vm, TYPE.get(), &mut args)
}

fn keywords(vm: &Vm, kwargs: Ptr<DictObj>, args: &mut [Value; 9]) -> Res<()> {
    for e in kwargs.table.iter() {
        let Some(name) = e.key.downcast::<StrObj>() else { continue };
        let at = if name.eq_str("dialect") {
            Some(0)
        } else {
            PARAMS.iter().position(|p| name.eq_str(p)).map(|i| i + 1)
        };
        match at {
            Some(i) if args[i].is_empty() => args[i] = e.value,
            Some(i) => {
                return Err(vm.type_error(format!(
                    "argument for function given by name ('{}') and position ({})",
                    name.display(),
                    i + 1
                )));
            }
            None => {
                return Err(vm.type_error(format!(
                    "this function got an unexpected keyword argument '{}'",
                    name.display()
                )));
            }
        }
    }
    Ok(())
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<DialectObj>> {
    let mut all = [Value::EMPTY; 9];
    if args.len() > 9 {
        return Err(vm.type_error(format!("function takes at most 9 arguments ({} given)", args.len())));
    }
    all[..args.len()].copy_from_slice(args.as_slice());
    keywords(vm, kwargs, &mut all)?;
    build(vm, cls, &mut all)
}

fn build(vm: &Vm, cls: Ptr<TypeObj>, args: &mut [Value; 9]) -> Res<Ptr<DialectObj>> {
    let mut base = args[0];
    if !base.is_empty() {
        if base.is::<StrObj>() {
            base = registered(vm, base)?;
        }
        let given = args[1..].iter().any(|a| !a.is_empty());
        if let Some(d) = base.downcast::<DialectObj>()
            && cls == TYPE.get()
            && type_of(base) == cls
            && !given
        {
            return Ok(d);
        }
        for (i, name) in PARAMS.iter().enumerate() {
            if args[i + 1].is_empty() {
                args[i + 1] = vm.get_attr_opt(base, intern(name))?.unwrap_or(Value::EMPTY);
            }
        }
    }
    let [_, delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skip, strict] = *args;
    let delimiter = character(vm, "delimiter", delimiter, ',' as u32, false)?;
    let doublequote = flag(vm, doublequote, true)?;
    let escapechar = character(vm, "escapechar", escapechar, NOT_SET, true)?;
    let lineterminator = match lineterminator {
        v if v.is_empty() => intern("\r\n"),
        v if v.is::<StrObj>() => v,
        v => {
            return Err(vm.type_error(format!(
                "\"lineterminator\" must be a string, not {}",
                type_of(v).name_str()
            )));
        }
    };
    let without_quotes = quotechar.is_none() && quoting.is_empty();
    let quotechar = character(vm, "quotechar", quotechar, '"' as u32, true)?;
    let quoting = if without_quotes { QUOTE_NONE } else { quoting_style(vm, quoting)? };
    let skipinitialspace = flag(vm, skip, false)?;
    let strict = flag(vm, strict, false)?;
    let map = cls.instance_map();
    let d = DialectObj {
        header: Header::new(map),
        lineterminator: Field::new(lineterminator),
        delimiter,
        quotechar,
        escapechar,
        quoting,
        doublequote,
        skipinitialspace,
        strict,
    };
    if quoting != QUOTE_NONE && quotechar == NOT_SET {
        return Err(vm.type_error("quotechar must be set if quoting enabled"));
    }
    check(vm, &d, lineterminator)?;
    Ok(heap().alloc(map, d))
}

fn check(vm: &Vm, d: &DialectObj, lineterminator: Value) -> Res<()> {
    let bad = |what: &str| Err::<(), Raised>(vm.value_error(format!("bad {what} value")));
    let ends: Ptr<StrObj> = lineterminator.downcast().expect("checked before");
    let chars = [("delimiter", d.delimiter), ("escapechar", d.escapechar), ("quotechar", d.quotechar)];
    for (i, &(name, c)) in chars.iter().enumerate() {
        let space = i > 0 && d.skipinitialspace && c == ' ' as u32;
        if c == 10 || c == 13 || space {
            return bad(name);
        }
    }
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        if chars[a].1 == chars[b].1 && chars[a].1 != NOT_SET {
            return bad(&format!("{} or {}", chars[a].0, chars[b].0));
        }
    }
    for (name, c) in chars {
        if c != NOT_SET && ends.chars().any(|e| e == c) {
            return bad(&format!("{name} or lineterminator"));
        }
    }
    Ok(())
}

fn flag(vm: &Vm, v: Value, default: bool) -> Res<bool> {
    if v.is_empty() { Ok(default) } else { vm.truth(v) }
}

fn quoting_style(vm: &Vm, v: Value) -> Res<u32> {
    if v.is_empty() {
        return Ok(0);
    }
    if type_of(v) != rt().types.int {
        return Err(vm.type_error(format!("\"quoting\" must be an integer, not {}", type_of(v).name_str())));
    }
    match Int::of(v).and_then(|i| i.to_i64()) {
        Some(n @ 0..=5) => Ok(n as u32),
        _ => Err(vm.type_error("bad \"quoting\" value")),
    }
}

fn character(vm: &Vm, name: &str, v: Value, default: u32, optional: bool) -> Res<u32> {
    if v.is_empty() {
        return Ok(default);
    }
    if optional && v.is_none() {
        return Ok(NOT_SET);
    }
    let or = if optional { " or None" } else { "" };
    let what = match v.downcast::<StrObj>() {
        Some(s) if s.len() == 1 => return Ok(s.char_at(0)),
        Some(s) => format!("a string of length {}", s.len()),
        None => type_of(v).name_str(),
    };
    Err(vm.type_error(format!("\"{name}\" must be a unicode character{or}, not {what}")))
}
