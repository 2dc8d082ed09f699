//! Rules in the format of POSIX's variable TZ: `std[offset[dst[offset],start[/time],end[/time]]]`.

use super::ordinal;
use crate::calendar::{EPOCH, days_in_month, is_leap};

/// When summer time begins and ends each year, as local clocks show it.
pub struct Rule {
    pub start: Date,
    pub end: Date,
}

/// What a rule says.
pub struct Parsed {
    pub name: String,
    /// Seconds east of UTC.
    pub offset: i64,
    pub summer: Option<Summer>,
}

/// Summer time.
pub struct Summer {
    pub name: String,
    pub offset: i64,
    pub rule: Rule,
}

/// What is wrong; the text follows.
#[derive(Debug, PartialEq, Eq)]
pub struct Bad(pub &'static str);

/// A day of every year, and a time.
#[derive(Debug, PartialEq, Eq)]
pub struct Date {
    day: DayRule,
    /// Seconds after its midnight.
    time: i64,
}

#[derive(Debug, PartialEq, Eq)]
enum DayRule {
    /// From 1 on, the 29th of February not being counted.
    Julian(i64),
    /// From 0 on, by POSIX; CPython counts from 1 on, and so that the 59th day that is counted is the 29th of February.
    OfYear(i64),
    /// The `week`th such day of the week (Sunday being 0) of a month, 5 being the last.
    OfMonth { month: i32, week: i32, weekday: i32 },
}

impl Date {
    /// Seconds from the beginning of 1970 to it, by local clocks.
    pub fn in_year(&self, year: i32) -> i64 {
        let first = ordinal(year, 1, 1);
        let day = match self.day {
            DayRule::Julian(n) => first + n - 1 + (n >= 59 && is_leap(year)) as i64,
            DayRule::OfYear(n) => first + n - 1,
            DayRule::OfMonth { month, week, weekday } => {
                let begins = ordinal(year, month, 1);
                // Ordinals that are multiples of 7 are Sundays.
                let mut day = (weekday as i64 - begins).rem_euclid(7) + 7 * (week as i64 - 1);
                if day >= days_in_month(year, month) as i64 {
                    day -= 7;
                }
                begins + day
            }
        };
        (day - EPOCH as i64) * 86_400 + self.time
    }
}

/// The text that is left to be read; behind its end is a NUL.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn peek(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }

    fn skip(&mut self) {
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    fn take(&mut self, b: u8) -> Option<()> {
        let there = self.peek() == b && !self.0.is_empty();
        if there {
            self.skip();
        }
        there.then_some(())
    }

    /// A number of `min` to `max` digits.
    fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        let (mut n, mut count) = (0, 0);
        while count < max && self.peek().is_ascii_digit() {
            n = 10 * n + (self.peek() - b'0') as i64;
            self.skip();
            count += 1;
        }
        (count >= min).then_some(n)
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    fn time(&mut self, max_hours: i64) -> Option<i64> {
        let sign = if self.take(b'-').is_some() { -1 } else { 1 };
        if sign == 1 {
            let _ = self.take(b'+');
        }
        let hours = self.number(1, 3).filter(|&h| h <= max_hours)?;
        let (mut minutes, mut seconds) = (0, 0);
        if self.take(b':').is_some() {
            minutes = self.number(2, 2)?;
            if self.take(b':').is_some() {
                seconds = self.number(2, 2)?;
            }
        }
        Some(sign * (hours * 3600 + minutes * 60 + seconds))
    }

    /// A name: letters, or between angle brackets also digits and signs.
    fn name(&mut self) -> Option<String> {
        let quoted = self.take(b'<').is_some();
        let mut name = String::new();
        loop {
            match self.peek() {
                b if b.is_ascii_alphabetic() => name.push(b as char),
                b @ (b'0'..=b'9' | b'+' | b'-') if quoted => name.push(b as char),
                _ => break,
            }
            self.skip();
        }
        if quoted {
            self.take(b'>')?;
        }
        (!name.is_empty()).then_some(name)
    }

    fn date(&mut self) -> Option<Date> {
        let day = match self.peek() {
            b'M' => {
                self.skip();
                let month = self.number(1, 2).filter(|n| (1..=12).contains(n))? as i32;
                self.take(b'.')?;
                let week = self.number(1, 1).filter(|n| (1..=5).contains(n))? as i32;
                self.take(b'.')?;
                let weekday = self.number(1, 1).filter(|&n| n <= 6)? as i32;
                DayRule::OfMonth { month, week, weekday }
            }
            b'J' => {
                self.skip();
                DayRule::Julian(self.number(1, 3).filter(|n| (1..=365).contains(n))?)
            }
            _ => DayRule::OfYear(self.number(1, 3).filter(|&n| n <= 365)?),
        };
        let time = if self.take(b'/').is_some() { self.time(167)? } else { 2 * 3600 };
        Some(Date { day, time })
    }
}

/// Reads a rule.
pub fn parse(text: &[u8]) -> Result<Parsed, Bad> {
    let mut r = Reader(text);
    let name = r.name().ok_or(Bad("Invalid STD format in"))?;
    // What is added to get UTC's time.
    let offset = -r.time(24).ok_or(Bad("Invalid STD offset in"))?;
    if r.0.is_empty() {
        return Ok(Parsed { name, offset, summer: None });
    }
    let summer = r.name().ok_or(Bad("Invalid DST format in"))?;
    let summer_offset = match r.peek() {
        b',' => offset + 3600,
        _ => -r.time(24).ok_or(Bad("Invalid DST offset in"))?,
    };
    let mut date = || {
        r.take(b',').ok_or(Bad("Missing transition rules in TZ string:"))?;
        r.date().ok_or(Bad("Malformed transition rule in TZ string:"))
    };
    let rule = Rule { start: date()?, end: date()? };
    if !r.0.is_empty() {
        return Err(Bad("Extraneous characters at end of TZ string:"));
    }
    Ok(Parsed { name, offset, summer: Some(Summer { name: summer, offset: summer_offset, rule }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let p = parse(b"<-03>3<+02>-2:30,M3.5.0/-1,J60/167:00:01").ok().unwrap();
        let s = p.summer.unwrap();
        assert_eq!((p.name.as_str(), p.offset, s.name.as_str(), s.offset), ("-03", -10_800, "+02", 9000));
        // The last Sunday of March 2024 was the 31st; the 60th day that is counted is the first of March.
        assert_eq!(s.rule.start.in_year(2024), (ordinal(2024, 3, 31) - EPOCH as i64) * 86_400 - 3600);
        assert_eq!(s.rule.end.in_year(2024), (ordinal(2024, 3, 1) - EPOCH as i64) * 86_400 + 167 * 3600 + 1);
        for (text, what) in [
            ("3", "Invalid STD format in"),
            ("<>5", "Invalid STD format in"),
            ("AAA25", "Invalid STD offset in"),
            ("AAA3:5", "Invalid STD offset in"),
            ("AAA3,M1.1.1,M1.1.1", "Invalid DST format in"),
            ("AAA3BBB", "Invalid DST offset in"),
            ("AAA3BBB,M1.1.1", "Missing transition rules in TZ string:"),
            ("AAA3BBB,M13.1.1,M1.1.1", "Malformed transition rule in TZ string:"),
            ("AAA3BBB,J0,J1", "Malformed transition rule in TZ string:"),
            ("AAA3BBB,1,2x", "Extraneous characters at end of TZ string:"),
        ] {
            assert_eq!(parse(text.as_bytes()).err(), Some(Bad(what)), "{text}");
        }
    }
}
