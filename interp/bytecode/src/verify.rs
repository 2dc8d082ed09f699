//! A checker of compiled code, independent of the compiler: every register is written before it is read on all paths, calls leave nothing live
//! above their window, jumps and table indexes are in range.

use crate::{CodeUnit, Const, Kind, Op, Slot, Word};

/// A set of registers, as bits.
#[derive(Clone, PartialEq)]
pub(crate) struct Set(Vec<u64>);

impl Set {
    pub fn new(n: usize) -> Set {
        Set(vec![0; n.div_ceil(64)])
    }

    pub fn has(&self, r: u32) -> bool {
        self.0.get(r as usize / 64).is_some_and(|w| w >> (r % 64) & 1 != 0)
    }

    pub fn add(&mut self, r: u32) {
        if let Some(w) = self.0.get_mut(r as usize / 64) {
            *w |= 1 << (r % 64);
        }
    }

    pub fn remove(&mut self, r: u32) {
        if let Some(w) = self.0.get_mut(r as usize / 64) {
            *w &= !(1 << (r % 64));
        }
    }

    fn remove_from(&mut self, r: u32, end: u32) {
        for i in r..end {
            self.remove(i);
        }
    }

    /// Unite.
    pub fn join(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    /// Intersect; whether anything changed.
    fn meet(&mut self, other: &Set) -> bool {
        let mut changed = false;
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            changed |= *a & !b != 0;
            *a &= b;
        }
        changed
    }
}

/// What an instruction reads and writes.
#[derive(Default)]
pub(crate) struct Effect {
    pub reads: Vec<u32>,
    pub writes: Vec<u32>,
    /// Made EMPTY.
    pub clears: Vec<u32>,
    /// All registers from here on are garbage afterwards (before the writes).
    clobbers: Option<u32>,
    pub target: Option<u32>,
    pub ends: bool,
}

fn field(code: &CodeUnit, pc: usize, word: Word, slot: Slot) -> u32 {
    word.field(slot, || code.code.get(pc + 1).map_or(0, |w| w.0)) as u32
}

pub(crate) fn effect(code: &CodeUnit, pc: usize, op: Op, word: Word) -> Result<Effect, String> {
    let mut e = Effect::default();
    let (x, a, b, c) = (word.x(), word.a() as u32, word.b() as u32, word.c() as u32);
    for &(slot, kind) in op.info().operands {
        let v = field(code, pc, word, slot);
        match kind {
            Kind::Dst => e.writes.push(v),
            Kind::Reg | Kind::Cell => e.reads.push(v),
            Kind::Mod => {
                e.reads.push(v);
                e.writes.push(v);
            }
            Kind::Const if v as usize >= code.consts.len() => return Err(format!("constant {v} at {pc}")),
            Kind::Name if v as usize >= code.names.len() => return Err(format!("name {v} at {pc}")),
            Kind::Target => e.target = Some(v),
            Kind::Null if v & 1 != 0 => e.clears.push(a + 1),
            _ => {}
        }
    }
    let run = |first: u32, n: u32| first..first + n;
    match op {
        // Reads that do not need a value.
        Op::Move | Op::CheckBound => e.reads.clear(),
        Op::MakeCell => e.reads.clear(),
        Op::Clear => {
            e.writes.clear();
            e.clears.push(a);
        }
        Op::Raise => e.reads.truncate(x as usize),
        Op::FormatValue if x & crate::FORMAT_HAS_SPEC == 0 => e.reads.truncate(1),
        _ => {}
    }
    match op {
        Op::Move => e.reads.push(b),
        Op::CheckBound => e.writes.push(a),
        Op::LoadMethod | Op::LoadSpecial => e.writes.extend(run(a, 2)),
        Op::LoadSuperMethod => {
            e.writes.extend(run(a, 2));
            e.reads.extend(run(b, 3));
        }
        Op::LoadSuperAttr => {
            e.reads.extend(run(b, 3));
            if x & 1 != 0 {
                e.clears.push(a + 1);
            }
        }
        Op::LoadSlice => e.reads.extend(run(c, 2)),
        Op::StoreSlice => e.reads.extend(run(b, 2)),
        Op::BuildSlice | Op::BuildTuple | Op::BuildList | Op::BuildSet | Op::BuildString => {
            e.reads.extend(run(b, c));
        }
        Op::BuildMap => e.reads.extend(run(b, 2 * c)),
        Op::Call | Op::CallKw => {
            e.reads.push(b);
            e.reads.extend(run(b + 2, c));
            e.clobbers = Some(b);
        }
        Op::CallEx => {
            e.reads.push(b);
            e.reads.push(b + 2);
            e.clobbers = Some(b);
        }
        Op::UnpackSequence => e.writes.extend(run(b, c)),
        Op::UnpackEx => e.writes.extend(run(b, x as u32 + 1 + c)),
        Op::ExcTriple => e.writes.extend(run(a, 3)),
        Op::MatchClass => e.reads.extend(run(b, 3)),
        Op::BuildInterpolation => {
            let spec = (x & crate::FORMAT_HAS_SPEC != 0) as u32;
            e.reads.extend(run(b, 2 + spec));
        }
        Op::Jump | Op::JumpBack | Op::Return | Op::Raise | Op::Reraise => {
            e.ends = true;
        }
        _ => {}
    }
    for &r in e.reads.iter().chain(&e.writes).chain(&e.clears) {
        if r >= code.nregs as u32 {
            return Err(format!("register {r} of {} at {pc}", code.nregs));
        }
    }
    Ok(e)
}

