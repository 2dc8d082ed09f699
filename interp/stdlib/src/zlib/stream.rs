//! A zlib stream that ends itself.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use libz_rs_sys as z;

pub use crate::compression::Step;
use crate::compression::{append, room};

/// zlib's result codes that matter here.
pub const OK: i32 = 0;
pub const STREAM_END: i32 = 1;
pub const NEED_DICT: i32 = 2;
pub const STREAM_ERROR: i32 = -2;
pub const DATA_ERROR: i32 = -3;
pub const MEM_ERROR: i32 = -4;
pub const BUF_ERROR: i32 = -5;
pub const VERSION_ERROR: i32 = -6;
/// Flush modes.
pub const NO_FLUSH: i32 = 0;
pub const SYNC_FLUSH: i32 = 2;
pub const FINISH: i32 = 4;

/// A stream in one direction. `None` inside once it has ended.
pub struct Stream {
    z: Option<Box<z::z_stream>>,
    inflate: bool,
}

impl Stream {
    /// A compressing stream, or zlib's code for why not.
    pub fn deflate(level: i32, method: i32, wbits: i32, memory: i32, strategy: i32) -> Result<Stream, i32> {
        let mut s = Box::<z::z_stream>::default();
        // SAFETY: the stream is fresh and stays at its address; the version and size are the library's own.
        let code = unsafe {
            z::deflateInit2_(
                &mut *s,
                level,
                method,
                wbits,
                memory,
                strategy,
                z::zlibVersion(),
                size_of::<z::z_stream>() as i32,
            )
        };
        if code == OK { Ok(Stream { z: Some(s), inflate: false }) } else { Err(code) }
    }

    /// A decompressing stream, or zlib's code for why not.
    pub fn inflate(wbits: i32) -> Result<Stream, i32> {
        let mut s = Box::<z::z_stream>::default();
        // SAFETY: as above.
        let code = unsafe {
            z::inflateInit2_(&mut *s, wbits, z::zlibVersion(), size_of::<z::z_stream>() as i32)
        };
        if code == OK { Ok(Stream { z: Some(s), inflate: true }) } else { Err(code) }
    }

    /// Whether it can still be used.
    pub fn is_open(&self) -> bool {
        self.z.is_some()
    }

    /// Sets the dictionary.
    pub fn set_dictionary(&mut self, d: &[u8]) -> i32 {
        let Some(s) = &mut self.z else { return STREAM_ERROR };
        // SAFETY: the stream is initialised; the bytes are valid during the call.
        unsafe {
            if self.inflate {
                z::inflateSetDictionary(&mut **s, d.as_ptr(), d.len() as u32)
            } else {
                z::deflateSetDictionary(&mut **s, d.as_ptr(), d.len() as u32)
            }
        }
    }

    /// A second stream in the same state.
    pub fn copy(&self) -> Result<Stream, i32> {
        let Some(s) = &self.z else { return Err(STREAM_ERROR) };
        let mut to = Box::new(MaybeUninit::<z::z_stream>::zeroed());
        let from = &**s as *const z::z_stream as *mut z::z_stream;
        // SAFETY: the source is initialised and not changed; the destination is written by the copy.
        let code = unsafe {
            if self.inflate {
                z::inflateCopy(to.as_mut_ptr(), from)
            } else {
                z::deflateCopy(to.as_mut_ptr(), from)
            }
        };
        if code != OK {
            return Err(code);
        }
        // SAFETY: the copy succeeded, so the destination is initialised; the box's type changes only in that.
        let z = unsafe { Box::from_raw(Box::into_raw(to) as *mut z::z_stream) };
        Ok(Stream { z: Some(z), inflate: self.inflate })
    }

    /// Runs until the input is used up and all output that is ready is in `out` (of which `max` bytes at most are
    /// made by this call), or something happens.
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, flush: i32, max: usize) -> Step {
        let Some(s) = &mut self.z else { return Step { code: STREAM_ERROR, used: 0 } };
        let before = out.len();
        let mut used = 0;
        loop {
            let room = room(out.len() - before, max);
            let part = (input.len() - used).min(u32::MAX as usize >> 1);
            let more = used + part < input.len();
            s.next_in = input[used..].as_ptr() as *mut _;
            s.avail_in = part as u32;
            let mode = if more { NO_FLUSH } else { flush };
            // SAFETY: the stream is initialised, its buffers are valid for the lengths given; what is no more available is
            // written.
            let code = unsafe {
                append(out, room, |at| {
                    s.next_out = at;
                    s.avail_out = room as u32;
                    let code =
                        if self.inflate { z::inflate(&mut **s, mode) } else { z::deflate(&mut **s, mode) };
                    (room - s.avail_out as usize, code)
                })
            };
            used += part - s.avail_in as usize;
            let full = s.avail_out == 0;
            let exhausted = out.len() - before >= max;
            // A stream that is to be finished has no name but this for "more room".
            let go_on = code == OK || code == BUF_ERROR && full;
            if !go_on || exhausted || !full && !(more && s.avail_in == 0) {
                return Step { code, used };
            }
        }
    }

    /// zlib's own words about the last error.
    pub fn message(&self) -> Option<String> {
        let m = self.z.as_ref()?.msg;
        // SAFETY: zlib's messages are static NUL-terminated strings.
        (!m.is_null()).then(|| unsafe { CStr::from_ptr(m) }.to_string_lossy().into_owned())
    }

    /// Ends the stream.
    pub fn end(&mut self) -> i32 {
        let Some(mut s) = self.z.take() else { return STREAM_ERROR };
        // SAFETY: the stream is initialised and not used any more.
        unsafe { if self.inflate { z::inflateEnd(&mut *s) } else { z::deflateEnd(&mut *s) } }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

/// CRC-32 of `data`, going on from `start`.
pub fn crc32(start: u32, data: &[u8]) -> u32 {
    // SAFETY: the bytes are valid during the call.
    unsafe { z::crc32_z(start as _, data.as_ptr(), data.len()) as u32 }
}

/// Adler-32 of `data`, going on from `start`.
pub fn adler32(start: u32, data: &[u8]) -> u32 {
    // SAFETY: as above.
    unsafe { z::adler32_z(start as _, data.as_ptr(), data.len()) as u32 }
}
