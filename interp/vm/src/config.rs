//! The interpreter's options: command line and environment, read once.

use crate::siphash::Key;

/// Options that the VM and the `sys` module look at.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sys.argv`.
    pub argv: Vec<std::ffi::OsString>,
    /// `sys.orig_argv`.
    pub orig_argv: Vec<std::ffi::OsString>,
    /// The executable's path.
    pub executable: String,
    /// `-X name[=value]` options, in order.
    pub x_options: Vec<(String, Option<String>)>,
    /// `-W` arguments and `PYTHONWARNINGS`.
    pub warn_options: Vec<String>,
    /// `-O` count.
    pub optimize: u8,
    /// `-B`.
    pub dont_write_bytecode: bool,
    /// `-s`.
    pub no_user_site: bool,
    /// `-S`.
    pub no_site: bool,
    /// `-E`.
    pub ignore_environment: bool,
    /// `-I`.
    pub isolated: bool,
    /// `-P`.
    pub safe_path: bool,
    /// `-v` count.
    pub verbose: u8,
    /// `-q`.
    pub quiet: bool,
    /// `-i`.
    pub inspect: bool,
    /// Standing at a prompt.
    pub interactive: bool,
    /// `-b` count.
    pub bytes_warning: u8,
    /// `-u`.
    pub unbuffered: bool,
    /// `-d`.
    pub debug: u8,
    /// `-X dev`.
    pub dev_mode: bool,
    /// `-X utf8`.
    pub utf8_mode: bool,
    /// The C locale, asked for in so many words: what the system gives and takes is ASCII.
    pub ascii_names: bool,
    /// `PYTHONHASHSEED`: `None` for random.
    pub hash_seed: Option<u32>,
    /// `-X int_max_str_digits`.
    pub int_max_str_digits: usize,
    /// Folders that `PYTHONPATH` lists.
    pub python_path: Vec<std::ffi::OsString>,
    /// What a file beside the executable says that `sys.path` is.
    pub path_file: Option<Vec<std::ffi::OsString>>,
    /// `CAPEHOME`: a standard library on disk instead of the embedded one.
    pub home: Option<String>,
    /// `-X frozen_modules`-like switch for tests: import the library from `home` only.
    pub warn_default_encoding: bool,
    /// `PYTHONIOENCODING`: encoding and error handler of the standard streams, `encoding:handler`; empty: the usual ones.
    pub io_encoding: String,
    /// `-X no_debug_ranges`: code knows lines only.
    pub no_debug_ranges: bool,
    /// `-X faulthandler`, `PYTHONFAULTHANDLER` or `-X dev`: fatal signals show where they came.
    pub faulthandler: bool,
    /// `-X tracemalloc` or `PYTHONTRACEMALLOC`: how many frames are kept of where an object was made; 0: objects are not traced.
    pub tracemalloc: usize,
    /// `-X importtime=2`: imports of modules that are loaded already are reported, too.
    pub report_loaded_modules: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            argv: Vec::new(),
            orig_argv: Vec::new(),
            executable: String::new(),
            x_options: Vec::new(),
            warn_options: Vec::new(),
            optimize: 0,
            dont_write_bytecode: false,
            no_user_site: false,
            no_site: false,
            ignore_environment: false,
            isolated: false,
            safe_path: false,
            verbose: 0,
            quiet: false,
            inspect: false,
            interactive: false,
            bytes_warning: 0,
            unbuffered: false,
            debug: 0,
            dev_mode: false,
            utf8_mode: false,
            ascii_names: false,
            hash_seed: None,
            int_max_str_digits: 4300,
            python_path: Vec::new(),
            path_file: None,
            home: None,
            warn_default_encoding: false,
            io_encoding: String::new(),
            no_debug_ranges: false,
            faulthandler: false,
            tracemalloc: 0,
            report_loaded_modules: false,
        }
    }
}

impl Config {
    /// What `-X option=value` says, or else the environment, where it counts.
    pub fn option(&self, name: &str, variable: &str) -> Option<String> {
        match self.x_options.iter().rev().find(|o| o.0 == name) {
            Some((_, value)) => value.clone(),
            None if self.ignore_environment => None,
            None => std::env::var(variable).ok(),
        }
    }

    /// The key of the hashes of strings: random, or from the fixed seed.
    pub(crate) fn hash_key(&self) -> Key {
        self.hash_seed.map_or_else(Key::random, Key::of_seed)
    }
}
