//! Interned names that the VM itself uses.

use cape_heap::Value;

macro_rules! names {
    ($($field:ident $text:literal),* $(,)?) => {
        /// The names.
        #[allow(missing_docs, reason = "each is named like its text")]
        pub struct Names { $(pub $field: Value),* }
        impl Names {
            pub(crate) fn placeholder() -> Names { Names { $($field: Value::NONE),* } }
            pub(crate) fn fill(&mut self) { $(self.$field = crate::runtime::intern($text);)* }
        }
    };
}

names! {
    dict "__dict__", class "__class__", name "__name__", qualname "__qualname__", module "__module__", doc "__doc__",
    slots "__slots__", weakref "__weakref__", classcell "__classcell__", classdictcell "__classdictcell__", bases "__bases__", mro "mro",
    annotations "__annotations__", annotate "__annotate__", annotate_func "__annotate_func__", type_params "__type_params__",
    static_attributes "__static_attributes__", firstlineno "__firstlineno__", abstractmethods "__abstractmethods__",
    builtins "__builtins__", import "__import__", build_class "__build_class__", file "__file__", path "__path__",
    loader "__loader__", package "__package__", spec "__spec__", all "__all__", main "__main__", match_args "__match_args__",
    send "send", throw "throw", close "close", keys "keys", items "items", get "get", value "value", notes "__notes__",
    isabstractmethod "__isabstractmethod__", wrapped "__wrapped__", orig_bases "__orig_bases__", orig_class "__orig_class__",
    text_signature "__text_signature__", objclass "__objclass__", self_ "__self__", func "__func__", metaclass "metaclass",
    modules "modules", stdout "stdout", stderr "stderr", stdin "stdin", excepthook "excepthook", displayhook "displayhook",
    underscore "_", empty_module "builtins", types_module "types", initializing "_initializing", encoding "encoding", errors "errors",
    flush "flush", write "write", read "read", lt_module "<module>", lambda "<lambda>", format_spec "format_spec",
    unraisablehook "unraisablehook", warnings "warnings", conditional_annotations "__conditional_annotations__", classdict "__classdict__",
    getattr "__getattr__", dir "__dir__", exc_notes "add_note", args "args", print_file_and_line "print_file_and_line",
    super_ "super",
}
