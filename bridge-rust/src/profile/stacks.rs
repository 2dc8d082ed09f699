//! Whole stacks from samples: Python frames between the native frames that ran them, and marks where the program crossed.

use std::collections::HashMap;

use cape_vm::eval::compiled_place;

use super::codes::Codes;
use super::sampler::{Recorded, Sample, function_start};
use super::symbols::{Mapping, Side, Symbols};

/// A function of a profile.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its name; of Python functions the qualified one.
    pub name: String,
    /// Its file, if known.
    pub file: String,
    /// The line of its definition; 0: unknown.
    pub first_line: u32,
    /// Whose it is.
    pub side: Side,
    /// What it is.
    pub kind: Kind,
}

/// What a frame stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Native,
    Python,
    /// Not a function: the program crosses here.
    Mark,
}

impl Function {
    /// How folded stacks and the flame graph show it.
    pub fn label(&self) -> String {
        let text = match self.kind {
            Kind::Python => format!("{} ({}:{})", self.name, self.file, self.first_line),
            Kind::Native | Kind::Mark => self.name.clone(),
        };
        text.replace(';', ":").replace(['\n', '\r'], " ")
    }
}

/// A place in a function, or, where functions are inlined, in several: the innermost first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The address; 0 outside of native code.
    pub address: u64,
    /// Functions by number, and lines.
    pub lines: Vec<(usize, u32)>,
}

/// A stack, and how often it was seen.
pub struct Stack {
    /// Numbers of places, innermost first.
    pub places: Vec<usize>,
    /// The thread's name.
    pub thread: String,
    /// Whose time it is.
    pub side: Side,
    /// Intervals.
    pub weight: u64,
}

/// A profile, ready to be written.
pub struct Profile {
    pub functions: Vec<Function>,
    pub places: Vec<Place>,
    pub stacks: Vec<Stack>,
    pub mappings: Vec<Mapping>,
    pub lost: u64,
}

/// A table without repetition.
struct Table<T> {
    rows: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T: Clone + Eq + std::hash::Hash> Table<T> {
    fn new() -> Table<T> {
        Table { rows: Vec::new(), numbers: HashMap::new() }
    }

    fn add(&mut self, row: T) -> usize {
        *self.numbers.entry(row).or_insert_with_key(|row| {
            self.rows.push(row.clone());
            self.rows.len() - 1
        })
    }
}

/// A native frame.
#[derive(Clone)]
struct Native {
    /// The function, and what is inlined into it.
    outer: usize,
    inlined: Option<usize>,
    side: Side,
    /// It is the evaluation loop.
    runs_python: bool,
    /// It calls Python functions: where compiled code follows, or a chain of it, it stands for the evaluation loop.
    calls_python: bool,
    chains: bool,
}

struct Builder<'a> {
    functions: Table<Function>,
    places: Table<Place>,
    symbols: Symbols,
    natives: HashMap<u64, Native>,
    codes: Codes,
    threads: &'a [String],
}

