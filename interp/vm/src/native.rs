//! Declaring functions, methods, types and modules implemented in Rust.
//!
//! One row per function: its signature in Python's own notation, which drives the argument binding, the error messages
//! and `__text_signature__`; its docstring; and an ordinary Rust function whose parameters are typed:
//!
//! ```ignore
//! extend(rt().types.list)
//!     .method("append($self, object, /)", "Append object to the end of the list.", append);
//! fn append(_vm: &Vm, list: Ptr<ListObj>, item: Value) { list.push(item) }
//! ```
//!
//! The Rust function takes `&Vm` and one parameter per Python parameter, in order (`*args` arrives as a tuple, `**kwargs` as a
//! dict). An optional parameter is `Option<T>` or [`Value`] (EMPTY when absent). Results: anything that is [`IntoRes`].

mod messages;

use std::cell::{Cell, OnceCell};

use cape_heap::{HeapObject, Ptr, Value};

use crate::class::NewType;
use crate::exc::{Raised, Res};
use crate::object::*;
use crate::runtime::{intern, rt, type_of};
use crate::vm::Vm;

/// A native function after binding: one value per parameter, EMPTY for absent optional ones.
pub type NativeFn = fn(&Vm, &[Value]) -> Res<Value>;

/// How a native function is bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavour {
    /// A module-level function: no receiver (a `$module` first parameter is not passed).
    Function,
    /// The receiver is the first parameter.
    Method,
    /// The class is the first parameter.
    Class,
    /// No receiver.
    Static,
}

/// A native function's row.
pub struct MethodDef {
    /// Python name.
    pub name: &'static str,
    /// Parameter list in parentheses, receiver included for methods.
    pub signature: &'static str,
    /// Docstring without the signature.
    pub doc: &'static str,
    /// The bound function.
    pub func: NativeFn,
    /// Number of parameters, receiver included.
    pub nparams: usize,
    /// All parameters can be passed by position, none is variadic.
    pub simple: bool,
    /// How it is bound.
    pub flavour: Flavour,
    /// For a `__new__` or `__init__`: the name of its class, which stands for the function in messages; empty otherwise.
    pub class_name: Cell<&'static str>,
    /// Implemented elsewhere (in C): called with the arguments as they come, instead of `func`.
    pub raw: Option<Raw>,
    /// The function collects garbage, or runs programs, in which others do, or makes somebody watch its caller, which is then to run in the
    /// interpreter: what native frames have left behind on the stack is wiped
    /// before it is called, so that the conservative scan takes nothing dead for a root.
    pub scrubs: Cell<bool>,
    /// Of a function with variable arguments: a shorter way for calls with positional arguments only, which are passed as they come.
    /// It gives EMPTY when it does not know an answer.
    pub positional: Cell<Option<NativeFn>>,
    /// Keywords may be other than strings: it judges them itself.
    pub any_names: Cell<bool>,
    /// What is told before it is called, where the arguments are all there is to tell.
    pub(crate) audited: Option<Box<crate::audit::Audited>>,
    parsed: OnceCell<Box<Signature>>,
}

