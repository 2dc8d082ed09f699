//! Which code may run in another interpreter.

use cape_builtins::compile_fn::compile_text;
use cape_bytecode::{Const, Op};
use cape_compile::Mode;
use cape_vm::buffer::flags::SIMPLE;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

const VARARGS: u32 = 0x4;
const VARKEYWORDS: u32 = 0x8;

/// Code that is run with the namespace of `__main__`, as `marshal` writes it.
pub struct Script(Vec<u8>);

impl Script {
    /// The script that a text, a code object or a function is; its text is compiled here.
    pub fn of(vm: &Vm, v: Value) -> Res<Script> {
        let code = match v.downcast::<StrObj>() {
            Some(text) => compile(vm, &vm.utf8(text)?)?,
            None => match code_of(v) {
                Some(code) => code,
                None => match vm.buffer(v, SIMPLE) {
                    Ok(bytes) => compile(vm, &String::from_utf8_lossy(bytes.as_slice()))?,
                    Err(_) => return Err(vm.type_error(format!("unsupported script {}", vm.repr_str(v)?))),
                },
            },
        };
        check_script(code).map_err(|why| vm.value_error(why))?;
        Ok(Script(crate::marshal::dumps(vm, code.value())?))
    }

    /// Runs it in the interpreter that runs.
    pub fn run(&self, vm: &Vm, globals: Ptr<DictObj>) -> Res<()> {
        let code = crate::marshal::loads(vm, &self.0)?.downcast().expect("it was written so");
        if globals.get_str(rt().names.builtins).is_none() {
            globals.set_str(rt().names.builtins, rt().builtins().value());
        }
        vm.run_code(code, globals, globals.value(), None).map(drop)
    }
}

fn compile(vm: &Vm, text: &str) -> Res<Ptr<CodeObj>> {
    if text.contains('\0') {
        return Err(vm.value_error("source code string cannot contain null bytes"));
    }
    compile_text(vm, text, "<script>", Mode::Exec, 0, rt().config().optimize)
}

/// The code of a function or code object.
pub fn code_of(v: Value) -> Option<Ptr<CodeObj>> {
    v.downcast::<FunctionObj>().map_or_else(|| v.downcast(), |f| f.code.get().downcast())
}

fn check_script(code: Ptr<CodeObj>) -> Result<(), &'static str> {
    if code.nfree > 0 {
        return Err("closures not supported");
    }
    if code.argcount > 0 || code.kwonly > 0 || code.flags & (VARARGS | VARKEYWORDS) != 0 {
        return Err("code with args not supported");
    }
    // What is returned is loaded just before, if it is None.
    let none = |at: usize, r: u16| {
        let load = at.checked_sub(1).map(|i| code.unit.code[i]);
        load.is_some_and(|w| {
            w.op() == Some(Op::LoadConst) && w.a() == r && code.unit.consts[w.bc() as usize] == Const::None
        })
    };
    let gives_value =
        code.unit.instructions().any(|(at, op, word)| op == Op::Return && !none(at as usize, word.a()));
    if gives_value { Err("code that returns a value is not a script") } else { Ok(()) }
}

/// Why a function does not do with its arguments and builtins alone.
pub fn state_of(vm: &Vm, f: Ptr<FunctionObj>) -> Option<Raised> {
    let given = |v: Value| match (v.downcast::<TupleObj>(), v.downcast::<DictObj>()) {
        (Some(t), _) => t.len() > 0,
        (_, Some(d)) => d.len() > 0,
        _ => false,
    };
    let code = f.code.get().downcast::<CodeObj>()?;
    let why = if given(f.defaults.get()) {
        "defaults not supported"
    } else if given(f.kwdefaults.get()) {
        "keyword defaults not supported"
    } else if given(f.closure.get()) || code.nfree > 0 {
        "closures not supported"
    } else if uses_globals(f, code) {
        "globals not supported"
    } else {
        return None;
    };
    Some(vm.value_error(why))
}

/// Whether the code, or code in it, has to do with globals that are no builtins.
fn uses_globals(f: Ptr<FunctionObj>, code: Ptr<CodeObj>) -> bool {
    let (globals, builtins) = (f.globals.get().downcast::<DictObj>(), rt().builtins());
    let own = |name: &str| {
        let name = intern(name);
        globals.is_some_and(|g| g.get_str(name).is_some()) || builtins.get_str(name).is_none()
    };
    fn walk(unit: &cape_bytecode::CodeUnit, own: &dyn Fn(&str) -> bool) -> bool {
        unit.instructions().any(|(_, op, word)| match op {
            Op::LoadGlobal => own(&unit.names[word.bc() as usize]),
            Op::StoreGlobal | Op::DelGlobal => true,
            _ => false,
        }) || unit.consts.iter().any(|c| matches!(c, Const::Code(inner) if walk(inner, own)))
    }
    walk(&code.unit, &own)
}
