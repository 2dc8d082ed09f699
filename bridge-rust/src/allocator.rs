//! The allocator of Rust's side and, through `bridge-c/obmalloc.c`, of C objects.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_long, c_void};

use mimalloc::MiMalloc;

/// mimalloc. Its functions for aligned blocks, which `MiMalloc` calls for all, take a way four times as long for most sizes; its
/// plain blocks are aligned to words anyway.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Whether a plain block will do.
#[inline(always)]
fn is_plain(layout: Layout) -> bool {
    layout.align() <= align_of::<usize>()
}

// SAFETY: mimalloc is an allocator; blocks of either kind are freed and resized by the same functions.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size will do; the caller's promise.
        unsafe { if is_plain(layout) { mi_malloc(layout.size()).cast() } else { MiMalloc.alloc(layout) } }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if is_plain(layout) { mi_zalloc(layout.size()).cast() } else { MiMalloc.alloc_zeroed(layout) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.dealloc(p, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            if is_plain(layout) {
                mi_realloc(p.cast(), size).cast()
            } else {
                MiMalloc.realloc(p, layout, size)
            }
        }
    }
}

/// `mi_option_arena_reserve` of mimalloc 3's header, in KiB.
const ARENA_RESERVE: c_int = 23;
/// `mi_option_allow_thp`.
const ALLOW_THP: c_int = 43;

unsafe extern "C" {
    fn mi_process_init();
    fn mi_option_set(option: c_int, value: c_long);
    fn mi_malloc(size: usize) -> *mut c_void;
    fn mi_zalloc(size: usize) -> *mut c_void;
    fn mi_realloc(p: *mut c_void, size: usize) -> *mut c_void;
}

/// mimalloc asks the system for huge pages for all that it maps. A small program, which touches a little of each kind of memory,
/// would have 10 MiB more of it. Nor does it need the maps, written at the start, of the GiB that mimalloc would set aside.
extern "C" fn map_plain_pages() {
    // SAFETY: both may be called at any time. Huge pages are an option that is set after what else it does at the start: to turn
    // them off for the process and all that it runs.
    unsafe {
        mi_option_set(ARENA_RESERVE, 64 << 10);
        mi_process_init();
        mi_option_set(ALLOW_THP, 0);
    }
}

/// Runs before the first allocation.
#[used]
#[unsafe(link_section = ".init_array")]
static MAP_PLAIN_PAGES: extern "C" fn() = map_plain_pages;

#[cfg(test)]
mod tests {
    #[test]
    fn small_programs_have_plain_pages() {
        let modes =
            std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
        if modes.contains("[always]") {
            // They are had without asking.
            return;
        }
        let touched = std::hint::black_box(vec![1u8; 4 << 20]);
        let map = std::fs::read_to_string("/proc/self/smaps_rollup").expect("the process's own memory");
        let huge = map.lines().find(|l| l.starts_with("AnonHugePages:")).expect("a line of huge pages");
        assert_eq!(huge.split_whitespace().nth(1), Some("0"), "{} bytes", touched.len());
    }
}
