//! Variable-length integers (LEB128, zigzag for signed ones).

/// Append `v`.
pub fn write_unsigned(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// Append `v`, zigzag-coded.
pub fn write_signed(out: &mut Vec<u8>, v: i64) {
    write_unsigned(out, ((v << 1) ^ (v >> 63)) as u64);
}

/// Read one at `*at`, advancing; None at the end of data or on overlong input.
#[inline]
pub fn read_unsigned(data: &[u8], at: &mut usize) -> Option<u64> {
    let mut v = 0u64;
    let mut shift = 0;
    loop {
        let byte = *data.get(*at)?;
        *at += 1;
        v |= ((byte & 0x7f) as u64) << shift;
        if byte < 0x80 {
            return Some(v);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

/// Read a zigzag-coded one.
#[inline]
pub fn read_signed(data: &[u8], at: &mut usize) -> Option<i64> {
    let v = read_unsigned(data, at)?;
    Some((v >> 1) as i64 ^ -((v & 1) as i64))
}
