//! `str`: PEP 393 storage (1, 2 or 4 bytes a code point, ASCII flagged), inline.

use std::borrow::Cow;
use std::cell::Cell;

use cape_heap::{Header, MapRef, Ptr, Value, heap, heap_object};

use crate::foreign::{LARGE_DATA, LARGE_TEXT};
use crate::runtime::rt;

heap_object! {
    /// A string; its code points and a final NUL of their width follow the fixed part, in large ones at [`LARGE_DATA`].
    /// `info`: bits 0-2 width, bit 3 ASCII, bit 4 interned, bits 8-15 where the code points are.
    pub struct StrObj { len: usize, hash: Cell<u64>, info: Cell<u64> } [size = StrObj::bytes] [leaf]
}

/// Width of a code point in storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum StrKind {
    /// Code points up to U+00FF.
    One = 1,
    /// Code points up to U+FFFF, at least one above U+00FF.
    Two = 2,
    /// At least one code point above U+FFFF.
    Four = 4,
}

/// [`slice::is_ascii`], which calls a function for short slices, too.
#[inline(always)]
fn is_ascii(s: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let high = match s.len() {
        8..=16 => match (s.first_chunk(), s.last_chunk()) {
            (Some(&a), Some(&b)) => (u64::from_ne_bytes(a) | u64::from_ne_bytes(b)) & HIGH,
            _ => 0,
        },
        4..8 => match (s.first_chunk(), s.last_chunk()) {
            (Some(&a), Some(&b)) => (u32::from_ne_bytes(a) | u32::from_ne_bytes(b)) as u64 & HIGH,
            _ => 0,
        },
        n @ 1..4 => (s[0] | s[n / 2] | s[n - 1]) as u64 & HIGH,
        _ => return s.is_ascii(),
    };
    high == 0
}

/// Copies few bytes without calling memcpy.
///
/// # Safety
/// As for [`std::ptr::copy_nonoverlapping`].
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: the caller's promise. Two words that overlap cover up to sixteen bytes, two halves up to eight.
    unsafe {
        match n {
            0 => {}
            8..=16 => {
                let last = (from.add(n - 8) as *const u64).read_unaligned();
                (to as *mut u64).write_unaligned((from as *const u64).read_unaligned());
                (to.add(n - 8) as *mut u64).write_unaligned(last);
            }
            4..8 => {
                let last = (from.add(n - 4) as *const u32).read_unaligned();
                (to as *mut u32).write_unaligned((from as *const u32).read_unaligned());
                (to.add(n - 4) as *mut u32).write_unaligned(last);
            }
            1..4 => {
                // First, middle and last.
                to.write(from.read());
                to.add(n / 2).write(from.add(n / 2).read());
                to.add(n - 1).write(from.add(n - 1).read());
            }
            _ => std::ptr::copy_nonoverlapping(from, to, n),
        }
    }
}

const ASCII: u64 = 8;
const INTERNED: u64 = 16;
const PLACE_SHIFT: u32 = 8;
/// Where the code points of most strings are.
const INLINE: u64 = (size_of::<StrObj>() as u64) << PLACE_SHIFT;
/// Where those of large strings are.
const AT_LARGE_DATA: u64 = (LARGE_DATA as u64) << PLACE_SHIFT;

impl StrKind {
    /// The narrowest width for strings whose largest code point is `max`.
    pub fn for_max(max: u32) -> StrKind {
        match max {
            0..=0xff => StrKind::One,
            0x100..=0xffff => StrKind::Two,
            _ => StrKind::Four,
        }
    }
}

impl StrObj {
    /// Where the number of characters is, for compiled code.
    pub(crate) const LEN: usize = std::mem::offset_of!(StrObj, len);
    /// Where the word is that says how the code points are stored, for compiled code.
    pub(crate) const INFO: usize = std::mem::offset_of!(StrObj, info);
    /// The bit of that word for ASCII.
    pub(crate) const INFO_ASCII: u64 = ASCII;
    /// How far up in that word the place of the code points is.
    pub(crate) const INFO_PLACE: u32 = PLACE_SHIFT;

    fn bytes(&self) -> usize {
        self.place() + (self.len + 1) * self.kind() as usize
    }

