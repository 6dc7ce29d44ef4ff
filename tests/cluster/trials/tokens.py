"""Who had which lease when, from the nodes' logs: nobody is let in while somebody else may still be.

Each taking has a token, and tokens rise. A view is free when whoever had it has given it back. One
that is *taken over* was held by a process that the database had not heard of for a lease's time: then
that process must have been in trouble.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

TAKEN, TAKEN_OVER, RELEASED = "view taken", "view taken over", "view released"


class Taking(NamedTuple):
    token: int
    place: int
    """Of the node."""
    over: bool


def check_tokens(logs: Iterable[Iterable[Mapping[str, object]]], troubled: Collection[int]) -> int:
    """How many leases were taken. *troubled*: nodes that were killed, frozen or cut off.

    Raises:
        AssertionError: a view was open twice.
    """
    takings: dict[tuple[object, object], list[Taking]] = defaultdict(list)
    released: dict[tuple[object, object], set[int]] = defaultdict(set)
    for place, lines in enumerate(logs):
        for line in lines:
            view = line.get("user"), line.get("view")
            token = line.get("lease")  # a field named token would be hidden
            if line["event"] in {TAKEN, TAKEN_OVER}:
                assert isinstance(token, int)
                takings[view].append(Taking(token, place, line["event"] == TAKEN_OVER))
            elif line["event"] == RELEASED:
                assert isinstance(token, int)
                released[view].add(token)
    for view, each in takings.items():
        each.sort()
        tokens = [taking.token for taking in each]
        assert len(set(tokens)) == len(tokens), f"{view}: a token was given twice: {each}"
        for before, after in pairwise(each):
            if after.over:
                assert before.place in troubled, f"{view}: {after} took over from a node in health"
    return sum(map(len, takings.values()))
