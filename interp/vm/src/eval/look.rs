//! Looking after watched objects (`cape_heap`'s `prompt`): where something may just have been dropped, whether they are still held.

use cape_bytecode::Liveness;
use cape_heap::{RootState, Value, attention, heap};

use crate::exc::Res;
use crate::frame::{Frame, mark};
use crate::vm::Vm;

/// In so many frames, from the top, a watched object is looked for.
const NEAR: usize = 32;
/// So often it is looked again after something has ended.
const ROUNDS: usize = 8;

impl Vm {
    /// Whether a watched object may have been dropped. `certainly`: something has.
    #[cold]
    #[inline(never)]
    pub(super) fn has_dropped(&self, certainly: bool) -> bool {
        if !(attention().is_looking() || certainly && attention().is_watching()) {
            return false;
        }
        let held = self.all_held(certainly);
        // What is called next may stay for long, with places that nothing writes.
        self.scrub_frames_to_come();
        !held
    }

    /// Looks after the watched objects. (Its frame, in which they are mentioned, is written over when it has returned.)
    #[inline(never)]
    fn all_held(&self, certainly: bool) -> bool {
        heap().all_held(certainly, |cell, v| self.root_state(cell, v), |v| self.find_in_registers(v))
    }

    /// Ends what has been dropped: runs finalizers and callbacks. To be called with as little on the native stack as can be.
    #[cold]
    #[inline(never)]
    pub(super) fn end_dropped(&self) -> Res<()> {
        // What ends may have held what ends next.
        for _ in 0..ROUNDS {
            self.clear_dead_temporaries(NEAR);
            self.each_frame(|f| f.clear_suspended());
            let ended = heap().end_dropped();
            self.scrub_native_stack();
            if !ended {
                break;
            }
            (self.hooks().poll)(self)?;
        }
        Ok(())
    }

    /// What is known of a root's cell that held `v`: registers, fields of frames and of the VM can be looked at.
    fn root_state(&self, cell: usize, v: Value) -> RootState {
        let inside = |start: usize, end: usize| start <= cell && cell < end;
        let ((first, sp), frames) = (self.registers(), self.frames_base() as usize);
        let this = self as *const Vm as usize;
        let known = inside(first as usize, self.regs_end() as usize)
            || inside(frames, self.frames_limit() as usize)
            || inside(this, this + size_of::<Vm>());
        if !known {
            return RootState::Unknown;
        }
        let top = self.frame_top.get().wrapping_add(1) as usize;
        let past = cell >= sp as usize && cell < self.regs_end() as usize
            || inside(top.max(frames), self.frames_limit() as usize);
        // SAFETY: the cell is in this thread's registers or frames, or in the VM itself.
        if past || unsafe { *(cell as *const Value) } != v {
            return RootState::Dropped;
        }
        if cell < sp as usize && cell >= first as usize && !self.matters(cell as *mut Value) {
            return RootState::Dropped;
        }
        RootState::Holds
    }

    /// Whether something may still read a register.
    fn matters(&self, at: *mut Value) -> bool {
        // Windows begin one behind the other: the last one that begins before the register has it, or one a little below.
        let (mut low, mut high) = (self.frames_base(), self.frame_top.get().wrapping_add(1));
        while low < high {
            // SAFETY: frames up to the top are initialised.
            unsafe {
                let middle = low.add(high.offset_from(low) as usize / 2);
                if (*middle).base <= at { low = middle.add(1) } else { high = middle }
            }
        }
        let mut f = low;
        for _ in 0..NEAR {
            f = f.wrapping_sub(1);
            if f < self.frames_base() {
                break;
            }
            // SAFETY: as above.
            let frame = unsafe { &*f };
            if at < frame.base.wrapping_add(frame.code.nregs as usize) {
                // SAFETY: the register is in the frame's window.
                return is_live(frame, unsafe { at.offset_from(frame.base) } as usize);
            }
        }
        // Scratch registers of native code.
        true
    }

    /// A register near the top of the stack that has `v` and will be read again.
    fn find_in_registers(&self, v: Value) -> Option<usize> {
        let mut f = self.frame_top.get();
        let mut end = self.regs_end();
        for _ in 0..NEAR {
            if f < self.frames_base() {
                break;
            }
            // SAFETY: frames up to the top are initialised, their windows lie inside the register stack.
            unsafe {
                let frame = &*f;
                let n = frame.code.nregs as usize;
                for r in 0..n {
                    let at = frame.base.add(r);
                    if at >= end {
                        break;
                    }
                    if *at == v && is_live(frame, r) {
                        return Some(at as usize);
                    }
                }
                end = frame.base;
                f = f.sub(1);
            }
        }
        None
    }
}

/// Whether the frame will read its register again.
fn is_live(frame: &Frame, register: usize) -> bool {
    register < frame.code.unit.first_temp()
        || frame.is(mark::BINDING)
        || frame
            .code
            .liveness
            .get_or_init(|| Liveness::new(&frame.code.unit))
            .is_live(frame.lasti(), register)
}