    /// How far behind the start the code points are.
    #[inline(always)]
    fn place(&self) -> usize {
        (self.info.get() >> PLACE_SHIFT) as usize
    }

    /// A string of `len` code points of width `kind`, to be filled through [`StrObj::data_mut`] before anybody sees it; the final NUL is
    /// there.
    fn alloc(map: MapRef, len: usize, kind: StrKind, ascii: bool) -> Ptr<StrObj> {
        if map == rt().maps.str {
            return Self::alloc_exact(len, kind, ascii);
        }
        heap().alloc_leaf(
            map,
            size_of::<StrObj>() + (len + 1) * kind as usize,
            StrObj {
                header: Header::new(map),
                len,
                hash: Cell::new(0),
                info: Cell::new(kind as u64 | if ascii { ASCII } else { 0 } | INLINE),
            },
        )
    }

    /// As [`StrObj::alloc`], of exact type.
    #[inline(always)]
    fn alloc_exact(len: usize, kind: StrKind, ascii: bool) -> Ptr<StrObj> {
        let map = rt().maps.str;
        let bytes = (len + 1) * kind as usize;
        let place = if bytes >= LARGE_TEXT { LARGE_DATA } else { size_of::<StrObj>() };
        let info = kind as u64 | (ascii as u64) << 3 | (place as u64) << PLACE_SHIFT;
        heap().alloc_plain_leaf(
            map,
            place + bytes,
            StrObj { header: Header::new(map), len, hash: Cell::new(0), info: Cell::new(info) },
        )
    }

    /// The large string whose `len` code points of width `kind` are at [`LARGE_DATA`] of memory that the heap lent; `p` is an address
    /// in its first block.
    ///
    /// # Safety
    /// As for [`cape_heap::Heap::adopt`].
    pub unsafe fn adopt(p: *const u8, len: usize, kind: StrKind, ascii: bool) -> Ptr<StrObj> {
        let info = kind as u64 | if ascii { ASCII } else { 0 } | AT_LARGE_DATA;
        let map = rt().maps.str;
        let s = StrObj { header: Header::new(map), len, hash: Cell::new(0), info: Cell::new(info) };
        // SAFETY: the caller's promise.
        unsafe { heap().adopt(p, map, s) }
    }

    /// The code points of a string, when they stand at [`LARGE_DATA`].
    #[inline(always)]
    pub fn large_data(&self) -> Option<*mut u8> {
        (self.place() != size_of::<StrObj>()).then(|| self.data_mut())
    }

    /// A copy of exact type `str` in the old space, where it never moves.
    pub(crate) fn copy_old(s: Ptr<StrObj>) -> Ptr<StrObj> {
        let map = rt().maps.str;
        let p = heap().alloc_var_old(
            map,
            size_of::<StrObj>() + s.bytes() - s.place(),
            StrObj {
                header: Header::new(map),
                len: s.len,
                hash: Cell::new(s.hash.get()),
                info: Cell::new(s.info.get() & (ASCII | 7) | INLINE),
            },
        );
        // SAFETY: the copy has room for as many bytes.
        unsafe { std::ptr::copy_nonoverlapping(s.data_mut(), p.data_mut(), s.raw_bytes().len()) };
        p
    }

    /// A string of ASCII, whose hash is known, in the old space, where it never moves.
    pub(crate) fn old_ascii(s: &str, hash: i64) -> Ptr<StrObj> {
        debug_assert!(s.is_ascii());
        let map = rt().maps.str;
        let info = StrKind::One as u64 | ASCII | INLINE;
        let hash = Cell::new(hash as u64);
        let string = StrObj { header: Header::new(map), len: s.len(), hash, info: Cell::new(info) };
        let p = heap().alloc_var_old(map, size_of::<StrObj>() + s.len() + 1, string);
        // SAFETY: it has room for the text and a NUL, which is there.
        unsafe { std::ptr::copy_nonoverlapping(s.as_ptr(), p.data_mut(), s.len()) };
        p
    }

    #[inline(always)]
    fn data_mut(&self) -> *mut u8 {
        // SAFETY: the data lies in the object.
        unsafe { (self as *const StrObj as *mut u8).add(self.place()) }
    }

