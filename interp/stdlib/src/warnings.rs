//! `_warnings`: issuing warnings, and the filters that decide about them.

use std::cell::Cell;

use cape_vm::frame::Frame;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::contextvars::{ContextVarObj, new_var, var_value};
use crate::statics::{StaticCell, StaticValue};

static FILTERS: StaticValue = StaticValue::new();
static ONCE: StaticValue = StaticValue::new();
static CONTEXT: StaticValue = StaticValue::new();
static LOCK: StaticValue = StaticValue::new();
/// Changes with every change of the filters, which makes registries stale.
static VERSION: StaticCell<i64> = StaticCell(Cell::new(1));

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    renew(vm, m)?;
    m.add("_defaultaction", intern("default"))
        .function(
            "warn($module, /, message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())",
            "Issue a warning, or maybe ignore it or raise an exception.\n\n  message\n    Text of the warning message.\n  category\n    The Warning category subclass. Defaults to UserWarning.\n  stacklevel\n    How far up the call stack to make this warning appear. A value of 2 for\n    example attributes the warning to the caller of the code calling warn().\n  source\n    If supplied, the destroyed object which emitted a ResourceWarning\n  skip_file_prefixes\n    An optional tuple of module filename prefixes indicating frames to skip\n    during stacklevel computations for stack frame attribution.",
            warn_fn,
        )
        .function(
            "warn_explicit($module, /, message, category, filename, lineno, module=<unrepresentable>, registry=None, module_globals=None, source=None)",
            "Issue a warning, or maybe ignore it or raise an exception.",
            warn_explicit_fn,
        )
        .function("_filters_mutated_lock_held($module, /)", "", |_: &Vm| VERSION.0.set(VERSION.0.get() + 1))
        .function("_acquire_lock($module, /)", "", |vm: &Vm| lock(vm, "acquire"))
        .function("_release_lock($module, /)", "", |vm: &Vm| lock(vm, "release"));
    Ok(())
}

/// What an interpreter has of its own.
pub(crate) fn renew(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("filters", filters(vm)?)
        .add("_onceregistry", ONCE.get_or(|| Ok(DictObj::new().value()))?)
        .add("_warnings_context", context_var()?);
    Ok(())
}

fn lock(vm: &Vm, method: &str) -> Res<()> {
    let l = LOCK.get_or(|| {
        let class = vm.import_attr("_thread", "RLock")?;
        vm.call(class, &[])
    })?;
    vm.call_method(l, intern(method), &[]).map(|_| ())
}

fn context_var() -> Res<Value> {
    CONTEXT.get_or(|| Ok(new_var(intern("_warnings_context"), Value::EMPTY).value()))
}

fn filters(_vm: &Vm) -> Res<Value> {
    FILTERS.get_or(|| {
        let t = &rt().types;
        let row = |action: &str, class: Ptr<TypeObj>, module: Value| {
            TupleObj::new(&[intern(action), Value::NONE, class.value(), module, Value::int(0)]).value()
        };
        let none = Value::NONE;
        let l = ListObj::new(&[]);
        l.push(row("default", t.deprecation_warning, rt().names.main));
        l.push(row("ignore", t.deprecation_warning, none));
        l.push(row("ignore", t.pending_deprecation_warning, none));
        l.push(row("ignore", t.import_warning, none));
        l.push(row("ignore", t.resource_warning, none));
        Ok(l.value())
    })
}

/// An attribute of the module `warnings`, if that is imported (or, with `import`, can be). At the end of Python there is none, for what it
/// does imports others.
fn module_attribute(vm: &Vm, name: &str, import: bool) -> Res<Option<Value>> {
    if rt().imports_ended.get() {
        return Ok(None);
    }
    let module = if import {
        vm.import_module("warnings").ok()
    } else {
        rt().modules().get_str(rt().names.warnings).filter(|m| !m.is_none())
    };
    match module {
        Some(m) => vm.get_attr_opt(m, intern(name)),
        None => Ok(None),
    }
}

/// Issues a warning about the running Python code; `stacklevel` 1 is that code itself. Raises what a filter turns into
/// an error.
pub fn warn(vm: &Vm, category: Ptr<TypeObj>, message: &str, stacklevel: i64, source: Value) -> Res<()> {
    warn_at(vm, StrObj::new(message).value(), category.value(), stacklevel, source, None)
}

