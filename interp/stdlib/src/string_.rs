//! `_string`: the parser of `str.format` for `string.Formatter`.

use std::cell::Cell;

use cape_builtins::format::template::{First, Pieces, Step, first_part, next_step};
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

heap_object! {
    /// Iterator over the pieces of a template.
    pub struct PiecesObj { pub text: Field, pub at: Cell<usize> }

    /// Iterator over the steps of a field's name.
    pub struct StepsObj { pub text: Field, pub at: Cell<usize> }
}

impl Named for PiecesObj {
    const NAME: &'static str = "formatteriterator";
}

impl Named for StepsObj {
    const NAME: &'static str = "fieldnameiterator";
}

static PIECES: StaticType = StaticType::new();
static STEPS: StaticType = StaticType::new();

fn next_piece(vm: &Vm, it: Ptr<PiecesObj>) -> Res<Value> {
    let Some(s) = it.text.downcast::<StrObj>() else { return Ok(Value::EMPTY) };
    let mut pieces = Pieces::from(&s, it.at.get());
    let Some(p) = pieces.next(vm)? else { return Ok(Value::EMPTY) };
    it.at.set(pieces.position());
    let literal = s.substring(p.literal.0, p.literal.1).value();
    let Some(f) = p.field else {
        return Ok(TupleObj::new(&[literal, Value::NONE, Value::NONE, Value::NONE]).value());
    };
    let name = s.substring(f.name.0, f.name.1).value();
    let spec = s.substring(f.spec.0, f.spec.1).value();
    let conversion = f.conversion.map_or(Value::NONE, |c| StrObj::from_char(c).value());
    Ok(TupleObj::new(&[literal, name, spec, conversion]).value())
}

fn next_name_step(vm: &Vm, it: Ptr<StepsObj>) -> Res<Value> {
    let Some(s) = it.text.downcast::<StrObj>() else { return Ok(Value::EMPTY) };
    let Some((step, next)) = next_step(vm, &s, it.at.get(), s.len())? else { return Ok(Value::EMPTY) };
    it.at.set(next);
    let (attribute, key) = match step {
        Step::Attribute(a, b) => (true, s.substring(a, b).value()),
        Step::Index(i) => (false, int_value(i as i64)),
        Step::Key(a, b) => (false, s.substring(a, b).value()),
    };
    Ok(TupleObj::new(&[Value::bool(attribute), key]).value())
}

fn parser(vm: &Vm, text: Value) -> Res<Ptr<PiecesObj>> {
    let s: Ptr<StrObj> = text.downcast().ok_or_else(|| wrong(vm, text))?;
    let map = PIECES.get().instance_map();
    Ok(heap().alloc(map, PiecesObj { header: Header::new(map), text: Field::new(s.value()), at: Cell::new(0) }))
}

fn wrong(vm: &Vm, v: Value) -> cape_vm::Raised {
    vm.type_error(format!("expected str, got {}", cape_vm::class::full_name(cape_vm::type_of(v))))
}

fn split(vm: &Vm, text: Value) -> Res<Ptr<TupleObj>> {
    let s: Ptr<StrObj> = text.downcast().ok_or_else(|| wrong(vm, text))?;
    let (first, at) = first_part(vm, &s, (0, s.len()))?;
    let first = match first {
        First::Auto => rt().empty_str().value(),
        First::Index(i) => int_value(i as i64),
        First::Key(a, b) => s.substring(a, b).value(),
    };
    let map = STEPS.get().instance_map();
    let steps =
        heap().alloc(map, StepsObj { header: Header::new(map), text: Field::new(s.value()), at: Cell::new(at) });
    Ok(TupleObj::new(&[first, steps.value()]))
}

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    if PIECES.try_get().is_none() {
        let t = new_type::<PiecesObj>("formatteriterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: Ptr<PiecesObj>| it)
            .method("__next__($self, /)", "Implement next(self).", next_piece);
        PIECES.set(t.class());
        let t = new_type::<StepsObj>("fieldnameiterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: Ptr<StepsObj>| it)
            .method("__next__($self, /)", "Implement next(self).", next_name_step);
        STEPS.set(t.class());
    }
    m.function("formatter_parser(object, /)", "parse the argument as a format string", parser).function(
        "formatter_field_name_split(object, /)",
        "split the argument as a field name",
        split,
    );
    Ok(())
}