    /// A `str` with this text.
    pub fn new(s: &str) -> Ptr<StrObj> {
        Self::with_map(rt().maps.str, s)
    }

    /// With this map: of a subclass.
    pub fn with_map(map: MapRef, s: &str) -> Ptr<StrObj> {
        if s.is_ascii() {
            let p = Self::alloc(map, s.len(), StrKind::One, true);
            // SAFETY: the storage has len bytes.
            unsafe { std::ptr::copy_nonoverlapping(s.as_ptr(), p.data_mut(), s.len()) };
            return p;
        }
        // The width follows from the largest first byte of a character.
        let n = s.bytes().filter(|&b| b as i8 >= -64).count();
        let kind = match s.bytes().max().unwrap_or(0) {
            ..0xc4 => StrKind::One,
            0xc4..0xf0 => StrKind::Two,
            0xf0.. => StrKind::Four,
        };
        let p = Self::alloc(map, n, kind, false);
        // SAFETY: the storage has room for n code points of the width, and there are so many.
        unsafe {
            match kind {
                StrKind::One => spread(s, p.data_mut(), |c| c as u8),
                StrKind::Two => spread(s, p.data_mut() as *mut u16, |c| c as u16),
                StrKind::Four => spread(s, p.data_mut() as *mut u32, |c| c),
            }
        }
        p
    }

    /// A `str` with this map from `n` code points, the largest being `max` (of which only the width matters).
    pub fn from_iter(map: MapRef, n: usize, max: u32, it: impl Iterator<Item = u32>) -> Ptr<StrObj> {
        let kind = StrKind::for_max(max);
        let p = Self::alloc(map, n, kind, max < 0x80);
        let d = p.data_mut();
        let mut i = 0;
        for c in it {
            assert!(i < n);
            // SAFETY: i < n, the number of code points that the storage has room for.
            unsafe {
                match kind {
                    StrKind::One => d.add(i).write(c as u8),
                    StrKind::Two => (d as *mut u16).add(i).write(c as u16),
                    StrKind::Four => (d as *mut u32).add(i).write(c),
                }
            }
            i += 1;
        }
        assert_eq!(i, n);
        p
    }

    /// A `str` from Latin-1 bytes (so also from ASCII).
    pub fn from_latin1(s: &[u8]) -> Ptr<StrObj> {
        Self::from_one_byte(s, is_ascii(s))
    }

    /// A `str` from bytes that are known to be ASCII.
    #[inline(always)]
    pub fn from_ascii(s: &[u8]) -> Ptr<StrObj> {
        Self::from_one_byte(s, true)
    }

    /// A `str` from Latin-1 bytes, which are ASCII or not.
    fn from_one_byte(s: &[u8], ascii: bool) -> Ptr<StrObj> {
        debug_assert!(ascii == is_ascii(s));
        let p = Self::alloc_exact(s.len(), StrKind::One, ascii);
        // SAFETY: the storage has len bytes.
        unsafe { copy(s.as_ptr(), p.data_mut(), s.len()) };
        p
    }

    /// [`StrObj::from_latin1`], when its [`hash_bytes`] is known.
    pub fn from_latin1_hashed(s: &[u8], hash: i64) -> Ptr<StrObj> {
        let p = Self::from_latin1(s);
        p.hash.set(hash as u64);
        p
    }

    /// A `str` from code points of two bytes.
    pub fn from_two_byte(s: &[u16]) -> Ptr<StrObj> {
        // (Some at a time: where there is a wide one, it is most often among the first.)
        let all = |some: &[u16]| some.iter().fold(0, |all, &c| all | c);
        if s.chunks(32).all(|some| all(some) < 0x100) {
            return Self::from_iter(rt().maps.str, s.len(), all(s) as u32, s.iter().map(|&c| c as u32));
        }
        let p = Self::alloc_exact(s.len(), StrKind::Two, false);
        // SAFETY: the storage has room for as many.
        unsafe { copy(s.as_ptr() as *const u8, p.data_mut(), 2 * s.len()) };
        p
    }

    /// A copy of `s` with this map: of a subclass, or of exact type.
    pub fn copy_with_map(map: MapRef, s: Ptr<StrObj>) -> Ptr<StrObj> {
        let p = Self::alloc(map, s.len, s.kind(), s.is_ascii());
        // SAFETY: the copy has room for as many code points of the same width.
        unsafe { s.copy_to(p.data_mut(), s.kind()) };
        p.hash.set(s.hash.get());
        p
    }

