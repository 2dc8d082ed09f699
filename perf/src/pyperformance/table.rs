//! The programs of pyperformance that need the standard library alone, or packages in pure Python (`requirements.txt`): a row per
//! program.

/// A program.
pub struct Program {
    /// What it belongs to, in pyperformance's words where it has some.
    pub group: &'static str,
    /// Its folder, after `bm_`.
    pub name: &'static str,
    /// The arguments of each of its variants.
    pub variants: &'static [&'static str],
    /// A folder beside the program that it imports from.
    pub vendor: Option<&'static str>,
    /// Why it does not run on Cape, where it does not.
    pub trouble: Option<&'static str>,
}

/// A program with arguments.
#[derive(Clone, Copy)]
pub struct Variant {
    /// The program.
    pub program: &'static Program,
    /// What it is told.
    pub arguments: &'static str,
}

impl Variant {
    /// "name arguments".
    pub fn label(&self) -> String {
        format!("{} {}", self.program.name, self.arguments).trim_end().to_string()
    }
}

/// A program without arguments.
const fn program(group: &'static str, name: &'static str) -> Program {
    Program { group, name, variants: &[""], vendor: None, trouble: None }
}

impl Program {
    /// Its variants.
    pub fn variants(&'static self) -> impl Iterator<Item = Variant> {
        self.variants.iter().map(move |arguments| Variant { program: self, arguments })
    }

    const fn with(mut self, variants: &'static [&'static str]) -> Program {
        self.variants = variants;
        self
    }

    const fn beside(mut self, vendor: &'static str) -> Program {
        self.vendor = Some(vendor);
        self
    }

    const fn fails(mut self, trouble: &'static str) -> Program {
        self.trouble = Some(trouble);
        self
    }
}

const ASYNC_TREE: &[&str] = &[
    "none",
    "cpu_io_mixed",
    "io",
    "memoization",
    "none --task-groups",
    "cpu_io_mixed --task-groups",
    "io --task-groups",
    "memoization --task-groups",
    "eager",
    "eager_cpu_io_mixed",
    "eager_io",
    "eager_memoization",
    "eager --task-groups",
    "eager_cpu_io_mixed --task-groups",
    "eager_io --task-groups",
    "eager_memoization --task-groups",
];

/// The programs.
pub const PROGRAMS: &[Program] = &[
    program("apps", "2to3").beside("vendor/src"),
    program("apps", "docutils"),
    program("apps", "html5lib"),
    program("apps", "networkx")
        .with(&["shortest_path", "connected_components", "k_core"])
        .fails("there is no _bz2"),
    program("apps", "sqlglot_v2").with(&["normalize", "optimize", "parse", "transpile"]),
    program("asyncio", "async_generators"),
    program("asyncio", "async_tree").with(ASYNC_TREE),
    program("asyncio", "asyncio_tcp").with(&["", "--ssl"]).fails("there is no _ssl"),
    program("asyncio", "coroutines"),
    program("decimal", "decimal_factorial")
        .fails("Decimal is the one in Python: 10**MAX_PREC is a MemoryError"),
    program("decimal", "decimal_pi"),
    program("decimal", "telco"),
    program("math", "barnes_hut"),
    program("math", "float"),
    program("math", "nbody"),
    program("math", "pidigits"),
    program("math", "scimark"),
    program("math", "spectral_norm"),
    program("memory", "gc_collect").fails("gc.collect() does not count what it frees"),
    program("memory", "gc_traversal"),
    program("language", "comprehensions"),
    program("language", "generators"),
    program("language", "unpack_sequence"),
    program("library", "argparse").with(&["many_optionals", "subparsers"]),
    program("library", "concurrent_imap").fails("there is no _multiprocessing"),
    program("library", "deepcopy"),
    program("library", "logging"),
    program("library", "pathlib"),
    program("library", "pprint"),
    program("library", "sqlite_synth"),
    program("library", "typing_runtime_protocols"),
    program("programs", "bpe_tokeniser"),
    program("programs", "chaos"),
    program("programs", "deltablue"),
    program("programs", "fannkuch"),
    program("programs", "go"),
    program("programs", "hexiom"),
    program("programs", "mdp"),
    program("programs", "meteor_contest"),
    program("programs", "nqueens"),
    program("programs", "pyflate"),
    program("programs", "raytrace"),
    program("programs", "richards"),
    program("programs", "richards_super"),
    program("regex", "regex_compile"),
    program("regex", "regex_dna"),
    program("regex", "regex_effbot"),
    program("regex", "regex_v8"),
    program("serialize", "base64"),
    program("serialize", "json_dumps"),
    program("serialize", "json_loads"),
    program("serialize", "pickle").with(&["--pure-python pickle", "--pure-python unpickle"]),
    program("serialize", "pickle")
        .with(&["pickle", "pickle_dict", "pickle_list", "unpickle", "unpickle_list"])
        .fails("there is no _pickle"),
    program("serialize", "tomli_loads"),
    program("serialize", "xml_etree").fails("there is no pyexpat"),
    program("startup", "python_startup").with(&["", "--no-site"]),
    program("template", "chameleon"),
    program("template", "genshi").fails("there is no pyexpat"),
];
