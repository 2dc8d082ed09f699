//! `time`.

use std::cmp::Ordering;

use cape_builtins::rich_comparisons;
use cape_vm::native::new_type;
use cape_vm::object::{BytesObj, TupleObj, TypeFlags, TypeObj, hash_bytes, int_value};
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::calendar::{Clock, DAY};
use crate::datetime::push_numbers;
use crate::make::{self, int_or, time_like};
use crate::objects::{DELTA, DeltaObj, TIME, TimeObj, class_name};
use crate::text::{Text, Timespec};
use crate::{date, delta, isoformat, names, strftime, tzinfo};

type T = Ptr<TimeObj>;

const DOC: &str = "time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object\n\nAll arguments are optional. tzinfo may be None, or an instance of\na tzinfo subclass. The remaining arguments may be ints.\n";

/// Makes the class.
pub fn make_type() {
    let t = new_type::<TimeObj>("datetime.time", rt().types.object, TypeFlags::BASE);
    TIME.set(t.class());
    let t = t
        .doc(DOC)
        .new_called(
            "function",
            "__new__(type, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
            Some(new_by_position),
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", hash)
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, t: T| {
            vm.call_method(t.value(), names::ISOFORMAT.get(), &[])
        });
    rich_comparisons!(t, T, compare);
    methods(t);
    let map = t.class().instance_map();
    let last = Clock::new(23, 59, 59, 999_999);
    t.getter("hour", "", |_: &Vm, t: T| t.clock().hour)
        .getter("minute", "", |_: &Vm, t: T| t.clock().minute)
        .getter("second", "", |_: &Vm, t: T| t.clock().second)
        .getter("microsecond", "", |_: &Vm, t: T| t.clock().us)
        .getter("tzinfo", "", |_: &Vm, t: T| t.tz())
        .getter("fold", "", |_: &Vm, t: T| Value::int(t.fold() as i64))
        .attribute("min", TimeObj::new(map, Clock::default(), Value::NONE, 0).value())
        .attribute("max", TimeObj::new(map, last, Value::NONE, 0).value())
        .attribute("resolution", DeltaObj::new(DELTA.get().instance_map(), 0, 0, 1).value());
}

fn methods(t: cape_vm::native::TypeBuilder) {
    const REPLACE: &str = "replace($self, /, hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)";
    t.class_method(
        "strptime($type, string, format, /)",
        "string, format -> new time parsed from a string (like time.strptime()).",
        |vm: &Vm, cls: Value, s: Value, format: Value| {
            date::strptime(vm, "_strptime_datetime_time", cls, s, format)
        },
    )
    .method(
        "isoformat($self, /, timespec='auto')",
        "Return string in ISO 8601 format, [HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\n\nThe optional argument timespec specifies the number of additional terms\nof the time to include. Valid options are 'auto', 'hours', 'minutes',\n'seconds', 'milliseconds' and 'microseconds'.\n",
        iso_format,
    )
    .method("strftime($self, /, format)", "format -> strftime() style string.", |vm: &Vm, t: T, format: Value| {
        strftime::of_time(vm, t, make::str_argument(vm, format, "strftime", 1)?)
    })
    .method("__format__($self, format, /)", "Formats self with strftime.", strftime::format)
    .method("utcoffset($self, /)", "Return self.tzinfo.utcoffset(self).", offset)
    .method("tzname($self, /)", "Return self.tzinfo.tzname(self).", |vm: &Vm, t: T| {
        tzinfo::tzname(vm, t.tz(), Value::NONE)
    })
    .method("dst($self, /)", "Return self.tzinfo.dst(self).", |vm: &Vm, t: T| {
        tzinfo::dst(vm, t.tz(), Value::NONE)
    })
    .method(REPLACE, "Return time with new specified fields.", replace)
    .method(
        "__replace__($self, /, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)",
        "The same as replace().",
        replace,
    )
    .class_method(
        "fromisoformat($type, object, /)",
        "string -> time from a string in ISO 8601 format",
        from_isoformat,
    )
    .method("__reduce_ex__($self, protocol, /)", "__reduce_ex__(proto) -> (cls, state)", |vm: &Vm, t: T, protocol: Value| {
        Ok::<Value, cape_vm::Raised>(reduce(t, int_or(vm, protocol, 0)?))
    })
    .method("__reduce__($self, /)", "__reduce__() -> (cls, state)", |_: &Vm, t: T| reduce(t, 2));
}

/// The constructor of the class itself with positional arguments only; EMPTY where it is more than numbers of the usual size.
fn new_by_position(vm: &Vm, args: &[Value]) -> Res<Value> {
    let (Some((&cls, args)), mut n) = (args.split_first(), [0; 4]) else { return Ok(Value::EMPTY) };
    let Some(cls) = cls.downcast::<TypeObj>().filter(|&c| c == TIME.get() && args.len() <= 4) else {
        return Ok(Value::EMPTY);
    };
    for (n, v) in n.iter_mut().zip(args) {
        match v.is_int().then(|| i32::try_from(v.as_int())) {
            Some(Ok(i)) => *n = i,
            _ => return Ok(Value::EMPTY),
        }
    }
    make::time(vm, cls, Clock::new(n[0], n[1], n[2], n[3]), Value::NONE, 0)
}

