//! The module's exceptions.

use cape_vm::class::qualified_name;
use cape_vm::native::new_type;
use cape_vm::object::{ExcObj, ModuleObj, TypeFlags};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Value, Vm, rt, type_of};

static PICKLING: StaticType = StaticType::new();
static UNPICKLING: StaticType = StaticType::new();

/// Makes the classes.
pub fn init(m: Ptr<ModuleObj>) {
    let base = new_type::<ExcObj>("_pickle.PickleError", rt().types.exception, TypeFlags::BASE).class();
    PICKLING.set(new_type::<ExcObj>("_pickle.PicklingError", base, TypeFlags::BASE).class());
    UNPICKLING.set(new_type::<ExcObj>("_pickle.UnpicklingError", base, TypeFlags::BASE).class());
    m.class(base).class(PICKLING.get()).class(UNPICKLING.get());
}

/// A raised `PicklingError`.
#[cold]
pub fn pickling(vm: &Vm, text: impl AsRef<str>) -> Raised {
    vm.new_exc(PICKLING.get(), text.as_ref())
}

/// A raised `UnpicklingError`.
#[cold]
pub fn unpickling(vm: &Vm, text: impl AsRef<str>) -> Raised {
    vm.new_exc(UNPICKLING.get(), text.as_ref())
}

/// Whether it is an `UnpicklingError`.
pub fn is_unpickling(r: Raised) -> bool {
    r.is(UNPICKLING.get())
}

/// `new`, raised while `old` was handled.
#[cold]
pub fn in_context(new: Raised, old: Raised) -> Raised {
    new.exc().context.set(new.exc(), old.value());
    new
}

/// Adds a note. An exception that takes none goes on without.
#[cold]
pub fn noted(vm: &Vm, r: Raised, text: String) -> Raised {
    let _ = vm.add_note(r.exc(), &text);
    r
}

/// The name of an object's class as messages have it.
pub fn class_name(v: Value) -> String {
    qualified_name(type_of(v))
}
