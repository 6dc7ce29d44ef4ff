"""The judge: what is said when something has grown, and what is not."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.work.__main__ import lowered
from tests.work.judging import Budget, Spent, grown, shrunk

BUDGETS = {
    "a poll: statements": Budget(4, "the account and the view"),
    "a session: octets": Budget(1000, "all that it holds", leeway=50),
}


def test_more_than_the_budget_is_told_with_what_it_is_spent_on() -> None:
    parts = Counter({"SELECT 1": 4, "SELECT 2": 1})
    told = grown(BUDGETS, Spent("a poll: statements", 5, parts))
    assert "a poll: statements: 5 instead of 4, 1 more" in told
    assert "the account and the view" in told
    assert "4  SELECT 1" in told
    assert "1  SELECT 2" in told


@pytest.mark.parametrize("figure", [4, 3, 0])
def test_the_budget_may_be_spent(figure: float) -> None:
    assert not grown(BUDGETS, Spent("a poll: statements", figure))


@pytest.mark.parametrize(("figure", "too_much"), [(1050, False), (1051, True)])
def test_the_leeway_is_no_growth(figure: float, too_much: bool) -> None:
    assert bool(grown(BUDGETS, Spent("a session: octets", figure))) is too_much


@pytest.mark.parametrize(("figure", "less"), [(949, True), (950, False), (1001, False)])
def test_within_the_leeway_nothing_has_become_cheaper(figure: float, less: bool) -> None:
    assert shrunk(BUDGETS, Spent("a session: octets", figure)) is less


def test_what_has_no_budget_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        grown(BUDGETS, Spent("nobody has thought of it", 1))


def test_only_what_is_lower_is_written_into_the_table() -> None:
    table = """
    "a poll: statements": Budget(4, "the account and the view"),
    "a session: octets": Budget(
        1000, "all that it holds", leeway=50
    ),
    """
    spent = [Spent("a poll: statements", 5), Spent("a session: octets", 900)]
    assert lowered(table, BUDGETS, spent) == table.replace("1000", "900")
