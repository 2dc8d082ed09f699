//! The runtime: the builtin types, their maps, interned strings and shared constants.
//!
//! There is one per process; it is used with the GIL held.

use std::cell::{Cell, UnsafeCell};
use std::collections::HashMap;
use std::sync::OnceLock;

use cape_heap::{
    Field, Header, HeapObject, KindInfo, MapRef, Ptr, Root, Tracer, Value, WeakCell, WeakCtx, heap,
};

use crate::builtin_types::{Maps, ROWS, Types};
use crate::interned::Interned;
use crate::object::*;
use crate::shape::ShapeObj;
use crate::siphash::Key;
use crate::special::{SPECIAL_COUNT, SPECIAL_NAMES, Special};

/// What all threads share.
pub struct Runtime {
    /// The builtin types.
    pub types: Types,
    /// The maps of their direct instances.
    pub maps: Maps,
    /// Strings that the VM itself uses, interned.
    pub names: crate::names::Names,
    /// The special method names, interned.
    pub special_names: [Value; SPECIAL_COUNT],
    pub(crate) special_index: [u8; crate::special::INDEX],
    shared: Shared,
    latin1: [Value; 256],
    hash_key: Key,
    interned: Interned,
    roots: UnsafeCell<Vec<Root>>,
    /// Inline caches that the marking under way has met.
    caches: UnsafeCell<Vec<*const CacheObj>>,
    type_version: Cell<u32>,
    /// Classes that may die and that C has seen: how many there were at the last marking and since, and how many the marking under way has
    /// met; and how often some were missing.
    classes_seen: Cell<usize>,
    classes_met: Cell<usize>,
    class_deaths: Cell<u32>,
    dict_version: Cell<u32>,
    /// `sys.modules` (a dict).
    pub modules: Root,
    /// Programs find no module any more, imported or not: Python ends. What is native goes on with those that there are.
    pub imports_ended: Cell<bool>,
    /// The module whose `__import__` does imports, whatever `sys.modules` has under its name; EMPTY until it is there.
    pub importlib: Root,
    /// The function `__import__` itself, whatever `builtins` has under its name; EMPTY until it is there.
    pub import_function: Root,
    /// The `builtins` module's namespace (a dict).
    pub builtins: Root,
    /// The `sys` module's namespace (a dict).
    pub sys: Root,
    /// The audit hooks (an array), EMPTY until there are some; and whether there are.
    audit_hooks: Root,
    audited: Cell<bool>,
    native_modules: UnsafeCell<HashMap<&'static str, NativeModule>>,
    /// The interpreter's options.
    pub config: UnsafeCell<crate::config::Config>,
    program_folder: OnceLock<String>,
}

/// Makes a native module's contents.
pub type NativeModule = fn(&crate::vm::Vm, Ptr<ModuleObj>) -> crate::exc::Res<()>;

struct Shared {
    empty_tuple: Value,
    empty_array: Value,
    empty_keys: Value,
    empty_str: Value,
    empty_bytes: Value,
}

struct Slot(UnsafeCell<Option<Runtime>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Slot {}
static RUNTIME: Slot = Slot(UnsafeCell::new(None));

/// The runtime. [`Runtime::start`] must have been called.
#[inline(always)]
pub fn rt() -> &'static Runtime {
    // SAFETY: written once by `start` before anybody calls this, then only read.
    unsafe { (*RUNTIME.0.get()).as_ref().unwrap_unchecked() }
}

/// Whether [`Runtime::start`] has run.
pub fn started() -> bool {
    // SAFETY: as above.
    unsafe { (*RUNTIME.0.get()).is_some() }
}

/// The class of a value.
#[inline(always)]
pub fn type_of(v: Value) -> Ptr<TypeObj> {
    if v.is_ptr() {
        // SAFETY: the class of every map that Python-visible objects have is a type object.
        return unsafe { v.header().map().class.cast() };
    }
    immediate_type(v)
}

