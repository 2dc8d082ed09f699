//! The code that `re._compiler` makes, checked and translated into instructions with absolute targets.
//!
//! The numbers of opcodes, positions and categories are those of `re/_constants.py` for [`MAGIC`].

use super::chars::{Case, Category};

/// Version of the code format.
pub const MAGIC: i64 = 20230612;
/// "No upper bound" of a repeat.
pub const MAXREPEAT: u32 = u32::MAX;

/// A position test, in the order of the codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is named like its code")]
pub enum At {
    Beginning,
    BeginningLine,
    BeginningString,
    Boundary,
    NonBoundary,
    End,
    EndLine,
    EndString,
    LocBoundary,
    LocNonBoundary,
    UniBoundary,
    UniNonBoundary,
}

const ATS: [At; 12] = {
    use At::*;
    [
        Beginning, BeginningLine, BeginningString, Boundary, NonBoundary, End, EndLine, EndString, LocBoundary,
        LocNonBoundary, UniBoundary, UniNonBoundary,
    ]
};

/// How a single-character repeat backs off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greed {
    /// As many as possible, then fewer.
    Greedy,
    /// As few as possible, then more.
    Lazy,
    /// As many as possible, never fewer.
    Possessive,
}

/// An instruction. Targets are indices of instructions.
#[derive(Clone, Copy, Debug)]
pub enum Inst {
    /// The end of the pattern or of a sub-pattern that is matched on its own.
    Success,
    /// Never matches.
    Fail,
    /// Any character but a line feed.
    Any,
    /// Any character.
    AnyAll,
    /// This character.
    Lit(u32),
    /// Any but this character.
    NotLit(u32),
    /// A character whose lower case is this one (`bool`: negated).
    LitCase(u32, Case, bool),
    /// A character of a set.
    Set(u32),
    /// A character whose lower case is in a set.
    SetCase(u32, Case),
    /// A position.
    At(At),
    /// Tries the next instruction first, then the target.
    Split(u32),
    /// Goes on at the target.
    Jump(u32),
    /// Sets a mark.
    Mark(u32),
    /// What a group matched.
    Group(u32),
    /// What a group matched, in either case.
    GroupCase(u32, Case),
    /// Goes on at the target when the group did not match.
    IfGroup(u32, u32),
    /// Looks `back` characters back: the sub-pattern that follows must match (or must not); goes on at the target.
    Assert { back: u32, end: u32, not: bool },
    /// Matches the sub-pattern that follows as a whole; goes on at the target.
    Atomic(u32),
    /// Repeats the single character of the next instruction; goes on after it.
    One { min: u32, max: u32, greed: Greed },
    /// Begins a repeat of what follows; ended by `Until` at the target.
    Repeat { min: u32, max: u32, until: u32 },
    /// Ends a repeat that began at the target.
    Until { repeat: u32, lazy: bool },
    /// Repeats the sub-pattern that follows, never giving back; goes on at the target.
    Possessive { min: u32, max: u32, end: u32 },
}

/// A character set: a bit for each character below 256, and the code for the others.
pub struct Set {
    bits: [u64; 4],
    /// In the program's copy of the code.
    code: std::ops::Range<usize>,
    /// How cased ranges compare.
    case: Case,
}

/// What is known of where matches can begin.
#[derive(Default)]
pub struct Hints {
    /// Characters of the shortest match.
    pub min_width: usize,
    /// Characters every match begins with.
    pub prefix: Vec<u32>,
    /// The prefix when all its characters are below 256.
    /// Boxed: a finder may want more alignment than heap objects have.
    pub byte_prefix: Option<Box<memchr::memmem::Finder<'static>>>,
    /// The set of first characters.
    pub first: Option<u32>,
}

/// A translated pattern.
pub struct Program {
    /// The instructions.
    pub insts: Vec<Inst>,
    sets: Vec<Set>,
    code: Vec<u32>,
    /// Where matches can begin.
    pub hints: Hints,
    /// Number of groups.
    pub groups: u32,
}

