//! `re.Pattern`.

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::engine::{Request, State};
use super::match_::{Groups, MatchObj};
use super::program::Program;
use super::scanner;
use super::subject::{Joined, Subject};
use super::template::{TemplateObj, compiled, expand_into};

heap_object! {
    /// A compiled pattern. `groupindex` is a dict, `indexgroup` a tuple.
    pub struct PatternObj {
        pattern: Field,
        groupindex: Field,
        indexgroup: Field,
        program: Native<Program>,
        flags: u32,
    } [drop]
}

impl Named for PatternObj {
    const NAME: &'static str = "re.Pattern";
}

static TYPE: StaticType = StaticType::new();

const LOCALE: u32 = 4;
const UNICODE: u32 = 32;
const ASCII: u32 = 256;
/// Flags with their names, in the order in which `repr` shows them.
const FLAGS: &[(u32, &str)] = &[
    (2, "re.IGNORECASE"),
    (LOCALE, "re.LOCALE"),
    (8, "re.MULTILINE"),
    (16, "re.DOTALL"),
    (UNICODE, "re.UNICODE"),
    (64, "re.VERBOSE"),
    (128, "re.DEBUG"),
    (ASCII, "re.ASCII"),
];

impl PatternObj {
    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.program.groups as usize
    }

    /// The translated code.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Whether it was made from bytes; `None` when it was made from nothing.
    pub fn for_bytes(&self) -> Option<bool> {
        let p = self.pattern.get();
        if p.is_none() { None } else { Some(!p.is::<StrObj>()) }
    }

    /// Names of groups.
    pub fn group_index(&self) -> Ptr<DictObj> {
        self.groupindex.downcast().expect("names of a pattern's groups")
    }

    /// The name of group `i`, if it has one.
    pub fn group_name(&self, i: usize) -> Option<Value> {
        let names: Ptr<TupleObj> = self.indexgroup.downcast()?;
        names.as_slice().get(i).copied().filter(|n| i > 0 && !n.is_none())
    }
}

/// Makes the type.
pub fn init(_vm: &Vm) {
    const FLAG: u32 = TypeFlags::NO_INSTANTIATION | TypeFlags::HAS_WEAKREF;
    let b = new_type::<PatternObj>("re.Pattern", rt().types.object, FLAG)
        .doc("Compiled regular expression object.")
        .method(
            "match($self, /, string, pos=0, endpos=sys.maxsize)",
            "Matches zero or more characters at the beginning of the string.",
            |vm: &Vm, p, s: Value, from, to| run(vm, p, s, from, to, Mode::Match),
        )
        .method(
            "fullmatch($self, /, string, pos=0, endpos=sys.maxsize)",
            "Matches against all of the string.",
            |vm: &Vm, p, s: Value, from, to| run(vm, p, s, from, to, Mode::Full),
        )
        .method(
            "search($self, /, string, pos=0, endpos=sys.maxsize)",
            "Scan through string looking for a match, and return a corresponding match object instance.\n\nReturn None if no position in the string matches.",
            |vm: &Vm, p, s: Value, from, to| run(vm, p, s, from, to, Mode::Search),
        )
        .method(
            "sub($self, /, repl, string, count=0)",
            "Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.",
            |vm: &Vm, p, repl: Value, s: Value, n| Ok::<_, cape_vm::Raised>(sub(vm, p, repl, s, n)?.0),
        )
        .method(
            "subn($self, /, repl, string, count=0)",
            "Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl.",
            |vm: &Vm, p, repl: Value, s: Value, n| {
                sub(vm, p, repl, s, n).map(|(s, n)| TupleObj::new(&[s, Value::int(n)]))
            },
        )
        .method(
            "findall($self, /, string, pos=0, endpos=sys.maxsize)",
            "Return a list of all non-overlapping matches of pattern in string.",
            findall,
        )
        .method("split($self, /, string, maxsplit=0)", "Split string by the occurrences of pattern.", split)
        .method(
            "finditer($self, /, string, pos=0, endpos=sys.maxsize)",
            "Return an iterator over all non-overlapping matches for the RE pattern in string.\n\nFor each match, the iterator returns a match object.",
            |vm: &Vm, p, s: Value, from, to| scanner::make(vm, p, s, from, to, true),
        )
        .method(
            "scanner($self, /, string, pos=0, endpos=sys.maxsize)",
            "",
            |vm: &Vm, p, s: Value, from, to| scanner::make(vm, p, s, from, to, false),
        )
        .method("__copy__($self, /)", "", |_: &Vm, p: Ptr<PatternObj>| p)
        .method("__deepcopy__($self, memo, /)", "", |_: &Vm, p: Ptr<PatternObj>, _memo: Value| p)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", hash)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, p, v: Value| equal(vm, p, v, true))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, p, v: Value| equal(vm, p, v, false))
        .class_method(
            "__class_getitem__($type, object, /)",
            "Patterns are generic over the type of string they handle (str or bytes)",
            |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
        )
        .getter(
            "pattern",
            "The pattern string from which the RE object was compiled.",
            |_: &Vm, p: Ptr<PatternObj>| p.pattern.get(),
        )
        .getter("flags", "The regex matching flags.", |_: &Vm, p: Ptr<PatternObj>| p.flags)
        .getter("groups", "The number of capturing groups in the pattern.", |_: &Vm, p: Ptr<PatternObj>| {
            p.groups()
        })
        .getter(
            "groupindex",
            "A dictionary mapping group names to group numbers.",
            |vm: &Vm, p: Ptr<PatternObj>| {
                let proxy = vm.import_attr("types", "MappingProxyType")?;
                vm.call(proxy, &[p.groupindex.get()])
            },
        );
    TYPE.set(b.class());
}