#[allow(clippy::too_many_arguments, reason = "those of the constructor")]
fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    hour: Value,
    minute: Value,
    second: Value,
    us: Value,
    tz: Value,
    fold: Value,
) -> Res<Value> {
    if [second, us, tz, fold].iter().all(|v| v.is_empty())
        && !hour.is_empty()
        && let Some(mut data) = make::pickled::<6>(vm, hour, "time", 0, |b| b & 0x7f < 24)?
    {
        let tz = make::pickled_tz(vm, minute)?;
        let fold = data[0] >> 7;
        data[0] &= 0x7f;
        return Ok(TimeObj::from_data(cls.instance_map(), data, tz, fold).value());
    }
    let clock =
        Clock::new(int_or(vm, hour, 0)?, int_or(vm, minute, 0)?, int_or(vm, second, 0)?, int_or(vm, us, 0)?);
    let tz = if tz.is_empty() { Value::NONE } else { tz };
    make::time(vm, cls, clock, tz, int_or(vm, fold, 0)?)
}

fn offset(vm: &Vm, t: T) -> Res<Option<Ptr<DeltaObj>>> {
    tzinfo::utcoffset(vm, t.tz(), Value::NONE)
}

fn repr(vm: &Vm, t: T) -> Res<String> {
    let mut out = class_name(type_of(t.value()));
    let Clock { hour, minute, second, us } = t.clock();
    let shown = if us != 0 {
        4
    } else if second != 0 {
        3
    } else {
        2
    };
    push_numbers(&mut out, &[hour, minute, second, us][..shown]);
    if !t.tz().is_none() {
        out += ", tzinfo=";
        out += &vm.repr_str(t.tz())?;
    }
    if t.fold() != 0 {
        out += ", fold=1";
    }
    out.push(')');
    Ok(out)
}

fn iso_format(vm: &Vm, t: T, timespec: Value) -> Res<Value> {
    let spec = Timespec::of(vm, timespec, 1)?;
    let mut text = Text::new();
    text.clock(t.clock(), spec);
    if let Some(offset) = offset(vm, t)? {
        text.offset(offset, true);
    }
    Ok(text.finish().value())
}

#[allow(clippy::too_many_arguments, reason = "those of the constructor")]
fn replace(
    vm: &Vm,
    t: T,
    hour: Option<i32>,
    minute: Option<i32>,
    second: Option<i32>,
    us: Option<i32>,
    tz: Option<Value>,
    fold: Option<i32>,
) -> Res<Value> {
    let old = t.clock();
    let clock = Clock::new(
        hour.unwrap_or(old.hour),
        minute.unwrap_or(old.minute),
        second.unwrap_or(old.second),
        us.unwrap_or(old.us),
    );
    time_like(vm, type_of(t.value()), clock, tz.unwrap_or(t.tz()), fold.unwrap_or(t.fold() as i32))
}

fn from_isoformat(vm: &Vm, cls: Ptr<TypeObj>, text: Value) -> Res<Value> {
    let s = isoformat::argument(vm, text)?;
    let utf8 = s.to_utf8().ok_or_else(|| isoformat::invalid(vm, s))?;
    let bytes = utf8.as_bytes();
    let parsed =
        isoformat::time(bytes.strip_prefix(b"T").unwrap_or(bytes)).map_err(|_| isoformat::invalid(vm, s))?;
    let clock = parsed.midnight(vm)?.0;
    let tz = parsed.tz(vm)?;
    time_like(vm, cls, clock, tz, 0)
}

fn reduce(t: T, protocol: i32) -> Value {
    let mut data = t.data();
    if protocol > 3 && t.fold() != 0 {
        data[0] |= 0x80;
    }
    let state = [BytesObj::new(&data).value(), t.tz()];
    let state = TupleObj::new(&state[..1 + !t.tz().is_none() as usize]);
    TupleObj::new(&[type_of(t.value()).value(), state.value()]).value()
}

fn compare(vm: &Vm, a: T, b: Value, c: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<TimeObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let same_zone = a.tz() == b.tz();
    let (x, y) = if same_zone { (None, None) } else { (offset(vm, a)?, offset(vm, b)?) };
    let order = match (x, y) {
        (None, None) => a.key().cmp(&b.key()),
        (Some(x), Some(y)) if delta::order(x, y) == Ordering::Equal => a.key().cmp(&b.key()),
        (Some(x), Some(y)) => {
            let utc = |t: T, offset: Ptr<DeltaObj>| {
                (t.clock().seconds() - offset.days * DAY - offset.seconds, t.clock().us)
            };
            utc(a, x).cmp(&utc(b, y))
        }
        _ => match c {
            Cmp::Eq => return Ok(Value::FALSE),
            Cmp::Ne => return Ok(Value::TRUE),
            _ => return Err(vm.type_error("can't compare offset-naive and offset-aware times")),
        },
    };
    Ok(Value::bool(c.of(order)))
}

fn hash(vm: &Vm, t: T) -> Res<Value> {
    if t.hash.get() == -1 {
        // Where there is a fold, both of its times have the hash of the first.
        let first = match t.fold() {
            0 => t,
            _ => TimeObj::new(t.header().map(), t.clock(), t.tz(), 0),
        };
        let hash = match offset(vm, first)? {
            None => hash_bytes(&t.data()),
            Some(offset) => {
                let d = make::exact_delta(
                    vm,
                    -offset.days as i64,
                    (t.clock().seconds() - offset.seconds) as i64,
                    (t.clock().us - offset.us) as i64,
                )?;
                vm.hash(d)?
            }
        };
        t.hash.set(hash);
    }
    Ok(int_value(t.hash.get()))
}
