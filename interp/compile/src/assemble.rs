//! From instructions with labels to code words.

use cape_bytecode::{CodeBody, CodeUnit, ExcEntry, NO_COLUMN, Op, Position, PositionBuilder, Slot, Word};

use crate::compiler::Compiler;
use crate::error::{Error, ErrorKind, R};
use crate::intern::NameId;
use crate::unit::{Ins, Label, Reg, Unit};

/// Marks instructions without a source position.
pub(crate) const NO_RANGE: u32 = u32::MAX;

fn target_slot(op: Op) -> Option<Slot> {
    op.info().operands.iter().find(|(_, kind)| *kind == cape_bytecode::Kind::Target).map(|(slot, _)| *slot)
}

/// The instruction that a jump to `label` really reaches: jumps to unconditional jumps are threaded.
fn resolve(u: &Unit<'_>, label: Label, through_back: bool, from: usize) -> u32 {
    let mut at = u.labels[label.0 as usize].at.expect("every label is placed");
    for _ in 0..16 {
        let Some(ins) = u.ins.get(at as usize) else {
            break;
        };
        if ins.word.op() != Some(Op::Jump) {
            break;
        }
        let next = u.labels[ins.word.bc() as usize].at.expect("every label is placed");
        if next as usize <= from && !through_back {
            break;
        }
        at = next;
    }
    at
}

/// A conditional jump over an unconditional one becomes the opposite conditional jump.
fn invert_jumps(u: &mut Unit<'_>, targets: &mut [u32], is_target: &[bool], keep: &mut [bool]) {
    for i in 0..u.ins.len().saturating_sub(1) {
        let j = i + 1;
        if !keep[i] || !keep[j] || is_target[j] || u.ins[j].word.op() != Some(Op::Jump) {
            continue;
        }
        let opposite = match u.ins[i].word.op() {
            Some(Op::JumpIfTrue) => Op::JumpIfFalse,
            Some(Op::JumpIfFalse) => Op::JumpIfTrue,
            Some(Op::JumpIfNone) => Op::JumpIfNotNone,
            Some(Op::JumpIfNotNone) => Op::JumpIfNone,
            _ => continue,
        };
        let over = targets[i] as usize;
        if over > j && (j + 1..over).all(|k| !keep[k]) {
            u.ins[i].word = u.ins[i].word.with_op(opposite);
            targets[i] = targets[j];
            keep[j] = false;
        }
    }
}

/// Whether an instruction has no position of its own.
fn lineless(ins: &Ins) -> bool {
    ins.range.start().to_u32() == NO_RANGE
}

/// Whether what follows an instruction is only reached from elsewhere.
fn ends(ins: &Ins) -> bool {
    matches!(ins.word.op(), Some(Op::Jump | Op::Return | Op::Raise | Op::Reraise))
}

/// What is at `at`, if it returns at once: the number of instructions.
fn returns(u: &Unit<'_>, at: u32) -> Option<usize> {
    let op = |i: u32| u.ins.get(i as usize).and_then(|ins| ins.word.op());
    match op(at)? {
        Op::Return => Some(1),
        Op::LoadConst | Op::LoadSmallInt if op(at + 1)? == Op::Return => Some(2),
        _ => None,
    }
}

/// Who jumps to where something is returned returns it instead.
fn return_at_once(u: &mut Unit<'_>, targets: &mut Vec<u32>) {
    let copied = |u: &Unit<'_>, i: usize, target: u32| match u.ins[i].word.op() {
        Some(Op::Jump) => returns(u, target),
        _ => None,
    };
    let lengths: Vec<Option<usize>> = (0..u.ins.len()).map(|i| copied(u, i, targets[i])).collect();
    if lengths.iter().all(Option::is_none) {
        return;
    }
    // Where each instruction goes.
    let mut places = Vec::with_capacity(u.ins.len() + 1);
    let (mut ins, mut leads) = (Vec::with_capacity(u.ins.len()), Vec::with_capacity(u.ins.len()));
    for (i, n) in lengths.iter().enumerate() {
        places.push(ins.len() as u32);
        match n {
            Some(n) => {
                let first = targets[i] as usize;
                ins.extend_from_slice(&u.ins[first..first + n]);
                leads.resize(ins.len(), u32::MAX);
            }
            None => {
                ins.push(u.ins[i]);
                leads.push(targets[i]);
            }
        }
    }
    places.push(ins.len() as u32);
    let place = |at: u32| places[at as usize];
    leads.iter_mut().filter(|t| **t != u32::MAX).for_each(|t| *t = place(*t));
    u.labels.iter_mut().filter_map(|l| l.at.as_mut()).for_each(|at| *at = place(*at));
    (u.ins, *targets) = (ins, leads);
}

