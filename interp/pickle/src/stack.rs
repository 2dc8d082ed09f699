//! The unpickler's stack: values with marks between them.

use cape_vm::object::ArrayObj;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::errors::unpickling;

/// The stack. It must stay in a native stack frame: that keeps its array alive and in place.
pub struct Stack {
    array: Ptr<ArrayObj>,
    len: usize,
    marks: Vec<usize>,
    /// Values below belong to the mark before.
    fence: usize,
}

impl Stack {
    /// An empty stack.
    pub fn new() -> Stack {
        Stack { array: ArrayObj::new(64), len: 0, marks: vec![], fence: 0 }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Puts a value on top.
    #[inline]
    pub fn push(&mut self, v: Value) {
        if self.len == self.array.len() {
            self.array = ArrayObj::with_capacity(self.len * 2, self.array.as_slice());
        }
        self.array.set(self.len, v);
        self.len += 1;
    }

    /// The error where a value is missing.
    #[cold]
    pub fn underflow(&self, vm: &Vm) -> Raised {
        let text = if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" };
        unpickling(vm, text)
    }

    /// Fails unless there are `n` values since the last mark.
    #[inline]
    pub fn need(&self, vm: &Vm, n: usize) -> Res<()> {
        if self.len < self.fence + n { Err(self.underflow(vm)) } else { Ok(()) }
    }

    /// Takes the value on top.
    #[inline]
    pub fn pop(&mut self, vm: &Vm) -> Res<Value> {
        self.need(vm, 1)?;
        let v = self.array.get(self.len - 1);
        self.truncate(self.len - 1);
        Ok(v)
    }

    /// The value on top.
    #[inline]
    pub fn top(&self, vm: &Vm) -> Res<Value> {
        self.need(vm, 1)?;
        Ok(self.array.get(self.len - 1))
    }

    /// Replaces the value on top, which is there.
    pub fn set_top(&mut self, v: Value) {
        self.array.set(self.len - 1, v);
    }

    /// The value at `i`, which is there.
    pub fn at(&self, i: usize) -> Value {
        self.array.get(i)
    }

    /// The values from `i` on.
    #[inline]
    pub fn from(&self, i: usize) -> &[Value] {
        &self.array.as_slice()[i..self.len]
    }

    /// Drops the values from `i` on.
    #[inline]
    pub fn truncate(&mut self, i: usize) {
        for at in i..self.len {
            // SAFETY: within the array; EMPTY needs no barrier.
            unsafe { self.array.items_ptr().add(at).write(Value::EMPTY) };
        }
        self.len = i;
    }

    /// Sets a mark.
    pub fn mark(&mut self) {
        self.marks.push(self.len);
        self.fence = self.len;
    }

    /// Takes the last mark off: where it was.
    #[inline]
    pub fn unmark(&mut self, vm: &Vm) -> Res<usize> {
        let Some(at) = self.marks.pop() else { return Err(unpickling(vm, "could not find MARK")) };
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(at)
    }

    /// Takes the value on top away, or the mark.
    pub fn drop_top(&mut self, vm: &Vm) -> Res<()> {
        if self.marks.last() == Some(&self.len) {
            return self.unmark(vm).map(drop);
        }
        self.pop(vm).map(drop)
    }

    /// Whether a value may be used at `i`, below the mark that was there.
    #[inline]
    pub fn need_below(&self, vm: &Vm, i: usize) -> Res<()> {
        if i > self.len || i <= self.fence { Err(self.underflow(vm)) } else { Ok(()) }
    }
}
