//! `code`.

use std::sync::Arc;

use cape_bytecode::{
    CodeBody, CodeUnit, Const, ExcEntry, NO_COLUMN, Op, Position, PositionBuilder, PositionTable, RESUME, Word,
    flags,
};
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::eval::{new_code, str_tuple, variable_names};
use cape_vm::native::{Named, extend, new_type};
use cape_vm::object::{
    ArrayObj, BytesObj, CodeObj, byte_offset, DictObj, SetObj, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec,
};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// An iterator over the lines or positions of a code object: each item, and how often it is given.
    pub struct CodeIterObj { items: Field, index: std::cell::Cell<usize>, given: std::cell::Cell<i64> }
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
        .new_fn("__new__(cls, /, *args)", "", construct)
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
                let Some(items) = i.items.downcast::<ArrayObj>() else { return Value::EMPTY };
                let (at, given) = (i.index.get(), i.given.get());
                if at >= items.len() {
                    return Value::EMPTY;
                }
                let last = Value::int(given + 1) == items.get(at + 1);
                i.index.set(at + 2 * last as usize);
                i.given.set(if last { 0 } else { given + 1 });
                items.get(at)
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

/// The words, and two bytes that stand for the call where the body begins, so that what is at an offset is the instruction there.
fn code_bytes(u: &CodeUnit) -> Ptr<BytesObj> {
    let mut out = Vec::with_capacity(u.code.len() * 8 + 2);
    let (prologue, body) = u.code.split_at(u.prologue() as usize);
    prologue.iter().for_each(|w| out.extend_from_slice(&w.0.to_le_bytes()));
    out.extend_from_slice(&[RESUME, 0]);
    body.iter().for_each(|w| out.extend_from_slice(&w.0.to_le_bytes()));
    BytesObj::new(&out)
}

/// The words in such bytes: words of one alone come before what stands for the call, if anything does.
fn words_of(mut bytes: &[u8]) -> Option<Vec<Word>> {
    let mut words = Vec::with_capacity(bytes.len() / 8);
    let mut called = false;
    loop {
        if let [RESUME, _, rest @ ..] = bytes
            && !called
        {
            (bytes, called) = (rest, true);
        }
        let Some((word, rest)) = bytes.split_first_chunk() else { return bytes.is_empty().then_some(words) };
        let word = Word(u64::from_le_bytes(*word));
        called |= !matches!(word.op(), Some(Op::MakeCell | Op::ReturnGenerator));
        words.push(word);
        bytes = rest;
    }
}

fn line_bytes(c: Code) -> Ptr<BytesObj> {
    BytesObj::new(&c.unit.positions.to_location_table(c.unit.first_line, c.unit.prologue(), c.first_line()))
}

/// `co_lnotab`: pairs of bytes that say how far the next line's code is, and how far the line.
fn lnotab(vm: &Vm, c: Code) -> Res<Ptr<BytesObj>> {
    crate::number::warn(vm, rt().types.deprecation_warning, "co_lnotab is deprecated, use co_lines instead.")?;
    let (mut out, mut at, mut line) = (Vec::new(), 0, c.unit.first_line as i64);
    let mut end = 0;
    for (units, p) in c.unit.positions.runs_with_call(c.unit.prologue(), c.first_line()) {
        let start = end;
        end += units;
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
                given: std::cell::Cell::new(0),
            },
        )
        .value()
}

