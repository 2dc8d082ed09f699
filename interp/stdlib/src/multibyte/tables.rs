//! What the codes of the double-byte sets stand for.
//!
//! The files in `tables` are written by `tables/generate.py`, which asks CPython's codecs and describes their form. They are read where
//! they lie in the program. Sets that are parts of others share their table: a bitmap says which cells they have.

/// What a cell stands for: a character, [`PAIR`] and the number of a pair of characters, or [`NONE`].
pub type Cell = u32;

/// Not a code of the set.
pub const NONE: Cell = 0;
/// A cell that stands for two characters: their number in the set's list is in the low bits. (No cell stands for a surrogate.)
pub const PAIR: Cell = 0xd800;

/// Whether the cell stands for two characters.
#[inline(always)]
pub fn is_pair(c: Cell) -> bool {
    c & 0xffff_f800 == PAIR
}

/// The pairs of JIS X 0213: a letter and what combines with it.
pub const JIS_PAIRS: [(u32, u32); 25] = [
    (0x304b, 0x309a),
    (0x304d, 0x309a),
    (0x304f, 0x309a),
    (0x3051, 0x309a),
    (0x3053, 0x309a),
    (0x30ab, 0x309a),
    (0x30ad, 0x309a),
    (0x30af, 0x309a),
    (0x30b1, 0x309a),
    (0x30b3, 0x309a),
    (0x30bb, 0x309a),
    (0x30c4, 0x309a),
    (0x30c8, 0x309a),
    (0x31f7, 0x309a),
    (0x00e6, 0x0300),
    (0x0254, 0x0300),
    (0x0254, 0x0301),
    (0x028c, 0x0300),
    (0x028c, 0x0301),
    (0x0259, 0x0300),
    (0x0259, 0x0301),
    (0x025a, 0x0300),
    (0x025a, 0x0301),
    (0x02e9, 0x02e5),
    (0x02e5, 0x02e9),
];

/// The pairs of Hong Kong's set.
pub const HKSCS_PAIRS: [(u32, u32); 4] =
    [(0x00ca, 0x0304), (0x00ca, 0x030c), (0x00ea, 0x0304), (0x00ea, 0x030c)];

static GB18030: &[u8; 54150] = include_bytes!("tables/gb18030.bin");
static KSX1001: &[u8; 17484] = include_bytes!("tables/ksx1001.bin");
static JIS1: &[u8; 19882] = include_bytes!("tables/jis1.bin");
static JIS2: &[u8; 19882] = include_bytes!("tables/jis2.bin");
static CP932: &[u8; 2646] = include_bytes!("tables/cp932.bin");
static BIG5HKSCS: &[u8; 42390] = include_bytes!("tables/big5hkscs.bin");
static BIG5: &[u8; 942] = include_bytes!("tables/big5.bin");
static CP950: &[u8; 1256] = include_bytes!("tables/cp950.bin");

/// Cell `i`.
#[inline(always)]
fn cell(data: &[u8], i: usize) -> Cell {
    match data.get(2 * i..2 * i + 2) {
        Some(b) => u16::from_le_bytes([b[0], b[1]]) as Cell,
        None => NONE,
    }
}

/// Bit `i` of the bitmap that begins at `at`.
#[inline(always)]
fn bit(data: &[u8], at: usize, i: usize) -> bool {
    data[at + i / 8] >> (i % 8) & 1 != 0
}

#[inline(always)]
fn gb_index(a: u8, b: u8) -> Option<usize> {
    ((0x81..=0xfe).contains(&a) && (0x40..=0xfe).contains(&b))
        .then(|| (a as usize - 0x81) * 191 + b as usize - 0x40)
}

/// GB 18030's codes of two bytes.
#[inline(always)]
pub fn gb18030(a: u8, b: u8) -> Cell {
    gb_index(a, b).map_or(NONE, |i| cell(GB18030, i))
}

/// GBK.
#[inline(always)]
pub fn gbk(a: u8, b: u8) -> Cell {
    match gb_index(a, b) {
        Some(i) if bit(GB18030, 48132, i) => cell(GB18030, i),
        _ => NONE,
    }
}

/// GB 2312, both bytes with their high bit. Of two codes it knows older characters.
#[inline(always)]
pub fn gb2312(a: u8, b: u8) -> Cell {
    match gb_index(a, b) {
        Some(i) if bit(GB18030, 51141, i) => match cell(GB18030, i) {
            0x00b7 => 0x30fb,
            0x2014 => 0x2015,
            c => c,
        },
        _ => NONE,
    }
}

/// KS X 1001, both bytes with their high bit.
#[inline(always)]
pub fn ksx1001(a: u8, b: u8) -> Cell {
    if !(0xa1..=0xfd).contains(&a) || !(0xa1..=0xfe).contains(&b) {
        return NONE;
    }
    cell(KSX1001, (a as usize - 0xa1) * 94 + b as usize - 0xa1)
}