/// A function that binds its arguments itself: `args` are the positional arguments (receiver first), then one value per
/// name in `kwnames`.
pub type RawFn = fn(&Vm, &'static MethodDef, &[Value], Option<Ptr<TupleObj>>) -> Res<Value>;

/// What stands behind a raw definition.
#[derive(Clone, Copy)]
pub struct Raw {
    /// Calls it.
    pub call: RawFn,
    /// Two words for `call` (a `PyMethodDef`, a slot function...).
    pub data: [usize; 2],
}

/// The second data word of a method for a slot of C, the slot's number added.
pub const SLOT_MARK: usize = 0x5107_0000;
/// Added to [`SLOT_MARK`]: the slot is one of sequences that has a counterpart among those of numbers.
pub const SEQUENCE_SLOT: usize = 0x8000;

/// Whether a data word is that of a slot of sequences.
pub(crate) fn is_sequence_slot(word: usize) -> bool {
    word & !0xff == SLOT_MARK | SEQUENCE_SLOT
}

// SAFETY: the cells are filled with the GIL held.
unsafe impl Sync for MethodDef {}

/// A native attribute's row.
pub struct GetSetDef {
    /// Python name.
    pub name: &'static str,
    /// Docstring.
    pub doc: &'static str,
    /// Reads it; the argument is the object.
    pub get: NativeFn,
    /// Writes it (object, value), or deletes it (value EMPTY); `None`: read-only.
    pub set: Option<NativeFn>,
    /// Implemented elsewhere (in C): used instead of `get` and `set`.
    pub raw: Option<RawAttr>,
}

/// What stands behind a raw attribute.
#[derive(Clone, Copy)]
pub struct RawAttr {
    /// Reads it.
    pub get: fn(&Vm, &'static GetSetDef, Value) -> Res<Value>,
    /// Writes or deletes (EMPTY) it.
    pub set: fn(&Vm, &'static GetSetDef, Value, Value) -> Res<()>,
    /// Two words for them.
    pub data: [usize; 2],
}

impl GetSetDef {
    /// Reads the attribute of `obj`.
    pub fn read(&'static self, vm: &Vm, obj: Value) -> Res<Value> {
        match self.raw {
            Some(r) => (r.get)(vm, self, obj),
            None => (self.get)(vm, &[obj]),
        }
    }

    /// Writes the attribute of `obj`, or deletes it (`v` EMPTY); it must be writable.
    pub fn write(&'static self, vm: &Vm, obj: Value, v: Value) -> Res<()> {
        match (self.raw, self.set) {
            (Some(r), _) => (r.set)(vm, self, obj, v),
            (None, Some(f)) => f(vm, &[obj, v]).map(|_| ()),
            (None, None) => Err(vm.attribute_error(format!("attribute '{}' is read-only", self.name))),
        }
    }

    /// A row for an attribute implemented elsewhere.
    pub fn leak_foreign(
        name: &'static str,
        doc: &'static str,
        writable: bool,
        raw: RawAttr,
    ) -> &'static GetSetDef {
        let get: NativeFn = |vm, _| Err(vm.system_error("a raw attribute was read without its definition"));
        Box::leak(Box::new(GetSetDef { name, doc, get, set: writable.then_some(get), raw: Some(raw) }))
    }
}

/// A parsed parameter list.
#[derive(Debug, Default)]
pub struct Signature {
    /// The parameters, receiver included.
    pub params: Vec<Param>,
    /// Number of leading parameters that take positional arguments.
    pub positional: usize,
    /// Number of leading positional-only parameters.
    pub posonly: usize,
    /// Positional parameters without a default.
    pub required: usize,
    /// Index of `*args`.
    pub varargs: Option<usize>,
    /// Index of `**kwargs`.
    pub varkw: Option<usize>,
}

/// One parameter.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

impl Signature {
    fn parse(text: &'static str) -> Signature {
        if text.is_empty() {
            return Signature::default();
        }
        let inner = text
            .trim()
            .strip_prefix('(')
            .and_then(|t| t.strip_suffix(')'))
            .expect("a parenthesised signature");
        let mut s = Signature::default();
        let mut keyword_only = false;
        for part in split_params(inner) {
            let part = part.trim();
            match part {
                "" => {}
                "/" => s.posonly = s.params.len(),
                "*" => keyword_only = true,
                _ => {
                    let (name, optional) = match part.split_once('=') {
                        Some((n, _)) => (n.trim(), true),
                        None => (part, false),
                    };
                    let at = s.params.len();
                    let name = if let Some(n) = name.strip_prefix("**") {
                        s.varkw = Some(at);
                        n
                    } else if let Some(n) = name.strip_prefix('*') {
                        s.varargs = Some(at);
                        keyword_only = true;
                        n
                    } else {
                        if !keyword_only {
                            s.positional += 1;
                            if !optional {
                                s.required = s.positional;
                            }
                        }
                        name.strip_prefix('$').unwrap_or(name)
                    };
                    s.params.push(Param { name, optional });
                }
            }
        }
        s
    }
}

fn split_params(s: &'static str) -> Vec<&'static str> {
    let (mut depth, mut start, mut out, mut quote) = (0, 0, Vec::new(), None);
    for (i, c) in s.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                out.push(&s[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&s[start..]);
    out
}

/// Parameters of functions whose missing ones are filled in without binding.
const FEW: usize = 8;

/// Parameters a native function may have.
pub const MAX_PARAMS: usize = 24;

impl MethodDef {
    /// Makes a row that lives for ever. `text` is `"name(parameters)"`.
    pub fn leak<A, F: IntoNative<A>>(
        text: &'static str,
        doc: &'static str,
        flavour: Flavour,
        f: F,
    ) -> &'static MethodDef {
        Self::leak_raw(text, doc, flavour, F::ARITY, native(f))
    }

    /// As [`MethodDef::leak`] for an already wrapped function.
    pub fn leak_raw(
        text: &'static str,
        doc: &'static str,
        flavour: Flavour,
        nparams: usize,
        func: NativeFn,
    ) -> &'static MethodDef {
        let paren = text.find('(').expect("a signature");
        let signature = &text[paren..];
        debug_assert_eq!(
            split_params(&signature[1..signature.len() - 1])
                .iter()
                .filter(|p| !matches!(p.trim(), "" | "/" | "*" | "$module"))
                .count(),
            nparams,
            "{text}"
        );
        assert!(nparams <= MAX_PARAMS);
        Box::leak(Box::new(MethodDef {
            name: &text[..paren],
            signature,
            doc,
            func,
            nparams,
            simple: !signature.contains('*'),
            flavour,
            class_name: Cell::new(""),
            raw: None,
            scrubs: Cell::new(false),
            positional: Cell::new(None),
            any_names: Cell::new(false),
            audited: None,
            parsed: OnceCell::new(),
        }))
    }

    /// The same row, for a function that is called through `func` and tells of an event.
    pub(crate) fn with_audit(&self, audited: crate::audit::Audited, func: NativeFn) -> &'static MethodDef {
        Box::leak(Box::new(MethodDef {
            name: self.name,
            signature: self.signature,
            doc: self.doc,
            func,
            nparams: self.nparams,
            simple: self.simple,
            flavour: self.flavour,
            class_name: self.class_name.clone(),
            raw: None,
            scrubs: self.scrubs.clone(),
            positional: Cell::new(None),
            any_names: Cell::new(false),
            audited: Some(Box::new(audited)),
            parsed: OnceCell::new(),
        }))
    }

    /// A row for a function that binds its arguments itself. `signature` is the text signature, or empty when unknown.
    pub fn leak_foreign(
        name: &'static str,
        signature: &'static str,
        doc: &'static str,
        flavour: Flavour,
        raw: Raw,
    ) -> &'static MethodDef {
        Box::leak(Box::new(MethodDef {
            name,
            signature,
            doc,
            func: |vm, _| Err(vm.system_error("a raw native function was called without its arguments")),
            nparams: usize::MAX,
            simple: false,
            flavour,
            class_name: Cell::new(""),
            raw: Some(raw),
            scrubs: Cell::new(false),
            positional: Cell::new(None),
            any_names: Cell::new(false),
            audited: None,
            parsed: OnceCell::new(),
        }))
    }

    /// The parsed parameter list (without `$module`).
    #[inline]
    pub fn parsed(&self) -> &Signature {
        self.parsed.get_or_init(|| {
            let text = self.signature.strip_prefix("($module, ").map(|r| {
                let s: &'static str = Box::leak(format!("({r}").into_boxed_str());
                s
            });
            Box::new(Signature::parse(match (text, self.signature) {
                (Some(t), _) => t,
                (None, "($module)") => "()",
                (None, s) => s,
            }))
        })
    }

    /// Calls it: `args` are the positional arguments (receiver first, for methods), then one value per name in `kwnames`.
    #[inline(always)]
    pub fn call(&'static self, vm: &Vm, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        if args.len() == self.nparams && self.simple && kwnames.is_none() {
            vm.native_def.set(self);
            return (self.func)(vm, args);
        }
        match &self.raw {
            Some(raw) => (raw.call)(vm, self, args, kwnames),
            None => self.call_bound(vm, args, kwnames),
        }
    }

    /// Whether a function object of it passes what it is bound to as the first argument.
    #[inline(always)]
    pub(crate) fn is_bound(&self) -> bool {
        matches!(self.flavour, Flavour::Method | Flavour::Class)
    }

    /// Whether `n` positional arguments, receiver included, need no binding but EMPTY for what is missing.
    #[inline(always)]
    pub(crate) fn takes_few(&self, n: usize) -> bool {
        self.simple && self.nparams <= FEW && n <= self.nparams && n >= self.parsed().required
    }

    /// Calls it with `first` and `rest`, which [`MethodDef::takes_few`] allows. Not inlined: as for `Vm::call_constructor`.
    #[inline(never)]
    pub(crate) fn call_few(&'static self, vm: &Vm, first: Value, rest: &[Value]) -> Res<Value> {
        let mut all = [Value::EMPTY; FEW];
        all[0] = first;
        debug_assert!(rest.len() < FEW);
        for i in 0..rest.len().min(FEW - 1) {
            // SAFETY: `i` is below the length of both. (Volatile: the caller has just written them one by one, and the compiler would copy
            // them in pairs.)
            unsafe { all.as_mut_ptr().add(i + 1).write(rest.as_ptr().add(i).read_volatile()) };
        }
        vm.native_def.set(self);
        (self.func)(vm, &all[..self.nparams])
    }

    #[inline(never)]
    fn call_bound(&'static self, vm: &Vm, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        if let Some(short) = self.positional.get().filter(|_| kwnames.is_none()) {
            vm.native_def.set(self);
            let r = short(vm, args)?;
            if !r.is_empty() {
                return Ok(r);
            }
        }
        if self.simple
            && kwnames.is_none()
            && self.nparams <= FEW
            && (self.parsed().required..self.nparams).contains(&args.len())
        {
            return self.call_filled(vm, args);
        }
        self.bind_and_call(vm, args, kwnames)
    }

    // Arrays of arguments are written whole, each in a frame of its own: places that nothing writes would keep what earlier calls left
    // there alive for as long as the function runs.

    /// Calls it with some of its few parameters.
    #[inline(never)]
    fn call_filled(&'static self, vm: &Vm, args: &[Value]) -> Res<Value> {
        let mut out = [Value::EMPTY; FEW];
        for (o, &a) in out.iter_mut().zip(args) {
            *o = a;
        }
        vm.native_def.set(self);
        (self.func)(vm, &out[..self.nparams])
    }

    #[inline(never)]
    fn bind_and_call(&'static self, vm: &Vm, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        let mut out = [Value::EMPTY; MAX_PARAMS];
        let out = &mut out[..self.nparams];
        self.bind(vm, args, kwnames, out)?;
        vm.native_def.set(self);
        (self.func)(vm, out)
    }

    fn bind(&self, vm: &Vm, args: &[Value], kwnames: Option<Ptr<TupleObj>>, out: &mut [Value]) -> Res<()> {
        let s = self.parsed();
        // The receiver, and the class of a `__new__`, are never passed by name.
        let first_keyword = s.posonly.max((self.receivers() > 0 || self.name == "__new__") as usize);
        let nkw = kwnames.map_or(0, |k| k.len());
        let npos = args.len() - nkw;
        let take = npos.min(s.positional);
        if nkw > 0 && self.takes_no_keywords() && !self.leaves_keywords(args) {
            return Err(self.no_keywords(vm, args));
        }
        out[..take].copy_from_slice(&args[..take]);
        if let Some(i) = s.varargs {
            out[i] = TupleObj::new(&args[take..npos]).value();
        } else if npos > s.positional
            || args.len() > s.params.len() && s.varkw.is_none() && !self.takes_no_keywords()
        {
            return Err(self.wrong_count(vm, args, nkw));
        }
        let mut unexpected = None;
        if nkw > 0 || s.varkw.is_some() {
            let extra = s.varkw.map(|_| DictObj::new());
            for (i, &name) in kwnames.iter().flat_map(|k| k.as_slice()).enumerate() {
                let value = args[npos + i];
                let Some(text) = name.downcast::<StrObj>() else {
                    match extra.filter(|_| self.any_names.get()) {
                        Some(d) => d.set(vm, name, value)?,
                        None => return Err(vm.type_error("keywords must be strings")),
                    }
                    continue;
                };
                let at = (first_keyword..s.params.len())
                    .find(|&j| Some(j) != s.varargs && Some(j) != s.varkw && text.eq_str(s.params[j].name));
                match at {
                    Some(j) if out[j].is_empty() => out[j] = value,
                    Some(j) => {
                        return Err(vm.type_error(format!(
                            "argument for {} given by name ('{}') and position ({})",
                            self.called(),
                            s.params[j].name,
                            j + 1 - self.receivers()
                        )));
                    }
                    None => match extra {
                        Some(d) => d.set(vm, name, value)?,
                        None if self.leaves_keywords(args) => {}
                        None => unexpected = unexpected.or(Some(text)),
                    },
                }
            }
            if let (Some(i), Some(d)) = (s.varkw, extra) {
                out[i] = d.value();
            }
        }
        for (i, p) in s.params.iter().enumerate() {
            if out[i].is_empty() && !p.optional && Some(i) != s.varargs && Some(i) != s.varkw {
                return Err(self.missing_argument(vm, i, args, nkw));
            }
        }
        match unexpected {
            Some(text) => Err(self.bad_keyword(vm, &text.display())),
            None => {
                if nkw > 0 {
                    vm.named_call.set(self);
                }
                Ok(())
            }
        }
    }

    /// Whether keywords are not this constructor's business: it takes none, and the class has a counterpart (an `__init__`
    /// for a `__new__`, and the other way round) in Python, which may.
    #[cold]
    fn leaves_keywords(&self, args: &[Value]) -> bool {
        use crate::special::Special;
        let Some(&first) = args.first() else { return false };
        let (class, counterpart) = match self.name {
            "__new__" => (first.downcast::<TypeObj>(), Special::Init),
            "__init__" => (Some(type_of(first)), Special::New),
            _ => return false,
        };
        let s = self.parsed();
        let positional = |j: usize| j < s.posonly || j == 0 || Some(j) == s.varargs;
        let f = class.map_or(Value::EMPTY, |c| c.special(counterpart));
        (0..s.params.len()).all(positional) && (f.is::<FunctionObj>() || f.is::<StaticMethodObj>())
    }
}

