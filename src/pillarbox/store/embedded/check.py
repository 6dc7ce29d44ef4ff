"""``maildrop check``: do listing, bodies, counters and files agree?

Each kind of disagreement is a function (in ``list_faults`` and ``body_faults``) that finds
faults, each with the way to mend it. They look twice: first without a lock, as nearly always
nothing is wrong; and when something seems to be, again in a write transaction, where no
delivery is under way that could be mistaken for a fault. They run in this order, so that each
finds what the one before has left. All bodies are read, and compared with their checksums,
without the lock and before; only those that have changed are read again.

Without repair nothing is changed. Repair never removes a message whose body is whole, and
destroys nothing: what it has to take away goes into the folder ``lost``. Of a shard whose
index is lost it sets aside all that is there, and begins an empty index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import Finding
from pillarbox.store.embedded.bodies import BodyFiles, strangers_in_staging
from pillarbox.store.embedded.body_faults import (
    changed_bodies,
    damaged_bodies,
    other_octets,
    unknown_files,
)
from pillarbox.store.embedded.errors import is_damage, unavailable
from pillarbox.store.embedded.faults import Fault, Scope
from pillarbox.store.embedded.list_faults import missing_views, wrong_counters, wrong_references
from pillarbox.store.embedded.lost import set_aside
from pillarbox.store.embedded.schema import connect, empty, lost, migrate, version_of
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.store.embedded.turns import turn

INTEGRITY_LINES = 20
"""How much of SQLite's own complaints is shown."""


def check_staging(staging: Path, abandoned: Iterable[Path], *, repair: bool) -> Iterator[Finding]:
    """Staged bodies whose deliveries died. Repair unlinks them: comes after the shards'."""
    for path in abandoned:
        if repair:
            path.unlink(missing_ok=True)
        yield Finding(None, f"{path} was left behind by a delivery that died", repair)
    for path in strangers_in_staging(staging):
        yield Finding(None, f"{path} is no staged body; move it away", repaired=False)


def check_shard(
    index: Path, turns: Path, bodies: BodyFiles, staging: Path, user: str | None, *, repair: bool
) -> list[Finding]:
    """All findings in one shard, or in one user's part of it. Blocks.

    Raises:
        StoreUnavailable: the index cannot be used now (a damaged or lost one is a finding).
    """
    try:
        problem = _lost(index)
        if problem is not None:
            if repair and user is None:
                return _begin_anew(index, turns, bodies)
            return [Finding(None, str(problem), repaired=False)]
        if repair:
            with turn(turns):
                migrate(index)
        with closing(connect(index, read_only=not repair)) as sql:
            return _check(Scope(sql, bodies, staging, user), index, turns, repair=repair)
    except (sqlite3.Error, OSError) as error:
        found = unavailable(error, index)
        if not is_damage(error):
            raise found from error
        return [Finding(None, str(found), repaired=False)]


def _check(scope: Scope, index: Path, turns: Path, *, repair: bool) -> list[Finding]:
    broken = _integrity(scope, index) if scope.user is None else []
    if broken:
        return broken
    scope.changed = changed_bodies(scope)
    if not any(fault for kind in _kinds(scope) for fault in kind(scope)):
        return []
    with turn(turns):
        return _mend(scope) if repair else _confirm(scope)


def _confirm(scope: Scope) -> list[Finding]:
    """Look again; the caller holds the writer lock, hence nothing is half done."""
    return [
        Finding(fault.user, fault.text, repaired=False)
        for kind in _kinds(scope)
        for fault in kind(scope)
    ]


def _mend(scope: Scope) -> list[Finding]:
    """Look again, and mend; the caller holds the writer lock."""
    transaction = Transaction(scope.sql, scope.bodies)
    findings: list[Finding] = []
    scope.sql.execute("BEGIN IMMEDIATE")
    try:
        for kind in _kinds(scope):
            findings += [_mended(fault, transaction) for fault in list(kind(scope))]
        for body in transaction.commit():
            scope.bodies.unlink(body)
    except BaseException as error:
        transaction.roll_back(error)
        raise
    return findings


def _mended(fault: Fault, transaction: Transaction) -> Finding:
    if fault.mend is None:
        return Finding(fault.user, fault.text, repaired=False)
    note = fault.mend(transaction)
    return Finding(fault.user, f"{fault.text}; {note}" if note else fault.text, repaired=True)


def _kinds(scope: Scope) -> Sequence[Callable[[Scope], Iterator[Fault]]]:
    mine = (missing_views, damaged_bodies, other_octets, wrong_counters)
    return mine if scope.user is not None else (*mine, wrong_references, unknown_files)


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