fn warn_fn(
    vm: &Vm,
    message: Value,
    category: Option<Value>,
    stacklevel: Option<isize>,
    source: Option<Value>,
    prefixes: Option<Value>,
) -> Res<()> {
    let category = category_of(vm, message, category.unwrap_or(Value::NONE))?;
    let mut level = stacklevel.unwrap_or(1) as i64;
    let mut skip = None;
    if let Some(p) = prefixes {
        let Some(t) = p.downcast::<TupleObj>() else {
            return Err(vm.type_error(format!(
                "warn() argument 'skip_file_prefixes' must be tuple, not {}",
                type_of(p).name_str()
            )));
        };
        for s in t.as_slice() {
            if !s.is::<StrObj>() {
                return Err(vm.type_error(format!(
                    "Found non-str '{}' in skip_file_prefixes.",
                    type_of(*s).name_str()
                )));
            }
        }
        if !t.is_empty() {
            level = level.max(2);
            skip = Some(t);
        }
    }
    warn_at(vm, message, category, level, source.unwrap_or(Value::NONE), skip)
}

fn category_of(vm: &Vm, message: Value, category: Value) -> Res<Value> {
    let base = rt().types.warning;
    if type_of(message).is_subtype(base) {
        return Ok(type_of(message).value());
    }
    if category.is_none() {
        return Ok(rt().types.user_warning.value());
    }
    match category.downcast::<TypeObj>() {
        Some(c) if c.is_subtype(base) => Ok(category),
        _ => Err(vm.type_error(format!(
            "category must be a Warning subclass, not '{}'",
            type_of(category).name_str()
        ))),
    }
}

fn filename_of(frame: *mut Frame) -> Value {
    // SAFETY: a frame of this thread's stack, none of which is left while this runs.
    unsafe { (&(*frame).code).filename.get() }
}

fn is_internal(frame: *mut Frame) -> bool {
    let name = filename_of(frame).downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    name.contains("importlib") && name.contains("_bootstrap")
}

fn is_skipped(frame: *mut Frame, prefixes: Option<Ptr<TupleObj>>) -> bool {
    let Some(p) = prefixes else { return false };
    let name = filename_of(frame).downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    p.as_slice().iter().any(|s| s.downcast::<StrObj>().is_some_and(|s| name.starts_with(&s.display())))
}

/// The frame that a warning is about.
fn frame_for(vm: &Vm, level: i64, prefixes: Option<Ptr<TupleObj>>) -> Option<*mut Frame> {
    let mut frame = vm.top_frame();
    let mut level = level;
    let plain = level <= 0 || frame.is_some_and(is_internal);
    while level > 1 {
        level -= 1;
        frame = vm.frame_below(frame?);
        if !plain {
            while let Some(f) = frame
                && (is_internal(f) || is_skipped(f, prefixes))
            {
                frame = vm.frame_below(f);
            }
        }
    }
    frame
}

fn warn_at(
    vm: &Vm,
    message: Value,
    category: Value,
    level: i64,
    source: Value,
    prefixes: Option<Ptr<TupleObj>>,
) -> Res<()> {
    let (globals, filename, line) = match frame_for(vm, level, prefixes) {
        // SAFETY: as in filename_of.
        Some(f) => unsafe { ((*f).globals.downcast::<DictObj>(), filename_of(f), (*f).line()) },
        None => (None, intern("<sys>"), 0),
    };
    let globals = globals.unwrap_or_else(|| rt().sys());
    let name = intern("__warningregistry__");
    let registry = match globals.get_str(name) {
        Some(r) => r,
        None => {
            let r = DictObj::new().value();
            globals.set_str(name, r);
            r
        }
    };
    let module = match globals.get_str(rt().names.name) {
        Some(m) if m.is_none() || m.is::<StrObj>() => m,
        _ => intern("<string>"),
    };
    explicit(
        vm,
        Warned { message, category, filename, line: line as i64, module, registry, source_line: Value::NONE, source },
    )
}

/// A warning with all that is known of it.
#[derive(Clone, Copy)]
struct Warned {
    message: Value,
    category: Value,
    filename: Value,
    line: i64,
    module: Value,
    registry: Value,
    source_line: Value,
    source: Value,
}

fn warn_explicit_fn(
    vm: &Vm,
    message: Value,
    category: Value,
    filename: Ptr<StrObj>,
    line: i32,
    module: Option<Value>,
    registry: Option<Value>,
    globals: Option<Value>,
    source: Option<Value>,
) -> Res<()> {
    let source_line = match globals {
        Some(g) if !g.is_none() => source_line(vm, g, line)?,
        _ => Value::NONE,
    };
    let module = match module {
        Some(m) => m,
        None => {
            let name = filename.display();
            match name.strip_suffix(".py") {
                _ if name.is_empty() => intern("<unknown>"),
                Some(stem) => StrObj::new(stem).value(),
                None => filename.value(),
            }
        }
    };
    explicit(
        vm,
        Warned {
            message,
            category,
            filename: filename.value(),
            line: line as i64,
            module,
            registry: registry.unwrap_or(Value::NONE),
            source_line,
            source: source.unwrap_or(Value::NONE),
        },
    )
}