/// A type that a native parameter may have.
pub trait FromArg: Sized {
    /// Converts; `i` is the index of the parameter, for messages.
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self>;
}

impl FromArg for Value {
    #[inline(always)]
    fn from_arg(_: &Vm, v: Value, _: usize) -> Res<Value> {
        Ok(v)
    }
}

/// A layout whose Python type can be named in messages.
pub trait Named: HeapObject {
    /// The type's name.
    const NAME: &'static str;
}

macro_rules! named { ($($t:ty = $n:literal),* $(,)?) => { $(impl Named for $t { const NAME: &'static str = $n; })* } }
named! {
    StrObj = "str", BytesObj = "bytes", BytearrayObj = "bytearray", TupleObj = "tuple", ListObj = "list", DictObj = "dict",
    SetObj = "set", TypeObj = "type", FunctionObj = "function", CodeObj = "code", ModuleObj = "module", SliceObj = "slice",
    RangeObj = "range", CellObj = "cell", ExcObj = "BaseException", TracebackObj = "traceback", ComplexObj = "complex",
    BoundMethodObj = "method", PropertyObj = "property", LongObj = "int", FloatObj = "float",
    RangeIterObj = "range_iterator", SeqIterObj = "iterator", ClassMethodObj = "classmethod", StaticMethodObj = "staticmethod",
    BuiltinObj = "builtin_function_or_method", MethodDescrObj = "method_descriptor", GetSetObj = "getset_descriptor",
    MemberObj = "member_descriptor", NamespaceObj = "SimpleNamespace", InstanceObj = "object",
    crate::frame::FrameObj = "frame", crate::generator::GeneratorObj = "generator", crate::generator::AsyncGenAuxObj = "async_generator_asend",
}

impl<T: Named> FromArg for Ptr<T> {
    #[inline(always)]
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self> {
        match v.downcast::<T>() {
            Some(p) => Ok(p),
            None => Err(bad_argument(vm, v, i, T::NAME)),
        }
    }
}

/// `TypeError` for an argument of the wrong type to the running native function.
#[cold]
pub fn bad_argument(vm: &Vm, v: Value, i: usize, expected: &str) -> Raised {
    let def = vm.native_def();
    let got = if v.is_none() { "None".to_string() } else { type_of(v).name_str() };
    let r = def.receivers();
    if i < r {
        return vm.type_error(format!(
            "descriptor '{}' requires a '{expected}' object but received a '{}'",
            def.name,
            type_of(v).name_str()
        ));
    }
    let s = def.parsed();
    let which = if s.params.len() - r == 1 && s.posonly == s.params.len() {
        "argument".to_string()
    } else if i >= s.posonly && s.params.len() > s.posonly {
        format!("argument '{}'", s.params[i].name)
    } else {
        format!("argument {}", i + 1 - r)
    };
    vm.type_error(format!("{}() {which} must be {expected}, not {got}", def.label()))
}

impl<T: FromArg> FromArg for Option<T> {
    #[inline(always)]
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self> {
        if v.is_empty() { Ok(None) } else { T::from_arg(vm, v, i).map(Some) }
    }
}

/// A parameter for which `None` is the same as leaving it out.
pub struct OrNone<T>(pub Option<T>);

impl<T: FromArg> FromArg for OrNone<T> {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self> {
        if v.is_empty() || v.is_none() {
            Ok(OrNone(None))
        } else {
            T::from_arg(vm, v, i).map(|x| OrNone(Some(x)))
        }
    }
}

impl FromArg for bool {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<bool> {
        vm.truth(v)
    }
}

impl FromArg for f64 {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<f64> {
        vm.to_f64(v)
    }
}

macro_rules! int_args { ($($t:ty = $c:literal),*) => { $(
    impl FromArg for $t {
        fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<$t> {
            let i = vm.index_int(v)?;
            match &i {
                Int::Small(i) => <$t>::try_from(*i).ok(),
                Int::Big(b) => <$t>::try_from(b).ok(),
            }
            .ok_or_else(|| vm.overflow_error(concat!("Python int too large to convert to C ", $c)))
        }
    }
)* } }
int_args!(
    i32 = "int",
    i64 = "long",
    isize = "ssize_t",
    u8 = "unsigned char",
    u32 = "unsigned int",
    u64 = "unsigned long",
    usize = "size_t"
);

impl FromArg for Int {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Int> {
        vm.index_int(v)
    }
}

/// A `str` argument as Rust text (lone surrogates raise `UnicodeEncodeError`).
impl FromArg for String {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<String> {
        let s = Ptr::<StrObj>::from_arg(vm, v, i)?;
        vm.utf8(s)
    }
}

/// What a native function may return.
pub trait IntoRes {
    /// The Python value.
    fn into_res(self, vm: &Vm) -> Res<Value>;
}

impl IntoRes for Value {
    #[inline(always)]
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(self)
    }
}
impl<T: IntoRes> IntoRes for Res<T> {
    #[inline(always)]
    fn into_res(self, vm: &Vm) -> Res<Value> {
        self?.into_res(vm)
    }
}
impl<T: HeapObject> IntoRes for Ptr<T> {
    #[inline(always)]
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(self.value())
    }
}
impl<T: IntoRes> IntoRes for Option<T> {
    fn into_res(self, vm: &Vm) -> Res<Value> {
        match self {
            Some(x) => x.into_res(vm),
            None => Ok(Value::NONE),
        }
    }
}
impl IntoRes for () {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(Value::NONE)
    }
}
impl IntoRes for bool {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(Value::bool(self))
    }
}
impl IntoRes for f64 {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(Value::float(self))
    }
}
impl IntoRes for Int {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(self.into_value())
    }
}
impl IntoRes for String {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(StrObj::new(&self).value())
    }
}
impl IntoRes for &str {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(StrObj::new(self).value())
    }
}
impl IntoRes for num_bigint::BigInt {
    fn into_res(self, _: &Vm) -> Res<Value> {
        Ok(Int::Big(self).into_value())
    }
}
macro_rules! int_results { ($($t:ty),*) => { $(impl IntoRes for $t {
    fn into_res(self, _: &Vm) -> Res<Value> { Ok(int_from(self as i128)) }
})* } }
int_results!(i32, i64, isize, u8, u16, u32, u64, usize);

