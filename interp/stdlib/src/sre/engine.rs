//! The matcher: a backtracking machine over [`Program`]. It never recurses for repetition: what may be tried
//! otherwise, and what must be undone then, is kept on one stack.

use std::cell::Cell;

use super::chars::{is_locale_word, is_unicode_word, is_word, lower, upper, Case};
use super::program::{At, Greed, Inst, MAXREPEAT, Program};

/// A position that is not set.
pub const NONE: usize = usize::MAX;

/// A code unit of a subject: subjects are latin-1 or bytes, UCS-2 or UCS-4.
pub trait Unit: Copy + Eq + 'static {
    /// The code point.
    fn code(self) -> u32;
    /// The first occurrence of the program's prefix at or after `from` that ends by `end`.
    fn find_prefix(p: &Program, s: &[Self], from: usize, end: usize) -> Option<usize>;
}

fn find_units<C: Unit>(p: &Program, s: &[C], from: usize, end: usize) -> Option<usize> {
    let prefix = &p.hints.prefix;
    let last = end.checked_sub(prefix.len())?;
    (from..=last).find(|&i| s[i].code() == prefix[0] && s[i..].iter().zip(prefix).all(|(a, b)| a.code() == *b))
}

impl Unit for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
    fn find_prefix(p: &Program, s: &[u8], from: usize, end: usize) -> Option<usize> {
        if from > end {
            return None;
        }
        match &p.hints.prefix[..] {
            [c] if *c < 256 => memchr::memchr(*c as u8, &s[from..end]).map(|i| i + from),
            _ => p.hints.byte_prefix.as_ref()?.find(&s[from..end]).map(|i| i + from),
        }
    }
}
impl Unit for u16 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
    fn find_prefix(p: &Program, s: &[u16], from: usize, end: usize) -> Option<usize> {
        find_units(p, s, from, end)
    }
}
impl Unit for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
    fn find_prefix(p: &Program, s: &[u32], from: usize, end: usize) -> Option<usize> {
        find_units(p, s, from, end)
    }
}

/// The state of one general repeat.
#[derive(Clone, Copy)]
struct Rep {
    /// Iterations that were begun, minus one.
    count: i64,
    /// Where the last iteration began, against endless empty iterations.
    last: usize,
    /// The repeat around it.
    previous: u32,
}

/// What to do when matching fails.
#[derive(Clone, Copy)]
enum Back {
    /// Go on elsewhere.
    Choice { pc: u32, pos: usize },
    /// Restore a mark.
    Mark { n: u32, old: usize, last_index: u32 },
    /// Restore the current repeat.
    Current(u32),
    /// Forget the newest repeat.
    Leave { previous: u32 },
    /// Restore a repeat's state.
    Rep { rep: u32, count: i64, last: usize },
    /// Leave a greedy repeat here.
    Tail { rep: u32, until: u32, pos: usize },
    /// Begin one more iteration of a lazy repeat here.
    Body { until: u32, pos: usize },
    /// Give back one character of a greedy single-character repeat.
    Fewer { tail: u32, min: usize, pos: usize },
    /// Take one more character in a lazy single-character repeat.
    More { one: u32, left: u32, pos: usize },
}

/// What matching needs and finds; reused from match to match.
#[derive(Default)]
pub struct State {
    back: Vec<Back>,
    reps: Vec<Rep>,
    rep: u32,
    /// Start and end of each group, from group 1; [`NONE`] when unset.
    pub marks: Vec<usize>,
    /// The group closed last, 0 for none.
    pub last_index: u32,
    /// Where the match begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

struct Spare(Cell<Option<Box<State>>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Spare {}
static SPARE: Spare = Spare(Cell::new(None));

impl State {
    /// Runs `f` with a state, reusing the memory of the last one.
    pub fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
        let mut st = SPARE.0.take().unwrap_or_default();
        let r = f(&mut st);
        // What one hard match needed is not kept for ever.
        if st.back.capacity() <= 1 << 16 {
            SPARE.0.set(Some(st));
        }
        r
    }
}

/// One attempt's surroundings.
struct Run<'a, C> {
    p: &'a Program,
    s: &'a [C],
    end: usize,
    must_reach_end: bool,
    /// The match must not be empty at this position.
    must_leave: usize,
    st: &'a mut State,
}

