//! Writing numbers of fixed width, and what `isoformat()` writes.

use cape_vm::object::StrObj;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::calendar::{Clock, Day};
use crate::objects::DeltaObj;

/// ASCII text that is being written. The longest is a datetime with microseconds and an offset that has some, too.
pub struct Text {
    bytes: [u8; 64],
    len: usize,
}

impl Text {
    /// Nothing yet.
    pub fn new() -> Text {
        Text { bytes: [0; 64], len: 0 }
    }

    /// A character.
    #[inline(always)]
    pub fn push(&mut self, b: u8) {
        self.bytes[self.len] = b;
        self.len += 1;
    }

    /// A number of two digits.
    #[inline(always)]
    pub fn two(&mut self, n: i32) {
        self.push(b'0' + (n / 10) as u8);
        self.push(b'0' + (n % 10) as u8);
    }

    /// A number of four digits.
    #[inline(always)]
    pub fn four(&mut self, n: i32) {
        self.two(n / 100);
        self.two(n % 100);
    }

    /// A number of six digits.
    #[inline(always)]
    pub fn six(&mut self, n: i32) {
        self.two(n / 10_000);
        self.four(n % 10_000);
    }

    /// `YYYY-MM-DD`.
    #[inline(always)]
    pub fn day(&mut self, d: Day) {
        self.four(d.year);
        self.push(b'-');
        self.two(d.month);
        self.push(b'-');
        self.two(d.day);
    }

    /// A time in the form of a `timespec`.
    #[inline(always)]
    pub fn clock(&mut self, c: Clock, spec: Timespec) {
        self.two(c.hour);
        if spec == Timespec::Hours {
            return;
        }
        self.push(b':');
        self.two(c.minute);
        if spec == Timespec::Minutes {
            return;
        }
        self.push(b':');
        self.two(c.second);
        match spec {
            Timespec::Milliseconds => {
                self.push(b'.');
                self.push(b'0' + (c.us / 100_000) as u8);
                self.two(c.us / 1000 % 100);
            }
            Timespec::Microseconds => {
                self.push(b'.');
                self.six(c.us);
            }
            Timespec::Auto if c.us != 0 => {
                self.push(b'.');
                self.six(c.us);
            }
            _ => {}
        }
    }

    /// An offset from UTC: `+HH:MM`, and `:SS`, `.ffffff` where there are some. `colons` says whether there are any.
    pub fn offset(&mut self, offset: Ptr<DeltaObj>, colons: bool) {
        let (days, seconds, us) = offset.parts();
        let (sign, seconds, us) = match (days < 0, us) {
            (false, _) => (b'+', seconds, us),
            (true, 0) => (b'-', 86_400 - seconds, 0),
            (true, _) => (b'-', 86_399 - seconds, 1_000_000 - us),
        };
        self.push(sign);
        self.two(seconds / 3600);
        if colons {
            self.push(b':');
        }
        self.two(seconds / 60 % 60);
        if seconds % 60 != 0 || us != 0 {
            if colons {
                self.push(b':');
            }
            self.two(seconds % 60);
        }
        if us != 0 {
            self.push(b'.');
            self.six(us);
        }
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What was written, as Rust text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// What was written, as a `str`.
    pub fn finish(&self) -> Ptr<StrObj> {
        StrObj::from_latin1(self.as_bytes())
    }
}

/// How much of a time is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Timespec {
    Auto,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Timespec {
    /// From the argument of `isoformat()`; `i` is its number there.
    pub fn of(vm: &Vm, v: Value, i: usize) -> Res<Timespec> {
        if v.is_empty() {
            return Ok(Timespec::Auto);
        }
        let Some(s) = v.downcast::<StrObj>() else {
            return Err(vm.type_error(format!(
                "isoformat() argument {i} must be str, not {}",
                if v.is_none() { "None".to_string() } else { crate::objects::type_name(v) }
            )));
        };
        let text = vm.utf8(s)?;
        if text.contains('\0') {
            return Err(vm.value_error("embedded null character"));
        }
        Ok(match text.as_str() {
            "auto" => Timespec::Auto,
            "hours" => Timespec::Hours,
            "minutes" => Timespec::Minutes,
            "seconds" => Timespec::Seconds,
            "milliseconds" => Timespec::Milliseconds,
            "microseconds" => Timespec::Microseconds,
            _ => return Err(vm.value_error("Unknown timespec value")),
        })
    }
}
