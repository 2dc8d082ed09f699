//! Searching in the storage of strings and bytes: all widths of code points through byte searches.

use std::borrow::Cow;

use cape_vm::object::{StrKind, StrObj};
use memchr::memmem;

/// A needle, in the width of the haystack's items.
pub struct Needle<'a> {
    bytes: Cow<'a, [u8]>,
    width: usize,
}

impl<'a> Needle<'a> {
    /// A needle for bytes.
    pub fn bytes(needle: &'a [u8]) -> Needle<'a> {
        Needle { bytes: Cow::Borrowed(needle), width: 1 }
    }

    /// A needle for `hay`; `None` when it cannot occur in it, being wider.
    pub fn in_str(hay: &StrObj, needle: &'a StrObj) -> Option<Needle<'a>> {
        let (h, n) = (hay.kind(), needle.kind());
        if n > h {
            return None;
        }
        let width = h as usize;
        let bytes = if n == h {
            Cow::Borrowed(needle.raw_bytes())
        } else if h == StrKind::Two {
            Cow::Owned(needle.data1().iter().flat_map(|&c| (c as u16).to_ne_bytes()).collect())
        } else {
            Cow::Owned(needle.chars().flat_map(u32::to_ne_bytes).collect())
        };
        Some(Needle { bytes, width })
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// First occurrence in items `from..to` of the haystack.
    pub fn find(&self, hay: &[u8], from: usize, to: usize) -> Option<usize> {
        let w = self.width;
        if from > to || to - from < self.len() {
            return None;
        }
        let h = &hay[from * w..to * w];
        if w == 1 {
            return match *self.bytes {
                [] => Some(0),
                [c] => memchr::memchr(c, h),
                _ => memmem::find(h, &self.bytes),
            }
            .map(|i| from + i);
        }
        let mut at = 0;
        loop {
            at += memmem::find(&h[at..], &self.bytes)?;
            if at % w == 0 {
                return Some(from + at / w);
            }
            at += 1;
        }
    }

    /// Last occurrence in items `from..to` of the haystack.
    pub fn rfind(&self, hay: &[u8], from: usize, to: usize) -> Option<usize> {
        let w = self.width;
        if from > to || to - from < self.len() {
            return None;
        }
        let h = &hay[from * w..to * w];
        if self.is_empty() {
            return Some(to);
        }
        let mut end = h.len();
        loop {
            let at = match *self.bytes {
                [c] if w == 1 => memchr::memrchr(c, &h[..end])?,
                _ => memmem::rfind(&h[..end], &self.bytes)?,
            };
            if at % w == 0 {
                return Some(from + at / w);
            }
            // The next candidate ends before this one's last byte.
            end = at + self.bytes.len() - 1;
        }
    }

    /// Whether items `from..` of the haystack begin with it; `to` bounds them.
    pub fn matches_at(&self, hay: &[u8], from: usize, to: usize) -> bool {
        from + self.len() <= to && hay[from * self.width..].starts_with(&self.bytes)
    }

    /// Occurrences that do not overlap, from the left, at most `max`.
    pub fn find_all<'h>(&'h self, hay: &'h [u8], from: usize, to: usize, max: usize) -> FindAll<'h> {
        FindAll { needle: self, hay, from, to, left: max, finder: memmem::Finder::new(&*self.bytes) }
    }

    /// Number of occurrences that do not overlap; an empty needle occurs everywhere.
    pub fn count(&self, hay: &[u8], from: usize, to: usize) -> usize {
        if from > to {
            return 0;
        }
        match *self.bytes {
            [] => to - from + 1,
            [c] if self.width == 1 => memchr::memchr_iter(c, &hay[from..to]).count(),
            _ => self.find_all(hay, from, to, usize::MAX).count(),
        }
    }
}

/// Iterator of [`Needle::find_all`]. The needle must not be empty.
pub struct FindAll<'h> {
    needle: &'h Needle<'h>,
    hay: &'h [u8],
    from: usize,
    to: usize,
    left: usize,
    finder: memmem::Finder<'h>,
}

impl Iterator for FindAll<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let n = self.needle.len();
        if self.left == 0 || self.from > self.to || self.to - self.from < n {
            return None;
        }
        let w = self.needle.width;
        let found = match *self.needle.bytes {
            [c] if w == 1 => self.from + memchr::memchr(c, &self.hay[self.from..self.to])?,
            _ => {
                let h = &self.hay[..self.to * w];
                let mut at = self.from * w;
                loop {
                    at += self.finder.find(&h[at..])?;
                    if at % w == 0 {
                        break at / w;
                    }
                    at += 1;
                }
            }
        };
        self.from = found + n;
        self.left -= 1;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(items: &[u16]) -> Vec<u8> {
        items.iter().flat_map(|c| c.to_ne_bytes()).collect()
    }

    #[test]
    fn bytes() {
        let n = Needle::bytes(b"ab");
        assert_eq!(n.find(b"xxabab", 0, 6), Some(2));
        assert_eq!(n.find(b"xxabab", 3, 6), Some(4));
        assert_eq!(n.rfind(b"xxabab", 0, 6), Some(4));
        assert_eq!(n.rfind(b"xxabab", 0, 5), Some(2));
        assert_eq!(n.count(b"xxabab", 0, 6), 2);
        assert_eq!(Needle::bytes(b"").find(b"abc", 3, 3), Some(3));
        assert_eq!(Needle::bytes(b"").find(b"abc", 4, 3), None);
        assert_eq!(Needle::bytes(b"").count(b"abc", 0, 3), 4);
        assert_eq!(Needle::bytes(b"aa").find_all(b"aaaaa", 0, 5, 9).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn misaligned_matches_are_skipped() {
        let hay = wide(&[0x1211, 0x1312, 0x1100, 0x1312]);
        let bytes = wide(&[0x1211]);
        let n = Needle { bytes: Cow::Borrowed(&bytes), width: 2 };
        assert_eq!(n.find(&hay, 0, 4), Some(0));
        assert_eq!(n.find(&hay, 1, 4), None);
        let same = wide(&[0x1111, 0x1111, 0x1111]);
        let bytes = wide(&[0x1111]);
        let n = Needle { bytes: Cow::Borrowed(&bytes), width: 2 };
        assert_eq!(n.rfind(&same, 0, 3), Some(2));
        assert_eq!(n.rfind(&same, 0, 2), Some(1));
        assert_eq!(n.count(&same, 0, 3), 3);
    }
}