/// `(start, end, line)` of each run of instructions on one line, with offsets.
fn lines(c: Code) -> Value {
    let mut out = ValueVec::new();
    let mut open: Option<(u32, u32, Option<u32>)> = None;
    let mut emit = |(from, to, line): (u32, u32, Option<u32>)| {
        let line = line.map_or(Value::NONE, |l| Value::int(l as i64));
        let [from, to] = [from, to].map(|unit| Value::int(2 * unit as i64));
        out.push(TupleObj::new(&[from, to, line]).value());
        out.push(Value::int(1));
    };
    let mut start = 0;
    for (n, p) in c.unit.positions.runs_with_call(c.unit.prologue(), c.first_line()) {
        // What begins without a line is on that of the call.
        let line = p.map(|p| p.line).or(if start == 0 { Some(c.first_line()) } else { None });
        match &mut open {
            Some(o) if o.2 == line => o.1 = start + n,
            _ => {
                if let Some(o) = open.take() {
                    emit(o);
                }
                open = Some((start, start + n, line));
            }
        }
        start += n;
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

/// `(line, end_line, column, end_column)` of each unit of two bytes.
fn positions(c: Code) -> Value {
    let mut out = ValueVec::new();
    // (Code from elsewhere has columns, too.)
    let lines_only = rt().config().no_debug_ranges;
    let place = |p: Option<Position>| match p {
        Some(p) => {
            let number = |x: u32| if x == NO_COLUMN { Value::NONE } else { Value::int(x as i64) };
            match lines_only {
                true => TupleObj::new(&[number(p.line), number(p.line), Value::NONE, Value::NONE]),
                false => TupleObj::new(&[p.line, p.end_line, p.col, p.end_col].map(number)),
            }
        }
        None => TupleObj::new(&[Value::NONE; 4]),
    };
    for (n, p) in c.unit.positions.runs_with_call(c.unit.prologue(), c.first_line()) {
        let t = place(p);
        out.push(t.value());
        out.push(Value::int(n as i64));
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
    changed(vm, (**c.unit).clone(), consts(c), c.filename.get(), changes)
}

/// The arguments of the constructor.
const PARTS: [&str; 18] = [
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_nlocals",
    "co_stacksize",
    "co_flags",
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_firstlineno",
    "co_linetable",
    "co_exceptiontable",
    "co_freevars",
    "co_cellvars",
];

/// Code from what the attributes of another say, in this process or another of the same version.
fn construct(vm: &Vm, _: Ptr<TypeObj>, args: Ptr<TupleObj>) -> Res<Value> {
    let n = args.len();
    if n < 16 {
        return Err(vm.type_error(format!("code expected at least 16 arguments, got {n}")));
    }
    if n > PARTS.len() {
        return Err(vm.type_error(format!("code expected at most 18 arguments, got {n}")));
    }
    let names = |part: &str| -> Res<Vec<Box<str>>> {
        let at = PARTS.iter().position(|p| *p == part).filter(|&i| i < n);
        at.map_or(Ok(Vec::new()), |i| names_of(vm, args.get(i), part))
    };
    let varnames = names("co_varnames")?;
    let (cellvars, freevars) = (names("co_cellvars")?, names("co_freevars")?);
    let too_many = || vm.overflow_error("code: too many registers");
    let above = vm.index_int(args.get(4))?.to_i64().and_then(|n| u16::try_from(n).ok()).ok_or_else(too_many)?;
    let nregs = u16::try_from(varnames.len() + above as usize).map_err(|_| too_many())?;
    // Cells that are no locals come after these, then what is captured.
    let mut next = varnames.len() as u16;
    let mut cell_regs = Vec::with_capacity(cellvars.len());
    for cell in &cellvars {
        cell_regs.push(match varnames.iter().position(|v| v == cell) {
            Some(i) => i as u16,
            None => {
                next += 1;
                next - 1
            }
        });
    }
    if next as usize + freevars.len() > nregs as usize {
        return Err(vm.value_error("code: co_stacksize is too small"));
    }
    let unit = CodeUnit {
        name: "".into(),
        qualname: "".into(),
        filename: "".into(),
        first_line: 0,
        flags: 0,
        argcount: 0,
        posonlyargcount: 0,
        kwonlyargcount: 0,
        nregs,
        first_free: next,
        freevars,
        body: CodeBody {
            varnames,
            cellvars,
            cell_regs,
            temp_names: Vec::new(),
            names: Vec::new(),
            consts: Vec::new(),
            code: Vec::new(),
            exceptions: Vec::new(),
            positions: PositionTable::default(),
        }
        .into(),
    };
    let changes = DictObj::new();
    let rest = PARTS.iter().zip(args.as_slice());
    for (part, &v) in rest.filter(|(p, _)| !matches!(**p, "co_stacksize" | "co_freevars" | "co_cellvars")) {
        changes.set_str(intern(part), v);
    }
    changed(vm, unit, ArrayObj::new(0), Value::NONE, changes)
}

/// New code: a unit and its constants with these changes.
fn changed(
    vm: &Vm,
    mut u: CodeUnit,
    consts: Ptr<ArrayObj>,
    filename: Value,
    changes: Ptr<DictObj>,
) -> Res<Value> {
    let (mut consts, mut filename) = (consts, filename);
    let mut line_table = None;
    // Whether the instructions may no longer fit the rest.
    let mut doubtful = false;
    let mut nlocals = None;
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
        let bytes = || v.downcast::<BytesObj>().ok_or_else(|| wrong(vm, &field, "bytes", v));
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
            "co_names" => {
                u.names = names_of(vm, v, &field)?;
                doubtful = true;
            }
            "co_varnames" => {
                let n = names_of(vm, v, &field)?;
                if n.len() != u.varnames.len() {
                    return Err(vm.value_error("code: co_nlocals != len(co_varnames)"));
                }
                u.varnames = n;
            }
            "co_freevars" => {
                let names = names_of(vm, v, &field)?;
                if names.len() != u.freevars.len() {
                    // There is room behind the other registers.
                    u.first_free = u.nregs;
                    u.nregs = room(vm, u.nregs, names.len())?;
                    doubtful = true;
                }
                u.freevars = names;
            }
            "co_cellvars" => {
                let names = names_of(vm, v, &field)?;
                let more = names.len().saturating_sub(u.cellvars.len());
                let first = u.nregs;
                u.nregs = room(vm, first, more)?;
                let old = u.cellvars.len().min(names.len());
                u.cell_regs.truncate(old);
                u.cell_regs.extend((0..more as u16).map(|i| first + i));
                u.cellvars = names;
            }
            "co_consts" => match v.downcast::<TupleObj>() {
                Some(t) => {
                    consts = ArrayObj::from_slice(t.as_slice());
                    u.consts = t.as_slice().iter().map(|&k| constant(vm, k)).collect();
                    doubtful = true;
                }
                None => return Err(wrong(vm, &field, "tuple", v)),
            },
            // What is needed stays.
            "co_stacksize" => u.nregs = u.nregs.max(room(vm, u.nlocals() as u16, number()? as usize)?),
            "co_nlocals" => nlocals = Some(number()?),
            "co_linetable" => line_table = Some(bytes()?),
            "co_code" => {
                let words = words_of(bytes()?.as_slice());
                u.code = words.ok_or_else(|| vm.value_error("code: co_code is malformed"))?;
                doubtful = true;
            }
            "co_exceptiontable" => {
                let b = bytes()?;
                let (rows, rest) = b.as_slice().as_chunks::<16>();
                if !rest.is_empty() {
                    return Err(vm.value_error("code: co_exceptiontable is malformed"));
                }
                u.exceptions = rows.iter().map(exception_row).collect();
                doubtful = true;
            }
            _ => {
                return Err(vm.type_error(format!("replace() got an unexpected keyword argument '{field}'")));
            }
        }
    }
    if nlocals.is_some_and(|n| n as usize != u.varnames.len()) {
        return Err(vm.value_error("code: co_nlocals != len(co_varnames)"));
    }
    if u.posonlyargcount > u.argcount {
        return Err(vm.value_error("code: co_posonlyargcount must not be greater than co_argcount"));
    }
    if u.nparams() > u.varnames.len() {
        return Err(vm.value_error("code: varnames is too small"));
    }
    if doubtful {
        check(vm, &u)?;
    }
    if let Some(table) = line_table {
        u.positions = PositionTable::from_location_table(table.as_slice(), u.first_line, u.prologue());
    }
    if u.flags & flags::HAS_DOCSTRING != 0 && u.consts.is_empty() {
        u.flags &= !flags::HAS_DOCSTRING;
    }
    let new = new_code(vm, Arc::new(u));
    cape_vm::eval::unfold(new);
    new.filename.set(new, filename);
    new.consts.set(new, consts.value());
    Ok(new.value())
}

/// How many registers there are with `more`.
fn room(vm: &Vm, n: u16, more: usize) -> Res<u16> {
    let total = u16::try_from(n as usize + more);
    total.map_err(|_| vm.overflow_error("code: too many registers"))
}

fn exception_row(row: &[u8; 16]) -> ExcEntry {
    let [start, end, handler, reg] =
        [0, 4, 8, 12].map(|i| u32::from_le_bytes([row[i], row[i + 1], row[i + 2], row[i + 3]]));
    ExcEntry { start, end, handler, reg: reg as u16 }
}

/// What a value is among the constants of a unit, which the compiler's kinds of code are written from. What has no such form is only in the
/// code object.
fn constant(vm: &Vm, v: Value) -> Const {
    match v.downcast::<CodeObj>() {
        Some(c) => Const::Code(c.unit.0.clone()),
        None => crate::ast::constant(vm, v).unwrap_or(Const::None),
    }
}

/// Refuses instructions that do not fit the rest of their code.
fn check(vm: &Vm, u: &CodeUnit) -> Res<()> {
    let mut positions = PositionBuilder::new(u.first_line);
    positions.push(u.code.len() as u32, None);
    let mut probe = u.clone();
    probe.positions = positions.finish();
    let functions_of_code = u.instructions().all(|(_, op, w)| {
        op != Op::MakeFunction || matches!(u.consts.get(w.bc() as usize), Some(Const::Code(_)))
    });
    let original = u.instructions().all(|(_, op, _)| op == op.generic() && op != Op::Stop);
    let rows = u.exceptions.iter().all(|e| e.reg < u.nregs && e.start <= e.end);
    let found = match functions_of_code && original && rows {
        true => cape_bytecode::verify(&probe),
        false => Err("an instruction is not one of the compiler's".into()),
    };
    found.map_err(|e| vm.value_error(format!("code: co_code does not fit the rest: {e}")))
}
