//! `_locale`, and the locale's text encoding.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;

use cape_vm::native::FromArg;
use cape_vm::object::{DictObj, ListObj, ModuleObj, StrObj};
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use crate::fsname::{from_c, fsencode};
use crate::oserror::{errno, os_error, set_errno};

macro_rules! constants { ($($n:ident)*) => { &[$((stringify!($n), libc::$n as i64)),*] } }
const CONSTANTS: &[(&str, i64)] = constants! {
    LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_MONETARY LC_NUMERIC LC_TIME
    ABDAY_1 ABDAY_2 ABDAY_3 ABDAY_4 ABDAY_5 ABDAY_6 ABDAY_7 ABMON_1 ABMON_2 ABMON_3 ABMON_4 ABMON_5 ABMON_6 ABMON_7 ABMON_8
    ABMON_9 ABMON_10 ABMON_11 ABMON_12 ALT_DIGITS AM_STR CODESET CRNCYSTR DAY_1 DAY_2 DAY_3 DAY_4 DAY_5 DAY_6 DAY_7 D_FMT
    D_T_FMT ERA ERA_D_FMT ERA_D_T_FMT ERA_T_FMT MON_1 MON_2 MON_3 MON_4 MON_5 MON_6 MON_7 MON_8 MON_9 MON_10 MON_11 MON_12
    NOEXPR PM_STR RADIXCHAR THOUSEP T_FMT T_FMT_AMPM YESEXPR
};
const DATE_FMT: i64 = 131180;

unsafe extern "C" {
    fn gettext(msg: *const libc::c_char) -> *mut libc::c_char;
    fn dgettext(domain: *const libc::c_char, msg: *const libc::c_char) -> *mut libc::c_char;
    fn dcgettext(domain: *const libc::c_char, msg: *const libc::c_char, category: i32) -> *mut libc::c_char;
    fn textdomain(domain: *const libc::c_char) -> *mut libc::c_char;
    fn bindtextdomain(domain: *const libc::c_char, dir: *const libc::c_char) -> *mut libc::c_char;
    fn bind_textdomain_codeset(domain: *const libc::c_char, codeset: *const libc::c_char) -> *mut libc::c_char;
    fn wcscoll(a: *const u32, b: *const u32) -> i32;
    fn wcsxfrm(dst: *mut u32, src: *const u32, n: usize) -> usize;
}

/// The codeset of the environment's locale. The C locale stands for UTF-8 (PEP 538, PEP 540), unless it was asked for.
pub fn codeset() -> &'static str {
    static CODESET: OnceLock<String> = OnceLock::new();
    CODESET.get_or_init(|| {
        // SAFETY: called with the GIL held; the results are copied at once.
        unsafe {
            libc::setlocale(libc::LC_CTYPE, c"".as_ptr());
            let p = libc::nl_langinfo(libc::CODESET);
            match CStr::from_ptr(p).to_str() {
                Ok("" | "ANSI_X3.4-1968") | Err(_) if !rt().config().ascii_names => {
                    // Coercion of the C locale, so that C functions take UTF-8 too.
                    for name in [c"C.UTF-8", c"C.utf8"] {
                        if !libc::setlocale(libc::LC_CTYPE, name.as_ptr()).is_null() {
                            break;
                        }
                    }
                    "UTF-8".into()
                }
                s => s.unwrap_or("ANSI_X3.4-1968").into(),
            }
        }
    })
}

/// Whether the environment's locale says UTF-8 by its name. (If the system does not have it, the C locale stands for UTF-8, too.)
fn is_utf8_by_name() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let name = names.filter(|n| !n.is_empty()).next().unwrap_or_default();
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".utf-8") || name.ends_with(".utf8")
}

