"""Whether what was spent is within its budget, and what to say if it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

_SHOWN = 25
"""Lines of what a figure is made of."""


class Budget(NamedTuple):
    """What may be spent. Its name says on what, and in which unit."""

    figure: float
    """As measured (CPython 3.11)."""
    why: str
    """What it is spent on."""
    leeway: float = 0
    """How much more is no growth yet, in the same unit: for what is not the same to the last unit
    with each version of Python or each run."""


class Spent(NamedTuple):
    """What was measured."""

    name: str
    """Of its budget."""
    figure: float
    parts: Counter[str] = Counter()  # noqa: RUF012 -- never changed
    """What it is made of, for who has to find what has grown."""


def grown(budgets: Mapping[str, Budget], spent: Spent) -> str:
    """What to say of a figure that is above its budget; empty when it is not."""
    budget = budgets[spent.name]
    more = spent.figure - budget.figure
    if more <= budget.leeway:
        return ""
    parts = [f"  {number:>9,}  {part}" for part, number in spent.parts.most_common(_SHOWN)]
    if len(spent.parts) > _SHOWN:
        parts.append(f"  and {len(spent.parts) - _SHOWN} more")
    return "\n".join(
        [
            f"{spent.name}: {spent.figure:,g} instead of {budget.figure:,g}, {more:,g} more.",
            f"The budget is for: {budget.why}.",
            *(["It is spent on:", *parts] if parts else []),
        ]
    )


def shrunk(budgets: Mapping[str, Budget], spent: Spent) -> bool:
    """Whether its budget could be lowered."""
    budget = budgets[spent.name]
    return spent.figure < budget.figure - budget.leeway


WHAT_TO_DO = (
    "Make it cost less again. If the change is worth it, raise the budget in tests/work/budgets.py, "
    "with the reason (`python -m tests.work` shows all figures)."
)
