//! `strftime()`: that of the module `time`, which does not know fractions of seconds, offsets and time zones of these objects.

use cape_vm::object::{StrBuilder, StrObj, TupleObj, int_value};
use cape_vm::{Ptr, Res, Value, Vm, intern};

use crate::calendar::{Clock, Day};
use crate::names;
use crate::objects::{AnyDate, DATE, DATETIME, TIME, TimeObj, TimezoneObj};
use crate::text::Text;
use crate::{tzinfo, zone};

/// What is formatted.
struct Subject {
    day: Day,
    clock: Clock,
    /// Its time zone, or None, and what methods of that are asked about.
    tz: Value,
    about: Value,
}

/// `date.strftime` and `datetime.strftime`.
pub fn of_date(vm: &Vm, d: AnyDate, format: Ptr<StrObj>) -> Res<Value> {
    let dt = d.datetime();
    let subject = Subject {
        day: d.day(),
        clock: dt.map_or(Clock::default(), |dt| dt.clock()),
        tz: dt.map_or(Value::NONE, |dt| dt.tz()),
        about: d.value(),
    };
    let map = d.0.header().map();
    if (map == DATETIME.get().instance_map() || map == DATE.get().instance_map())
        && let Some(s) = subject.at_once(format)
    {
        return Ok(s);
    }
    let tuple = vm.call_method(d.value(), names::TIMETUPLE.get(), &[])?;
    subject.by_module(vm, format, tuple)
}

/// `time.strftime`.
pub fn of_time(vm: &Vm, t: Ptr<TimeObj>, format: Ptr<StrObj>) -> Res<Value> {
    let clock = t.clock();
    // (Years before 1900 were no years to C once.)
    let subject = Subject { day: Day::new(1900, 1, 1), clock, tz: t.tz(), about: Value::NONE };
    if t.header().map() == TIME.get().instance_map()
        && let Some(s) = subject.at_once(format)
    {
        return Ok(s);
    }
    let fields = [1900, 1, 1, clock.hour, clock.minute, clock.second, 0, 1, -1].map(|n| int_value(n as i64));
    subject.by_module(vm, format, TupleObj::new(&fields).value())
}

/// The longest text that is written at once.
const LONGEST: usize = 48;

impl Subject {
    /// Formats of numbers, which do not depend on the locale. `None`: there is something else in the format.
    fn at_once(&self, format: Ptr<StrObj>) -> Option<Value> {
        let format = format.as_ascii()?.as_bytes();
        let mut out = Text::new();
        let mut i = 0;
        while i < format.len() {
            if out.as_bytes().len() > LONGEST {
                return None;
            }
            let b = format[i];
            i += 1;
            if b != b'%' {
                out.push(b);
                continue;
            }
            let d = *format.get(i)?;
            i += 1;
            match d {
                b'Y' => out.four(self.day.year),
                b'm' => out.two(self.day.month),
                b'd' => out.two(self.day.day),
                b'H' => out.two(self.clock.hour),
                b'M' => out.two(self.clock.minute),
                b'S' => out.two(self.clock.second),
                b'f' => out.six(self.clock.us),
                b'y' => out.two(self.day.year % 100),
                b'F' => out.day(self.day),
                b'T' => {
                    out.two(self.clock.hour);
                    out.push(b':');
                    out.two(self.clock.minute);
                    out.push(b':');
                    out.two(self.clock.second);
                }
                b'j' => {
                    let n = self.day.of_year();
                    out.push(b'0' + (n / 100) as u8);
                    out.two(n % 100);
                }
                b'%' => out.push(b'%'),
                b'z' => match self.tz.downcast::<TimezoneObj>() {
                    Some(z) => out.offset(z.delta(), false),
                    None if self.tz.is_none() => {}
                    None => return None,
                },
                b'Z' if self.tz.is_none() => {}
                b'Z' if self.tz == zone::utc().value() => b"UTC".iter().for_each(|&b| out.push(b)),
                _ => return None,
            }
        }
        Some(out.finish().value())
    }

    fn by_module(&self, vm: &Vm, format: Ptr<StrObj>, tuple: Value) -> Res<Value> {
        let strftime = vm.import_attr("time", "strftime")?;
        let mut out = StrBuilder::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' as u32 {
                out.push(c);
                continue;
            }
            let directive = chars.next();
            match directive.and_then(char::from_u32) {
                Some('z') => out.push_str(self.offset(vm, false)?.as_str()),
                Some(':') if chars.peek() == Some(&('z' as u32)) => {
                    chars.next();
                    out.push_str(self.offset(vm, true)?.as_str());
                }
                Some('Z') => self.push_name(vm, &mut out)?,
                Some('f') => {
                    let mut us = Text::new();
                    us.six(self.clock.us);
                    out.push_str(us.as_str());
                }
                Some(d @ ('Y' | 'G' | 'F' | 'C')) => {
                    let year = vm.get_item(tuple, Value::int(0))?;
                    let year = vm.index_int(year)?.to_i64().unwrap_or(1000);
                    if year >= 1000 {
                        out.push('%' as u32);
                        out.push(d as u32);
                        continue;
                    }
                    push_early_year(vm, &mut out, d, year, strftime, tuple)?;
                }
                _ => {
                    out.push(c);
                    directive.into_iter().for_each(|d| out.push(d));
                }
            }
        }
        vm.call(strftime, &[out.finish().value(), tuple])
    }

    fn offset(&self, vm: &Vm, colons: bool) -> Res<Text> {
        let mut text = Text::new();
        if let Some(offset) = tzinfo::utcoffset(vm, self.tz, self.about)? {
            text.offset(offset, colons);
        }
        Ok(text)
    }

    /// The time zone's name, in which the module must see no directives.
    fn push_name(&self, vm: &Vm, out: &mut StrBuilder) -> Res<()> {
        let name = tzinfo::tzname(vm, self.tz, self.about)?;
        if name.is_none() {
            return Ok(());
        }
        // (Classes derived from str have their own ways.)
        let escaped = vm.call_method(name, names::REPLACE.get(), &[intern("%"), intern("%%")])?;
        match escaped.downcast::<StrObj>() {
            Some(s) => out.push_obj(&s),
            None => return Err(vm.type_error("tzname.replace() did not return a string")),
        }
        Ok(())
    }
}

/// Years of fewer than four digits get their zeros, which C libraries leave out.
fn push_early_year(
    vm: &Vm,
    out: &mut StrBuilder,
    directive: char,
    year: i64,
    strftime: Value,
    tuple: Value,
) -> Res<()> {
    let mut year = year;
    if directive == 'G' {
        let text = vm.call(strftime, &[StrObj::new("%G").value(), tuple])?;
        year = text.downcast::<StrObj>().and_then(|s| s.display().trim().parse().ok()).unwrap_or(year);
    }
    let text = format!("{year:04}");
    out.push_str(if directive == 'C' { &text[..text.len() - 2] } else { &text });
    if directive == 'F' {
        out.push_str("-%m-%d");
    }
    Ok(())
}

/// `__format__` of all three: `strftime`, or `str` without a format.
pub fn format(vm: &Vm, v: Value, format: Value) -> Res<Value> {
    let spec = crate::make::str_argument(vm, format, "__format__", 1)?;
    if spec.is_empty() {
        return vm.str(v).map(|s| s.value());
    }
    vm.call_method(v, names::STRFTIME.get(), &[format])
}
