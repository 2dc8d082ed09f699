//! Reading the formats of ISO 8601.

use cape_vm::object::StrObj;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::calendar::{Clock, Day};
use crate::zone;

/// The text is in none of the formats.
#[derive(Debug, PartialEq, Eq)]
pub struct Bad;

/// A time as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Its hour may be 24, and what is beyond its range is for the constructors to find.
    pub clock: Clock,
    /// Seconds and microseconds from UTC, if there was an offset.
    pub offset: Option<(i32, i32)>,
}

/// A byte of the text; behind its end is a NUL.
#[inline(always)]
fn at(s: &[u8], i: usize) -> u8 {
    s.get(i).copied().unwrap_or(0)
}

/// The number in the next `n` bytes, which are digits; goes on behind them.
#[inline(always)]
fn digits(s: &[u8], i: &mut usize, n: usize) -> Result<i32, Bad> {
    let mut number = 0;
    for _ in 0..n {
        let d = at(s, *i).wrapping_sub(b'0');
        if d > 9 {
            return Err(Bad);
        }
        number = 10 * number + d as i32;
        *i += 1;
    }
    Ok(number)
}

/// A day, in one of the formats `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www`, `YYYYWww`, `YYYY-Www-D` and `YYYYWwwD`, of which `len` bytes are its.
pub fn day(s: &[u8], len: usize) -> Result<Day, Bad> {
    let mut i = 0;
    let year = digits(s, &mut i, 4)?;
    let separated = at(s, i) == b'-';
    i += separated as usize;
    let separator = |i: &mut usize| {
        if separated && at(s, *i) != b'-' {
            return Err(Bad);
        }
        *i += separated as usize;
        Ok(())
    };
    if at(s, i) == b'W' {
        i += 1;
        let week = digits(s, &mut i, 2)?;
        let mut day = 1;
        if i < len {
            separator(&mut i)?;
            day = digits(s, &mut i, 1)?;
        }
        return Day::from_iso(year, week, day).map_err(|_| Bad);
    }
    let month = digits(s, &mut i, 2)?;
    separator(&mut i)?;
    Ok(Day::new(year, month, digits(s, &mut i, 2)?))
}

/// `HH`, `HH:MM`, `HH:MM:SS`, `HH:MM:SS.f` and the same without colons, in the bytes before `end`; true: something else follows there.
fn clock(s: &[u8], mut i: usize, end: usize) -> Result<(Clock, bool), Bad> {
    let mut parts = [0; 3];
    let mut separated = true;
    for part in 0..3 {
        parts[part] = digits(s, &mut i, 2)?;
        let c = at(s, i);
        i += 1;
        if part == 0 {
            separated = c == b':';
        }
        if i >= end {
            if matches!(c, b'.' | b',') {
                return Err(Bad);
            }
            return Ok((Clock::new(parts[0], parts[1], parts[2], 0), c != 0));
        }
        match c {
            b':' if separated && part < 2 => {}
            b'.' | b',' if part == 2 => break,
            b'.' | b',' => return Err(Bad),
            _ if separated => return Err(Bad),
            _ => i -= 1,
        }
    }
    let n = end.saturating_sub(i).min(6);
    if n == 0 {
        return Err(Bad);
    }
    let mut us = digits(s, &mut i, n)?;
    for _ in n..6 {
        us *= 10;
    }
    while at(s, i).is_ascii_digit() {
        i += 1;
    }
    Ok((Clock::new(parts[0], parts[1], parts[2], us), at(s, i) != 0))
}

/// A time, and the offset from UTC behind it.
pub fn time(s: &[u8]) -> Result<Parsed, Bad> {
    let zone = s.iter().position(|b| matches!(b, b'Z' | b'+' | b'-')).unwrap_or(s.len());
    let (time, more) = clock(s, 0, zone)?;
    if zone >= s.len() {
        return if more { Err(Bad) } else { Ok(Parsed { clock: time, offset: None }) };
    }
    if s[zone] == b'Z' {
        let ends = at(s, zone + 1) == 0;
        return if ends { Ok(Parsed { clock: time, offset: Some((0, 0)) }) } else { Err(Bad) };
    }
    let sign = if s[zone] == b'-' { -1 } else { 1 };
    let (offset, more) = clock(s, zone + 1, s.len())?;
    if more {
        return Err(Bad);
    }
    Ok(Parsed { clock: time, offset: Some((sign * offset.seconds(), sign * offset.us)) })
}

