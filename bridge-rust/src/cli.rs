//! The command line: CPython's options.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use cape_vm::config::Config;

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Main {
    /// `-c command`
    Command(OsString),
    /// `-m module`
    Module(String),
    /// A script, a folder or an archive.
    File(OsString),
    /// Standard input: `-`, or nothing.
    Stdin,
}

/// The parsed command line.
pub struct Cli {
    /// Options for the runtime.
    pub config: Config,
    /// What to run.
    pub main: Main,
    /// `-X gc=...`, or CAPEGC.
    pub gc: Option<String>,
    /// `-X jit=...`, or CAPEJIT.
    pub jit: Option<String>,
    /// `--profile FILE`
    pub profile: Option<OsString>,
}

const USAGE: &str = "\
usage: cape [option] ... [-c cmd | -m mod | file | -] [arg] ...
Options:
-b     : issue warnings about converting bytes/bytearray to str and comparing
         bytes/bytearray with str or bytes with int (-bb: issue errors)
-B     : don't write .pyc files on import; also PYTHONDONTWRITEBYTECODE=x
-c cmd : program passed in as string (terminates option list)
-d     : turn on parser debugging output
-E     : ignore PYTHON* environment variables (such as PYTHONPATH), CAPEGC and CAPEJIT
-h     : print this help message and exit (also -? or --help)
-i     : inspect interactively after running script
-I     : isolate Cape from the user's environment (implies -E and -s)
-m mod : run library module as a script (terminates option list)
-O     : remove assert and __debug__-dependent statements
-OO    : do -O changes and also discard docstrings
-P     : don't prepend a potentially unsafe path to sys.path
-q     : don't print version and copyright messages on interactive startup
-s     : don't add user site directory to sys.path
-S     : don't imply 'import site' on initialization
-u     : force the stdout and stderr streams to be unbuffered
-v     : verbose (trace import statements); can be repeated
-V     : print the Cape version number and exit (also --version)
-W arg : warning control; arg is action:message:category:module:lineno
-x     : skip first line of source
-X opt : set implementation-specific option: dev, faulthandler, utf8,
         int_max_str_digits=N, tracemalloc=FRAMES, gc=every:N,move,poison,verify, jit=off|HEAT, profile=FILE
--profile FILE: sample the program; write FILE (for pprof), FILE.svg, FILE.folded
file   : program read from script file
-      : program read from stdin (default; interactive mode if a tty)
arg ...: arguments passed to program in sys.argv[1:]
";

fn bad(message: &str) -> i32 {
    eprintln!(
        "{message}\nusage: cape [option] ... [-c cmd | -m mod | file | -] [arg] ...\nTry `cape -h' for more information."
    );
    2
}

/// Says what is wrong with a setting of the interpreter; the exit code.
fn fatal(setting: &str, message: &str) -> i32 {
    eprintln!("Fatal Python error: {setting}: {message}\nPython runtime state: preinitialized\n");
    1
}

/// `-X int_max_str_digits`, or PYTHONINTMAXSTRDIGITS.
fn max_str_digits(value: Option<&str>, source: &str) -> Result<usize, i32> {
    match value.and_then(|v| v.parse().ok()) {
        Some(n) if n == 0 || n >= 640 => Ok(n),
        _ => Err(fatal(
            "config_init_int_max_str_digits",
            &format!("{source}: invalid limit; must be >= 640 or 0 for unlimited."),
        )),
    }
}

/// `-X tracemalloc`, or PYTHONTRACEMALLOC: how many frames are kept.
fn traced_frames(value: &str, source: &str) -> Result<usize, i32> {
    match value.parse() {
        Ok(n) if n <= cape_stdlib::tracemalloc::MOST_FRAMES => Ok(n),
        _ => Err(fatal("config_init_tracemalloc", &format!("{source}: invalid number of frames"))),
    }
}

/// Whether `-X cpu_count` or PYTHON_CPU_COUNT has a value that can be meant.
fn check_cpu_count(value: Option<&str>) -> Result<(), i32> {
    match value {
        Some("default") => Ok(()),
        Some(v) if v.parse().is_ok_and(|n: i32| n > 0) => Ok(()),
        _ => Err(fatal(
            "config_init_cpu_count",
            "-X cpu_count=n option: n is missing or an invalid number, n must be greater than 0",
        )),
    }
}