/// An `int` value from any machine integer.
pub fn int_from(i: i128) -> Value {
    i128_value(i)
}

/// A Rust function that can be wrapped as a [`NativeFn`].
pub trait IntoNative<A>: Copy + 'static {
    /// Number of Python parameters.
    const ARITY: usize;
    /// Converts the arguments, calls, converts the result.
    fn invoke(self, vm: &Vm, args: &[Value]) -> Res<Value>;
}

macro_rules! into_native { ($n:literal $($a:ident $i:tt),*) => {
    impl<F, R, $($a),*> IntoNative<(R, $($a,)*)> for F
    where F: Fn(&Vm, $($a),*) -> R + Copy + 'static, R: IntoRes, $($a: FromArg),* {
        const ARITY: usize = $n;
        #[inline(always)]
        #[allow(non_snake_case, reason = "the arguments are named after their types")]
        fn invoke(self, vm: &Vm, args: &[Value]) -> Res<Value> {
            assert!(args.len() == $n);
            // A conversion may run Python code, which calls other native functions.
            let def = vm.native_def.get();
            $(
                let $a = <$a>::from_arg(vm, args[$i], $i)?;
                vm.native_def.set(def);
            )*
            let _ = def;
            self(vm, $($a),*).into_res(vm)
        }
    }
} }
into_native!(0);
into_native!(1 A 0);
into_native!(2 A 0, B 1);
into_native!(3 A 0, B 1, C 2);
into_native!(4 A 0, B 1, C 2, D 3);
into_native!(5 A 0, B 1, C 2, D 3, E 4);
into_native!(6 A 0, B 1, C 2, D 3, E 4, G 5);
into_native!(7 A 0, B 1, C 2, D 3, E 4, G 5, H 6);
into_native!(8 A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7);
into_native!(9 A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8);
into_native!(10 A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9);
into_native!(11 A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10);
into_native!(12 A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11);

