//! Layouts of the objects. Dates and times are packed into bytes, as pickles and C have them; the bytes are made and read in words, for
//! they are made of registers and read soon after.

use std::cell::Cell;

use cape_heap::{Field, Header, MapRef, heap, heap_object};
use cape_vm::native::{FromArg, Named, bad_argument};
use cape_vm::object::TypeObj;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use crate::calendar::{Clock, Day};

heap_object! {
    /// `date`: year (two bytes), month, day. Its fields are those that [`DateTimeObj`] begins with, apart from the bytes that only that has.
    pub struct DateObj { pub hash: Cell<i64>, word: u64 } [leaf]

    /// `datetime`: what a date has, hour, minute, second, microsecond (three bytes), fold. `tzinfo` is None when it is naive. A hash of -1 was
    /// not computed yet.
    pub struct DateTimeObj { pub hash: Cell<i64>, word: u64, rest: u64, pub tzinfo: Field }

    /// `time`: the bytes of a datetime from the hour on.
    pub struct TimeObj { pub hash: Cell<i64>, word: u64, pub tzinfo: Field }

    /// `timedelta`: normal, so that only the days may be negative.
    pub struct DeltaObj { pub hash: Cell<i64>, pub days: i32, pub seconds: i32, pub us: i32 } [leaf]

    /// `timezone`; the name is EMPTY when there is none.
    pub struct TimezoneObj { pub offset: Field, pub name: Field }
}

/// `date`.
pub static DATE: StaticType = StaticType::new();
/// `datetime`.
pub static DATETIME: StaticType = StaticType::new();
/// `time`.
pub static TIME: StaticType = StaticType::new();
/// `timedelta`.
pub static DELTA: StaticType = StaticType::new();
/// `tzinfo`, whose instances are plain ones.
pub static TZINFO: StaticType = StaticType::new();
/// `timezone`.
pub static TIMEZONE: StaticType = StaticType::new();

impl Named for DateTimeObj {
    const NAME: &'static str = "datetime.datetime";
}
impl Named for TimeObj {
    const NAME: &'static str = "datetime.time";
}
impl Named for DeltaObj {
    const NAME: &'static str = "datetime.timedelta";
}
impl Named for TimezoneObj {
    const NAME: &'static str = "datetime.timezone";
}

/// The four bytes of a day.
#[inline(always)]
fn day_word(d: Day) -> u64 {
    (d.year as u16).swap_bytes() as u64 | (d.month as u64) << 16 | (d.day as u64) << 24
}

#[inline(always)]
fn day_of(word: u64) -> Day {
    Day::new((word as u16).swap_bytes() as i32, (word >> 16) as u8 as i32, (word >> 24) as u8 as i32)
}

/// The six bytes of a time, and the fold behind them.
#[inline(always)]
fn clock_word(c: Clock, fold: u8) -> u64 {
    let us = (c.us as u32).swap_bytes() as u64 >> 8;
    c.hour as u64 | (c.minute as u64) << 8 | (c.second as u64) << 16 | us << 24 | (fold as u64) << 48
}

#[inline(always)]
fn clock_of(word: u64) -> Clock {
    let part = |shift: u32| (word >> shift) as u8 as i32;
    Clock::new(part(0), part(8), part(16), part(24) << 16 | part(32) << 8 | part(40))
}

impl DateObj {
    /// A date of the class with this map; the day exists.
    #[inline]
    pub fn new(map: MapRef, day: Day) -> Ptr<DateObj> {
        heap().alloc(map, DateObj { header: Header::new(map), hash: Cell::new(-1), word: day_word(day) })
    }

    /// From its bytes.
    pub fn from_data(map: MapRef, data: [u8; 4]) -> Ptr<DateObj> {
        DateObj::new(map, day_of(u32::from_le_bytes(data) as u64))
    }

    /// The day.
    #[inline(always)]
    pub fn day(&self) -> Day {
        day_of(self.word)
    }

    /// Its bytes; of a datetime, those of its day.
    pub fn data(&self) -> [u8; 4] {
        (self.word as u32).to_le_bytes()
    }

    /// Orders dates.
    #[inline(always)]
    pub fn key(&self) -> u32 {
        (self.word as u32).swap_bytes()
    }
}

impl DateTimeObj {
    /// A datetime of the class with this map; day and time exist.
    #[inline(always)]
    pub fn new(map: MapRef, day: Day, clock: Clock, tzinfo: Value, fold: u8) -> Ptr<DateTimeObj> {
        let time = clock_word(clock, fold);
        let (word, rest) = (day_word(day) | time << 32, time >> 32);
        let tzinfo = Field::new(tzinfo);
        heap().alloc(map, DateTimeObj { header: Header::new(map), hash: Cell::new(-1), word, rest, tzinfo })
    }

    /// From its bytes.
    pub fn from_data(map: MapRef, data: [u8; 10], tzinfo: Value, fold: u8) -> Ptr<DateTimeObj> {
        let mut time = [0; 8];
        time[..6].copy_from_slice(&data[4..]);
        let day = u32::from_le_bytes([data[0], data[1], data[2], data[3]]);
        Self::new(map, day_of(day as u64), clock_of(u64::from_le_bytes(time)), tzinfo, fold)
    }

    #[inline(always)]
    fn time(&self) -> u64 {
        self.word >> 32 | self.rest << 32
    }

