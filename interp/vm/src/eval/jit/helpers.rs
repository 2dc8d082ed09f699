//! What compiled code calls for an instruction, or for the cases of it that its template does not have.
//!
//! A helper does the same as the interpreter's arm of that name, from the same functions.

use std::cell::Cell;

use cape_bytecode::{BinOp, Op, Word};
use cape_heap::{Ptr, Value};

use super::super::{Flow, arith, attrs, build, misc, names};
use super::{COLLECTS, ENTER, RAISED, RETURNED};
use crate::exc::{Raised, Res};
use crate::frame::Frame;
use crate::generator::GeneratorObj;
use crate::object::*;
use crate::ops::Cmp;
use crate::runtime::rt;
use crate::special::Special;
use crate::vm::Vm;

/// Gets the running frame and its instruction; returns 0, [`RAISED`], [`ENTER`], [`COLLECTS`] or one of the answers below.
///
/// # Safety
/// The frame is the top one, and the instruction one of its code's of the sort that the helper is for.
pub(super) type Helper = unsafe extern "C-unwind" fn(&Vm, *mut Frame, *const Cell<u64>) -> u64;

/// A test came out so.
pub(super) const FALSE: u64 = 4;
/// A test came out so.
pub(super) const TRUE: u64 = 5;
/// A comparison gave no bool: its result is in the register.
pub(super) const NO_BOOL: u64 = 6;
/// The iterator is exhausted.
pub(super) const EXHAUSTED: u64 = 7;

/// What an instruction did.
enum Did {
    /// The value is for register `a`.
    Value(Value),
    /// All there was to do.
    Done,
    /// This is the helper's answer.
    Answer(u64),
}

impl From<Flow> for Did {
    fn from(f: Flow) -> Did {
        match f {
            Flow::Enter => Did::Answer(ENTER),
            Flow::Value(v) => Did::Value(v),
        }
    }
}

fn test(b: bool) -> Did {
    Did::Answer(if b { TRUE } else { FALSE })
}

/// An instruction, taken apart.
struct At<'a> {
    vm: &'a Vm,
    frame: *mut Frame,
    regs: *mut Value,
    pc: *const Cell<u64>,
    w: Word,
}

impl At<'_> {
    #[inline(always)]
    fn code(&self) -> Ptr<CodeObj> {
        // SAFETY: the running frame.
        unsafe { (*self.frame).code }
    }
    #[inline(always)]
    fn reg(&self, i: u16) -> Value {
        // SAFETY: the compiler only names registers of the window.
        unsafe { *self.regs.add(i as usize) }
    }
    #[inline(always)]
    fn put(&self, i: u16, v: Value) {
        // SAFETY: as above.
        unsafe { *self.regs.add(i as usize) = v }
    }
    #[inline(always)]
    fn slice(&self, first: u16, n: usize) -> &[Value] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.regs.add(first as usize), n) }
    }
    #[inline(always)]
    fn konst(&self, i: u32) -> Value {
        // SAFETY: code that runs has its constants.
        unsafe { *self.code().consts.cast::<ArrayObj>().items_ptr().add(i as usize) }
    }
    #[inline(always)]
    fn name(&self, i: u32) -> Value {
        // SAFETY: code that runs has its names.
        unsafe { *self.code().names.cast::<ArrayObj>().items_ptr().add(i as usize) }
    }
    /// The right operand of an operator or comparison, which a form of the instruction has among the constants.
    #[inline(always)]
    fn right(&self, constant: bool) -> Value {
        if constant { self.konst(self.w.c() as u32) } else { self.reg(self.w.c()) }
    }
}

/// Keeps an exception for the interpreter's loop, which takes it before anything is allocated.
#[cold]
fn raised(vm: &Vm, r: Raised) -> u64 {
    vm.raised.set(Some(r));
    RAISED
}

/// [`arith::joined`]. Allocates: the frame must know where it stands.
pub(super) unsafe extern "C-unwind" fn joined(a: Value, b: Value) -> Value {
    arith::joined(a, b)
}

