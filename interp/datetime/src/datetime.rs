//! `datetime`.

use cape_builtins::rich_comparisons;
use cape_vm::native::{TypeBuilder, new_type};
use cape_vm::object::{BytesObj, StrBuilder, StrObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use crate::calendar::{Clock, Day};
use crate::make::{self, datetime_like, int_or};
use crate::objects::{
    DATE, DATETIME, DELTA, DateObj, DateTimeObj, DeltaObj, TIME, TimeObj, class_name, type_name,
};
use crate::text::{Text, Timespec};
use crate::{date, datetime_arithmetic as arithmetic, datetime_convert as convert, names, tzinfo};

type D = Ptr<DateTimeObj>;

const DOC: &str = "datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])\n\nThe year, month and day arguments are required. tzinfo may be None, or an\ninstance of a tzinfo subclass. The remaining arguments may be ints.\n";

/// Makes the class.
pub fn make_type() {
    let t = new_type::<DateTimeObj>("datetime.datetime", DATE.get(), TypeFlags::BASE);
    DATETIME.set(t.class());
    let t = t
        .doc(DOC)
        .new_called(
            "function",
            "__new__(type, year, month=<unrepresentable>, day=<unrepresentable>, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
            Some(new_by_position),
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", arithmetic::hash)
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, d: D| match d.header().map() {
            map if map == DATETIME.get().instance_map() => iso_format(vm, d, b' ' as u32, Timespec::Auto),
            _ => vm.call_method(d.value(), names::ISOFORMAT.get(), &[StrObj::from_char(b' ' as u32).value()]),
        });
    rich_comparisons!(t, D, arithmetic::compare);
    cape_builtins::binary_operators! { t;
        "add" "+" arithmetic::add, arithmetic::add;
        "sub" "-" arithmetic::sub, arithmetic::rsub;
    }
    convert::add_class_methods(t);
    parts(t);
    methods(t);
    convert::add_methods(t);
    let map = t.class().instance_map();
    let last = Clock::new(23, 59, 59, 999_999);
    t.getter("hour", "", |_: &Vm, d: D| d.clock().hour)
        .getter("minute", "", |_: &Vm, d: D| d.clock().minute)
        .getter("second", "", |_: &Vm, d: D| d.clock().second)
        .getter("microsecond", "", |_: &Vm, d: D| d.clock().us)
        .getter("tzinfo", "", |_: &Vm, d: D| d.tz())
        .getter("fold", "", |_: &Vm, d: D| Value::int(d.fold() as i64))
        .attribute("min", DateTimeObj::new(map, Day::new(1, 1, 1), Clock::default(), Value::NONE, 0).value())
        .attribute("max", DateTimeObj::new(map, Day::new(9999, 12, 31), last, Value::NONE, 0).value())
        .attribute("resolution", DeltaObj::new(DELTA.get().instance_map(), 0, 0, 1).value());
}

fn parts(t: TypeBuilder) {
    let time = |d: D, tz: Value| TimeObj::new(TIME.get().instance_map(), d.clock(), tz, d.fold());
    t.method("date($self, /)", "Return date object with same year, month and day.", |_: &Vm, d: D| {
        DateObj::new(DATE.get().instance_map(), d.day())
    })
    .method(
        "time($self, /)",
        "Return time object with same time but with tzinfo=None.",
        move |_: &Vm, d: D| time(d, Value::NONE),
    )
    .method("timetz($self, /)", "Return time object with same time and tzinfo.", move |_: &Vm, d: D| {
        time(d, d.tz())
    })
    .method("ctime($self, /)", "Return ctime() style string.", |_: &Vm, d: D| {
        date::ctime(d.day(), d.clock())
    });
}

fn methods(t: TypeBuilder) {
    const REPLACE: &str = "replace($self, /, year=unchanged, month=unchanged, day=unchanged,\n        hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)";
    t.method(
        "isoformat($self, /, sep='T', timespec='auto')",
        "[sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\nsep is used to separate the year from the time, and defaults to 'T'.\nThe optional argument timespec specifies the number of additional terms\nof the time to include. Valid options are 'auto', 'hours', 'minutes',\n'seconds', 'milliseconds' and 'microseconds'.\n",
        |vm: &Vm, d: D, sep: Value, timespec: Value| {
            let sep = if sep.is_empty() { b'T' as u32 } else { separator(vm, sep)? };
            let spec = Timespec::of(vm, timespec, 2)?;
            iso_format(vm, d, sep, spec)
        },
    )
    .method("utcoffset($self, /)", "Return self.tzinfo.utcoffset(self).", |vm: &Vm, d: D| {
        tzinfo::utcoffset(vm, d.tz(), d.value())
    })
    .method("tzname($self, /)", "Return self.tzinfo.tzname(self).", |vm: &Vm, d: D| {
        tzinfo::tzname(vm, d.tz(), d.value())
    })
    .method("dst($self, /)", "Return self.tzinfo.dst(self).", |vm: &Vm, d: D| tzinfo::dst(vm, d.tz(), d.value()))
    .method(REPLACE, "Return datetime with new specified fields.", replace)
    .method(
        "__replace__($self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)",
        "The same as replace().",
        replace,
    )
    .method("__reduce_ex__($self, protocol, /)", "__reduce_ex__(proto) -> (cls, state)", |vm: &Vm, d: D, protocol: Value| {
        Ok::<Value, cape_vm::Raised>(reduce(d, int_or(vm, protocol, 0)?))
    })
    .method("__reduce__($self, /)", "__reduce__() -> (cls, state)", |_: &Vm, d: D| reduce(d, 2));
}

/// The constructor of the class itself with positional arguments only; EMPTY where it is more than numbers of the usual size.
fn new_by_position(vm: &Vm, args: &[Value]) -> Res<Value> {
    let (Some((&cls, args)), mut n) = (args.split_first(), [0; 7]) else { return Ok(Value::EMPTY) };
    let Some(cls) =
        cls.downcast::<TypeObj>().filter(|&c| c == DATETIME.get() && (3..=8).contains(&args.len()))
    else {
        return Ok(Value::EMPTY);
    };
    for (n, v) in n.iter_mut().zip(args) {
        match v.is_int().then(|| i32::try_from(v.as_int())) {
            Some(Ok(i)) => *n = i,
            _ => return Ok(Value::EMPTY),
        }
    }
    let tz = args.get(7).copied().unwrap_or(Value::NONE);
    make::datetime(vm, cls, Day::new(n[0], n[1], n[2]), Clock::new(n[3], n[4], n[5], n[6]), tz, 0)
}

#[allow(clippy::too_many_arguments, reason = "those of the constructor")]
fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    year: Value,
    month: Value,
    day: Value,
    hour: Value,
    minute: Value,
    second: Value,
    us: Value,
    tz: Value,
    fold: Value,
) -> Res<Value> {
    if [day, hour, minute, second, us, tz, fold].iter().all(|v| v.is_empty())
        && let Some(mut data) =
            make::pickled::<10>(vm, year, "datetime", 2, |b| (1..=12).contains(&(b & 0x7f)))?
    {
        let tz = make::pickled_tz(vm, month)?;
        let fold = data[2] >> 7;
        data[2] &= 0x7f;
        return Ok(DateTimeObj::from_data(cls.instance_map(), data, tz, fold).value());
    }
    let day = Day::new(
        make::required(vm, year, "year", 1)?,
        make::required(vm, month, "month", 2)?,
        make::required(vm, day, "day", 3)?,
    );
    let clock =
        Clock::new(int_or(vm, hour, 0)?, int_or(vm, minute, 0)?, int_or(vm, second, 0)?, int_or(vm, us, 0)?);
    let tz = if tz.is_empty() { Value::NONE } else { tz };
    make::datetime(vm, cls, day, clock, tz, int_or(vm, fold, 0)?)
}