/// `_sre.compile(pattern, flags, code, groups, groupindex, indexgroup)`
pub fn compile(
    vm: &Vm,
    pattern: Value,
    flags: i32,
    code: Ptr<ListObj>,
    groups: isize,
    groupindex: Ptr<DictObj>,
    indexgroup: Ptr<TupleObj>,
) -> Res<Value> {
    let words = code.snapshot();
    let mut out = Vec::with_capacity(words.len());
    for &w in words.as_slice() {
        let n = vm.index_int(w)?.to_i64().and_then(|n| u32::try_from(n).ok());
        out.push(n.ok_or_else(|| vm.overflow_error("regular expression code size limit exceeded"))?);
    }
    let invalid = || vm.runtime_error("invalid SRE code");
    let groups = u32::try_from(groups).map_err(|_| invalid())?;
    let program = Program::new(out, groups).map_err(|_| invalid())?;
    let map = TYPE.get().instance_map();
    let p = heap().alloc(
        map,
        PatternObj {
            header: Header::new(map),
            pattern: Field::new(pattern),
            groupindex: Field::new(groupindex.value()),
            indexgroup: Field::new(indexgroup.value()),
            program: Native(program),
            flags: flags as u32,
        },
    );
    Ok(p.value())
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Match,
    Full,
    Search,
}

fn run(
    vm: &Vm,
    p: Ptr<PatternObj>,
    string: Value,
    pos: Option<isize>,
    endpos: Option<isize>,
    mode: Mode,
) -> Res<Option<Ptr<MatchObj>>> {
    let subject = Subject::of(vm, string, p.for_bytes())?;
    let (start, end) = subject.clip(pos, endpos);
    let q = Request { start, end, full: mode == Mode::Full, must_advance: false };
    Ok(State::with(|st| {
        subject
            .run(p.program(), q, mode == Mode::Search, st)
            .then(|| MatchObj::new(p, string, st, start, end))
    }))
}

/// Calls `found` for one match after the other until it says stop (gives false).
fn each_match(
    p: Ptr<PatternObj>,
    subject: &Subject,
    (start, end): (usize, usize),
    mut found: impl FnMut(&State) -> Res<bool>,
) -> Res<()> {
    let mut q = Request { start, end, full: false, must_advance: false };
    State::with(|st| {
        while subject.run(p.program(), q, true, st) {
            (q.start, q.must_advance) = (st.end, st.start == st.end);
            if !found(st)? {
                break;
            }
        }
        Ok(())
    })
}

fn findall(vm: &Vm, p: Ptr<PatternObj>, string: Value, pos: Option<isize>, endpos: Option<isize>) -> Res<Value> {
    let subject = Subject::of(vm, string, p.for_bytes())?;
    let list = ListObj::new(&[]);
    let part = |st: &State, g| {
        let (a, b) = st.span(g).unwrap_or((0, 0));
        subject.slice(a, b)
    };
    each_match(p, &subject, subject.clip(pos, endpos), |st| {
        let item = match p.groups() {
            0 => part(st, 0),
            1 => part(st, 1),
            n => {
                let mut items = ValueVec::with_capacity(n);
                (1..=n).for_each(|g| items.push(part(st, g)));
                TupleObj::new(&items).value()
            }
        };
        list.push(item);
        Ok(true)
    })?;
    Ok(list.value())
}

