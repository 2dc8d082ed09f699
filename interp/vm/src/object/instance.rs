//! Plain instances: everything is in the tail (attribute word, `__slots__`, in-object attributes).

use cape_heap::{Field, Header, MapRef, Ptr, heap, heap_object};

use super::DictObj;
use crate::runtime::rt;

heap_object! {
    /// An instance of a class derived from `object` alone.
    pub struct InstanceObj {}

    /// `types.SimpleNamespace`: its attributes are always in a dict.
    pub struct NamespaceObj { pub dict: Field }
}

impl InstanceObj {
    /// An instance without attributes.
    #[inline(always)]
    pub fn new(map: MapRef) -> Ptr<InstanceObj> {
        heap().alloc(map, InstanceObj { header: Header::new(map) })
    }
}

impl NamespaceObj {
    /// A namespace of these attributes.
    pub fn new(attributes: Ptr<DictObj>) -> Ptr<NamespaceObj> {
        let map = rt().maps.simple_namespace;
        heap().alloc(map, NamespaceObj { header: Header::new(map), dict: Field::new(attributes.value()) })
    }
}