/// Parses the arguments. Err: the exit code, when everything has been said.
pub fn parse(args: Vec<OsString>) -> Result<Cli, i32> {
    let mut c = Config { orig_argv: args.clone(), ..Config::default() };
    c.executable = executable(args.first());
    let mut gc = None;
    let mut jit = None;
    let mut profile = None;
    let mut main = None;
    let mut random_hashes = false;
    let mut i = 1;
    let mut rest_from = args.len();
    'args: while i < args.len() {
        let arg = args[i].as_bytes().to_vec();
        if arg == b"-" {
            main = Some(Main::Stdin);
            rest_from = i;
            break;
        }
        if arg == b"--" {
            i += 1;
            break;
        }
        if arg.first() != Some(&b'-') {
            break;
        }
        if arg.starts_with(b"--") {
            match arg.as_slice() {
                b"--help" => {
                    print!("{USAGE}");
                    return Err(0);
                }
                b"--version" => {
                    println!("{}", version());
                    return Err(0);
                }
                b"--check-hash-based-pycs" => i += 1,
                b"--profile" => {
                    i += 1;
                    match args.get(i) {
                        Some(file) => profile = Some(file.clone()),
                        None => return Err(bad("Argument expected for the --profile option")),
                    }
                }
                long if long.starts_with(b"--profile=") => {
                    profile = Some(OsString::from_vec(long[b"--profile=".len()..].to_vec()));
                }
                _ => return Err(bad(&format!("unknown option {}", String::from_utf8_lossy(&arg)))),
            }
            i += 1;
            continue;
        }
        let mut j = 1;
        while j < arg.len() {
            let letter = arg[j];
            j += 1;
            if b"cmWX".contains(&letter) {
                let value = if j < arg.len() {
                    OsString::from_vec(arg[j..].to_vec())
                } else {
                    i += 1;
                    match args.get(i) {
                        Some(v) => v.clone(),
                        None => {
                            return Err(bad(&format!(
                                "Argument expected for the -{} option",
                                letter as char
                            )));
                        }
                    }
                };
                let text = value.to_string_lossy().into_owned();
                match letter {
                    b'c' => {
                        main = Some(Main::Command(value));
                        rest_from = i + 1;
                        break 'args;
                    }
                    b'm' => {
                        main = Some(Main::Module(text));
                        rest_from = i + 1;
                        break 'args;
                    }
                    b'W' => c.warn_options.push(text),
                    _ => {
                        let (k, v) = match text.split_once('=') {
                            Some((k, v)) => (k.to_string(), Some(v.to_string())),
                            None => (text, None),
                        };
                        match (k.as_str(), &v) {
                            ("gc", Some(v)) => gc = Some(v.clone()),
                            ("jit", Some(v)) => jit = Some(v.clone()),
                            ("profile", Some(v)) => profile = Some(v.into()),
                            ("dev", _) => c.dev_mode = true,
                            ("faulthandler", _) => c.faulthandler = true,
                            ("no_debug_ranges", _) => c.no_debug_ranges = true,
                            ("warn_default_encoding", _) => c.warn_default_encoding = true,
                            ("int_max_str_digits", v) => {
                                c.int_max_str_digits = max_str_digits(v.as_deref(), "-X int_max_str_digits")?;
                            }
                            ("tracemalloc", v) => {
                                let frames = v.as_deref().unwrap_or("1");
                                c.tracemalloc = traced_frames(frames, "-X tracemalloc=NFRAME")?;
                            }
                            ("cpu_count", v) => check_cpu_count(v.as_deref())?,
                            ("importtime", Some(v)) if v.parse().is_ok_and(|n: i32| n != 1 && n != 2) => {
                                return Err(fatal(
                                    "config_init_import_time",
                                    "-X importtime: values other than 1 and 2 are reserved for future use.",
                                ));
                            }
                            _ => {}
                        }
                        c.x_options.push((k, v));
                    }
                }
                break;
            }
            match letter {
                b'b' => c.bytes_warning += 1,
                b'B' => c.dont_write_bytecode = true,
                b'd' => c.debug += 1,
                b'E' => c.ignore_environment = true,
                b'h' | b'?' => {
                    print!("{USAGE}");
                    return Err(0);
                }
                b'i' => {
                    c.inspect = true;
                    c.interactive = true;
                }
                b'I' => {
                    c.isolated = true;
                    c.ignore_environment = true;
                    c.no_user_site = true;
                    c.safe_path = true;
                }
                b'O' => c.optimize = c.optimize.saturating_add(1),
                b'P' => c.safe_path = true,
                b'q' => c.quiet = true,
                b'R' => random_hashes = true,
                b't' | b'J' => {}
                b's' => c.no_user_site = true,
                b'S' => c.no_site = true,
                b'u' => c.unbuffered = true,
                b'v' => c.verbose += 1,
                b'V' => {
                    println!("{}", version());
                    return Err(0);
                }
                b'x' => c.x_options.push(("skip_first_line".into(), None)),
                _ => return Err(bad(&format!("Unknown option: -{}", letter as char))),
            }
        }
        i += 1;
    }
    let main = match main {
        Some(m) => m,
        None if i < args.len() => {
            rest_from = i;
            Main::File(args[i].clone())
        }
        None => {
            rest_from = args.len();
            Main::Stdin
        }
    };
    let first = match &main {
        Main::Command(_) => Some("-c".into()),
        Main::Module(_) => Some("-m".into()),
        Main::File(_) => None,
        Main::Stdin if rest_from >= args.len() => Some("".into()),
        Main::Stdin => None,
    };
    c.argv = first.into_iter().chain(args[rest_from.min(args.len())..].iter().cloned()).collect();
    crate::path_file::read(&mut c);
    environment(&mut c, random_hashes)?;
    c.utf8_mode = utf8_mode(&c)?;
    c.ascii_names = !c.utf8_mode && keeps_c_locale(&c);
    if c.dev_mode {
        c.faulthandler = true;
        c.warn_options.insert(0, "default".into());
    }
    match c.bytes_warning {
        0 => {}
        1 => c.warn_options.push("default::BytesWarning".into()),
        _ => c.warn_options.push("error::BytesWarning".into()),
    }
    let variable = |name| std::env::var(name).ok().filter(|v| !v.is_empty() && !c.ignore_environment);
    let (gc, jit) = (gc.or_else(|| variable("CAPEGC")), jit.or_else(|| variable("CAPEJIT")));
    Ok(Cli { config: c, main, gc, jit, profile })
}