/// Which instructions can be reached.
fn reached(u: &Unit<'_>, targets: &[u32]) -> Vec<bool> {
    let mut reached = vec![false; u.ins.len()];
    let mut open = vec![0usize];
    while let Some(mut at) = open.pop() {
        while let Some(ins) = u.ins.get(at).filter(|_| !reached[at]) {
            reached[at] = true;
            if targets[at] != u32::MAX {
                open.push(targets[at] as usize);
            }
            if ins.handler != 0 {
                let label = u.handlers[ins.handler as usize - 1].label;
                open.extend(u.labels[label.0 as usize].at.map(|at| at as usize));
            }
            if ends(ins) {
                break;
            }
            at += 1;
        }
    }
    reached
}

/// The end of a unit that several ways reach has no line of its own: each way returns on the line it comes from, by a copy of the
/// instructions if need be, so that who traces sees where it came from. So does the end of a loop's body, which jumps back.
fn give_exits_lines(u: &mut Unit<'_>, targets: &mut Vec<u32>) {
    let mut is_target = vec![false; u.ins.len() + 1];
    targets.iter().filter(|&&t| t != u32::MAX).for_each(|&t| is_target[t as usize] = true);
    // The first of the instructions without a line that lead to `exit`, and to nothing else. What a class does at its end belongs to it.
    let first_of = |u: &Unit<'_>, targets: &[u32], is_target: &[bool], exit: usize| {
        let mut first = exit;
        while first > 0
            && lineless(&u.ins[first - 1])
            && !ends(&u.ins[first - 1])
            && targets[first - 1] == u32::MAX
            && !is_target[first]
        {
            first -= 1;
        }
        first
    };
    let exits: Vec<usize> = (0..u.ins.len())
        .filter(|&i| lineless(&u.ins[i]))
        .filter(|&i| match u.ins[i].word.op() {
            Some(Op::Return) => true,
            // One that nobody jumps to goes on with what is before it.
            Some(Op::Jump) => targets[i] as usize <= i && is_target[first_of(u, targets, &is_target, i)],
            _ => false,
        })
        .collect();
    for exit in exits {
        let before = |ins: &[Ins], i: usize| ins[..i].iter().rev().find(|i| !lineless(i)).map(|i| i.range);
        let first = first_of(u, targets, &is_target, exit);
        let length = exit + 1 - first;
        let give = |ins: &mut [Ins], range| ins[first..=exit].iter_mut().for_each(|i| i.range = range);
        let falls = first > 0 && !ends(&u.ins[first - 1]);
        // Whether the instructions themselves are somebody's already.
        let mut taken = falls;
        if falls && let Some(range) = before(&u.ins, first) {
            give(&mut u.ins, range);
        }
        for i in 0..first {
            if targets[i] != first as u32 {
                continue;
            }
            let Some(range) = before(&u.ins, i + 1) else { continue };
            if length == 1 && u.ins[i].word.op() == Some(Op::Jump) {
                u.ins[i] = Ins { range, ..u.ins[exit] };
                targets[i] = targets[exit];
            } else if !std::mem::replace(&mut taken, true) {
                give(&mut u.ins, range);
            } else {
                targets[i] = u.ins.len() as u32;
                for at in first..=exit {
                    u.ins.push(Ins { range, ..u.ins[at] });
                    targets.push(targets[at]);
                }
            }
        }
    }
}

