//! A stream of liblzma that ends itself.

use liblzma_sys as xz;

use crate::compression::{Step, append, room};

/// A stream in one direction.
pub struct Stream {
    z: xz::lzma_stream,
    /// The integrity check of the stream that is read; known once its header is.
    pub check: u32,
}

impl Stream {
    /// A stream that `init` starts, or the library's code for why not. `check`: what [`Stream::check`] is at first.
    ///
    /// # Safety
    ///
    /// `init` must do nothing with the stream but hand it to a function of the library that initialises it.
    pub unsafe fn start(
        check: u32,
        init: impl FnOnce(*mut xz::lzma_stream) -> xz::lzma_ret,
    ) -> Result<Stream, xz::lzma_ret> {
        // SAFETY: all zero is `LZMA_STREAM_INIT`, a stream that has not been started and may be ended.
        let z = unsafe { std::mem::zeroed() };
        let mut s = Stream { z, check };
        match init(&mut s.z) {
            xz::LZMA_OK => Ok(s),
            code => Err(code),
        }
    }

    /// Runs until the input is used up and all output that is ready is in `out`, or `out` has `max` bytes, or something happens.
    /// To run out of input is no error, to have no room is.
    pub fn run(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        action: xz::lzma_action,
        max: usize,
    ) -> Step<xz::lzma_ret> {
        let z = &mut self.z;
        z.next_in = input.as_ptr();
        z.avail_in = input.len();
        loop {
            let room = room(out.len(), max);
            // SAFETY: the stream is started, its buffers are valid for the lengths given; what is no more available is written.
            let mut code = unsafe {
                append(out, room, |at| {
                    z.next_out = at;
                    z.avail_out = room;
                    let code = xz::lzma_code(z, action);
                    (room - z.avail_out, code)
                })
            };
            let full = z.avail_out == 0;
            if code == xz::LZMA_BUF_ERROR && z.avail_in == 0 && !full {
                code = xz::LZMA_OK;
            }
            if matches!(code, xz::LZMA_GET_CHECK | xz::LZMA_NO_CHECK) {
                // SAFETY: the codes say that the check is known.
                self.check = unsafe { xz::lzma_get_check(z) };
            }
            let finish = action == xz::LZMA_FINISH;
            let done = if full { out.len() >= max } else { z.avail_in == 0 && !finish };
            if done || code == xz::LZMA_STREAM_END || is_error(code) {
                return Step { code, used: input.len() - z.avail_in };
            }
        }
    }
}

impl Stream {
    /// Gives its memory back, which may be a hundred megabytes: the object may be long in dying. Nothing runs after that.
    pub fn end(&mut self) {
        // SAFETY: the stream is as `start` has left it, started or not, or has ended before: it then has no insides.
        unsafe { xz::lzma_end(&mut self.z) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a code means that something failed.
pub fn is_error(code: xz::lzma_ret) -> bool {
    !matches!(code, xz::LZMA_OK | xz::LZMA_STREAM_END | xz::LZMA_GET_CHECK | xz::LZMA_NO_CHECK)
}