/// The line of source, from the loader in a module's globals.
fn source_line(vm: &Vm, globals: Value, line: i32) -> Res<Value> {
    let Some(g) = globals.downcast::<DictObj>() else {
        return Err(vm.type_error(format!(
            "module_globals must be a dict, not '{}'",
            type_of(globals).name_str()
        )));
    };
    let external = vm.import_module("_frozen_importlib_external")?;
    let loader = vm.call_method(external, intern("_bless_my_loader"), &[g.value()])?;
    let Some(name) = g.get_str(rt().names.name).filter(|_| !loader.is_none()) else { return Ok(Value::NONE) };
    let Some(get) = vm.get_attr_opt(loader, intern("get_source"))? else { return Ok(Value::NONE) };
    let text = match vm.call(get, &[name]) {
        // `__main__` is no module that a loader knows by that name.
        Err(e) if e.is(rt().types.import_error) => return Ok(Value::NONE),
        text => text?,
    };
    if !text.is::<StrObj>() {
        return Ok(Value::NONE);
    }
    // Not what a subclass makes of it.
    let split = vm.get_attr_str(rt().types.str.value(), "splitlines")?;
    let lines = vm.call(split, &[text])?;
    let Some(lines) = lines.downcast::<ListObj>() else { return Ok(Value::NONE) };
    Ok((line as usize).checked_sub(1).and_then(|i| lines.get(i)).unwrap_or(Value::NONE))
}

fn explicit(vm: &Vm, w: Warned) -> Res<()> {
    if w.module.is_none() {
        return Ok(());
    }
    let registry = match w.registry.downcast::<DictObj>() {
        Some(d) => Some(d),
        None if w.registry.is_none() => None,
        None => return Err(vm.type_error("'registry' must be a dict or None")),
    };
    let (text, category, message) = if type_of(w.message).is_subtype(rt().types.warning) {
        (vm.str(w.message)?.value(), type_of(w.message).value(), w.message)
    } else {
        (w.message, w.category, vm.call(w.category, &[w.message])?)
    };
    let key = TupleObj::new(&[text, category, int_value(w.line)]).value();
    if let Some(r) = registry
        && already_warned(vm, r, key)?
    {
        return Ok(());
    }
    let (action, item) = find_action(vm, text, category, w.line, w.module)?;
    let name = action.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    match name.as_str() {
        "error" => return Err(vm.exception_from(message)?),
        "ignore" => return Ok(()),
        _ => {}
    }
    if !matches!(name.as_str(), "always" | "all")
        && let Some(r) = registry
    {
        r.set(vm, key, Value::TRUE)?;
    }
    let seen = match name.as_str() {
        "once" => {
            let r = match registry {
                Some(r) => r,
                None => once_registry(vm)?,
            };
            seen_before(vm, r, &[text, category])?
        }
        "module" => match registry {
            Some(r) => seen_before(vm, r, &[text, category, Value::int(0)])?,
            None => false,
        },
        "always" | "all" | "default" => false,
        _ => {
            return Err(vm.runtime_error(format!(
                "Unrecognized action ({}) in warnings.filters:\n {}",
                vm.repr_str(action)?,
                vm.repr_str(item)?
            )));
        }
    };
    if seen { Ok(()) } else { show(vm, &w, text, category, message) }
}

/// Whether a registry has the key; a registry older than the filters is emptied first.
fn already_warned(vm: &Vm, registry: Ptr<DictObj>, key: Value) -> Res<bool> {
    let name = intern("version");
    if registry.get_str(name) != Some(int_value(VERSION.0.get())) {
        registry.table.clear(registry.header());
        registry.set_str(name, int_value(VERSION.0.get()));
        return Ok(false);
    }
    match registry.get(vm, key)? {
        Some(v) => vm.truth(v),
        None => Ok(false),
    }
}

fn seen_before(vm: &Vm, registry: Ptr<DictObj>, key: &[Value]) -> Res<bool> {
    let key = TupleObj::new(key).value();
    if already_warned(vm, registry, key)? {
        return Ok(true);
    }
    registry.set(vm, key, Value::TRUE)?;
    Ok(false)
}

fn once_registry(vm: &Vm) -> Res<Ptr<DictObj>> {
    let r = match module_attribute(vm, "onceregistry", false)? {
        Some(r) => r,
        None => ONCE.get_or(|| Ok(DictObj::new().value()))?,
    };
    r.downcast().ok_or_else(|| {
        vm.type_error(format!("warnings.onceregistry must be a dict, not '{}'", type_of(r).name_str()))
    })
}

