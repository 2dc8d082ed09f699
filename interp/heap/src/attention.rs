//! What an evaluation loop looks at between instructions: whether there is anything to do but the next one.
//!
//! Two bytes of one word, so that one load tells: somebody asked for work (signals, other threads, finalizers), and objects are watched
//! whose end is to be seen at once ([`crate::prompt`]). Code that has no time for the second looks at the first byte alone.

use std::sync::atomic::{AtomicU16, Ordering};

/// Somebody asked for work.
const REQUESTED: u16 = 1;
/// Objects are watched that were made a short while ago.
const LOOKING: u16 = 0x100;
/// Objects are watched.
const WATCHING: u16 = 0x200;

/// The word.
pub struct Attention(AtomicU16);

static ATTENTION: Attention = Attention(AtomicU16::new(0));

#[cfg(not(target_endian = "little"))]
compile_error!("the byte of requests is the first");

/// The process's.
#[inline(always)]
pub fn attention() -> &'static Attention {
    &ATTENTION
}

impl Attention {
    /// Asks for work between two instructions. Async-signal-safe.
    pub fn request(&self) {
        self.0.fetch_or(REQUESTED, Ordering::Release);
    }

    /// The request is being served.
    pub fn clear_request(&self) {
        self.0.fetch_and(!REQUESTED, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[inline(always)]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) & REQUESTED != 0
    }

    /// Whether to look after objects wherever they may be dropped.
    #[inline(always)]
    pub fn is_looking(&self) -> bool {
        self.0.load(Ordering::Relaxed) & LOOKING != 0
    }

    /// Whether to look after objects where something is dropped for certain.
    #[inline(always)]
    pub fn is_watching(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WATCHING != 0
    }

    /// Whether somebody asked, or it is to be looked after objects.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (REQUESTED | LOOKING) != 0
    }

    /// Where compiled code looks, a byte for requests, and one for what is watched behind it.
    pub fn bytes(&self) -> *const u8 {
        self.0.as_ptr() as *const u8
    }

    /// Sets where to look after objects: wherever they may be dropped, or where something is for certain.
    pub(crate) fn set_watching(&self, looking: bool, watching: bool) {
        let bits = if looking { LOOKING } else { 0 } | if watching { WATCHING } else { 0 };
        let off = (LOOKING | WATCHING) & !bits;
        if self.0.load(Ordering::Relaxed) & (LOOKING | WATCHING) != bits {
            self.0.fetch_or(bits, Ordering::Relaxed);
            self.0.fetch_and(!off, Ordering::Relaxed);
        }
    }
}
