//! Raising exceptions from native code.

use cape_heap::{MapRef, Ptr, Value};

use crate::object::{ExcObj, StrObj, TracebackObj, TupleObj, TypeObj};
use crate::runtime::{intern, rt, type_of};
use crate::vm::Vm;

/// A raised exception on its way up: the `Err` of everything that can raise. It holds the exception object, so
/// it may live in native stack frames only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raised(Ptr<ExcObj>);

/// The result of an operation that can raise.
pub type Res<T = Value> = Result<T, Raised>;

impl Raised {
    /// Raises this exception object.
    pub fn new(exc: Ptr<ExcObj>) -> Raised {
        Raised(exc)
    }

    /// The exception object.
    pub fn exc(self) -> Ptr<ExcObj> {
        self.0
    }

    /// The exception object as a value.
    pub fn value(self) -> Value {
        self.0.value()
    }

    /// Whether it is an instance of the exception class.
    pub fn is(self, class: Ptr<TypeObj>) -> bool {
        crate::runtime::type_of(self.value()).is_subtype(class)
    }
}

impl std::fmt::Debug for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let class = crate::runtime::type_of(self.value()).name_str();
        let args: Ptr<TupleObj> = self.0.args.downcast().expect("args is a tuple");
        write!(f, "{class}({:?}", args.as_slice())?;
        for a in args.as_slice() {
            if let Some(s) = a.downcast::<StrObj>() {
                write!(f, " {:?}", s.display())?;
            }
        }
        write!(f, ")")
    }
}

/// Builtin exception classes: field of [`crate::runtime::Types`], Python name, base.
#[macro_export]
macro_rules! for_each_exception {
    ($m:ident) => {
        $m! {
            base_exception "BaseException" object,
            base_exception_group "BaseExceptionGroup" base_exception,
            generator_exit "GeneratorExit" base_exception,
            keyboard_interrupt "KeyboardInterrupt" base_exception,
            system_exit "SystemExit" base_exception,
            exception "Exception" base_exception,
            arithmetic_error "ArithmeticError" exception,
            floating_point_error "FloatingPointError" arithmetic_error,
            overflow_error "OverflowError" arithmetic_error,
            zero_division_error "ZeroDivisionError" arithmetic_error,
            assertion_error "AssertionError" exception,
            attribute_error "AttributeError" exception,
            buffer_error "BufferError" exception,
            eof_error "EOFError" exception,
            import_error "ImportError" exception,
            module_not_found_error "ModuleNotFoundError" import_error,
            lookup_error "LookupError" exception,
            index_error "IndexError" lookup_error,
            key_error "KeyError" lookup_error,
            memory_error "MemoryError" exception,
            name_error "NameError" exception,
            unbound_local_error "UnboundLocalError" name_error,
            os_error "OSError" exception,
            blocking_io_error "BlockingIOError" os_error,
            child_process_error "ChildProcessError" os_error,
            connection_error "ConnectionError" os_error,
            broken_pipe_error "BrokenPipeError" connection_error,
            connection_aborted_error "ConnectionAbortedError" connection_error,
            connection_refused_error "ConnectionRefusedError" connection_error,
            connection_reset_error "ConnectionResetError" connection_error,
            file_exists_error "FileExistsError" os_error,
            file_not_found_error "FileNotFoundError" os_error,
            interrupted_error "InterruptedError" os_error,
            is_a_directory_error "IsADirectoryError" os_error,
            not_a_directory_error "NotADirectoryError" os_error,
            permission_error "PermissionError" os_error,
            process_lookup_error "ProcessLookupError" os_error,
            timeout_error "TimeoutError" os_error,
            reference_error "ReferenceError" exception,
            runtime_error "RuntimeError" exception,
            not_implemented_error "NotImplementedError" runtime_error,
            python_finalization_error "PythonFinalizationError" runtime_error,
            recursion_error "RecursionError" runtime_error,
            stop_async_iteration "StopAsyncIteration" exception,
            stop_iteration "StopIteration" exception,
            syntax_error "SyntaxError" exception,
            incomplete_input_error "_IncompleteInputError" syntax_error,
            indentation_error "IndentationError" syntax_error,
            tab_error "TabError" indentation_error,
            system_error "SystemError" exception,
            type_error "TypeError" exception,
            value_error "ValueError" exception,
            unicode_error "UnicodeError" value_error,
            unicode_decode_error "UnicodeDecodeError" unicode_error,
            unicode_encode_error "UnicodeEncodeError" unicode_error,
            unicode_translate_error "UnicodeTranslateError" unicode_error,
            warning "Warning" exception,
            bytes_warning "BytesWarning" warning,
            deprecation_warning "DeprecationWarning" warning,
            encoding_warning "EncodingWarning" warning,
            future_warning "FutureWarning" warning,
            import_warning "ImportWarning" warning,
            pending_deprecation_warning "PendingDeprecationWarning" warning,
            resource_warning "ResourceWarning" warning,
            runtime_warning "RuntimeWarning" warning,
            syntax_warning "SyntaxWarning" warning,
            unicode_warning "UnicodeWarning" warning,
            user_warning "UserWarning" warning,
        }
    };
}

macro_rules! raisers {
    ($($field:ident $name:literal $base:ident,)*) => {
        impl Vm {
            $(
                #[doc = concat!("A raised `", $name, "` with this message.")]
                #[cold]
                pub fn $field(&self, message: impl AsRef<str>) -> Raised {
                    self.new_exc(rt().types.$field, message.as_ref())
                }
            )*
        }
    };
}
for_each_exception!(raisers);

