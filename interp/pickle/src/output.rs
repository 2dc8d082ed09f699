//! What a pickler writes: bytes, from protocol 4 on in frames.

use cape_vm::object::BytesObj;
use cape_vm::{Res, Value, Vm};

use crate::opcode::*;

/// The bytes so far, and the frame that is open.
pub struct Output {
    /// What has not been handed to the file.
    pub bytes: Vec<u8>,
    /// The file's `write`; EMPTY when all is wanted at once.
    write: Value,
    framing: bool,
    /// Where the head of the open frame is.
    frame: Option<usize>,
    /// At this length the next object begins with [`Output::boundary`].
    pub limit: usize,
}

impl Output {
    /// Nothing yet. `framing` from protocol 4 on, whose head (`PROTO`) is not in a frame: [`Output::start`] follows it.
    pub fn new(write: Value) -> Output {
        Output { bytes: Vec::with_capacity(64), write, framing: false, frame: None, limit: usize::MAX }
    }

    /// What follows is in frames.
    pub fn start(&mut self) {
        self.framing = true;
        self.open();
    }

    /// Adds a byte.
    #[inline]
    pub fn byte(&mut self, b: u8) {
        self.bytes.push(b);
    }

    /// Adds bytes.
    #[inline]
    pub fn slice(&mut self, b: &[u8]) {
        self.bytes.extend_from_slice(b);
    }

    fn open(&mut self) {
        if self.framing {
            self.frame = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; FRAME_HEAD]);
            self.limit = self.bytes.len() + FRAME_TARGET;
        }
    }

    /// Ends the open frame, if there is one.
    fn commit(&mut self) {
        let Some(at) = self.frame.take() else { return };
        let len = self.bytes.len() - at - FRAME_HEAD;
        if len >= FRAME_MIN {
            self.bytes[at] = FRAME;
            self.bytes[at + 1..at + FRAME_HEAD].copy_from_slice(&(len as u64).to_le_bytes());
        } else {
            self.bytes.drain(at..at + FRAME_HEAD);
        }
    }

    /// Between two objects, when the frame is full: it goes to the file, and another begins.
    #[cold]
    pub fn boundary(&mut self, vm: &Vm) -> Res<()> {
        self.commit();
        if !self.write.is_empty() {
            self.flush(vm)?;
        }
        self.open();
        Ok(())
    }

    /// Hands what there is to the file.
    pub fn flush(&mut self, vm: &Vm) -> Res<()> {
        let data = BytesObj::new(&self.bytes);
        self.bytes.clear();
        vm.call(self.write, &[data.value()]).map(drop)
    }

    /// Data behind its head. Large data stands outside of frames, and goes to the file as the object that it is: `payload`, or else bytes.
    pub fn counted(&mut self, vm: &Vm, head: &[u8], data: &[u8], payload: Option<Value>) -> Res<()> {
        let large = data.len() >= FRAME_TARGET;
        if large {
            self.commit();
        }
        self.slice(head);
        if large && !self.write.is_empty() {
            let payload = payload.unwrap_or_else(|| BytesObj::new(data).value());
            self.flush(vm)?;
            vm.call(self.write, &[payload])?;
        } else {
            self.slice(data);
        }
        if large {
            self.open();
        }
        Ok(())
    }

    /// After the end.
    pub fn finish(&mut self) {
        self.commit();
    }
}