/// The default encoding of text files. The system's locale is set for it only where the name does not say enough.
pub fn encoding(_: &Vm) -> String {
    if rt().config().utf8_mode {
        "utf-8".into()
    } else if is_utf8_by_name() {
        "UTF-8".into()
    } else {
        codeset().into()
    }
}

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    codeset();
    for &(name, n) in CONSTANTS {
        m.add(name, Value::int(n));
    }
    m.add("_DATE_FMT", Value::int(DATE_FMT)).add("CHAR_MAX", Value::int(127));
    let ns = DictObj::new();
    ns.set_str(rt().names.module, intern("locale"));
    let bases = cape_vm::object::TupleObj::new(&[rt().types.exception.value()]);
    let error = vm.call(rt().types.type_.value(), &[intern("Error"), bases.value(), ns.value()])?;
    rt().keep(error);
    m.add("Error", error);
    m.function("setlocale($module, category, locale=None, /)", "Activates/queries locale processing.", setlocale)
        .function("localeconv($module, /)", "Returns numeric and monetary locale-specific parameters.", |_: &Vm| localeconv())
        .function("nl_langinfo($module, key, /)", "Return the value for the locale information associated with key.", nl_langinfo)
        .function("getencoding($module, /)", "Get the current locale encoding.", encoding)
        .function("strcoll($module, os1, os2, /)", "Compares two strings according to the locale.", |vm: &Vm, a: Ptr<StrObj>, b: Ptr<StrObj>| {
            let (a, b) = (wide(vm, a)?, wide(vm, b)?);
            // SAFETY: terminated strings.
            Ok::<i32, cape_vm::Raised>(unsafe { wcscoll(a.as_ptr(), b.as_ptr()) })
        })
        .function("strxfrm($module, string, /)", "Return a string that can be used as a key for locale-aware comparisons.", strxfrm)
        .function("gettext($module, msg, /)", "Return translation of msg.", |vm: &Vm, msg: Ptr<StrObj>| {
            let msg = text(vm, msg)?;
            // SAFETY: a terminated string; the result is one.
            Ok::<Ptr<StrObj>, cape_vm::Raised>(unsafe { from_c(gettext(msg.as_ptr())) })
        })
        .function("dgettext($module, domain, msg, /)", "Return translation of msg in domain.", |vm: &Vm, d: Value, msg: Ptr<StrObj>| {
            let (d, msg) = (domain(vm, d)?, text(vm, msg)?);
            // SAFETY: terminated strings, or null.
            Ok::<Ptr<StrObj>, cape_vm::Raised>(unsafe { from_c(dgettext(pointer(&d), msg.as_ptr())) })
        })
        .function("dcgettext($module, domain, msg, category, /)", "Return translation of msg in domain and category.", |vm: &Vm, d: Value, msg: Ptr<StrObj>, c: i32| {
            let (d, msg) = (domain(vm, d)?, text(vm, msg)?);
            // SAFETY: terminated strings, or null.
            Ok::<Ptr<StrObj>, cape_vm::Raised>(unsafe { from_c(dcgettext(pointer(&d), msg.as_ptr(), c)) })
        })
        .function("textdomain($module, domain, /)", "Set the C library's textdmain to domain, returning the new domain.", |vm: &Vm, d: Value| {
            let d = domain(vm, d)?;
            // SAFETY: a terminated string, or null.
            found(vm, unsafe { textdomain(pointer(&d)) })
        })
        .function("bindtextdomain($module, domain, dir, /)", "Bind the C library's domain to dir.", bind_domain)
        .function("bind_textdomain_codeset($module, domain, codeset, /)", "Bind the C library's domain to codeset.", |vm: &Vm, d: Ptr<StrObj>, c: Value| {
            let (d, c) = (text(vm, d)?, domain(vm, c)?);
            // SAFETY: terminated strings, or null.
            let p = unsafe { bind_textdomain_codeset(d.as_ptr(), pointer(&c)) };
            if p.is_null() {
                return Ok(Value::NONE);
            }
            // SAFETY: a terminated string.
            Ok::<Value, cape_vm::Raised>(unsafe { from_c(p) }.value())
        });
    Ok(())
}

fn error(vm: &Vm, message: &str) -> cape_vm::Raised {
    match vm.import_attr("_locale", "Error") {
        Ok(e) => match e.downcast() {
            Some(class) => vm.new_exc(class, message),
            None => vm.value_error(message),
        },
        Err(e) => e,
    }
}

fn text(vm: &Vm, s: Ptr<StrObj>) -> Res<CString> {
    CString::new(vm.utf8(s)?).map_err(|_| vm.value_error("embedded null character"))
}

fn domain(vm: &Vm, v: Value) -> Res<Option<CString>> {
    if v.is_none() {
        return Ok(None);
    }
    text(vm, Ptr::<StrObj>::from_arg(vm, v, 0)?).map(Some)
}

fn pointer(s: &Option<CString>) -> *const libc::c_char {
    s.as_ref().map_or(std::ptr::null(), |s| s.as_ptr())
}

fn found(vm: &Vm, p: *const libc::c_char) -> Res<Value> {
    if p.is_null() {
        return Err(os_error(vm, errno(), Value::EMPTY));
    }
    // SAFETY: a terminated string.
    Ok(unsafe { from_c(p) }.value())
}

fn bind_domain(vm: &Vm, d: Ptr<StrObj>, dir: Value) -> Res<Value> {
    if d.is_empty() {
        return Err(error(vm, "domain must be a non-empty string"));
    }
    let d = text(vm, d)?;
    let dir = if dir.is_none() { None } else { Some(fsencode(vm, dir)?) };
    set_errno(0);
    // SAFETY: terminated strings, or null.
    found(vm, unsafe { bindtextdomain(d.as_ptr(), pointer(&dir)) })
}

