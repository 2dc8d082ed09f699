//! Stacks of calls, each kept once.

use std::collections::HashMap;

use cape_bytecode::{Op, Word};
use cape_vm::object::{CodeObj, StrObj};
use cape_vm::{Ptr, Vm};

/// The number of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stack(pub u32);

/// A file, by its number, and a line.
pub type Place = (u32, u32);

/// The number of no file.
pub const UNKNOWN: u32 = 0;

/// The places of a stack that are kept, the latest first, and the number of all.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Places {
    pub places: Box<[Place]>,
    pub total: u32,
}

/// All stacks and files that were met.
#[derive(Default)]
pub struct Stacks {
    stacks: Vec<Places>,
    numbers: HashMap<Places, u32>,
    files: Vec<Box<[u8]>>,
    file_numbers: HashMap<Box<[u8]>, u32>,
    /// Where code is at an instruction, by its address, until code may have died.
    positions: HashMap<(usize, u32), Place>,
}

impl Stacks {
    /// The stack with this number.
    pub fn get(&self, stack: Stack) -> &Places {
        &self.stacks[stack.0 as usize]
    }

    /// The name of a file, as the code has it.
    pub fn file(&self, file: u32) -> &[u8] {
        file.checked_sub(1).map_or(b"<unknown>", |i| &self.files[i as usize])
    }

    /// The number of the stack of the running thread, of which at most `limit` places are kept.
    pub fn running(&mut self, vm: &Vm, limit: usize) -> Stack {
        let (mut places, mut total) = (Vec::new(), 0);
        let mut frame = vm.top_frame();
        while let Some(at) = frame {
            frame = vm.frame_below(at);
            // SAFETY: a frame of the running thread, which does not go on meanwhile.
            let f = unsafe { &*at };
            // A function whose cells are being made has not begun: its caller makes them.
            let word = f.code.words.get(f.lasti() as usize);
            if total == 0 && word.is_some_and(|w| Word(w.get()).op_byte() == Op::MakeCell as u8) {
                continue;
            }
            if places.len() < limit {
                places.push(self.place(f.code, f.lasti(), || f.line()));
            }
            total += 1;
        }
        if places.is_empty() {
            places.push((UNKNOWN, 0));
            total = 1;
        }
        let stack = Places { places: places.into(), total };
        if let Some(&n) = self.numbers.get(&stack) {
            return Stack(n);
        }
        let n = self.stacks.len() as u32;
        self.stacks.push(stack.clone());
        self.numbers.insert(stack, n);
        Stack(n)
    }

    fn place(&mut self, code: Ptr<CodeObj>, at: u32, line: impl FnOnce() -> u32) -> Place {
        let key = (code.as_raw() as usize, at);
        if let Some(&place) = self.positions.get(&key) {
            return place;
        }
        let file = code.filename.downcast::<StrObj>().map_or(UNKNOWN, |s| self.number(&s.to_wtf8()));
        let place = (file, line());
        self.positions.insert(key, place);
        place
    }

    fn number(&mut self, file: &[u8]) -> u32 {
        if let Some(&n) = self.file_numbers.get(file) {
            return n;
        }
        self.files.push(file.into());
        let n = self.files.len() as u32;
        self.file_numbers.insert(file.into(), n);
        n
    }

    /// Code may have died, and other code be where it was.
    pub fn forget_code(&mut self) {
        self.positions.clear();
    }

    /// What all this takes, more or less.
    pub fn bytes(&self) -> usize {
        let places: usize = self.stacks.iter().map(|s| s.places.len() * size_of::<Place>()).sum();
        let files: usize = self.files.iter().map(|f| f.len()).sum();
        2 * (places + files)
            + self.stacks.capacity() * size_of::<Places>()
            + self.numbers.capacity() * (size_of::<Places>() + 4)
            + self.positions.capacity() * (size_of::<(usize, u32)>() + size_of::<Place>())
    }
}