/// Wraps a Rust function. It must be a function item or a closure that captures nothing.
pub fn native<A, F: IntoNative<A>>(_: F) -> NativeFn {
    fn trampoline<A, F: IntoNative<A>>(vm: &Vm, args: &[Value]) -> Res<Value> {
        const { assert!(size_of::<F>() == 0, "native functions capture nothing") };
        // SAFETY: a zero-sized Copy type has exactly one value, and `native` was given it.
        let f: F = unsafe { std::mem::zeroed() };
        f.invoke(vm, args)
    }
    trampoline::<A, F>
}

/// Adds methods and attributes to a class.
#[derive(Clone, Copy)]
pub struct TypeBuilder(Ptr<TypeObj>);

/// Adds to an existing native class.
pub fn extend(class: Ptr<TypeObj>) -> TypeBuilder {
    TypeBuilder(class)
}

/// Makes a class whose instances are laid out as `T`. `name` may be dotted: the part before the last dot becomes `__module__`.
pub fn new_type<T: HeapObject>(name: &'static str, base: Ptr<TypeObj>, flags: u32) -> TypeBuilder {
    TypeBuilder(crate::class::make_native(NewType { name, base, kind: T::kind(), flags }))
}

/// As [`new_type`], with `words` values of storage behind the struct (the base's own ones first), which subclasses inherit.
pub fn new_type_with_tail<T: HeapObject>(
    name: &'static str,
    base: Ptr<TypeObj>,
    flags: u32,
    words: u16,
) -> TypeBuilder {
    let t = crate::class::make_native(NewType { name, base, kind: T::kind(), flags });
    crate::class::add_tail(t, base.nslots.get() + words);
    TypeBuilder(t)
}

