//! `code`.

use std::sync::Arc;

use cape_bytecode::{CodeUnit, NO_COLUMN, Position, PositionTable, flags};
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::eval::{new_code, str_tuple, variable_names};
use cape_vm::native::{Named, extend, new_type};
use cape_vm::object::{
    ArrayObj, BytesObj, CodeObj, byte_offset, DictObj, SetObj, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec,
};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

heap_object! {
    /// An iterator over the lines or positions of a code object.
    pub struct CodeIterObj { items: Field, index: std::cell::Cell<usize> }
}

impl Named for CodeIterObj {
    const NAME: &'static str = "line_iterator";
}

static LINES: StaticType = StaticType::new();
static POSITIONS: StaticType = StaticType::new();

type Code = Ptr<CodeObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let b = extend(rt().types.code)
        .doc("Create a code object.  Not for mere mortals.")
        .new_fn("__new__(cls, /, *args)", "", |vm: &Vm, _: Ptr<TypeObj>, args: Ptr<TupleObj>| -> Res<Value> {
            let n = args.len();
            Err(match n {
                0..16 => vm.type_error(format!("code expected at least 16 arguments, got {n}")),
                16..=18 => vm.missing("making code objects from CPython's bytecode"),
                _ => vm.type_error(format!("code expected at most 18 arguments, got {n}")),
            })
        })
        .getter("co_name", "", |_: &Vm, c: Code| c.name.get())
        .getter("co_qualname", "", |_: &Vm, c: Code| c.qualname.get())
        .getter("co_filename", "", |_: &Vm, c: Code| c.filename.get())
        .getter("co_firstlineno", "", |_: &Vm, c: Code| c.unit.first_line)
        .getter("co_argcount", "", |_: &Vm, c: Code| c.unit.argcount)
        .getter("co_posonlyargcount", "", |_: &Vm, c: Code| c.unit.posonlyargcount)
        .getter("co_kwonlyargcount", "", |_: &Vm, c: Code| c.unit.kwonlyargcount)
        .getter("co_nlocals", "", |_: &Vm, c: Code| c.unit.nlocals())
        .getter("co_stacksize", "", |_: &Vm, c: Code| c.unit.nregs as usize - c.unit.nlocals())
        .getter("co_flags", "", |_: &Vm, c: Code| c.flags)
        .getter("co_code", "", |_: &Vm, c: Code| code_bytes(&c.unit))
        .getter("_co_code_adaptive", "", |_: &Vm, c: Code| code_bytes(&c.unit))
        .getter("co_consts", "", |_: &Vm, c: Code| TupleObj::new(consts(c).as_slice()))
        .getter("co_names", "", |_: &Vm, c: Code| unfolded(c).names.downcast::<ArrayObj>().map(|a| TupleObj::new(a.as_slice())))
        .getter("co_varnames", "", |_: &Vm, c: Code| variable_names(c))
        .getter("co_freevars", "", |_: &Vm, c: Code| str_tuple(&c.unit.freevars))
        .getter("co_cellvars", "", |_: &Vm, c: Code| str_tuple(&c.unit.cellvars))
        .getter("co_linetable", "", |_: &Vm, c: Code| line_bytes(c))
        .getter("co_lnotab", "", lnotab)
        .getter("co_exceptiontable", "", |_: &Vm, c: Code| exception_bytes(&c.unit))
        .method("co_lines($self, /)", "", |_: &Vm, c: Code| lines(c))
        .method("co_positions($self, /)", "", |_: &Vm, c: Code| positions(c))
        .method("co_branches($self, /)", "", branches)
        .method("_varname_from_oparg($self, /, oparg)", "(internal-only) Return the local variable name for the given oparg.\n\nWARNING: this method is for internal use only and may change or go away.", |vm: &Vm, c: Code, i: isize| -> Res<String> {
            let name = u16::try_from(i).ok().and_then(|i| c.unit.register_name(i).map(str::to_string));
            name.ok_or_else(|| vm.index_error("tuple index out of range"))
        })
        .method("__sizeof__($self, /)", "Size of object in memory, in bytes.", |_: &Vm, c: Code| 200 + 8 * c.unit.code.len())
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, c: Code| hash(vm, c))
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Code, b: Value| compare(vm, a, b, true))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Code, b: Value| compare(vm, a, b, false));
    let doc = "Return a copy of the code object with new values for the specified fields.";
    b.method("replace($self, /, **changes)", doc, replace).method(
        "__replace__($self, /, **changes)",
        doc,
        replace,
    );
    for (name, slot) in [("line_iterator", &LINES), ("positions_iterator", &POSITIONS)] {
        let b = new_type::<CodeIterObj>(name, rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
            .method("__next__($self, /)", "Implement next(self).", |_: &Vm, i: Ptr<CodeIterObj>| {
                let at = i.index.get();
                let items = i.items.downcast::<ArrayObj>();
                i.index.set(at + 1);
                items.filter(|a| at < a.len()).map_or(Value::EMPTY, |a| a.get(at))
            });
        slot.set(b.class());
    }
}

