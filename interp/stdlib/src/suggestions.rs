//! `_suggestions`: what a name that is not there was meant to be.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Vm, suggest};

/// Among more candidates than that nothing is looked for.
const MOST_CANDIDATES: usize = 750;

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "_generate_suggestions($module, candidates, item, /)",
        "Returns the candidate in candidates that's closest to item",
        generate,
    );
    Ok(())
}

fn generate(vm: &Vm, candidates: cape_vm::Value, item: Ptr<StrObj>) -> Res<Option<Ptr<StrObj>>> {
    let Some(list) = candidates.downcast::<ListObj>() else {
        return Err(vm.type_error("candidates must be a list"));
    };
    let mut names = Vec::with_capacity(list.len());
    for i in 0..list.len() {
        match list.get(i).and_then(|v| v.downcast::<StrObj>()) {
            Some(s) => names.push(s.display()),
            None => return Err(vm.type_error("all elements in 'candidates' must be strings")),
        }
    }
    if names.len() >= MOST_CANDIDATES {
        return Ok(None);
    }
    let item = item.display();
    Ok(suggest::closest(&item, names.iter().map(|n| n.as_str())).map(StrObj::new))
}
