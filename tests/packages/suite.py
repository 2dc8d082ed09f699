"""Runs a package's own tests and prints what became of each: a line "outcome<TAB>test" per test that is not passed, and in the end
"counts<TAB>run<TAB>passed<TAB>failed<TAB>skipped".

usage: suite.py unittest START TOP | suite.py modules NAME... | suite.py pytest FOLDER

unittest discovers tests in START, modules loads them from modules. CAPE_TEST_EXECUTABLE is what sys.executable is meant to be."""

import os
import sys


def note(outcomes, outcome, test):
    # A test that fails in several subtests is one failure.
    if outcomes.get(test) != "failed":
        outcomes[test] = outcome


def run_unittest(suite, outcomes):
    import unittest

    class Result(unittest.TextTestResult):
        def addSuccess(self, test):
            super().addSuccess(test)
            note(outcomes, "passed", test.id())

        def addFailure(self, test, err):
            super().addFailure(test, err)
            note(outcomes, "failed", test.id())

        def addError(self, test, err):
            super().addError(test, err)
            note(outcomes, "failed", test.id())

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            note(outcomes, "skipped", test.id())

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            note(outcomes, "passed", test.id())

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            note(outcomes, "failed", test.id())

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                note(outcomes, "failed", test.id())

    unittest.TextTestRunner(resultclass=Result).run(suite)


def run_pytest(folder, outcomes):
    import pytest

    class Plugin:
        def pytest_runtest_logreport(self, report):
            if report.when == "call" or report.outcome != "passed":
                # An expected failure is what is wanted; pytest says "skipped".
                expected = hasattr(report, "wasxfail") and report.outcome == "skipped"
                note(outcomes, "passed" if expected else report.outcome, report.nodeid)

        def pytest_collectreport(self, report):
            if report.outcome == "failed":
                note(outcomes, "failed", report.nodeid)

    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-W", "ignore", "--continue-on-collection-errors", folder],
                plugins=[Plugin()])


def main():
    if executable := os.environ.get("CAPE_TEST_EXECUTABLE"):
        sys.executable = executable
    how, *rest = sys.argv[1:]
    sys.argv[1:] = []
    # Tests that start interpreters find the packages, too; this script's folder is no part of it.
    sys.path[0] = os.getcwd()
    outcomes = {}
    if how == "pytest":
        run_pytest(rest[0], outcomes)
    else:
        import unittest

        loader = unittest.defaultTestLoader
        if how == "unittest":
            suite = loader.discover(rest[0], top_level_dir=rest[1])
        else:
            suite = loader.loadTestsFromNames(rest)
        run_unittest(suite, outcomes)
    sys.stdout.flush()
    sys.stderr.flush()
    for test, outcome in sorted(outcomes.items()):
        if outcome != "passed":
            print("", outcome, test, sep="\t")
    counts = [sum(o == kind for o in outcomes.values()) for kind in ("passed", "failed", "skipped")]
    print("", "counts", len(outcomes), *counts, sep="\t")


main()