/// The code with all its parts.
fn unfolded(c: Code) -> Code {
    cape_vm::eval::unfold(c);
    c
}

/// Its constants.
pub fn consts(c: Code) -> Ptr<ArrayObj> {
    unfolded(c).consts.downcast().expect("constants of code")
}

fn code_bytes(u: &CodeUnit) -> Ptr<BytesObj> {
    let mut out = Vec::with_capacity(u.code.len() * 8);
    u.code.iter().for_each(|w| out.extend_from_slice(&w.0.to_le_bytes()));
    BytesObj::new(&out)
}

fn line_bytes(c: Code) -> Ptr<BytesObj> {
    BytesObj::new(&c.unit.positions.to_location_table(c.unit.first_line, c.first_line()))
}

/// `co_lnotab`: pairs of bytes that say how far the next line's code is, and how far the line.
fn lnotab(vm: &Vm, c: Code) -> Res<Ptr<BytesObj>> {
    crate::number::warn(vm, rt().types.deprecation_warning, "co_lnotab is deprecated, use co_lines instead.")?;
    let (mut out, mut at, mut line) = (Vec::new(), 0, c.unit.first_line as i64);
    for (start, _, p) in c.unit.positions.runs() {
        let Some(p) = p.filter(|p| p.line as i64 != line) else { continue };
        let (mut code, mut lines) = (2 * (start - at), p.line as i64 - line);
        (at, line) = (start, p.line as i64);
        while code > 255 {
            out.extend([255, 0]);
            code -= 255;
        }
        while !(-128..128).contains(&lines) {
            let step = lines.clamp(-128, 127);
            out.extend([code as u8, step as i8 as u8]);
            (code, lines) = (0, lines - step);
        }
        out.extend([code as u8, lines as i8 as u8]);
    }
    Ok(BytesObj::new(&out))
}

fn exception_bytes(u: &CodeUnit) -> Ptr<BytesObj> {
    let mut out = Vec::new();
    for e in &u.exceptions {
        for x in [e.start, e.end, e.handler, e.reg as u32] {
            out.extend_from_slice(&x.to_le_bytes());
        }
    }
    BytesObj::new(&out)
}

fn iterator(class: Ptr<TypeObj>, items: ValueVec) -> Value {
    let map = class.instance_map();
    let array = ArrayObj::from_slice(&items);
    heap()
        .alloc(
            map,
            CodeIterObj {
                header: Header::new(map),
                items: Field::new(array.value()),
                index: std::cell::Cell::new(0),
            },
        )
        .value()
}

/// `(start, end, line)` of each run of instructions on one line, with [`byte_offset`]s.
fn lines(c: Code) -> Value {
    let mut out = ValueVec::new();
    let mut open: Option<(i32, i32, Option<u32>)> =
        (c.unit.positions.byte_len() > 0).then(|| (-1, 0, Some(c.first_line())));
    let offset = |w: i32| Value::int(byte_offset(w).max(0));
    let mut emit = |(from, to, line): (i32, i32, Option<u32>)| {
        let line = line.map_or(Value::NONE, |l| Value::int(l as i64));
        out.push(TupleObj::new(&[offset(from), offset(to), line]).value());
    };
    for (start, n, p) in c.unit.positions.runs() {
        // What begins without a line is on that of the call.
        let line = p.map(|p| p.line).or(if start == 0 { Some(c.first_line()) } else { None });
        let (start, n) = (start as i32, n as i32);
        match &mut open {
            Some(o) if o.2 == line => o.1 = start + n,
            _ => {
                if let Some(o) = open.take() {
                    emit(o);
                }
                open = Some((start, start + n, line));
            }
        }
    }
    if let Some(o) = open {
        emit(o);
    }
    iterator(LINES.get(), out)
}

