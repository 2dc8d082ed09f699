//! The evaluation loop.
//!
//! One `match` over the opcodes; arms longer than a few lines call helpers in the files beside this one. The running
//! frame's registers, pc and frame pointer live in Rust locals; `pc` is stored into the frame before anything that can raise,
//! call, or be looked at from outside.

mod arith;
mod attrs;
mod build;
mod calls;
mod code;
mod except;
mod frames;
mod import;
mod jit;
mod look;
mod matching;
mod misc;
mod names;
mod supers;

pub use supers::super_lookup;

use std::cell::Cell;

use cape_bytecode::{Op, Word};
use cape_heap::{Ptr, Value, attention};

use crate::exc::{Raised, Res};
use crate::frame::{Frame, mark};
use crate::generator::{AsyncGenAuxObj, GeneratorObj};
use crate::monitor::{Event, Stop};
use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

pub use code::{const_value, new_code, str_tuple, unfold, variable_names};
pub(crate) use code::{specialise, specialise_at};
pub use except::{exception_matches, is_exception_class};
pub use jit::{
    Code, Compiled, Convention, Crossing, Finish, Lending, Member, Named, compiled_place, set_crossing,
    set_threshold,
};

/// Runs the top frame, which must be an entry frame, until it returns or suspends.
pub(crate) fn run(vm: &Vm) -> Res<Value> {
    run_from(vm, None)
}

/// What an arm that may enter or leave frames does next.
pub(crate) enum Flow {
    /// The next instruction, in the frame that is now on top.
    Enter,
    /// The value goes into the destination register; next instruction.
    Value(Value),
}

/// What the interpreter's loop comes to.
pub(crate) enum Next {
    /// The entry frame has returned this.
    Returned(Value),
    /// The code of the top frame is hot, and its pc stands where compiled code may have an entry.
    Hot,
    /// Somebody watches the instruction.
    Stops,
    /// The instruction collects garbage: it is to be done when this loop's native frame is gone, too.
    Collects,
    /// A watched object may have been dropped: that is to be found out when this loop's native frame is gone.
    Looks,
}

/// Where the interpreter's loop begins.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Start {
    /// Anywhere.
    Here,
    /// With an instruction that collects garbage, and nothing but what is live on the native stack.
    Clean,
    /// Anywhere; it has just been looked for what was dropped.
    Looked,
}

/// As [`run`]; when `throw` is given, the frame first raises it at its present instruction.
#[inline(never)]
pub(crate) fn run_from(vm: &Vm, throw: Option<Raised>) -> Res<Value> {
    if let Some(r) = throw {
        let r = vm.exception_event(Event::PyThrow, r);
        vm.add_traceback(r.exc(), vm.frame_top.get());
        vm.unwind_as(r, true, Event::Raise)?;
    }
    // SAFETY: the top frame.
    let code = unsafe { (*vm.frame_top.get()).code };
    evaluate(vm, if code.compiled.warm(jit::CALL_HEAT) { jit::Left::Hot } else { jit::Left::Here })
}

/// Runs an entry frame that has just been pushed, whose pc is at this word, until it returns or suspends.
#[inline(always)]
pub(crate) fn run_new(vm: &Vm, code: Ptr<CodeObj>, frame: *mut Frame, word: usize) -> Res<Value> {
    match vm.run_new(code, frame, word) {
        Some(jit::Left::Returned) => Ok(vm.returned.replace(Value::EMPTY)),
        Some(left) => evaluate(vm, left),
        None => run(vm),
    }
}

/// The evaluation loop: interpreter and compiled code take turns here, side by side, so that what one has left in its native frame is
/// gone when the other runs. It goes on after compiled code has left, or as if it had.
#[inline(never)]
pub(crate) fn evaluate(vm: &Vm, mut left: jit::Left) -> Res<Value> {
    loop {
        let start = match left {
            jit::Left::Here => Start::Here,
            jit::Left::Hot => {
                left = vm.run_compiled();
                continue;
            }
            jit::Left::Collects => {
                vm.scrub_native_stack();
                Start::Clean
            }
            jit::Left::Looked => Start::Looked,
            jit::Left::Returned => return Ok(vm.returned.replace(Value::EMPTY)),
            jit::Left::Raised => return Err(vm.raised.take().expect("an exception")),
        };
        let next = match interpret::<false>(vm, start)? {
            Next::Stops => interpret::<true>(vm, start)?,
            next => next,
        };
        left = match next {
            Next::Stops => unreachable!("stops are taken"),
            Next::Returned(v) => return Ok(v),
            Next::Collects => jit::Left::Collects,
            Next::Looks => {
                vm.scrub_native_stack();
                let ended = vm.end_dropped();
                // SAFETY: the top frame, which is the one that looked.
                unsafe { (*vm.frame_top.get()).set_mark(mark::PAST, false) };
                if let Err(r) = ended {
                    vm.unwind(r, false)?;
                }
                jit::Left::Looked
            }
            Next::Hot => jit::Left::Hot,
        };
    }
}