impl TypeBuilder {
    /// The class.
    pub fn class(self) -> Ptr<TypeObj> {
        self.0
    }

    fn put(self, name: &str, v: Value) -> Self {
        self.0.dict().set_str(intern(name), v);
        crate::class::native_attribute_added(self.0, name, v);
        self
    }

    /// Adds a method. Special methods become `wrapper_descriptor`s.
    pub fn method<A, F: IntoNative<A>>(self, text: &'static str, doc: &'static str, f: F) -> Self {
        let def = MethodDef::leak(text, doc, Flavour::Method, f);
        if def.name == "__init__" {
            // Messages about constructor arguments speak of the class.
            def.class_name.set(Box::leak(self.0.name_str().into_boxed_str()));
        }
        self.def(def)
    }

    /// Gives the method just declared under this name a shorter way ([`MethodDef::positional`]).
    pub fn positional(self, name: &str, f: NativeFn) -> Self {
        let m = self.0.dict().get_str(intern(name)).and_then(|m| m.downcast::<MethodDescrObj>());
        m.expect("a method").def.positional.set(Some(f));
        self
    }

    /// The method just declared under this name judges keywords that are no strings itself ([`MethodDef::any_names`]).
    pub fn any_names(self, name: &str) -> Self {
        let m = self.0.dict().get_str(intern(name)).and_then(|m| m.downcast::<MethodDescrObj>());
        m.expect("a method").def.any_names.set(true);
        self
    }