    /// A `str` from a string's storage or a part of it: `raw` holds whole code points of width `kind`. It is narrowed to
    /// the width that it needs.
    pub fn from_raw(raw: &[u8], kind: StrKind) -> Ptr<StrObj> {
        match kind {
            StrKind::One => Self::from_latin1(raw),
            StrKind::Two => {
                let units = raw.chunks_exact(2).map(|c| u16::from_ne_bytes([c[0], c[1]]) as u32);
                let max = units.clone().fold(0, |m, c| m | c);
                Self::from_iter(rt().maps.str, raw.len() / 2, max, units)
            }
            StrKind::Four => {
                let units = raw.chunks_exact(4).map(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]]));
                let max = units.clone().max().unwrap_or(0);
                Self::from_iter(rt().maps.str, raw.len() / 4, max, units)
            }
        }
    }

    /// `n` times the string, of exact type.
    pub fn repeat(s: Ptr<StrObj>, n: usize) -> Ptr<StrObj> {
        if n == 0 || s.is_empty() {
            return rt().empty_str();
        }
        let p = Self::alloc(rt().maps.str, s.len * n, s.kind(), s.is_ascii());
        let (size, total) = (s.raw_bytes().len(), s.raw_bytes().len() * n);
        // SAFETY: the storage has room for n copies; each step doubles what is filled, up to the end.
        unsafe {
            let d = p.data_mut();
            std::ptr::copy_nonoverlapping(s.data_mut(), d, size);
            let mut filled = size;
            while filled < total {
                let step = filled.min(total - filled);
                std::ptr::copy_nonoverlapping(d, d.add(filled), step);
                filled += step;
            }
        }
        p
    }

    /// The concatenation of all parts, which must be strings, with `sep` between them.
    pub fn join(sep: &StrObj, parts: &[Value]) -> Ptr<StrObj> {
        let part = |v: &Value| v.downcast::<StrObj>().expect("parts are strings");
        let mut len = sep.len * parts.len().saturating_sub(1);
        let (mut kind, mut ascii) = (StrKind::One, true);
        if parts.len() > 1 {
            (kind, ascii) = (sep.kind(), sep.is_ascii());
        }
        for p in parts.iter().map(part) {
            len += p.len;
            kind = kind.max(p.kind());
            ascii &= p.is_ascii();
        }
        let out = Self::alloc(rt().maps.str, len, kind, ascii);
        let mut d = out.data_mut();
        for (i, p) in parts.iter().map(part).enumerate() {
            // SAFETY: the storage has room for all parts and separators at the widest of their widths.
            unsafe {
                if i > 0 && sep.len > 0 {
                    sep.copy_to(d, kind);
                    d = d.add(sep.len * kind as usize);
                }
                p.copy_to(d, kind);
                d = d.add(p.len * kind as usize);
            }
        }
        out
    }

    /// A `str` from code points (lone surrogates allowed).
    pub fn from_code_points(s: &[u32]) -> Ptr<StrObj> {
        Self::from_iter(rt().maps.str, s.len(), s.iter().copied().max().unwrap_or(0), s.iter().copied())
    }

    /// A `str` of one code point.
    pub fn from_char(c: u32) -> Ptr<StrObj> {
        if c < 256 {
            return rt().latin1_char(c as u8);
        }
        Self::from_iter(rt().maps.str, 1, c, std::iter::once(c))
    }

    /// A `str` from WTF-8 (UTF-8 in which lone surrogates are encoded too). Malformed bytes become U+FFFD.
    pub fn from_wtf8(s: &[u8]) -> Ptr<StrObj> {
        match std::str::from_utf8(s) {
            Ok(s) => Self::new(s),
            Err(_) => {
                let mut v = Vec::with_capacity(s.len());
                let mut rest = s;
                while !rest.is_empty() {
                    let (ok, bad) = match std::str::from_utf8(rest) {
                        Ok(t) => (t, 0),
                        Err(e) => {
                            // SAFETY: from_utf8 has checked this prefix.
                            (unsafe { std::str::from_utf8_unchecked(&rest[..e.valid_up_to()]) }, 1)
                        }
                    };
                    v.extend(ok.chars().map(|c| c as u32));
                    rest = &rest[ok.len()..];
                    if bad == 1 {
                        if let [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, ..] = *rest {
                            v.push(0xd000 | (b as u32 & 0x3f) << 6 | (c as u32 & 0x3f));
                            rest = &rest[3..];
                        } else {
                            v.push(0xfffd);
                            rest = &rest[1..];
                        }
                    }
                }
                Self::from_code_points(&v)
            }
        }
    }

    /// The concatenation of two strings.
    pub fn concat(a: Ptr<StrObj>, b: Ptr<StrObj>) -> Ptr<StrObj> {
        if a.is_ascii() && b.is_ascii() {
            let p = Self::alloc_exact(a.len + b.len, StrKind::One, true);
            // SAFETY: the storage has room for both.
            unsafe {
                copy(a.data_mut(), p.data_mut(), a.len);
                copy(b.data_mut(), p.data_mut().add(a.len), b.len);
            }
            return p;
        }
        let kind = a.kind().max(b.kind());
        let p = Self::alloc_exact(a.len + b.len, kind, false);
        // SAFETY: the storage has room for both, at the wider of their widths.
        unsafe {
            a.copy_to(p.data_mut(), kind);
            b.copy_to(p.data_mut().add(a.len * kind as usize), kind);
        }
        p
    }

    /// Copies the code points to `dst`, widened to `kind`.
    ///
    /// # Safety
    /// `dst` must have room for `len` code points of width `kind`, which is at least the string's own.
    pub unsafe fn copy_to(&self, dst: *mut u8, kind: StrKind) {
        // SAFETY: the caller's promise.
        unsafe {
            match (self.kind(), kind) {
                (a, b) if a == b => copy(self.data_mut(), dst, self.len * a as usize),
                (_, StrKind::Two) => {
                    for (i, &c) in self.data1().iter().enumerate() {
                        (dst as *mut u16).add(i).write(c as u16);
                    }
                }
                (StrKind::One, _) => {
                    for (i, &c) in self.data1().iter().enumerate() {
                        (dst as *mut u32).add(i).write(c as u32);
                    }
                }
                _ => {
                    for (i, &c) in self.data2().iter().enumerate() {
                        (dst as *mut u32).add(i).write(c as u32);
                    }
                }
            }
        }
    }

    /// The substring `from..to` (code points), narrowed to the width it needs.
    pub fn substring(self: &StrObj, from: usize, to: usize) -> Ptr<StrObj> {
        let (from, to) = (from.min(self.len), to.min(self.len));
        if from >= to {
            return rt().empty_str();
        }
        match self.kind() {
            StrKind::One => {
                let d = &self.data1()[from..to];
                match d {
                    &[c] => rt().latin1_char(c),
                    _ => Self::from_one_byte(d, self.is_ascii() || is_ascii(d)),
                }
            }
            StrKind::Two => {
                let d = &self.data2()[from..to];
                let max = d.iter().copied().max().unwrap_or(0) as u32;
                Self::from_iter(rt().maps.str, d.len(), max, d.iter().map(|&c| c as u32))
            }
            StrKind::Four => Self::from_code_points(&self.data4()[from..to]),
        }
    }

    /// Number of code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is `''`.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Width of its code points.
    #[inline(always)]
    pub fn kind(&self) -> StrKind {
        match self.info.get() & 7 {
            1 => StrKind::One,
            2 => StrKind::Two,
            _ => StrKind::Four,
        }
    }

    /// Whether all code points are below U+0080.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.info.get() & ASCII != 0
    }

    /// Whether it is the one interned string of its text.
    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.info.get() & INTERNED != 0
    }

    pub(crate) fn mark_interned(&self) {
        self.info.set(self.info.get() | INTERNED);
    }

    /// The storage as bytes (`len * width` of them).
    #[inline(always)]
    pub fn raw_bytes(&self) -> &[u8] {
        // SAFETY: the data follows the fixed part; the conservative scan keeps the object in place while borrowed.
        unsafe { std::slice::from_raw_parts(self.data_mut(), self.len * self.kind() as usize) }
    }

    /// The code points of a string of width one.
    #[inline(always)]
    pub fn data1(&self) -> &[u8] {
        debug_assert!(self.kind() == StrKind::One);
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.data_mut(), self.len) }
    }

    /// The code points of a string of width two.
    #[inline(always)]
    pub fn data2(&self) -> &[u16] {
        assert!(self.kind() == StrKind::Two);
        // SAFETY: as above; objects are aligned to 8.
        unsafe { std::slice::from_raw_parts(self.data_mut() as *const u16, self.len) }
    }

    /// The code points of a string of width four.
    #[inline(always)]
    pub fn data4(&self) -> &[u32] {
        assert!(self.kind() == StrKind::Four);
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.data_mut() as *const u32, self.len) }
    }

    /// Code point `i`; panics when out of range.
    #[inline(always)]
    pub fn char_at(&self, i: usize) -> u32 {
        assert!(i < self.len);
        match self.kind() {
            StrKind::One => self.data1()[i] as u32,
            StrKind::Two => self.data2()[i] as u32,
            StrKind::Four => self.data4()[i],
        }
    }

    /// The code points of a string of width one; `None` of others.
    #[inline(always)]
    pub fn latin1(&self) -> Option<&[u8]> {
        (self.kind() == StrKind::One).then(|| self.data1())
    }

    /// Where the first of some code points is, from the `from`th on; the length where there is none.
    #[inline(always)]
    pub fn find_any<const N: usize>(&self, from: usize, wanted: &[u32; N]) -> usize {
        let found = match self.latin1() {
            Some(bytes) => bytes[from..].iter().position(|&b| wanted.contains(&(b as u32))),
            None => self.chars().skip(from).position(|c| wanted.contains(&c)),
        };
        found.map_or(self.len, |i| from + i)
    }

    /// The code points.
    pub fn chars(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + '_ {
        (0..self.len).map(move |i| self.char_at(i))
    }

    /// The code points, copied.
    pub fn to_code_points(&self) -> Vec<u32> {
        self.chars().collect()
    }

    /// The text without a copy, when it is ASCII.
    #[inline(always)]
    pub fn as_ascii(&self) -> Option<&str> {
        if self.is_ascii() {
            // SAFETY: ASCII is UTF-8.
            Some(unsafe { std::str::from_utf8_unchecked(self.data1()) })
        } else {
            None
        }
    }

    /// The text as UTF-8; `None` when it has lone surrogates.
    pub fn to_utf8(&self) -> Option<Cow<'_, str>> {
        if let Some(s) = self.as_ascii() {
            return Some(Cow::Borrowed(s));
        }
        let out = self.encoded(false)?;
        // SAFETY: no surrogate is among the code points, each of which is encoded.
        Some(Cow::Owned(unsafe { String::from_utf8_unchecked(out) }))
    }

    /// The code points in UTF-8; `None` at a surrogate, unless those are wanted.
    fn encoded(&self, surrogates: bool) -> Option<Vec<u8>> {
        match self.kind() {
            StrKind::One => encode(self.data1(), surrogates),
            StrKind::Two => encode(self.data2(), surrogates),
            StrKind::Four => encode(self.data4(), surrogates),
        }
    }

    /// The text as WTF-8: lone surrogates are encoded as three bytes each.
    pub fn to_wtf8(&self) -> Cow<'_, [u8]> {
        if let Some(s) = self.as_ascii() {
            return Cow::Borrowed(s.as_bytes());
        }
        Cow::Owned(self.encoded(true).unwrap_or_default())
    }

    /// The text for messages: lone surrogates are shown as `\udcxx`.
    pub fn display(&self) -> String {
        if let Some(s) = self.as_ascii() {
            return s.to_string();
        }
        let mut out = String::with_capacity(self.len + 8);
        for c in self.chars() {
            match char::from_u32(c) {
                Some(c) => out.push(c),
                None => out.push_str(&format!("\\u{c:04x}")),
            }
        }
        out
    }

    /// Whether the text equals `s`.
    pub fn eq_str(&self, s: &str) -> bool {
        match self.as_ascii() {
            Some(t) => t == s,
            None => !s.is_ascii() && self.to_wtf8().as_ref() == s.as_bytes(),
        }
    }

    /// Whether two strings have the same code points.
    #[inline]
    pub fn same_text(&self, other: &StrObj) -> bool {
        self.len == other.len
            && self.info.get() & 7 == other.info.get() & 7
            && same_bytes(self.raw_bytes(), other.raw_bytes())
    }

    /// Whether it has these code points, which are bytes.
    #[inline(always)]
    pub fn is_latin1(&self, text: &[u8]) -> bool {
        self.len == text.len() && self.kind() == StrKind::One && same_bytes(self.data1(), text)
    }

    /// Three-way comparison by code points.
    pub fn cmp(&self, other: &StrObj) -> std::cmp::Ordering {
        if self.kind() == StrKind::One && other.kind() == StrKind::One {
            return self.data1().cmp(other.data1());
        }
        self.chars().cmp(other.chars())
    }

    /// The hash, computed once; never -1.
    #[inline(always)]
    pub fn hash(&self) -> i64 {
        let h = self.hash.get();
        if h != 0 { h as i64 } else { self.compute_hash() }
    }

    #[inline(never)]
    fn compute_hash(&self) -> i64 {
        let h = hash_bytes(self.raw_bytes());
        self.hash.set(h as u64);
        h
    }
}

