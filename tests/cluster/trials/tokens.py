"""Who had which lease when, from the nodes' logs: nobody is let in while somebody else may still be.

Each taking has a token, and tokens rise. A view is free when whoever had it has given it back. One
that is *taken over* was held by a process that the database had not heard of for a lease's time: then
that process was in trouble since it had taken it. So it was if nothing is said of its giving it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

TAKEN, TAKEN_OVER, RELEASED = "view taken", "view taken over", "view released"


class Trouble(NamedTuple):
    """A node was killed, frozen or cut off, or all were, as their database was."""

    place: int
    """Of the node."""
    since: float
    """Seconds since 1970, UTC, as in all of this."""
    until: float
    """When it was ready again."""


class Step(NamedTuple):
    """All that is known of a token."""

    token: int
    place: int
    at: float
    """When it was first told of."""
    taken: bool
    """Else only its release has been told of: the answer to the taking was lost."""
    over: bool
    released: bool


def check_tokens(
    logs: Iterable[Iterable[Mapping[str, object]]],
    troubles: Collection[Trouble],
    lease_seconds: float,
) -> int:
    """How many leases were taken.

    Raises:
        AssertionError: a view was open twice.
    """
    views: dict[tuple[object, object], dict[int, Step]] = defaultdict(dict)
    taken = 0
    for place, lines in enumerate(logs):
        for line in lines:
            if line["event"] in {TAKEN, TAKEN_OVER, RELEASED}:
                view = line.get("user"), line.get("view")
                _note(views[view], place, line, view)
                taken += line["event"] != RELEASED
    for view, steps in views.items():
        for before, after in pairwise(sorted(steps.values())):
            if not after.taken or (before.released and not after.over):
                continue
            # If there is a token between the two, nobody knows whose.
            followed = after.token == before.token + 1
            assert any(
                trouble.since <= after.at
                and before.at <= trouble.until + lease_seconds
                and (trouble.place == before.place or not followed)
                for trouble in troubles
            ), f"{view}: {after} came while a node in health had it: {before}"
    return taken


def _note(
    steps: dict[int, Step], place: int, line: Mapping[str, object], view: tuple[object, object]
) -> None:
    """One line more."""
    token, event = line.get("lease"), line["event"]  # a field named token would be hidden
    assert isinstance(token, int)
    at = datetime.fromisoformat(str(line["time"])).timestamp()
    known = steps.get(token)
    if known is None:
        over, released = event == TAKEN_OVER, event == RELEASED
        steps[token] = Step(token, place, at, event != RELEASED, over, released)
        return
    # Taken first, then released, by the same; nothing else has two lines.
    said = known.taken and not known.released and known.place == place
    assert said and event == RELEASED, f"{view}: token {token} was given twice: {known}, {line}"  # noqa: PT018 -- one thing
    steps[token] = known._replace(released=True)