/// Names of `co_cellvars`: those that are locals, too, first and in their order; and the registers of all cells.
fn cells(u: &Unit<'_>) -> (Vec<NameId>, Vec<Reg>) {
    let mut cells = u.cellvars.clone();
    let (mut more, mut nameless) = (Vec::new(), Vec::new());
    for &(n, r) in &u.comprehension_cells {
        if cells.iter().chain(&more).any(|&(known, _)| known == n) {
            nameless.push(r);
        } else {
            more.push((n, r));
        }
    }
    cells.append(&mut more);
    cells.sort_by_key(|(n, _)| u.varnames.iter().position(|v| v == n).unwrap_or(usize::MAX));
    let (names, mut registers): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    registers.append(&mut nameless);
    (names, registers)
}

impl Compiler<'_> {
    /// Finish a unit.
    pub(crate) fn assemble(&mut self, mut u: Unit<'_>) -> R<CodeUnit> {
        // Threaded targets, as instruction indexes.
        let count = u.ins.len();
        let mut targets: Vec<u32> = vec![u32::MAX; count];
        for i in 0..count {
            let word = u.ins[i].word;
            let op = word.op().expect("emitted");
            if let Some(slot) = target_slot(op) {
                let label = Label(if slot == Slot::xc { word.xc() } else { word.bc() });
                targets[i] = resolve(&u, label, op != Op::ForIter, i);
            }
        }
        give_exits_lines(&mut u, &mut targets);
        return_at_once(&mut u, &mut targets);
        let count = u.ins.len();
        let mut keep = reached(&u, &targets);
        let mut is_target = vec![false; count + 1];
        for (&t, _) in targets.iter().zip(&keep).filter(|(t, kept)| **t != u32::MAX && **kept) {
            is_target[t as usize] = true;
        }
        for h in &u.handlers {
            if let Some(at) = u.labels[h.label.0 as usize].at {
                is_target[at as usize] = true;
            }
        }
        invert_jumps(&mut u, &mut targets, &is_target, &mut keep);
        // A jump to what follows it is no jump.
        let mut next = count as u32;
        for i in (0..count).rev() {
            if u.ins[i].word.op() == Some(Op::Jump) && keep[i] && targets[i] > i as u32 && targets[i] <= next
            {
                keep[i] = false;
            }
            if keep[i] {
                next = i as u32;
            }
        }
        self.drop_lines(&mut u, &is_target, &mut keep);
        // Word offsets.
        let mut offsets: Vec<u32> = Vec::with_capacity(count + 1);
        let mut at = 0u32;
        for (i, ins) in u.ins.iter().enumerate() {
            offsets.push(at);
            if keep[i] {
                at += ins.word.op().expect("emitted").words() as u32;
            }
        }
        offsets.push(at);
        let mut code = Vec::with_capacity(at as usize);
        let mut positions = PositionBuilder::new(u.first_line);
        let mut exceptions: Vec<ExcEntry> = Vec::new();
        let mut hint = u.first_line.saturating_sub(1) as usize;
        hint = hint.min(self.source.line(u32::MAX) as usize - 1);
        // A function that does nothing returns on the line of the call, an empty module on the line before its first.
        let called = u.flags & cape_bytecode::flags::OPTIMIZED != 0;
        let line = if called { u.first_line } else { 0 };
        let begins = Position { line, end_line: u.first_line, col: 0, end_col: 0 };
        let mut before = (called || &*u.qualname == "<module>").then_some(begins);
        for (i, ins) in u.ins.iter().enumerate() {
            if !keep[i] {
                continue;
            }
            let mut word = ins.word;
            let op = word.op().expect("emitted");
            if targets[i] != u32::MAX {
                let backward = targets[i] as usize <= i;
                let target = offsets[targets[i] as usize];
                word = match op {
                    Op::ForIter => word.with_xc(target),
                    Op::Jump if backward => word.with_op(Op::JumpBack).with_bc(target),
                    Op::Jump => word.with_bc(target),
                    _ => {
                        let word = word.with_bc(target);
                        if backward { Word(word.0 | 1 << 8) } else { word }
                    }
                };
            }
            code.push(word);
            if op.extra_words() > 0 {
                code.push(Word(ins.extra));
            }
            code.resize(code.len() + op.cache_words(), Word::ZERO);
            // What has no position goes on with what was done before, unless it is reached from elsewhere, too.
            let inherited = before.filter(|_| !is_target[i]);
            let position = match ins.range.start().to_u32() {
                NO_RANGE if op == Op::MakeCell => None,
                NO_RANGE => inherited,
                _ => Some(self.source.position(ins.range, &mut hint)),
            };
            if op != Op::MakeCell {
                before = position.filter(|_| !ends(ins));
            }
            let position = position.map(|p| match self.opts.no_columns {
                true => Position { end_line: p.line, col: NO_COLUMN, end_col: NO_COLUMN, ..p },
                false => p,
            });
            positions.push(op.words() as u32, position);
            if ins.handler != 0 {
                let (start, end) = (offsets[i], offsets[i + 1]);
                let h = u.handlers[ins.handler as usize - 1];
                let target = u.labels[h.label.0 as usize].at.expect("every handler is placed");
                let handler = offsets[target as usize];
                match exceptions.last_mut() {
                    Some(e) if e.end == start && e.handler == handler && e.reg == h.reg => {
                        e.end = end;
                    }
                    _ => exceptions.push(ExcEntry { start, end, handler, reg: h.reg }),
                }
            }
        }
        if u.max_temp > u16::MAX as u32 {
            return self.overflow("too many registers in one code object");
        }
        if u.names.len() > u16::MAX as usize {
            return self.overflow("too many names in one code object");
        }
        let (cellvars, cell_regs) = cells(&u);
        let name = |id| Box::<str>::from(self.interner.get(id));
        u.temp_names.sort_unstable();
        u.temp_names.dedup();
        Ok(CodeUnit {
            name: name(u.name),
            qualname: u.qualname.into(),
            filename: self.filename.clone(),
            first_line: u.first_line,
            flags: u.flags,
            argcount: u.argcount,
            posonlyargcount: u.posonlyargcount,
            kwonlyargcount: u.kwonlyargcount,
            nregs: u.max_temp as u16,
            first_free: u.first_free,
            freevars: u.freevars.iter().map(|&n| name(n)).collect(),
            body: CodeBody {
                varnames: u.varnames.iter().map(|&n| name(n)).collect(),
                cellvars: cellvars.into_iter().map(name).collect(),
                cell_regs,
                temp_names: u.temp_names.iter().map(|&(r, n)| (r, name(n))).collect(),
                names: u.names.iter().map(|&n| name(n)).collect(),
                consts: u.consts,
                code,
                exceptions,
                positions: positions.finish(),
            }
            .into(),
        })
    }

    /// Drops the places where lines begin that an instruction beside them begins as well, or can begin, having no line of its own.
    fn drop_lines(&self, u: &mut Unit<'_>, is_target: &[bool], keep: &mut [bool]) {
        let mut hint = 0;
        let mut line = |ins: &Ins| (!lineless(ins)).then(|| self.source.position(ins.range, &mut hint).line);
        for i in 0..u.ins.len() {
            if !keep[i] || u.ins[i].word.op() != Some(Op::Nop) {
                continue;
            }
            // (Removed instructions between may be targets: whoever jumps there does not come from here.)
            let next = (i + 1..u.ins.len()).find(|&j| keep[j] || is_target[j]);
            let next = next.filter(|&j| keep[j] && !is_target[j]);
            let here = line(&u.ins[i]);
            let before = (0..i).rev().find(|&j| keep[j]);
            let continues = !is_target[i] && before.is_some_and(|j| line(&u.ins[j]) == here);
            if continues || next.is_some_and(|j| line(&u.ins[j]) == here) {
                keep[i] = false;
            } else if let Some(j) = next.filter(|&j| lineless(&u.ins[j])) {
                u.ins[j].range = u.ins[i].range;
                keep[i] = false;
            }
        }
    }

    fn overflow<T>(&self, msg: &str) -> R<T> {
        Err(Box::new(Error::new(ErrorKind::Overflow, msg, Default::default())))
    }
}
