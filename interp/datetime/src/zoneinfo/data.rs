//! What a time zone's file says, with what follows from it.

use cape_stdlib::statics::StaticValue;
use cape_vm::object::{BytesObj, DictObj, StrObj, TupleObj, int_value};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use super::rule::{self, Rule};
use crate::make;

/// Transitions, and what was in force between them: indexes of *infos*, of which the last two are the rule's standard and summer time.
pub struct Data {
    /// When they are, in UTC.
    utc: Vec<i64>,
    /// When they are as local clocks show it, without and with a fold.
    local: [Vec<i64>; 2],
    /// The info from each on.
    infos: Vec<usize>,
    /// The info before the first.
    before: usize,
    /// Seconds from UTC of each info.
    offsets: Vec<i64>,
    /// When summer time begins and ends after the last; `None`: never more.
    rule: Option<Rule>,
    fixed: bool,
}

/// The info at some time, and whether clocks show that for the second time.
#[derive(PartialEq, Eq, Debug)]
pub struct Place {
    pub info: usize,
    pub fold: bool,
}

impl Data {
    /// The info of standard time by the rule.
    pub fn standard(&self) -> usize {
        self.offsets.len() - 2
    }

    fn summer(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is but one offset.
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }

    fn summer_diff(&self) -> i64 {
        self.offsets[self.summer()] - self.offsets[self.standard()]
    }

    /// The info when local clocks show so many seconds since 1970.
    pub fn at_local(&self, t: i64, year: i32, fold: bool) -> usize {
        let local = &self.local[fold as usize];
        match (local.first(), local.last()) {
            (Some(&first), _) if t < first => return self.before,
            (_, Some(&last)) if t <= last => return self.infos[local.partition_point(|&at| at <= t) - 1],
            _ => {}
        }
        let Some(rule) = &self.rule else { return self.standard() };
        let diff = self.summer_diff();
        let (mut start, mut end) = (rule.start.in_year(year), rule.end.in_year(year));
        // Without a fold the time with the smaller offset is from the end of the gap to that of the fold, with one from the beginnings.
        if fold == (diff >= 0) {
            end -= diff;
        } else {
            start += diff;
        }
        if within(t, start, end) { self.summer() } else { self.standard() }
    }

    /// The info at so many seconds since 1970 in UTC.
    pub fn at_utc(&self, t: i64, year: i32) -> Place {
        let n = self.utc.len();
        if n > 0 && t < self.utc[0] {
            return Place { info: self.before, fold: false };
        }
        let earlier = |i: usize| if i >= 2 { self.infos[i - 2] } else { self.before };
        if n == 0 || t > self.utc[n - 1] {
            let mut place = self.by_rule(t, year);
            // Just after the last transition there is what that leads to.
            if n > 0 {
                let shift = self.offsets[earlier(n)] - self.offsets[place.info];
                place.fold |= shift > 0 && t < self.utc[n - 1] + shift;
            }
            return place;
        }
        let i = self.utc.partition_point(|&at| at <= t);
        let info = self.infos[i - 1];
        let shift = self.offsets[earlier(i)] - self.offsets[info];
        Place { info, fold: shift > t - self.utc[i - 1] }
    }

    fn by_rule(&self, t: i64, year: i32) -> Place {
        let (standard, summer) = (self.standard(), self.summer());
        let Some(rule) = &self.rule else { return Place { info: standard, fold: false } };
        let start = rule.start.in_year(year) - self.offsets[standard];
        let end = rule.end.in_year(year) - self.offsets[summer];
        let diff = self.summer_diff();
        // Clocks are set back at the end of summer time, or when time that is behind begins.
        let (first, last) = if diff > 0 { (end, end + diff) } else { (start, start - diff) };
        let info = if within(t, start, end) { summer } else { standard };
        Place { info, fold: (first..last).contains(&t) }
    }
}

/// Whether summer time, which may go on over the year's end, is at `t`.
fn within(t: i64, start: i64, end: i64) -> bool {
    if start < end { (start..end).contains(&t) } else { !(end..start).contains(&t) }
}