impl Parsed {
    /// The time, with midnight at the day's end as that of the next: whether it is that.
    pub fn midnight(&self, vm: &Vm) -> Res<(Clock, bool)> {
        let c = self.clock;
        if c.hour != 24 {
            return Ok((c, false));
        }
        if (c.minute, c.second, c.us) != (0, 0, 0) {
            return Err(vm.value_error("minute, second, and microsecond must be 0 when hour is 24"));
        }
        Ok((Clock { hour: 0, ..c }, true))
    }

    /// The time zone, None without an offset.
    pub fn tz(&self, vm: &Vm) -> Res<Value> {
        match self.offset {
            None => Ok(Value::NONE),
            Some((0, 0)) => Ok(zone::utc().value()),
            Some((seconds, us)) => zone::of_seconds(vm, seconds as i64, us as i64),
        }
    }
}

/// Where the separator between day and time is. (As any character may be one, it is a guess where the day is a week's without or with
/// its own separator.)
pub fn separator(s: &[u8]) -> Result<usize, Bad> {
    let n = s.len();
    if n == 7 {
        return Ok(7);
    }
    match (at(s, 4), at(s, 5)) {
        (b'-', b'W') => match n {
            ..=7 => Err(Bad),
            9 if s[8] == b'-' => Err(Bad),
            // YYYY-Www-HH rather than YYYY-Www-D and a digit as the separator.
            _ if at(s, 8) == b'-' && n > 10 && s[10].is_ascii_digit() => Ok(8),
            _ if at(s, 8) == b'-' => Ok(10),
            _ => Ok(8),
        },
        (b'-', _) => Ok(10),
        (b'W', _) => {
            // Times are pairs of digits.
            let end = (7..n).find(|&i| !s[i].is_ascii_digit()).unwrap_or(n.max(7));
            Ok(if end < 9 {
                end
            } else if end % 2 == 0 {
                7
            } else {
                8
            })
        }
        _ => Ok(8),
    }
}

/// The argument of a `fromisoformat()`.
pub fn argument(vm: &Vm, v: Value) -> Res<Ptr<StrObj>> {
    v.downcast().ok_or_else(|| vm.type_error("fromisoformat: argument must be str"))
}

/// Says that a text is in none of the formats.
#[cold]
pub fn invalid(vm: &Vm, s: Ptr<StrObj>) -> Raised {
    match vm.repr_str(s.value()) {
        Ok(text) => vm.value_error(format!("Invalid isoformat string: {text}")),
        Err(e) => e,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let on = |y, m, d| Ok(Day::new(y, m, d));
        for (s, want) in [
            ("2020-02-03", on(2020, 2, 3)),
            ("20200203", on(2020, 2, 3)),
            ("2020-W01", on(2019, 12, 30)),
            ("2020W017", on(2020, 1, 5)),
            ("2020-0203", Err(Bad)),
            ("202002-03", Err(Bad)),
            ("2020-W54", Err(Bad)),
            ("2020-x2-03", Err(Bad)),
        ] {
            assert_eq!(day(s.as_bytes(), s.len()), want, "{s}");
        }
    }

    #[test]
    fn times() {
        let ok = |h, m, s, us, offset| Ok(Parsed { clock: Clock::new(h, m, s, us), offset });
        for (s, want) in [
            ("12", ok(12, 0, 0, 0, None)),
            ("1230", ok(12, 30, 0, 0, None)),
            ("12:30:45.1234567", ok(12, 30, 45, 123_456, None)),
            ("123045,5+0100", ok(12, 30, 45, 500_000, Some((3600, 0)))),
            ("12:30Z", ok(12, 30, 0, 0, Some((0, 0)))),
            ("12:30-00:00:01.5", ok(12, 30, 0, 0, Some((-1, -500_000)))),
            ("12:30.5", Err(Bad)),
            ("12:3", Err(Bad)),
            ("12:30:", Err(Bad)),
            ("12:3045", Err(Bad)),
            ("12:30:45.", Err(Bad)),
            ("12:30:45.+00:00", Err(Bad)),
            ("12:30x+00:00", ok(12, 30, 0, 0, Some((0, 0)))),
            ("12:30Z0", Err(Bad)),
            ("", Err(Bad)),
        ] {
            assert_eq!(time(s.as_bytes()), want, "{s}");
        }
    }

    #[test]
    fn separators() {
        for (s, want) in [
            ("2020-01-01T00", Ok(10)),
            ("20200101T00", Ok(8)),
            ("2020-W01T00", Ok(8)),
            ("2020-W01-1T00", Ok(10)),
            ("2020-W01-00", Ok(8)),
            ("2020W01T00", Ok(7)),
            ("2020W011T00", Ok(8)),
            ("2020-W01-", Err(Bad)),
        ] {
            assert_eq!(separator(s.as_bytes()), want, "{s}");
        }
    }
}