mod op {
    pub const FAILURE: u32 = 0;
    pub const SUCCESS: u32 = 1;
    pub const ANY: u32 = 2;
    pub const ANY_ALL: u32 = 3;
    pub const ASSERT: u32 = 4;
    pub const ASSERT_NOT: u32 = 5;
    pub const AT: u32 = 6;
    pub const BRANCH: u32 = 7;
    pub const CATEGORY: u32 = 8;
    pub const CHARSET: u32 = 9;
    pub const BIGCHARSET: u32 = 10;
    pub const GROUPREF: u32 = 11;
    pub const GROUPREF_EXISTS: u32 = 12;
    pub const IN: u32 = 13;
    pub const INFO: u32 = 14;
    pub const JUMP: u32 = 15;
    pub const LITERAL: u32 = 16;
    pub const MARK: u32 = 17;
    pub const MAX_UNTIL: u32 = 18;
    pub const MIN_UNTIL: u32 = 19;
    pub const NOT_LITERAL: u32 = 20;
    pub const NEGATE: u32 = 21;
    pub const RANGE: u32 = 22;
    pub const REPEAT: u32 = 23;
    pub const REPEAT_ONE: u32 = 24;
    pub const MIN_REPEAT_ONE: u32 = 26;
    pub const ATOMIC_GROUP: u32 = 27;
    pub const POSSESSIVE_REPEAT: u32 = 28;
    pub const POSSESSIVE_REPEAT_ONE: u32 = 29;
    pub const GROUPREF_IGNORE: u32 = 30;
    pub const IN_IGNORE: u32 = 31;
    pub const LITERAL_IGNORE: u32 = 32;
    pub const NOT_LITERAL_IGNORE: u32 = 33;
    pub const GROUPREF_LOC_IGNORE: u32 = 34;
    pub const IN_LOC_IGNORE: u32 = 35;
    pub const LITERAL_LOC_IGNORE: u32 = 36;
    pub const NOT_LITERAL_LOC_IGNORE: u32 = 37;
    pub const GROUPREF_UNI_IGNORE: u32 = 38;
    pub const IN_UNI_IGNORE: u32 = 39;
    pub const LITERAL_UNI_IGNORE: u32 = 40;
    pub const NOT_LITERAL_UNI_IGNORE: u32 = 41;
    pub const RANGE_UNI_IGNORE: u32 = 42;
}

const INFO_PREFIX: u32 = 1;
const INFO_CHARSET: u32 = 4;

/// The code is not what `re._compiler` makes.
pub struct Invalid;

impl Program {
    /// Translates code.
    pub fn new(code: Vec<u32>, groups: u32) -> Result<Program, Invalid> {
        let end = code.len();
        let mut p = Program { insts: Vec::new(), sets: Vec::new(), code, hints: Hints::default(), groups };
        let mut start = 0;
        if p.code.first() == Some(&op::INFO) {
            start = p.info()?;
        }
        p.sequence(start, end, true)?;
        match p.insts.last() {
            Some(Inst::Success) => Ok(p),
            _ => Err(Invalid),
        }
    }

    /// Whether character `c` is in set `i`.
    #[inline(always)]
    pub fn set_has(&self, i: u32, c: u32) -> bool {
        let s = &self.sets[i as usize];
        if c < 256 { s.bits[(c >> 6) as usize] >> (c & 63) & 1 != 0 } else { self.set_code_has(s.code.clone(), s.case, c) }
    }

    /// Whether set `i` is of the characters that it does not list.
    pub fn set_negated(&self, i: u32) -> bool {
        self.code.get(self.sets[i as usize].code.start) == Some(&op::NEGATE)
    }

    /// A hash of the code.
    pub fn code_hash(&self) -> u64 {
        self.code.iter().fold(0, |h: u64, c| (h.rotate_left(5) ^ *c as u64).wrapping_mul(0x517c_c1b7_2722_0a95))
    }

    /// Whether two programs were made from the same code.
    pub fn same_code(&self, other: &Program) -> bool {
        self.code == other.code && self.groups == other.groups
    }

    fn at(&self, i: usize) -> Result<u32, Invalid> {
        self.code.get(i).copied().ok_or(Invalid)
    }

    /// The index `skip` words after `i`, where the word at `i` is the skip.
    fn skip(&self, i: usize) -> Result<usize, Invalid> {
        let to = i + self.at(i)? as usize;
        if to > self.code.len() { Err(Invalid) } else { Ok(to) }
    }

