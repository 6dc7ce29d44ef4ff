"""``python -m tests.work [--lower]``: all figures beside their budgets.

``--lower`` writes those that are lower now into the table. It raises none: for that somebody has to
think of a reason. Do it with the oldest Python that is supported, which needs the most.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from tests.work.budgets import BUDGETS
from tests.work.judging import Budget, Spent, grown, shrunk

_HERE = Path(__file__).parent
_TABLE = _HERE / "budgets.py"
_WIDTH = 120


class Figures:
    """What the tests have measured."""

    def __init__(self) -> None:
        self.spent: list[Spent] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            properties: list[tuple[str, Any]] = report.user_properties
            self.spent += [Spent(*value) for name, value in properties if name == "spent"]


def lowered(table: str, budgets: Mapping[str, Budget], spent: Iterable[Spent]) -> str:
    """The text of the *table* of *budgets*, with the figures that are lower now."""
    for name, figure, _ in (each for each in spent if shrunk(budgets, each)):
        row = re.compile(rf'("{re.escape(name)}": Budget\(\s*)[\d_.]+')
        table, found = row.subn(rf"\g<1>{figure:_}", table)
        assert found == 1, f"no row of its own: {name}"
    return table


def main(arguments: list[str]) -> int:
    figures = Figures()
    outcome = pytest.main([str(_HERE), "-n", "0", "-q"], plugins=[figures])
    shown = Table("spent", "figure", "budget", "", box=None)
    shown.columns[1].justify = shown.columns[2].justify = "right"
    for each in figures.spent:
        mark = "MORE" if grown(BUDGETS, each) else "less" if shrunk(BUDGETS, each) else ""
        shown.add_row(each.name, f"{each.figure:,g}", f"{BUDGETS[each.name].figure:,g}", mark)
    for name in sorted(BUDGETS.keys() - {each.name for each in figures.spent}):
        shown.add_row(name, "", f"{BUDGETS[name].figure:,g}", "not measured")
    Console(width=_WIDTH).print(shown)
    if "--lower" in arguments:
        _TABLE.write_text(lowered(_TABLE.read_text(), BUDGETS, figures.spent))
    return int(outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
