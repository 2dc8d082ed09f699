//! Which temporaries still matter at an instruction.
//!
//! Variables live until their frame ends, as users expect of `locals()`. Temporaries above them are dead once no
//! path reads them again, and a full collection must not find objects through them: `weakref`s and finalizers would see
//! objects that the program has dropped. The analysis is the classic backward one, over the same table of effects as [`verify`](crate::verify).

use crate::verify::effect;
use crate::{CodeUnit, Kind, Op};

/// For each instruction, the temporaries that are read by it or after it.
pub struct Liveness {
    first: usize,
    stride: usize,
    rows: Box<[u64]>,
}

impl Liveness {
    /// Analyses a unit that [`verify`](crate::verify::verify) accepts.
    pub fn new(code: &CodeUnit) -> Liveness {
        let first = code.first_temp();
        let stride = (code.nregs as usize - first).div_ceil(64);
        let n = code.code.len();
        let flows: Vec<Flow> =
            code.instructions().map(|(pc, op, _)| Flow::new(code, pc as usize, op)).collect();
        // Live before each instruction, by word, until nothing changes any more.
        let mut before = vec![0u64; n * stride];
        let mut after = vec![0u64; stride];
        loop {
            let mut changed = false;
            for f in flows.iter().rev() {
                f.live_after(&before, stride, &mut after);
                let mut row = after.clone();
                f.kills.iter().for_each(|&r| clear(&mut row, r, first));
                f.add_entry_uses(&before, stride, first, &mut row);
                for (have, &want) in before[f.pc * stride..][..stride].iter_mut().zip(&row) {
                    changed |= *have != want;
                    *have = want;
                }
            }
            if !changed {
                break;
            }
        }
        // While an instruction runs, what lives after it must not be lost; only its one destination is written at the end.
        let mut rows = vec![0u64; n * stride];
        for f in &flows {
            f.live_after(&before, stride, &mut after);
            if let Some(r) = f.destination {
                clear(&mut after, r, first);
            }
            f.add_entry_uses(&before, stride, first, &mut after);
            for word in f.pc..f.pc + f.words {
                rows[word * stride..][..stride].copy_from_slice(&after);
            }
        }
        Liveness { first, stride, rows: rows.into_boxed_slice() }
    }

    /// Whether register `reg` matters while the instruction at word `pc` (or one of its further words) runs.
    #[inline]
    pub fn is_live(&self, pc: u32, reg: usize) -> bool {
        let Some(i) = reg.checked_sub(self.first) else { return true };
        self.rows.get(pc as usize * self.stride + i / 64).is_none_or(|w| w >> (i % 64) & 1 != 0)
    }
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
    fn live_after(&self, before: &[u64], stride: usize, out: &mut [u64]) {
        out.fill(0);
        let jump = self.target.filter(|_| !self.target_unwritten);
        for at in [self.next, jump].into_iter().flatten() {
            join(out, &before[at * stride..][..stride]);
        }
    }

    /// Adds what the instruction itself needs, and what lives on the paths on which it writes nothing.
    fn add_entry_uses(&self, before: &[u64], stride: usize, first: usize, out: &mut [u64]) {
        if let Some(t) = self.target.filter(|_| self.target_unwritten) {
            join(out, &before[t * stride..][..stride]);
        }
        if let Some((at, reg)) = self.handler {
            let kept = out.to_vec();
            join(out, &before[at * stride..][..stride]);
            if !has(&kept, reg, first) {
                clear(out, reg, first);
            }
        }
        self.uses.iter().for_each(|&r| set(out, r, first));
    }
}

fn join(a: &mut [u64], b: &[u64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
}

fn bit(reg: u32, first: usize) -> Option<(usize, u64)> {
    let i = (reg as usize).checked_sub(first)?;
    Some((i / 64, 1 << (i % 64)))
}

fn set(row: &mut [u64], reg: u32, first: usize) {
    if let Some((w, m)) = bit(reg, first) {
        row[w] |= m;
    }
}

fn clear(row: &mut [u64], reg: u32, first: usize) {
    if let Some((w, m)) = bit(reg, first) {
        row[w] &= !m;
    }
}

fn has(row: &[u64], reg: u32, first: usize) -> bool {
    bit(reg, first).is_some_and(|(w, m)| row[w] & m != 0)
}
