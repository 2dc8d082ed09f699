//! What an unpickler reads: bytes in memory, or a file, which is asked for no more than is sure to be wanted, unless it can be peeked into.

use std::borrow::Cow;

use cape_builtins::memoryview;
use cape_vm::buffer::flags;
use cape_vm::object::BytearrayObj;
use cape_vm::{Raised, Res, Value, Vm, rt};

use crate::errors::unpickling;

/// What a file is asked for where it can be peeked into.
const PREFETCH: usize = 128 * 1024;
/// More than this is read in pieces: a length may be a lie.
const PIECE: usize = 64 << 20;

/// The methods of a file; EMPTY where it has none.
#[derive(Clone, Copy)]
pub struct Methods {
    pub read: Value,
    pub readline: Value,
    pub readinto: Value,
    pub peek: Value,
}

/// What has been read of a file and is not used up.
#[derive(Default)]
pub struct Rest {
    bytes: Vec<u8>,
    pos: usize,
    /// From here on the bytes have been peeked at only.
    fetched: usize,
}

/// The bytes that are at hand, and where more come from. Lives in native frames only.
pub struct Input<'a> {
    vm: &'a Vm,
    data: Cow<'a, [u8]>,
    pos: usize,
    /// Up to here bytes may be taken at once: the end of the frame, or of the data.
    limit: usize,
    in_frame: bool,
    fetched: usize,
    file: Option<Methods>,
}