impl Vm {
    /// A raised exception of a builtin class with one message argument.
    #[cold]
    pub fn new_exc(&self, class: Ptr<TypeObj>, message: &str) -> Raised {
        self.new_exc_args(class, &[StrObj::new(message).value()])
    }

    /// A raised exception of a builtin class with these `args` (its constructor is not called).
    #[cold]
    pub fn new_exc_args(&self, class: Ptr<TypeObj>, args: &[Value]) -> Raised {
        let map: MapRef = class.instance_map();
        Raised(ExcObj::with_map(map, TupleObj::new(args)))
    }

    /// `KeyError(key)`.
    #[cold]
    pub fn key_error_for(&self, key: Value) -> Raised {
        self.new_exc_args(rt().types.key_error, &[key])
    }

    /// `StopIteration(value)`; without an argument when `value` is None.
    pub fn stop_iteration_with(&self, value: Value) -> Raised {
        let r = self.new_exc_args(
            rt().types.stop_iteration,
            if value.is_none() { &[] } else { std::slice::from_ref(&value) },
        );
        set_extra(r.exc(), 0, value);
        r
    }

    /// `AttributeError` with its `name` and `obj` attributes.
    #[cold]
    pub fn attribute_error_for(&self, message: String, obj: Value, name: Value) -> Raised {
        let r = self.attribute_error(message);
        set_extra(r.exc(), 0, name);
        set_extra(r.exc(), 1, obj);
        r
    }

    /// `NameError` with its `name` attribute; `unbound_local` selects `UnboundLocalError`.
    #[cold]
    pub fn name_error_for(&self, message: String, name: Value, unbound_local: bool) -> Raised {
        if unbound_local {
            // Its name is not wanted: suggestions would be of other variables.
            return self.unbound_local_error(message);
        }
        let r = self.name_error(message);
        set_extra(r.exc(), 0, name);
        r
    }

    /// The `NotImplementedError` for a part of Python that Cape does not have yet.
    #[cold]
    pub fn missing(&self, what: &str) -> Raised {
        self.not_implemented_error(format!("{what} is not implemented in Cape"))
    }
}

/// Number of cells in an exception's `extra` array.
const EXTRA: usize = 9;

/// Sets one of the class-specific fields of an exception. Which field is which is a matter of the class:
/// StopIteration `value`; SystemExit `code`; NameError `name`; AttributeError `name, obj`; ImportError `msg, name, path, name_from`;
/// OSError `errno, strerror, filename, winerror, filename2, characters_written`; SyntaxError `msg, filename, lineno, offset, text,
/// end_lineno, end_offset, print_file_and_line, _metadata`; Unicode errors `encoding, object, start, end, reason`; groups `message, exceptions` and the
/// text of a custom sequence given as the latter.
pub fn set_extra(exc: Ptr<ExcObj>, i: usize, v: Value) {
    let array = match exc.extra.downcast::<crate::object::ArrayObj>() {
        Some(a) => a,
        None => {
            let a = crate::object::ArrayObj::new(EXTRA);
            exc.extra.set(exc, a.value());
            a
        }
    };
    array.set(i, v);
}

/// One of the class-specific fields; EMPTY when it was never set.
pub fn extra(exc: Ptr<ExcObj>, i: usize) -> Value {
    exc.extra.downcast::<crate::object::ArrayObj>().map_or(Value::EMPTY, |a| a.get(i))
}

impl Vm {
    /// Calls `sys.unraisablehook` for an exception that cannot be raised; `message`, a str or None, begins the report, `object` is what it is
    /// about. `None`: there is no hook, or nothing could be told it. Err: what the hook raises.
    #[cold]
    pub fn call_unraisable_hook(&self, e: &Raised, message: Value, object: Value) -> Option<Res<()>> {
        let hook = rt().sys().get_str(rt().names.unraisablehook).filter(|h| !h.is_none())?;
        if let Some(frame) = self.top_frame()
            && e.exc().traceback.downcast::<TracebackObj>().is_none()
        {
            // Native code raised it: it is told where.
            self.add_traceback(e.exc(), frame);
        }
        let fields = [
            ("exc_type", type_of(e.value()).value()),
            ("exc_value", e.value()),
            ("exc_traceback", e.exc().traceback.get()),
            ("err_msg", message),
            ("object", object),
        ];
        let args = self.call(rt().types.simple_namespace.value(), &[]).ok()?;
        fields.iter().all(|(name, v)| self.set_attr(args, intern(name), *v).is_ok()).then(|| {
            self.audit("sys.unraisablehook", &[hook, args]).and_then(|()| self.call(hook, &[args]).map(drop))
        })
    }

    /// Reports an exception that nobody can catch, if there is a hook; what that raises is nobody's either.
    #[cold]
    pub fn report_unraisable(&self, e: Raised, message: &str) {
        let _ = self.call_unraisable_hook(&e, StrObj::new(message).value(), Value::NONE);
    }

    /// Reports an exception that was raised while doing something with `object`.
    #[cold]
    pub fn report_ignored(&self, e: Raised, doing: &str, object: Value) {
        let shown = self.repr_str(object).unwrap_or_else(|_| "<object repr() failed>".to_string());
        self.report_unraisable(e, &format!("Exception ignored while {doing} {shown}"));
    }
}
