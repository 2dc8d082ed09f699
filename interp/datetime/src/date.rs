//! `date`.

use cape_builtins::rich_comparisons;
use cape_stdlib::time::STRUCT_TIME;
use cape_vm::native::new_type;
use cape_vm::object::{BytesObj, TupleObj, TypeFlags, TypeObj, hash_bytes, int_value};
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::calendar::{BadIso, Clock, Day};
use crate::datetime::push_numbers;
use crate::make::{self, date_like};
use crate::objects::{AnyDate, DATE, DELTA, DateObj, DateTimeObj, DeltaObj, class_name};
use crate::text::Text;
use crate::{isoformat, local, names, strftime};

/// `IsoCalendarDate`, a tuple.
static ISO: StaticType = StaticType::new();

/// Makes the class.
pub fn make_type() {
    make_iso_type();
    let t = new_type::<DateObj>("datetime.date", rt().types.object, TypeFlags::BASE);
    DATE.set(t.class());
    let t = t
        .doc("date(year, month, day) --> date object")
        .new_called(
            "function",
            "__new__(type, year, month=<unrepresentable>, day=<unrepresentable>)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
            None,
        )
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, d: AnyDate| {
            let Day { year, month, day } = d.day();
            let mut out = class_name(type_of(d.value()));
            push_numbers(&mut out, &[year, month, day]);
            out + ")"
        })
        .method("__hash__($self, /)", "Return hash(self).", |_: &Vm, d: AnyDate| {
            if d.0.hash.get() == -1 {
                d.0.hash.set(hash_bytes(&d.0.data()));
            }
            int_value(d.0.hash.get())
        })
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, d: AnyDate| match d.0.header().map() {
            map if map == DATE.get().instance_map() => Ok(text(d.day())),
            _ => vm.call_method(d.value(), names::ISOFORMAT.get(), &[]),
        });
    rich_comparisons!(t, AnyDate, compare);
    cape_builtins::binary_operators! { t;
        "add" "+" add, add;
        "sub" "-" sub, rsub;
    }
    constructors(t);
    methods(t);
    let map = t.class().instance_map();
    t.getter("year", "", |_: &Vm, d: AnyDate| d.day().year)
        .getter("month", "", |_: &Vm, d: AnyDate| d.day().month)
        .getter("day", "", |_: &Vm, d: AnyDate| d.day().day)
        .attribute("min", DateObj::new(map, Day::new(1, 1, 1)).value())
        .attribute("max", DateObj::new(map, Day::new(9999, 12, 31)).value())
        .attribute("resolution", DeltaObj::new(DELTA.get().instance_map(), 1, 0, 0).value());
}

fn constructors(t: cape_vm::native::TypeBuilder) {
    t.class_method(
        "fromtimestamp($type, timestamp, /)",
        "Create a date from a POSIX timestamp.\n\nThe timestamp is a number, e.g. created via time.time(), that is\ninterpreted as local time.",
        from_timestamp,
    )
    .class_method(
        "fromordinal($type, ordinal, /)",
        "int -> date corresponding to a proleptic Gregorian ordinal.",
        |vm: &Vm, cls: Ptr<TypeObj>, ordinal: Value| {
            let ordinal = make::int_or(vm, ordinal, 0)?;
            if ordinal < 1 {
                return Err(vm.value_error("ordinal must be >= 1"));
            }
            // So far beyond the last that the year is said to be, but no further.
            date_like(vm, cls, Day::from_ordinal(ordinal.min(i32::MAX - 400)))
        },
    )
    .class_method(
        "fromisoformat($type, object, /)",
        "str -> Construct a date from a string in ISO 8601 format.",
        |vm: &Vm, cls: Ptr<TypeObj>, text: Value| {
            let s = isoformat::argument(vm, text)?;
            let utf8 = s.to_utf8().ok_or_else(|| isoformat::invalid(vm, s))?;
            let bytes = utf8.as_bytes();
            match matches!(bytes.len(), 7 | 8 | 10).then(|| isoformat::day(bytes, bytes.len())) {
                Some(Ok(day)) => date_like(vm, cls, day),
                _ => Err(isoformat::invalid(vm, s)),
            }
        },
    )
    .class_method(
        "fromisocalendar($type, year, week, day)",
        "int, int, int -> Construct a date from the ISO year, week number and weekday.\n\nThis is the inverse of the date.isocalendar() function",
        from_isocalendar,
    )
    .class_method(
        "strptime($type, string, format, /)",
        "string, format -> new date parsed from a string (like time.strptime()).",
        |vm: &Vm, cls: Value, s: Value, format: Value| strptime(vm, "_strptime_datetime_date", cls, s, format),
    )
    .class_method(
        "today($type, /)",
        "Current date or datetime:  same as self.__class__.fromtimestamp(time.time()).",
        |vm: &Vm, cls: Value| {
            let time = vm.import_attr("time", "time")?;
            let now = vm.call(time, &[])?;
            vm.call_method(cls, names::FROMTIMESTAMP.get(), &[now])
        },
    );
}