fn repr(vm: &Vm, d: D) -> Res<String> {
    let mut out = class_name(type_of(d.value()));
    let (Day { year, month, day }, Clock { hour, minute, second, us }) = (d.day(), d.clock());
    let parts = [year, month, day, hour, minute, second, us];
    let shown = if us != 0 {
        7
    } else if second != 0 {
        6
    } else {
        5
    };
    push_numbers(&mut out, &parts[..shown]);
    if d.fold() != 0 {
        out += ", fold=1";
    }
    if !d.tz().is_none() {
        out += ", tzinfo=";
        out += &vm.repr_str(d.tz())?;
    }
    out.push(')');
    Ok(out)
}

/// What is in the parentheses of a `repr`, without the second one.
pub fn push_numbers(out: &mut String, numbers: &[i32]) {
    for (i, n) in numbers.iter().enumerate() {
        out.push_str(if i == 0 { "(" } else { ", " });
        let mut digits = [0; 6];
        let (mut at, mut n) = (digits.len(), *n);
        loop {
            at -= 1;
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        digits[at..].iter().for_each(|&b| out.push(b as char));
    }
}

fn separator(vm: &Vm, v: Value) -> Res<u32> {
    let what = match v.downcast::<StrObj>() {
        Some(s) if s.len() == 1 => return Ok(s.char_at(0)),
        Some(s) => format!("a string of length {}", s.len()),
        None if v.is_none() => "None".to_string(),
        None => type_name(v),
    };
    Err(vm.type_error(format!("isoformat() argument 1 must be a unicode character, not {what}")))
}

fn iso_format(vm: &Vm, d: D, sep: u32, spec: Timespec) -> Res<Value> {
    let mut text = Text::new();
    text.day(d.day());
    let at = text.as_bytes().len();
    text.push(if sep < 0x80 { sep as u8 } else { b'T' });
    text.clock(d.clock(), spec);
    if let Some(offset) = tzinfo::utcoffset(vm, d.tz(), d.value())? {
        text.offset(offset, true);
    }
    if sep < 0x80 {
        return Ok(text.finish().value());
    }
    let (day, time) = text.as_str().split_at(at);
    let mut out = StrBuilder::new();
    out.push_str(day);
    out.push(sep);
    out.push_str(&time[1..]);
    Ok(out.finish().value())
}

#[allow(clippy::too_many_arguments, reason = "those of the constructor")]
fn replace(
    vm: &Vm,
    d: D,
    year: Option<i32>,
    month: Option<i32>,
    day: Option<i32>,
    hour: Option<i32>,
    minute: Option<i32>,
    second: Option<i32>,
    us: Option<i32>,
    tz: Option<Value>,
    fold: Option<i32>,
) -> Res<Value> {
    let (old, of_day) = (d.day(), d.clock());
    let day = Day::new(year.unwrap_or(old.year), month.unwrap_or(old.month), day.unwrap_or(old.day));
    let clock = Clock::new(
        hour.unwrap_or(of_day.hour),
        minute.unwrap_or(of_day.minute),
        second.unwrap_or(of_day.second),
        us.unwrap_or(of_day.us),
    );
    datetime_like(vm, type_of(d.value()), day, clock, tz.unwrap_or(d.tz()), fold.unwrap_or(d.fold() as i32))
}

fn reduce(d: D, protocol: i32) -> Value {
    let mut data = d.data();
    if protocol > 3 && d.fold() != 0 {
        data[2] |= 0x80;
    }
    let state = [BytesObj::new(&data).value(), d.tz()];
    let state = TupleObj::new(&state[..1 + !d.tz().is_none() as usize]);
    TupleObj::new(&[type_of(d.value()).value(), state.value()]).value()
}
