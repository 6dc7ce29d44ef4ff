"""``maildrop check``: do listing, bodies, counters and files agree?

Each kind of disagreement is a function (in ``view_faults``, ``list_faults`` and ``body_faults``)
that finds faults, each with the way to mend it. First it looks without a lock, as nearly always
nothing is wrong. What seems wrong is looked at a second time, by its key only, so that deliveries go on
however large the store is:

* Without repair: a delivery or a deletion that was under way at the first look can have been
  mistaken for a fault, where files are compared. So the second look comes when the writer
  lock has been had for an instant: whatever was under way is then over, and what still seems
  wrong is wrong. (A body is linked before its row is there, and unlinked after it is gone.)
* With repair: the second look and the mending are one transaction, of a few faults at a time.

The kinds come in an order in which each finds what the one before has left. All bodies are read,
and compared with their checksums, without the lock and before; only those that have changed
are read again.

Without repair nothing is changed. Repair never removes a message whose body is whole, and
destroys nothing: what it has to take away goes into the folder ``lost``. Of a shard whose
index is lost it sets aside all that is there, and begins an empty index.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import Finding
from pillarbox.store.embedded.bodies import (
    BodyFiles,
    clear_away,
    is_abandoned,
    strangers_in_staging,
)
from pillarbox.store.embedded.body_faults import (
    changed_bodies,
    damaged_bodies,
    other_octets,
    unknown_files,
)
from pillarbox.store.embedded.errors import is_damage, unavailable
from pillarbox.store.embedded.faults import Fault, Key, Kind, Scope
from pillarbox.store.embedded.list_faults import wrong_counters, wrong_references
from pillarbox.store.embedded.lost import set_aside
from pillarbox.store.embedded.schema import connect, empty, lost, migrate, version_of
from pillarbox.store.embedded.sweep import sweep_shard
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.store.embedded.turns import turn
from pillarbox.store.embedded.view_faults import (
    forgotten_messages,
    hidden_messages,
    marks_of_nothing,
    missing_views,
    views_of_nobody,
)

INTEGRITY_LINES = 20
"""How much of SQLite's own complaints is shown."""
TURN_FAULTS = 16
"""Faults mended while the writer lock is held: each can cost some syncs, hence tenths of a second
together on a slow disk."""
PAUSE_SECONDS = 0.01
"""Between two such turns: who waits for the lock is woken when it is free, and has to be quicker
than the next of ours."""

_OF_MAILDROPS = (
    Kind(missing_views, compares_files=False),
    Kind(marks_of_nothing, compares_files=False),
    Kind(hidden_messages, compares_files=False),
    Kind(forgotten_messages, compares_files=False),
    Kind(damaged_bodies, compares_files=True),
    Kind(other_octets, compares_files=True),
    Kind(wrong_counters, compares_files=False),
)
_OF_THE_SHARD = (
    Kind(views_of_nobody, compares_files=False),
    Kind(wrong_references, compares_files=False),
    Kind(unknown_files, compares_files=True),
)


def check_staging(staging: Path, abandoned: Iterable[Path], *, repair: bool) -> Iterator[Finding]:
    """Staged bodies whose deliveries died. Repair unlinks them: comes after the shards'."""
    for path in abandoned:
        if clear_away(path) if repair else is_abandoned(path):
            yield Finding(None, f"{path} was left behind by a delivery that died", repair)
    for path in strangers_in_staging(staging):
        yield Finding(None, f"{path} is no staged body; move it away", repaired=False)


def check_shard(
    index: Path, turns: Path, bodies: BodyFiles, staging: Path, user: str | None, *, repair: bool
) -> Iterator[Finding]:
    """All findings in one shard, or in one user's part of it, each when it is made. Blocks.

    Raises:
        StoreUnavailable: the index cannot be used now, or not any more (a damaged or lost one is
            a finding).
    """
    try:
        problem = _lost(index)
        if problem is not None:
            if repair and user is None:
                yield from _begin_anew(index, turns, bodies)
            else:
                yield Finding(None, str(problem), repaired=False)
            return
        if repair:
            with turn(turns):
                migrate(index)
        with closing(connect(index, read_only=not repair)) as sql:
            yield from _check(Scope(sql, bodies, staging, user), index, turns, repair=repair)
    except (sqlite3.Error, OSError) as error:
        found = unavailable(error, index)
        if not is_damage(error):
            raise found from error
        yield Finding(None, str(found), repaired=False)


