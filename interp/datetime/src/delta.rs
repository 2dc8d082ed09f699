//! `timedelta`.

use cape_builtins::rich_comparisons;
use cape_stdlib::statics::StaticValue;
use cape_vm::native::{TypeBuilder, new_type};
use cape_vm::object::{Int, StrObj, TupleObj, TypeFlags, TypeObj, float_of, int_value};
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_traits::ToPrimitive;

use crate::delta_arithmetic as ops;
use crate::make;
use crate::objects::{DELTA, DeltaObj, class_name, type_name};

type D = Ptr<DeltaObj>;

static ZERO: StaticValue = StaticValue::shared();

/// `timedelta(0)`, of which there is one.
#[inline]
pub fn zero() -> D {
    ZERO.try_get().and_then(|v| v.downcast()).expect("the class was made")
}

const DOC: &str = "Difference between two datetime values.\n\ntimedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)\n\nAll arguments are optional and default to 0.\nArguments may be integers or floats, and may be positive or negative.";

/// A field that is a member of the struct in CPython.
pub(crate) fn member<F: cape_vm::native::IntoNative<A>, A>(
    t: TypeBuilder,
    name: &'static str,
    doc: &'static str,
    get: F,
) -> TypeBuilder {
    let readonly: cape_vm::native::NativeFn = |vm, _| Err(vm.attribute_error("readonly attribute"));
    t.getset_raw(name, doc, cape_vm::native::native(get), Some(readonly)).members(&[name])
}

/// Makes the class.
pub fn make_type() {
    let t = new_type::<DeltaObj>("datetime.timedelta", rt().types.object, TypeFlags::BASE);
    DELTA.set(t.class());
    ZERO.set(DeltaObj::new(t.class().instance_map(), 0, 0, 0).value());
    let t = t
        .doc(DOC)
        .new_called(
            "__new__",
            "__new__(type, days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
            None,
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", hash)
        .method("__str__($self, /)", "Return str(self).", str_);
    rich_comparisons!(t, D, compare);
    ops::add_methods(t)
        .method("total_seconds($self, /)", "Total seconds in the duration.", |vm: &Vm, d: D| {
            ops::divide(vm, d.microseconds(), 1_000_000)
        })
        .method("__reduce__($self, /)", "__reduce__() -> (cls, state)", |_: &Vm, d: D| {
            TupleObj::new(&[type_of(d.value()).value(), state(d).value()])
        });
    let t = member(t, "days", "Number of days.", |_: &Vm, d: D| d.days);
    let t = member(t, "seconds", "Number of seconds (>= 0 and less than 1 day).", |_: &Vm, d: D| d.seconds);
    let t =
        member(t, "microseconds", "Number of microseconds (>= 0 and less than 1 second).", |_: &Vm, d: D| {
            d.us
        });
    let map = t.class().instance_map();
    let max = make::MAX_DELTA_DAYS as i32;
    t.attribute("resolution", DeltaObj::new(map, 0, 0, 1).value())
        .attribute("min", DeltaObj::new(map, -max, 0, 0).value())
        .attribute("max", DeltaObj::new(map, max, 86_399, 999_999).value());
}

fn state(d: D) -> Ptr<TupleObj> {
    TupleObj::new(&[d.days, d.seconds, d.us].map(|n| int_value(n as i64)))
}

/// The hash of the tuple of its parts, as a pickle of it would have.
pub fn hash(vm: &Vm, d: D) -> Res<Value> {
    if d.hash.get() == -1 {
        d.hash.set(vm.hash(state(d).value())?);
    }
    Ok(int_value(d.hash.get()))
}

/// Whether and how they differ.
pub fn order(a: D, b: D) -> std::cmp::Ordering {
    a.parts().cmp(&b.parts())
}

fn compare(_: &Vm, a: D, b: Value, c: Cmp) -> Value {
    match b.downcast::<DeltaObj>() {
        Some(b) => Value::bool(c.of(order(a, b))),
        None => Value::NOT_IMPLEMENTED,
    }
}

/// Microseconds of each argument's unit, in the order in which they are added up.
const UNITS: [(usize, &str, i64); 7] = [
    (2, "microseconds", 1),
    (3, "milliseconds", 1000),
    (1, "seconds", 1_000_000),
    (4, "minutes", 60_000_000),
    (5, "hours", 3_600_000_000),
    (0, "days", 86_400_000_000),
    (6, "weeks", 604_800_000_000),
];

#[allow(clippy::too_many_arguments, reason = "those of the constructor")]
fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    days: Value,
    seconds: Value,
    us: Value,
    ms: Value,
    minutes: Value,
    hours: Value,
    weeks: Value,
) -> Res<Value> {
    let args = [days, seconds, us, ms, minutes, hours, weeks];
    let (mut sum, mut left) = (0i128, 0.0);
    for (i, name, factor) in UNITS {
        if !args[i].is_empty() {
            add_up(vm, args[i], name, factor, &mut sum, &mut left)?;
        }
    }
    if left != 0.0 {
        sum += rounded(left, sum & 1 == 1);
    }
    make::delta_of(vm, cls, sum)
}

