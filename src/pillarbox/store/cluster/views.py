"""What a view lists and holds: the conditions that all statements share.

They are SQL, written here once. In them ``v`` is a view's row and ``m`` a message of its maildrop, unless the
caller says otherwise; values are parameters of the statement, named by the caller. They are sets'
conditions: nothing goes through messages one by one, as a device may delete a hundred thousand at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pillarbox.model import DEFAULT_VIEW

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Nobody has been away since then."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Which views hold mail back: the values of :func:`holds`."""

    default_holds: bool = False
    """Whether ``default`` always does."""
    absent_before: datetime = EVER
    """Count those out that have not been seen since then."""


def same_maildrop(user: str, identifier: str) -> str:
    """Whether the maildrop of that name is still the one that had it: that of a user who was removed
    is another than that of the next one who is called so, though their sequence numbers are the same.
    """
    return f"EXISTS (SELECT 1 FROM maildrops AS d WHERE d.name = {user} AND d.id = {identifier})"  # noqa: S608 -- our own text


def listed(view: str = "v", message: str = "m") -> str:
    """Whether the view lists the message."""
    return (
        f"{message}.seq >= {view}.since AND NOT EXISTS (SELECT 1 FROM hidden AS h"  # noqa: S608 -- our own text
        f" WHERE h.maildrop = {view}.maildrop AND h.view = {view}.name AND h.seq = {message}.seq)"
    )


NOBODY_LISTS = f"NOT EXISTS (SELECT 1 FROM views AS v WHERE v.maildrop = m.maildrop AND {listed()})"  # noqa: S608 -- our own text
FORGOTTEN = f"m.deleted AND {NOBODY_LISTS}"
"""Whether a view has deleted the message and nobody lists it."""


def holds(default_holds: str, absent_before: str, view: str = "v") -> str:
    """Whether the view holds back what it lists, as :class:`Holding` says."""
    return (
        f"({view}.name = '{DEFAULT_VIEW}' AND {default_holds}::BOOLEAN OR NOT {view}.absent"
        f" AND ({view}.name <> '{DEFAULT_VIEW}' OR {view}.seen_at IS NOT NULL)"
        f" AND coalesce({view}.seen_at, {view}.created_at) >= {absent_before}::TIMESTAMPTZ)"
    )


def overdue(default_holds: str, absent_before: str, view: str = "v") -> str:
    """Whether the view holds mail back, but has been absent for too long to go on with it."""
    return (
        f"(NOT ({view}.name = '{DEFAULT_VIEW}'"
        f" AND ({default_holds}::BOOLEAN OR {view}.seen_at IS NULL)) AND NOT {view}.absent"
        f" AND coalesce({view}.seen_at, {view}.created_at) < {absent_before}::TIMESTAMPTZ)"
    )


def held(maildrop: str, default_holds: str, absent_before: str, *, but: str | None = None) -> str:
    """Whether a view of *maildrop*, if it is not the one that is named *but*, holds ``m`` back."""
    others = f" AND v.name <> {but}" if but else ""
    return (
        f"EXISTS (SELECT 1 FROM views AS v WHERE v.maildrop = {maildrop}{others}"  # noqa: S608 -- our own text
        f" AND {holds(default_holds, absent_before)} AND {listed()})"
    )