fn version() -> String {
    let (a, b, c) = cape_stdlib::sys::VERSION;
    format!("Python {a}.{b}.{c} (Cape {})", env!("CARGO_PKG_VERSION"))
}

/// The path of this program as it was called: not that of what a link leads to, for environments are links.
fn executable(arg0: Option<&OsString>) -> String {
    let real = std::env::current_exe().ok();
    let called = arg0.map(Path::new).and_then(|name| match name.components().count() {
        0 => None,
        1 if !name.as_os_str().as_encoded_bytes().contains(&b'/') => {
            std::env::var_os("PATH").and_then(|path| {
                std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.is_file())
            })
        }
        _ => Some(name.to_path_buf()),
    });
    // The name may be anything: it counts if it leads here.
    let called = called
        .and_then(|p| std::path::absolute(p).ok())
        .filter(|p| p.canonicalize().ok() == real.as_ref().and_then(|r| r.canonicalize().ok()));
    let path = called.or(real).or_else(|| arg0.map(PathBuf::from)).unwrap_or_default();
    path.to_string_lossy().into_owned()
}

/// The locale's category for characters, by the environment.
pub(crate) fn ctype_locale() -> String {
    let get = |n: &str| std::env::var(n).ok().filter(|v| !v.is_empty());
    get("LC_ALL").or_else(|| get("LC_CTYPE")).or_else(|| get("LANG")).unwrap_or_default()
}

/// Whether a locale is the one of programs that say nothing.
pub(crate) fn is_posix(locale: &str) -> bool {
    matches!(locale, "" | "C" | "POSIX")
}

/// Whether the C locale is to stay, where it usually stands for UTF-8 (PEP 538): LC_ALL or PYTHONCOERCECLOCALE says so.
fn keeps_c_locale(c: &Config) -> bool {
    let is = |n: &str, what: &dyn Fn(&str) -> bool| std::env::var(n).is_ok_and(|v| what(&v));
    let kept = !c.ignore_environment && is("PYTHONCOERCECLOCALE", &|v| v == "0");
    is("LC_ALL", &|v| matches!(v, "C" | "POSIX")) || kept && is_posix(&ctype_locale())
}

