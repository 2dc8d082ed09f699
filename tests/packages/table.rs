//! The packages whose own tests are run: a row per package.

/// A package.
pub struct Package {
    /// Name and version.
    pub requirement: &'static str,
    /// Folder of its Python files in the source package; none: it is an extension alone.
    pub python: Option<&'static str>,
    /// Its extension modules.
    pub extensions: &'static [Extension],
    /// Folder of its tests in the source package, and beside the package.
    pub tests: &'static str,
    /// Arguments of `suite.py`.
    pub suite: &'static [&'static str],
    /// Whether its tests import pytest, which runs them or not.
    pub pytest: bool,
    /// How the collector is stressed: small enough to meet everything, large enough for minutes.
    pub stress: &'static str,
}

/// An extension module.
pub struct Extension {
    /// Path without suffix beside the package.
    pub target: &'static str,
    /// Its files, `*` standing for all names.
    pub sources: &'static [&'static str],
    /// Flags of the compiler; folders of `-I` are in the source package.
    pub flags: &'static [&'static str],
}

/// What pytest needs, all in pure Python.
pub const PYTEST: &[&str] =
    &["pytest==9.2.0", "pluggy==1.7.0", "iniconfig==2.3.1", "packaging==26.4", "pygments==2.21.0"];

const DOUBLE_CONVERSION: &str = "src/ujson/deps/double-conversion/double-conversion/*.cc";

/// The packages.
pub const PACKAGES: &[Package] = &[
    Package {
        requirement: "simplejson==4.3.0",
        python: Some("simplejson"),
        extensions: &[Extension {
            target: "simplejson/_speedups",
            sources: &["simplejson/_speedups.c"],
            flags: &[],
        }],
        tests: "simplejson/tests",
        suite: &["unittest", "simplejson/tests", "."],
        pytest: false,
        stress: "every:2000,move,poison,verify",
    },
    Package {
        requirement: "ujson==6.1.0",
        python: None,
        extensions: &[Extension {
            target: "ujson",
            sources: &["src/ujson/*.c", "src/ujson/dconv_wrapper.cc", DOUBLE_CONVERSION],
            flags: &[
                "-DUJSON_VERSION=\"6.1.0\"",
                "-D_GNU_SOURCE",
                "-Isrc/ujson",
                "-Isrc/ujson/deps/double-conversion/double-conversion",
                "-lstdc++",
                "-lm",
            ],
        }],
        tests: "tests",
        suite: &["pytest", "tests"],
        pytest: true,
        stress: "every:20000,move,poison,verify",
    },
    Package {
        requirement: "msgpack==1.2.4",
        python: Some("msgpack"),
        // The C that Cython made is in the source package.
        extensions: &[Extension {
            target: "msgpack/_cmsgpack",
            sources: &["msgpack/_cmsgpack.c"],
            flags: &["-I."],
        }],
        tests: "test",
        suite: &["pytest", "test"],
        pytest: true,
        stress: "every:5000,move,poison,verify",
    },
    Package {
        requirement: "bitarray==3.12.3",
        python: Some("bitarray"),
        extensions: &[
            Extension { target: "bitarray/_bitarray", sources: &["bitarray/_bitarray.c"], flags: &[] },
            Extension { target: "bitarray/_util", sources: &["bitarray/_util.c"], flags: &[] },
        ],
        tests: "bitarray",
        suite: &["modules", "bitarray.test_bitarray", "bitarray.test_util", "bitarray.test_bitfields"],
        pytest: false,
        stress: "every:1000,move,poison,verify",
    },
    Package {
        requirement: "xxhash==4.1.0",
        python: Some("xxhash"),
        extensions: &[Extension {
            target: "xxhash/_xxhash",
            sources: &["src/_xxhash.c", "deps/xxhash/*.c"],
            flags: &["-Ideps/xxhash", "-DXXHASH_X86_DISPATCH=1"],
        }],
        tests: "tests",
        suite: &["unittest", "tests", "."],
        pytest: true,
        stress: "every:20000,move,poison,verify",
    },
];
