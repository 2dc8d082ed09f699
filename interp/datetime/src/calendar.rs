//! The proleptic Gregorian calendar: days, their ordinals (the first of January of year 1 is 1), weeks of ISO 8601; and the time of day.

/// The first year of dates.
pub const MIN_YEAR: i32 = 1;
/// The last one.
pub const MAX_YEAR: i32 = 9999;
/// The ordinal of the last day.
pub const MAX_ORDINAL: i32 = 3_652_059;
/// The ordinal of the first of January of 1970.
pub const EPOCH: i32 = 719_163;
/// Seconds in a day.
pub const DAY: i32 = 24 * 3600;

const DAYS_IN_400_YEARS: i32 = 146_097;
const DAYS_BEFORE: [i32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day {
    pub year: i32,
    pub month: i32,
    pub day: i32,
}

/// A time of day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Clock {
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub us: i32,
}

/// Whether the year has 366 days.
#[inline(always)]
pub fn is_leap(year: i32) -> bool {
    year & 3 == 0 && (year % 100 != 0 || year & 15 == 0)
}

/// Days of a month, which is from 1 to 12.
#[inline(always)]
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + is_leap(year) as i32,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_year(year: i32) -> i32 {
    let y = year - 1;
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)
}

/// Days of the year before the month's first.
pub fn days_before_month(year: i32, month: i32) -> i32 {
    DAYS_BEFORE[month as usize] + (month > 2 && is_leap(year)) as i32
}

impl Day {
    /// A day, which need not exist.
    #[inline(always)]
    pub const fn new(year: i32, month: i32, day: i32) -> Day {
        Day { year, month, day }
    }

    /// Its ordinal; `day` may be outside its month.
    #[inline]
    pub fn ordinal(self) -> i32 {
        days_before_year(self.year) + days_before_month(self.year, self.month) + self.day
    }

    /// The day of an ordinal, also beyond the years of dates.
    pub fn from_ordinal(ordinal: i32) -> Day {
        // Years that begin in March have their leap day at the end; 306 days of the year 0 are counted so.
        let days = ordinal + 305;
        let (cycle, of_cycle) = (days.div_euclid(DAYS_IN_400_YEARS), days.rem_euclid(DAYS_IN_400_YEARS));
        let year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Day::new(year + 400 * cycle + (month <= 2) as i32, month, day)
    }

    /// The day of the week, Monday being 0.
    pub fn weekday(self) -> i32 {
        (self.ordinal() + 6).rem_euclid(7)
    }

    /// The day of the year, from 1 on.
    pub fn of_year(self) -> i32 {
        days_before_month(self.year, self.month) + self.day
    }

    /// The same day when `day` is so many days off; `None`: not in the years of dates.
    #[inline]
    pub fn normal(self) -> Option<Day> {
        if self.day >= 1 && self.day <= 28 {
            return Some(self);
        }
        let first = Day { day: 1, ..self }.ordinal() as i64;
        let ordinal = first + self.day as i64 - 1;
        (1..=MAX_ORDINAL as i64).contains(&ordinal).then(|| Day::from_ordinal(ordinal as i32))
    }

    /// Year, week and day of the week (from 1 on) by ISO 8601.
    pub fn iso(self) -> (i32, i32, i32) {
        let today = self.ordinal();
        let mut year = self.year;
        let mut first = first_iso_monday(year);
        if today < first {
            year -= 1;
            first = first_iso_monday(year);
        } else if today >= first + 52 * 7 && today >= first_iso_monday(year + 1) {
            year += 1;
            first = first_iso_monday(year);
        }
        let days = today - first;
        (year, days / 7 + 1, days % 7 + 1)
    }

    /// The day of a week of ISO 8601.
    pub fn from_iso(year: i32, week: i32, day: i32) -> Result<Day, BadIso> {
        if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
            return Err(BadIso::Year);
        }
        if !(1..=52).contains(&week) {
            // Years that begin on a Thursday have 53 weeks, leap years that begin on a Wednesday, too.
            let begins = Day::new(year, 1, 1).weekday();
            if week != 53 || !(begins == 3 || begins == 2 && is_leap(year)) {
                return Err(BadIso::Week);
            }
        }
        if !(1..=7).contains(&day) {
            return Err(BadIso::Weekday);
        }
        Ok(Day::from_ordinal(first_iso_monday(year) + 7 * (week - 1) + day - 1))
    }
}

/// What is wrong with a day of ISO 8601.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadIso {
    Year,
    Week,
    Weekday,
}

/// The ordinal of the Monday on which the year's first week by ISO 8601 begins.
fn first_iso_monday(year: i32) -> i32 {
    let first = Day::new(year, 1, 1).ordinal();
    let weekday = (first + 6).rem_euclid(7);
    first - weekday + if weekday > 3 { 7 } else { 0 }
}

