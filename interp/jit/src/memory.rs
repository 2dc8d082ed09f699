//! Memory for machine code: writable while a function is copied there, executable afterwards, never both.

use std::ptr::null_mut;

/// Address space for all code; what is not used costs nothing.
const RESERVED: usize = 64 << 20;

/// A region that is filled from its beginning.
pub struct CodeMemory {
    base: *mut u8,
    used: usize,
    page: usize,
}

impl CodeMemory {
    /// `None` if the address space is not to be had.
    pub fn new() -> Option<CodeMemory> {
        // SAFETY: a new private mapping.
        let base = unsafe {
            libc::mmap(
                null_mut(),
                RESERVED,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        (base != libc::MAP_FAILED).then_some(CodeMemory { base: base as *mut u8, used: 0, page })
    }

    /// Copies code into pages of its own and makes them executable; `None` when there are none left.
    pub fn place(&mut self, code: &[u8]) -> Option<*const u8> {
        let size = code.len().next_multiple_of(self.page);
        if self.used + size > RESERVED {
            return None;
        }
        // SAFETY: the pages are inside the region and nobody has used them yet.
        unsafe {
            let at = self.base.add(self.used);
            if libc::mprotect(at as *mut _, size, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                return None;
            }
            std::ptr::copy_nonoverlapping(code.as_ptr(), at, code.len());
            if libc::mprotect(at as *mut _, size, libc::PROT_READ | libc::PROT_EXEC) != 0 {
                return None;
            }
            self.used += size;
            Some(at)
        }
    }
}
