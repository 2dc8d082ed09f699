//! `re.Match`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::engine::{NONE, State};
use super::pattern::PatternObj;
use super::subject::Subject;
use super::template;

heap_object! {
    /// A match. Start and end of the whole and of each group follow the fixed part ([`NONE`] when unset).
    pub struct MatchObj {
        pub string: Field,
        pub re: Field,
        regs: Field,
        pos: usize,
        endpos: usize,
        last_index: u32,
        spans: usize,
    } [size = MatchObj::bytes]
}

impl Named for MatchObj {
    const NAME: &'static str = "re.Match";
}

static TYPE: StaticType = StaticType::new();

/// Where groups matched.
pub trait Groups {
    /// Start and end of group `g` (0: the whole); `None` when it did not take part.
    fn span(&self, g: usize) -> Option<(usize, usize)>;
}

impl Groups for State {
    fn span(&self, g: usize) -> Option<(usize, usize)> {
        if g == 0 {
            return Some((self.start, self.end));
        }
        let (a, b) = (self.marks[2 * g - 2], self.marks[2 * g - 1]);
        (a != NONE && b != NONE && a <= b).then_some((a, b))
    }
}

impl Groups for MatchObj {
    fn span(&self, g: usize) -> Option<(usize, usize)> {
        let s = self.spans();
        let (a, b) = (s[2 * g], s[2 * g + 1]);
        (a != NONE).then_some((a, b))
    }
}

impl MatchObj {
    fn bytes(&self) -> usize {
        size_of::<MatchObj>() + 16 * self.spans
    }

    fn spans_ptr(&self) -> *mut usize {
        // SAFETY: the spans follow the fixed part.
        unsafe { (self as *const MatchObj).add(1) as *mut usize }
    }

    fn spans(&self) -> &[usize] {
        // SAFETY: two words for each span follow the fixed part; the conservative scan keeps the object in place.
        unsafe { std::slice::from_raw_parts(self.spans_ptr(), 2 * self.spans) }
    }

    /// The match that `st` has found.
    pub fn new(re: Ptr<PatternObj>, string: Value, st: &State, pos: usize, endpos: usize) -> Ptr<MatchObj> {
        let map = TYPE.get().instance_map();
        let spans = re.groups() + 1;
        let m = heap().alloc_var(
            map,
            size_of::<MatchObj>() + 16 * spans,
            MatchObj {
                header: Header::new(map),
                string: Field::new(string),
                re: Field::new(re.value()),
                regs: Field::new(Value::EMPTY),
                pos,
                endpos,
                last_index: st.last_index,
                spans,
            },
        );
        for g in 0..spans {
            let (a, b) = st.span(g).unwrap_or((NONE, NONE));
            // SAFETY: g is below the number of spans that there is room for.
            unsafe {
                *m.spans_ptr().add(2 * g) = a;
                *m.spans_ptr().add(2 * g + 1) = b;
            }
        }
        m
    }

    /// The pattern.
    pub fn pattern(&self) -> Ptr<PatternObj> {
        self.re.downcast().expect("pattern of a match")
    }
}

