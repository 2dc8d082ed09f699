//! Kinds: the native layouts of heap objects, and how the collector sees into them.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::Value;
use crate::object::Header;

/// What the collector knows of a native layout. One static per layout, made by [`crate::heap_object!`];
/// its address identifies the layout.
pub struct KindInfo {
    /// Name for debugging.
    pub name: &'static str,
    /// Size of the struct in bytes (of its fixed part, for kinds of variable size).
    pub fixed_size: usize,
    /// Bytes of an object, tail not included, for kinds of variable size.
    pub size: Option<unsafe fn(&Header) -> usize>,
    /// Visits the fields that hold values (the tail is visited by the collector itself).
    pub trace: unsafe fn(&Header, &mut Tracer<'_>),
    /// Whether `trace` does nothing.
    pub leaf: bool,
    /// Releases native resources of a dead object; must not touch other objects.
    pub drop: Option<unsafe fn(*mut Header)>,
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
    visit: &'a mut dyn FnMut(&Cell<Value>),
    _not_send: PhantomData<*mut ()>,
}

impl<'a> Tracer<'a> {
    /// A tracer that calls `visit` for every cell.
    pub fn new(visit: &'a mut dyn FnMut(&Cell<Value>)) -> Tracer<'a> {
        Tracer { visit, _not_send: PhantomData }
    }

    /// Reports one cell that holds a value.
    #[inline]
    pub fn visit(&mut self, cell: &Cell<Value>) {
        if cell.get().is_ptr() {
            (self.visit)(cell)
        }
    }

    /// Reports `n` consecutive values.
    ///
    /// # Safety
    /// `first .. first + n` must be initialised value cells of the object being traced.
    pub unsafe fn visit_range(&mut self, first: *const Value, n: usize) {
        for i in 0..n {
            // SAFETY: the caller's promise; Cell<Value> has Value's layout.
            self.visit(unsafe { &*(first.add(i) as *const Cell<Value>) });
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
/// `[size = f]` with `f: fn(&Self) -> usize` makes it a kind of variable size;
/// `[trace = f]` with `f: fn(&Self, &mut Tracer)` visits values behind the struct.
#[macro_export]
macro_rules! heap_object {
    ($( $(#[$m:meta])* $vis:vis struct $name:ident { $($(#[$fm:meta])* $fvis:vis $f:ident : $ft:ty),* $(,)? } $([$($opt:tt)*])* )*) => { $(
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
                    };
                    $( $crate::heap_object!(@opt k $name $($opt)*); )*
                    k
                };
                &KIND
            }
        }
    )* };
    (@trace $this:ident $t:ident trace = $e:expr) => { $e($this, $t) };
    (@trace $this:ident $t:ident $($rest:tt)*) => {};
    (@opt $k:ident $name:ident drop) => {
        $k.drop = Some({
            #[allow(clippy::undocumented_unsafe_blocks, reason = "called once, by the collector, on a dead object of this kind")]
            unsafe fn d(h: *mut $crate::Header) { unsafe { std::ptr::drop_in_place(h as *mut $name) } }
            d
        });
    };
    (@opt $k:ident $name:ident leaf) => { $k.leaf = true; };
    (@opt $k:ident $name:ident size = $e:expr) => {
        $k.size = Some({
            #[allow(clippy::undocumented_unsafe_blocks, reason = "the object's map names this kind, so its header starts a value of this struct")]
            unsafe fn s(h: &$crate::Header) -> usize { $e(unsafe { &*(h as *const $crate::Header as *const $name) }) }
            s
        });
    };
    (@opt $k:ident $name:ident trace = $e:expr) => {};
}