    /// Adds a row made elsewhere.
    pub fn def(self, def: &'static MethodDef) -> Self {
        let v = crate::class::method_descriptor(self.0, def);
        self.put(def.name, v)
    }

    /// Adds `__new__`: its first parameter is the class.
    pub fn new_fn<A, F: IntoNative<A>>(self, text: &'static str, doc: &'static str, f: F) -> Self {
        let def = MethodDef::leak(text, doc, Flavour::Static, f);
        def.class_name.set(Box::leak(self.0.name_str().into_boxed_str()));
        let b = BuiltinObj::new(def, self.0.value(), Value::NONE);
        self.put("__new__", b.value())
    }

    /// Lets `object.__new__` make the instances, by this function: for classes that have a layout of their own and only `__init__`.
    /// (No class between them and `object` may have a `__new__`.)
    pub fn allocated_by(self, make: fn(Ptr<TypeObj>) -> Value) -> Self {
        self.0.allocate.set(Some(make));
        self
    }

    /// Adds `__new__` under another name in messages than the class's: `function` for none. `short` is its way for calls with
    /// positional arguments only ([`MethodDef::positional`]).
    pub fn new_called<A, F: IntoNative<A>>(
        self,
        called: &'static str,
        text: &'static str,
        doc: &'static str,
        f: F,
        short: Option<NativeFn>,
    ) -> Self {
        let def = MethodDef::leak(text, doc, Flavour::Static, f);
        def.class_name.set(if called == "function" { messages::UNNAMED } else { called });
        def.positional.set(short);
        let b = BuiltinObj::new(def, self.0.value(), Value::NONE);
        self.put("__new__", b.value())
    }

    /// Adds a class method.
    pub fn class_method<A, F: IntoNative<A>>(self, text: &'static str, doc: &'static str, f: F) -> Self {
        let def = MethodDef::leak(text, doc, Flavour::Class, f);
        self.def(def)
    }

    /// Adds a static method.
    pub fn static_method<A, F: IntoNative<A>>(self, text: &'static str, doc: &'static str, f: F) -> Self {
        let def = MethodDef::leak(text, doc, Flavour::Static, f);
        let b = BuiltinObj::new(def, self.0.value(), Value::NONE);
        let s = crate::class::static_method(b.value());
        self.put(def.name, s)
    }

