//! Python functions and the descriptors that wrap callables.

use std::cell::Cell;

use cape_heap::{Field, Header, Ptr, Value, heap, heap_object};

use super::CodeObj;
use crate::runtime::rt;
use crate::watchers::{Watched, event, tell, watched};

heap_object! {
    /// A Python function. `defaults` is a tuple or EMPTY, `kwdefaults` a dict or EMPTY, `closure` a tuple of
    /// cells or EMPTY, `annotate` the PEP 649 function or EMPTY.
    pub struct FunctionObj {
        pub code: Field,
        pub globals: Field,
        pub builtins: Field,
        pub defaults: Field,
        pub kwdefaults: Field,
        pub closure: Field,
        pub annotate: Field,
        pub annotations: Field,
        pub name: Field,
        pub qualname: Field,
        pub module: Field,
        pub doc: Field,
        pub type_params: Field,
        /// For call-site caches: changes when code or defaults do.
        pub version: Cell<u32>,
    }

    /// `instance.method`.
    pub struct BoundMethodObj { pub func: Field, pub this: Field }

    /// `@classmethod`.
    pub struct ClassMethodObj { pub callable: Field }

    /// `@staticmethod`.
    pub struct StaticMethodObj { pub callable: Field }

    /// `property`; getter, setter, deleter and doc are `None` when absent.
    pub struct PropertyObj {
        pub get: Field,
        pub set: Field,
        pub del: Field,
        pub doc: Field,
        pub name: Field,
        pub getter_doc: Cell<bool>,
    }
}

impl FunctionObj {
    /// A function over `code` with these globals; the other fields are set by the caller.
    pub fn new(
        code: Ptr<CodeObj>,
        globals: Value,
        builtins: Value,
        module: Value,
        doc: Value,
    ) -> Ptr<FunctionObj> {
        let map = rt().maps.function;
        let none = || Field::new(Value::EMPTY);
        let f = heap().alloc(
            map,
            FunctionObj {
                header: Header::new(map),
                code: Field::new(code.value()),
                globals: Field::new(globals),
                builtins: Field::new(builtins),
                defaults: none(),
                kwdefaults: none(),
                closure: none(),
                annotate: none(),
                annotations: none(),
                name: Field::new(code.name.get()),
                qualname: Field::new(code.qualname.get()),
                module: Field::new(module),
                doc: Field::new(doc),
                type_params: none(),
                version: Cell::new(0),
            },
        );
        if watched(Watched::Function) {
            tell(Watched::Function, event::FUNCTION_MADE, f.value(), Value::EMPTY, Value::EMPTY);
        }
        f
    }

    /// The code object.
    #[inline(always)]
    pub fn code(&self) -> Ptr<CodeObj> {
        // SAFETY: the field always holds a code object (its setter checks).
        unsafe { self.code.cast() }
    }
}

impl BoundMethodObj {
    /// `func` bound to `this`.
    pub fn new(func: Value, this: Value) -> Ptr<BoundMethodObj> {
        let map = rt().maps.method;
        heap().alloc(
            map,
            BoundMethodObj { header: Header::new(map), func: Field::new(func), this: Field::new(this) },
        )
    }
}
