//! `frame.f_lineno = n` in a trace function: the frame goes on at another line.

use std::sync::atomic::{Ordering, compiler_fence};

use cape_bytecode::{Kind, Op, Slot, live_at};
use cape_heap::{Ptr, Value};

use super::Event;
use super::watch::{NO_LINE, Watch};
use crate::exc::Res;
use crate::frame::FrameObj;
use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

/// What a temporary that lives over lines is for.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Held {
    /// The iterator of a loop.
    Iterator,
    /// What a handler was entered with, or what was handled before.
    Exception,
    /// What will be called, or its receiver, which may be none.
    Call,
    /// Anything else: what a `with` will call, an operand.
    Object,
}

/// The temporaries that matter at a word, in order, with what they are for.
fn held(code: Ptr<CodeObj>, at: u32) -> Vec<(u16, Held)> {
    let unit = &code.unit;
    let mut kinds = vec![Held::Object; unit.nregs as usize];
    for (pc, op, w) in unit.instructions().take_while(|&(pc, ..)| pc <= at) {
        for e in unit.exceptions.iter().filter(|e| e.handler == pc) {
            kinds[e.reg as usize] = Held::Exception;
        }
        let operands = op.info().operands;
        let pair = matches!(op, Op::LoadMethod | Op::LoadSuperMethod)
            || operands.contains(&(Slot::x, Kind::Null)) && w.x() & 1 != 0;
        if pc == at || !pair && !operands.contains(&(Slot::a, Kind::Dst)) {
            continue;
        }
        if pair {
            kinds[w.a() as usize..w.a() as usize + 2].fill(Held::Call);
            continue;
        }
        kinds[w.a() as usize] = match op {
            Op::GetIter | Op::GetAIter => Held::Iterator,
            Op::PushExcInfo => Held::Exception,
            _ => Held::Object,
        };
    }
    let lives = live_at(unit, at, unit.first_temp() as u16);
    lives.into_iter().map(|r| (r, kinds[r as usize])).collect()
}

/// What handlers that `from` is in and `to` is not saved when they were entered, the innermost first.
fn left_handlers(code: Ptr<CodeObj>, from: &[(u16, Held)], to: &[(u16, Held)]) -> Vec<u16> {
    let saves: Vec<u16> =
        code.unit.instructions().filter(|(_, op, _)| *op == Op::PushExcInfo).map(|(.., w)| w.a()).collect();
    let left = from.iter().filter(|h| h.1 == Held::Exception && saves.contains(&h.0) && !to.contains(h));
    left.map(|h| h.0).rev().collect()
}

impl Vm {
    /// Lets the frame go on at the first instruction of a line: ValueErrors where that is not possible.
    pub fn set_line(&self, frame: Ptr<FrameObj>, line: i64) -> Res<()> {
        let refuse = |text: &str| Err(self.value_error(text));
        match self.stops.reporting.get() {
            Some(Event::PyStart) => {
                return refuse("can't jump from the 'call' trace event of a new frame");
            }
            Some(
                Event::Line
                | Event::Jump
                | Event::BranchLeft
                | Event::BranchRight
                | Event::PyYield
                | Event::PyResume,
            ) => {}
            Some(Event::Call | Event::CReturn) => return refuse("can't jump during a call"),
            Some(_) => return refuse("can only jump from a 'line' trace event"),
            None => return refuse("f_lineno can only be set in a trace function"),
        }
        let live = frame.live.get();
        if live.is_null() || live != self.stops.reported.get() {
            return refuse("can only jump from a 'line' trace event");
        }
        let code = frame.code();
        let Ok(line) = i32::try_from(line) else { return refuse("lineno out of range") };
        if line < code.unit.first_line as i32 {
            return refuse(&format!("line {line} comes before the current code block"));
        }
        let watch = Watch::of(code);
        // Where lines begin, in the order of the code.
        let mut starts: Vec<(u32, u32)> = Vec::new();
        let mut last = NO_LINE;
        for (at, op, _) in code.unit.instructions() {
            let here = watch.line(at);
            if here != last && here != NO_LINE && !matches!(op, Op::MakeCell | Op::ReturnGenerator) {
                starts.push((at, here));
            }
            last = here;
        }
        let Some(line) = starts.iter().map(|s| s.1).filter(|&l| l as i32 >= line).min() else {
            return refuse(&format!("line {line} comes after the current code block"));
        };
        // SAFETY: a live frame.
        let from = held(code, unsafe { (*live).lasti() });
        let mut best: Option<(u32, Vec<(u16, Held)>)> = None;
        let mut why = "can't jump into unreachable code";
        for &(at, _) in starts.iter().filter(|s| s.1 == line) {
            let to = held(code, at);
            let fits = to.len() <= from.len() && to.iter().zip(&from).all(|(a, b)| a.1 == b.1 && a.0 == b.0);
            if fits {
                if best.as_ref().is_none_or(|b| to.len() > b.1.len()) {
                    best = Some((at, to));
                }
            } else if best.is_none() {
                why = match to.last() {
                    Some((_, Held::Iterator)) => "can't jump into the body of a for loop",
                    Some((_, Held::Exception)) => "can't jump into an 'except' block as there's no exception",
                    _ => "incompatible stacks",
                };
            }
        }
        let Some((at, to)) = best else { return refuse(why) };
        self.bind_unbound(code, frame)?;
        // SAFETY: a live frame's registers; the word begins an instruction of its code.
        unsafe {
            for save in left_handlers(code, &from, &to) {
                self.handled.set(*(*live).base.add(save as usize));
            }
            for &(r, _) in &from[to.len()..] {
                *(*live).base.add(r as usize) = Value::EMPTY;
            }
            (*live).pc = &raw const code.words[at as usize];
        }
        compiler_fence(Ordering::Release);
        Ok(())
    }

    /// The compiler may have found that a variable is bound where the frame goes: those that are not become None, with a warning.
    fn bind_unbound(&self, code: Ptr<CodeObj>, frame: Ptr<FrameObj>) -> Res<()> {
        let count = code.unit.varnames.len();
        let unbound: Vec<usize> = match frame.registers() {
            Some(regs) => (0..count).filter(|&i| regs[i].is_empty()).collect(),
            None => vec![],
        };
        if unbound.is_empty() {
            return Ok(());
        }
        let plural = if unbound.len() == 1 { "" } else { "s" };
        let text = format!("assigning None to {} unbound local{plural}", unbound.len());
        self.warn(rt().types.runtime_warning, &text)?;
        unbound.into_iter().for_each(|i| frame.set_register(i, Value::NONE));
        Ok(())
    }
}
