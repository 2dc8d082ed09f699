//! Native modules of the standard library: one file (or folder) per module.
//!
//! A row of the table below is a module: the file has `pub fn init(vm, module)`, which fills the module's namespace when it is
//! imported for the first time.

mod audits;
pub mod c_int;
pub mod compression;
pub mod contents;
pub mod duration;
pub mod fsname;
pub mod hashes;
mod import_lock;
pub mod interpreters;
pub mod lock;
pub mod multibyte;
pub mod oserror;
pub mod pending;
pub mod prompt;
pub mod report;
pub mod statics;
pub mod stdprinter;
pub mod sys;
pub mod sys_call;
pub mod warn;

use cape_vm::rt;

macro_rules! modules {
    ($($name:literal $file:ident),* $(,)?) => {
        $(pub mod $file;)*
        /// Makes all native modules importable.
        pub fn register() {
            $(rt().add_native_module($name, |vm, m| {
                $file::init(vm, m)?;
                audits::declare($name, m);
                Ok(())
            });)*
            multibyte::register();
            rt().add_native_module("_interpreters", interpreters::module::init);
            rt().add_native_module("_interpqueues", interpreters::queues::init);
            rt().add_native_module("_interpchannels", interpreters::channels::init);
            contents::register();
        }
    };
}

modules! {
    "_abc" abc,
    "_collections" collections,
    "_functools" functools,
    "_operator" operator,
    "_types" types_module,
    "_typing" typing_module,
    "_weakref" weakref_module,
    "itertools" itertools,
    "_cape_stdlib" cape_stdlib,
    "_codecs" codecs,
    "_string" string_,
    "_imp" imp,
    "_bisect" bisect,
    "_heapq" heapq,
    "_random" random,
    "_remote_debugging" remote_debugging,
    "_statistics" statistics,
    "_tracemalloc" tracemalloc,
    "_suggestions" suggestions,
    "cmath" cmath,
    "_struct" structs,
    "array" array,
    "errno" errno,
    "math" math,
    "marshal" marshal,
    "_contextvars" contextvars,
    "_ast" ast_,
    "_symtable" symtable_,
    "_sysconfig" sysconfig_,
    "_tokenize" tokenize_,
    "_blake2" blake2,
    "_bz2" bz2,
    "_csv" csv,
    "_decimal" decimal,
    "_hmac" hmac,
    "_json" json,
    "_lsprof" lsprof,
    "_lzma" lzma,
    "_md5" md5,
    "_multiprocessing" multiprocessing,
    "_opcode" opcode,
    "_sha1" sha1,
    "_sha2" sha2,
    "_sha3" sha3,
    "_sre" sre,
    "_warnings" warnings,
    "atexit" atexit,
    "binascii" binascii,
    "faulthandler" faulthandler,
    "gc" gc,
    "_uuid" uuid,
    "zlib" zlib,
    "_posixshmem" posixshmem,
    "posix" posix,
    "pyexpat" pyexpat,
    "unicodedata" unicodedata,
    "resource" resource,
    "_locale" locale,
    "_posixsubprocess" posixsubprocess,
    "_queue" thread_queue,
    "_socket" socket,
    "_stat" stat_,
    "fcntl" fcntl,
    "mmap" mmap,
    "grp" grp,
    "pwd" pwd,
    "select" select,
    "termios" termios,
    "_io" io,
    "_signal" signal,
    "_thread" thread,
    "time" time,
}
