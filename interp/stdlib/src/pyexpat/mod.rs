//! `pyexpat`: parsers of XML that call functions for what they find. `cape_xml` parses.

mod dispatch;
mod handlers;
mod parser;

pub use dispatch::encoding_table;

use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};
use cape_xml::{ContentKind, Error, Quant};

use parser::ParserObj;

static ERROR: StaticType = StaticType::new();

/// The release of Expat whose behaviour this is.
pub const VERSION: [i64; 3] = [2, 9, 0];

/// What Expat says of how it was built.
const FEATURES: [(&str, i64); 10] = [
    ("sizeof(XML_Char)", 1),
    ("sizeof(XML_LChar)", 1),
    ("XML_DTD", 0),
    ("XML_CONTEXT_BYTES", 1024),
    ("XML_NS", 0),
    ("XML_BLAP_MAX_AMP", 100),
    ("XML_BLAP_ACT_THRES", 8 << 20),
    ("XML_GE", 0),
    ("XML_AT_MAX_AMP", 100),
    ("XML_AT_ACT_THRES", 64 << 20),
];

const MODEL: [(&str, i64); 10] = [
    ("XML_CTYPE_EMPTY", ContentKind::Empty as i64),
    ("XML_CTYPE_ANY", ContentKind::Any as i64),
    ("XML_CTYPE_MIXED", ContentKind::Mixed as i64),
    ("XML_CTYPE_NAME", ContentKind::Name as i64),
    ("XML_CTYPE_CHOICE", ContentKind::Choice as i64),
    ("XML_CTYPE_SEQ", ContentKind::Sequence as i64),
    ("XML_CQUANT_NONE", Quant::None as i64),
    ("XML_CQUANT_OPT", Quant::Optional as i64),
    ("XML_CQUANT_REP", Quant::Repeat as i64),
    ("XML_CQUANT_PLUS", Quant::Plus as i64),
];

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let flags = TypeFlags::BASE | TypeFlags::HAS_WEAKREF;
    let error =
        cape_vm::native::new_type::<ExcObj>("xml.parsers.expat.ExpatError", rt().types.exception, flags).class();
    ERROR.set(error);
    let version = VERSION.map(Value::int);
    let [major, minor, micro] = VERSION;
    m.add("__doc__", intern("Python wrapper for Expat parser."))
        .add("error", error.value())
        .add("ExpatError", error.value())
        .add("XMLParserType", parser::make_type().value())
        .add("EXPAT_VERSION", intern(&format!("expat_{major}.{minor}.{micro}")))
        .add("version_info", TupleObj::new(&version).value())
        .add("native_encoding", intern("UTF-8"));
    for (i, which) in ["NEVER", "UNLESS_STANDALONE", "ALWAYS"].iter().enumerate() {
        m.add(&format!("XML_PARAM_ENTITY_PARSING_{which}"), Value::int(i as i64));
    }
    let features = ListObj::new(&[]);
    for (name, v) in FEATURES {
        features.push(TupleObj::new(&[intern(name), Value::int(v)]).value());
    }
    m.add("features", features.value());

    let errors = submodule(vm, m, "errors", "Constants used to describe error conditions.")?;
    let (codes, messages) = (DictObj::new(), DictObj::new());
    for e in Error::ALL {
        let text = intern(e.text());
        errors.add(e.constant(), text);
        codes.set(vm, text, Value::int(*e as i64))?;
        messages.set(vm, Value::int(*e as i64), text)?;
    }
    errors.add("codes", codes.value()).add("messages", messages.value());
    let model = submodule(vm, m, "model", "Constants used to interpret content model information.")?;
    for (name, v) in MODEL {
        model.add(name, Value::int(v));
    }

    m.function(
        "ParserCreate($module, /, encoding=None, namespace_separator=None, intern=<unrepresentable>)",
        "Return a new XML parser object.",
        parser::create,
    )
    .function("ErrorString($module, code, /)", "Returns string error for given number.", |_: &Vm, code: i64| {
        Error::ALL.iter().find(|e| **e as i64 == code).map(|e| e.text())
    });
    Ok(())
}

/// A module inside this one, which is importable, too.
fn submodule(vm: &Vm, m: Ptr<ModuleObj>, name: &str, doc: &str) -> Res<Ptr<ModuleObj>> {
    let full = format!("pyexpat.{name}");
    let inner = cape_builtins::module::new_module(&full);
    inner.add("__doc__", intern(doc));
    rt().modules().set(vm, intern(&full), inner.value())?;
    m.add(name, inner.value());
    Ok(inner)
}

/// `ExpatError`, for where a parser is.
#[cold]
fn raise(vm: &Vm, p: Ptr<ParserObj>, e: Error) -> Raised {
    let (line, column) = p.engine.borrow_mut().place();
    let line = line + 1;
    let raised = vm.new_exc(ERROR.get(), &format!("{}: line {line}, column {column}", e.text()));
    with_place(vm, raised, e, line, column)
}

/// `ExpatError`, with other words.
#[cold]
fn invalid(vm: &Vm, p: Ptr<ParserObj>, message: &str) -> Raised {
    let (line, column) = p.engine.borrow_mut().place();
    let raised = vm.new_exc(ERROR.get(), message);
    with_place(vm, raised, Error::InvalidArgument, line + 1, column)
}

fn with_place(vm: &Vm, raised: Raised, e: Error, line: u64, column: u64) -> Raised {
    let exc = raised.exc().value();
    for (name, v) in [("code", e as u64), ("offset", column), ("lineno", line)] {
        if let Err(other) = vm.set_attr(exc, intern(name), cape_vm::native::int_from(v as i128)) {
            return other;
        }
    }
    raised
}