fn methods(t: cape_vm::native::TypeBuilder) {
    t.method("ctime($self, /)", "Return ctime() style string.", |_: &Vm, d: AnyDate| {
        ctime(d.day(), Clock::default())
    })
    .method(
        "strftime($self, /, format)",
        "format -> strftime() style string.",
        |vm: &Vm, d: AnyDate, format: Value| {
            strftime::of_date(vm, d, make::str_argument(vm, format, "strftime", 1)?)
        },
    )
    .method("__format__($self, format, /)", "Formats self with strftime.", strftime::format)
    .method(
        "timetuple($self, /)",
        "Return time tuple, compatible with time.localtime().",
        |_: &Vm, d: AnyDate| time_tuple(d.day(), Clock::default(), -1),
    )
    .method(
        "isocalendar($self, /)",
        "Return a named tuple containing ISO year, week number, and weekday.",
        |_: &Vm, d: AnyDate| {
            let (year, week, day) = d.day().iso();
            TupleObj::with_map(ISO.get().instance_map(), &[year, week, day].map(|n| int_value(n as i64)))
        },
    )
    .method("isoformat($self, /)", "Return string in ISO 8601 format, YYYY-MM-DD.", |_: &Vm, d: AnyDate| {
        text(d.day())
    })
    .method(
        "isoweekday($self, /)",
        "Return the day of the week represented by the date.\nMonday == 1 ... Sunday == 7",
        |_: &Vm, d: AnyDate| d.day().weekday() + 1,
    )
    .method(
        "toordinal($self, /)",
        "Return proleptic Gregorian ordinal.  January 1 of year 1 is day 1.",
        |_: &Vm, d: AnyDate| d.day().ordinal(),
    )
    .method(
        "weekday($self, /)",
        "Return the day of the week represented by the date.\nMonday == 0 ... Sunday == 6",
        |_: &Vm, d: AnyDate| d.day().weekday(),
    )
    .method(
        "replace($self, /, year=unchanged, month=unchanged, day=unchanged)",
        "Return date with new specified fields.",
        replace,
    )
    .method(
        "__replace__($self, /, year=unchanged, month=unchanged, day=unchanged)",
        "The same as replace().",
        replace,
    )
    .method("__reduce__($self, /)", "__reduce__() -> (cls, state)", |_: &Vm, d: AnyDate| {
        let state = TupleObj::new(&[BytesObj::new(&d.0.data()).value()]);
        TupleObj::new(&[type_of(d.value()).value(), state.value()])
    });
}

fn make_iso_type() {
    let t = new_type::<TupleObj>("datetime.IsoCalendarDate", rt().types.tuple, 0);
    ISO.set(t.class());
    let item = |t: Ptr<TupleObj>, i: usize| if i < t.len() { t.get(i) } else { Value::NONE };
    t.doc("The result of date.isocalendar() or datetime.isocalendar()\n\nThis object may be accessed either as a tuple of\n  ((year, week, weekday)\nor via the object attributes as named in the above tuple.")
        .new_fn(
            "__new__(type, year, week, weekday)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |_: &Vm, cls: Ptr<TypeObj>, year: i32, week: i32, weekday: i32| {
                TupleObj::with_map(cls.instance_map(), &[year, week, weekday].map(|n| int_value(n as i64)))
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", move |vm: &Vm, t: Ptr<TupleObj>| -> Res<String> {
            let text = |i| vm.str(item(t, i)).map(|s| s.display());
            Ok(format!("{}(year={}, week={}, weekday={})", class_name(type_of(t.value())), text(0)?, text(1)?, text(2)?))
        })
        .method("__reduce__($self, /)", "__reduce__() -> (cls, state)", |_: &Vm, t: Ptr<TupleObj>| {
            let args = TupleObj::new(&[TupleObj::new(t.as_slice()).value()]);
            TupleObj::new(&[rt().types.tuple.value(), args.value()])
        })
        .getter("year", "", move |_: &Vm, t: Ptr<TupleObj>| item(t, 0))
        .getter("week", "", move |_: &Vm, t: Ptr<TupleObj>| item(t, 1))
        .getter("weekday", "", move |_: &Vm, t: Ptr<TupleObj>| item(t, 2));
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, year: Value, month: Value, day: Value) -> Res<Value> {
    if month.is_empty()
        && day.is_empty()
        && let Some(data) = make::pickled(vm, year, "date", 2, |b| (1..=12).contains(&b))?
    {
        return Ok(DateObj::from_data(cls.instance_map(), data).value());
    }
    let day = Day::new(
        make::required(vm, year, "year", 1)?,
        make::required(vm, month, "month", 2)?,
        make::required(vm, day, "day", 3)?,
    );
    make::date(vm, cls, day)
}

