//! `_decimal`: decimal numbers. `cape_decimal` computes.

mod arguments;
mod construct;
mod context;
mod context_methods;
mod convert;
mod format;
mod methods;
mod object;
mod operators;
mod signals;

use cape_decimal::context::{MAX_EMAX, MAX_PREC, MIN_EMIN};
use cape_decimal::{Context, Round};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern};

/// The largest interchange format that `IEEEContext` knows.
const IEEE_MAX_BITS: i64 = 512;

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    signals::make(vm)?;
    object::make_type(vm)?;
    context::make_types(vm)?;
    m.add("__doc__", intern("Decimal arithmetic"))
        .add("__version__", intern("1.70"))
        .add("__libmpdec_version__", intern("2.5.1"))
        .add("HAVE_THREADS", Value::TRUE)
        .add("HAVE_CONTEXTVAR", Value::TRUE)
        .add("MAX_PREC", int_value(MAX_PREC))
        .add("MAX_EMAX", int_value(MAX_EMAX))
        .add("MIN_EMIN", int_value(MIN_EMIN))
        .add("MIN_ETINY", int_value(Context { emin: MIN_EMIN, ..Context::MAX }.etiny()))
        .add("IEEE_CONTEXT_MAX_BITS", Value::int(IEEE_MAX_BITS))
        .add("Decimal", object::class().value())
        .add("Context", context::class().value())
        .add("DecimalTuple", construct::decimal_tuple(vm)?);
    for r in Round::ALL {
        m.add(r.name(), intern(r.name()));
    }
    signals::add_to(m);
    context::add_templates(m)?;
    m.function("getcontext($module, /)", "The context of the running code.", |vm: &Vm| context::current(vm))
        .function("setcontext($module, context, /)", "Makes a context that of the running code.", context::set_current)
        .function(
            "localcontext($module, /, ctx=None, **kwargs)",
            "A context manager that sets a copy of a context, changed as the other arguments say.",
            context::local,
        )
        .function(
            "IEEEContext($module, bits, /)",
            "A context for one of the interchange formats of IEEE 754, whose size is a multiple of 32 bits.",
            ieee_context,
        );
    Ok(())
}

fn ieee_context(vm: &Vm, bits: Value) -> Res<Value> {
    let bits = arguments::size(vm, bits)?;
    if bits <= 0 || bits > IEEE_MAX_BITS || bits % 32 != 0 {
        return Err(vm.value_error(format!("argument must be a multiple of 32, with a maximum of {IEEE_MAX_BITS}")));
    }
    let emax = 3 * (1 << (bits / 16 + 3));
    let cx =
        Context { prec: 9 * (bits / 32) - 2, emax, emin: 1 - emax, round: Round::HalfEven, clamp: true };
    Ok(context::make(context::class().instance_map(), cx, 0).value())
}
