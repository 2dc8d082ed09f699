//! Why a module lacks a name: what the messages of attributes and imports say of it.

use cape_heap::{Ptr, Value};

use crate::exc::Res;
use crate::object::*;
use crate::runtime::{intern, rt};
use crate::vm::Vm;

/// Why a module may lack a name that a program asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its file stands before the module of the standard library that has its name.
    HidesLibrary,
    /// It is being imported, and its file stands beside the program: it may have the name of a library.
    HidesOther,
    /// It is being imported.
    Unfinished,
    /// Nothing is known.
    Unknown,
}

impl Vm {
    /// Why the module called `name`, imported by `spec`, may lack something, and the file that it comes from.
    pub(crate) fn cause_of_lack(&self, name: Value, spec: Value) -> Res<(Cause, Option<Value>)> {
        let origin = self.file_of_spec(spec)?;
        let beside = origin.and_then(|o| o.downcast::<StrObj>()).is_some_and(is_beside_program);
        if beside && self.names_library_module(name)? {
            return Ok((Cause::HidesLibrary, origin));
        }
        let cause = match (self.is_initializing(spec)?, beside) {
            (true, true) => Cause::HidesOther,
            (true, false) => Cause::Unfinished,
            (false, _) => Cause::Unknown,
        };
        Ok((cause, origin))
    }

    /// Whether the module of this spec is still being imported.
    pub fn is_initializing(&self, spec: Value) -> Res<bool> {
        if spec.is_none() {
            return Ok(false);
        }
        match self.get_attr_opt(spec, rt().names.initializing)? {
            Some(v) => self.truth(v),
            None => Ok(false),
        }
    }

    /// The file that a spec says its module comes from.
    fn file_of_spec(&self, spec: Value) -> Res<Option<Value>> {
        if spec.is_none() {
            return Ok(None);
        }
        match self.get_attr_opt(spec, intern("has_location"))? {
            Some(has) if self.truth(has)? => {}
            _ => return Ok(None),
        }
        Ok(self.get_attr_opt(spec, intern("origin"))?.filter(|o| o.is::<StrObj>()))
    }

    fn names_library_module(&self, name: Value) -> Res<bool> {
        let names = rt().sys().get_str(intern("stdlib_module_names"));
        match names.and_then(|n| n.downcast::<SetObj>()) {
            Some(set) => set.contains(self, name),
            None => Ok(false),
        }
    }

    /// The message for a module that lacks the attribute `attr`.
    pub(crate) fn module_lacks(&self, m: Ptr<ModuleObj>, attr: &str) -> Res<String> {
        let Some((value, name)) =
            m.get(rt().names.name).and_then(|v| v.downcast::<StrObj>().map(|s| (v, s.display())))
        else {
            return Ok(format!("module has no attribute '{attr}'"));
        };
        let plain = format!("module '{name}' has no attribute '{attr}'");
        let Some(spec) = m.get(rt().names.spec) else { return Ok(plain) };
        let (cause, origin) = self.cause_of_lack(value, spec)?;
        let file = origin.and_then(|o| o.downcast::<StrObj>()).map(|o| o.display());
        Ok(match (cause, file) {
            (Cause::HidesLibrary, Some(file)) => {
                format!("{plain} ({})", hides_library(&quoted(&file), &quoted(&name)))
            }
            (Cause::HidesOther, Some(file)) => format!("{plain} ({})", hides_other(&quoted(&file))),
            (Cause::Unfinished, Some(file)) => {
                format!(
                    "partially initialized module '{name}' from '{file}' has no attribute '{attr}' ({CIRCULAR})"
                )
            }
            (Cause::Unfinished, None) => {
                format!("partially initialized module '{name}' has no attribute '{attr}' ({CIRCULAR})")
            }
            _ if self.is_submodule_under_way(spec, attr)? => {
                format!("cannot access submodule '{attr}' of module '{name}' ({CIRCULAR})")
            }
            _ => plain,
        })
    }

    /// Whether a submodule of this name is being imported.
    fn is_submodule_under_way(&self, spec: Value, name: &str) -> Res<bool> {
        if spec.is_none() {
            return Ok(false);
        }
        match self.get_attr_opt(spec, intern("_uninitialized_submodules"))? {
            Some(names) => self.contains(names, StrObj::new(name).value()),
            None => Ok(false),
        }
    }
}

/// What most often leaves modules half imported.
pub(crate) const CIRCULAR: &str = "most likely due to a circular import";

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// The advice for a file that hides a module of the standard library; both as they are to be shown.
pub(crate) fn hides_library(file: &str, module: &str) -> String {
    format!(
        "consider renaming {file} since it has the same name as the standard library module named {module} and prevents importing \
         that standard library module"
    )
}

/// The advice for a file that may hide a library.
pub(crate) fn hides_other(file: &str) -> String {
    format!("consider renaming {file} if it has the same name as a library you intended to import")
}

/// Whether a module's file is in the folder that the program has put before all others on `sys.path`.
fn is_beside_program(origin: Ptr<StrObj>) -> bool {
    let Some(first) = rt().program_folder() else { return false };
    let origin = origin.display();
    let Some((folder, file)) = origin.rsplit_once('/') else { return false };
    let folder = match file {
        "__init__.py" => folder.rsplit_once('/').map(|(above, _)| above),
        _ => Some(folder),
    };
    let current;
    let first = match first {
        "" => {
            current = std::env::current_dir().unwrap_or_default();
            current.to_str().unwrap_or("")
        }
        first => first,
    };
    folder == Some(first)
}