fn immediate_type(v: Value) -> Ptr<TypeObj> {
    let t = &rt().types;
    match v {
        v if v.is_int() => t.int,
        v if v.is_float() => t.float,
        Value::NONE => t.none_type,
        Value::TRUE | Value::FALSE => t.bool,
        Value::NOT_IMPLEMENTED => t.not_implemented_type,
        Value::ELLIPSIS => t.ellipsis,
        _ => panic!("an internal value {v:?} was taken for an object"),
    }
}

impl Runtime {
    /// The marking under way has met an array of caches.
    pub(crate) fn note_caches(&self, caches: &CacheObj) {
        // SAFETY: called by the collector with the GIL held; nobody holds a reference into the list.
        unsafe { (*self.caches.get()).push(caches) }
    }

    /// The marking under way has met a class that C has seen.
    pub(crate) fn note_class(&self) {
        self.classes_met.set(self.classes_met.get() + 1);
    }

    /// C has seen one more class that may die.
    pub(crate) fn class_seen(&self) {
        self.classes_seen.set(self.classes_seen.get() + 1);
    }

    /// How many collections found dead classes that C had seen, as 32 bits: what does not keep a class alive may remember it together with this.
    #[inline(always)]
    pub(crate) fn class_deaths(&self) -> u64 {
        self.class_deaths.get() as u64
    }

    /// Starts the runtime: makes the builtin types (without their methods, which `cape-builtins` adds).
    pub fn start(config: crate::config::Config) {
        assert!(!started());
        let map = |kind: &'static KindInfo| MapRef::new(kind, Value::EMPTY, 0);
        // Stage 1: maps without classes, enough to make strings, dicts and tuples.
        let hash_key = config.hash_key();
        let row_maps: Vec<MapRef> = ROWS
            .iter()
            .map(|r| {
                let dict = r.flags & TypeFlags::HAS_DICT != 0 && !is_own_dict(r.kind());
                if dict { MapRef::with_attrs(r.kind(), Value::EMPTY, 1, 0, 1, 0) } else { map(r.kind()) }
            })
            .collect();
        let parts = [
            ArrayObj::kind(),
            TableKeys::kind(),
            ShapeObj::kind(),
            WeakCell::kind(),
            GetSetObj::kind(),
            CacheObj::kind(),
        ]
        .map(map);
        let maps = Maps::from_rows(&row_maps, parts);
        let placeholder = Value::NONE;
        let empty_keys = TableKeys::make_empty(maps.table_keys).value();
        let empty_array = heap()
            .alloc_var_old(maps.array, size_of::<ArrayObj>(), ArrayObj::empty_object(maps.array))
            .value();
        let empty_tuple = heap()
            .alloc_var_old(maps.tuple, size_of::<TupleObj>(), TupleObj::empty_object(maps.tuple))
            .value();
        // SAFETY: nobody uses the types before stage 2 fills them: the placeholder is never dereferenced.
        let types = unsafe { Types::dangling() };
        let runtime = Runtime {
            types,
            maps,
            names: crate::names::Names::placeholder(),
            special_names: [placeholder; SPECIAL_COUNT],
            special_index: [0; crate::special::INDEX],
            shared: Shared {
                empty_tuple,
                empty_array,
                empty_keys,
                empty_str: placeholder,
                empty_bytes: placeholder,
            },
            latin1: [placeholder; 256],
            interned: Interned::new(),
            hash_key,
            roots: UnsafeCell::new(Vec::new()),
            caches: UnsafeCell::new(Vec::new()),
            type_version: Cell::new(1),
            classes_seen: Cell::new(0),
            classes_met: Cell::new(0),
            class_deaths: Cell::new(0),
            dict_version: Cell::new(1),
            modules: Root::new(Value::EMPTY),
            imports_ended: Cell::new(false),
            importlib: Root::new(Value::EMPTY),
            import_function: Root::new(Value::EMPTY),
            builtins: Root::new(Value::EMPTY),
            sys: Root::new(Value::EMPTY),
            audit_hooks: Root::new(Value::EMPTY),
            audited: Cell::new(false),
            native_modules: UnsafeCell::new(HashMap::new()),
            config: UnsafeCell::new(config),
            program_folder: OnceLock::new(),
        };
        // SAFETY: single-threaded start-up; nothing holds a reference into the slot yet.
        let rt_mut = unsafe {
            *RUNTIME.0.get() = Some(runtime);
            (*RUNTIME.0.get()).as_mut().unwrap()
        };
        heap().add_root_scanner(scan_runtime);
        heap().reclaim_maps(end_marking);
        // Stage 2: strings.
        for (i, slot) in rt_mut.latin1.iter_mut().enumerate() {
            let b = [i as u8];
            let text: String =
                if i < 128 { (i as u8 as char).to_string() } else { char::from(b[0]).to_string() };
            *slot = rt().intern(&text);
        }
        rt_mut.shared.empty_str = rt().intern("");
        rt_mut.shared.empty_bytes = BytesObj::with_map(rt().maps.bytes, &[]).value();
        for (i, n) in SPECIAL_NAMES.iter().enumerate() {
            rt_mut.special_names[i] = rt().intern(n);
        }
        rt_mut.special_index = crate::special::index(&rt_mut.special_names);
        rt_mut.names.fill();
        // Stage 3: type objects, in the table's order (bases first).
        let mut made: Vec<Ptr<TypeObj>> = Vec::new();
        for (i, r) in ROWS.iter().enumerate() {
            let base = (r.base != r.field).then(|| {
                let at = ROWS.iter().position(|b| b.field == r.base).expect("base precedes");
                made[at]
            });
            made.push(crate::class::make_static(r, row_maps[i], base, rt().maps.type_));
        }
        // The made types are kept alive by their maps' classes, which are visited below.
        rt_mut.types = Types::from_rows(&made);
        for m in [rt().maps.array, rt().maps.table_keys, rt().maps.shape, rt().maps.weak_cell] {
            m.class.set_no_barrier(rt().types.object.value());
        }
        rt().maps.native_member.class.set_no_barrier(rt().types.member_descriptor.value());
        for root in [
            &rt().modules,
            &rt().importlib,
            &rt().import_function,
            &rt().builtins,
            &rt().sys,
            &rt().audit_hooks,
        ] {
            crate::interpreter::own(root);
        }
        crate::interpreter::main();
        rt().make_namespaces();
    }