impl Clock {
    /// A time, which need not exist.
    pub const fn new(hour: i32, minute: i32, second: i32, us: i32) -> Clock {
        Clock { hour, minute, second, us }
    }

    /// Whole seconds since midnight.
    #[inline(always)]
    pub fn seconds(self) -> i32 {
        self.hour * 3600 + self.minute * 60 + self.second
    }

    /// The time of so many seconds and microseconds after midnight.
    #[inline(always)]
    pub fn of_seconds(seconds: i32, us: i32) -> Clock {
        Clock { hour: seconds / 3600, minute: seconds / 60 % 60, second: seconds % 60, us }
    }
}

/// Carries what `low` has beyond its range over into `high`, of which `base` of it are one. Most often that is one, or nothing.
#[inline(always)]
pub fn carry(high: &mut i64, low: &mut i64, base: i64) {
    if (0..base).contains(low) {
        return;
    }
    let by = if (-base..0).contains(low) {
        -1
    } else if *low < 2 * base && *low > 0 {
        1
    } else {
        low.div_euclid(base)
    };
    *high += by;
    *low -= by * base;
}

/// Day and time that much later; `None`: not in the years of dates.
#[inline]
pub fn later(day: Day, clock: Clock, days: i64, seconds: i64, us: i64) -> Option<(Day, Clock)> {
    let (mut days, mut seconds, mut us) = (days, clock.seconds() as i64 + seconds, clock.us as i64 + us);
    carry(&mut seconds, &mut us, 1_000_000);
    carry(&mut days, &mut seconds, DAY as i64);
    let clock = Clock::of_seconds(seconds as i32, us as i32);
    if days == 0 {
        return Some((day, clock));
    }
    // (Mostly it is the same month.)
    let of_month = day.day as i64 + days;
    if (1..=28).contains(&of_month) {
        return Some((Day { day: of_month as i32, ..day }, clock));
    }
    let ordinal = day.ordinal() as i64 + days;
    (1..=MAX_ORDINAL as i64).contains(&ordinal).then(|| (Day::from_ordinal(ordinal as i32), clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals() {
        let mut day = Day::new(1, 1, 1);
        for ordinal in 1..=MAX_ORDINAL {
            assert_eq!(day.ordinal(), ordinal);
            assert_eq!(Day::from_ordinal(ordinal), day);
            let (y, w, d) = day.iso();
            assert_eq!(d, day.weekday() + 1);
            if y >= 1 && y <= 9999 {
                assert_eq!(Day::from_iso(y, w, d), Ok(day));
            }
            day.day += 1;
            if day.day > days_in_month(day.year, day.month) {
                day = if day.month == 12 {
                    Day::new(day.year + 1, 1, 1)
                } else {
                    Day::new(day.year, day.month + 1, 1)
                };
            }
        }
        assert_eq!(Day::new(1970, 1, 1).ordinal(), EPOCH);
        assert_eq!(Day::new(2024, 2, 29).of_year(), 60);
    }

    #[test]
    fn weeks() {
        assert_eq!(Day::new(2020, 12, 31).iso(), (2020, 53, 4));
        assert_eq!(Day::new(2021, 1, 3).iso(), (2020, 53, 7));
        assert_eq!(Day::from_iso(2021, 53, 1), Err(BadIso::Week));
        assert_eq!(Day::from_iso(2020, 53, 8), Err(BadIso::Weekday));
        assert_eq!(Day::from_iso(0, 1, 1), Err(BadIso::Year));
    }

    #[test]
    fn sums() {
        let noon = Clock::new(12, 0, 0, 0);
        assert_eq!(
            later(Day::new(2024, 2, 28), noon, 1, 43_200, -1),
            Some((Day::new(2024, 2, 29), Clock::new(23, 59, 59, 999_999)))
        );
        assert_eq!(later(Day::new(9999, 12, 31), noon, 0, 43_200, 0), None);
        assert_eq!(later(Day::new(1, 1, 1), Clock::default(), 0, 0, -1), None);
        for (low, want) in
            [(-1, (-1, 59)), (60, (1, 0)), (119, (1, 59)), (-60, (-1, 0)), (-61, (-2, 59)), (121, (2, 1))]
        {
            let (mut high, mut low) = (0, low);
            carry(&mut high, &mut low, 60);
            assert_eq!((high, low), want);
        }
        assert_eq!(Day::new(2024, 3, 0).normal(), Some(Day::new(2024, 2, 29)));
        assert_eq!(Day::new(2024, 3, 1_000_000_000).normal(), None);
    }
}
