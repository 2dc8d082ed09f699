//! Separators between groups of digits.

/// How digits are grouped and what separates the parts of a number.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    /// Between groups; empty: no groups.
    pub separator: String,
    /// Sizes of the groups from the right; the last one repeats unless a 0 follows.
    pub sizes: Vec<u8>,
    /// Decimal point.
    pub point: String,
    /// Between groups of three digits of the fraction; empty: no groups.
    pub fraction: String,
}

impl Grouping {
    /// Groups of `size` with this separator.
    pub fn every(size: u8, separator: Option<char>, fraction: Option<char>) -> Grouping {
        Grouping {
            separator: separator.map(String::from).unwrap_or_default(),
            sizes: vec![size],
            point: ".".into(),
            fraction: fraction.map(String::from).unwrap_or_default(),
        }
    }

    /// What the C locale says, for type `n`.
    pub fn of_locale() -> Grouping {
        // SAFETY: localeconv returns a pointer to static data that stays valid until the next call; the GIL is held.
        unsafe {
            let l = &*libc::localeconv();
            let text = |p: *const libc::c_char| {
                String::from_utf8_lossy(std::ffi::CStr::from_ptr(p).to_bytes()).into_owned()
            };
            let sizes = std::ffi::CStr::from_ptr(l.grouping).to_bytes().to_vec();
            Grouping {
                separator: if sizes.is_empty() { String::new() } else { text(l.thousands_sep) },
                sizes,
                point: text(l.decimal_point),
                fraction: String::new(),
            }
        }
    }

    /// The digits with separators, and with zeros in front up to `min_width` characters.
    pub fn group(&self, digits: &str, min_width: usize) -> String {
        if self.separator.is_empty() || self.sizes.is_empty() {
            return format!("{}{digits}", "0".repeat(min_width.saturating_sub(digits.len())));
        }
        let sep = self.separator.chars().count() as isize;
        let mut width = min_width as isize;
        let mut left = digits;
        let mut pieces: Vec<String> = Vec::new();
        let mut sizes = self.sizes.iter().copied();
        let mut size = sizes.next().unwrap_or(0);
        let mut ended = false;
        loop {
            // CHAR_MAX (127) and a missing size end the grouping: the rest is one group.
            ended |= size == 0 || size == 127;
            let want = (left.len() as isize).max(width).max(1);
            let take = if ended { want } else { want.min(size as isize) };
            let have = (left.len() as isize).min(take) as usize;
            let (rest, tail) = left.split_at(left.len() - have);
            pieces.push(format!("{}{tail}", "0".repeat(take as usize - have)));
            left = rest;
            width -= take;
            if left.is_empty() && width <= 0 {
                break;
            }
            width -= sep;
            size = sizes.next().unwrap_or(size);
        }
        pieces.reverse();
        pieces.join(&self.separator)
    }

    /// The digits of a fraction with separators.
    pub fn group_fraction(&self, digits: &str) -> String {
        if self.fraction.is_empty() {
            return digits.to_string();
        }
        let chunks: Vec<&str> =
            digits.as_bytes().chunks(3).map(|c| std::str::from_utf8(c).unwrap_or("")).collect();
        chunks.join(&self.fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let g = Grouping::every(3, Some(','), Some('_'));
        assert_eq!(g.group("1234567", 0), "1,234,567");
        assert_eq!(g.group("123", 0), "123");
        assert_eq!(g.group("1234", 10), "00,001,234");
        assert_eq!(g.group("1234", 9), "0,001,234");
        assert_eq!(g.group("1234", 8), "0,001,234");
        assert_eq!(g.group("0", 0), "0");
        assert_eq!(g.group_fraction("12345"), "123_45");
        let none = Grouping::every(3, None, None);
        assert_eq!(none.group("12", 4), "0012");
        let locale = Grouping { separator: ".".into(), sizes: vec![3, 2, 127], ..Grouping::default() };
        assert_eq!(locale.group("123456789", 0), "1234.56.789");
    }
}