/// The action for a warning and the filter that gave it (None for the default).
fn find_action(vm: &Vm, text: Value, category: Value, line: i64, module: Value) -> Res<(Value, Value)> {
    let var: Option<Ptr<ContextVarObj>> = context_var()?.downcast();
    if let Some(context) = var.and_then(|v| var_value(vm, v)) {
        let list = vm.get_attr_str(context, "_filters")?;
        let Some(list) = list.downcast::<ListObj>() else {
            return Err(vm.value_error("_filters of warnings._warnings_context must be a list"));
        };
        if let Some(found) = search(vm, list, "_warnings_context _filters", text, category, line, module)? {
            return Ok(found);
        }
    } else {
        let list = match module_attribute(vm, "filters", false)? {
            Some(l) => {
                FILTERS.set(l);
                l
            }
            // The last ones seen.
            None => filters(vm)?,
        };
        let Some(list) = list.downcast::<ListObj>() else {
            return Err(vm.value_error("warnings.filters must be a list"));
        };
        if let Some(found) = search(vm, list, "filters", text, category, line, module)? {
            return Ok(found);
        }
    }
    match module_attribute(vm, "defaultaction", false)? {
        Some(a) if a.is::<StrObj>() => Ok((a, Value::NONE)),
        Some(a) => Err(vm.type_error(format!(
            "warnings.defaultaction must be a string, not '{}'",
            type_of(a).name_str()
        ))),
        None => Ok((intern("default"), Value::NONE)),
    }
}

fn search(
    vm: &Vm,
    list: Ptr<ListObj>,
    what: &str,
    text: Value,
    category: Value,
    line: i64,
    module: Value,
) -> Res<Option<(Value, Value)>> {
    let mut i = 0;
    while let Some(item) = list.get(i) {
        let Some(t) = item.downcast::<TupleObj>().filter(|t| t.len() == 5) else {
            return Err(vm.value_error(format!("warnings.{what} item {i} isn't a 5-tuple")));
        };
        let &[action, message, class, mod_, number] = t.as_slice() else { unreachable!("five items") };
        if !action.is::<StrObj>() {
            return Err(vm.type_error(format!(
                "action must be a string, not '{}'",
                type_of(action).name_str()
            )));
        }
        if matches(vm, message, text)?
            && matches(vm, mod_, module)?
            && vm.is_subclass(category, class)?
            && {
                let n = vm.index_int(number)?.to_i64().unwrap_or(-1);
                n == 0 || n == line
            }
        {
            return Ok(Some((action, item)));
        }
        i += 1;
    }
    Ok(None)
}

/// Whether a filter's string (equal) or pattern (`match`) fits.
fn matches(vm: &Vm, filter: Value, text: Value) -> Res<bool> {
    if filter.is_none() {
        return Ok(true);
    }
    if let Some(s) = filter.downcast::<StrObj>()
        && type_of(filter) == rt().types.str
    {
        return Ok(text.downcast::<StrObj>().is_some_and(|t| t.same_text(&s)));
    }
    let r = vm.call_method(filter, intern("match"), &[text])?;
    vm.truth(r)
}

fn show(vm: &Vm, w: &Warned, text: Value, category: Value, message: Value) -> Res<()> {
    let Some(show) = module_attribute(vm, "_showwarnmsg", !w.source.is_none())? else {
        return show_plainly(vm, w, text, category);
    };
    if !vm.is_callable(show) {
        return Err(vm.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = module_attribute(vm, "WarningMessage", false)? else {
        return Err(vm.runtime_error("unable to get warnings.WarningMessage"));
    };
    let none = Value::NONE;
    let msg = vm.call(class, &[message, category, w.filename, int_value(w.line), none, w.source_line, w.source])?;
    vm.call(show, &[msg]).map(|_| ())
}

/// What is printed before the module `warnings` is imported.
fn show_plainly(vm: &Vm, w: &Warned, text: Value, category: Value) -> Res<()> {
    let name = vm.get_attr(category, rt().names.name)?;
    let mut out = format!(
        "{}:{}: {}: {}\n",
        vm.str(w.filename)?.display(),
        w.line,
        vm.str(name)?.display(),
        vm.str(text)?.display()
    );
    let line = match w.source_line.downcast::<StrObj>() {
        Some(s) => Some(s.display()),
        None => std::fs::read_to_string(vm.str(w.filename)?.display())
            .ok()
            .and_then(|t| t.lines().nth(usize::try_from(w.line - 1).ok()?).map(str::to_string)),
    };
    if let Some(l) = line {
        out.push_str(&format!("  {}\n", l.trim()));
    }
    crate::report::write_stderr(vm, &out);
    Ok(())
}
