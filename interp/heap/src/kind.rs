//! Kinds: the native layouts of heap objects, and how the collector sees into them.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::heap::{State, heap};
use crate::map::MapRef;
use crate::object::Header;
use crate::{Value, major, minor};

/// What the collector knows of a native layout. One static per layout, made by [`crate::heap_object!`];
/// its address identifies the layout.
pub struct KindInfo {
    /// Name for debugging.
    pub name: &'static str,
    /// Size of the struct in bytes (of its fixed part, for kinds of variable size).
    pub fixed_size: usize,
    /// Bytes of an object, tail not included, for kinds of variable size. Must look at nothing but the object,
    /// and never change during its life.
    pub size: Option<unsafe fn(&Header) -> usize>,
    /// Visits the fields that hold values (the tail is visited by the collector itself). Must look at nothing
    /// but the object: others may have moved already.
    pub trace: unsafe fn(&Header, &mut Tracer<'_>),
    /// Whether `trace` does nothing.
    pub leaf: bool,
    /// Releases native resources of a dead object; must not touch other objects.
    pub drop: Option<unsafe fn(*mut Header)>,
    /// All objects of the kind are registered for finalization, as with [`crate::MapFlags::FINALIZER`].
    pub finalizer: bool,
    /// Objects are registered for finalization or destruction one by one, by who makes them.
    pub late: bool,
    /// Weak references to these objects end before they are finalised, when nothing refers to them (as in CPython's deallocator of the type).
    pub references_first: bool,
    /// The mirrors of these objects may refer to what the objects themselves do not: [`crate::ForeignHeap::traverse`] is
    /// asked. The references of other mirrors are taken for what C holds.
    pub mirror_refers: bool,
}

// SAFETY: it holds function pointers and static strings only.
unsafe impl Sync for KindInfo {}

/// A native layout of heap objects. Implemented by [`crate::heap_object!`].
pub trait HeapObject: 'static {
    /// The layout's static description.
    fn kind() -> &'static KindInfo;
}

/// Something that may hold values.
pub trait Trace {
    /// Visits every value in it.
    fn trace(&self, t: &mut Tracer<'_>);
}

/// Handed to `trace` functions: visits, and in a moving collection updates, each value cell.
pub struct Tracer<'a> {
    mode: Mode<'a>,
    _not_send: PhantomData<*mut ()>,
}

