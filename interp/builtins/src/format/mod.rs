//! Formatting: the specification mini-language, `str.format`, and `%`.
//!
//! [`format_int`], [`format_float`] and [`format_complex`] are the bodies of the numbers' `__format__`.

pub mod float;
pub mod grouping;
mod number;
pub mod percent;
mod spec;
pub mod template;

pub use float::{FloatStyle, float_to_string};
pub use number::{format_complex, format_float, format_int};
pub use spec::Spec;

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Vm};

/// Completes the types of this file.
pub fn init(_vm: &Vm) {}

/// `format(s, spec)` with a specification that is not empty.
pub fn format_str(vm: &Vm, s: Ptr<StrObj>, text: Ptr<StrObj>) -> Res<Ptr<StrObj>> {
    let spec = Spec::parse(vm, text, '<', "str")?;
    if spec.kind != 's' {
        return Err(spec.unknown(vm, "str"));
    }
    let refused = |what: &str| vm.value_error(format!("{what} not allowed in string format specifier"));
    match spec.sign {
        Some(' ') => return Err(refused("Space")),
        Some(_) => return Err(refused("Sign")),
        None => {}
    }
    if spec.no_negative_zero {
        return Err(refused("Negative zero coercion (z)"));
    }
    if spec.alternate {
        return Err(refused("Alternate form (#)"));
    }
    if spec.align == '=' {
        return Err(refused("'=' alignment"));
    }
    let n = spec.precision.map_or(s.len(), |p| p.min(s.len()));
    let mut out = StrBuilder::with_capacity(n.max(spec.width.unwrap_or(0)).min(1 << 20));
    spec.pad(vm, n, &mut out, |out| out.push_part(&s, 0, n))?;
    Ok(out.finish())
}