/// The items of a list at a slice, as [`joined`].
pub(super) unsafe extern "C-unwind" fn slice_of_list(list: Value, slice: Value) -> Value {
    let exact = list.is_ptr() && list.header().map() == rt().maps.list;
    let slice = slice.downcast::<SliceObj>().filter(|_| exact);
    slice.and_then(|slice| build::plain_slice(list, slice)).unwrap_or(Value::EMPTY)
}

/// `tuple(v)` of a list, or `list(v)` of a list or tuple, as [`joined`], where there are items that are the object's own.
pub(super) unsafe extern "C-unwind" fn copied(class: Value, v: Value) -> Value {
    let (map, maps) = (v.map(), &rt().maps);
    let (list, tuple) = (v.downcast::<ListObj>(), v.downcast::<TupleObj>());
    let to_tuple = class == rt().types.tuple.value();
    let items = match (&list, &tuple) {
        (Some(l), _) if map == Some(maps.list) => l.generic_slice(),
        (_, Some(t)) if map == Some(maps.tuple) && !to_tuple => Some(t.as_slice()),
        _ => None,
    };
    match items {
        None | Some([]) => Value::EMPTY,
        Some(items) if to_tuple => TupleObj::new(items).value(),
        Some(items) => ListObj::new(items).value(),
    }
}

macro_rules! helpers {
    ($( $name:ident($at:ident) $body:expr; )*) => { $(
        #[doc = concat!("`", stringify!($name), "`.")]
        ///
        /// # Safety
        /// See [`Helper`].
        pub(super) unsafe extern "C-unwind" fn $name(vm: &Vm, frame: *mut Frame, pc: *const Cell<u64>) -> u64 {
            // SAFETY: the caller's promise.
            let $at = unsafe {
                (*frame).pc = pc;
                At { vm, frame, regs: (*frame).base, pc, w: Word((*pc).get()) }
            };
            #[inline(always)]
            fn body($at: &At<'_>) -> Res<Did> {
                #[allow(clippy::redundant_closure_call, reason = "the body may use `?`")]
                $body
            }
            match body(&$at) {
                Ok(Did::Value(v)) => {
                    $at.put($at.w.a(), v);
                    0
                }
                Ok(Did::Done) => 0,
                Ok(Did::Answer(n)) => n,
                Err(r) => raised(vm, r),
            }
        }
    )* };
}

fn pair(at: &At<'_>, (f, this): (Value, Value)) -> Res<Did> {
    at.put(at.w.a(), f);
    at.put(at.w.a() + 1, this);
    Ok(Did::Done)
}

fn done(r: Res<()>) -> Res<Did> {
    r.map(|()| Did::Done)
}

fn value(r: Res<Value>) -> Res<Did> {
    r.map(Did::Value)
}

/// The operator's result by the forms for numbers, then by the methods.
#[inline(always)]
fn operator(at: &At<'_>, constant: bool) -> Res<Did> {
    let (a, b) = (at.reg(at.w.b()), at.right(constant));
    value(at.vm.binary_op(at.w.x(), a, b))
}

#[inline(always)]
fn comparison(at: &At<'_>, constant: bool) -> Res<Did> {
    let (a, b) = (at.reg(at.w.b()), at.right(constant));
    if let Some(r) = arith::fast_compare(a, b, at.w.x()) {
        return Ok(test(r));
    }
    let r = at.vm.compare(a, b, Cmp::from_index(at.w.x()))?;
    compared(at, r)
}

#[inline(always)]
fn compared(at: &At<'_>, r: Value) -> Res<Did> {
    if r.is_bool() {
        return Ok(test(r == Value::TRUE));
    }
    at.put(at.w.a(), r);
    Ok(Did::Answer(NO_BOOL))
}

#[inline(always)]
fn item(at: &At<'_>, k: Value) -> Res<Did> {
    let c = at.reg(at.w.b());
    match build::fast_item(c, k) {
        Some(v) => Ok(Did::Value(v)),
        None if c.is_ptr() && c.header().map() == rt().maps.dict => {
            // SAFETY: its map says so.
            value(at.vm.dict_item(unsafe { c.cast() }, k))
        }
        None => at.vm.subscr(c, k, at.w.a()).map(Did::from),
    }
}