/// `(branch, where it goes on, where it leads)` of each conditional jump and loop, as offsets.
fn branches(vm: &Vm, c: Code) -> Res<Value> {
    use cape_bytecode::Op;
    let mut out = ValueVec::new();
    for (at, op, w) in c.unit.instructions() {
        let to = match op {
            Op::JumpIfTrue | Op::JumpIfFalse | Op::JumpIfNone | Op::JumpIfNotNone => w.bc(),
            Op::ForIter => w.xc(),
            _ => continue,
        };
        let three = [at, at + op.words() as u32, to].map(|w| Value::int(byte_offset(w as i32)));
        out.push(TupleObj::new(&three).value());
    }
    vm.iter(TupleObj::new(&out).value())
}

/// `(line, end_line, column, end_column)` of the call and of each word.
fn positions(c: Code) -> Value {
    let mut out = ValueVec::with_capacity(c.unit.code.len() + 1);
    let place = |p: Option<Position>| match p {
        Some(p) => {
            let number = |x: u32| if x == NO_COLUMN { Value::NONE } else { Value::int(x as i64) };
            TupleObj::new(&[p.line, p.end_line, p.col, p.end_col].map(number))
        }
        None => TupleObj::new(&[Value::NONE; 4]),
    };
    if let Some(call) = c.unit.positions.of_call(c.first_line()) {
        out.push(place(Some(call)).value());
    }
    for (_, n, p) in c.unit.positions.runs() {
        let t = place(p);
        (0..n).for_each(|_| out.push(t.value()));
    }
    iterator(POSITIONS.get(), out)
}

fn text(f: &Field) -> String {
    f.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()
}

fn repr(vm: &Vm, c: Code) -> String {
    let id = vm.id(c.value());
    format!(
        "<code object {} at {id:#x}, file \"{}\", line {}>",
        text(&c.name),
        text(&c.filename),
        if c.unit.first_line == 0 { -1 } else { c.unit.first_line as i64 }
    )
}