/// How to match.
#[derive(Clone, Copy)]
pub struct Request {
    /// Where to begin.
    pub start: usize,
    /// Where the subject ends.
    pub end: usize,
    /// The match must reach the end.
    pub full: bool,
    /// The match must not be empty at `start`.
    pub must_advance: bool,
}

/// Matches at `start`.
pub fn match_at<C: Unit>(p: &Program, s: &[C], q: Request, st: &mut State) -> bool {
    let must_leave = if q.must_advance { q.start } else { NONE };
    let mut run = Run { p, s, end: q.end, must_reach_end: q.full, must_leave, st };
    q.start <= q.end && run.attempt(q.start)
}

/// Finds the first match at or after `start`.
pub fn search<C: Unit>(p: &Program, s: &[C], q: Request, st: &mut State) -> bool {
    let must_leave = if q.must_advance { q.start } else { NONE };
    let hints = &p.hints;
    if q.start > q.end || q.end - q.start < hints.min_width {
        return false;
    }
    let last = q.end - hints.min_width;
    let mut run = Run { p, s, end: q.end, must_reach_end: q.full, must_leave, st };
    if !hints.prefix.is_empty() {
        let mut at = q.start;
        while let Some(i) = C::find_prefix(p, s, at, q.end) {
            if run.attempt(i) {
                return true;
            }
            at = i + 1;
        }
        return false;
    }
    if let Some(set) = hints.first {
        let mut at = q.start;
        while at < q.end {
            if p.set_has(set, s[at].code()) && run.attempt(at) {
                return true;
            }
            at += 1;
        }
        return false;
    }
    if let Some(Inst::At(At::Beginning | At::BeginningString)) = p.insts.first() {
        return run.attempt(q.start);
    }
    (q.start..=last).any(|at| run.attempt(at))
}