    /// Gives the interpreter that runs its empty `sys.modules`, `builtins` and `sys`.
    pub fn make_namespaces(&self) {
        for root in [&self.modules, &self.builtins, &self.sys] {
            root.set(DictObj::namespace().value());
        }
    }

    /// Another interpreter runs than before.
    pub(crate) fn interpreter_runs(&self) {
        self.audited.set(!self.audit_hooks.get().is_empty());
    }

    /// `()`.
    #[inline(always)]
    pub fn empty_tuple(&self) -> Ptr<TupleObj> {
        // SAFETY: set at start.
        unsafe { self.shared.empty_tuple.cast() }
    }

    /// The array without cells.
    #[inline(always)]
    pub fn empty_array(&self) -> Ptr<ArrayObj> {
        // SAFETY: set at start.
        unsafe { self.shared.empty_array.cast() }
    }

    /// The keys of empty tables.
    #[inline(always)]
    pub fn empty_keys(&self) -> Ptr<TableKeys> {
        // SAFETY: set at start.
        unsafe { self.shared.empty_keys.cast() }
    }

    /// `b''`.
    #[inline(always)]
    pub fn empty_bytes(&self) -> Ptr<BytesObj> {
        // SAFETY: set at start.
        unsafe { self.shared.empty_bytes.cast() }
    }

    /// `''`.
    #[inline(always)]
    pub fn empty_str(&self) -> Ptr<StrObj> {
        // SAFETY: set at start.
        unsafe { self.shared.empty_str.cast() }
    }

    /// The string of one code point below U+0100.
    #[inline(always)]
    pub fn latin1_char(&self, c: u8) -> Ptr<StrObj> {
        // SAFETY: set at start.
        unsafe { self.latin1[c as usize].cast() }
    }

    /// The strings of one code point below U+0100, which do not move.
    #[inline(always)]
    pub fn latin1_chars(&self) -> &[Value; 256] {
        &self.latin1
    }

    /// The key of the hashes of strings and bytes.
    #[inline(always)]
    pub(crate) fn hash_key(&self) -> Key {
        self.hash_key
    }

