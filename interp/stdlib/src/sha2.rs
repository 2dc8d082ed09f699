//! `_sha2`.

use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::hashes::{self, Algorithm, GIL_MINSIZE, State};

macro_rules! algorithms {
    ($($name:ident $digest:ident $class:literal $size:literal $block:literal $text:literal $doc:literal;)*) => {
        $(pub(crate) mod $name {
            use super::*;
            pub static ALGORITHM: Algorithm =
                Algorithm { name: stringify!($name), size: $size, block: $block, start: State::fixed::<sha2::$digest> };
            pub static TYPE: StaticType = StaticType::new();
            pub fn new(vm: &Vm, data: Option<Value>, _security: Value, string: Option<Value>) -> Res<Ptr<hashes::HashObj>> {
                hashes::start(vm, TYPE.get(), &ALGORITHM, data, string)
            }
        })*
        /// Fills the module.
        pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
            $(
                $name::TYPE.set(hashes::make_type(concat!("_sha2.", $class), TypeFlags::NO_INSTANTIATION, false).class());
                m.class($name::TYPE.get()).function($text, $doc, $name::new);
            )*
            m.add("_GIL_MINSIZE", Value::int(GIL_MINSIZE));
            Ok(())
        }
    };
}

algorithms! {
    sha224 Sha224 "SHA224Type" 28 64 "sha224($module, /, data=b'', *, usedforsecurity=True, string=None)"
        "Return a new SHA-224 hash object; optionally initialized with a string.";
    sha256 Sha256 "SHA256Type" 32 64 "sha256($module, /, data=b'', *, usedforsecurity=True, string=None)"
        "Return a new SHA-256 hash object; optionally initialized with a string.";
    sha384 Sha384 "SHA384Type" 48 128 "sha384($module, /, data=b'', *, usedforsecurity=True, string=None)"
        "Return a new SHA-384 hash object; optionally initialized with a string.";
    sha512 Sha512 "SHA512Type" 64 128 "sha512($module, /, data=b'', *, usedforsecurity=True, string=None)"
        "Return a new SHA-512 hash object; optionally initialized with a string.";
}