#[inline(always)]
fn square(a: u8, b: u8) -> Option<usize> {
    let (row, column) = (a.wrapping_sub(0x21) as usize, b.wrapping_sub(0x21) as usize);
    (row < 94 && column < 94).then_some(row * 94 + column)
}

/// JIS X 0208.
#[inline(always)]
pub fn jisx0208(a: u8, b: u8) -> Cell {
    match square(a, b) {
        Some(i) if bit(JIS1, 18777, i) => cell(JIS1, i),
        _ => NONE,
    }
}

#[inline(always)]
fn with_supplementary(data: &[u8], i: usize) -> Cell {
    cell(data, i) | (bit(data, 17672, i) as Cell) << 17
}

/// Plane 1 of JIS X 0213, as of 2004 or (`old`) of 2000.
#[inline(always)]
pub fn jisx0213_1(a: u8, b: u8, old: bool) -> Cell {
    match square(a, b) {
        Some(i) if !(old && added_in_2004(a, b)) => with_supplementary(JIS1, i),
        _ => NONE,
    }
}

/// Whether the cell of plane 1 of JIS X 0213 had nothing in 2000.
pub fn added_in_2004(a: u8, b: u8) -> bool {
    matches!((a, b), (0x2e, 0x21) | (0x2f | 0x4f, 0x7e) | (0x4f, 0x54) | (0x74, 0x27) | (0x7e, 0x7a..=0x7e))
}

/// The characters of those cells, and the one whose place in plane 2 had another in 2000.
pub const ADDED_IN_2004: [u32; 11] =
    [0x4ff1, 0x525d, 0x20b9f, 0x541e, 0x5653, 0x59f8, 0x5c5b, 0x5e77, 0x7626, 0x7e6b, 0x9b1c];

/// Plane 2 of JIS X 0213, and in other rows JIS X 0212.
#[inline(always)]
pub fn jis2(a: u8, b: u8, old: bool) -> Cell {
    match square(a, b) {
        Some(_) if old && (a, b) == (0x7d, 0x3b) => 0x9b1d,
        Some(i) => with_supplementary(JIS2, i),
        None => NONE,
    }
}

/// Whether the cell of [`jis2`] belongs to JIS X 0212.
#[inline(always)]
pub fn is_jisx0212(a: u8, b: u8) -> bool {
    square(a, b).is_some_and(|i| bit(JIS2, 18777, i))
}

/// JIS X 0212.
#[inline(always)]
pub fn jisx0212(a: u8, b: u8) -> Cell {
    if is_jisx0212(a, b) { jis2(a, b, false) } else { NONE }
}

/// What CP932 adds to JIS X 0208 or has in its place.
#[inline(always)]
pub fn cp932(a: u8, b: u8) -> Cell {
    let row = match a {
        0x81 => 0,
        0x87 => 1,
        0xed | 0xee => a - 0xed + 2,
        0xfa..=0xfc => a - 0xfa + 4,
        _ => return NONE,
    };
    if (0x40..=0xfc).contains(&b) { cell(CP932, row as usize * 189 + b as usize - 0x40) } else { NONE }
}

#[inline(always)]
fn big5_column(b: u8) -> Option<usize> {
    match b {
        0x40..=0x7e => Some(b as usize - 0x40),
        0xa1..=0xfe => Some(b as usize - 0x62),
        _ => None,
    }
}

#[inline(always)]
fn big5_index(a: u8, b: u8) -> Option<usize> {
    let column = big5_column(b)?;
    (0x87..=0xfe).contains(&a).then(|| (a as usize - 0x87) * 157 + column)
}

/// Big5 with the characters of Hong Kong.
#[inline(always)]
pub fn big5hkscs(a: u8, b: u8) -> Cell {
    big5_index(a, b).map_or(NONE, |i| cell(BIG5HKSCS, i) | (bit(BIG5HKSCS, 37680, i) as Cell) << 17)
}

/// Big5.
#[inline(always)]
pub fn big5(a: u8, b: u8) -> Cell {
    match big5_index(a, b) {
        Some(_) if (0xc6..=0xc8).contains(&a) => {
            cell(BIG5, (a as usize - 0xc6) * 157 + big5_column(b).unwrap_or(0))
        }
        Some(i) if bit(BIG5HKSCS, 40035, i) => cell(BIG5HKSCS, i),
        _ => NONE,
    }
}

/// CP950.
#[inline(always)]
pub fn cp950(a: u8, b: u8) -> Cell {
    let row = match a {
        0xa1..=0xa3 => a - 0xa1,
        0xf9 => 3,
        _ => return big5(a, b),
    };
    big5_column(b).map_or(NONE, |column| cell(CP950, row as usize * 157 + column))
}