    /// Reads the block of hints; gives the index after it.
    fn info(&mut self) -> Result<usize, Invalid> {
        let end = self.skip(1)?;
        let flags = self.at(2)?;
        self.hints.min_width = self.at(3)? as usize;
        if flags & INFO_PREFIX != 0 {
            let n = self.at(5)? as usize;
            let prefix = self.code.get(7..7 + n).ok_or(Invalid)?.to_vec();
            if prefix.iter().all(|c| *c < 256) {
                let bytes: Vec<u8> = prefix.iter().map(|c| *c as u8).collect();
                self.hints.byte_prefix = Some(Box::new(memchr::memmem::Finder::new(&bytes).into_owned()));
            }
            self.hints.prefix = prefix;
        } else if flags & INFO_CHARSET != 0 {
            self.hints.first = Some(self.set(5, end, Case::Unicode)?);
        }
        Ok(end)
    }

    fn push(&mut self, i: Inst) -> usize {
        self.insts.push(i);
        self.insts.len() - 1
    }

    fn here(&self) -> u32 {
        self.insts.len() as u32
    }

    /// Translates the words `i..end`.
    fn sequence(&mut self, mut i: usize, end: usize, whole: bool) -> Result<(), Invalid> {
        while i < end {
            i = self.one(i, end)?;
        }
        if i != end && !whole { Err(Invalid) } else { Ok(()) }
    }

    /// Translates the instruction at `i`; gives the index of the next.
    fn one(&mut self, i: usize, end: usize) -> Result<usize, Invalid> {
        let code = self.at(i)?;
        let simple = match code {
            op::SUCCESS => Some(Inst::Success),
            op::FAILURE => Some(Inst::Fail),
            op::ANY => Some(Inst::Any),
            op::ANY_ALL => Some(Inst::AnyAll),
            _ => None,
        };
        if let Some(inst) = simple {
            self.push(inst);
            return Ok(i + 1);
        }
        let arg = self.at(i + 1)?;
        let inst = match code {
            op::LITERAL => Inst::Lit(arg),
            op::NOT_LITERAL => Inst::NotLit(arg),
            op::LITERAL_IGNORE => Inst::LitCase(arg, Case::Ascii, false),
            op::NOT_LITERAL_IGNORE => Inst::LitCase(arg, Case::Ascii, true),
            op::LITERAL_UNI_IGNORE => Inst::LitCase(arg, Case::Unicode, false),
            op::NOT_LITERAL_UNI_IGNORE => Inst::LitCase(arg, Case::Unicode, true),
            op::LITERAL_LOC_IGNORE => Inst::LitCase(arg, Case::Locale, false),
            op::NOT_LITERAL_LOC_IGNORE => Inst::LitCase(arg, Case::Locale, true),
            op::AT => Inst::At(*ATS.get(arg as usize).ok_or(Invalid)?),
            op::MARK => {
                if arg >= 2 * self.groups {
                    return Err(Invalid);
                }
                Inst::Mark(arg)
            }
            op::GROUPREF => Inst::Group(self.group(arg)?),
            op::GROUPREF_IGNORE => Inst::GroupCase(self.group(arg)?, Case::Ascii),
            op::GROUPREF_UNI_IGNORE => Inst::GroupCase(self.group(arg)?, Case::Unicode),
            op::GROUPREF_LOC_IGNORE => Inst::GroupCase(self.group(arg)?, Case::Locale),
            op::CATEGORY => Inst::Set(self.set(i, i + 2, Case::Ascii)?),
            op::IN => return self.set_inst(i, Inst::Set, Case::Unicode),
            op::IN_IGNORE => return self.set_inst(i, |s| Inst::SetCase(s, Case::Ascii), Case::Ascii),
            op::IN_UNI_IGNORE => return self.set_inst(i, |s| Inst::SetCase(s, Case::Unicode), Case::Unicode),
            op::IN_LOC_IGNORE => return self.set_inst(i, |s| Inst::SetCase(s, Case::Locale), Case::Locale),
            _ => return self.block(code, i, end),
        };
        self.push(inst);
        Ok(i + 2)
    }

    fn group(&self, g: u32) -> Result<u32, Invalid> {
        if g < self.groups { Ok(g) } else { Err(Invalid) }
    }

    fn set_inst(&mut self, i: usize, make: impl Fn(u32) -> Inst, case: Case) -> Result<usize, Invalid> {
        let next = self.skip(i + 1)?;
        let set = self.set(i + 2, next, case)?;
        self.push(make(set));
        Ok(next)
    }