impl<'a> Input<'a> {
    /// Bytes in memory.
    pub fn memory(vm: &'a Vm, data: &'a [u8]) -> Input<'a> {
        let limit = data.len();
        Input { vm, data: Cow::Borrowed(data), pos: 0, limit, in_frame: false, fetched: 0, file: None }
    }

    /// A file, and what has been read of it.
    pub fn file(vm: &'a Vm, file: Methods, rest: Rest) -> Input<'a> {
        let limit = rest.bytes.len();
        let (pos, fetched) = (rest.pos, rest.fetched);
        Input { vm, data: Cow::Owned(rest.bytes), pos, limit, in_frame: false, fetched, file: Some(file) }
    }

    /// What is left.
    pub fn rest(self) -> Rest {
        Rest { bytes: self.data.into_owned(), pos: self.pos, fetched: self.fetched }
    }

    /// The error for data that ends too early.
    #[cold]
    pub fn truncated(&self) -> Raised {
        unpickling(self.vm, "pickle data was truncated")
    }

    /// The next byte, when it is at hand.
    #[inline(always)]
    pub fn byte_at_hand(&mut self) -> Option<u8> {
        if self.pos < self.limit {
            self.pos += 1;
            return Some(self.data[self.pos - 1]);
        }
        None
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Res<u8> {
        Ok(self.take(1)?[0])
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Res<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// The next `n` bytes.
    #[inline]
    pub fn take(&mut self, n: usize) -> Res<&[u8]> {
        if n > self.limit - self.pos {
            self.provide(n)?;
        }
        self.pos += n;
        Ok(&self.data[self.pos - n..self.pos])
    }

    /// Whether `n` bytes can be taken at once, or are in the frame, or there is nothing to read more from.
    pub fn is_at_hand(&mut self, n: usize) -> Res<bool> {
        if n > self.limit - self.pos {
            self.leave_frame()?;
        }
        Ok(n <= self.limit - self.pos || self.file.is_none())
    }

    /// At the end of a frame: goes on behind it. Within: error.
    fn leave_frame(&mut self) -> Res<()> {
        if self.in_frame {
            if self.pos != self.limit {
                return Err(unpickling(self.vm, "pickle exhausted before end of frame"));
            }
            self.in_frame = false;
            self.limit = self.data.len();
        }
        Ok(())
    }

    /// Makes `n` bytes be at hand, of which some are not.
    #[cold]
    fn provide(&mut self, n: usize) -> Res<()> {
        self.leave_frame()?;
        if n <= self.limit - self.pos {
            return Ok(());
        }
        let Some(file) = self.file else { return Err(self.truncated()) };
        if n > PIECE {
            let data = self.read_large(n)?;
            self.replace(data, true);
            return Ok(());
        }
        self.skip_consumed()?;
        if !file.peek.is_empty() && n < PREFETCH {
            match self.vm.call(file.peek, &[Value::int(PREFETCH as i64)]) {
                Ok(data) => {
                    let data = self.vm.bytes_like(data)?.as_slice().to_vec();
                    self.replace(data, false);
                    if n <= self.limit {
                        return Ok(());
                    }
                }
                Err(r) if r.is(rt().types.not_implemented_error) => {
                    self.file = Some(Methods { peek: Value::EMPTY, ..file });
                }
                Err(r) => return Err(r),
            }
        }
        let data = self.vm.call(file.read, &[Value::int(n as i64)])?;
        let data = self.vm.bytes_like(data)?.as_slice().to_vec();
        self.replace(data, true);
        if self.limit < n { Err(self.truncated()) } else { Ok(()) }
    }

    /// Takes other bytes, which have been read from the file, or only peeked at.
    fn replace(&mut self, data: Vec<u8>, read: bool) {
        self.limit = data.len();
        self.fetched = if read { data.len() } else { 0 };
        self.pos = 0;
        self.data = Cow::Owned(data);
    }

    /// Has the file skip what was taken of the bytes that were peeked at.
    pub fn skip_consumed(&mut self) -> Res<()> {
        let Some(file) = self.file else { return Ok(()) };
        if self.pos > self.fetched {
            self.vm.call(file.read, &[Value::int((self.pos - self.fetched) as i64)])?;
            self.fetched = self.pos;
        }
        Ok(())
    }

    /// The next `n` bytes, of which most are still in the file.
    pub fn read_large(&mut self, n: usize) -> Res<Vec<u8>> {
        self.leave_frame()?;
        let at_hand = (self.limit - self.pos).min(n);
        let mut out = self.data[self.pos..self.pos + at_hand].to_vec();
        self.pos += at_hand;
        let Some(file) = self.file else { return Err(self.truncated()) };
        self.skip_consumed()?;
        if !file.readinto.is_empty() && n - at_hand <= PIECE {
            let target = BytearrayObj::new(vec![0; n - at_hand]);
            let view = memoryview::new(self.vm, target.value(), flags::WRITABLE)?;
            let got = self.vm.call(file.readinto, &[view.value()])?;
            let got = self.vm.index_isize(got)?;
            if got != (n - at_hand) as isize {
                return Err(self.truncated());
            }
            out.extend_from_slice(target.as_slice());
            return Ok(out);
        }
        while out.len() < n {
            let ask = (n - out.len()).min(PIECE);
            let data = self.vm.call(file.read, &[Value::int(ask as i64)])?;
            let data = self.vm.bytes_like(data)?;
            if data.len() != ask {
                return Err(self.truncated());
            }
            out.extend_from_slice(data.as_slice());
        }
        Ok(out)
    }

    /// The next line, without its line feed.
    pub fn line(&mut self) -> Res<&[u8]> {
        loop {
            if let Some(n) = memchr::memchr(b'\n', &self.data[self.pos..self.limit]) {
                let start = self.pos;
                self.pos += n + 1;
                return Ok(&self.data[start..start + n]);
            }
            if self.in_frame {
                self.leave_frame()?;
                continue;
            }
            let Some(file) = self.file else { return Err(self.truncated()) };
            self.skip_consumed()?;
            let data = self.vm.call(file.readline, &[])?;
            let data = self.vm.bytes_like(data)?.as_slice().to_vec();
            self.replace(data, true);
            if self.data.last() != Some(&b'\n') {
                return Err(self.truncated());
            }
        }
    }

    /// [`Input::line`] of at least one byte.
    pub fn full_line(&mut self) -> Res<&[u8]> {
        let vm = self.vm;
        let line = self.line()?;
        if line.is_empty() { Err(unpickling(vm, "pickle data was truncated")) } else { Ok(line) }
    }

    /// Begins a frame of `n` bytes, all of which are to be at hand.
    pub fn frame(&mut self, n: usize) -> Res<()> {
        if self.in_frame && self.pos != self.limit {
            return Err(unpickling(self.vm, "beginning of a new frame before end of current frame"));
        }
        if n > self.limit - self.pos {
            self.provide(n)?;
        }
        self.in_frame = true;
        self.limit = self.pos + n;
        Ok(())
    }
}