/// How much summer time each info has. The file says which have any; how much is the difference to the standard time beside it.
fn summer_times(infos: &[usize], offsets: &[i64], summer: &[bool]) -> Vec<i64> {
    let mut out = vec![0; offsets.len()];
    for (i, &info) in infos.iter().enumerate().skip(1) {
        if !summer[info] || out[info] != 0 {
            continue;
        }
        let mut diff = 0;
        if !summer[infos[i - 1]] {
            diff = offsets[info] - offsets[infos[i - 1]];
        }
        if diff == 0
            && info + 1 < offsets.len()
            && let Some(&next) = infos.get(i + 1)
        {
            if summer[next] {
                continue;
            }
            diff = offsets[info] - offsets[next];
        }
        out[info] = diff;
    }
    for (diff, &summer) in out.iter_mut().zip(summer) {
        // An hour is a better guess than nothing.
        if summer && *diff == 0 {
            *diff = 3600;
        }
    }
    out
}

fn local_times(utc: &[i64], infos: &[usize], offsets: &[i64]) -> [Vec<i64>; 2] {
    let mut out = [utc.to_vec(), utc.to_vec()];
    for i in 0..utc.len() {
        let before = offsets[if i == 0 { 0 } else { infos[i - 1] }];
        let after = if i == 0 && offsets.len() == 1 { before } else { offsets[infos[i]] };
        out[0][i] += before.max(after);
        out[1][i] += before.min(after);
    }
    out
}

fn list(vm: &Vm, t: Ptr<TupleObj>, i: usize) -> Res<Ptr<TupleObj>> {
    t.as_slice()
        .get(i)
        .and_then(|v| v.downcast())
        .ok_or_else(|| vm.type_error("tuple expected in the data of a time zone"))
}

fn ints(vm: &Vm, t: Ptr<TupleObj>) -> Res<Vec<i64>> {
    let int = |&v: &Value| {
        let i = vm.index_int(v)?;
        i.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))
    };
    t.as_slice().iter().map(int).collect()
}

static DELTAS: StaticValue = StaticValue::shared();

/// A timedelta of so many seconds: the same one each time, as there are few.
fn delta(vm: &Vm, seconds: i64) -> Res<Value> {
    let known = DELTAS.get_or(|| Ok(DictObj::new().value()))?;
    let known: Ptr<DictObj> = known.downcast().expect("a dict");
    let key = int_value(seconds);
    if let Some(d) = known.get(vm, key)? {
        return Ok(d);
    }
    let d = make::exact_delta(vm, 0, seconds, 0)?;
    known.set(vm, key, d)?;
    Ok(d)
}

