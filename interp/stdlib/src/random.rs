//! `_random`: the Mersenne Twister MT19937 (Matsumoto and Nishimura), seeded and read as CPython does.

use std::cell::UnsafeCell;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{Named, OrNone, new_type};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

heap_object! {
    /// `_random.Random`.
    pub struct RandomObj { twister: Native<UnsafeCell<Twister>> } [drop]
}

impl Named for RandomObj {
    const NAME: &'static str = "_random.Random";
}

const N: usize = 624;
const M: usize = 397;

/// The generator's state; `index` is the next word to give out.
#[derive(Clone)]
pub struct Twister {
    words: [u32; N],
    index: usize,
}

impl Twister {
    fn from_word(seed: u32) -> Twister {
        let mut words = [0u32; N];
        words[0] = seed;
        for i in 1..N {
            let before = words[i - 1];
            words[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Twister { words, index: N }
    }

    fn from_key(key: &[u32]) -> Twister {
        let mut t = Twister::from_word(19_650_218);
        let w = &mut t.words;
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let before = w[i - 1];
            w[i] = (w[i] ^ (before ^ (before >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= N {
                w[0] = w[N - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..N - 1 {
            let before = w[i - 1];
            w[i] = (w[i] ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                w[0] = w[N - 1];
                i = 1;
            }
        }
        w[0] = 0x8000_0000;
        t
    }

    fn refill(&mut self) {
        let twist = |a: u32, b: u32| {
            let y = a & 0x8000_0000 | b & 0x7fff_ffff;
            y >> 1 ^ if y & 1 == 1 { 0x9908_b0df } else { 0 }
        };
        let w = &mut self.words;
        for i in 0..N {
            w[i] = w[(i + M) % N] ^ twist(w[i], w[(i + 1) % N]);
        }
        self.index = 0;
    }

    fn next(&mut self) -> u32 {
        if self.index >= N {
            self.refill();
        }
        let mut y = self.words[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    fn next_float(&mut self) -> f64 {
        let (a, b) = ((self.next() >> 5) as f64, (self.next() >> 6) as f64);
        (a * 67_108_864.0 + b) * (1.0 / 9_007_199_254_740_992.0)
    }
}

type G = Ptr<RandomObj>;

impl RandomObj {
    /// Runs `f` with the state. `f` must not run Python code.
    fn with<T>(&self, f: impl FnOnce(&mut Twister) -> T) -> T {
        // SAFETY: the GIL is held and f runs no Python code, so this is the only reference.
        f(unsafe { &mut *self.twister.get() })
    }
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let t = new_type::<RandomObj>("_random.Random", rt().types.object, TypeFlags::BASE)
        .doc("Random() -> create a random number generator with its own internal state.")
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", new)
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.", init_random)
        .method("random($self, /)", "random() -> x in the interval [0, 1).", |_: &Vm, g: G| {
            g.with(Twister::next_float)
        })
        .method(
            "seed($self, n=None, /)",
            "seed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the process \
             identifier.",
            |vm: &Vm, g: G, n: OrNone<Value>| seed(vm, g, n.0),
        )
        .method(
            "getstate($self, /)",
            "getstate() -> tuple containing the current state.",
            |_: &Vm, g: G| {
                let state = g.with(|t| t.clone());
                let out = ArrayObj::new(N + 1);
                for (i, &w) in state.words.iter().enumerate() {
                    out.set(i, Value::int(w as i64));
                }
                out.set(N, Value::int(state.index as i64));
                TupleObj::new(out.as_slice())
            },
        )
        .method("setstate($self, state, /)", "setstate(state) -> None.  Restores generator state.", set_state)
        .method(
            "getrandbits($self, k, /)",
            "getrandbits(k) -> x.  Generates an int with k random bits.",
            get_bits,
        );
    m.class(t.class());
    Ok(())
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value) -> G {
    let map = cls.instance_map();
    let twister = Native(UnsafeCell::new(Twister::from_key(&system_words())));
    heap().alloc(map, RandomObj { header: Header::new(map), twister })
}

fn init_random(vm: &Vm, g: G, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    let exact = type_of(g.value()).special(Special::Init).downcast::<MethodDescrObj>().is_some();
    if exact && !kwargs.is_empty() {
        return Err(vm.type_error("Random() takes no keyword arguments"));
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("Random expected at most 1 argument, got {}", args.len())));
    }
    seed(vm, g, args.as_slice().first().copied().filter(|v| !v.is_none()))
}

/// Randomness of the system.
fn system_words() -> [u32; N] {
    let mut words = [0u32; N];
    let bytes = N * 4;
    // SAFETY: the buffer has that many bytes; getrandom writes no more.
    let got = unsafe { libc::getrandom(words.as_mut_ptr() as *mut libc::c_void, bytes, 0) };
    if got != bytes as isize {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = now.map_or(0, |d| d.as_nanos());
        words[0] = nanos as u32;
        words[1] = (nanos >> 32) as u32;
        words[2] = std::process::id();
    }
    words
}

fn seed(vm: &Vm, g: G, n: Option<Value>) -> Res<()> {
    let Some(n) = n else {
        let t = Twister::from_key(&system_words());
        g.with(|old| *old = t);
        return Ok(());
    };
    let magnitude = match Int::of(n) {
        Some(i) => {
            // Subclasses may have their own idea of abs().
            let plain = n.is_int() || n.is_bool() || type_of(n) == rt().types.int;
            match if plain { Some(i) } else { Int::of(vm.unary(n, Special::Abs, "abs()")?) } {
                Some(i) => i.into_big().abs(),
                None => return Err(vm.type_error("an integer is required")),
            }
        }
        None => BigInt::from(vm.hash(n)? as u64),
    };
    let (_, key) = magnitude.to_u32_digits();
    let t = Twister::from_key(if key.is_empty() { &[0] } else { &key });
    g.with(|old| *old = t);
    Ok(())
}

fn set_state(vm: &Vm, g: G, state: Value) -> Res<()> {
    let Some(state) = state.downcast::<TupleObj>() else {
        return Err(vm.type_error("state vector must be a tuple"));
    };
    if state.len() != N + 1 {
        return Err(vm.value_error("state vector is the wrong size"));
    }
    let mut words = [0u32; N];
    for (i, w) in words.iter_mut().enumerate() {
        let v = vm.index_int(state.get(i))?;
        *w = match v {
            Int::Small(v) if v >= 0 => v as u32,
            Int::Big(v) if v.is_positive() && v.bits() <= 64 => v.to_u64().unwrap_or(0) as u32,
            Int::Big(v) if v.is_positive() => {
                return Err(vm.overflow_error("Python int too large to convert to C unsigned long"));
            }
            _ => return Err(vm.overflow_error("can't convert negative value to unsigned int")),
        };
    }
    let index = vm.index_int(state.get(N))?.to_i64();
    let index = match index {
        Some(i) if (0..=N as i64).contains(&i) => i as usize,
        _ => return Err(vm.value_error("invalid state")),
    };
    g.with(|t| *t = Twister { words, index });
    Ok(())
}

fn get_bits(vm: &Vm, g: G, k: Int) -> Res<Value> {
    let k = match k {
        Int::Small(k) if k >= 0 => k as u64,
        Int::Big(b) if b.is_positive() => {
            return Err(vm.overflow_error("Python int too large to convert to C uint64_t"));
        }
        _ => return Err(vm.value_error("Cannot convert negative int")),
    };
    if k == 0 {
        return Ok(Value::int(0));
    }
    if k <= 32 {
        return Ok(Value::int((g.with(Twister::next) >> (32 - k)) as i64));
    }
    let words = k.div_ceil(32);
    if words > u32::MAX as u64 {
        return Err(vm.new_exc_args(rt().types.memory_error, &[]));
    }
    let mut digits = Vec::with_capacity(words as usize);
    let mut left = k;
    for _ in 0..words {
        let mut w = g.with(Twister::next);
        if left < 32 {
            w >>= 32 - left;
        }
        digits.push(w);
        left = left.saturating_sub(32);
    }
    Ok(match digits[..] {
        [a, b] => i128_value((a as i128) | (b as i128) << 32),
        _ => big_value(BigInt::new(num_bigint::Sign::Plus, digits)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_sequence() {
        // The first outputs of the authors' reference program.
        let mut t = Twister::from_key(&[0x123, 0x234, 0x345, 0x456]);
        assert_eq!(
            [t.next(), t.next(), t.next(), t.next(), t.next()],
            [1067595299, 955945823, 477289528, 4107218783, 4228976476]
        );
    }
}