fn setlocale(vm: &Vm, category: i32, locale: Option<Value>) -> Res<Value> {
    if !(0..=12).contains(&category) {
        return Err(error(vm, "invalid locale category"));
    }
    // SAFETY (both): a terminated string, or null for a query; the result is copied at once.
    let p = match locale.filter(|l| !l.is_none()) {
        Some(l) => {
            let name = text(vm, Ptr::<StrObj>::from_arg(vm, l, 1)?)?;
            // SAFETY: as for the blocks around it: the arguments are valid for the call, and the GIL is held.
            unsafe { libc::setlocale(category, name.as_ptr()) }
        }
        // SAFETY: as for the blocks around it: the arguments are valid for the call, and the GIL is held.
        None => unsafe { libc::setlocale(category, std::ptr::null()) },
    };
    if p.is_null() {
        return Err(error(vm, if locale.is_some() { "unsupported locale setting" } else { "locale query failed" }));
    }
    // SAFETY: a terminated string.
    Ok(unsafe { from_c(p) }.value())
}

/// `grouping` fields: numbers up to a 0 or CHAR_MAX, followed by a 0.
unsafe fn grouping(p: *const libc::c_char) -> Value {
    let list = ListObj::new(&[]);
    if !p.is_null() {
        // SAFETY: a terminated string.
        for &b in unsafe { CStr::from_ptr(p) }.to_bytes() {
            list.push(Value::int(b as i64));
            if b == 127 {
                return list.value();
            }
        }
        if !list.is_empty() {
            list.push(Value::int(0));
        }
    }
    list.value()
}

fn localeconv() -> Value {
    let d = DictObj::new();
    // SAFETY: static data of the C library, read with the GIL held.
    unsafe {
        let c = &*libc::localeconv();
        let strings = [
            ("decimal_point", c.decimal_point),
            ("thousands_sep", c.thousands_sep),
            ("int_curr_symbol", c.int_curr_symbol),
            ("currency_symbol", c.currency_symbol),
            ("mon_decimal_point", c.mon_decimal_point),
            ("mon_thousands_sep", c.mon_thousands_sep),
            ("positive_sign", c.positive_sign),
            ("negative_sign", c.negative_sign),
        ];
        for (k, p) in strings {
            d.set_str(intern(k), from_c(p).value());
        }
        d.set_str(intern("grouping"), grouping(c.grouping));
        d.set_str(intern("mon_grouping"), grouping(c.mon_grouping));
        let numbers = [
            ("int_frac_digits", c.int_frac_digits),
            ("frac_digits", c.frac_digits),
            ("p_cs_precedes", c.p_cs_precedes),
            ("p_sep_by_space", c.p_sep_by_space),
            ("n_cs_precedes", c.n_cs_precedes),
            ("n_sep_by_space", c.n_sep_by_space),
            ("p_sign_posn", c.p_sign_posn),
            ("n_sign_posn", c.n_sign_posn),
        ];
        for (k, n) in numbers {
            d.set_str(intern(k), Value::int(n as i64));
        }
    }
    d.value()
}

fn nl_langinfo(vm: &Vm, key: i32) -> Res<Value> {
    let known = CONSTANTS.iter().any(|c| c.1 == key as i64 && !c.0.starts_with("LC_")) || key as i64 == DATE_FMT;
    if !known {
        return Err(vm.value_error("unsupported langinfo constant"));
    }
    // SAFETY: a terminated string that is copied at once.
    Ok(unsafe { from_c(libc::nl_langinfo(key)) }.value())
}

/// The string as wide characters, terminated.
fn wide(vm: &Vm, s: Ptr<StrObj>) -> Res<Vec<u32>> {
    if s.chars().any(|c| c == 0) {
        return Err(vm.value_error("embedded null character"));
    }
    let mut v = s.to_code_points();
    v.push(0);
    Ok(v)
}

fn strxfrm(vm: &Vm, s: Ptr<StrObj>) -> Res<Value> {
    let src = wide(vm, s)?;
    let mut dst = vec![0u32; src.len() + 1];
    loop {
        set_errno(0);
        // SAFETY: a terminated string, and a buffer as long as said.
        let n = unsafe { wcsxfrm(dst.as_mut_ptr(), src.as_ptr(), dst.len()) };
        if errno() != 0 && errno() != libc::ERANGE {
            return Err(os_error(vm, errno(), Value::EMPTY));
        }
        if n < dst.len() {
            return Ok(StrObj::from_code_points(&dst[..n]).value());
        }
        dst.resize(n + 1, 0);
    }
}