fn hash(vm: &Vm, c: Code) -> Res<i64> {
    if c.hash.get() != -1 {
        return Ok(c.hash.get());
    }
    let mut h = vm.hash(c.name.get())? as u64;
    let mut mix = |x: u64| h = (h ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    let u = &c.unit;
    for x in [u.argcount, u.posonlyargcount, u.kwonlyargcount, u.flags, u.first_line, u.nregs as u32] {
        mix(x as u64);
    }
    u.code.iter().for_each(|w| mix(w.0));
    let h = match h as i64 {
        -1 => -2,
        h => h,
    };
    c.hash.set(h);
    Ok(h)
}

fn compare(vm: &Vm, a: Code, b: Value, equal: bool) -> Res<Value> {
    let Some(b) = b.downcast::<CodeObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(Value::bool(same(vm, a, b)? == equal))
}

fn same(vm: &Vm, a: Code, b: Code) -> Res<bool> {
    if a == b {
        return Ok(true);
    }
    let (x, y) = (&a.unit, &b.unit);
    let plain = x.name == y.name
        && x.argcount == y.argcount
        && x.posonlyargcount == y.posonlyargcount
        && x.kwonlyargcount == y.kwonlyargcount
        && x.flags == y.flags
        && x.first_line == y.first_line
        && x.code == y.code
        && x.names == y.names
        && x.varnames == y.varnames
        && x.cellvars == y.cellvars
        && x.freevars == y.freevars
        && x.exceptions == y.exceptions
        && x.positions == y.positions;
    if !plain {
        return Ok(false);
    }
    let (p, q) = (consts(a), consts(b));
    same_all(vm, p.as_slice(), q.as_slice())
}

fn same_all(vm: &Vm, a: &[Value], b: &[Value]) -> Res<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (&x, &y) in a.iter().zip(b) {
        if !same_const(vm, x, y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Equality of constants: by type and value, floats by bits, nested code by content.
fn same_const(vm: &Vm, a: Value, b: Value) -> Res<bool> {
    if a == b {
        return Ok(true);
    }
    if type_of(a) != type_of(b) {
        return Ok(false);
    }
    if let (Some(x), Some(y)) = (a.downcast::<CodeObj>(), b.downcast::<CodeObj>()) {
        return same(vm, x, y);
    }
    if let (Some(x), Some(y)) = (a.downcast::<TupleObj>(), b.downcast::<TupleObj>()) {
        return same_all(vm, x.as_slice(), y.as_slice());
    }
    if a.is_float() {
        return Ok(false);
    }
    if a.is::<cape_vm::object::ComplexObj>() || a.is::<SetObj>() {
        return Ok(vm.repr_str(a)? == vm.repr_str(b)?);
    }
    vm.eq(a, b)
}

/// Names from a tuple of str.
fn names_of(vm: &Vm, v: Value, field: &str) -> Res<Vec<Box<str>>> {
    let Some(t) = v.downcast::<TupleObj>() else {
        return Err(wrong(vm, field, "tuple", v));
    };
    t.as_slice()
        .iter()
        .map(|n| match n.downcast::<StrObj>() {
            Some(s) => Ok(s.display().into_boxed_str()),
            None => Err(vm.type_error(format!(
                "name tuples must contain only strings, not '{}'",
                full_name(type_of(*n))
            ))),
        })
        .collect()
}

#[cold]
fn wrong(vm: &Vm, field: &str, expected: &str, v: Value) -> cape_vm::Raised {
    let got = if v.is_none() { "None".into() } else { full_name(type_of(v)) };
    vm.type_error(format!("replace() argument '{field}' must be {expected}, not {got}"))
}

fn replace(vm: &Vm, c: Code, changes: Ptr<DictObj>) -> Res<Value> {
    let mut u: CodeUnit = (**c.unit).clone();
    let mut new_consts = consts(c).value();
    let mut filename = c.filename.get();
    let mut line_table = None;
    for e in changes.table.iter() {
        let field = e.key.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        let v = e.value;
        let number = || -> Res<u32> {
            let i = vm.index_int(v)?.to_i64().unwrap_or(-1);
            u32::try_from(i).map_err(|_| vm.value_error(format!("code: {field} must not be negative")))
        };
        let string = || -> Res<String> {
            v.downcast::<StrObj>().map(|s| s.display()).ok_or_else(|| wrong(vm, &field, "str", v))
        };
        match field.as_str() {
            "co_argcount" => u.argcount = number()?,
            "co_posonlyargcount" => u.posonlyargcount = number()?,
            "co_kwonlyargcount" => u.kwonlyargcount = number()?,
            "co_flags" => u.flags = number()?,
            "co_firstlineno" => {
                let n = number()?;
                u.positions = u.positions.shifted(n as i64 - u.first_line as i64);
                u.first_line = n;
            }
            "co_name" => u.name = string()?.into(),
            "co_qualname" => u.qualname = string()?.into(),
            "co_filename" => {
                u.filename = string()?.into();
                filename = v;
            }
            "co_names" => u.names = names_of(vm, v, &field)?,
            "co_varnames" => {
                let n = names_of(vm, v, &field)?;
                if n.len() != u.varnames.len() {
                    return Err(vm.value_error("code: co_nlocals != len(co_varnames)"));
                }
                u.varnames = n;
            }
            "co_freevars" => u.freevars = same_count(vm, names_of(vm, v, &field)?, u.freevars.len())?,
            "co_cellvars" => u.cellvars = same_count(vm, names_of(vm, v, &field)?, u.cellvars.len())?,
            "co_consts" => match v.downcast::<TupleObj>() {
                Some(t) => new_consts = ArrayObj::from_slice(t.as_slice()).value(),
                None => return Err(wrong(vm, &field, "tuple", v)),
            },
            "co_stacksize" | "co_nlocals" => {
                number()?;
            }
            "co_linetable" => match v.downcast::<BytesObj>() {
                Some(b) => line_table = Some(b),
                None => return Err(wrong(vm, &field, "bytes", v)),
            },
            "co_code" | "co_exceptiontable" => {
                let same = match field.as_str() {
                    "co_code" => code_bytes(&u),
                    _ => exception_bytes(&u),
                };
                if !vm.eq(same.value(), v)? {
                    return Err(vm.missing("replacing the instructions of a code object"));
                }
            }
            _ => {
                return Err(vm.type_error(format!("replace() got an unexpected keyword argument '{field}'")));
            }
        }
    }
    if let Some(table) = line_table {
        u.positions = PositionTable::from_location_table(table.as_slice(), u.first_line);
    }
    if u.flags & flags::HAS_DOCSTRING != 0 && u.consts.is_empty() {
        u.flags &= !flags::HAS_DOCSTRING;
    }
    let new = new_code(vm, Arc::new(u));
    cape_vm::eval::unfold(new);
    new.filename.set(new, filename);
    new.consts.set(new, new_consts);
    Ok(new.value())
}

fn same_count(vm: &Vm, names: Vec<Box<str>>, n: usize) -> Res<Vec<Box<str>>> {
    if names.len() == n {
        return Ok(names);
    }
    Err(vm.missing("changing the number of captured variables of a code object"))
}