    /// The interned string with this text.
    pub fn intern(&self, s: &str) -> Value {
        self.interned.of_text(s)
    }

    /// The interned string with the text of `s` (which may be of a subclass).
    pub fn intern_obj(&self, s: Ptr<StrObj>) -> Value {
        self.interned.of_string(s)
    }

    /// Keeps a value alive for the rest of the process.
    pub fn keep(&self, v: Value) {
        // SAFETY: the GIL is held.
        unsafe { (*self.roots.get()).push(Root::new(v)) }
    }

    /// Remembers a class made by native code, for ever.
    pub(crate) fn add_native_type(&self, t: Ptr<TypeObj>) {
        self.keep(t.value());
    }

    /// The first class made by native code for which `f` holds.
    pub fn find_native_type(&self, f: impl Fn(&Ptr<TypeObj>) -> bool) -> Option<Ptr<TypeObj>> {
        // SAFETY: the GIL is held; the roots are not changed while they are looked through.
        unsafe { (*self.roots.get()).iter().filter_map(|r| r.get().downcast::<TypeObj>()).find(f) }
    }

    /// A fresh type version.
    pub(crate) fn next_type_version(&self) -> u32 {
        let v = self.type_version.get().wrapping_add(1).max(1);
        self.type_version.set(v);
        v
    }

    /// A fresh version for a dict's key set.
    pub(crate) fn next_dict_version(&self) -> u32 {
        let v = self.dict_version.get().wrapping_add(1).max(1);
        self.dict_version.set(v);
        v
    }

    /// Registers a native module under its import name.
    pub fn add_native_module(&self, name: &'static str, init: NativeModule) {
        // SAFETY: the GIL is held.
        unsafe { (*self.native_modules.get()).insert(name, init) };
    }

    /// The native module registered under this name.
    pub fn native_module(&self, name: &str) -> Option<NativeModule> {
        // SAFETY: the GIL is held.
        unsafe { (*self.native_modules.get()).get(name).copied() }
    }

    /// Names of all native modules, sorted.
    pub fn native_module_names(&self) -> Vec<&'static str> {
        // SAFETY: the GIL is held.
        let mut v: Vec<_> = unsafe { (*self.native_modules.get()).keys().copied().collect() };
        v.sort_unstable();
        v
    }

    /// The options.
    pub fn config(&self) -> &crate::config::Config {
        // SAFETY: changed only by the start-up code, before other threads exist.
        unsafe { &*self.config.get() }
    }

    /// What was put before all else on `sys.path` for the program that is run: its folder, or nothing for the current one.
    pub fn program_folder(&self) -> Option<&str> {
        self.program_folder.get().map(String::as_str)
    }

    /// Notes what [`Runtime::program_folder`] is; the first one stays.
    pub fn set_program_folder(&self, folder: &str) {
        let _ = self.program_folder.set(folder.into());
    }

    /// Whether anybody listens to audit events.
    #[inline(always)]
    pub fn is_audited(&self) -> bool {
        self.audited.get()
    }

    /// The audit hooks, in an array that is not changed.
    pub(crate) fn audit_hooks(&self) -> Option<Ptr<ArrayObj>> {
        self.audit_hooks.get().downcast()
    }

    /// Adds an audit hook, for ever.
    pub(crate) fn push_audit_hook(&self, hook: Value) {
        let mut hooks = ValueVec::new();
        if let Some(old) = self.audit_hooks() {
            hooks.extend_from_slice(old.as_slice());
        }
        hooks.push(hook);
        self.audit_hooks.set(ArrayObj::from_slice(&hooks).value());
        self.audited.set(true);
        crate::foreign::foreign().audited();
    }

    /// The `sys.modules` dict.
    pub fn modules(&self) -> Ptr<DictObj> {
        self.modules.get().downcast().expect("sys.modules is a dict")
    }

    /// The namespace of `builtins`.
    pub fn builtins(&self) -> Ptr<DictObj> {
        self.builtins.get().downcast().expect("builtins is a dict")
    }

    /// The namespace of `sys`.
    pub fn sys(&self) -> Ptr<DictObj> {
        self.sys.get().downcast().expect("sys is a dict")
    }
}