/// The data and the parts of its infos (offset, summer time, name of each, in a row) from what `load_data` gives.
pub fn of(vm: &Vm, loaded: Value) -> Res<(Data, Ptr<TupleObj>)> {
    let Some(t) = loaded.downcast::<TupleObj>() else {
        return Err(vm.type_error(format!("Invalid data result type: {}", vm.repr_str(loaded)?)));
    };
    let utc = ints(vm, list(vm, t, 1)?)?;
    let mut offsets = ints(vm, list(vm, t, 2)?)?;
    let names = list(vm, t, 4)?;
    let n = offsets.len();
    let mut infos = Vec::with_capacity(utc.len());
    for i in ints(vm, list(vm, t, 0)?)?.into_iter().take(utc.len()) {
        match usize::try_from(i).ok().filter(|&i| i < n) {
            Some(i) => infos.push(i),
            None => {
                let text = format!("Invalid transition index found while reading TZif: {i}");
                return Err(vm.value_error(text));
            }
        }
    }
    let summer = list(vm, t, 3)?.as_slice().iter().map(|&v| vm.truth(v)).collect::<Res<Vec<bool>>>()?;
    if infos.len() < utc.len() || summer.len() < n || names.len() < n {
        return Err(vm.index_error("tuple index out of range"));
    }
    let mut dst = summer_times(&infos, &offsets, &summer);
    let local = if n == 0 { Default::default() } else { local_times(&utc, &infos, &offsets) };
    let before = summer[..n].iter().position(|s| !s).unwrap_or(0);

    // Where the name of each info is found.
    let mut named: Vec<Named> = (0..n).map(Named::Known).collect();
    let text = t.as_slice().get(5).copied().unwrap_or(Value::NONE);
    let mut when = None;
    if !text.is_none() && vm.truth(text)? {
        let bytes: Ptr<BytesObj> = text.downcast().ok_or_else(|| vm.type_error("expected bytes"))?;
        let parsed = rule::parse(bytes.as_slice()).map_err(|bad| invalid(vm, bad, text))?;
        let (summer_name, summer_offset) = match parsed.summer {
            Some(s) => {
                when = Some(s.rule);
                (s.name, s.offset)
            }
            None => (String::new(), parsed.offset),
        };
        offsets.extend([parsed.offset, summer_offset]);
        dst.extend([0, summer_offset - parsed.offset]);
        named.extend([Named::Text(parsed.name), Named::Text(summer_name)]);
    } else {
        let Some(last) = infos.last().copied().or(n.checked_sub(1)) else {
            return Err(vm.value_error("No time zone information found."));
        };
        for _ in 0..2 {
            offsets.push(offsets[last]);
            dst.push(dst[last]);
            named.push(Named::Known(last));
        }
    }
    // Each part is made when all before it are in the tuple, which keeps them.
    let parts = TupleObj::uninit(3 * offsets.len());
    for (i, name) in named.iter().enumerate() {
        parts.init(3 * i, delta(vm, offsets[i])?);
        parts.init(3 * i + 1, delta(vm, dst[i])?);
        parts.init(
            3 * i + 2,
            match name {
                Named::Known(at) => names.get(*at),
                Named::Text(text) => StrObj::new(text).value(),
            },
        );
    }
    let standard = offsets.len() - 2;
    let fixed = when.is_none()
        && match n {
            0 => true,
            1 => {
                let same_name = vm.eq(parts.get(2), parts.get(3 * standard + 2))?;
                same_name && offsets[0] == offsets[standard] && dst[0] == dst[standard]
            }
            _ => false,
        };
    Ok((Data { utc, local, infos, before, offsets, rule: when, fixed }, parts))
}

/// A name that is in the file, at an index, or that the rule has.
enum Named {
    Known(usize),
    Text(String),
}

fn invalid(vm: &Vm, bad: rule::Bad, text: Value) -> Raised {
    match vm.repr_str(text) {
        Ok(text) => vm.value_error(format!("{} {text}", bad.0)),
        Err(e) => e,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_york() {
        let rule = rule::parse(b"EST5EDT,M3.2.0,M11.1.0").unwrap().summer.unwrap().rule;
        let (utc, infos, offsets) = (vec![0], vec![0], vec![-18_000]);
        let local = local_times(&utc, &infos, &offsets);
        let offsets = vec![-18_000, -18_000, -14_400];
        let d = Data { utc, local, infos, before: 0, offsets, rule: Some(rule), fixed: false };
        // 2024-11-03 05:30 and 06:30 UTC are both 01:30 there.
        let t = 1_730_611_800;
        assert_eq!(d.at_utc(t, 2024), Place { info: 2, fold: false });
        assert_eq!(d.at_utc(t + 3600, 2024), Place { info: 1, fold: true });
        assert_eq!(d.at_local(t - 14_400, 2024, false), 2);
        assert_eq!(d.at_local(t - 14_400, 2024, true), 1);
        assert_eq!(d.at_local(-1_000_000, 1969, false), 0);
    }

    #[test]
    fn summer() {
        assert_eq!(summer_times(&[0, 1, 0], &[0, 3600], &[false, true]), [0, 3600]);
        assert_eq!(summer_times(&[1], &[0, 7200], &[false, true]), [0, 3600]);
    }
}
