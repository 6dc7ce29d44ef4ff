"""What a view lists and holds, and what becomes of a message that nobody holds any more.

The conditions are SQL, written here once: in them ``v`` is a view and ``m`` a message of its
maildrop. They are sets' conditions; nothing goes through messages one by one, as a device may
delete a hundred thousand at once.

A maildrop with one view does without all of this, as nearly all maildrops do: what its view
deletes is removed. (Unless a view that is gone has left its marks; then it is like one with two.)
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.embedded.these import These

LISTED = """m.seq >= v.since
    AND NOT EXISTS (SELECT 1 FROM hidden WHERE view = v.id AND seq = m.seq)"""
"""Whether *v* lists *m*."""
HOLDS = f"""(v.name = '{DEFAULT_VIEW}' AND :default_holds
    OR NOT v.absent AND (v.name <> '{DEFAULT_VIEW}' OR v.seen_at IS NOT NULL)
        AND coalesce(v.seen_at, v.created_at, 9e99) >= :absent_before)"""
"""Whether *v* holds back what it lists (see :class:`Holding` for the parameters)."""
OVERDUE = f"""NOT (v.name = '{DEFAULT_VIEW}' AND (:default_holds OR v.seen_at IS NULL))
    AND NOT v.absent AND coalesce(v.seen_at, v.created_at, 9e99) < :absent_before"""
"""Whether *v* holds mail back, but has been absent for too long to go on with it."""
HELD = f"""EXISTS (SELECT 1 FROM views AS v
    WHERE v.maildrop = m.maildrop AND {HOLDS} AND {LISTED})"""  # noqa: S608 - our own text
"""Whether anybody holds *m* back."""
DELETED = """(EXISTS (SELECT 1 FROM hidden WHERE view = -m.maildrop AND seq = m.seq)
    OR EXISTS (SELECT 1 FROM views AS o JOIN hidden AS h ON h.view = o.id AND h.seq = m.seq
        WHERE o.maildrop = m.maildrop))"""
"""Whether any view, be it one that is gone, has deleted *m*."""
ON_NO_LIST = f"""NOT EXISTS (SELECT 1 FROM views AS v
    WHERE v.maildrop = m.maildrop AND {LISTED})"""  # noqa: S608 - our own text
"""Whether nobody lists *m*."""

_ALONE = """
    SELECT v.epoch,
        NOT EXISTS (SELECT 1 FROM views AS o WHERE o.maildrop = v.maildrop AND o.id <> v.id)
        AND NOT EXISTS (SELECT 1 FROM hidden WHERE view = -v.maildrop)
    FROM views AS v WHERE v.id = ?
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """Which views hold mail back: what :data:`HOLDS` needs to know."""

    default_holds: bool = False
    """Whether ``default`` always does."""
    absent_before: float = 0
    """Count those out that have not been seen since then (seconds since 1970, UTC)."""

    def needs_note(self, view: str) -> bool:
        """Whether the view of that name holds nothing back before it is noted to be opened."""
        return view == DEFAULT_VIEW and not self.default_holds

    def parameters(self, **others: object) -> dict[str, object]:
        """Those of the SQL, and *others*."""
        return {
            "default_holds": self.default_holds,
            "absent_before": self.absent_before,
            **others,
        }


def epoch_and_alone(sql: sqlite3.Connection, view: int) -> tuple[int, bool] | None:
    """The view's epoch, and whether what it deletes is nobody else's concern; None: no view."""
    found = sql.execute(_ALONE, (view,)).fetchall()
    return (found[0][0], bool(found[0][1])) if found else None


def hide(sql: sqlite3.Connection, view: int, which: These) -> None:
    """Take messages off the list of one view."""
    values = which.with_values(view=view)
    sql.execute(
        f"""UPDATE views SET messages = views.messages - off.n, octets = views.octets - off.octets,
            taken = taken + 1
        FROM (SELECT count(*) AS n, coalesce(sum(m.octets), 0) AS octets
            FROM messages AS m JOIN views AS v ON v.id = :view
            WHERE {which.condition} AND {LISTED}) AS off
        WHERE views.id = :view""",  # noqa: S608 - our own text
        values,
    )
    sql.execute(
        "INSERT OR IGNORE INTO hidden (view, seq)"  # noqa: S608 - our own text
        f" SELECT v.id, m.seq FROM messages AS m JOIN views AS v ON v.id = :view"
        f" WHERE {which.condition} AND {LISTED} ORDER BY m.seq",
        values,
    )
    sql.execute(
        f"""UPDATE views AS v SET since = coalesce(
            (SELECT m.seq FROM messages AS m WHERE m.maildrop = v.maildrop AND {LISTED}
                ORDER BY m.seq LIMIT 1),
            (SELECT next_seq FROM maildrops WHERE id = v.maildrop))
        WHERE v.id = :view""",  # noqa: S608 - our own text
        {"view": view},
    )


def unheld(sql: sqlite3.Connection, which: These, holding: Holding) -> list[int]:
    """The sequence numbers of those that no view holds."""
    values = holding.parameters(**which.values)
    query = f"SELECT m.seq FROM messages AS m WHERE {which.condition} AND NOT {HELD}"  # noqa: S608 - our own text
    return [seq for (seq,) in sql.execute(query, values).fetchall()]


def unwanted(sql: sqlite3.Connection, maildrop: int, holding: Holding) -> list[int]:
    """All messages of a maildrop that have been deleted and that no view holds."""
    query = f"""SELECT m.seq FROM messages AS m
        WHERE m.maildrop = :maildrop AND {DELETED} AND NOT {HELD}"""  # noqa: S608 - our own text
    values = holding.parameters(maildrop=maildrop)
    return [seq for (seq,) in sql.execute(query, values).fetchall()]


def forgotten(sql: sqlite3.Connection, maildrop: int) -> list[int]:
    """All messages of a maildrop that have been deleted and that no view lists."""
    query = f"""SELECT m.seq FROM messages AS m
        WHERE m.maildrop = ? AND {DELETED} AND {ON_NO_LIST}"""  # noqa: S608 - our own text
    return [seq for (seq,) in sql.execute(query, (maildrop,)).fetchall()]


def take_off_all_lists(sql: sqlite3.Connection, which: These) -> None:
    """What the views count and have hidden, before these messages are removed."""
    sql.execute(
        f"""UPDATE views SET messages = views.messages - off.n, octets = views.octets - off.octets,
            taken = taken + 1
        FROM (SELECT v.id AS view, count(*) AS n, sum(m.octets) AS octets
            FROM views AS v JOIN messages AS m ON m.maildrop = v.maildrop
            WHERE {which.condition} AND {LISTED} GROUP BY v.id) AS off
        WHERE views.id = off.view""",  # noqa: S608 - our own text
        which.values,
    )
    sql.execute(
        f"""DELETE FROM hidden
        WHERE seq IN (SELECT m.seq FROM messages AS m WHERE {which.condition})
        AND view IN (SELECT id FROM views WHERE maildrop = :maildrop UNION SELECT -:maildrop)""",  # noqa: S608 - our own text
        which.values,
    )


def bequeath(sql: sqlite3.Connection, maildrop: int, view: int) -> None:
    """Keep in mind what a view that goes has deleted, as long as somebody else wants it."""
    sql.execute(
        "INSERT OR IGNORE INTO hidden (view, seq) SELECT ?, seq FROM hidden WHERE view = ?",
        (-maildrop, view),
    )
    sql.execute("DELETE FROM hidden WHERE view = ?", (view,))