def _check(scope: Scope, index: Path, turns: Path, *, repair: bool) -> Iterator[Finding]:
    broken = _integrity(scope, index) if scope.user is None else []
    if broken:
        yield from broken
        return
    scope.changed = changed_bodies(scope)
    for kind in _kinds(scope):
        faults = list(kind.look(scope, None))
        if repair:
            yield from _mend(scope, kind, [fault for fault in faults if fault.mend], turns)
            faults = [fault for fault in faults if not fault.mend]
        if faults and kind.compares_files:
            faults = _confirmed(scope, kind, faults, turns)
        yield from map(_left, faults)
    if repair and scope.user is None:  # the doomed are no fault, but a start may have put them off
        sweep_shard(scope.sql, turns, scope.bodies, (), briefly=False)


def _confirmed(scope: Scope, kind: Kind, faults: Sequence[Fault], turns: Path) -> list[Fault]:
    """Those that are still there when whatever was under way is over."""
    with turn(turns):
        pass
    sure = [fault for fault in faults if fault.key is None]
    return sure + list(kind.look(scope, _keys(faults)))


def _mend(scope: Scope, kind: Kind, faults: Sequence[Fault], turns: Path) -> Iterator[Finding]:
    """A few at a time: others have to get their turn."""
    keys = _keys(faults)
    for first in range(0, len(keys), TURN_FAULTS):
        if first:
            time.sleep(PAUSE_SECONDS)
        with turn(turns):
            findings = _mend_now(scope, kind, keys[first : first + TURN_FAULTS])
        yield from findings


def _mend_now(scope: Scope, kind: Kind, keys: Sequence[Key]) -> list[Finding]:
    """Look again, and mend; the caller holds the writer lock."""
    transaction = Transaction(scope.sql, scope.bodies)
    scope.sql.execute("BEGIN IMMEDIATE")
    try:
        faults = list(kind.look(scope, keys))
        findings = [_mended(fault, transaction) for fault in faults]
        for body in transaction.commit():
            scope.bodies.unlink(body)
    except BaseException as error:
        transaction.roll_back(error)
        raise
    return findings


def _keys(faults: Iterable[Fault]) -> list[Key]:
    """Each once; those without one have none."""
    return list(dict.fromkeys(fault.key for fault in faults if fault.key is not None))


def _left(fault: Fault) -> Finding:
    return Finding(fault.user, fault.text, repaired=False)


def _mended(fault: Fault, transaction: Transaction) -> Finding:
    if fault.mend is None:
        return _left(fault)
    note = fault.mend(transaction)
    return Finding(fault.user, f"{fault.text}; {note}" if note else fault.text, repaired=True)


def _kinds(scope: Scope) -> Sequence[Kind]:
    return _OF_MAILDROPS if scope.user is not None else (*_OF_MAILDROPS, *_OF_THE_SHARD)


def _integrity(scope: Scope, index: Path) -> list[Finding]:
    rows = scope.sql.execute(f"PRAGMA integrity_check({INTEGRITY_LINES})").fetchall()
    if rows == [("ok",)]:
        return []
    remedy = "stop the server, then restore it from a backup or use sqlite3's .recover"
    return [Finding(None, f"index {index}: {line} ({remedy})", repaired=False) for (line,) in rows]


def _lost(index: Path) -> StoreUnavailable | None:
    """What to say when there is no index, or nothing in it.

    Raises:
        StoreUnavailable: the index is from a newer Pillarbox.
        sqlite3.Error: it cannot be read.
    """
    problem = lost(index)
    if problem is not None:
        return problem
    with closing(connect(index, read_only=True)) as sql:
        return None if version_of(sql, index) else empty(index)


def _begin_anew(index: Path, turns: Path, bodies: BodyFiles) -> list[Finding]:
    """Set aside what is left of a shard without an index, and make an empty one."""
    with turn(turns):
        problem = _lost(index)
        if problem is None:  # somebody else was quicker
            return []
        files = [index.with_name(f"{index.name}{suffix}") for suffix in ("", "-wal", "-shm")]
        files += [bodies.path(body) for body in bodies.numbers()]
        aside = [set_aside(path, bodies.shard) for path in files if path.exists()]
        migrate(index, new=True)
    left = f"files set aside in {aside[0].parent}: {len(aside)}" if aside else "no mail was left"
    text = f"index {index} was missing or empty; an empty one has been begun, {left}"
    return [Finding(None, text, repaired=True)]
