//! `math`.

mod floats;
mod gamma;
mod ints;
mod sums;

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("pi", Value::float(std::f64::consts::PI))
        .add("e", Value::float(std::f64::consts::E))
        .add("tau", Value::float(std::f64::consts::TAU))
        .add("inf", Value::float(f64::INFINITY))
        .add("nan", Value::float(f64::NAN));
    floats::add(m);
    gamma::add(m);
    ints::add(m);
    sums::add(m);
    Ok(())
}

#[cold]
fn domain_error(vm: &Vm) -> Raised {
    vm.value_error("math domain error")
}

#[cold]
fn range_error(vm: &Vm) -> Raised {
    vm.overflow_error("math range error")
}
