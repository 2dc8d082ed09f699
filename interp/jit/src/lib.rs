//! Machine code made while the program runs: the back end of the baseline compiler.
//!
//! A function is described in Cranelift's intermediate language, compiled for this machine, placed in executable [`memory`], and made
//! known to whoever walks native stacks ([`unwind`]). What the code means is not known here: the VM's translator says that.

mod memory;
mod unwind;

use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, Signature, Type, UserFuncName};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;

pub use cranelift_codegen::ir;
pub use cranelift_frontend::{FunctionBuilder, Switch};

use memory::CodeMemory;

/// A compiled function. It stays for ever.
pub struct Code {
    /// Where it begins.
    pub address: *const u8,
    /// Its size in bytes.
    pub size: usize,
    /// Where in it the code of each place of its source begins, by offset: see [`FunctionBuilder::set_srcloc`].
    pub places: Vec<(u32, u32)>,
}

/// Compiles functions for this machine.
pub struct Assembler {
    isa: OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
    memory: CodeMemory,
}

impl Assembler {
    /// `None` where there is no back end for the machine, or no memory may be made executable.
    pub fn new() -> Option<Assembler> {
        // (Elsewhere code that was just written has to be announced to the instruction cache.)
        if !cfg!(target_arch = "x86_64") {
            return None;
        }
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "speed"),
            ("preserve_frame_pointers", "true"),
            ("unwind_info", "true"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()?;
        let memory = CodeMemory::new()?;
        Some(Assembler { isa, context: Context::new(), builder: FunctionBuilderContext::new(), memory })
    }

    /// A signature of the C calling convention.
    pub fn signature(&self, params: &[Type], returns: &[Type]) -> Signature {
        let mut s = Signature::new(CallConv::triple_default(self.isa.triple()));
        s.params.extend(params.iter().map(|&t| AbiParam::new(t)));
        s.returns.extend(returns.iter().map(|&t| AbiParam::new(t)));
        s
    }

    /// Compiles the function that `build` describes; it gets the builder, with nothing in it, and must finish all blocks. `None` when
    /// the memory for code is used up or the function is too large for the back end.
    pub fn compile(
        &mut self,
        signature: Signature,
        build: impl FnOnce(&mut FunctionBuilder<'_>),
    ) -> Option<Code> {
        self.context.clear();
        self.context.func.name = UserFuncName::default();
        self.context.func.signature = signature;
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        build(&mut b);
        b.seal_all_blocks();
        b.finalize(self.isa.frontend_config());
        let code = match self.context.compile(&*self.isa, &mut Default::default()) {
            Ok(code) => code,
            Err(e) => {
                debug_assert!(false, "{e:?}");
                return None;
            }
        };
        // All addresses are constants: nothing is left to be filled in.
        debug_assert!(code.buffer.relocs().is_empty());
        let at = self.memory.place(code.code_buffer())?;
        unwind::register(&*self.isa, code, at);
        let places = code.buffer.get_srclocs_sorted().iter().map(|l| (l.start, l.loc.bits())).collect();
        Some(Code { address: at, size: code.code_buffer().len(), places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::ir::InstBuilder;
    use cranelift_codegen::ir::types::I64;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn compiled_functions_run_and_know_their_places() {
        let mut assembler = Assembler::new().expect("a back end");
        let signature = assembler.signature(&[I64, I64], &[I64]);
        let code = assembler.compile(signature, |b| {
            let block = b.create_block();
            b.append_block_params_for_function_params(block);
            b.switch_to_block(block);
            b.set_srcloc(ir::SourceLoc::new(7));
            let (x, y) = (b.block_params(block)[0], b.block_params(block)[1]);
            let sum = b.ins().iadd(x, y);
            b.ins().return_(&[sum]);
        });
        let code = code.expect("code");
        assert!(code.size > 0 && code.places.iter().any(|p| p.1 == 7));
        // SAFETY: it was compiled with this signature.
        let add = unsafe { std::mem::transmute::<*const u8, extern "C" fn(i64, i64) -> i64>(code.address) };
        assert_eq!(add(40, 2), 42);
    }

    extern "C-unwind" fn fails(n: i64) -> i64 {
        panic!("with {n}")
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn panics_pass_through_compiled_functions() {
        let mut assembler = Assembler::new().expect("a back end");
        let signature = assembler.signature(&[I64], &[I64]);
        let callee = signature.clone();
        let code = assembler.compile(signature, |b| {
            let block = b.create_block();
            b.append_block_params_for_function_params(block);
            b.switch_to_block(block);
            let n = b.block_params(block)[0];
            let callee = b.import_signature(callee);
            let f = b.ins().iconst(I64, fails as *const () as i64);
            let call = b.ins().call_indirect(callee, f, &[n]);
            let result = b.inst_results(call)[0];
            b.ins().return_(&[result]);
        });
        let code = code.expect("code").address;
        // SAFETY: as above.
        let f = unsafe { std::mem::transmute::<*const u8, extern "C-unwind" fn(i64) -> i64>(code) };
        let error = std::panic::catch_unwind(|| f(3)).expect_err("a panic");
        assert_eq!(error.downcast_ref::<String>().map(String::as_str), Some("with 3"));
    }
}