/// Whether two rows of bytes are the same. Most are short, and then a call would cost more than the comparison.
#[inline(always)]
pub fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let n = a.len();
    if n != b.len() {
        return false;
    }
    if n > 16 {
        return a == b;
    }
    // SAFETY: both have n bytes; of two words that overlap, or meet, the first is at the beginning and the second at the end.
    unsafe {
        let (a, b) = (a.as_ptr(), b.as_ptr());
        if n >= 8 {
            let same =
                |i: usize| a.add(i).cast::<u64>().read_unaligned() == b.add(i).cast::<u64>().read_unaligned();
            return same(0) && same(n - 8);
        }
        if n >= 4 {
            let same =
                |i: usize| a.add(i).cast::<u32>().read_unaligned() == b.add(i).cast::<u32>().read_unaligned();
            return same(0) && same(n - 4);
        }
        (0..n).all(|i| *a.add(i) == *b.add(i))
    }
}

/// The hash of a string's or bytes' content: never -1, and 0 only if there is none.
pub fn hash_bytes(data: &[u8]) -> i64 {
    if data.is_empty() {
        return 0;
    }
    match rt().hash_key().hash(data) as i64 {
        -1 => -2,
        0 => 0x5bd1_e995,
        h => h,
    }
}

/// Appends one code point (a lone surrogate too) as WTF-8.
pub fn push_wtf8(out: &mut Vec<u8>, c: u32) {
    match char::from_u32(c) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend_from_slice(&[
            0xe0 | (c >> 12) as u8,
            0x80 | (c >> 6 & 0x3f) as u8,
            0x80 | (c & 0x3f) as u8,
        ]),
    }
}