/// What a tracer does with a cell. The collector's own two ways need no indirect call.
enum Mode<'a> {
    /// Evacuates the young object that the cell refers to.
    Minor(*mut State),
    /// Marks the object that the cell refers to.
    Mark(*mut State),
    /// Calls a function.
    Call(&'a mut dyn FnMut(&Cell<Value>)),
    /// Calls a function: only references to young objects matter.
    CallYoung(&'a mut dyn FnMut(&Cell<Value>)),
    /// Calls the first for every cell, the second for every map.
    CallBoth(&'a mut dyn FnMut(&Cell<Value>), &'a mut dyn FnMut(MapRef)),
}

impl<'a> Tracer<'a> {
    /// A tracer that calls `visit` for every cell that holds a pointer.
    pub fn new(visit: &'a mut dyn FnMut(&Cell<Value>)) -> Tracer<'a> {
        Tracer { mode: Mode::Call(visit), _not_send: PhantomData }
    }

    /// As [`Tracer::new`], and calls `map` for every map that is reported.
    pub fn with_maps(visit: &'a mut dyn FnMut(&Cell<Value>), map: &'a mut dyn FnMut(MapRef)) -> Tracer<'a> {
        Tracer { mode: Mode::CallBoth(visit, map), _not_send: PhantomData }
    }

    /// As [`Tracer::new`], where only references to young objects matter.
    pub(crate) fn young(visit: &'a mut dyn FnMut(&Cell<Value>)) -> Tracer<'a> {
        Tracer { mode: Mode::CallYoung(visit), _not_send: PhantomData }
    }

    pub(crate) fn minor(state: *mut State) -> Tracer<'static> {
        Tracer { mode: Mode::Minor(state), _not_send: PhantomData }
    }

    pub(crate) fn mark(state: *mut State) -> Tracer<'static> {
        Tracer { mode: Mode::Mark(state), _not_send: PhantomData }
    }

    /// Whether only references to young objects matter: a root that is known to hold none may be skipped.
    #[inline]
    pub fn young_only(&self) -> bool {
        matches!(self.mode, Mode::Minor(_) | Mode::CallYoung(_))
    }

    /// Whether a full collection is marking what is reachable.
    #[inline]
    pub fn marks(&self) -> bool {
        matches!(self.mode, Mode::Mark(_))
    }

    /// Reports one cell that holds a value.
    #[inline]
    pub fn visit(&mut self, cell: &Cell<Value>) {
        let v = cell.get();
        if !v.is_ptr() {
            return;
        }
        match &mut self.mode {
            Mode::Minor(s) => {
                if heap().is_young_ptr(v.bits() as usize) {
                    // SAFETY: a minor collection made this tracer and is running.
                    unsafe { minor::visit_young(*s, cell) }
                }
            }
            // SAFETY: a full collection made this tracer and is running; cells refer to live objects.
            Mode::Mark(s) => unsafe { major::mark(*s, v.bits() as usize) },
            Mode::Call(f) | Mode::CallYoung(f) | Mode::CallBoth(f, _) => f(cell),
        }
    }

    /// Reports `n` consecutive values.
    ///
    /// # Safety
    /// `first .. first + n` must be initialised value cells of the object being traced.
    #[inline]
    pub unsafe fn visit_range(&mut self, first: *const Value, n: usize) {
        for i in 0..n {
            // SAFETY: the caller's promise; Cell<Value> has Value's layout.
            self.visit(unsafe { &*(first.add(i) as *const Cell<Value>) });
        }
    }

    /// Reports a map that is kept by its id or its [`MapRef`]; matters when maps are reclaimed
    /// ([`crate::Heap::reclaim_maps`]).
    #[inline]
    pub fn visit_map(&mut self, map: MapRef) {
        match &mut self.mode {
            // SAFETY: as in visit.
            Mode::Mark(s) => unsafe { major::mark_map(*s, map) },
            Mode::CallBoth(_, f) => f(map),
            Mode::Minor(_) | Mode::Call(_) | Mode::CallYoung(_) => {}
        }
    }

    /// Visits all fields and the tail of `object`.
    #[inline]
    pub(crate) fn object(&mut self, object: &Header) {
        let map = object.map();
        let kind = map.kind();
        if !kind.leaf {
            // SAFETY: the object's map names its kind.
            unsafe { (kind.trace)(object, self) }
        }
        let n = map.tail_words as usize;
        if n != 0 {
            // SAFETY: the map says that the object has a tail of n values.
            unsafe { self.visit_range(object.tail(), n) }
        }
    }
}