/// Makes the type.
pub fn init(_vm: &Vm) {
    let b = new_type::<MatchObj>("re.Match", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .doc("The result of re.match() and re.search().\nMatch objects always have a boolean value of True.")
        .method(
            "group($self, /, *args)",
            "group([group1, ...]) -> str or tuple.\n    Return subgroup(s) of the match by indices or names.\n    For 0 returns the entire match.",
            group,
        )
        .method("__getitem__($self, key, /)", "Return self[key].", |vm: &Vm, m, key: Value| {
            one_group(vm, m, key, Value::NONE)
        })
        .method(
            "start($self, group=0, /)",
            "Return index of the start of the substring matched by group.",
            |vm: &Vm, m: Ptr<MatchObj>, g: Value| Ok(bounds(vm, m, g)?.0).map(Value::int),
        )
        .method(
            "end($self, group=0, /)",
            "Return index of the end of the substring matched by group.",
            |vm: &Vm, m: Ptr<MatchObj>, g: Value| Ok(bounds(vm, m, g)?.1).map(Value::int),
        )
        .method(
            "span($self, group=0, /)",
            "For match object m, return the 2-tuple (m.start(group), m.end(group)).",
            |vm: &Vm, m: Ptr<MatchObj>, g: Value| {
                bounds(vm, m, g).map(|(a, b)| TupleObj::new(&[Value::int(a), Value::int(b)]))
            },
        )
        .method(
            "groups($self, /, default=None)",
            "Return a tuple containing all the subgroups of the match, from 1.\n\n  default\n    Is used for groups that did not participate in the match.",
            groups,
        )
        .method(
            "groupdict($self, /, default=None)",
            "Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.\n\n  default\n    Is used for groups that did not participate in the match.",
            groupdict,
        )
        .method(
            "expand($self, /, template)",
            "Return the string obtained by doing backslash substitution on the string template, as done by the sub() method.",
            template::expand,
        )
        .method("__copy__($self, /)", "", |_: &Vm, m: Ptr<MatchObj>| m)
        .method("__deepcopy__($self, memo, /)", "", |_: &Vm, m: Ptr<MatchObj>, _memo: Value| m)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .class_method(
            "__class_getitem__($type, object, /)",
            "Matches are generic over the type of string which was matched (str or bytes)",
            |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
        )
        .getter("string", "The string passed to match() or search().", |_: &Vm, m: Ptr<MatchObj>| m.string.get())
        .getter("re", "The regular expression object.", |_: &Vm, m: Ptr<MatchObj>| m.re.get())
        .getter(
            "pos",
            "The index into the string at which the RE engine started looking for a match.",
            |_: &Vm, m: Ptr<MatchObj>| m.pos,
        )
        .getter(
            "endpos",
            "The index into the string beyond which the RE engine will not go.",
            |_: &Vm, m: Ptr<MatchObj>| m.endpos,
        )
        .getter(
            "lastindex",
            "The integer index of the last matched capturing group.",
            |_: &Vm, m: Ptr<MatchObj>| (m.last_index > 0).then_some(m.last_index),
        )
        .getter("lastgroup", "The name of the last matched capturing group.", |_: &Vm, m: Ptr<MatchObj>| {
            m.pattern().group_name(m.last_index as usize)
        })
        .getter("regs", "", regs);
    TYPE.set(b.class());
}

/// The number of the group that an index or a name stands for.
fn group_number(vm: &Vm, m: Ptr<MatchObj>, key: Value) -> Res<usize> {
    if key.is_empty() {
        return Ok(0);
    }
    let mut number = None;
    if !cape_vm::type_of(key).special(cape_vm::special::Special::Index).is_empty() || is_int(key) {
        number = vm.index_int(key)?.to_i64();
    } else if let Ok(Some(v)) = m.pattern().group_index().get(vm, key) {
        number = Int::of(v).and_then(|i| i.to_i64());
    }
    match number {
        Some(i) if i >= 0 && (i as usize) < m.spans => Ok(i as usize),
        _ => Err(vm.index_error("no such group")),
    }
}

fn slice(vm: &Vm, m: Ptr<MatchObj>, g: usize, default: Value) -> Res<Value> {
    let Some((a, b)) = m.span(g) else { return Ok(default) };
    let s = Subject::of(vm, m.string.get(), None)?;
    // A mutable subject may have become shorter.
    Ok(s.slice(a.min(s.len()), b.min(s.len())))
}

fn one_group(vm: &Vm, m: Ptr<MatchObj>, key: Value, default: Value) -> Res<Value> {
    let g = group_number(vm, m, key)?;
    slice(vm, m, g, default)
}

fn group(vm: &Vm, m: Ptr<MatchObj>, args: Ptr<TupleObj>) -> Res<Value> {
    match args.as_slice() {
        [] => slice(vm, m, 0, Value::NONE),
        [key] => one_group(vm, m, *key, Value::NONE),
        keys => {
            let mut out = ValueVec::with_capacity(keys.len());
            for &k in keys {
                out.push(one_group(vm, m, k, Value::NONE)?);
            }
            Ok(TupleObj::new(&out).value())
        }
    }
}

fn or_none(default: Value) -> Value {
    if default.is_empty() { Value::NONE } else { default }
}

fn groups(vm: &Vm, m: Ptr<MatchObj>, default: Value) -> Res<Value> {
    let mut out = ValueVec::with_capacity(m.spans);
    for g in 1..m.spans {
        out.push(slice(vm, m, g, or_none(default))?);
    }
    Ok(TupleObj::new(&out).value())
}

fn groupdict(vm: &Vm, m: Ptr<MatchObj>, default: Value) -> Res<Value> {
    let names = m.pattern().group_index();
    let out = DictObj::new();
    for e in names.table.iter() {
        let v = one_group(vm, m, e.key, or_none(default))?;
        out.set(vm, e.key, v)?;
    }
    Ok(out.value())
}

fn bounds(vm: &Vm, m: Ptr<MatchObj>, key: Value) -> Res<(i64, i64)> {
    let g = group_number(vm, m, key)?;
    Ok(m.span(g).map_or((-1, -1), |(a, b)| (a as i64, b as i64)))
}

fn regs(_: &Vm, m: Ptr<MatchObj>) -> Value {
    if m.regs.get().is_empty() {
        let mut out = ValueVec::with_capacity(m.spans);
        for g in 0..m.spans {
            let (a, b) = m.span(g).map_or((-1, -1), |(a, b)| (a as i64, b as i64));
            out.push(TupleObj::new(&[Value::int(a), Value::int(b)]).value());
        }
        m.regs.set(m, TupleObj::new(&out).value());
    }
    m.regs.get()
}

fn repr(vm: &Vm, m: Ptr<MatchObj>) -> Res<Value> {
    let whole = slice(vm, m, 0, Value::NONE)?;
    let text = vm.repr(whole)?;
    let (a, b) = m.span(0).unwrap_or((0, 0));
    let mut out = StrBuilder::new();
    out.push_str(&format!("<re.Match object; span=({a}, {b}), match="));
    // CPython shows the first 50 characters.
    out.push_obj(&text.substring(0, 50));
    out.push_str(">");
    Ok(out.finish().value())
}
