//! `PyInterpreterConfig` as Python code sees it: a namespace.

use cape_vm::interpreter::{Interpreter, Settings};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

type Flag = (&'static str, fn(&mut Settings) -> &mut bool);

const FLAGS: [Flag; 6] = [
    ("use_main_obmalloc", |s| &mut s.use_main_obmalloc),
    ("allow_fork", |s| &mut s.allow_fork),
    ("allow_exec", |s| &mut s.allow_exec),
    ("allow_threads", |s| &mut s.allow_threads),
    ("allow_daemon_threads", |s| &mut s.allow_daemon_threads),
    ("check_multi_interp_extensions", |s| &mut s.check_multi_interp_extensions),
];

/// Settings, and the word for whose lock is meant.
#[derive(Clone, Copy)]
pub struct Config {
    settings: Settings,
    gil: &'static str,
}

impl Config {
    /// A configuration with a name.
    pub fn named(vm: &Vm, name: &str) -> Res<Config> {
        let (settings, gil) = match name {
            "" | "default" | "isolated" => (Settings::ISOLATED, "own"),
            "legacy" => (Settings::LEGACY, "shared"),
            "empty" => (Settings::EMPTY, "default"),
            _ => return Err(vm.value_error(format!("unsupported config name '{name}'"))),
        };
        Ok(Config { settings, gil })
    }

    /// What a program gives: nothing, a name or a namespace.
    pub fn of(vm: &Vm, v: Option<Value>) -> Res<Config> {
        let v = match v {
            None | Some(Value::NONE) => return Config::named(vm, ""),
            Some(v) => v,
        };
        if let Some(name) = v.downcast::<StrObj>() {
            return Config::named(vm, &vm.utf8(name)?);
        }
        let fields = vm.get_attr_opt(v, rt().names.dict)?.and_then(|d| d.downcast::<DictObj>());
        let Some(fields) = fields else {
            return Err(vm.type_error(format!("bad config {}", vm.repr_str(v)?)));
        };
        let mut config = Config::named(vm, "empty")?;
        config.update(vm, fields, true)?;
        Ok(config)
    }

    /// The configuration of an interpreter.
    pub fn of_interpreter(i: &Interpreter) -> Config {
        let settings = i.settings;
        // The lock that all share is the main interpreter's.
        let gil = if settings.own_gil || i.is_main() { "own" } else { "shared" };
        Config { settings, gil }
    }

    /// Changes what `fields` has; with `whole`, all there is must be in it.
    pub fn update(&mut self, vm: &Vm, fields: Ptr<DictObj>, whole: bool) -> Res<()> {
        let rest = fields.copy();
        let take = |name: &str| match rest.remove(vm, intern(name))? {
            Some(v) => Ok(Some(v)),
            None if whole => Err(vm.value_error(format!("missing config key: {name}"))),
            None => Ok(None),
        };
        let mistaken = |name: &str| vm.type_error(format!("invalid config type: {name}"));
        for (name, field) in FLAGS {
            match take(name)? {
                None => {}
                Some(v) if v == Value::TRUE || v == Value::FALSE => {
                    *field(&mut self.settings) = v == Value::TRUE
                }
                Some(_) => return Err(mistaken(name)),
            }
        }
        if let Some(v) = take("gil")? {
            let Some(s) = v.downcast::<StrObj>() else { return Err(mistaken("gil")) };
            let text = vm.utf8(s)?;
            let Some(gil) = ["default", "shared", "own"].into_iter().find(|w| *w == text) else {
                return Err(vm.value_error(format!("unsupported interpreter config .gil value '{text}'")));
            };
            self.gil = gil;
        }
        match rest.len() {
            0 => Ok(()),
            n => {
                let (s, shown) = (if n == 1 { "" } else { "s" }, vm.repr_str(rest.value())?);
                Err(vm.value_error(format!("config dict has {n} extra item{s} ({shown})")))
            }
        }
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        Settings { own_gil: self.gil == "own", ..self.settings }
    }

    /// As a namespace.
    pub fn namespace(mut self, vm: &Vm) -> Res<Value> {
        let d = DictObj::new();
        for (name, field) in FLAGS {
            d.set_str(intern(name), Value::bool(*field(&mut self.settings)));
        }
        d.set_str(intern("gil"), intern(self.gil));
        super::snapshot::namespace(vm, d)
    }
}