macro_rules! no_values { ($($t:ty),*) => { $(
    impl Trace for $t { #[inline(always)] fn trace(&self, _: &mut Tracer<'_>) {} }
    impl Trace for Cell<$t> { #[inline(always)] fn trace(&self, _: &mut Tracer<'_>) {} }
)* } }
no_values!(bool, u8, i8, u16, i16, u32, i32, u64, i64, usize, isize, f32, f64, char);
impl<T> Trace for *mut T {
    #[inline(always)]
    fn trace(&self, _: &mut Tracer<'_>) {}
}
impl<T> Trace for *const T {
    #[inline(always)]
    fn trace(&self, _: &mut Tracer<'_>) {}
}
impl<T> Trace for Cell<*mut T> {
    #[inline(always)]
    fn trace(&self, _: &mut Tracer<'_>) {}
}
impl<T> Trace for Cell<*const T> {
    #[inline(always)]
    fn trace(&self, _: &mut Tracer<'_>) {}
}
impl Trace for Cell<Value> {
    #[inline(always)]
    fn trace(&self, t: &mut Tracer<'_>) {
        t.visit(self);
    }
}
impl<T: Trace, const N: usize> Trace for [T; N] {
    #[inline(always)]
    fn trace(&self, t: &mut Tracer<'_>) {
        self.iter().for_each(|x| x.trace(t));
    }
}

/// A native value inside a heap object that holds no managed pointer. Its destructor runs when the
/// object dies, if the kind is declared with `drop`.
pub struct Native<T>(pub T);
impl<T> Trace for Native<T> {
    #[inline(always)]
    fn trace(&self, _: &mut Tracer<'_>) {}
}
impl<T> std::ops::Deref for Native<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Declares native layouts of heap objects:
///
/// ```
/// use cape_heap::{heap_object, Field};
/// use std::cell::Cell;
/// heap_object! {
///     /// A pair.
///     pub struct Pair { pub first: Field, pub second: Field, pub count: Cell<usize> }
/// }
/// ```
///
/// Every field's type implements [`Trace`]; the struct gets a `header` field in front. After the struct:
/// `[drop]` runs the fields' destructors when the object dies (for `Native<..>` fields);
/// `[finalizer]` registers all its objects for finalization; with `[late]` who makes an object registers it for either, if at all
/// ([`Heap::add_finalizer`](crate::heap::Heap::add_finalizer), [`Heap::add_drop`](crate::heap::Heap::add_drop));
/// `[leaf]` says that no field holds a value;
/// `[references_first]` sets [`KindInfo::references_first`], `[mirror_refers]` [`KindInfo::mirror_refers`];
/// `[size = f]` with `f: fn(&Self) -> usize` makes it a kind of variable size;
/// `[trace = f]` with `f: fn(&Self, &mut Tracer)` visits values behind the struct.
#[macro_export]
macro_rules! heap_object {
    () => {};
    (@item { $($item:tt)* } { $($opts:tt)* } [$($opt:tt)*] $($rest:tt)*) => {
        $crate::heap_object! { @item { $($item)* } { $($opts)* [$($opt)*] } $($rest)* }
    };
    (@item { $($item:tt)* } { $($opts:tt)* } $($rest:tt)*) => {
        $crate::heap_object! { @emit { $($item)* } $($opts)* }
        $crate::heap_object! { $($rest)* }
    };
    (@emit {
        $(#[$m:meta])* $vis:vis struct $name:ident { $($(#[$fm:meta])* $fvis:vis $f:ident : $ft:ty),* $(,)? }
    } $([$($opt:tt)*])*) => {
        $(#[$m])*
        #[repr(C)]
        $vis struct $name {
            /// Map, link and flags.
            pub header: $crate::Header,
            $($(#[$fm])* $fvis $f: $ft),*
        }
        impl $crate::HeapObject for $name {
            #[inline(always)]
            fn kind() -> &'static $crate::KindInfo {
                #[allow(unused_variables, clippy::undocumented_unsafe_blocks, reason = "the object's map names this kind, so its header starts a value of this struct")]
                unsafe fn trace(h: &$crate::Header, t: &mut $crate::Tracer<'_>) {
                    let this = unsafe { &*(h as *const $crate::Header as *const $name) };
                    $( $crate::Trace::trace(&this.$f, t); )*
                    $( $crate::heap_object!(@trace this t $($opt)*); )*
                }
                static KIND: $crate::KindInfo = {
                    #[allow(unused_mut)]
                    let mut k = $crate::KindInfo {
                        name: stringify!($name),
                        fixed_size: std::mem::size_of::<$name>(),
                        size: None,
                        trace,
                        leaf: false,
                        drop: None,
                        finalizer: false,
                        late: false,
                        references_first: false,
                        mirror_refers: false,
                    };
                    $( $crate::heap_object!(@opt k $name $($opt)*); )*
                    k
                };
                &KIND
            }
        }
    };
    (@trace $this:ident $t:ident trace = $e:expr) => { $e($this, $t) };
    (@trace $this:ident $t:ident $($rest:tt)*) => {};
    (@opt $k:ident $name:ident drop) => {
        $k.drop = Some({
            #[allow(clippy::undocumented_unsafe_blocks, reason = "called once, by the collector, on a dead object of this kind")]
            unsafe fn d(h: *mut $crate::Header) { unsafe { std::ptr::drop_in_place(h as *mut $name) } }
            d
        });
    };
    (@opt $k:ident $name:ident finalizer) => { $k.finalizer = true; };
    (@opt $k:ident $name:ident late) => { $k.late = true; };
    (@opt $k:ident $name:ident references_first) => { $k.references_first = true; };
    (@opt $k:ident $name:ident mirror_refers) => { $k.mirror_refers = true; };
    (@opt $k:ident $name:ident leaf) => { $k.leaf = true; };
    (@opt $k:ident $name:ident size = $e:expr) => {
        $k.size = Some({
            #[allow(clippy::undocumented_unsafe_blocks, reason = "the object's map names this kind, so its header starts a value of this struct")]
            unsafe fn s(h: &$crate::Header) -> usize { $e(unsafe { &*(h as *const $crate::Header as *const $name) }) }
            s
        });
    };
    (@opt $k:ident $name:ident trace = $e:expr) => {};
    ($(#[$m:meta])* $vis:vis struct $name:ident { $($fields:tt)* } $($rest:tt)*) => {
        $crate::heap_object! { @item { $(#[$m])* $vis struct $name { $($fields)* } } {} $($rest)* }
    };
}
