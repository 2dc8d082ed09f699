//! Replacement templates with their escapes worked out.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::match_::{Groups, MatchObj};
use super::pattern::PatternObj;
use super::subject::{Joined, Subject};

heap_object! {
    /// A template: text, then groups (ints), each followed by text.
    pub struct TemplateObj { pub literal: Field, items: Field }
}

impl Named for TemplateObj {
    const NAME: &'static str = "re.Template";
}

static TYPE: StaticType = StaticType::new();

/// Makes the type.
pub fn init(_vm: &Vm) {
    TYPE.set(new_type::<TemplateObj>("re.Template", rt().types.object, TypeFlags::NO_INSTANTIATION).class());
}

/// `_sre.template(pattern, [text, group, text, ...])`
pub fn make(vm: &Vm, pattern: Ptr<PatternObj>, list: Ptr<ListObj>) -> Res<Value> {
    let items = list.snapshot();
    let items = items.as_slice();
    if items.len() % 2 == 0 {
        return Err(vm.type_error("invalid template"));
    }
    for v in items.iter().skip(1).step_by(2) {
        let Some(i) = Int::of(*v).and_then(|i| i.to_i64()) else {
            return Err(vm.type_error("an integer is required"));
        };
        if i < 0 || i > pattern.groups() as i64 {
            return Err(vm.type_error("invalid template"));
        }
    }
    let map = TYPE.get().instance_map();
    let rest = TupleObj::new(&items[1..]);
    let t = heap().alloc(
        map,
        TemplateObj { header: Header::new(map), literal: Field::new(items[0]), items: Field::new(rest.value()) },
    );
    Ok(t.value())
}

impl TemplateObj {
    fn items(&self) -> Ptr<TupleObj> {
        self.items.downcast().expect("items of a template")
    }

    /// Whether it refers to no group.
    pub fn is_literal(&self) -> bool {
        self.items().is_empty()
    }
}

/// Appends what a template stands for, given what the groups matched.
pub fn expand_into(
    vm: &Vm,
    t: Ptr<TemplateObj>,
    subject: &Subject,
    groups: &impl Groups,
    out: &mut Joined,
) -> Res<()> {
    let nonempty = |v: Value| vm.truth(v);
    if nonempty(t.literal.get())? {
        out.push(vm, t.literal.get())?;
    }
    let items = t.items();
    for pair in items.as_slice().chunks(2) {
        let g = Int::of(pair[0]).and_then(|i| i.to_i64()).unwrap_or(0) as usize;
        if let Some((a, b)) = groups.span(g) {
            out.part(subject, a, b);
        }
        if nonempty(pair[1])? {
            out.push(vm, pair[1])?;
        }
    }
    Ok(())
}

/// The template object for `template` in the given pattern, through `re._compile_template`.
pub fn compiled(vm: &Vm, pattern: Ptr<PatternObj>, template: Value) -> Res<Value> {
    let f = vm.import_attr("re", "_compile_template")?;
    vm.call(f, &[pattern.value(), template])
}

/// `match.expand(template)`
pub fn expand(vm: &Vm, m: Ptr<MatchObj>, template: Value) -> Res<Value> {
    let t = compiled(vm, m.pattern(), template)?;
    let Some(t) = t.downcast::<TemplateObj>() else {
        return Err(vm.type_error("invalid template"));
    };
    if t.is_literal() {
        return Ok(t.literal.get());
    }
    let subject = Subject::of(vm, m.string.get(), None)?;
    let mut out = Joined::new(subject.is_bytes());
    expand_into(vm, t, &subject, &*m, &mut out)?;
    Ok(out.finish())
}