#[allow(unused_unsafe, reason = "the operand macros are used inside and outside of unsafe blocks")]
/// Runs the top frame in the interpreter. `WATCHED`: with stops; the other form gives up at one, because its dispatch, which everything
/// waits for, is a twentieth faster when an instruction can only come from the code.
#[inline(never)]
pub(crate) fn interpret<const WATCHED: bool>(vm: &Vm, start: Start) -> Res<Next> {
    let mut looked = start == Start::Looked;
    // SAFETY (all blocks of this function): `frame` is the top frame, `regs` its window, `pc` points into its code; the
    // compiler's output only names registers of the window, constants and names that exist.
    let mut frame: *mut Frame = vm.frame_top.get();
    #[allow(clippy::undocumented_unsafe_blocks, reason = "see above")]
    let (mut regs, mut pc): (*mut Value, *const Cell<u64>) = unsafe { ((*frame).base, (*frame).pc) };
    // The instruction that is done with a clean stack.
    let mut cleaned = if start == Start::Clean { pc } else { std::ptr::null() };
    macro_rules! reload {
        () => {{
            frame = vm.frame_top.get();
            // SAFETY: as above.
            unsafe {
                regs = (*frame).base;
                pc = (*frame).pc;
            }
        }};
    }

    loop {
        let raised: Raised = 'run: {
            'next: loop {
                macro_rules! sync {
                    () => {
                        // SAFETY: as above.
                        unsafe { (*frame).pc = pc }
                    };
                }
                macro_rules! tri {
                    ($e:expr) => {
                        match $e {
                            Ok(v) => v,
                            Err(r) => break 'run r,
                        }
                    };
                }
                macro_rules! reg {
                    ($i:expr) => {
                        // SAFETY: as above.
                        unsafe { *regs.add($i as usize) }
                    };
                }
                macro_rules! set {
                    ($i:expr, $v:expr) => {{
                        let v = $v;
                        // SAFETY: as above.
                        unsafe { *regs.add($i as usize) = v }
                    }};
                }
                macro_rules! step {
                    ($n:expr) => {{
                        // SAFETY: as above.
                        pc = unsafe { pc.add($n) };
                        continue 'next;
                    }};
                }
                // The next instruction, at `pc`: in compiled code, if this is a place to count and the code is hot.
                macro_rules! go_on {
                    ($heat:expr) => {{
                        let code = code!();
                        // SAFETY: both are in the code's words.
                        let word = unsafe { pc.offset_from(code.words.as_ptr()) } as usize;
                        if code.compiled.goes_on($heat, word) {
                            sync!();
                            return Ok(Next::Hot);
                        }
                        continue 'next;
                    }};
                }
                // A jump to the head of a loop.
                macro_rules! jump_back {
                    ($t:expr) => {{
                        poll!();
                        // SAFETY: as above.
                        pc = unsafe {
                            let code = (*frame).code;
                            code.words.as_ptr().add($t as usize)
                        };
                        go_on!(1);
                    }};
                }
                macro_rules! jump {
                    ($t:expr) => {{
                        // SAFETY: as above.
                        pc = unsafe {
                            let code = (*frame).code;
                            code.words.as_ptr().add($t as usize)
                        };
                        continue 'next;
                    }};
                }
                macro_rules! konst {
                    ($i:expr) => {
                        // SAFETY: as above.
                        unsafe {
                            let code = (*frame).code;
                            *code.consts.cast::<ArrayObj>().items_ptr().add($i as usize)
                        }
                    };
                }
                macro_rules! name {
                    ($i:expr) => {
                        // SAFETY: as above.
                        unsafe {
                            let code = (*frame).code;
                            *code.names.cast::<ArrayObj>().items_ptr().add($i as usize)
                        }
                    };
                }
                macro_rules! code {
                    () => {
                        // SAFETY: as above.
                        unsafe { (*frame).code }
                    };
                }
                macro_rules! poll {
                    () => {
                        if attention().any() {
                            sync!();
                            if pc != cleaned && !std::mem::take(&mut looked) && vm.has_dropped(false) {
                                return Ok(Next::Looks);
                            }
                            tri!(vm.poll());
                        }
                    };
                }
                // Something may just have been dropped; `pc` stands at the next instruction.
                macro_rules! look {
                    ($certainly:expr) => {
                        let looking =
                            if $certainly { attention().is_watching() } else { attention().is_looking() };
                        if looking {
                            sync!();
                            if vm.has_dropped($certainly) {
                                // SAFETY: as above.
                                unsafe { (*frame).set_mark(mark::PAST, true) };
                                return Ok(Next::Looks);
                            }
                        }
                    };
                }
                // As `step!`, of an instruction that may have dropped something.
                macro_rules! drop_step {
                    ($n:expr, $certainly:expr) => {{
                        // SAFETY: as above.
                        pc = unsafe { pc.add($n) };
                        look!($certainly);
                        continue 'next;
                    }};
                }
                // The next instruction's operand word without dispatching it: for fusing a comparison with its jump.
                macro_rules! branch_on {
                    ($dst:expr, $words:expr, $b:expr) => {{
                        let b: bool = $b;
                        // SAFETY: an instruction always follows.
                        let next = unsafe { Word((*pc.add($words)).get()) };
                        let op = next.op_byte();
                        if (op == Op::JumpIfFalse as u8 || op == Op::JumpIfTrue as u8)
                            && next.a() == $dst
                            && next.x() == 0
                        {
                            if b == (op == Op::JumpIfTrue as u8) {
                                jump!(next.bc());
                            }
                            step!($words + 1);
                        }
                        set!($dst, Value::bool(b));
                        step!($words);
                    }};
                }
                macro_rules! arith {
                    ($w:ident, $fast:ident, $right:expr) => {{
                        let (a, b) = (reg!($w.b()), $right);
                        let r = match arith::$fast(a, b) {
                            Some(r) => r,
                            None => {
                                sync!();
                                tri!(vm.binary_op($w.x(), a, b))
                            }
                        };
                        set!($w.a(), r);
                        step!(2)
                    }};
                }
                // A value arrives in the caller, whose frame is on top again.
                macro_rules! deliver {
                    ($ret:expr, $v:expr) => {{
                        reload!();
                        set!($ret, $v);
                        // SAFETY: as above.
                        pc = unsafe { pc.add(1) };
                        look!(false);
                        go_on!(0)
                    }};
                }
                // A value leaves the generator on top: to whoever resumed it, and on through those that delegate to it.
                macro_rules! yield_up {
                    ($v:expr) => {{
                        let v = $v;
                        let ret = loop {
                            // SAFETY: as above.
                            let (entry, ret) = unsafe { ((*frame).entry, (*frame).ret) };
                            vm.suspend_generator(frame);
                            if entry {
                                return Ok(Next::Returned(v));
                            }
                            if ret != frames::DELEGATED {
                                break ret;
                            }
                            frame = vm.frame_top.get();
                            // SAFETY: as above; it stands at its YieldFrom.
                            if unsafe { Word((*(*frame).pc).get()) }.op_byte() == Op::Stop as u8 {
                                tri!(vm.delegate_yields(v));
                            }
                        };
                        deliver!(ret, v)
                    }};
                }
                // The frame on top returns a value.
                macro_rules! leave {
                    ($v:expr) => {{
                        let v = $v;
                        sync!();
                        // SAFETY: as above.
                        let (entry, ret, special) = unsafe {
                            (
                                (*frame).entry,
                                (*frame).ret,
                                !(*frame).generator.is_empty() || !(*frame).ctor.is_empty(),
                            )
                        };
                        if special {
                            match tri!(vm.return_special(frame, v)) {
                                calls::Left::Entry(v) => return Ok(Next::Returned(v)),
                                calls::Left::Deliver(v) => deliver!(ret, v),
                                calls::Left::Exhausted if ret == frames::DELEGATED => {
                                    reload!();
                                    // SAFETY: the caller's pc stands at its YieldFrom.
                                    let w = Word(unsafe { (*pc).get() });
                                    if w.op_byte() == Op::Stop as u8 {
                                        tri!(vm.delegate_returned(v));
                                    }
                                    set!(w.a(), v);
                                    step!(1)
                                }
                                calls::Left::Exhausted => {
                                    reload!();
                                    // SAFETY: the caller's pc stands at the cache word of its ForIter.
                                    let w = Word(unsafe { (*pc.sub(1)).get() });
                                    if w.op_byte() == Op::Stop as u8 && !v.is_none() {
                                        tri!(vm.delegate_returned(v));
                                    }
                                    jump!(w.xc())
                                }
                            }
                        }
                        vm.pop_frame(frame, true);
                        if entry {
                            return Ok(Next::Returned(v));
                        }
                        deliver!(ret, v)
                    }};
                }
                macro_rules! flow {
                    ($e:expr, $dst:expr, $words:expr) => {
                        match tri!($e) {
                            Flow::Enter => {
                                reload!();
                                go_on!(jit::CALL_HEAT);
                            }
                            Flow::Value(v) => {
                                set!($dst, v);
                                drop_step!($words, false);
                            }
                        }
                    };
                }

                // SAFETY: as above.
                let w = Word(unsafe { (*pc).get() });
                // SAFETY: code words at instruction boundaries are instructions of the table.
                let mut op: Op = unsafe { std::mem::transmute::<u8, Op>(w.op_byte()) };
                // Once, but for stops, which go on with the instruction in their place.
                loop {
                    match op {
                        Op::Nop => step!(1),
                        Op::Stop => {
                            sync!();
                            if !WATCHED {
                                return Ok(Next::Stops);
                            }
                            match tri!(vm.at_stop()) {
                                Stop::Do(original) => op = original,
                                Stop::Moved => {
                                    reload!();
                                    continue 'next;
                                }
                                Stop::Done(v, words) => {
                                    set!(w.a(), v);
                                    step!(words)
                                }
                            }
                        }
                        Op::Unfold => {
                            code::unfold(code!());
                            pc = code!().words.as_ptr();
                            sync!();
                            continue 'next;
                        }
                        Op::Move => {
                            set!(w.a(), reg!(w.b()));
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(1)
                        }
                        Op::Clear => {
                            set!(w.a(), Value::EMPTY);
                            drop_step!(1, true)
                        }
                        Op::LoadConst => {
                            set!(w.a(), konst!(w.bc()));
                            step!(1)
                        }
                        Op::LoadSmallInt => {
                            set!(w.a(), Value::int(w.bc() as i64));
                            step!(1)
                        }
                        Op::LoadCommon => {
                            let t = &rt().types;
                            set!(
                                w.a(),
                                if w.x() == 0 { t.assertion_error } else { t.not_implemented_error }.value()
                            );
                            step!(1)
                        }
                        Op::CheckBound => {
                            if reg!(w.a()).is_empty() {
                                sync!();
                                break 'run vm.unbound_local(code!(), w.a());
                            }
                            step!(1)
                        }
                        Op::MakeCell => {
                            sync!();
                            set!(w.a(), CellObj::new(reg!(w.a())).value());
                            step!(1)
                        }
                        Op::LoadDeref => {
                            // SAFETY: the operand register holds a cell.
                            let v = unsafe { reg!(w.b()).cast::<CellObj>() }.content.get();
                            if v.is_empty() {
                                sync!();
                                break 'run vm.unbound_local(code!(), w.b());
                            }
                            set!(w.a(), v);
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(1)
                        }
                        Op::StoreDeref => {
                            // SAFETY: the operand register holds a cell.
                            let c = unsafe { reg!(w.a()).cast::<CellObj>() };
                            c.content.set(c, reg!(w.b()));
                            step!(1)
                        }
                        Op::DelDeref => {
                            // SAFETY: the operand register holds a cell.
                            let c = unsafe { reg!(w.a()).cast::<CellObj>() };
                            if c.content.get().is_empty() {
                                sync!();
                                break 'run vm.unbound_local(code!(), w.a());
                            }
                            c.content.set_no_barrier(Value::EMPTY);
                            drop_step!(1, true)
                        }
                        Op::LoadName => {
                            sync!();
                            set!(w.a(), tri!(vm.load_name(frame, name!(w.bc()), pc)));
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(3)
                        }
                        Op::StoreName => {
                            sync!();
                            tri!(vm.store_name(frame, name!(w.bc()), reg!(w.a())));
                            step!(3)
                        }
                        Op::DelName => {
                            sync!();
                            tri!(vm.del_name(frame, name!(w.bc())));
                            drop_step!(1, true)
                        }
                        Op::LoadGlobal => {
                            // SAFETY: two cache words follow.
                            let v = match unsafe { names::cached_global(frame, pc.add(1)) } {
                                Some(v) => v,
                                None => {
                                    sync!();
                                    tri!(vm.load_global(frame, name!(w.bc()), pc))
                                }
                            };
                            set!(w.a(), v);
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(3)
                        }
                        Op::StoreGlobal => {
                            sync!();
                            // SAFETY: as above.
                            tri!(vm.store_in(unsafe { (*frame).globals }, name!(w.bc()), reg!(w.a())));
                            step!(3)
                        }
                        Op::DelGlobal => {
                            sync!();
                            tri!(vm.del_global(frame, name!(w.bc())));
                            drop_step!(1, true)
                        }
                        Op::LoadLocals => {
                            sync!();
                            // SAFETY: as above.
                            let l = unsafe { (*frame).locals };
                            if l.is_empty() {
                                break 'run vm.system_error("no locals");
                            }
                            set!(w.a(), l);
                            step!(1)
                        }
                        Op::LoadFromDictOrDeref => {
                            sync!();
                            set!(
                                w.a(),
                                tri!(vm.from_dict_or_deref(code!(), reg!(w.b()), reg!(w.c()), w.c()))
                            );
                            step!(1)
                        }
                        Op::LoadFromDictOrGlobals => {
                            sync!();
                            set!(w.a(), tri!(vm.from_dict_or_globals(frame, reg!(w.b()), name!(w.c()))));
                            step!(1)
                        }
                        Op::LoadBuildClass => {
                            sync!();
                            set!(w.a(), tri!(vm.load_build_class(frame)));
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(1)
                        }
                        Op::SetupAnnotations => {
                            sync!();
                            tri!(vm.setup_annotations(frame));
                            step!(1)
                        }

                        Op::LoadAttr => {
                            let obj = reg!(w.b());
                            // SAFETY: four cache words follow.
                            let v = match unsafe { attrs::cached_attr(code!(), obj, pc.add(1)) } {
                                Some(v) => v,
                                None => {
                                    sync!();
                                    tri!(vm.load_attr(code!(), obj, name!(w.c()), pc))
                                }
                            };
                            set!(w.a(), v);
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(5)
                        }
                        Op::LoadMethod => {
                            let obj = reg!(w.b());
                            // SAFETY: four cache words follow.
                            let (f, this) = match unsafe { attrs::cached_method(code!(), obj, pc.add(1)) } {
                                Some(p) => p,
                                None => {
                                    sync!();
                                    tri!(vm.load_method(code!(), obj, name!(w.c()), pc))
                                }
                            };
                            set!(w.a(), f);
                            set!(w.a() + 1, this);
                            step!(5)
                        }
                        Op::StoreAttr => {
                            let obj = reg!(w.a());
                            // SAFETY: four cache words follow.
                            if !unsafe { attrs::cached_store(obj, reg!(w.b()), pc.add(1)) } {
                                sync!();
                                tri!(vm.store_attr(code!(), obj, name!(w.c()), reg!(w.b()), pc));
                            }
                            step!(5)
                        }
                        Op::DelAttr => {
                            sync!();
                            tri!(vm.del_attr(reg!(w.a()), name!(w.c())));
                            drop_step!(1, true)
                        }
                        Op::LoadSuperAttr => {
                            sync!();
                            let b = w.b();
                            let (v, _) = tri!(vm.load_super(
                                reg!(b),
                                reg!(b + 1),
                                reg!(b + 2),
                                name!(w.c()),
                                w.x() & 2 != 0,
                                false
                            ));
                            set!(w.a(), v);
                            if w.x() & 1 != 0 {
                                set!(w.a() + 1, Value::EMPTY);
                            }
                            step!(2)
                        }
                        Op::LoadSuperMethod => {
                            sync!();
                            let b = w.b();
                            let (f, this) = tri!(vm.load_super(
                                reg!(b),
                                reg!(b + 1),
                                reg!(b + 2),
                                name!(w.c()),
                                w.x() & 2 != 0,
                                true
                            ));
                            set!(w.a(), f);
                            set!(w.a() + 1, this);
                            step!(2)
                        }
                        Op::LoadSubscr => {
                            let (c, k) = (reg!(w.b()), reg!(w.c()));
                            let v = match build::fast_item(c, k) {
                                Some(v) => v,
                                None => {
                                    sync!();
                                    flow!(vm.subscr(c, k, w.a()), w.a(), 2)
                                }
                            };
                            set!(w.a(), v);
                            step!(2)
                        }
                        Op::LoadSubscrK => {
                            let (c, k) = (reg!(w.b()), konst!(w.c()));
                            let v = match build::fast_item(c, k) {
                                Some(v) => v,
                                None => {
                                    sync!();
                                    flow!(vm.subscr(c, k, w.a()), w.a(), 2)
                                }
                            };
                            set!(w.a(), v);
                            step!(2)
                        }
                        Op::StoreSubscr => {
                            let (c, k, v) = (reg!(w.a()), reg!(w.b()), reg!(w.c()));
                            sync!();
                            if !build::fast_store(c, k, v) {
                                tri!(vm.store_subscr(c, k, v));
                            }
                            step!(2)
                        }
                        Op::DelSubscr => {
                            sync!();
                            tri!(vm.del_item(reg!(w.a()), reg!(w.b())));
                            drop_step!(1, true)
                        }
                        Op::LoadSlice => {
                            sync!();
                            let (o, from, to) = (reg!(w.b()), reg!(w.c()), reg!(w.c() + 1));
                            let v = match build::fast_slice(o, from, to) {
                                Some(v) => v,
                                None => {
                                    let s = SliceObj::new(from, to, Value::NONE);
                                    tri!(vm.get_item(o, s.value()))
                                }
                            };
                            set!(w.a(), v);
                            step!(1)
                        }
                        Op::StoreSlice => {
                            sync!();
                            let s = SliceObj::new(reg!(w.b()), reg!(w.b() + 1), Value::NONE);
                            tri!(vm.set_item(reg!(w.a()), s.value(), reg!(w.c())));
                            step!(1)
                        }
                        Op::BuildSlice => {
                            sync!();
                            let third = if w.c() == 3 { reg!(w.b() + 2) } else { Value::NONE };
                            set!(w.a(), SliceObj::new(reg!(w.b()), reg!(w.b() + 1), third).value());
                            step!(1)
                        }

                        Op::UnaryNeg => {
                            let v = reg!(w.b());
                            let r = if v.is_int() && v.as_int() != Value::INT_MIN {
                                Value::int(-v.as_int())
                            } else if v.is_float() {
                                Value::float(-v.as_float())
                            } else {
                                sync!();
                                tri!(vm.negate(v))
                            };
                            set!(w.a(), r);
                            step!(1)
                        }
                        Op::UnaryPos => {
                            sync!();
                            set!(w.a(), tri!(vm.unary(reg!(w.b()), crate::special::Special::Pos, "unary +")));
                            step!(1)
                        }
                        Op::UnaryInvert => {
                            let v = reg!(w.b());
                            let r = if v.is_int() {
                                Value::int(!v.as_int())
                            } else {
                                sync!();
                                tri!(vm.unary(v, crate::special::Special::Invert, "unary ~"))
                            };
                            set!(w.a(), r);
                            step!(1)
                        }
                        Op::UnaryNot => {
                            sync!();
                            let b = tri!(vm.truth(reg!(w.b())));
                            branch_on!(w.a(), 1, !b)
                        }
                        Op::ToBool => {
                            sync!();
                            let b = tri!(vm.truth(reg!(w.b())));
                            branch_on!(w.a(), 1, b)
                        }
                        Op::Add => arith!(w, fast_add, reg!(w.c())),
                        Op::AddK => arith!(w, fast_add, konst!(w.c())),
                        Op::Sub => arith!(w, fast_sub, reg!(w.c())),
                        Op::SubK => arith!(w, fast_sub, konst!(w.c())),
                        Op::Mul => arith!(w, fast_mul, reg!(w.c())),
                        Op::MulK => arith!(w, fast_mul, konst!(w.c())),
                        Op::TrueDiv => arith!(w, fast_truediv, reg!(w.c())),
                        Op::TrueDivK => arith!(w, fast_truediv, konst!(w.c())),
                        Op::FloorDiv => arith!(w, fast_floordiv, reg!(w.c())),
                        Op::FloorDivK => arith!(w, fast_floordiv, konst!(w.c())),
                        Op::Mod => arith!(w, fast_mod, reg!(w.c())),
                        Op::ModK => arith!(w, fast_mod, konst!(w.c())),
                        Op::And => arith!(w, fast_and, reg!(w.c())),
                        Op::AndK => arith!(w, fast_and, konst!(w.c())),
                        Op::BinaryOp => {
                            sync!();
                            set!(w.a(), tri!(vm.binary_op(w.x(), reg!(w.b()), reg!(w.c()))));
                            step!(2)
                        }
                        Op::BinaryOpK => {
                            sync!();
                            set!(w.a(), tri!(vm.binary_op(w.x(), reg!(w.b()), konst!(w.c()))));
                            step!(2)
                        }
                        Op::Compare => {
                            let (a, b) = (reg!(w.b()), reg!(w.c()));
                            if let Some(r) = arith::fast_compare(a, b, w.x()) {
                                branch_on!(w.a(), 2, r)
                            }
                            sync!();
                            let r = tri!(vm.compare(a, b, crate::ops::Cmp::from_index(w.x())));
                            if r.is_bool() {
                                branch_on!(w.a(), 2, r == Value::TRUE)
                            }
                            set!(w.a(), r);
                            step!(2)
                        }
                        Op::CompareK => {
                            let (a, b) = (reg!(w.b()), konst!(w.c()));
                            if let Some(r) = arith::fast_compare(a, b, w.x()) {
                                branch_on!(w.a(), 2, r)
                            }
                            sync!();
                            let r = tri!(vm.compare(a, b, crate::ops::Cmp::from_index(w.x())));
                            if r.is_bool() {
                                branch_on!(w.a(), 2, r == Value::TRUE)
                            }
                            set!(w.a(), r);
                            step!(2)
                        }
                        Op::Is => {
                            let r = vm.is(reg!(w.b()), reg!(w.c())) != (w.x() & 1 != 0);
                            branch_on!(w.a(), 1, r)
                        }
                        Op::Contains => {
                            sync!();
                            let r = tri!(vm.contains_op(reg!(w.c()), reg!(w.b()))) != (w.x() & 1 != 0);
                            branch_on!(w.a(), 2, r)
                        }

                        Op::Jump => jump!(w.bc()),
                        Op::JumpBack => jump_back!(w.bc()),
                        Op::JumpIfTrue => {
                            let v = reg!(w.a());
                            let b = if v.is_bool() {
                                v == Value::TRUE
                            } else {
                                sync!();
                                tri!(vm.truth(v))
                            };
                            if b {
                                if w.x() & 1 != 0 {
                                    jump_back!(w.bc());
                                }
                                jump!(w.bc())
                            }
                            step!(1)
                        }
                        Op::JumpIfFalse => {
                            let v = reg!(w.a());
                            let b = if v.is_bool() {
                                v == Value::TRUE
                            } else {
                                sync!();
                                tri!(vm.truth(v))
                            };
                            if !b {
                                if w.x() & 1 != 0 {
                                    jump_back!(w.bc());
                                }
                                jump!(w.bc())
                            }
                            step!(1)
                        }
                        Op::JumpIfNone => {
                            if reg!(w.a()).is_none() {
                                if w.x() & 1 != 0 {
                                    jump_back!(w.bc());
                                }
                                jump!(w.bc())
                            }
                            step!(1)
                        }
                        Op::JumpIfNotNone => {
                            if !reg!(w.a()).is_none() {
                                if w.x() & 1 != 0 {
                                    jump_back!(w.bc());
                                }
                                jump!(w.bc())
                            }
                            step!(1)
                        }

                        Op::BuildTuple => {
                            sync!();
                            // SAFETY: as above.
                            let items = unsafe {
                                std::slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize)
                            };
                            set!(w.a(), TupleObj::new(items).value());
                            step!(1)
                        }
                        Op::BuildList => {
                            sync!();
                            // SAFETY: as above.
                            let items = unsafe {
                                std::slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize)
                            };
                            set!(w.a(), ListObj::new(items).value());
                            step!(1)
                        }
                        Op::BuildSet => {
                            sync!();
                            // SAFETY: as above.
                            let items = unsafe {
                                std::slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize)
                            };
                            set!(w.a(), tri!(vm.build_set(items)));
                            step!(1)
                        }
                        Op::BuildMap => {
                            sync!();
                            // SAFETY: as above.
                            let items = unsafe {
                                std::slice::from_raw_parts(regs.add(w.b() as usize), 2 * w.c() as usize)
                            };
                            set!(w.a(), tri!(vm.build_map(items)));
                            step!(1)
                        }
                        Op::BuildString => {
                            sync!();
                            // SAFETY: as above.
                            let items = unsafe {
                                std::slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize)
                            };
                            set!(w.a(), build::concat_strings(items));
                            step!(1)
                        }
                        Op::ListAppend => {
                            sync!();
                            // SAFETY: the row says that it is an exact list.
                            unsafe { reg!(w.a()).cast::<ListObj>() }.push(reg!(w.b()));
                            step!(1)
                        }
                        Op::ListExtend => {
                            sync!();
                            tri!(vm.list_extend(reg!(w.a()), reg!(w.b())));
                            step!(1)
                        }
                        Op::ListToTuple => {
                            sync!();
                            // SAFETY: the row says that it is an exact list.
                            let l = unsafe { reg!(w.b()).cast::<ListObj>() };
                            set!(w.a(), TupleObj::new(l.snapshot().as_slice()).value());
                            step!(1)
                        }
                        Op::SetAdd => {
                            sync!();
                            tri!(vm.set_add_op(reg!(w.a()), reg!(w.b())));
                            step!(1)
                        }
                        Op::SetUpdate => {
                            sync!();
                            tri!(vm.set_update_op(reg!(w.a()), reg!(w.b())));
                            step!(1)
                        }
                        Op::MapAdd => {
                            sync!();
                            // SAFETY: the row says that it is an exact dict.
                            tri!(unsafe { reg!(w.a()).cast::<DictObj>() }.set(vm, reg!(w.b()), reg!(w.c())));
                            step!(1)
                        }
                        Op::DictUpdate => {
                            sync!();
                            tri!(vm.dict_update_op(reg!(w.a()), reg!(w.b())));
                            step!(1)
                        }
                        Op::DictMerge => {
                            sync!();
                            tri!(vm.dict_merge_op(reg!(w.a()), reg!(w.b()), reg!(w.c())));
                            step!(1)
                        }

                        Op::Call => {
                            poll!();
                            if let Some(f) = reg!(w.b()).downcast::<FunctionObj>() {
                                // SAFETY: the compiler's call layout: callee, self, arguments.
                                tri!(unsafe { vm.call_python(frame, pc, w, f) });
                                reload!();
                                go_on!(jit::CALL_HEAT);
                            }
                            // SAFETY: as above.
                            if let Some(r) = unsafe { vm.call_raw(frame, pc, w) } {
                                set!(w.a(), tri!(r));
                                drop_step!(3, false)
                            }
                            if calls::collects(reg!(w.b()))
                                && std::mem::replace(&mut cleaned, std::ptr::null()) != pc
                            {
                                sync!();
                                return Ok(Next::Collects);
                            }
                            // SAFETY: as above.
                            flow!(unsafe { vm.call_op(frame, pc, w) }, w.a(), 3)
                        }
                        Op::CallKw => {
                            poll!();
                            // SAFETY: an operand word follows.
                            let names = konst!(unsafe { (*pc.add(1)).get() });
                            // SAFETY: as for Call.
                            flow!(unsafe { vm.call_kw_op(frame, pc, w, names) }, w.a(), 4)
                        }
                        Op::CallEx => {
                            poll!();
                            sync!();
                            let b = w.b();
                            set!(w.a(), tri!(vm.call_ex(reg!(b), reg!(b + 2), reg!(b + 3))));
                            drop_step!(1, false)
                        }
                        Op::CallIntrinsic1 => {
                            sync!();
                            set!(w.a(), tri!(vm.intrinsic1(w.x(), reg!(w.b()), frame)));
                            step!(1)
                        }
                        Op::CallIntrinsic2 => {
                            sync!();
                            set!(w.a(), tri!(vm.intrinsic2(w.x(), reg!(w.b()), reg!(w.c()))));
                            step!(1)
                        }
                        Op::Return => leave!(reg!(w.a())),
                        Op::ReturnConst => leave!(konst!(w.bc())),
                        Op::MakeFunction => {
                            sync!();
                            set!(w.a(), vm.make_function(frame, konst!(w.bc())));
                            step!(1)
                        }
                        Op::SetFuncAttr => {
                            misc::set_func_attr(reg!(w.a()), w.x(), reg!(w.b()));
                            step!(1)
                        }

                        Op::GetIter => {
                            sync!();
                            set!(w.a(), tri!(vm.iter(reg!(w.b()))));
                            step!(1)
                        }
                        Op::ForIter => {
                            let it = reg!(w.b());
                            if it.is_ptr() {
                                let m = it.header().map();
                                let maps = &rt().maps;
                                if m == maps.range_iterator {
                                    // SAFETY: its map says so.
                                    match unsafe { it.cast::<RangeIterObj>() }.advance() {
                                        Some(v) => {
                                            set!(w.a(), v);
                                            step!(2)
                                        }
                                        None => jump!(w.xc()),
                                    }
                                }
                                if m == maps.list_iterator || m == maps.tuple_iterator {
                                    // A mirrored list makes its items as they are asked for.
                                    sync!();
                                    // SAFETY: its map says so.
                                    match crate::iteration::seq_next(unsafe { it.cast::<SeqIterObj>() }) {
                                        Some(v) => {
                                            set!(w.a(), v);
                                            step!(2)
                                        }
                                        None => jump!(w.xc()),
                                    }
                                }
                                if m == maps.generator {
                                    // SAFETY: its map says so.
                                    let g = unsafe { it.cast::<GeneratorObj>() };
                                    // The frame's pc stands at the cache word: delivered values go on after it.
                                    // SAFETY: a cache word follows.
                                    unsafe { (*frame).pc = pc.add(1) };
                                    if tri!(vm.enter_generator(g, w.a() as u32)) {
                                        reload!();
                                        go_on!(jit::CALL_HEAT);
                                    }
                                }
                            }
                            sync!();
                            let v = tri!(vm.next_of_any(it));
                            if v.is_empty() {
                                jump!(w.xc());
                            }
                            set!(w.a(), v);
                            step!(2)
                        }
                        Op::UnpackSequence => {
                            sync!();
                            // SAFETY: as above.
                            tri!(unsafe { vm.unpack(reg!(w.a()), regs.add(w.b() as usize), w.c() as usize) });
                            step!(2)
                        }
                        Op::UnpackEx => {
                            sync!();
                            // SAFETY: as above.
                            tri!(unsafe {
                                vm.unpack_ex(
                                    reg!(w.a()),
                                    regs.add(w.b() as usize),
                                    w.x() as usize,
                                    w.c() as usize,
                                )
                            });
                            step!(1)
                        }
                        Op::GetLen => {
                            sync!();
                            set!(w.a(), Value::int(tri!(vm.len(reg!(w.b()))) as i64));
                            step!(1)
                        }

                        Op::PushExcInfo => {
                            let e = reg!(w.b());
                            let old = vm.handled.replace(e);
                            set!(w.a(), if old.is_empty() { Value::NONE } else { old });
                            step!(1)
                        }
                        Op::PopExcInfo => {
                            let v = reg!(w.a());
                            vm.handled.set(if v.is_none() { Value::EMPTY } else { v });
                            drop_step!(1, true)
                        }
                        Op::Raise => {
                            sync!();
                            let (a, b) = (w.x() > 0, w.x() > 1);
                            let exc = if a { reg!(w.a()) } else { Value::EMPTY };
                            let cause = if b { reg!(w.b()) } else { Value::EMPTY };
                            if !a && let Some(e) = vm.handled_exception() {
                                // It is in its traceback already.
                                vm.leaves_here();
                                match vm.unwind(Raised::new(e), true) {
                                    Ok(()) => {
                                        reload!();
                                        continue 'next;
                                    }
                                    Err(r) => return Err(r),
                                }
                            }
                            break 'run vm.raise_op(exc, cause);
                        }
                        Op::Reraise => {
                            sync!();
                            let exc: Ptr<ExcObj> = reg!(w.a()).downcast().expect("an exception register");
                            if w.x() == 0 {
                                vm.leaves_here();
                            }
                            match vm.unwind(Raised::new(exc), true) {
                                Ok(()) => {
                                    reload!();
                                    continue 'next;
                                }
                                Err(r) => return Err(r),
                            }
                        }
                        Op::CheckExcMatch => {
                            sync!();
                            let b = tri!(vm.exc_match_op(reg!(w.b()), reg!(w.c())));
                            branch_on!(w.a(), 1, b)
                        }
                        Op::CheckEgMatch => {
                            sync!();
                            let (m, rest) = tri!(vm.eg_match_op(reg!(w.b()), reg!(w.c())));
                            if !m.is_none() {
                                vm.handled.set(m);
                            }
                            set!(w.b(), rest);
                            set!(w.a(), m);
                            step!(1)
                        }
                        Op::PrepReraiseStar => {
                            sync!();
                            set!(w.a(), tri!(vm.prep_reraise_star(reg!(w.b()), reg!(w.c()))));
                            step!(1)
                        }
                        Op::LoadSpecial => {
                            sync!();
                            let (f, this) = tri!(vm.load_special(reg!(w.b()), w.x()));
                            set!(w.a(), f);
                            set!(w.a() + 1, this);
                            step!(1)
                        }
                        Op::ExcTriple => {
                            let e = reg!(w.b());
                            let x: Ptr<ExcObj> = e.downcast().expect("an exception register");
                            set!(w.a(), crate::runtime::type_of(e).value());
                            set!(w.a() + 1, e);
                            set!(w.a() + 2, x.traceback.get());
                            step!(1)
                        }

                        Op::ReturnGenerator => {
                            sync!();
                            // SAFETY: as above.
                            let (g, entry, ret) = unsafe {
                                let f = &*frame;
                                (vm.make_generator(f, f.lasti()), f.entry, f.ret)
                            };
                            vm.pop_frame(frame, true);
                            if entry {
                                return Ok(Next::Returned(g.value()));
                            }
                            reload!();
                            set!(ret, g.value());
                            step!(1)
                        }
                        Op::Yield => {
                            sync!();
                            let mut v = reg!(w.b());
                            if w.x() & 1 != 0 {
                                v = crate::generator::AsyncGenAuxObj::new(
                                    rt().maps.async_gen_wrapped,
                                    v,
                                    Value::EMPTY,
                                )
                                .value();
                            }
                            yield_up!(v)
                        }
                        Op::YieldFrom => {
                            sync!();
                            let (it, v) = (reg!(w.b()), reg!(w.c()));
                            if tri!(vm.enter_delegate(it, v)) {
                                reload!();
                                continue 'next;
                            }
                            match tri!(vm.send_to(it, v)) {
                                crate::generator::Sent::Returned(v) => {
                                    if w.op_byte() == Op::Stop as u8
                                        && (it.is::<GeneratorObj>() || it.is::<AsyncGenAuxObj>())
                                    {
                                        tri!(vm.delegate_returned(v));
                                    }
                                    set!(w.a(), v);
                                    step!(1)
                                }
                                crate::generator::Sent::Yielded(v) => {
                                    if w.op_byte() == Op::Stop as u8 {
                                        tri!(vm.delegate_yields(v));
                                    }
                                    yield_up!(v)
                                }
                            }
                        }
                        Op::GetAwaitable => {
                            sync!();
                            set!(w.a(), tri!(vm.get_awaitable(reg!(w.b()), w.x())));
                            step!(1)
                        }
                        Op::GetYieldFromIter => {
                            sync!();
                            set!(w.a(), tri!(vm.yield_from_iter(code!(), reg!(w.b()))));
                            step!(1)
                        }
                        Op::GetAIter => {
                            sync!();
                            set!(w.a(), tri!(vm.get_aiter(reg!(w.b()))));
                            step!(1)
                        }
                        Op::GetANext => {
                            sync!();
                            set!(w.a(), tri!(vm.get_anext(reg!(w.b()))));
                            step!(1)
                        }
                        Op::EndAsyncFor => {
                            sync!();
                            let e = reg!(w.a());
                            if crate::runtime::type_of(e).is_subtype(rt().types.stop_async_iteration) {
                                step!(1)
                            }
                            let exc: Ptr<ExcObj> = e.downcast().expect("an exception register");
                            match vm.unwind(Raised::new(exc), true) {
                                Ok(()) => {
                                    reload!();
                                    continue 'next;
                                }
                                Err(r) => return Err(r),
                            }
                        }

                        Op::ImportName => {
                            sync!();
                            set!(w.a(), tri!(vm.import_name(frame, name!(w.c()), konst!(w.b()), w.x())));
                            step!(1)
                        }
                        Op::ImportFrom => {
                            sync!();
                            set!(w.a(), tri!(vm.import_from(reg!(w.b()), name!(w.c()))));
                            step!(1)
                        }

                        Op::MatchSequence => {
                            let t = crate::runtime::type_of(reg!(w.b()));
                            branch_on!(w.a(), 1, t.has(TypeFlags::SEQUENCE))
                        }
                        Op::MatchMapping => {
                            let t = crate::runtime::type_of(reg!(w.b()));
                            branch_on!(w.a(), 1, t.has(TypeFlags::MAPPING))
                        }
                        Op::MatchKeys => {
                            sync!();
                            set!(w.a(), tri!(vm.match_keys(reg!(w.b()), reg!(w.c()))));
                            step!(1)
                        }
                        Op::MatchClass => {
                            sync!();
                            let b = w.b();
                            set!(
                                w.a(),
                                tri!(vm.match_class(reg!(b), reg!(b + 1), reg!(b + 2), w.c() as usize))
                            );
                            step!(1)
                        }
                        Op::FormatValue => {
                            sync!();
                            let spec = if w.x() & 4 != 0 { reg!(w.c()) } else { Value::EMPTY };
                            set!(w.a(), tri!(vm.format_value(reg!(w.b()), w.x() & 3, spec)));
                            step!(1)
                        }
                        Op::BuildInterpolation => {
                            sync!();
                            let b = w.b();
                            let spec = if w.x() & 4 != 0 { reg!(b + 2) } else { Value::EMPTY };
                            set!(w.a(), tri!(vm.build_interpolation(reg!(b), reg!(b + 1), w.x() & 3, spec)));
                            step!(1)
                        }
                        Op::BuildTemplate => {
                            sync!();
                            set!(w.a(), tri!(vm.build_template(reg!(w.b()), reg!(w.c()))));
                            step!(1)
                        }
                    }
                }
            }
        };
        match vm.unwind(raised, false) {
            Ok(()) if vm.handles_here() => return Ok(Next::Hot),
            Ok(()) => reload!(),
            Err(r) => return Err(r),
        }
    }
}
