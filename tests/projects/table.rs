//! The projects whose own tests are run: a row per project.

/// A project.
pub struct Project {
    /// Name and version.
    pub requirement: &'static str,
    /// What it and its tests need besides pytest.
    pub with: &'static [&'static str],
    /// Whether its tests are in its source package; they are in the wheel otherwise.
    pub source: bool,
    /// Arguments of pytest: options, files and folders of the tests.
    pub arguments: &'static [&'static str],
}

/// pytest, and what it needs.
pub const PYTEST: &[&str] =
    &["pytest==9.2.0", "pluggy==1.7.0", "iniconfig==2.3.1", "packaging==26.4", "pygments==2.21.0"];

const ATTRS: &str = "attrs==26.1.0";
const CLICK: &str = "click==8.5.1";
// The last but few in pure Python.
const HYPOTHESIS: &str = "hypothesis==6.148.0";
const IDNA: &str = "idna==3.20";
const ITSDANGEROUS: &str = "itsdangerous==2.2.0";
const JINJA: &str = "jinja2==3.1.6";
const MARKUPSAFE: &str = "markupsafe==3.0.4";
const SORTED: &str = "sortedcontainers==2.4.0";

/// The projects.
pub const PROJECTS: &[Project] = &[
    Project {
        requirement: "pytest==9.2.0",
        with: &[
            ATTRS,
            HYPOTHESIS,
            SORTED,
            "argcomplete==3.7.2",
            "elementpath==5.1.4",
            "mock==5.2.0",
            "pexpect==4.9.0",
            "ptyprocess==0.7.0",
            "setuptools==84.2.1",
            "xmlschema==4.3.2",
        ],
        source: true,
        arguments: &[],
    },
    Project { requirement: ATTRS, with: &[HYPOTHESIS, SORTED], source: true, arguments: &["tests"] },
    Project { requirement: CLICK, with: &[], source: true, arguments: &["tests"] },
    Project {
        requirement: JINJA,
        with: &[MARKUPSAFE, ATTRS, IDNA, SORTED, "outcome==1.3.0.post0", "sniffio==1.3.1", "trio==0.35.0"],
        source: true,
        arguments: &["tests"],
    },
    Project {
        requirement: ITSDANGEROUS,
        with: &["freezegun==1.5.5", "python-dateutil==4.0.0", "six==1.17.0"],
        source: true,
        arguments: &["tests"],
    },
    Project {
        requirement: "flask==3.1.3",
        with: &[
            // Its fixtures ask for a name that later ones do not have.
            "pytest==8.4.2",
            "asgiref==3.13.0",
            "blinker==1.9.0",
            CLICK,
            ITSDANGEROUS,
            JINJA,
            MARKUPSAFE,
            "python-dotenv==1.2.4",
            "werkzeug==3.1.9",
        ],
        source: true,
        arguments: &["tests"],
    },
    Project { requirement: IDNA, with: &[HYPOTHESIS, SORTED], source: true, arguments: &["tests"] },
    Project { requirement: "more-itertools==11.2.1", with: &[], source: true, arguments: &["tests"] },
    Project {
        requirement: "packaging==26.4",
        with: &[HYPOTHESIS, SORTED, "pretend==1.0.9", "tomli-w==1.2.0"],
        source: true,
        // What is left out are 50,000 pairs of versions, which would take longer than all the rest.
        arguments: &["tests", "-k", "not test_comparison_true and not test_comparison_false"],
    },
    Project {
        requirement: "pygments==2.21.0",
        with: &[],
        source: true,
        arguments: &["tests", "--ignore=tests/contrast"],
    },
    Project { requirement: "docutils==0.23", with: &[], source: true, arguments: &["test"] },
    Project {
        requirement: "markdown==3.11.3",
        with: &["pyyaml==6.0.3"],
        source: true,
        arguments: &["tests"],
    },
    Project {
        requirement: "pyparsing==3.3.3",
        with: &[JINJA, MARKUPSAFE, "railroad-diagrams==3.0.1"],
        source: true,
        // What is left out expects a finalizer at the end of a function: when Cape's runs depends on the collections.
        arguments: &["tests", "-k", "not testWarnIncorrectAssignmentToForward"],
    },
    Project {
        requirement: "requests==2.34.2",
        with: &[
            IDNA,
            "certifi==2026.10.19.post1",
            "charset-normalizer==3.5.3",
            "urllib3==2.8.0",
            "pysocks==1.7.1",
            "pytest-mock==3.17.0",
            // The server that its tests talk to.
            "pytest-httpbin==2.1.0",
            "httpbin==0.10.4",
            "blinker==1.9.0",
            "brotlicffi==1.2.1.0",
            "cffi==2.1.1",
            CLICK,
            "decorator==5.3.1",
            "flask==3.1.3",
            ITSDANGEROUS,
            JINJA,
            MARKUPSAFE,
            "six==1.17.0",
            "werkzeug==3.1.9",
        ],
        source: true,
        // What is left out waits for an address that answers nothing, and in some networks is refused at once.
        arguments: &["tests", "-k", "not test_connect_timeout and not test_total_timeout_connect"],
    },
    Project {
        requirement: "networkx==3.7",
        with: &[],
        source: false,
        // The algorithms take half an hour.
        arguments: &[
            "--pyargs",
            "networkx.classes",
            "networkx.generators",
            "networkx.readwrite",
            "networkx.utils",
            "networkx.tests",
        ],
    },
];