fn split(vm: &Vm, p: Ptr<PatternObj>, string: Value, maxsplit: Option<isize>) -> Res<Value> {
    let subject = Subject::of(vm, string, p.for_bytes())?;
    let max = maxsplit.unwrap_or(0);
    let list = ListObj::new(&[]);
    let (mut last, mut n) = (0, 0);
    if max >= 0 {
        each_match(p, &subject, (0, subject.len()), |st| {
            list.push(subject.slice(last, st.start));
            for g in 1..=p.groups() {
                list.push(st.span(g).map_or(Value::NONE, |(a, b)| subject.slice(a, b)));
            }
            last = st.end;
            n += 1;
            Ok(n != max)
        })?;
    }
    list.push(subject.slice(last, subject.len()));
    Ok(list.value())
}

/// What replaces a match.
enum Filter {
    Literal(Value),
    Template(Ptr<TemplateObj>),
    Call(Value),
}

fn filter(vm: &Vm, p: Ptr<PatternObj>, repl: Value) -> Res<Filter> {
    if vm.is_callable(repl) {
        return Ok(Filter::Call(repl));
    }
    let plain = match repl.downcast::<StrObj>() {
        Some(s) => s.chars().all(|c| c != '\\' as u32),
        None => vm.bytes_like(repl).is_ok_and(|b| !b.as_slice().contains(&b'\\')),
    };
    if plain {
        return Ok(Filter::Literal(repl));
    }
    let t = compiled(vm, p, repl)?;
    Ok(match t.downcast::<TemplateObj>() {
        Some(t) if t.is_literal() => Filter::Literal(t.literal.get()),
        Some(t) => Filter::Template(t),
        None if vm.is_callable(t) => Filter::Call(t),
        None => Filter::Literal(t),
    })
}

fn sub(vm: &Vm, p: Ptr<PatternObj>, repl: Value, string: Value, count: Option<isize>) -> Res<(Value, i64)> {
    let by = filter(vm, p, repl)?;
    let count = count.unwrap_or(0) as i64;
    let subject = Subject::of(vm, string, p.for_bytes())?;
    let len = subject.len();
    let mut out = Joined::new(subject.is_bytes());
    let (mut last, mut n) = (0, 0);
    if count >= 0 {
        each_match(p, &subject, (0, len), |st| {
            if last < st.start {
                out.part(&subject, last, st.start);
            }
            match &by {
                Filter::Literal(v) => {
                    if vm.truth(*v)? {
                        out.push(vm, *v)?;
                    }
                }
                Filter::Template(t) => expand_into(vm, *t, &subject, st, &mut out)?,
                Filter::Call(f) => {
                    let m = MatchObj::new(p, string, st, 0, len);
                    let item = vm.call(*f, &[m.value()])?;
                    if !item.is_none() {
                        out.push(vm, item)?;
                    }
                }
            }
            last = st.end;
            n += 1;
            Ok(n != count)
        })?;
    }
    if n == 0 {
        return Ok((subject.slice(0, len), 0));
    }
    if last < len {
        out.part(&subject, last, len);
    }
    Ok((out.finish(), n))
}

fn repr(vm: &Vm, p: Ptr<PatternObj>) -> Res<Value> {
    let mut flags = p.flags;
    if p.for_bytes() == Some(false) && flags & (LOCALE | UNICODE | ASCII) == UNICODE {
        flags &= !UNICODE;
    }
    let mut names: Vec<String> = Vec::new();
    for (bit, name) in FLAGS {
        if flags & bit != 0 {
            names.push(name.to_string());
            flags &= !bit;
        }
    }
    if flags != 0 {
        names.push(format!("0x{flags:x}"));
    }
    let text = vm.repr(p.pattern.get())?;
    let mut out = StrBuilder::new();
    out.push_str("re.compile(");
    out.push_obj(&text.substring(0, 200));
    if !names.is_empty() {
        out.push_str(", ");
        out.push_str(&names.join("|"));
    }
    out.push_str(")");
    Ok(out.finish().value())
}

fn hash(vm: &Vm, p: Ptr<PatternObj>) -> Res<i64> {
    let h = vm.hash(p.pattern.get())?;
    let code = p.program().code_hash();
    Ok(h ^ code as i64 ^ (p.flags as i64) ^ (p.groups() as i64))
}

fn equal(vm: &Vm, p: Ptr<PatternObj>, other: Value, want: bool) -> Res<Value> {
    let Some(q) = other.downcast::<PatternObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let same = p == q
        || p.flags == q.flags
            && p.for_bytes() == q.for_bytes()
            && p.program().same_code(q.program())
            && type_of(p.pattern.get()) == type_of(q.pattern.get())
            && vm.eq_identity(p.pattern.get(), q.pattern.get())?;
    Ok(Value::bool(same == want))
}