/// Whether everything is UTF-8, whatever the locale says: by `-X utf8`, PYTHONUTF8, or in the C locale.
fn utf8_mode(c: &Config) -> Result<bool, i32> {
    let option = c.x_options.iter().rev().find(|o| o.0 == "utf8").map(|o| o.1.as_deref());
    let variable = std::env::var("PYTHONUTF8").ok().filter(|v| !v.is_empty() && !c.ignore_environment);
    let (value, what) = match (option, &variable) {
        (Some(v), _) => (v.unwrap_or("1"), "-X utf8 option"),
        (None, Some(v)) => (v.as_str(), "PYTHONUTF8 environment variable"),
        (None, None) => return Ok(is_posix(&ctype_locale())),
    };
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(fatal("preconfig_init_utf8_mode", &format!("invalid {what} value"))),
    }
}

/// Reads the environment, where the options do not say otherwise. Err: the exit code.
fn environment(c: &mut Config, random_hashes: bool) -> Result<(), i32> {
    c.home = std::env::var("CAPEHOME").ok().filter(|v| !v.is_empty());
    c.report_loaded_modules = c.option("importtime", "PYTHONPROFILEIMPORTTIME").is_some_and(|v| v == "2");
    if c.ignore_environment {
        return Ok(());
    }
    let get = |n: &str| std::env::var(n).ok().filter(|v| !v.is_empty());
    if let Some(p) = std::env::var_os("PYTHONPATH").filter(|p| !p.is_empty()) {
        let folders = p.as_bytes().split(|&b| b == b':');
        c.python_path = folders.map(|f| OsStr::from_bytes(f).to_owned()).collect();
    }
    let count = |v: &str| v.parse::<u8>().unwrap_or(1).max(1);
    if let Some(v) = get("PYTHONOPTIMIZE") {
        c.optimize = c.optimize.max(count(&v));
    }
    if let Some(v) = get("PYTHONVERBOSE") {
        c.verbose = c.verbose.max(count(&v));
    }
    if get("PYTHONDEBUG").is_some() {
        c.debug = c.debug.max(1);
    }
    c.dont_write_bytecode |= get("PYTHONDONTWRITEBYTECODE").is_some();
    c.no_user_site |= get("PYTHONNOUSERSITE").is_some();
    c.unbuffered |= get("PYTHONUNBUFFERED").is_some();
    c.safe_path |= get("PYTHONSAFEPATH").is_some();
    c.inspect |= get("PYTHONINSPECT").is_some();
    c.dev_mode |= get("PYTHONDEVMODE").is_some();
    c.warn_default_encoding |= get("PYTHONWARNDEFAULTENCODING").is_some();
    c.io_encoding = get("PYTHONIOENCODING").unwrap_or_default();
    c.faulthandler |= get("PYTHONFAULTHANDLER").is_some();
    c.no_debug_ranges |= get("PYTHONNODEBUGRANGES").is_some();
    if let Some(v) = get("PYTHONHASHSEED").filter(|v| !random_hashes && v != "random") {
        let Ok(seed) = v.parse() else {
            return Err(fatal(
                "config_init_hash_seed",
                "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]",
            ));
        };
        c.hash_seed = Some(seed);
    }
    if let Some(v) = get("PYTHONINTMAXSTRDIGITS")
        && !c.x_options.iter().any(|o| o.0 == "int_max_str_digits")
    {
        c.int_max_str_digits = max_str_digits(Some(&v), "PYTHONINTMAXSTRDIGITS")?;
    }
    if let Some(v) = get("PYTHONTRACEMALLOC")
        && !c.x_options.iter().any(|o| o.0 == "tracemalloc")
    {
        c.tracemalloc = traced_frames(&v, "PYTHONTRACEMALLOC")?;
    }
    if let Some(v) = get("PYTHON_CPU_COUNT")
        && !c.x_options.iter().any(|o| o.0 == "cpu_count")
    {
        check_cpu_count(Some(&v))?;
    }
    if let Some(w) = get("PYTHONWARNINGS") {
        let mut all: Vec<String> = w.split(',').map(str::to_string).collect();
        all.append(&mut c.warn_options);
        c.warn_options = all;
    }
    Ok(())
}