fn special_super(at: &At<'_>, method: bool) -> Res<Did> {
    let b = at.w.b();
    let (v, this) = at.vm.load_super(
        at.reg(b),
        at.reg(b + 1),
        at.reg(b + 2),
        at.name(at.w.c() as u32),
        at.w.x() & 2 != 0,
        method,
    )?;
    if method { pair(at, (v, this)) } else { Ok(Did::Value(v)) }
}

fn for_iter_step(at: &At<'_>) -> Res<Did> {
    let it = at.reg(at.w.b());
    if it.is_ptr() {
        let m = it.header().map();
        let maps = &rt().maps;
        if m == maps.list_iterator || m == maps.tuple_iterator {
            // SAFETY: its map says so.
            return Ok(match crate::iteration::seq_next(unsafe { it.cast::<SeqIterObj>() }) {
                Some(v) => Did::Value(v),
                None => Did::Answer(EXHAUSTED),
            });
        }
        if m == maps.range_iterator {
            // SAFETY: its map says so.
            return Ok(match unsafe { it.cast::<RangeIterObj>() }.advance() {
                Some(v) => Did::Value(v),
                None => Did::Answer(EXHAUSTED),
            });
        }
        if m == maps.generator {
            // SAFETY: its map says so.
            let g = unsafe { it.cast::<GeneratorObj>() };
            let v = at.vm.next_of_generator(g)?;
            if v.is_empty() {
                at.vm.take_stop_value();
                return Ok(Did::Answer(EXHAUSTED));
            }
            return Ok(Did::Value(v));
        }
    }
    let v = match crate::iteration::native_next(it) {
        Some(def) => at.vm.next_natively(def, it)?,
        None => at.vm.next_of_any(it)?,
    };
    if v.is_empty() {
        at.vm.take_stop_value();
    }
    Ok(if v.is_empty() { Did::Answer(EXHAUSTED) } else { Did::Value(v) })
}

/// A plain generator gives a value to whoever resumed it, and on through those that delegate to it.
#[inline(always)]
fn yield_up(at: &At<'_>, v: Value) -> Res<Did> {
    // SAFETY: the top frame, a generator's.
    let (entry, ret) = unsafe { ((*at.frame).entry, (*at.frame).ret) };
    at.vm.suspend_generator_here(at.frame);
    if entry {
        at.vm.returned.set(v);
        return Ok(Did::Answer(RETURNED));
    }
    if ret != super::super::frames::DELEGATED {
        return Ok(deliver(at.vm, ret, v));
    }
    yield_further(at.vm, v)
}

/// The frame that is now on top delegates to a generator that has given a value.
#[inline(never)]
fn yield_further(vm: &Vm, v: Value) -> Res<Did> {
    loop {
        let frame = vm.frame_top.get();
        // SAFETY: the top frame, a generator's, stands at its YieldFrom.
        let (entry, ret, op) =
            unsafe { ((*frame).entry, (*frame).ret, Word((*(*frame).pc).get()).op_byte()) };
        if op == Op::Stop as u8 {
            vm.delegate_yields(v)?;
        }
        vm.suspend_generator(frame);
        if entry {
            vm.returned.set(v);
            return Ok(Did::Answer(RETURNED));
        }
        if ret != super::super::frames::DELEGATED {
            return Ok(deliver(vm, ret, v));
        }
    }
}

/// A value arrives in the frame that is now on top, which stands at its last cache word.
fn deliver(vm: &Vm, ret: u32, v: Value) -> Did {
    let caller = vm.frame_top.get();
    // SAFETY: the top frame; the register is in its window.
    unsafe {
        *(*caller).base.add(ret as usize) = v;
        (*caller).pc = (*caller).pc.add(1);
    }
    Did::Answer(ENTER)
}

