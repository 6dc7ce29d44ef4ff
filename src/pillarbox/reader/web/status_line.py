"""The line below every page: what each account is doing; of many accounts, what is the same once. Warnings come first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from pillarbox.reader.model import Collecting, Status
from pillarbox.reader.web.words import Said, collecting, count

MANY = 3
"""Up to so many accounts have a place of their own each."""
_TOGETHER = {
    Collecting.UNSIGNED: "need their passwords",
    Collecting.CONFIRM: "wait for your yes before they delete mail on the server",
}
"""What cannot be said of several as it is of one."""


class Entry(NamedTuple):
    """One of the line."""

    name: str
    """An account's, or how many there are."""
    url: str
    said: Said
    title: str
    """What more there is to say."""


def entries(statuses: Sequence[Status], now: datetime, zone: tzinfo | None = None) -> list[Entry]:
    """Those of *statuses*: warnings first, and otherwise in their order."""
    alike: dict[tuple[Collecting, str], list[Status]] = {}
    for status in statuses:
        tone = collecting(status, now, zone).tone
        alike.setdefault((status.state, tone), []).append(status)
    warnings: list[Entry] = []
    rest: list[Entry] = []
    for status in statuses:
        tone = collecting(status, now, zone).tone
        group = alike[status.state, tone]
        # Of what the user has to do something about, a few are named one by one.
        together = len(group) > (MANY if tone == "warn" else 1 if len(statuses) > MANY else MANY)
        if together and status is not group[0]:
            continue
        made = _of_all(group, now, zone) if together else _of_one(status, now, zone)
        (warnings if tone == "warn" else rest).append(made)
    return warnings + rest


def _of_one(status: Status, now: datetime, zone: tzinfo | None) -> Entry:
    said = collecting(status, now, zone)
    return Entry(status.account, f"/accounts/{status.account}", said, status.problem)


def _of_all(group: Sequence[Status], now: datetime, zone: tzinfo | None) -> Entry:
    """The earliest time counts; a bar only if the end of each is known."""
    done = [status.last_done for status in group]
    tries = [status.next_try for status in group if status.next_try is not None]
    known = all(status.expected > 0 for status in group)
    name = count(len(group), "account")
    said = collecting(
        Status(
            name,
            group[0].state,
            last_done=None if None in done else min(filter(None, done)),
            next_try=min(tries, default=None),
            arrived=sum(status.arrived for status in group),
            expected=sum(status.expected for status in group) if known else 0,
        ),
        now,
        zone,
    )
    said = said._replace(words=_TOGETHER.get(group[0].state, said.words))
    return Entry(name, "/accounts", said, ", ".join(status.account for status in group))


FILTERS = {"status_line": entries}
"""For templates."""
