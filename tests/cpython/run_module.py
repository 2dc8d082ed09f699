"""Runs one module of CPython's test-suite: run_module.py MODULE REPORT [DONE]

Writes a line per event to the file REPORT, at once, so that whoever waits sees which test was running
when the process died: "start<TAB>test", "pass", "fail<TAB>test<TAB>reason", "skip<TAB>test<TAB>reason".
DONE is a file of tests to leave out, because another process has run them."""

import importlib
import importlib.util
import os
import sys
import types
import unittest


def line(text):
    """The text on one line, without tabs, not too long."""
    return " ".join(str(text).split())[:200]


def reason(err):
    kind, value, _ = err
    return line(f"{kind.__name__}: {value}")


class Report(unittest.TestResult):
    def __init__(self, path):
        super().__init__()
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.outcome = None
        self.running = None

    def write(self, *fields):
        os.write(self.file, ("\t".join(map(line, fields)) + "\n").encode("utf-8", "backslashreplace"))

    def startTest(self, test):
        super().startTest(test)
        self.running = test
        # A test may have an attribute `id` of its own later.
        self.name = test.id()
        self.outcome = None
        self.write("start", self.name)

    def stopTest(self, test):
        super().stopTest(test)
        self.running = None
        if self.outcome and self.outcome[0] != "pass" and hasattr(sys, "monitoring"):
            # What a test has claimed that was given up in its `setUp` would fail all that follow.
            for tool in range(6):
                sys.monitoring.free_tool_id(tool)
        self.write(*(self.outcome or ("pass", self.name)))

    def note(self, kind, test, why):
        if self.running is None:  # a fixture of a class or module
            self.write("start", test.id())
            self.write(kind, test.id(), why)
        elif self.outcome is None or self.outcome[0] == "skip":
            self.outcome = (kind, self.name, why)

    def addError(self, test, err):
        self.note("fail", test, reason(err))

    def addFailure(self, test, err):
        self.note("fail", test, reason(err))

    def addSkip(self, test, why):
        if self.running is None or test is self.running:
            self.note("skip", test, why)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note("fail", test, reason(err))

    def addUnexpectedSuccess(self, test):
        self.note("fail", test, "unexpected success")

    def addExpectedFailure(self, test, err):
        pass


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


class Insides(types.ModuleType):
    """Stands in for CPython's `_testinternalcapi` in the modules whose names begin with `asks`: who wants one of its functions after the
    import, or calls it, is skipped."""

    def __init__(self, name, asks):
        super().__init__(name)
        self.asks = asks
        self.imported = False

    def __getattr__(self, name):
        if name.startswith("__") or not sys._getframe(1).f_globals.get("__name__", "").startswith(self.asks):
            raise AttributeError(name)
        if self.imported:
            raise unittest.SkipTest(f"asks for CPython's insides: {name}")

        def function(*args, **kwargs):
            raise unittest.SkipTest(f"asks for CPython's insides: {name}")

        return function


WAITING = tuple(
    "test.test_capi.test_misc.TestPendingCalls." + test
    for test in (
        "test_isolated_subinterpreter",
        "test_many_subthreads_can_handle_pending_calls",
        "test_subthreads_can_handle_pending_calls",
    )
)
"""Tests that wait for what CPython's insides are to do in another thread or interpreter, where nobody hears that they are not there."""


def import_without_insides(name, asks):
    """Imports a test module that cannot be imported without `_testinternalcapi`, which is there as long as that takes."""
    insides = "_testinternalcapi"
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != insides:
            return
        sys.modules[insides] = Insides(insides, asks)
        try:
            importlib.import_module(name)
        finally:
            sys.modules.pop(insides).imported = True
    except Exception:
        pass  # the loader tells


def load(name):
    """The tests of a module, or of all modules of a package."""
    name = f"test.{name}"
    import_without_insides(name, name)
    for folder in getattr(sys.modules.get(name), "__path__", ()):
        for inner in sorted(os.listdir(folder)):
            if inner.startswith("test_") and inner.endswith(".py"):
                import_without_insides(f"{name}.{inner[:-3]}", name)
    loader = unittest.TestLoader()
    tests = list(flat(loader.loadTestsFromName(name)))
    module = sys.modules.get(name)
    if not tests and hasattr(module, "__path__"):
        top = os.path.dirname(os.path.dirname(module.__path__[0]))
        tests = list(flat(loader.discover(module.__path__[0], top_level_dir=top)))
    return tests


def main():
    name, path = sys.argv[1:3]
    done = set()
    if len(sys.argv) > 3:
        with open(sys.argv[3], encoding="utf-8") as file:
            done = set(file.read().splitlines())
    report = Report(path)
    try:
        from test import support
    except Exception as error:
        report.write("start", "test.support")
        report.write("fail", "test.support", f"{type(error).__name__}: {error}")
        raise
    support.use_resources = {}  # no network, no gigabytes, no minutes
    try:
        tests = load(name)
    except unittest.SkipTest as why:
        report.write("start", name)
        report.write("skip", name, why)
        return
    if not importlib.util.find_spec("_testinternalcapi"):
        for test in WAITING:
            if any(test == other.id() for other in tests):
                done.add(test)
                report.write("skip", test, "asks for CPython's insides")
    suite = unittest.TestSuite(test for test in tests if line(test.id()) not in done)
    suite.run(report)
    os.write(report.file, b"end\n")


if __name__ == "__main__":
    main()