/// Kinds that carry their dict in a field of their own.
fn is_own_dict(kind: &KindInfo) -> bool {
    std::ptr::eq(kind, ModuleObj::kind())
        || std::ptr::eq(kind, TypeObj::kind())
        || std::ptr::eq(kind, NamespaceObj::kind())
}

fn scan_runtime(t: &mut Tracer<'_>) {
    // SAFETY: called by the collector with the GIL held; the runtime exists since it registers this scanner itself.
    let r = unsafe { (*RUNTIME.0.get()).as_mut().unwrap_unchecked() };
    let mut visit = |v: &mut Value| t.visit(Cell::from_mut(v));
    visit(&mut r.shared.empty_tuple);
    visit(&mut r.shared.empty_array);
    visit(&mut r.shared.empty_keys);
    visit(&mut r.shared.empty_bytes);
    if !t.young_only() {
        r.interned.visit(t);
    }
    for m in r.maps.as_slice() {
        t.visit(m.class.cell());
        t.visit(m.shape.cell());
        t.visit_map(*m);
    }
}

/// At the end of each marking. Caches name maps by id and version, and versions are never used again, so they need no cleaning of
/// ids: a new map at an old id has another version.
fn end_marking(ctx: &WeakCtx<'_>) {
    // SAFETY: called by the collector with the GIL held.
    let met = unsafe { std::mem::take(&mut *rt().caches.get()) };
    forget_dead(&met, ctx);
    let r = rt();
    let alive = r.classes_met.take();
    if r.classes_seen.replace(alive) > alive {
        r.class_deaths.set(r.class_deaths.get().wrapping_add(1));
    }
}

/// Shorthand: the interned string.
pub fn intern(s: &str) -> Value {
    rt().intern(s)
}

/// The map of native objects that Python code never sees, made at the first use and kept by `object`.
pub struct StaticMap(Cell<Option<MapRef>>);

// SAFETY: used with the GIL held.
unsafe impl Sync for StaticMap {}

impl StaticMap {
    /// Not made yet.
    pub const fn new() -> StaticMap {
        StaticMap(Cell::new(None))
    }

    /// The map, of objects of this kind.
    #[inline]
    pub fn get(&self, kind: &'static KindInfo) -> MapRef {
        self.0.get().unwrap_or_else(|| {
            let object = rt().types.object;
            let m = MapRef::new(kind, object.value(), 0);
            crate::shape::enter(m, object);
            self.0.set(Some(m));
            m
        })
    }
}

/// A type made by native code, kept alive and found again from a `static`.
pub struct StaticType(Cell<Option<Ptr<TypeObj>>>);

// SAFETY: used with the GIL held.
unsafe impl Sync for StaticType {}

impl StaticType {
    /// Not made yet.
    pub const fn new() -> StaticType {
        StaticType(Cell::new(None))
    }

    /// Remembers the type; it is never freed.
    pub fn set(&self, t: Ptr<TypeObj>) {
        rt().keep(t.value());
        self.0.set(Some(t));
    }

    /// The type; panics when the module that makes it was not initialised.
    #[inline(always)]
    pub fn get(&self) -> Ptr<TypeObj> {
        self.0.get().expect("type of an initialised module")
    }

    /// The type, if it was made.
    pub fn try_get(&self) -> Option<Ptr<TypeObj>> {
        self.0.get()
    }
}

impl Default for StaticType {
    fn default() -> Self {
        StaticType::new()
    }
}

impl TypeObj {
    /// The field array of an empty special table.
    pub(crate) fn no_specials() -> [Field; SPECIAL_COUNT] {
        [const { Field::new(Value::EMPTY) }; SPECIAL_COUNT]
    }
}

impl ArrayObj {
    fn empty_object(map: MapRef) -> ArrayObj {
        ArrayObj::with_header(Header::new(map))
    }
}

impl TupleObj {
    fn empty_object(map: MapRef) -> TupleObj {
        TupleObj::with_header(Header::new(map))
    }
}

/// The special method's name for a native definition's name, if it is one.
pub fn special_of(name: &str) -> Option<Special> {
    Special::of_name(name)
}
