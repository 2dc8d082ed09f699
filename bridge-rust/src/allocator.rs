//! The allocator of Rust's side and, through `bridge-c/obmalloc.c`, of C objects.

use std::ffi::{c_int, c_long};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_allow_thp` of mimalloc 3's header.
const ALLOW_THP: c_int = 43;

unsafe extern "C" {
    fn mi_process_init();
    fn mi_option_set(option: c_int, value: c_long);
}

/// mimalloc asks the system for huge pages for all that it maps. A small program, which touches a little of each kind of memory,
/// would have 10 MiB more of it.
extern "C" fn map_plain_pages() {
    // SAFETY: both may be called at any time. The option is set after what else it does at the start: to turn huge pages off for
    // the process and all that it runs.
    unsafe {
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
