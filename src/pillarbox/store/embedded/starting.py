"""What comes before a store is used: :func:`open_store` and :func:`look_at_store`.

The first makes the folders, brings the indexes up to date and clears away what a
crash left behind. It keeps nothing open: the processes that share a store may open it each
by themselves, or fork after one has (before its first use, before it holds anything, and if it
has not put a sweep off: a thread of it then stands in line for a lock).

The second does none of this: it is for commands that only look, and changes nothing
(but for the files that SQLite keeps beside an index that is read, and removes).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.embedded.backlog import PATIENCE_SECONDS
from pillarbox.store.embedded.bodies import abandoned
from pillarbox.store.embedded.engine import INLINE_BYTES, EmbeddedStore
from pillarbox.store.embedded.errors import is_damage, unavailable
from pillarbox.store.embedded.layout import DEFAULT_SHARDS, Layout, describe, described, settle
from pillarbox.store.embedded.schema import connect, is_current, migrate
from pillarbox.store.embedded.shards import Shard
from pillarbox.store.embedded.sweep import sweep_shard, sweep_staging
from pillarbox.store.embedded.turns import WriterLockHeld, turn

_log = structlog.get_logger("pillarbox.store")


def open_store(
    path: Path,
    *,
    shards: int = DEFAULT_SHARDS,
    inline_bytes: int = INLINE_BYTES,
    default_holds: bool = False,
    patience: float = PATIENCE_SECONDS,
    speaks: bool = True,
) -> EmbeddedStore:
    """The store in the folder *path*, made if there is none. Blocks: call it before serving.

    Args:
        path: its folder. Everything in it belongs to the user that makes it: drop
            privileges first.
        shards: how many parts a new store has; an existing one keeps its number.
        inline_bytes: bodies up to this size go into the index, larger ones into files.
        default_holds: whether the view ``default`` holds mail back before it is first opened.
            All who open the store should say the same.
        patience: seconds after which a write that another process holds up is given up.
        speaks: whether damage is logged; False when somebody else does, or who uses a damaged
            shard says so anyway.

    Raises:
        StoreUnavailable: the store cannot be used, or an index of it is missing or empty; or
            one has to be brought up to date and another process holds it up.
            One damaged shard does not stop the others: it answers for itself when it is used.
            Nor does one that another process keeps from being swept: the next start does it.
    """
    path = path.absolute()
    try:
        layout, new = settle(path, shards)
        damage = _migrate(layout, new=new)
        if new:
            layout = describe(layout)
        swept = _sweep(layout, damage)
    except OSError as error:
        raise unavailable(error, path) from error
    for problem in damage.values() if speaks else ():
        _log.error("a part of the store is damaged", error=str(problem))
    if swept:
        _log.info("cleared away what a crash left behind", store=str(path), files=swept)
    store = EmbeddedStore(layout, inline_bytes, default_holds=default_holds)
    for shard in store.all_shards:
        shard.writer.backlog.patience = patience
    return store


def look_at_store(
    path: Path, *, must_exist: bool = False, default_holds: bool = False
) -> EmbeddedStore:
    """The store in the folder *path*, as it is, for ``StoreAdmin``'s methods, and for ``probe``.

    Those that only look change nothing, and of no store they say that it is empty. Nobody waits
    here for a lock: nothing is brought up to date, nothing swept.

    Raises:
        StoreUnavailable: the store's description is missing or cannot be understood; or there
            is no store, and it *must_exist*.
    """
    path = path.absolute()
    try:
        layout = described(path)
    except OSError as error:
        raise unavailable(error, path) from error
    if layout is None and must_exist:
        raise StoreUnavailable(f"there is no store in {path}", temporary=True)
    return EmbeddedStore(
        layout or Layout(path, DEFAULT_SHARDS),
        default_holds=default_holds,
        exists=layout is not None,
    )


def _migrate(layout: Layout, *, new: bool) -> dict[int, StoreUnavailable]:
    """Bring the indexes up to date; what to say of those that are damaged, by shard."""
    damage = {}
    for number in range(layout.shards):
        shard = Shard(layout.shard(number))
        try:
            if new or not is_current(shard.index):  # a start should not have to wait for a lock
                with turn(shard.turns):
                    migrate(shard.index, new=new)
        except sqlite3.Error as error:
            damage[number] = _damage(error, shard)
    return damage


def _sweep(layout: Layout, damage: dict[int, StoreUnavailable]) -> int:
    """Clear away what a crash left behind; how many files. Adds to *damage* what it finds.

    A staged file may be linked into any shard, and proves there what the link is: so it goes
    last, and only when all shards have been swept. A shard whose lock somebody holds has time.
    """
    staged = abandoned(layout.staging)
    inodes = set(staged.values())
    swept, everywhere = 0, not damage
    for number in sorted(set(range(layout.shards)).difference(damage)):
        shard = Shard(layout.shard(number))
        try:
            with closing(connect(shard.index)) as sql:
                swept += sweep_shard(sql, shard.turns, shard.bodies, inodes, briefly=True)
        except WriterLockHeld as error:
            everywhere = False
            _log.warning(
                "clearing away what a crash left behind is put off until the next start, or: "
                "pillarbox maildrop check --repair",
                error=str(error),
            )
        except sqlite3.Error as error:
            everywhere = False
            damage[number] = _damage(error, shard)
    return swept + (sweep_staging(staged) if everywhere else 0)


def _damage(error: sqlite3.Error, shard: Shard) -> StoreUnavailable:
    """What to say of damage.

    Raises:
        StoreUnavailable: it is something else.
    """
    found = unavailable(error, shard.index)
    if not is_damage(error):
        raise found from error
    return found