    /// The day.
    #[inline(always)]
    pub fn day(&self) -> Day {
        day_of(self.word)
    }

    /// The time of day.
    #[inline(always)]
    pub fn clock(&self) -> Clock {
        clock_of(self.time())
    }

    /// Its fold.
    #[inline(always)]
    pub fn fold(&self) -> u8 {
        (self.rest >> 16) as u8
    }

    /// Its bytes, without the fold.
    pub fn data(&self) -> [u8; 10] {
        let mut data = [0; 10];
        data[..8].copy_from_slice(&self.word.to_le_bytes());
        data[8..].copy_from_slice(&(self.rest as u16).to_le_bytes());
        data
    }

    /// Orders datetimes by what clocks show.
    #[inline(always)]
    pub fn key(&self) -> (u64, u16) {
        (self.word.swap_bytes(), (self.rest as u16).swap_bytes())
    }

    /// Its time zone, or None.
    #[inline(always)]
    pub fn tz(&self) -> Value {
        self.tzinfo.get()
    }
}

impl TimeObj {
    /// A time of the class with this map; it exists.
    #[inline]
    pub fn new(map: MapRef, clock: Clock, tzinfo: Value, fold: u8) -> Ptr<TimeObj> {
        let (word, tzinfo) = (clock_word(clock, fold), Field::new(tzinfo));
        heap().alloc(map, TimeObj { header: Header::new(map), hash: Cell::new(-1), word, tzinfo })
    }

    /// From its bytes.
    pub fn from_data(map: MapRef, data: [u8; 6], tzinfo: Value, fold: u8) -> Ptr<TimeObj> {
        let mut word = [0; 8];
        word[..6].copy_from_slice(&data);
        Self::new(map, clock_of(u64::from_le_bytes(word)), tzinfo, fold)
    }

    /// The time of day.
    #[inline(always)]
    pub fn clock(&self) -> Clock {
        clock_of(self.word)
    }

    /// Its fold.
    #[inline(always)]
    pub fn fold(&self) -> u8 {
        (self.word >> 48) as u8
    }

    /// Its bytes, without the fold.
    pub fn data(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.word.to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// Orders times by what clocks show.
    #[inline(always)]
    pub fn key(&self) -> u64 {
        self.word.swap_bytes() >> 16
    }

    /// Its time zone, or None.
    #[inline(always)]
    pub fn tz(&self) -> Value {
        self.tzinfo.get()
    }
}

impl DeltaObj {
    /// A timedelta of the class with this map; its parts are normal.
    #[inline]
    pub fn new(map: MapRef, days: i32, seconds: i32, us: i32) -> Ptr<DeltaObj> {
        heap().alloc(map, DeltaObj { header: Header::new(map), hash: Cell::new(-1), days, seconds, us })
    }

    /// All of it in microseconds.
    #[inline(always)]
    pub fn microseconds(&self) -> i128 {
        (self.days as i64 * 86_400 + self.seconds as i64) as i128 * 1_000_000 + self.us as i128
    }

    /// Its parts.
    #[inline(always)]
    pub fn parts(&self) -> (i32, i32, i32) {
        (self.days, self.seconds, self.us)
    }

    /// Whether it is no time at all.
    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        self.parts() == (0, 0, 0)
    }
}

impl TimezoneObj {
    /// The offset.
    #[inline(always)]
    pub fn delta(&self) -> Ptr<DeltaObj> {
        self.offset.downcast().expect("offset of a timezone")
    }
}

/// A `date` or `datetime`, seen as a date.
#[derive(Clone, Copy)]
pub struct AnyDate(pub Ptr<DateObj>);

impl AnyDate {
    /// What `v` is, if it is one of them.
    #[inline]
    pub fn of(v: Value) -> Option<AnyDate> {
        if v.is::<DateObj>() || v.is::<DateTimeObj>() {
            // SAFETY: it is one of the two layouts, and the second begins as the first.
            return Some(AnyDate(unsafe { Ptr::from_raw(v.bits() as *mut DateObj) }));
        }
        None
    }

    /// The object.
    pub fn value(self) -> Value {
        self.0.value()
    }

    /// The day.
    #[inline(always)]
    pub fn day(self) -> Day {
        self.0.day()
    }

    /// The datetime that it is, if it is one.
    pub fn datetime(self) -> Option<Ptr<DateTimeObj>> {
        self.value().downcast()
    }
}

const _: () = assert!(
    std::mem::offset_of!(DateObj, hash) == std::mem::offset_of!(DateTimeObj, hash)
        && std::mem::offset_of!(DateObj, word) == std::mem::offset_of!(DateTimeObj, word)
);

impl FromArg for AnyDate {
    #[inline(always)]
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<AnyDate> {
        match AnyDate::of(v) {
            Some(d) => Ok(d),
            None => Err(bad_argument(vm, v, i, "datetime.date")),
        }
    }
}

/// Whether an object is an instance of a class, derived ones included.
#[inline]
pub fn is_instance(v: Value, class: &StaticType) -> bool {
    v.is_ptr() && type_of(v).is_subtype(class.get())
}

/// What messages call an object's class: CPython's `tp_name`.
pub fn type_name(v: Value) -> String {
    cape_vm::class::full_name(type_of(v))
}

/// As [`type_name`], of a class.
pub fn class_name(t: Ptr<TypeObj>) -> String {
    cape_vm::class::full_name(t)
}
