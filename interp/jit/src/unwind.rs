//! Call frame information of compiled functions, registered with the unwinder: panics, profilers and debuggers walk through them.

use cranelift_codegen::CompiledCode;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInfo;
use gimli::RunTimeEndian;
use gimli::write::{Address, EhFrame, EndianVec, FrameTable};

unsafe extern "C" {
    /// libgcc's: adds a section that ends with a zero word.
    fn __register_frame(begin: *const u8);
    /// libgcc's: where the function around an address begins. The first question about a section sorts it.
    fn _Unwind_FindEnclosingFunction(pc: *const u8) -> *const u8;
}

/// Registers the frame information of `code`, which was placed at `at`.
pub fn register(isa: &dyn TargetIsa, code: &CompiledCode, at: *const u8) {
    let Ok(Some(UnwindInfo::SystemV(info))) = code.create_unwind_info(isa) else { return };
    let Some(cie) = isa.create_systemv_cie() else { return };
    let mut table = FrameTable::default();
    let cie = table.add_cie(cie);
    table.add_fde(cie, info.to_fde(Address::Constant(at as u64)));
    let mut section = EhFrame::from(EndianVec::new(RunTimeEndian::default()));
    if table.write_eh_frame(&mut section).is_err() {
        return;
    }
    let mut bytes = section.0.into_vec();
    bytes.extend([0; 4]);
    let section = Box::leak(bytes.into_boxed_slice()).as_ptr();
    // A profiler unwinds in a handler of signals, which must find the unwinder's tables whole, and sorted: sorting takes a lock, and memory.
    without_signals(|| {
        // SAFETY: a whole section, which stays for ever, as the code does.
        unsafe {
            __register_frame(section);
            _Unwind_FindEnclosingFunction(at);
        }
    });
}

/// Calls `f` while the thread handles no signals.
fn without_signals(f: impl FnOnce()) {
    // SAFETY: the sets are initialised by the calls, and the thread's mask is put back.
    unsafe {
        let mut all = std::mem::zeroed();
        let mut before = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        f();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
    }
}