/// `cls.fromtimestamp(timestamp)`.
pub fn from_timestamp(vm: &Vm, cls: Ptr<TypeObj>, timestamp: Value) -> Res<Value> {
    let tm = local::broken_down(vm, local::seconds(vm, timestamp)?, false)?;
    date_like(vm, cls, local::parts(&tm).0)
}

fn from_isocalendar(vm: &Vm, cls: Ptr<TypeObj>, year: Value, week: Value, day: Value) -> Res<Value> {
    let int = |v: Value| {
        make::int_or(vm, v, 0).map_err(|r| match r.is(rt().types.overflow_error) {
            true => vm.value_error("ISO calendar component out of range"),
            false => r,
        })
    };
    let (year, week, day) = (int(year)?, int(week)?, int(day)?);
    match Day::from_iso(year, week, day) {
        Ok(day) => date_like(vm, cls, day),
        Err(BadIso::Year) => Err(vm.value_error(format!("year must be in 1..9999, not {year}"))),
        Err(BadIso::Week) => Err(vm.value_error(format!("Invalid week: {week}"))),
        Err(BadIso::Weekday) => Err(vm.value_error(format!("Invalid weekday: {day} (range is [1, 7])"))),
    }
}

/// `strptime()` of any of the classes, by the function of `_strptime` for it.
pub fn strptime(vm: &Vm, function: &str, cls: Value, s: Value, format: Value) -> Res<Value> {
    make::str_argument(vm, s, "strptime", 1)?;
    make::str_argument(vm, format, "strptime", 2)?;
    let f = vm.import_attr("_strptime", function)?;
    vm.call(f, &[cls, s, format])
}

fn replace(vm: &Vm, d: AnyDate, year: Option<i32>, month: Option<i32>, day: Option<i32>) -> Res<Value> {
    let old = d.day();
    let day = Day::new(year.unwrap_or(old.year), month.unwrap_or(old.month), day.unwrap_or(old.day));
    date_like(vm, type_of(d.value()), day)
}

fn text(day: Day) -> Value {
    let mut text = Text::new();
    text.day(day);
    text.finish().value()
}

/// As C's `ctime()`.
pub fn ctime(day: Day, c: Clock) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {:04}",
        DAYS[day.weekday() as usize],
        MONTHS[day.month as usize - 1],
        day.day,
        c.hour,
        c.minute,
        c.second,
        day.year
    )
}

/// A `time.struct_time`.
pub fn time_tuple(day: Day, c: Clock, is_dst: i32) -> Value {
    let fields =
        [day.year, day.month, day.day, c.hour, c.minute, c.second, day.weekday(), day.of_year(), is_dst];
    let mut all = [Value::NONE; 11];
    for (v, n) in all.iter_mut().zip(fields) {
        *v = int_value(n as i64);
    }
    STRUCT_TIME.make(&all)
}

fn compare(_: &Vm, a: AnyDate, b: Value, c: Cmp) -> Value {
    // A datetime is a date, but says nothing about its days as such.
    match b.downcast::<DateObj>() {
        Some(b) => Value::bool(c.of(a.0.key().cmp(&b.key()))),
        None => Value::NOT_IMPLEMENTED,
    }
}

fn moved(vm: &Vm, d: Ptr<DateObj>, days: i64) -> Res<Value> {
    let day = d.day();
    let moved = Day { day: (day.day as i64 + days) as i32, ..day };
    match moved.normal() {
        Some(day) => date_like(vm, type_of(d.value()), day),
        None => Err(vm.overflow_error("date value out of range")),
    }
}

fn add(vm: &Vm, a: AnyDate, b: Value) -> Res<Value> {
    match (a.value().downcast::<DateObj>(), b.downcast::<DeltaObj>()) {
        (Some(a), Some(delta)) => moved(vm, a, delta.days as i64),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn sub(vm: &Vm, a: AnyDate, b: Value) -> Res<Value> {
    let Some(a) = a.value().downcast::<DateObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    if let Some(delta) = b.downcast::<DeltaObj>() {
        return moved(vm, a, -(delta.days as i64));
    }
    match b.downcast::<DateObj>() {
        Some(b) => make::exact_delta(vm, (a.day().ordinal() - b.day().ordinal()) as i64, 0, 0),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn rsub(vm: &Vm, a: AnyDate, b: Value) -> Res<Value> {
    match AnyDate::of(b) {
        Some(b) if !b.value().is::<DateTimeObj>() => sub(vm, b, a.value()),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}