impl<C: Unit> Run<'_, C> {
    fn attempt(&mut self, at: usize) -> bool {
        let st = &mut *self.st;
        st.back.clear();
        st.reps.clear();
        st.rep = 0;
        st.last_index = 0;
        st.marks.clear();
        st.marks.resize(2 * self.p.groups as usize, NONE);
        match self.run(0, at, true) {
            Some(end) => {
                self.st.start = at;
                self.st.end = end;
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn at(&self, pos: usize) -> u32 {
        self.s[pos].code()
    }

    /// Whether a single-character instruction matches `c`.
    #[inline(always)]
    fn one(&self, inst: Inst, c: u32) -> bool {
        match inst {
            Inst::Lit(x) => c == x,
            Inst::NotLit(x) => c != x,
            Inst::Any => c != 10,
            Inst::AnyAll => true,
            Inst::Set(i) => self.p.set_has(i, c),
            Inst::SetCase(i, by) => self.set_case(i, by, c),
            Inst::LitCase(x, by, not) => lit_case(x, by, c) != not,
            _ => false,
        }
    }

    fn set_case(&self, i: u32, by: Case, c: u32) -> bool {
        let lo = lower(c, by);
        let has = self.p.set_has(i, lo);
        if by != Case::Locale {
            return has;
        }
        // Listed is what has either case listed.
        let listed = |has: bool| has != self.p.set_negated(i);
        (listed(has) || listed(self.p.set_has(i, upper(c, by)))) != self.p.set_negated(i)
    }

    /// How many characters from `pos` on match, `max` at most.
    fn count(&self, inst: Inst, pos: usize, max: u32) -> usize {
        let room = self.end.saturating_sub(pos);
        let n = if max == MAXREPEAT { room } else { room.min(max as usize) };
        let s = &self.s[pos..pos + n];
        let stop = match inst {
            Inst::AnyAll => None,
            Inst::Any => s.iter().position(|c| c.code() == 10),
            Inst::Lit(x) => s.iter().position(|c| c.code() != x),
            Inst::NotLit(x) => s.iter().position(|c| c.code() == x),
            Inst::Set(i) => s.iter().position(|c| !self.p.set_has(i, c.code())),
            _ => s.iter().position(|c| !self.one(inst, c.code())),
        };
        stop.unwrap_or(n)
    }

    fn is_at(&self, at: At, pos: usize) -> bool {
        let word = |is: fn(u32) -> bool| {
            let before = pos > 0 && is(self.at(pos - 1));
            let here = pos < self.end && is(self.at(pos));
            before != here
        };
        let some = self.end > 0;
        match at {
            At::Beginning | At::BeginningString => pos == 0,
            At::BeginningLine => pos == 0 || self.at(pos - 1) == 10,
            At::End => pos == self.end || pos + 1 == self.end && self.at(pos) == 10,
            At::EndLine => pos == self.end || self.at(pos) == 10,
            At::EndString => pos == self.end,
            At::Boundary => some && word(is_word),
            At::NonBoundary => !word(is_word),
            At::LocBoundary => some && word(is_locale_word),
            At::LocNonBoundary => !word(is_locale_word),
            At::UniBoundary => some && word(is_unicode_word),
            At::UniNonBoundary => !word(is_unicode_word),
        }
    }

    fn group(&self, g: u32) -> Option<(usize, usize)> {
        let (a, b) = (self.st.marks[2 * g as usize], self.st.marks[2 * g as usize + 1]);
        (a != NONE && b != NONE && a <= b).then_some((a, b))
    }

    /// Runs from an instruction; gives the end of the match. What it leaves on the stack above what was there
    /// can be used to try again.
    fn run(&mut self, pc: usize, pos: usize, top: bool) -> Option<usize> {
        let p = self.p;
        let insts = &p.insts[..];
        let base = self.st.back.len();
        let (mut pc, mut pos) = (pc, pos);
        loop {
            let inst = insts[pc];
            let ok = match inst {
                Inst::Lit(_) | Inst::NotLit(_) | Inst::Any | Inst::AnyAll | Inst::Set(_) | Inst::SetCase(..)
                | Inst::LitCase(..) => {
                    let ok = pos < self.end && self.one(inst, self.at(pos));
                    pos += 1;
                    pc += 1;
                    ok
                }
                Inst::Success => {
                    if !top || !(self.must_reach_end && pos != self.end || pos == self.must_leave) {
                        return Some(pos);
                    }
                    false
                }
                Inst::Fail => false,
                Inst::At(at) => {
                    pc += 1;
                    self.is_at(at, pos)
                }
                Inst::Split(other) => {
                    self.st.back.push(Back::Choice { pc: other, pos });
                    pc += 1;
                    true
                }
                Inst::Jump(to) => {
                    pc = to as usize;
                    true
                }
                Inst::Mark(n) => {
                    let st = &mut *self.st;
                    let old = std::mem::replace(&mut st.marks[n as usize], pos);
                    st.back.push(Back::Mark { n, old, last_index: st.last_index });
                    if n & 1 != 0 {
                        st.last_index = n / 2 + 1;
                    }
                    pc += 1;
                    true
                }
                Inst::Group(_) | Inst::GroupCase(..) => match self.same_as_group(inst, pos) {
                    Some(to) => {
                        pos = to;
                        pc += 1;
                        true
                    }
                    None => false,
                },
                Inst::IfGroup(g, no) => {
                    pc = if self.group(g).is_some() { pc + 1 } else { no as usize };
                    true
                }
                Inst::Assert { back, end, not } => {
                    let ok = self.assert(pc, pos, back, not);
                    pc = end as usize;
                    ok
                }
                Inst::Atomic(end) => match self.sub(pc + 1, pos) {
                    Some(to) => {
                        pos = to;
                        pc = end as usize;
                        true
                    }
                    None => false,
                },
                Inst::Possessive { min, max, end } => match self.possessive(pc, pos, min, max) {
                    Some(to) => {
                        pos = to;
                        pc = end as usize;
                        true
                    }
                    None => false,
                },
                Inst::One { min, max, greed } => match self.repeat_one(pc, pos, min, max, greed) {
                    Some(to) => {
                        pos = to;
                        pc += 2;
                        true
                    }
                    None => false,
                },
                Inst::Repeat { until, .. } => {
                    let st = &mut *self.st;
                    let previous = st.rep;
                    st.reps.push(Rep { count: -1, last: NONE, previous });
                    st.rep = st.reps.len() as u32 - 1;
                    st.back.push(Back::Leave { previous });
                    pc = until as usize;
                    true
                }
                Inst::Until { repeat, lazy } => {
                    pc = self.until(pc, repeat, lazy, pos);
                    true
                }
            };
            if ok {
                continue;
            }
            (pc, pos) = self.backtrack(base)?;
        }
    }

    /// A sub-pattern matched on its own: what it could have done otherwise is forgotten, what it did can be undone.
    fn sub(&mut self, pc: usize, pos: usize) -> Option<usize> {
        let base = self.st.back.len();
        let end = self.run(pc, pos, false)?;
        let back = &mut self.st.back;
        let mut keep = base;
        for i in base..back.len() {
            if matches!(back[i], Back::Mark { .. } | Back::Current(_) | Back::Leave { .. } | Back::Rep { .. }) {
                back[keep] = back[i];
                keep += 1;
            }
        }
        back.truncate(keep);
        Some(end)
    }

    fn assert(&mut self, pc: usize, pos: usize, back: u32, not: bool) -> bool {
        let Some(from) = pos.checked_sub(back as usize) else { return not };
        if !not {
            return self.sub(pc + 1, from).is_some();
        }
        let base = self.st.back.len();
        if self.run(pc + 1, from, false).is_none() {
            return true;
        }
        self.undo(base);
        false
    }

    fn possessive(&mut self, pc: usize, pos: usize, min: u32, max: u32) -> Option<usize> {
        let mut pos = pos;
        let mut n = 0;
        while n < min {
            pos = self.sub(pc + 1, pos)?;
            n += 1;
        }
        while n < max || max == MAXREPEAT {
            match self.sub(pc + 1, pos) {
                Some(to) if to != pos => pos = to,
                _ => break,
            }
            n = n.saturating_add(1);
        }
        Some(pos)
    }

    /// The literal that must follow, when the tail begins with one.
    #[inline(always)]
    fn literal_at(&self, pc: usize) -> Option<u32> {
        match self.p.insts[pc] {
            Inst::Lit(c) => Some(c),
            _ => None,
        }
    }

    /// A single-character repeat: where to go on with its tail.
    fn repeat_one(&mut self, pc: usize, pos: usize, min: u32, max: u32, greed: Greed) -> Option<usize> {
        let item = self.p.insts[pc + 1];
        let min_pos = pos.checked_add(min as usize).filter(|m| *m <= self.end)?;
        if greed == Greed::Lazy {
            if self.count(item, pos, min) < min as usize {
                return None;
            }
            let left = if max == MAXREPEAT { MAXREPEAT } else { max - min };
            if left > 0 {
                self.st.back.push(Back::More { one: pc as u32, left, pos: min_pos });
            }
            return Some(min_pos);
        }
        let to = pos + self.count(item, pos, max);
        if to < min_pos {
            return None;
        }
        if greed == Greed::Possessive {
            return Some(to);
        }
        self.fewer(pc + 2, min_pos, to)
    }

    /// The longest extent, from `to` down to `min`, after which the tail may match.
    #[inline]
    fn fewer(&mut self, tail: usize, min: usize, to: usize) -> Option<usize> {
        let mut to = to;
        if let Some(c) = self.literal_at(tail) {
            while to >= self.end || self.at(to) != c {
                if to == min {
                    return None;
                }
                to -= 1;
            }
        }
        if to > min {
            self.st.back.push(Back::Fewer { tail: tail as u32, min, pos: to - 1 });
        }
        Some(to)
    }

    /// One more character, or more of them, in a lazy repeat of single characters.
    fn more(&mut self, one: usize, left: u32, pos: usize) -> Option<usize> {
        let item = self.p.insts[one + 1];
        let literal = self.literal_at(one + 2);
        let (mut left, mut pos) = (left, pos);
        loop {
            if left == 0 || pos >= self.end || !self.one(item, self.at(pos)) {
                return None;
            }
            pos += 1;
            if left != MAXREPEAT {
                left -= 1;
            }
            if literal.is_none_or(|c| pos < self.end && self.at(pos) == c) {
                break;
            }
        }
        self.st.back.push(Back::More { one: one as u32, left, pos });
        Some(pos)
    }

    fn same_as_group(&self, inst: Inst, pos: usize) -> Option<usize> {
        let (g, by) = match inst {
            Inst::GroupCase(g, by) => (g, Some(by)),
            Inst::Group(g) => (g, None),
            _ => return None,
        };
        let (a, b) = self.group(g)?;
        let to = pos + (b - a);
        if to > self.end {
            return None;
        }
        let same = match by {
            None => self.s[a..b] == self.s[pos..to],
            Some(by) => (a..b).zip(pos..to).all(|(i, j)| {
                let (x, y) = (self.at(i), self.at(j));
                x == y || lower(x, by) == lower(y, by)
            }),
        };
        same.then_some(to)
    }

    fn rep_bounds(&self, repeat: u32) -> (u32, u32) {
        match self.p.insts[repeat as usize] {
            Inst::Repeat { min, max, .. } => (min, max),
            _ => (0, 0),
        }
    }

    fn begin_iteration(&mut self, rep: u32, count: i64, last: Option<usize>) {
        let st = &mut *self.st;
        let r = &mut st.reps[rep as usize];
        st.back.push(Back::Rep { rep, count: r.count, last: r.last });
        r.count = count;
        if let Some(l) = last {
            r.last = l;
        }
    }

    fn leave_repeat(&mut self, rep: u32) {
        let st = &mut *self.st;
        st.back.push(Back::Current(rep));
        st.rep = st.reps[rep as usize].previous;
    }

    /// The end of an iteration (or the beginning of the first): where to go on.
    fn until(&mut self, pc: usize, repeat: u32, lazy: bool, pos: usize) -> usize {
        let (min, max) = self.rep_bounds(repeat);
        let rep = self.st.rep;
        let r = self.st.reps[rep as usize];
        let count = r.count + 1;
        let body = repeat as usize + 1;
        if count < min as i64 {
            self.begin_iteration(rep, count, None);
            return body;
        }
        if lazy {
            self.st.back.push(Back::Body { until: pc as u32, pos });
            self.leave_repeat(rep);
            return pc + 1;
        }
        if (count < max as i64 || max == MAXREPEAT) && r.last != pos {
            self.st.back.push(Back::Tail { rep, until: pc as u32, pos });
            self.begin_iteration(rep, count, Some(pos));
            return body;
        }
        self.leave_repeat(rep);
        pc + 1
    }

    fn undo(&mut self, base: usize) {
        while self.st.back.len() > base {
            if let Some(b) = self.st.back.pop() {
                self.restore(b);
            }
        }
    }

    #[inline(always)]
    fn restore(&mut self, b: Back) {
        let st = &mut *self.st;
        match b {
            Back::Mark { n, old, last_index } => {
                st.marks[n as usize] = old;
                st.last_index = last_index;
            }
            Back::Current(rep) => st.rep = rep,
            Back::Leave { previous } => {
                st.reps.pop();
                st.rep = previous;
            }
            Back::Rep { rep, count, last } => {
                let r = &mut st.reps[rep as usize];
                r.count = count;
                r.last = last;
            }
            _ => {}
        }
    }

    /// Undoes until something else can be tried; not below `base`.
    fn backtrack(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.st.back.len() > base {
            let b = self.st.back.pop()?;
            match b {
                Back::Choice { pc, pos } => return Some((pc as usize, pos)),
                Back::Fewer { tail, min, pos } => {
                    if let Some(to) = self.fewer(tail as usize, min, pos) {
                        return Some((tail as usize, to));
                    }
                }
                Back::More { one, left, pos } => {
                    if let Some(to) = self.more(one as usize, left, pos) {
                        return Some((one as usize + 2, to));
                    }
                }
                Back::Tail { rep, until, pos } => {
                    self.leave_repeat(rep);
                    return Some((until as usize + 1, pos));
                }
                Back::Body { until, pos } => {
                    let Inst::Until { repeat, .. } = self.p.insts[until as usize] else { continue };
                    let (_, max) = self.rep_bounds(repeat);
                    let rep = self.st.rep;
                    let r = self.st.reps[rep as usize];
                    let count = r.count + 1;
                    if count >= max as i64 && max != MAXREPEAT || r.last == pos {
                        continue;
                    }
                    self.begin_iteration(rep, count, Some(pos));
                    return Some((repeat as usize + 1, pos));
                }
                b => self.restore(b),
            }
        }
        None
    }
}

fn lit_case(x: u32, by: Case, c: u32) -> bool {
    match by {
        Case::Locale => c == x || lower(c, by) == x || upper(c, by) == x,
        _ => lower(c, by) == x,
    }
}
