//! The methods that take bytes for ASCII text.

use cape_vm::class::full_name;
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, type_of};

use super::{Data, check_size};

pub(super) fn add(t: TypeBuilder) {
    macro_rules! predicates { ($($name:literal $doc:literal $f:expr;)*) => { t$(
        .method(concat!($name, "($self, /)"), $doc, |_: &Vm, d: Data| -> bool { let f: fn(&[u8]) -> bool = $f; f(d.slice()) })
    )* } }
    let t = predicates! {
        "isalnum" "Return True if all bytes are alphanumeric and there is at least one, False otherwise." |s| all(s, u8::is_ascii_alphanumeric);
        "isalpha" "Return True if all bytes are alphabetic and there is at least one, False otherwise." |s| all(s, u8::is_ascii_alphabetic);
        "isascii" "Return True if all bytes are ASCII, False otherwise." |s| s.is_ascii();
        "isdigit" "Return True if all bytes are digits and there is at least one, False otherwise." |s| all(s, u8::is_ascii_digit);
        "islower" "Return True if all cased bytes are lowercase and there is at least one, False otherwise." |s| {
            s.iter().any(u8::is_ascii_lowercase) && !s.iter().any(u8::is_ascii_uppercase)
        };
        "isupper" "Return True if all cased bytes are uppercase and there is at least one, False otherwise." |s| {
            s.iter().any(u8::is_ascii_uppercase) && !s.iter().any(u8::is_ascii_lowercase)
        };
        "isspace" "Return True if all bytes are whitespace and there is at least one, False otherwise." |s| all(s, |c| matches!(c, 9..=13 | 32));
        "istitle" "Return True if the bytes are titlecased and there is at least one cased byte, False otherwise." is_title;
    };
    t.method("lower($self, /)", "Return a copy with all ASCII characters converted to lowercase.", |_: &Vm, d: Data| {
        d.make(d.slice().to_ascii_lowercase())
    })
    .method("upper($self, /)", "Return a copy with all ASCII characters converted to uppercase.", |_: &Vm, d: Data| {
        d.make(d.slice().to_ascii_uppercase())
    })
    .method("swapcase($self, /)", "Return a copy with the case of ASCII letters exchanged.", |_: &Vm, d: Data| {
        d.make(d.slice().iter().map(|&c| if c.is_ascii_alphabetic() { c ^ 0x20 } else { c }).collect())
    })
    .method("capitalize($self, /)", "Return a copy with the first byte in upper case and the rest in lower case.", |_: &Vm, d: Data| {
        let mut out = d.slice().to_ascii_lowercase();
        if let Some(c) = out.first_mut() {
            c.make_ascii_uppercase()
        }
        d.make(out)
    })
    .method("title($self, /)", "Return a titlecased copy.", |_: &Vm, d: Data| {
        let mut in_word = false;
        d.make(
            d.slice()
                .iter()
                .map(|&c| {
                    let r = if in_word { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
                    in_word = c.is_ascii_alphabetic();
                    r
                })
                .collect(),
        )
    })
    .method("expandtabs($self, /, tabsize=8)", "Return a copy where all tab characters are expanded using spaces.", expandtabs)
    .method("center($self, width, fillchar=b' ', /)", "Return a centered copy of length width.", center)
    .method("ljust($self, width, fillchar=b' ', /)", "Return a left-justified copy of length width.", ljust)
    .method("rjust($self, width, fillchar=b' ', /)", "Return a right-justified copy of length width.", rjust)
    .method("zfill($self, width, /)", "Pad a numeric string with zeros on the left, behind its sign.", zfill);
}

fn all(s: &[u8], f: impl Fn(&u8) -> bool) -> bool {
    !s.is_empty() && s.iter().all(f)
}

fn is_title(s: &[u8]) -> bool {
    let (mut cased, mut previous) = (false, false);
    for c in s {
        if c.is_ascii_uppercase() && previous || c.is_ascii_lowercase() && !previous {
            return false;
        }
        previous = c.is_ascii_alphabetic();
        cased |= previous;
    }
    cased
}

fn expandtabs(vm: &Vm, d: Data, tabsize: Option<i32>) -> Res<Value> {
    let tab = tabsize.unwrap_or(8).max(0) as usize;
    let mut out = Vec::with_capacity(d.slice().len());
    let mut column = 0usize;
    for &c in d.slice() {
        match c {
            b'\t' => {
                let n = if tab > 0 { tab - column % tab } else { 0 };
                if out.len() + n > isize::MAX as usize / 4 {
                    return Err(vm.overflow_error("result too long"));
                }
                check_size(vm, out.len() + n)?;
                out.resize(out.len() + n, b' ');
                column += n;
            }
            c => {
                out.push(c);
                column = if matches!(c, b'\n' | b'\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(d.make(out))
}

fn fill_byte(vm: &Vm, fill: Value, name: &str) -> Res<u8> {
    if fill.is_empty() {
        return Ok(b' ');
    }
    let (array, s) = match (fill.downcast::<BytesObj>(), fill.downcast::<BytearrayObj>()) {
        (Some(b), _) => (false, b.as_slice().to_vec()),
        (_, Some(b)) => (true, b.as_slice().to_vec()),
        _ => {
            return Err(vm.type_error(format!(
                "{name}() argument 2 must be a byte string of length 1, not {}",
                if fill.is_none() { "None".to_string() } else { full_name(type_of(fill)) }
            )));
        }
    };
    match *s {
        [c] => Ok(c),
        _ => Err(vm.type_error(format!(
            "{name}(): argument 2 must be a byte string of length 1, not a {} object of length {}",
            if array { "bytearray" } else { "bytes" },
            s.len()
        ))),
    }
}

fn pad(vm: &Vm, d: Data, left: usize, right: usize, fill: u8) -> Res<Value> {
    if left == 0 && right == 0 {
        return Ok(d.unchanged());
    }
    let s = d.slice();
    check_size(vm, left.saturating_add(right).saturating_add(s.len()))?;
    let mut out = Vec::with_capacity(left + right + s.len());
    out.resize(left, fill);
    out.extend_from_slice(s);
    out.resize(left + s.len() + right, fill);
    Ok(d.make(out))
}

fn missing(d: Data, width: isize) -> usize {
    (width.max(0) as usize).saturating_sub(d.slice().len())
}

fn center(vm: &Vm, d: Data, width: isize, fill: Value) -> Res<Value> {
    let fill = fill_byte(vm, fill, "center")?;
    let n = missing(d, width);
    let left = n / 2 + (n & width as usize & 1);
    pad(vm, d, left, n - left, fill)
}

fn ljust(vm: &Vm, d: Data, width: isize, fill: Value) -> Res<Value> {
    let fill = fill_byte(vm, fill, "ljust")?;
    pad(vm, d, 0, missing(d, width), fill)
}

fn rjust(vm: &Vm, d: Data, width: isize, fill: Value) -> Res<Value> {
    let fill = fill_byte(vm, fill, "rjust")?;
    pad(vm, d, missing(d, width), 0, fill)
}

fn zfill(vm: &Vm, d: Data, width: isize) -> Res<Value> {
    let n = missing(d, width);
    if n == 0 || !matches!(d.slice().first(), Some(b'+' | b'-')) {
        return pad(vm, d, n, 0, b'0');
    }
    check_size(vm, n)?;
    let mut out = vec![d.slice()[0]];
    out.resize(n + 1, b'0');
    out.extend_from_slice(&d.slice()[1..]);
    Ok(d.make(out))
}
