//! Modules.

use std::cell::Cell;

use cape_heap::{Field, Header, MapRef, Ptr, Value, heap, heap_object};

use super::DictObj;

heap_object! {
    /// A module: its namespace is a dict that exists from the start. `def` and `state` belong to the bridge.
    pub struct ModuleObj {
        pub dict: Field,
        pub def: Cell<*mut u8>,
        pub state: Cell<*mut u8>,
    }
}

impl ModuleObj {
    /// A module with an empty namespace.
    pub fn with_map(map: MapRef) -> Ptr<ModuleObj> {
        let dict = DictObj::namespace();
        heap().alloc_old(
            map,
            ModuleObj {
                header: Header::new(map),
                dict: Field::new(dict.value()),
                def: Cell::new(std::ptr::null_mut()),
                state: Cell::new(std::ptr::null_mut()),
            },
        )
    }

    /// The namespace.
    #[inline(always)]
    pub fn dict(&self) -> Ptr<DictObj> {
        self.dict.downcast().expect("a module's namespace is a dict")
    }

    /// A namespace entry by name, without `__getattr__`.
    pub fn get(&self, name: Value) -> Option<Value> {
        self.dict().get_str(name)
    }
}
