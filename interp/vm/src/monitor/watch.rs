//! Which code is instrumented, and where.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use cape_bytecode::{Op, Word, flags};
use cape_heap::Ptr;

use super::{ALL_TOOLS, BRANCHES, Event, MONITOR, PROFILE};
use crate::eval::{specialise, specialise_at};
use crate::frame::mark;
use crate::object::*;

/// What kind of place an instruction is, whoever watches.
pub(super) mod place {
    /// The function begins here.
    pub const START: u8 = 1;
    /// A generator may go on here.
    pub const RESUME: u8 = 2;
    /// A line may begin here: it is another one's than the instruction before, or somebody jumps here.
    pub const LINE: u8 = 4;
    /// A branch leads here, or goes on here.
    pub const BRANCHED: u8 = 8;
}

/// What is known of code that was instrumented once.
pub(crate) struct Watch {
    /// What each tool watches in this code alone.
    own: [Cell<u32>; ALL_TOOLS],
    /// Per word: kinds of place; 0 in the middle of instructions, too.
    places: Box<[u8]>,
    /// Per word: the line, or [`NO_LINE`].
    lines: Box<[u32]>,
    /// Tools that want no more of an event at an instruction, and the count of restarts when they said so.
    disabled: RefCell<HashMap<(u32, u8), u8>>,
    restarts: Cell<u32>,
}

/// Of words without one, and before any.
pub(super) const NO_LINE: u32 = u32::MAX;

impl Watch {
    /// That of this code, made if need be.
    pub(super) fn of(code: Ptr<CodeObj>) -> &'static Watch {
        let watch = code.watch.get_or_init(|| Box::new(Watch::new(code)));
        // SAFETY: it lives as long as the code, which the caller's frame, or whoever named it, holds.
        unsafe { &*std::ptr::from_ref::<Watch>(watch) }
    }

    fn new(code: Ptr<CodeObj>) -> Watch {
        let unit = &code.unit;
        let n = unit.code.len();
        let (mut places, mut lines) = (vec![0u8; n + 1].into_boxed_slice(), vec![NO_LINE; n + 1]);
        for (start, words, p) in unit.positions.runs() {
            if let Some(p) = p {
                let end = (start + words).min(n as u32);
                lines[start as usize..end as usize].fill(p.line);
            }
        }
        // What comes before all that has a line is on that of the call.
        let first = lines.iter().position(|&line| line != NO_LINE).unwrap_or(n);
        lines[..first].fill(code.first_line());
        let generator = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR;
        if unit.flags & generator == 0 {
            places[0] |= place::START;
        }
        let mut before = NO_LINE;
        for (at, op, w) in unit.instructions() {
            let next = (at as usize + op.words()).min(n);
            let line = lines[at as usize];
            // What makes cells and the generator itself belongs to the call.
            let prologue = matches!(op, Op::MakeCell | Op::ReturnGenerator);
            // The end of a loop is no line of its own; `continue` is.
            let closes = op == Op::JumpBack && line == lines[w.bc() as usize];
            if !prologue && !closes {
                if line != NO_LINE && line != before {
                    places[at as usize] |= place::LINE;
                }
                before = line;
            }
            match op {
                Op::ReturnGenerator => places[next] |= place::START,
                Op::Yield => places[next] |= place::RESUME,
                Op::YieldFrom => {
                    places[at as usize] |= place::RESUME;
                    places[next] |= place::RESUME;
                }
                _ => {}
            }
            if let Some(to) = target(op, w) {
                places[to as usize] |= place::LINE | place::BRANCHED;
                if !matches!(op, Op::Jump | Op::JumpBack) {
                    places[next] |= place::BRANCHED;
                }
            }
        }
        for e in &unit.exceptions {
            places[e.handler as usize] |= place::LINE;
        }
        for (at, op, w) in unit.instructions() {
            let line = lines[at as usize];
            if line == NO_LINE || op == Op::JumpBack && line == lines[w.bc() as usize] {
                places[at as usize] &= !place::LINE;
            }
        }
        Watch {
            own: [const { Cell::new(0) }; ALL_TOOLS],
            places,
            lines: lines.into(),
            disabled: RefCell::default(),
            restarts: Cell::new(MONITOR.restarts.get()),
        }
    }

    pub(super) fn own(&self, tool: usize) -> u32 {
        self.own[tool].get()
    }

    pub(super) fn set_own(&self, tool: usize, events: u32) {
        self.own[tool].set(events);
    }

    pub(super) fn place(&self, at: u32) -> u8 {
        self.places[at as usize]
    }

    /// The line of a word, or [`NO_LINE`].
    pub(super) fn line(&self, at: u32) -> u32 {
        self.lines[at as usize]
    }

    /// The tools that have disabled an event at an instruction.
    pub(super) fn disabled(&self, at: u32, event: Event) -> u8 {
        if self.restarts.replace(MONITOR.restarts.get()) != MONITOR.restarts.get() {
            self.disabled.borrow_mut().clear();
        }
        self.disabled.borrow().get(&(at, event as u8)).copied().unwrap_or(0)
    }

    /// A tool wants no more of an event at an instruction.
    pub(super) fn disable(&self, at: u32, event: Event, tool: usize) {
        *self.disabled.borrow_mut().entry((at, event as u8)).or_default() |= 1 << tool;
    }

    /// What is watched in this code.
    fn wanted(&self) -> u32 {
        self.own.iter().fold(MONITOR.together.get(), |all, e| all | e.get())
    }

    /// The events that the instruction at this word is to be stopped at for, of those that are watched.
    fn stops_for(&self, at: u32, op: Op, wanted: u32) -> u32 {
        let place = self.places[at as usize];
        let mut events = Event::Instruction.bit();
        let mut add = |kind: u8, e: u32| {
            if place & kind != 0 {
                events |= e;
            }
        };
        add(place::START, Event::PyStart.bit());
        add(place::RESUME, Event::PyResume.bit());
        add(place::LINE, Event::Line.bit());
        add(place::BRANCHED, BRANCHES);
        events |= match op {
            Op::Return => Event::PyReturn.bit(),
            Op::Yield => Event::PyYield.bit(),
            Op::YieldFrom => Event::PyYield.bit() | Event::StopIteration.bit(),
            Op::Call | Op::CallKw | Op::CallEx | Op::LoadSuperAttr | Op::LoadSuperMethod => Event::Call.bit(),
            Op::Jump => Event::Jump.bit(),
            Op::JumpBack => Event::Jump.bit() | Event::Line.bit(),
            Op::JumpIfTrue | Op::JumpIfFalse | Op::JumpIfNone | Op::JumpIfNotNone => BRANCHES,
            Op::ForIter => BRANCHES | Event::StopIteration.bit(),
            _ => 0,
        };
        events & wanted
    }
}

