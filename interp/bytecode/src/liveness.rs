//! Which temporaries still matter at an instruction.
//!
//! Variables live until their frame ends, as users expect of `locals()`, those of inlined comprehensions too. Temporaries above them are dead once no
//! path reads them again, and a full collection must not find objects through them: `weakref`s and finalizers would see
//! objects that the program has dropped. The analysis is the classic backward one, over the same table of effects as [`verify`](crate::verify).

use crate::verify::{Set, effect};
use crate::{CodeUnit, Kind, Op};

/// For each word of the code, the registers that are read by its instruction or after it.
pub struct Liveness {
    first: usize,
    rows: Vec<Set>,
}

impl Liveness {
    /// Analyses a unit that [`verify`](crate::verify::verify) accepts.
    pub fn new(code: &CodeUnit) -> Liveness {
        let none = Set::new(code.nregs as usize);
        let flows = Flow::all(code);
        let before = live_before(code, &flows);
        // While an instruction runs, what lives after it must not be lost; only its one destination is written at the end.
        let mut rows = vec![none.clone(); code.code.len()];
        for f in &flows {
            let mut row = f.live_after(&before, &none);
            if let Some(r) = f.destination {
                row.remove(r);
            }
            f.add_entry_uses(&before, &mut row);
            rows[f.pc..f.pc + f.words].fill(row);
        }
        let named = code.temp_names.iter().map(|&(register, _)| register as usize + 1);
        Liveness { first: named.max().unwrap_or(0).max(code.first_temp()), rows }
    }

    /// Whether register `reg` matters while the instruction at word `pc` (or one of its further words) runs.
    #[inline]
    pub fn is_live(&self, pc: u32, reg: usize) -> bool {
        reg < self.first || self.rows.get(pc as usize).is_none_or(|row| row.has(reg as u32))
    }
}

/// The registers from `first` on that are read by the instruction at a word, or after it, before they are written.
pub fn live_at(code: &CodeUnit, word: u32, first: u16) -> Vec<u16> {
    let before = live_before(code, &Flow::all(code));
    let row = &before[word as usize];
    (first..code.nregs).filter(|&r| row.has(r as u32)).collect()
}

/// The registers that an instruction at a word reads, writes or clears.
pub fn touched(code: &CodeUnit, word: u32, op: Op) -> Vec<u32> {
    let mut flow = Flow::new(code, word as usize, op);
    flow.uses.append(&mut flow.kills);
    flow.uses
}

/// What lives before each instruction, by its word.
fn live_before(code: &CodeUnit, flows: &[Flow]) -> Vec<Set> {
    let none = Set::new(code.nregs as usize);
    let mut before = vec![none.clone(); code.code.len()];
    // Until nothing changes any more.
    let mut changed = true;
    while changed {
        changed = false;
        for f in flows.iter().rev() {
            let mut row = f.live_after(&before, &none);
            f.kills.iter().for_each(|&r| row.remove(r));
            f.add_entry_uses(&before, &mut row);
            changed |= row != before[f.pc];
            before[f.pc] = row;
        }
    }
    before
}

/// An instruction as the analysis sees it.
struct Flow {
    pc: usize,
    words: usize,
    next: Option<usize>,
    target: Option<usize>,
    /// The handler of exceptions that are raised here, and the register it gets the exception in.
    handler: Option<(usize, u32)>,
    uses: Vec<u32>,
    kills: Vec<u32>,
    destination: Option<u32>,
    /// The target is reached without the write.
    target_unwritten: bool,
}

impl Flow {
    fn all(code: &CodeUnit) -> Vec<Flow> {
        code.instructions().map(|(pc, op, _)| Flow::new(code, pc as usize, op)).collect()
    }

    fn new(code: &CodeUnit, pc: usize, op: Op) -> Flow {
        let word = code.code[pc];
        let e = effect(code, pc, op, word).unwrap_or_default();
        let mut uses = e.reads;
        let (a, b, c) = (word.a() as u32, word.b() as u32, word.c() as u32);
        match op {
            Op::CheckBound | Op::MakeCell => uses.push(a),
            Op::Call | Op::CallKw => uses.extend(b..b + 2 + c),
            Op::CallEx => uses.extend(b..b + 4),
            _ => {}
        }
        let plain = op.info().operands.iter().any(|&(_, k)| k == Kind::Dst);
        let destination = (plain && e.writes.len() == 1).then(|| e.writes[0]);
        Flow {
            pc,
            words: op.words(),
            next: (!e.ends).then(|| pc + op.words()),
            target: e.target.map(|t| t as usize),
            handler: code.find_handler(pc as u32).map(|h| (h.handler as usize, h.reg as u32)),
            uses,
            kills: e.writes.into_iter().chain(e.clears).collect(),
            destination,
            target_unwritten: op == Op::ForIter,
        }
    }

    /// What lives after the instruction, on the paths on which it has written its results.
    fn live_after(&self, before: &[Set], none: &Set) -> Set {
        let mut out = none.clone();
        let jump = self.target.filter(|_| !self.target_unwritten);
        [self.next, jump].into_iter().flatten().for_each(|at| out.join(&before[at]));
        out
    }

    /// Adds what the instruction itself needs, and what lives on the paths on which it writes nothing.
    fn add_entry_uses(&self, before: &[Set], out: &mut Set) {
        if let Some(t) = self.target.filter(|_| self.target_unwritten) {
            out.join(&before[t]);
        }
        if let Some((at, reg)) = self.handler {
            let mut handler = before[at].clone();
            handler.remove(reg);
            out.join(&handler);
        }
        self.uses.iter().for_each(|&r| out.add(r));
    }
}