/// Code points in UTF-8. Most text is ASCII in the main, so sixteen at a time are looked at.
fn encode<T: Copy + Into<u32>>(units: &[T], surrogates: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(units.len() + units.len() / 8 + 8);
    for some in units.chunks(16) {
        if some.iter().fold(0, |all, &c| all | c.into()) < 0x80 {
            out.extend(some.iter().map(|&c| c.into() as u8));
            continue;
        }
        for &c in some {
            let c = c.into();
            if !surrogates && (0xd800..0xe000).contains(&c) {
                return None;
            }
            push_wtf8(&mut out, c);
        }
    }
    Some(out)
}

/// Writes the code points of `s` one by one.
///
/// # Safety
/// There must be room for all of them at `to`.
unsafe fn spread<T>(s: &str, mut to: *mut T, unit: impl Fn(u32) -> T) {
    let mut rest = s;
    while !rest.is_empty() {
        let bytes = rest.as_bytes();
        let words = bytes.chunks_exact(8).take_while(|w| w.is_ascii()).count() * 8;
        let ascii = words + bytes[words..].iter().take_while(|b| b.is_ascii()).count();
        let mut next = ascii;
        // SAFETY: the caller's promise.
        unsafe {
            for &b in &bytes[..ascii] {
                to.write(unit(b as u32));
                to = to.add(1);
            }
            for c in rest[ascii..].chars().take_while(|c| !c.is_ascii()) {
                to.write(unit(c as u32));
                to = to.add(1);
                next += c.len_utf8();
            }
        }
        rest = &rest[next..];
    }
}

