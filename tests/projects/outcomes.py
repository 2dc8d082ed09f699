"""A plugin of pytest's that writes what becomes of each test to the file that CAPE_OUTCOMES names: a line "start<TAB>test" when it
begins, a line "passed", "failed" or "skipped" and the test when it has ended, and "end" behind the last. A test that fails as it is
expected to has passed. CAPE_TEST_EXECUTABLE is what sys.executable is meant to be."""

import os
import sys

_report = open(os.environ.pop("CAPE_OUTCOMES"), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
sys.executable = os.environ.pop("CAPE_TEST_EXECUTABLE", sys.executable)
_worst = {}


def _say(kind, test):
    print(kind, test.encode("unicode_escape").decode(), sep="\t", file=_report)


def pytest_runtest_logstart(nodeid, location):
    _say("start", nodeid)


def pytest_runtest_logreport(report):
    expected = hasattr(report, "wasxfail") and report.outcome == "skipped"
    outcome = "passed" if expected else report.outcome
    # Preparing it and cleaning up after it have outcomes of their own, and so have the subtests.
    order = ("passed", "skipped", "failed")
    _worst[report.nodeid] = max(outcome, _worst.get(report.nodeid, "passed"), key=order.index)


def pytest_runtest_logfinish(nodeid, location):
    _say(_worst.pop(nodeid, "skipped"), nodeid)


def pytest_collectreport(report):
    if report.outcome == "failed":
        _say("failed", report.nodeid)
    elif report.outcome == "skipped":
        _say("skipped", report.nodeid)


def pytest_unconfigure(config):
    _say("end", "")
    _report.close()