/// Check a unit and all units nested in it.
pub fn verify(code: &CodeUnit) -> Result<(), String> {
    verify_one(code).map_err(|e| format!("{} (line {}): {e}", code.qualname, code.first_line))?;
    code.consts.iter().try_for_each(|k| match k {
        Const::Code(c) => verify(c),
        _ => Ok(()),
    })
}

fn verify_one(code: &CodeUnit) -> Result<(), String> {
    let n = code.code.len();
    let mut states: Vec<Option<Set>> = vec![None; n];
    let mut is_instruction = vec![false; n];
    let mut at = 0;
    while at < n {
        let op = code.code[at].op().ok_or(format!("no opcode at {at}"))?;
        is_instruction[at] = true;
        at += op.words();
    }
    if at != n {
        return Err("the last instruction is cut off".into());
    }
    let positioned: u32 = code.positions.runs().map(|r| r.1).sum();
    if positioned as usize != n {
        return Err(format!("positions for {positioned} of {n} words"));
    }
    let mut first = Set::new(code.nregs as usize);
    (0..code.nparams() as u32).for_each(|r| first.add(r));
    (0..code.freevars.len() as u32).for_each(|i| first.add(code.first_free as u32 + i));
    let mut work = vec![(0u32, first)];
    while let Some((pc, state)) = work.pop() {
        let mut pc = pc as usize;
        let mut state = state;
        let mut last: Option<(Op, u16)> = None;
        loop {
            if pc >= n || !is_instruction[pc] {
                return Err(format!("control reaches {pc}, which is no instruction"));
            }
            match &mut states[pc] {
                Some(known) => {
                    if !known.meet(&state) {
                        break;
                    }
                    state = known.clone();
                }
                slot => *slot = Some(state.clone()),
            }
            let word = code.code[pc];
            let op = word.op().expect("checked");
            let e = effect(code, pc, op, word)?;
            for &r in &e.reads {
                // Copying a variable is allowed to copy EMPTY only for cells, which MakeCell has written.
                if !state.has(r) {
                    return Err(format!("{} at {pc} reads register {r}, which may be empty", op.name()));
                }
            }
            let handler = code.find_handler(pc as u32);
            let before = handler.map(|h| (*h, state.clone()));
            if let Some(from) = e.clobbers {
                state.remove_from(from, code.nregs as u32);
            }
            if let Some((h, mut s)) = before {
                s.meet(&state);
                s.add(h.reg as u32);
                work.push((h.handler, s));
            }
            if let Some(t) = e.target
                && op == Op::ForIter
            {
                work.push((t, state.clone()));
            }
            e.clears.iter().for_each(|&r| state.remove(r));
            e.writes.iter().for_each(|&r| state.add(r));
            // A comparison fused with this jump does not write its result.
            if matches!(op, Op::JumpIfTrue | Op::JumpIfFalse)
                && word.x() & 2 == 0
                && last.is_some_and(|(l, dst)| l.is_test() && dst == word.a())
            {
                state.remove(word.a() as u32);
            }
            last = Some((op, word.a()));
            if let Some(t) = e.target
                && op != Op::ForIter
            {
                work.push((t, state.clone()));
            }
            if e.ends {
                break;
            }
            pc += op.words();
        }
    }
    Ok(())
}