/// Builds a string piece by piece in native memory.
#[derive(Default)]
pub struct StrBuilder {
    narrow: Vec<u8>,
    wide: Vec<u32>,
    is_wide: bool,
    max: u32,
}

impl StrBuilder {
    /// An empty builder.
    pub fn new() -> StrBuilder {
        StrBuilder::default()
    }

    /// With room for `n` code points.
    pub fn with_capacity(n: usize) -> StrBuilder {
        StrBuilder { narrow: Vec::with_capacity(n), ..StrBuilder::default() }
    }

    /// Number of code points so far.
    pub fn len(&self) -> usize {
        if self.is_wide { self.wide.len() } else { self.narrow.len() }
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends one code point.
    #[inline]
    pub fn push(&mut self, c: u32) {
        self.max = self.max.max(c);
        if self.is_wide {
            self.wide.push(c)
        } else if c < 256 {
            self.narrow.push(c as u8)
        } else {
            self.widen();
            self.wide.push(c)
        }
    }

    fn widen(&mut self) {
        self.is_wide = true;
        self.wide.reserve(self.narrow.len() + 16);
        self.wide.extend(self.narrow.drain(..).map(|b| b as u32));
    }

    /// Appends text.
    pub fn push_str(&mut self, s: &str) {
        if s.is_ascii() && !self.is_wide {
            self.narrow.extend_from_slice(s.as_bytes());
            self.max = self.max.max(if s.is_empty() { 0 } else { 0x7f });
        } else {
            s.chars().for_each(|c| self.push(c as u32));
        }
    }

    /// Appends a string object.
    pub fn push_obj(&mut self, s: &StrObj) {
        if s.kind() == StrKind::One && !self.is_wide {
            self.narrow.extend_from_slice(s.data1());
            self.max = self.max.max(if s.is_empty() {
                0
            } else if s.is_ascii() {
                0x7f
            } else {
                0xff
            });
        } else {
            s.chars().for_each(|c| self.push(c));
        }
    }

    /// Appends code points `from..to` of a string object.
    pub fn push_part(&mut self, s: &StrObj, from: usize, to: usize) {
        match s.kind() {
            StrKind::One if !self.is_wide => {
                let d = &s.data1()[from..to];
                self.narrow.extend_from_slice(d);
                self.max |= d.iter().fold(0, |m, &c| m | c) as u32;
            }
            StrKind::One => s.data1()[from..to].iter().for_each(|&c| self.push(c as u32)),
            StrKind::Two => s.data2()[from..to].iter().for_each(|&c| self.push(c as u32)),
            StrKind::Four => s.data4()[from..to].iter().for_each(|&c| self.push(c)),
        }
    }

    /// Appends `n` times one code point.
    pub fn push_n(&mut self, c: u32, n: usize) {
        if c < 256 && !self.is_wide {
            self.narrow.resize(self.narrow.len() + n, c as u8);
            self.max = self.max.max(if n > 0 { c } else { 0 });
        } else {
            (0..n).for_each(|_| self.push(c));
        }
    }

    /// Appends what another builder has.
    pub fn push_built(&mut self, other: &StrBuilder) {
        if self.is_wide || other.is_wide {
            other.narrow.iter().for_each(|&c| self.push(c as u32));
            other.wide.iter().for_each(|&c| self.push(c));
        } else {
            self.narrow.extend_from_slice(&other.narrow);
            self.max = self.max.max(other.max);
        }
    }

    /// The string.
    pub fn finish(mut self) -> Ptr<StrObj> {
        self.take()
    }

    /// The string; the builder is empty then, and keeps its memory.
    pub fn take(&mut self) -> Ptr<StrObj> {
        let s = if self.is_wide {
            StrObj::from_code_points(&self.wide)
        } else {
            StrObj::from_latin1(&self.narrow)
        };
        self.narrow.clear();
        self.wide.clear();
        (self.is_wide, self.max) = (false, 0);
        s
    }
}
