//! Normalization forms.

use super::{compose, decomposition, old, record};

/// A normalization form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

const S_BASE: u32 = 0xac00;
const L_BASE: u32 = 0x1100;
const V_BASE: u32 = 0x1161;
const T_BASE: u32 = 0x11a7;
const L_COUNT: u32 = 19;
const V_COUNT: u32 = 21;
const T_COUNT: u32 = 28;
const S_COUNT: u32 = L_COUNT * V_COUNT * T_COUNT;

/// The two or three letters of a Hangul syllable.
#[inline]
pub fn hangul(c: u32) -> Option<Vec<u32>> {
    let s = c.checked_sub(S_BASE).filter(|&s| s < S_COUNT)?;
    let mut out = vec![L_BASE + s / (V_COUNT * T_COUNT), V_BASE + s % (V_COUNT * T_COUNT) / T_COUNT];
    if s % T_COUNT != 0 {
        out.push(T_BASE + s % T_COUNT);
    }
    Some(out)
}

/// The first code point that may have a class of its own.
const FIRST_COMBINING: u32 = 0x300;

#[inline]
fn combining(c: u32, old_version: bool) -> u8 {
    if c < FIRST_COMBINING {
        return 0;
    }
    match old_version {
        true => old::differs(c).map_or(record(c).combining, |o| o.7),
        false => record(c).combining,
    }
}

fn decompose_into(c: u32, compat: bool, old_version: bool, out: &mut Vec<u32>) {
    if c < 0x80 {
        return out.push(c);
    }
    if let Some(parts) = hangul(c) {
        return out.extend(parts);
    }
    if old_version {
        if let Some(was) = old::normalized(c) {
            return decompose_into(was, compat, true, out);
        }
        if !old::decomposes(c) {
            return out.push(c);
        }
    }
    match decomposition(c) {
        Some((tag, parts)) if compat || tag.is_empty() => {
            parts.iter().for_each(|&p| decompose_into(p, compat, old_version, out))
        }
        _ => out.push(c),
    }
}

/// The code points in a normalization form; `old_version`: by Unicode 3.2.
pub fn normalize(points: &[u32], form: Form, old_version: bool) -> Vec<u32> {
    let compat = matches!(form, Form::Nfkc | Form::Nfkd);
    let mut out = Vec::with_capacity(points.len() + 8);
    for &c in points {
        // Unassigned then: unknown to the old version.
        if old_version && old::differs(c).is_some_and(|o| o.2 == 0) {
            out.push(c);
        } else {
            decompose_into(c, compat, old_version, &mut out);
        }
    }
    // Canonical ordering: stable among equal classes.
    let mut i = 0;
    while i < out.len() {
        if combining(out[i], old_version) == 0 {
            i += 1;
            continue;
        }
        let start = i;
        while i < out.len() && combining(out[i], old_version) != 0 {
            i += 1;
        }
        out[start..i].sort_by_key(|&c| combining(c, old_version));
    }
    if matches!(form, Form::Nfc | Form::Nfkc) { composed(&out, old_version) } else { out }
}

/// The composition of two code points. CPython's old database composes what the new one does.
fn pair(a: u32, b: u32) -> Option<u32> {
    if let (Some(l), Some(v)) = (a.checked_sub(L_BASE), b.checked_sub(V_BASE))
        && l < L_COUNT
        && v < V_COUNT
    {
        return Some(S_BASE + (l * V_COUNT + v) * T_COUNT);
    }
    if let (Some(s), Some(t)) = (a.checked_sub(S_BASE), b.checked_sub(T_BASE))
        && s < S_COUNT
        && s % T_COUNT == 0
        && t > 0
        && t < T_COUNT
    {
        return Some(a + t);
    }
    compose(a, b)
}

fn composed(points: &[u32], old_version: bool) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::with_capacity(points.len());
    let mut starter: Option<usize> = None;
    let mut last = 0u8;
    for &c in points {
        let class = combining(c, old_version);
        if let Some(at) = starter {
            // Not blocked: it follows the starter directly, or the marks between have lower classes.
            let adjacent = out.len() == at + 1;
            if (adjacent || last < class && last != 0)
                && let Some(p) = pair(out[at], c)
            {
                out[at] = p;
                continue;
            }
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last = class;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(s: &str, form: Form) -> String {
        let v: Vec<u32> = s.chars().map(|c| c as u32).collect();
        normalize(&v, form, false).into_iter().filter_map(char::from_u32).collect()
    }

    #[test]
    fn forms() {
        assert_eq!(norm("é", Form::Nfd), "e\u{301}");
        assert_eq!(norm("e\u{301}", Form::Nfc), "é");
        assert_eq!(norm("ﬁ", Form::Nfkc), "fi");
        assert_eq!(norm("한", Form::Nfd).chars().count(), 3);
        assert_eq!(norm(&norm("한글", Form::Nfd), Form::Nfc), "한글");
        assert_eq!(norm("a\u{301}\u{323}", Form::Nfc), "ạ\u{301}");
        assert_eq!(norm("a\u{334}\u{301}", Form::Nfc), "á\u{334}");
        assert_eq!(norm("\u{212b}", Form::Nfc), "Å");
    }
}
