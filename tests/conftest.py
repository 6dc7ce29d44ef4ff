"""For all tests: what some of them measure is printed at the end of the run.

A test reports a figure with ``record_property("measured", "what: how much")``. Figures are
told, never asserted: machines differ. For the same reason hypothesis has no deadline here.
"""

from __future__ import annotations

import gc

import hypothesis
import pytest

hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")


def pytest_collection_finish() -> None:
    """What is there by now stays, and no collection of garbage need look at it again.

    These are millions of objects: tests that count what is left would walk over them each time.
    """
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    lines = [
        str(value)
        for report in reports
        for name, value in report.user_properties
        if name == "measured" and report.when == "call"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