    /// Adds a read-only attribute.
    pub fn getter<A, F: IntoNative<A>>(self, name: &'static str, doc: &'static str, get: F) -> Self {
        self.getset_raw(name, doc, native(get), None)
    }

    /// Adds an attribute. `set` takes the object and the new value (EMPTY to delete it).
    pub fn getset<A, B, F: IntoNative<A>, G: IntoNative<B>>(
        self,
        name: &'static str,
        doc: &'static str,
        get: F,
        set: G,
    ) -> Self {
        self.getset_raw(name, doc, native(get), Some(native(set)))
    }

    /// Adds an attribute from already wrapped functions.
    pub fn getset_raw(
        self,
        name: &'static str,
        doc: &'static str,
        get: NativeFn,
        set: Option<NativeFn>,
    ) -> Self {
        let def: &'static GetSetDef = Box::leak(Box::new(GetSetDef { name, doc, get, set, raw: None }));
        let map = rt().maps.getset_descriptor;
        let d = cape_heap::heap().alloc(
            map,
            GetSetObj {
                header: cape_heap::Header::new(map),
                def,
                class: cape_heap::Field::new(self.0.value()),
            },
        );
        self.put(name, d.value())
    }

    /// Attributes of the class that are `member_descriptor`s in CPython; names that it does not have are passed over.
    pub fn members(self, names: &[&str]) -> Self {
        for name in names {
            if let Some(v) = self.0.dict().get_str(intern(name))
                && v.is::<GetSetObj>()
            {
                v.header().set_map(rt().maps.native_member);
            }
        }
        self
    }

    /// Adds a plain class attribute.
    pub fn attribute(self, name: &str, v: Value) -> Self {
        self.put(name, v)
    }

    /// Sets the docstring. Types whose instances have a `__doc__` attribute keep that in their namespace.
    pub fn doc(self, text: &'static str) -> Self {
        let s = StrObj::new(text).value();
        self.0.native_data.set(self.0, s);
        match self.0.dict().get_str(rt().names.doc) {
            Some(v) if v.is::<GetSetObj>() => self,
            _ => self.put("__doc__", s),
        }
    }
}

/// Adds to a native module's namespace.
impl ModuleObj {
    /// Adds a function. `text` is `"name(parameters)"`, without or with `$module`.
    pub fn function<A, F: IntoNative<A>>(&self, text: &'static str, doc: &'static str, f: F) -> &Self {
        let def = MethodDef::leak(text, doc, Flavour::Function, f);
        let name = self.get(rt().names.name).unwrap_or(Value::NONE);
        let b = BuiltinObj::new(def, self.header.as_value(), name);
        self.dict().set_str(intern(def.name), b.value());
        self
    }

    /// The interpreter calls these functions itself, with a clean stack: see [`MethodDef::scrubs`].
    pub fn called_cleanly(&self, names: &[&str]) {
        for name in names {
            let f = self.dict().get_str(intern(name)).and_then(|f| f.downcast::<BuiltinObj>());
            f.expect("a function").def.scrubs.set(true);
        }
    }

    /// Makes functions of the module, and methods of its classes (`Class.method`), tell of events ([`crate::audit::audited`]): rows of
    /// name, event and arguments.
    pub fn audited(&self, rows: &[(&str, &'static str, &str)]) {
        for &(name, event, arguments) in rows {
            let (class, name) = match name.split_once('.') {
                Some((class, name)) => (self.get(intern(class)).and_then(|c| c.downcast::<TypeObj>()), name),
                None => (None, name),
            };
            let ns = class.map_or(self.dict(), |c| c.dict());
            let f = ns.get_str(intern(name)).expect("a name of the module");
            let v = if let Some(f) = f.downcast::<BuiltinObj>() {
                BuiltinObj::new(crate::audit::audited(f.def, event, arguments), f.this.get(), f.module.get())
                    .value()
            } else {
                let f: Ptr<MethodDescrObj> = f.downcast().expect("a native function");
                let class = class.expect("the method of a class");
                crate::class::method_descriptor(class, crate::audit::audited(f.def, event, arguments))
            };
            ns.set_str(intern(name), v);
            if let Some(class) = class {
                crate::class::native_attribute_added(class, name, v);
            }
        }
    }

    /// Adds a value.
    pub fn add(&self, name: &str, v: Value) -> &Self {
        self.dict().set_str(intern(name), v);
        self
    }

    /// Adds a class under its name.
    pub fn class(&self, t: Ptr<TypeObj>) -> &Self {
        self.dict().set_str(rt().intern(&t.name_str()), t.value());
        self
    }
}