    /// The sub-pattern `i..end`, which ends with SUCCESS.
    fn sub(&mut self, i: usize, end: usize) -> Result<(), Invalid> {
        self.sequence(i, end, false)?;
        match self.insts.last() {
            Some(Inst::Success) => Ok(()),
            _ => Err(Invalid),
        }
    }

    fn block(&mut self, code: u32, i: usize, end: usize) -> Result<usize, Invalid> {
        if code == op::GROUPREF_EXISTS {
            return self.if_group(i, end);
        }
        let next = self.skip(i + 1)?;
        if next > end {
            return Err(Invalid);
        }
        match code {
            op::INFO => {}
            op::BRANCH => return self.branch(i + 1, end),
            op::REPEAT_ONE => return self.repeat_one(i, next, Greed::Greedy),
            op::MIN_REPEAT_ONE => return self.repeat_one(i, next, Greed::Lazy),
            op::POSSESSIVE_REPEAT_ONE => return self.repeat_one(i, next, Greed::Possessive),
            op::REPEAT => {
                let (min, max) = (self.at(i + 2)?, self.at(i + 3)?);
                let at = self.push(Inst::Repeat { min, max, until: 0 });
                self.sequence(i + 4, next, false)?;
                let lazy = match self.at(next)? {
                    op::MAX_UNTIL => false,
                    op::MIN_UNTIL => true,
                    _ => return Err(Invalid),
                };
                let until = self.push(Inst::Until { repeat: at as u32, lazy }) as u32;
                self.insts[at] = Inst::Repeat { min, max, until };
                return Ok(next + 1);
            }
            op::POSSESSIVE_REPEAT => {
                let (min, max) = (self.at(i + 2)?, self.at(i + 3)?);
                let at = self.push(Inst::Possessive { min, max, end: 0 });
                self.sequence(i + 4, next, false)?;
                // The item's SUCCESS follows the skipped words.
                if self.at(next)? != op::SUCCESS {
                    return Err(Invalid);
                }
                self.push(Inst::Success);
                self.insts[at] = Inst::Possessive { min, max, end: self.here() };
                return Ok(next + 1);
            }
            op::ATOMIC_GROUP => {
                let at = self.push(Inst::Atomic(0));
                self.sub(i + 2, next)?;
                self.insts[at] = Inst::Atomic(self.here());
            }
            op::ASSERT | op::ASSERT_NOT => {
                let back = self.at(i + 2)?;
                let not = code == op::ASSERT_NOT;
                let at = self.push(Inst::Assert { back, end: 0, not });
                self.sub(i + 3, next)?;
                self.insts[at] = Inst::Assert { back, end: self.here(), not };
            }
            _ => return Err(Invalid),
        }
        Ok(next)
    }

    /// `BRANCH` skip alternative `JUMP` to-end, skip alternative `JUMP` to-end, ... 0
    fn branch(&mut self, mut i: usize, end: usize) -> Result<usize, Invalid> {
        let mut jumps = Vec::new();
        let mut target = None;
        loop {
            if self.at(i)? == 0 {
                break;
            }
            let next = self.skip(i)?;
            if next > end || next < i + 3 || self.at(next - 2)? != op::JUMP {
                return Err(Invalid);
            }
            let to = self.skip(next - 1)?;
            if *target.get_or_insert(to) != to {
                return Err(Invalid);
            }
            let last = self.at(next)? == 0;
            let split = if last { None } else { Some(self.push(Inst::Split(0))) };
            self.sequence(i + 1, next - 2, false)?;
            if !last {
                jumps.push(self.push(Inst::Jump(0)));
            }
            if let Some(s) = split {
                self.insts[s] = Inst::Split(self.here());
            }
            i = next;
        }
        let here = self.here();
        for j in jumps {
            self.insts[j] = Inst::Jump(here);
        }
        match target {
            Some(t) if t != i + 1 => Err(Invalid),
            Some(_) => Ok(i + 1),
            None => {
                self.push(Inst::Fail);
                Ok(i + 1)
            }
        }
    }