/// Where a jump leads.
pub(super) fn target(op: Op, w: Word) -> Option<u32> {
    match op {
        Op::Jump | Op::JumpBack | Op::JumpIfTrue | Op::JumpIfFalse | Op::JumpIfNone | Op::JumpIfNotNone => {
            Some(w.bc())
        }
        Op::ForIter => Some(w.xc()),
        _ => None,
    }
}

/// Whether `at` is where an expression ends that has several ways to its end, and `part` is on one of them: what becomes of its value is on
/// no line, as in CPython.
pub(super) fn ends_expression(code: Ptr<CodeObj>, part: u32, at: u32) -> bool {
    let unit = &code.unit;
    let bounds = |pc| unit.position(pc).map(|p| ((p.line, p.col), (p.end_line, p.end_col)));
    let Some((begin, end)) = bounds(part) else { return false };
    unit.instructions().any(|(pc, op, w)| {
        target(op, w) == Some(at) && bounds(pc).is_some_and(|(b, e)| b <= begin && end <= e)
    })
}

/// The place of a code object in the list of those that have run.
pub(crate) struct Listed(Cell<u32>);

impl Listed {
    /// Of code that has not run.
    pub(crate) fn not_yet() -> Listed {
        Listed(Cell::new(u32::MAX))
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let i = self.0.get() as usize;
        let mut codes = MONITOR.codes.borrow_mut();
        if i < codes.len() {
            codes.swap_remove(i);
            if let Some(&moved) = codes.get(i) {
                // SAFETY: what is listed is alive, or has not been dropped yet.
                unsafe { (*moved).listed.0.0.set(i as u32) };
            }
        }
    }
}

/// Code has got its words: it is listed, and instrumented if somebody watches everything.
pub(crate) fn code_unfolded(code: Ptr<CodeObj>) {
    let mut codes = MONITOR.codes.borrow_mut();
    code.listed.0.0.set(codes.len() as u32);
    codes.push(&raw const *code);
    drop(codes);
    if MONITOR.together.get() != 0 {
        write_stops(code); // its frame is at the beginning
    }
}

/// The code that has run.
pub(super) fn codes() -> Vec<Ptr<CodeObj>> {
    // SAFETY: what is listed is code, old from birth.
    MONITOR.codes.borrow().iter().map(|&c| unsafe { Ptr::from_raw(c.cast_mut()) }).collect()
}

/// Instruments all code for what is watched now.
pub(super) fn instrument_all() {
    for code in codes() {
        if MONITOR.together.get() != 0 || code.watch.get().is_some() {
            write_stops(code);
        }
    }
    have_begun(None);
}

/// Instruments code for what is watched now; it is what it always was if that is nothing.
pub(super) fn instrument(code: Ptr<CodeObj>) {
    write_stops(code);
    have_begun(Some(code));
}

fn write_stops(code: Ptr<CodeObj>) {
    let watch = Watch::of(code);
    let mut wanted = watch.wanted();
    if MONITOR.everywhere[PROFILE].get() != 0 {
        wanted |= Event::Call.bit();
    }
    let mut stops = false;
    for (at, generic, word) in code.unit.instructions() {
        let form = if wanted == 0 { specialise_at(&code.unit, at) } else { specialise(word) };
        let op = form.op().expect("an instruction");
        let stop = watch.stops_for(at, generic, wanted) != 0;
        stops |= stop;
        let cell = &code.words[at as usize];
        cell.set(Word(cell.get()).with_op(if stop { Op::Stop } else { op }).0);
    }
    if stops {
        code.compiled.forbid();
    } else {
        code.compiled.allow();
    }
}

/// Frames that run this code, or any, are past their beginning.
fn have_begun(code: Option<Ptr<CodeObj>>) {
    crate::gil::each_vm(|vm| {
        vm.each_frame(|frame| {
            if code.is_none_or(|code| frame.code == code) {
                frame.set_mark(mark::STARTED, true);
            }
        });
    });
}