impl Builder<'_> {
    fn place(&mut self, function: Function, address: u64, line: u32) -> usize {
        let f = self.functions.add(function);
        self.places.add(Place { address, lines: vec![(f, line)] })
    }

    fn mark(&mut self, side: Side) -> usize {
        let name = match side {
            Side::Python => "[to Python]",
            Side::C => "[to C]",
            _ => "[boundary]",
        };
        let function =
            Function { name: name.into(), file: String::new(), first_line: 0, side, kind: Kind::Mark };
        self.place(function, 0, 0)
    }

    /// The frame of a return address.
    fn native(&mut self, address: u64) -> Native {
        if let Some(n) = self.natives.get(&address) {
            return n.clone();
        }
        let mut lines = Vec::new();
        let mut side = Side::Caller;
        for s in self.symbols.find(address) {
            side = s.side;
            let function = Function { name: s.name, file: s.file, first_line: 0, side, kind: Kind::Native };
            lines.push((self.functions.add(function), s.line));
        }
        let start = function_start(address as usize - 1);
        let outer = lines.split_off(lines.len() - 1);
        let native = Native {
            outer: self.places.add(Place { address: address - 1, lines: outer }),
            inlined: (!lines.is_empty()).then(|| self.places.add(Place { address: address - 1, lines })),
            side,
            runs_python: start == cape_vm::profile::evaluator(),
            calls_python: cape_vm::profile::callers().contains(&start)
                || crate::slots::callers().contains(&start),
            chains: start == cape_vm::profile::chain(),
        };
        self.natives.insert(address, native.clone());
        native
    }

    /// The place of a Python frame, and whether it stands at its first instruction.
    fn python(&mut self, code: u64, pc: u64, at: usize) -> (usize, bool) {
        let (name, file, first_line, line, fresh) = match self.codes.find(code as usize, pc as usize, at) {
            Some((u, word)) => {
                let line = u.position(word).map_or(u.first_line, |p| p.line);
                (u.qualname.to_string(), u.filename.to_string(), u.first_line, line, word == 0)
            }
            None => ("[unknown code]".to_string(), String::new(), 0, 0, false),
        };
        let function = Function { name, file, first_line, side: Side::Python, kind: Kind::Python };
        (self.place(function, 0, line), fresh)
    }

    /// The Python frames of a sample as the evaluation loops ran them: outermost loop first, in each the outermost frame first. Also
    /// whether the innermost frame stands at its beginning.
    fn groups(&mut self, sample: &Sample<'_>) -> (Vec<Vec<usize>>, bool) {
        let mut groups = vec![Vec::new()];
        let mut fresh = None;
        // Compiled code does not store where it is, but its addresses tell.
        let mut compiled = sample.native.iter().find_map(|&a| compiled_place(a as usize - 1));
        for frame in sample.python.chunks_exact(2) {
            let place = compiled.take().filter(|c| c.0 as u64 == frame[0] & !1);
            let pc = place.map_or(frame[1], |c| c.1 as u64);
            let (place, begins) = self.python(frame[0] & !1, pc, sample.at);
            fresh.get_or_insert(begins);
            if let Some(group) = groups.last_mut() {
                group.push(place);
            }
            if frame[0] & 1 != 0 {
                groups.push(Vec::new());
            }
        }
        // Behind the outermost entry is nothing, unless the stack was cut.
        groups.retain(|g| !g.is_empty());
        groups.iter_mut().for_each(|g| g.reverse());
        groups.reverse();
        (groups, fresh.unwrap_or(false))
    }

    /// The places of a sample, outermost first, and whose time it is.
    fn stack(&mut self, sample: &Sample<'_>) -> (Vec<usize>, Side) {
        // (Compiled code is shown as the Python frames that it runs.)
        let mut natives: Vec<Native> = Vec::new();
        for &a in sample.native.iter().rev() {
            let native = compiled_place(a as usize - 1).is_none().then(|| self.native(a));
            if let Some(last) = natives.last_mut() {
                last.runs_python |= last.calls_python && native.as_ref().is_none_or(|n| n.chains);
            }
            natives.extend(native);
        }
        let mut loops = natives.iter().filter(|n| n.runs_python).count();
        let (mut groups, fresh) = self.groups(sample);
        let unseen = sample.entries.saturating_sub(groups.len());
        if fresh && sample.entries == loops + 1 {
            // It was pushed, but its loop does not run yet.
            groups.pop();
        }
        let mut groups = groups.into_iter();
        let mut stack = Vec::new();
        // The loops that have no frames in the sample, being too deep, or whose native frames it has not.
        let mut skipped = unseen;
        if sample.is_cut() || loops + 1 < sample.entries {
            // The outer end is missing. The innermost loop runs the innermost group.
            let without = sample.entries.saturating_sub(loops);
            skipped = unseen.saturating_sub(without);
            groups.by_ref().take(without.saturating_sub(unseen)).for_each(|g| stack.extend(g));
        }
        let mut side = Side::Python;
        for n in natives {
            // What is below the first function of the interpreter or an extension is the start of the thread.
            if stack.is_empty() && n.side == Side::Caller {
                continue;
            }
            if !matches!(n.side, Side::Caller | Side::Memory) && n.side != side {
                side = n.side;
                stack.push(self.mark(side));
            }
            stack.push(n.outer);
            if n.runs_python {
                // (Functions of the boundary enter compiled code themselves.)
                if side != Side::Python {
                    side = Side::Python;
                    stack.push(self.mark(side));
                }
                if skipped > 0 {
                    skipped -= 1;
                } else {
                    stack.extend(groups.next().unwrap_or_default());
                }
                loops -= 1;
                if loops == 0 {
                    // Generators that are thrown into through others are pushed without a loop of their own.
                    groups.by_ref().for_each(|g| stack.extend(g));
                }
            }
            stack.extend(n.inlined);
        }
        let last = sample.native.iter().map(|&a| self.native(a).side).find(|&s| s != Side::Caller);
        (stack, last.unwrap_or(side))
    }
}

impl Profile {
    /// Makes whole stacks of what was recorded.
    pub fn new(recorded: &Recorded) -> Profile {
        let mut b = Builder {
            functions: Table::new(),
            places: Table::new(),
            symbols: Symbols::new(),
            natives: HashMap::new(),
            codes: Codes::new(),
            threads: &recorded.threads,
        };
        let mut weights: HashMap<(String, Vec<usize>, Side), u64> = HashMap::new();
        for sample in recorded.samples() {
            let (mut places, side) = b.stack(&sample);
            places.reverse();
            let thread = b.threads.get(sample.thread).cloned().unwrap_or_default();
            *weights.entry((thread, places, side)).or_default() += sample.weight;
        }
        let mut stacks: Vec<Stack> = weights
            .into_iter()
            .map(|((thread, places, side), weight)| Stack { places, thread, side, weight })
            .collect();
        stacks.sort_by(|a, b| (b.weight, &a.thread, &a.places).cmp(&(a.weight, &b.thread, &b.places)));
        Profile {
            functions: b.functions.rows,
            places: b.places.rows,
            stacks,
            mappings: b.symbols.mappings,
            lost: recorded.lost,
        }
    }

    /// One line: how much time is whose.
    pub fn summary(&self) -> String {
        let total: u64 = self.stacks.iter().map(|s| s.weight).sum();
        let share = |side| {
            let own: u64 = self.stacks.iter().filter(|s| s.side == side).map(|s| s.weight).sum();
            format!("{} {:.1}%", side.name(), own as f64 * 100.0 / total.max(1) as f64)
        };
        let parts = [Side::Python, Side::Memory, Side::Boundary, Side::C].map(share).join(", ");
        let lost = if self.lost > 0 { format!(", {} lost", self.lost) } else { String::new() };
        format!("{total} samples, {parts}{lost}")
    }

    /// The number of the mapping that an address is in.
    pub fn mapping(&self, address: u64) -> Option<usize> {
        self.mappings.iter().position(|m| (m.start..m.end).contains(&address))
    }
}
