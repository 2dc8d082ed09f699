//! SipHash-1-3, CPython's hash of strings and bytes, and its key: with the same `PYTHONHASHSEED` the hashes are CPython's.

/// The key of a process.
#[derive(Clone, Copy, Debug)]
pub struct Key(u64, u64);

impl Key {
    /// A random one.
    pub fn random() -> Key {
        let mut bytes = [0u8; 16];
        let mut filled = 0;
        while filled < bytes.len() {
            let rest = &mut bytes[filled..];
            // SAFETY: the slice is writable for its whole length.
            match unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) } {
                n if n > 0 => filled += n as usize,
                // Interrupted; or there is none, as before Linux 3.17: any key that differs from run to run will do.
                _ if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
                _ => {
                    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                    bytes =
                        (now.map_or(0, |t| t.as_nanos()) ^ (&raw const bytes as u128) << 64).to_le_bytes();
                    break;
                }
            }
        }
        Key::of_bytes(bytes)
    }

    /// That of a fixed seed; of 0 it is zero.
    pub fn of_seed(seed: u32) -> Key {
        let mut bytes = [0u8; 16];
        let mut state = seed;
        if seed != 0 {
            for byte in &mut bytes {
                // The generator of numbers that CPython uses for it.
                state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
                *byte = (state >> 16) as u8;
            }
        }
        Key::of_bytes(bytes)
    }

    fn of_bytes(bytes: [u8; 16]) -> Key {
        let both = u128::from_le_bytes(bytes);
        Key(both as u64, (both >> 64) as u64)
    }

    /// The hash of some bytes.
    #[inline(always)]
    pub fn hash(self, data: &[u8]) -> u64 {
        let mut s = State {
            v0: self.0 ^ 0x736f_6d65_7073_6575,
            v1: self.1 ^ 0x646f_7261_6e64_6f6d,
            v2: self.0 ^ 0x6c79_6765_6e65_7261,
            v3: self.1 ^ 0x7465_6462_7974_6573,
        };
        let (words, rest) = data.as_chunks::<8>();
        for &word in words {
            s.add(u64::from_le_bytes(word));
        }
        s.add((data.len() as u64) << 56 | last_word(rest));
        s.v2 ^= 0xff;
        s.round();
        s.round();
        s.round();
        s.v0 ^ s.v1 ^ s.v2 ^ s.v3
    }
}

/// Fewer than eight bytes as a number.
#[inline(always)]
fn last_word(rest: &[u8]) -> u64 {
    let n = rest.len();
    if let (Some(&first), Some(&last)) = (rest.first_chunk(), rest.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(first) as u64, u32::from_le_bytes(last) as u64);
        return first | last << (8 * (n - 4));
    }
    if n == 0 {
        return 0;
    }
    // The first, the middle and the last of up to three.
    let at = |i: usize| (rest[i] as u64) << (8 * i);
    at(0) | at(n / 2) | at(n - 1)
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline(always)]
    fn add(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline(always)]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32).wrapping_add(self.v3);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_cpythons() {
        let hash = |seed, data: &[u8]| Key::of_seed(seed).hash(data) as i64;
        assert_eq!(hash(0, b"abc"), -4594863902769663758);
        assert_eq!(hash(42, b"abc"), 3869580338025362921);
        assert_eq!(hash(42, b"abcdefghijk"), 7764564197781545852);
    }

    #[test]
    fn the_last_bytes_are_a_number_whatever_their_count() {
        for n in 0..8 {
            let bytes: Vec<u8> = (1..=n as u8).collect();
            let expected = bytes.iter().rev().fold(0, |all, &b| all << 8 | b as u64);
            assert_eq!(last_word(&bytes), expected);
        }
    }
}