fn call_any(at: &At<'_>) -> Res<Did> {
    // SAFETY: the compiler's call layout: callee, self, arguments.
    unsafe {
        if let Some(f) = at.reg(at.w.b()).downcast::<FunctionObj>() {
            at.vm.call_python(at.frame, at.pc, at.w, f)?;
            return Ok(Did::Answer(ENTER));
        }
        if let Some(r) = at.vm.call_plain_native(at.frame, at.pc, at.w) {
            return value(r);
        }
        if super::super::calls::collects(at.reg(at.w.b())) {
            return Ok(Did::Answer(COLLECTS));
        }
        if let Some(r) = at.vm.call_raw(at.frame, at.pc, at.w) {
            return value(r);
        }
        at.vm.call_op(at.frame, at.pc, at.w).map(Did::from)
    }
}

helpers! {
    load_name(at) value(at.vm.load_name(at.frame, at.name(at.w.bc()), at.pc));
    store_name(at) done(at.vm.store_name(at.frame, at.name(at.w.bc()), at.reg(at.w.a())));
    load_global(at) {
        // SAFETY: two cache words follow.
        match unsafe { names::cached_global(at.frame, at.pc.add(1)) } {
            Some(v) => Ok(Did::Value(v)),
            None => value(at.vm.load_global(at.frame, at.name(at.w.bc()), at.pc)),
        }
    };
    // SAFETY: the running frame.
    store_global(at) done(at.vm.store_in(unsafe { (*at.frame).globals }, at.name(at.w.bc()), at.reg(at.w.a())));
    load_attr(at) {
        let obj = at.reg(at.w.b());
        // SAFETY: four cache words follow.
        match unsafe { attrs::cached_attr(at.code(), obj, at.pc.add(1)) } {
            Some(v) => Ok(Did::Value(v)),
            None => value(at.vm.load_attr(at.code(), obj, at.name(at.w.c() as u32), at.pc)),
        }
    };
    load_method(at) {
        let obj = at.reg(at.w.b());
        // SAFETY: four cache words follow.
        let p = match unsafe { attrs::cached_method(at.code(), obj, at.pc.add(1)) } {
            Some(p) => p,
            None => at.vm.load_method(at.code(), obj, at.name(at.w.c() as u32), at.pc)?,
        };
        pair(at, p)
    };
    store_attr(at) {
        let (obj, v) = (at.reg(at.w.a()), at.reg(at.w.b()));
        // SAFETY: four cache words follow.
        if unsafe { attrs::cached_store(obj, v, at.pc.add(1)) } {
            return Ok(Did::Done);
        }
        done(at.vm.store_attr(at.code(), obj, at.name(at.w.c() as u32), v, at.pc))
    };
    load_super_attr(at) special_super(at, false);
    load_super_method(at) special_super(at, true);
    load_subscr(at) item(at, at.reg(at.w.c()));
    load_subscr_k(at) item(at, at.konst(at.w.c() as u32));
    // (Of a list. What the key's `__index__` has given is where the item goes.)
    load_indexed(at) value(at.vm.item_at(at.reg(at.w.b()), at.reg(at.w.a()), at.reg(at.w.c())));
    store_subscr(at) {
        let (c, k, v) = (at.reg(at.w.a()), at.reg(at.w.b()), at.reg(at.w.c()));
        if build::fast_store(c, k, v) {
            return Ok(Did::Done);
        }
        done(at.vm.store_subscr(c, k, v))
    };
    del_subscr(at) done(at.vm.del_item(at.reg(at.w.a()), at.reg(at.w.b())));
    load_slice(at) {
        let (o, from, to) = (at.reg(at.w.b()), at.reg(at.w.c()), at.reg(at.w.c() + 1));
        match build::fast_slice(o, from, to) {
            Some(v) => Ok(Did::Value(v)),
            None => value(at.vm.get_item(o, SliceObj::new(from, to, Value::NONE).value())),
        }
    };
    store_slice(at) {
        let s = SliceObj::new(at.reg(at.w.b()), at.reg(at.w.b() + 1), Value::NONE);
        done(at.vm.set_item(at.reg(at.w.a()), s.value(), at.reg(at.w.c())))
    };
    build_slice(at) {
        let third = if at.w.c() == 3 { at.reg(at.w.b() + 2) } else { Value::NONE };
        Ok(Did::Value(SliceObj::new(at.reg(at.w.b()), at.reg(at.w.b() + 1), third).value()))
    };
    unary_neg(at) value(at.vm.negate(at.reg(at.w.b())));
    unary_pos(at) value(at.vm.unary(at.reg(at.w.b()), Special::Pos, "unary +"));
    unary_invert(at) value(at.vm.unary(at.reg(at.w.b()), Special::Invert, "unary ~"));
    unary_not(at) at.vm.truth(at.reg(at.w.b())).map(|b| test(!b));
    truth_of_argument(at) at.vm.truth(at.reg(at.w.b() + 2)).map(test);
    int_result(at) value(at.vm.checked_int(at.reg(at.w.a()), "__int__"));
    float_result(at) {
        let t = crate::runtime::type_of(at.reg(at.w.b() + 2));
        value(at.vm.checked_float(t, at.reg(at.w.a())).map(Value::float))
    };
    str_result(at) value(at.vm.checked_str(at.reg(at.w.a()), "__str__").map(Ptr::value));
    repr_result(at) value(at.vm.checked_str(at.reg(at.w.a()), "__repr__").map(Ptr::value));
    unary_truth(at) at.vm.truth(at.reg(at.w.b())).map(test);
    truth(at) at.vm.truth(at.reg(at.w.a())).map(test);
    binary(at) operator(at, false);
    binary_k(at) operator(at, true);
    binary_unknown(at) {
        // Each form has its generic one's operands.
        let constant = at.w.op().is_some_and(|op| op.generic() == Op::BinaryOpK);
        let op = BinOp::from_u8(at.w.x()).expect("an operator");
        value(at.vm.by_sequences(at.reg(at.w.b()), at.right(constant), arith::operator(op), op.is_inplace()))
    };
    divmod_unknown(at) {
        let (a, b) = (at.reg(at.w.b() + 2), at.reg(at.w.b() + 3));
        value(at.vm.by_sequences(a, b, &crate::ops::DIVMOD, false))
    };
    compare_unknown(at) {
        let c = Cmp::from_index(at.w.x());
        let constant = at.w.op_byte() == Op::CompareK as u8;
        let r = at.vm.compare_reflected(at.reg(at.w.b()), at.right(constant), c)?;
        compared(at, r)
    };
    compare(at) comparison(at, false);
    compare_k(at) comparison(at, true);
    is(at) Ok(test(at.vm.is(at.reg(at.w.b()), at.reg(at.w.c())) != (at.w.x() & 1 != 0)));
    contains(at) {
        let r = at.vm.contains_op(at.reg(at.w.c()), at.reg(at.w.b()))?;
        Ok(test(r != (at.w.x() & 1 != 0)))
    };
    contains_raw(at) at.vm.contains_op(at.reg(at.w.c()), at.reg(at.w.b())).map(test);
    inplace_unknown(at) {
        let constant = at.w.op().is_some_and(|op| op.generic() == Op::BinaryOpK);
        let op = BinOp::from_u8(at.w.x()).expect("an operator");
        let (a, b) = (at.reg(at.w.b()), at.right(constant));
        value(at.vm.inplace_by_operands(a, b, arith::operator(op)))
    };
    match_sequence(at) Ok(test(crate::runtime::type_of(at.reg(at.w.b())).has(TypeFlags::SEQUENCE)));
    match_mapping(at) Ok(test(crate::runtime::type_of(at.reg(at.w.b())).has(TypeFlags::MAPPING)));
    build_tuple(at) Ok(Did::Value(TupleObj::new(at.slice(at.w.b(), at.w.c() as usize)).value()));
    build_list(at) Ok(Did::Value(ListObj::new(at.slice(at.w.b(), at.w.c() as usize)).value()));
    build_set(at) value(at.vm.build_set(at.slice(at.w.b(), at.w.c() as usize)));
    build_map(at) value(at.vm.build_map(at.slice(at.w.b(), 2 * at.w.c() as usize)));
    build_string(at) Ok(Did::Value(build::concat_strings(at.slice(at.w.b(), at.w.c() as usize))));
    list_append(at) {
        // SAFETY: the row says that it is an exact list.
        unsafe { at.reg(at.w.a()).cast::<ListObj>() }.push(at.reg(at.w.b()));
        Ok(Did::Done)
    };
    list_extend(at) done(at.vm.list_extend(at.reg(at.w.a()), at.reg(at.w.b())));
    list_to_tuple(at) {
        // SAFETY: the row says that it is an exact list.
        let l = unsafe { at.reg(at.w.b()).cast::<ListObj>() };
        Ok(Did::Value(TupleObj::new(l.snapshot().as_slice()).value()))
    };
    set_add(at) done(at.vm.set_add_op(at.reg(at.w.a()), at.reg(at.w.b())));
    map_add(at) {
        // SAFETY: the row says that it is an exact dict.
        let d = unsafe { at.reg(at.w.a()).cast::<DictObj>() };
        done(d.set(at.vm, at.reg(at.w.b()), at.reg(at.w.c())).map(|_| ()))
    };
    set_update(at) done(at.vm.set_update_op(at.reg(at.w.a()), at.reg(at.w.b())));
    dict_update(at) done(at.vm.dict_update_op(at.reg(at.w.a()), at.reg(at.w.b())));
    dict_merge(at) done(at.vm.dict_merge_op(at.reg(at.w.a()), at.reg(at.w.b()), at.reg(at.w.c())));
    call(at) call_any(at);
    call_kw(at) {
        // SAFETY: an operand word follows; the compiler's call layout.
        unsafe {
            let names = at.konst((*at.pc.add(1)).get() as u32);
            at.vm.call_kw_op(at.frame, at.pc, at.w, names).map(Did::from)
        }
    };
    call_ex(at) {
        let (f, args, kwargs) = (at.reg(at.w.b()), at.reg(at.w.b() + 2), at.reg(at.w.b() + 3));
        value(at.vm.call_raw_ex(f, args, kwargs).unwrap_or_else(|| at.vm.call_ex(f, args, kwargs)))
    };
    intrinsic1(at) value(at.vm.intrinsic1(at.w.x(), at.reg(at.w.b()), at.frame));
    intrinsic2(at) value(at.vm.intrinsic2(at.w.x(), at.reg(at.w.b()), at.reg(at.w.c())));
    make_function(at) Ok(Did::Value(at.vm.make_function(at.frame, at.konst(at.w.bc()))));
    set_func_attr(at) {
        misc::set_func_attr(at.reg(at.w.a()), at.w.x(), at.reg(at.w.b()));
        Ok(Did::Done)
    };
    make_cell(at) Ok(Did::Value(CellObj::new(at.reg(at.w.a())).value()));
    store_deref(at) {
        // SAFETY: the operand register holds a cell.
        let c = unsafe { at.reg(at.w.a()).cast::<CellObj>() };
        c.content.set(c, at.reg(at.w.b()));
        Ok(Did::Done)
    };
    get_iter(at) value(at.vm.iter(at.reg(at.w.b())));
    for_iter(at) for_iter_step(at);
    unpack_sequence(at) {
        // SAFETY: the compiler only names registers of the window.
        done(unsafe { at.vm.unpack(at.reg(at.w.a()), at.regs.add(at.w.b() as usize), at.w.c() as usize) })
    };
    unpack_ex(at) {
        // SAFETY: as above.
        done(unsafe {
            at.vm.unpack_ex(at.reg(at.w.a()), at.regs.add(at.w.b() as usize), at.w.x() as usize, at.w.c() as usize)
        })
    };
    yield_from_iter(at) value(at.vm.yield_from_iter(at.code(), at.reg(at.w.b())));
    get_awaitable(at) value(at.vm.get_awaitable(at.reg(at.w.b()), at.w.x()));
    get_aiter(at) value(at.vm.get_aiter(at.reg(at.w.b())));
    get_anext(at) value(at.vm.get_anext(at.reg(at.w.b())));
    match_keys(at) value(at.vm.match_keys(at.reg(at.w.b()), at.reg(at.w.c())));
    match_class(at) {
        let b = at.w.b();
        value(at.vm.match_class(at.reg(b), at.reg(b + 1), at.reg(b + 2), at.w.c() as usize))
    };
    del_attr(at) done(at.vm.del_attr(at.reg(at.w.a()), at.name(at.w.c() as u32)));
    get_len(at) Ok(Did::Value(Value::int(at.vm.len(at.reg(at.w.b()))? as i64)));
    load_special(at) pair(at, at.vm.load_special(at.reg(at.w.b()), at.w.x())?);
    check_exc_match(at) at.vm.exc_match_op(at.reg(at.w.b()), at.reg(at.w.c())).map(test);
    raise(at) {
        let cause = if at.w.x() > 1 { at.reg(at.w.b()) } else { Value::EMPTY };
        Err(at.vm.raise_op(at.reg(at.w.a()), cause))
    };
    import_from(at) value(at.vm.import_from(at.reg(at.w.b()), at.name(at.w.c() as u32)));
    format_value(at) {
        let spec = if at.w.x() & 4 != 0 { at.reg(at.w.c()) } else { Value::EMPTY };
        value(at.vm.format_value(at.reg(at.w.b()), at.w.x() & 3, spec))
    };
    yield_value(at) yield_up(at, at.reg(at.w.b()));
    return_generator(at) {
        // SAFETY: the running frame.
        let (g, entry, ret) = unsafe {
            let f = &*at.frame;
            (at.vm.make_generator(f, f.lasti()), f.entry, f.ret)
        };
        at.vm.pop_frame(at.frame, true);
        if !entry {
            return Ok(deliver(at.vm, ret, g.value()));
        }
        at.vm.returned.set(g.value());
        Ok(Did::Answer(RETURNED))
    };
    return_from_generator(at) {
        // SAFETY: the running frame.
        if unsafe { !(*at.frame).entry } {
            // What the caller does then is the interpreter's.
            return Ok(Did::Answer(at.pc as u64));
        }
        let constant = at.w.op_byte() == Op::ReturnConst as u8;
        let v = if constant { at.konst(at.w.bc()) } else { at.reg(at.w.a()) };
        at.vm.finish_generator(at.frame);
        at.vm.returned.set(v);
        Ok(Did::Answer(RETURNED))
    };
}