/// Adds an argument to the sum of whole microseconds, and what is less than one to `left`.
fn add_up(vm: &Vm, v: Value, name: &str, factor: i64, sum: &mut i128, left: &mut f64) -> Res<()> {
    let overflow = || vm.overflow_error("Python int too large to convert to C int");
    if v.is_int() {
        *sum += v.as_int() as i128 * factor as i128;
        return Ok(());
    }
    if let Some(i) = Int::of(v) {
        let n = match &i {
            Int::Small(n) => Some(*n as i128),
            Int::Big(b) => b.to_i128(),
        };
        let product = n.and_then(|n| n.checked_mul(factor as i128));
        *sum = product.and_then(|p| sum.checked_add(p)).ok_or_else(overflow)?;
        return Ok(());
    }
    let Some(f) = float_of(v) else {
        return Err(
            vm.type_error(format!("unsupported type for timedelta {name} component: {}", type_name(v)))
        );
    };
    if f.is_nan() {
        return Err(vm.value_error("cannot convert float NaN to integer"));
    }
    if f.is_infinite() {
        return Err(vm.overflow_error("cannot convert float infinity to integer"));
    }
    let whole = f.trunc();
    // As an int it is exact; what is larger than this is out of range whatever is added to it.
    if whole.abs() > 1e25 {
        return Err(overflow());
    }
    *sum += whole as i128 * factor as i128;
    let rest = (f - whole) * factor as f64;
    *sum += rest.trunc() as i128;
    *left += rest - rest.trunc();
    Ok(())
}

/// To the nearest int, which makes an even sum when two are as near.
fn rounded(left: f64, odd: bool) -> i128 {
    let whole = left.round();
    if (whole - left).abs() != 0.5 {
        return whole as i128;
    }
    let odd = odd as i32 as f64;
    (2.0 * ((left + odd) * 0.5).round() - odd) as i128
}

fn repr(_: &Vm, d: D) -> String {
    let mut parts = Vec::new();
    for (name, n) in [("days", d.days), ("seconds", d.seconds), ("microseconds", d.us)] {
        if n != 0 {
            parts.push(format!("{name}={n}"));
        }
    }
    let parts = if parts.is_empty() { "0".to_string() } else { parts.join(", ") };
    format!("{}({parts})", class_name(type_of(d.value())))
}

fn str_(_: &Vm, d: D) -> Ptr<StrObj> {
    let (days, seconds, us) = d.parts();
    let mut out = String::new();
    if days != 0 {
        let s = if days.abs() == 1 { "" } else { "s" };
        out = format!("{days} day{s}, ");
    }
    out += &format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if us != 0 {
        out += &format!(".{us:06}");
    }
    StrObj::new(&out)
}
