//! What is said of arguments that do not fit a native function: CPython's words, which depend on how CPython's own function takes
//! its arguments. A signature tells that nearly always.

use super::{Flavour, MethodDef};
use crate::exc::Raised;
use crate::object::*;
use crate::runtime::{intern, rt, type_of};
use crate::vm::Vm;
use crate::{Ptr, Value};

/// Types whose calls count positional arguments before keywords are looked at.
const COUNTED_FIRST: &[&str] = &["int", "str"];

/// Stands for the class's name of a constructor that messages call "function", without parentheses: see
/// [`super::TypeBuilder::new_called`].
pub(super) const UNNAMED: &str = "(function)";

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl MethodDef {
    /// Receivers that do not count in messages.
    pub(super) fn receivers(&self) -> usize {
        (matches!(self.flavour, Flavour::Method | Flavour::Class) || !self.class_name.get().is_empty())
            as usize
    }

    /// What messages call it.
    pub(super) fn label(&self) -> &'static str {
        match self.class_name.get() {
            "" => self.name,
            UNNAMED => "function",
            class => class,
        }
    }

    /// The same as a call. (Some of CPython's constructors have no name where they parse their arguments.)
    pub(super) fn called(&self) -> String {
        match self.class_name.get() {
            UNNAMED => self.label().to_string(),
            _ => format!("{}()", self.label()),
        }
    }

    /// Whether no parameter can be given by its name.
    pub(super) fn takes_no_keywords(&self) -> bool {
        let s = self.parsed();
        let receivers = (self.receivers() > 0 || self.name == "__new__") as usize;
        s.varkw.is_none() && (0..s.params.len()).all(|j| j < s.posonly.max(receivers) || Some(j) == s.varargs)
    }

    /// Whether it stands for a slot of CPython's type objects, whose wrappers count arguments in words of their own.
    fn is_slot(&self, args: &[Value]) -> bool {
        self.flavour == Flavour::Method
            && self.class_name.get().is_empty()
            && self.parsed().positional == self.parsed().params.len()
            && crate::class::is_slot_of(&self.owner(args).map_or(String::new(), |c| c.name_str()), self.name)
    }

    /// The class that defines this method, found from its receiver.
    fn owner(&self, args: &[Value]) -> Option<Ptr<TypeObj>> {
        let &receiver = args.first()?;
        let class = match self.flavour {
            Flavour::Method => type_of(receiver),
            Flavour::Class => receiver.downcast()?,
            _ => return None,
        };
        let own = |c: &Value| {
            let class = c.downcast::<TypeObj>()?;
            let found = class.dict().get_str(intern(self.name))?.downcast::<MethodDescrObj>()?;
            std::ptr::eq(found.def, self).then_some(class)
        };
        class.mro().as_slice().iter().find_map(own)
    }

    /// The module of a function, if it is not `builtins`.
    fn module(&self) -> Option<String> {
        let name = intern(self.name);
        let own = |v: Value| {
            let found = v.downcast::<ModuleObj>()?.dict().get_str(name)?.downcast::<BuiltinObj>()?;
            std::ptr::eq(found.def, self).then(|| found.module.get())
        };
        let module = rt().modules().table.iter().find_map(|e| own(e.value))?.downcast::<StrObj>()?.display();
        (module != "builtins").then_some(module.to_string())
    }

    /// Its name with that of its class or module.
    fn full_name(&self, args: &[Value]) -> String {
        let around = match self.flavour {
            _ if !self.class_name.get().is_empty() => return self.label().to_string(),
            Flavour::Function => self.module(),
            _ => self.owner(args).map(|c| c.name_str()),
        };
        match around {
            Some(around) => format!("{around}.{}", self.name),
            None => self.name.to_string(),
        }
    }

    #[cold]
    pub(super) fn no_keywords(&self, vm: &Vm, args: &[Value]) -> Raised {
        if self.is_slot(args) {
            return vm.type_error(format!("wrapper {}() takes no keyword arguments", self.name));
        }
        vm.type_error(format!("{}() takes no keyword arguments", self.full_name(args)))
    }

    #[cold]
    fn wrong_slot_count(&self, vm: &Vm, given: usize) -> Raised {
        let s = self.parsed();
        let (min, max) = (s.required - 1, s.positional - 1);
        let (range, plural) =
            if min == max { (max.to_string(), plural(max)) } else { (format!("{min} or {max}"), "s") };
        // Those that CPython's wrappers unpack say their names.
        let own_words = matches!(self.name, "__get__" | "__buffer__" | "__release_buffer__");
        vm.type_error(match (min, max) {
            (1, 2) if own_words && given < min => {
                format!("{} expected at least 1 argument, got {given}", self.name)
            }
            (1, 2) if own_words => format!("{} expected at most 2 arguments, got {given}", self.name),
            (2, 2) => format!("{} expected 2 arguments, got {given}", self.name),
            _ if own_words => format!("{} expected {range} argument{plural}, got {given}", self.name),
            _ => format!("expected {range} argument{plural}, got {given}"),
        })
    }

    /// `args` are the positional arguments and the values of `nkw` keywords.
    #[cold]
    pub(super) fn wrong_count(&self, vm: &Vm, args: &[Value], nkw: usize) -> Raised {
        let s = self.parsed();
        let r = self.receivers();
        let given = (args.len() - nkw).saturating_sub(r);
        if nkw == 0 && self.is_slot(args) {
            return self.wrong_slot_count(vm, given);
        }
        let (max, min) = (s.positional - r, s.required.saturating_sub(r));
        let constructor = !self.class_name.get().is_empty();
        let unpacked = self.takes_no_keywords()
            || constructor && s.varkw.is_some() && s.posonly == s.positional
            || nkw == 0 && given > max && COUNTED_FIRST.contains(&self.class_name.get());
        if unpacked {
            if max == 0 {
                return vm
                    .type_error(format!("{}() takes no arguments ({given} given)", self.full_name(args)));
            }
            if max == min && max == 1 && !constructor {
                let name = self.full_name(args);
                return vm.type_error(format!("{name}() takes exactly one argument ({given} given)"));
            }
            let (word, n) = if max == min {
                ("", max)
            } else if given < min {
                ("at least ", min)
            } else {
                ("at most ", max)
            };
            let s = plural(n);
            return vm.type_error(format!("{} expected {word}{n} argument{s}, got {given}", self.label()));
        }
        let (total, all) = (given + nkw, s.params.len() - r);
        if total > all && s.varkw.is_none() {
            let keyword = if given == 0 { "keyword " } else { "" };
            return vm.type_error(format!(
                "{} takes at most {all} {keyword}argument{} ({total} given)",
                self.called(),
                plural(all)
            ));
        }
        if max == 0 {
            return vm.type_error(format!("{} takes no positional arguments", self.called()));
        }
        let word = if min < max { "at most" } else { "exactly" };
        vm.type_error(format!(
            "{} takes {word} {max} positional argument{} ({given} given)",
            self.called(),
            plural(max)
        ))
    }

    /// Parameter `i` has no value.
    #[cold]
    pub(super) fn missing_argument(&self, vm: &Vm, i: usize, args: &[Value], nkw: usize) -> Raised {
        let s = self.parsed();
        let r = self.receivers();
        if self.takes_no_keywords() {
            return self.wrong_count(vm, args, nkw);
        }
        if i < s.posonly {
            let min = s.required.min(s.posonly) - r;
            let word = if s.positional - r == min { "exactly" } else { "at least" };
            return vm.type_error(format!(
                "{} takes {word} {min} positional argument{} ({} given)",
                self.called(),
                plural(min),
                (args.len() - nkw).saturating_sub(r)
            ));
        }
        vm.type_error(format!(
            "{} missing required argument '{}' (pos {})",
            self.called(),
            s.params[i].name,
            i + 1 - r
        ))
    }

    #[cold]
    pub(super) fn bad_keyword(&self, vm: &Vm, name: &str) -> Raised {
        vm.type_error(format!("{} got an unexpected keyword argument '{name}'", self.called()))
    }
}
