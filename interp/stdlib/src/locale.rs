//! `_locale`, and the locale's text encoding.

use std::sync::OnceLock;

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm, rt};

/// The codeset of the environment's locale. The C locale stands for UTF-8 (PEP 538, PEP 540).
pub fn codeset() -> &'static str {
    static CODESET: OnceLock<String> = OnceLock::new();
    CODESET.get_or_init(|| {
        // SAFETY: called with the GIL held; the result is copied at once.
        unsafe {
            libc::setlocale(libc::LC_CTYPE, c"".as_ptr());
            let p = libc::nl_langinfo(libc::CODESET);
            match std::ffi::CStr::from_ptr(p).to_str() {
                Ok("") | Ok("ANSI_X3.4-1968") | Err(_) => "UTF-8".into(),
                Ok(s) => s.into(),
            }
        }
    })
}

/// The default encoding of text files.
pub fn encoding(_: &Vm) -> String {
    if rt().config().utf8_mode { "utf-8".into() } else { codeset().into() }
}

/// Fills the module.
pub fn init(_vm: &Vm, _m: Ptr<ModuleObj>) -> Res<()> {
    Ok(())
}