    /// `GROUPREF_EXISTS` group skip yes [`JUMP` skip no]
    fn if_group(&mut self, i: usize, end: usize) -> Result<usize, Invalid> {
        let group = self.group(self.at(i + 1)?)?;
        // This one skip counts from the word before it.
        let no = i + 1 + self.at(i + 2)? as usize;
        if no > end || no < i + 3 {
            return Err(Invalid);
        }
        let at = self.push(Inst::IfGroup(group, 0));
        let has_else = no >= i + 5 && self.code[no - 2] == op::JUMP && {
            // The words before `no` are a JUMP only if they end the yes part; a JUMP target lies behind it.
            let to = no - 1 + self.code[no - 1] as usize;
            to > no && to <= end && self.ends_with_jump(i + 3, no)
        };
        if has_else {
            self.sequence(i + 3, no - 2, false)?;
            let jump = self.push(Inst::Jump(0));
            self.insts[at] = Inst::IfGroup(group, self.here());
            let to = self.skip(no - 1)?;
            self.sequence(no, to, false)?;
            self.insts[jump] = Inst::Jump(self.here());
            return Ok(to);
        }
        self.sequence(i + 3, no, false)?;
        self.insts[at] = Inst::IfGroup(group, self.here());
        Ok(no)
    }

    /// Whether the words `i..end` are whole instructions followed by a JUMP.
    fn ends_with_jump(&mut self, i: usize, end: usize) -> bool {
        let (insts, sets) = (self.insts.len(), self.sets.len());
        let ok = self.sequence(i, end - 2, false).is_ok();
        self.insts.truncate(insts);
        self.sets.truncate(sets);
        ok
    }

    fn repeat_one(&mut self, i: usize, next: usize, greed: Greed) -> Result<usize, Invalid> {
        let (min, max) = (self.at(i + 2)?, self.at(i + 3)?);
        if min > max {
            return Err(Invalid);
        }
        self.push(Inst::One { min, max, greed });
        let item = self.here() as usize;
        self.sequence(i + 4, next, false)?;
        // The item's SUCCESS is implied.
        match self.insts.pop() {
            Some(Inst::Success) if self.insts.len() == item + 1 => Ok(next),
            _ => Err(Invalid),
        }
    }

    /// Checks and remembers the set in the words `i..end`.
    fn set(&mut self, i: usize, end: usize, case: Case) -> Result<u32, Invalid> {
        let mut at = i;
        while at < end {
            at += match self.code[at] {
                op::FAILURE => break,
                op::NEGATE => 1,
                op::LITERAL => 2,
                op::CATEGORY => {
                    Category::from_code(self.at(at + 1)?).ok_or(Invalid)?;
                    2
                }
                op::RANGE | op::RANGE_UNI_IGNORE => 3,
                op::CHARSET => 1 + 8,
                op::BIGCHARSET => 2 + 64 + 8 * self.at(at + 1)? as usize,
                _ => return Err(Invalid),
            };
        }
        if at > end {
            return Err(Invalid);
        }
        let range = i..at;
        let mut bits = [0; 4];
        for c in 0..256u32 {
            if self.set_code_has(range.clone(), case, c) {
                bits[(c >> 6) as usize] |= 1 << (c & 63);
            }
        }
        self.sets.push(Set { bits, code: range, case });
        Ok(self.sets.len() as u32 - 1)
    }

    fn set_code_has(&self, range: std::ops::Range<usize>, case: Case, c: u32) -> bool {
        let code = &self.code[range];
        let mut i = 0;
        let mut ok = true;
        while i < code.len() {
            let (hit, n) = match code[i] {
                op::NEGATE => {
                    ok = !ok;
                    (false, 1)
                }
                op::LITERAL => (c == code[i + 1], 2),
                op::CATEGORY => (Category::from_code(code[i + 1]).is_some_and(|k| k.has(c)), 2),
                op::RANGE => (code[i + 1] <= c && c <= code[i + 2], 3),
                op::RANGE_UNI_IGNORE => {
                    let u = super::chars::upper(c, case);
                    let within = |c| code[i + 1] <= c && c <= code[i + 2];
                    (within(c) || within(u), 3)
                }
                op::CHARSET => (c < 256 && code[i + 1 + (c >> 5) as usize] >> (c & 31) & 1 != 0, 9),
                op::BIGCHARSET => {
                    let blocks = code[i + 1] as usize;
                    let hit = c < 0x10000 && {
                        let word = code[i + 2 + (c >> 10) as usize];
                        let block = (word >> (8 * (c >> 8 & 3)) & 0xff) as usize;
                        block < blocks && code[i + 66 + 8 * block + (c >> 5 & 7) as usize] >> (c & 31) & 1 != 0
                    };
                    (hit, 66 + 8 * blocks)
                }
                _ => return !ok,
            };
            if hit {
                return ok;
            }
            i += n;
        }
        !ok
    }
}
