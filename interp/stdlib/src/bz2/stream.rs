//! A bzip2 stream that ends itself.

use std::ffi::c_char;
use std::ptr::null_mut;

use libbz2_rs_sys as bz;

use crate::compression::{Step, append, room};

/// A stream in one direction. It is boxed: the library remembers its address.
pub struct Stream {
    z: Box<bz::bz_stream>,
    decompress: bool,
}

fn fresh() -> Box<bz::bz_stream> {
    Box::new(bz::bz_stream {
        next_in: null_mut(),
        avail_in: 0,
        total_in_lo32: 0,
        total_in_hi32: 0,
        next_out: null_mut(),
        avail_out: 0,
        total_out_lo32: 0,
        total_out_hi32: 0,
        state: null_mut(),
        bzalloc: None,
        bzfree: None,
        opaque: null_mut(),
    })
}

impl Stream {
    /// A compressing stream, or the library's code for why not.
    pub fn compressor(level: i32) -> Result<Stream, i32> {
        let mut z = fresh();
        // SAFETY: the stream is fresh and stays at its address.
        let code = unsafe { bz::BZ2_bzCompressInit(&mut *z, level, 0, 0) };
        if code == bz::BZ_OK { Ok(Stream { z, decompress: false }) } else { Err(code) }
    }

    /// A decompressing stream, or the library's code for why not.
    pub fn decompressor() -> Result<Stream, i32> {
        let mut z = fresh();
        // SAFETY: as above.
        let code = unsafe { bz::BZ2_bzDecompressInit(&mut *z, 0, 0) };
        if code == bz::BZ_OK { Ok(Stream { z, decompress: true }) } else { Err(code) }
    }

    /// One call of the library with room for `room` more bytes in `out`. Tells whether they were all written, too.
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize, action: i32) -> (Step, bool) {
        let room = room.min(u32::MAX as usize);
        let part = input.len().min(u32::MAX as usize);
        let s = &mut *self.z;
        s.next_in = input.as_ptr() as *const c_char;
        s.avail_in = part as u32;
        // SAFETY: the stream is initialised for this direction, its buffers are valid for the lengths given; what is no more
        // available is written.
        let code = unsafe {
            append(out, room, |at| {
                s.next_out = at as *mut c_char;
                s.avail_out = room as u32;
                let code =
                    if self.decompress { bz::BZ2_bzDecompress(s) } else { bz::BZ2_bzCompress(s, action) };
                (room - s.avail_out as usize, code)
            })
        };
        (Step { code, used: part - s.avail_in as usize }, s.avail_out == 0)
    }

    /// Compresses all of the input; `finish`: and ends the stream.
    pub fn compress(&mut self, mut input: &[u8], out: &mut Vec<u8>, finish: bool) -> i32 {
        let action = if finish { bz::BZ_FINISH } else { bz::BZ_RUN };
        // Without input there is nothing to run, which the library calls an error.
        while finish || !input.is_empty() {
            let room = room(out.len(), usize::MAX);
            let (step, _) = self.step(input, out, room, action);
            if step.code < 0 || step.code == bz::BZ_STREAM_END {
                return step.code;
            }
            input = &input[step.used..];
        }
        bz::BZ_OK
    }

    /// Decompresses until the input is used up and all output that is ready is in `out`, or `out` has `max` bytes, or something
    /// happens.
    pub fn decompress(&mut self, input: &[u8], out: &mut Vec<u8>, max: usize) -> Step {
        let mut used = 0;
        loop {
            // Without room for output the library still reads up to the next block.
            let room = room(out.len(), max);
            let (step, full) = self.step(&input[used..], out, room, 0);
            used += step.used;
            if step.code != bz::BZ_OK || out.len() >= max || !full && used == input.len() {
                return Step { code: step.code, used };
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream is initialised for this direction and not used any more.
        unsafe {
            if self.decompress {
                bz::BZ2_bzDecompressEnd(&mut *self.z);
            } else {
                bz::BZ2_bzCompressEnd(&mut *self.z);
            }
        }
    }
}
