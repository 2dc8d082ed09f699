//! Leaving a frame.

use std::mem::offset_of;

use cape_bytecode::flags;
use cape_heap::Value;
use cape_jit::ir::types::{I8, I64};
use cape_jit::ir::{InstBuilder, MemFlagsData};

use super::emit::{Emit, Word64};
use super::{ENTER, RETURNED, helpers};
use crate::frame::Frame;
use crate::vm::Vm;

/// Code whose frames are generators' and the like.
const GENERATORS: u32 = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR;

impl Emit<'_, '_> {
    /// Returns from a plain function's frame to its caller's, which is then on top, or out of the loop. Frames that somebody has seen,
    /// and generators' that were not entered from native code, are the interpreter's.
    pub(super) fn return_value(&mut self, v: Word64) {
        let mut special = self.load(self.frame, offset_of!(Frame, object));
        if self.code.flags & GENERATORS == 0 {
            let generator = self.load(self.frame, offset_of!(Frame, generator));
            special = self.b.ins().bor(special, generator);
        } else {
            // (Only once, at the end.)
            let status = self.call(helpers::return_from_generator);
            self.leave_if(status, status);
        }
        if super::looks() {
            let flags = self.constant(cape_heap::attention().bytes() as u64);
            let looking = self.b.ins().load(I8, MemFlagsData::trusted(), flags, 1);
            let looking = self.b.ins().uextend(I64, looking);
            special = self.b.ins().bor(special, looking);
        }
        let (here, plain) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(here);
        self.b.ins().brif(special, here, &[], plain, &[]);
        self.follow(here);
        self.leave_here();
        self.follow(plain);
        // A constructor's frame gives the new object, where `__init__` has returned None.
        let ctor = self.load(self.frame, offset_of!(Frame, ctor));
        let (constructor, leaving) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(leaving, I64);
        self.b.ins().brif(ctor, constructor, &[], leaving, &[v.into()]);
        self.follow(constructor);
        let none = self.equals(v, Value::NONE.bits());
        self.unless(none, here);
        self.b.ins().jump(leaving, &[ctor.into()]);
        self.follow(leaving);
        let v = result;
        let caller = self.b.ins().iadd_imm_s(self.frame, -(size_of::<Frame>() as i64));
        let sp = self.load(self.frame, offset_of!(Frame, saved_sp));
        let entry =
            self.b.ins().load(I8, MemFlagsData::trusted(), self.frame, offset_of!(Frame, entry) as i32);
        let ret = self.load32(self.frame, offset_of!(Frame, ret));
        self.store(caller, self.vm, offset_of!(Vm, frame_top));
        self.store(sp, self.vm, offset_of!(Vm, sp));
        let (out, inside) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(entry, out, &[], inside, &[]);
        self.follow(out);
        self.store(v, self.vm, offset_of!(Vm, returned));
        let status = self.constant(RETURNED);
        self.leave_with(status);
        self.follow(inside);
        let base = self.load(caller, offset_of!(Frame, base));
        let ret = self.b.ins().uextend(I64, ret);
        let offset = self.b.ins().ishl_imm_s(ret, 3);
        let to = self.b.ins().iadd(base, offset);
        self.store(v, to, 0);
        // The caller stands at its last cache word.
        let pc = self.load(caller, offset_of!(Frame, pc));
        let pc = self.b.ins().iadd_imm_s(pc, 8);
        self.store(pc, caller, offset_of!(Frame, pc));
        let status = self.constant(ENTER);
        self.leave_with(status);
        self.ended = true;
    }
}