/// The helper for instructions that are nothing but a call of it: those whose answer is only success, an exception or a frame.
pub(super) fn plain(op: Op) -> Option<Helper> {
    Some(match op {
        Op::LoadName => load_name,
        Op::StoreName => store_name,
        Op::StoreGlobal => store_global,
        Op::LoadSuperAttr => load_super_attr,
        Op::LoadSuperMethod => load_super_method,
        Op::LoadSubscr => load_subscr,
        Op::LoadSubscrK => load_subscr_k,
        Op::StoreSubscr => store_subscr,
        Op::DelSubscr => del_subscr,
        Op::LoadSlice => load_slice,
        Op::StoreSlice => store_slice,
        Op::BuildSlice => build_slice,
        Op::BuildTuple => build_tuple,
        Op::BuildList => build_list,
        Op::BuildSet => build_set,
        Op::BuildMap => build_map,
        Op::BuildString => build_string,
        Op::ListAppend => list_append,
        Op::ListExtend => list_extend,
        Op::ListToTuple => list_to_tuple,
        Op::SetAdd => set_add,
        Op::SetUpdate => set_update,
        Op::MapAdd => map_add,
        Op::DictUpdate => dict_update,
        Op::DictMerge => dict_merge,
        Op::CallIntrinsic1 => intrinsic1,
        Op::CallIntrinsic2 => intrinsic2,
        Op::MakeFunction => make_function,
        Op::SetFuncAttr => set_func_attr,
        Op::MakeCell => make_cell,
        Op::StoreDeref => store_deref,
        Op::GetIter => get_iter,
        Op::UnpackSequence => unpack_sequence,
        Op::UnpackEx => unpack_ex,
        Op::GetLen => get_len,
        Op::GetYieldFromIter => yield_from_iter,
        Op::GetAwaitable => get_awaitable,
        Op::GetAIter => get_aiter,
        Op::GetANext => get_anext,
        Op::MatchKeys => match_keys,
        Op::MatchClass => match_class,
        Op::DelAttr => del_attr,
        Op::LoadSpecial => load_special,
        Op::ImportFrom => import_from,
        Op::FormatValue => format_value,
        _ => return None,
    })
}
