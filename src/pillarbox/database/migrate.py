"""The tables, made and brought up to date by plain SQL files.

Each file of ``migrations`` is one transaction, which begins by claiming its number. When several
nodes start at once the others wait for whoever was first, and find it done. What was applied
is never changed: a later file changes the tables. A statement of theirs may take as long as it
takes (see :func:`pillarbox.app.wire_up_cluster.open_database`), but waits for a lock for a few seconds only: all
that others ask would wait behind it. It takes away nothing that the Pillarbox before uses,
whose nodes go on until each has been replaced. Where they may also start anew, and so be gone back to, the file
has a line ``-- needs: 0004``: the newest step that a Pillarbox must know to work with the tables as they are
then. Without such a line it must know the step itself.
"""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files
from typing import NamedTuple

import asyncpg

from pillarbox.database.database import Database, Transaction
from pillarbox.database.errors import DatabaseUnavailable, words

_TABLE = """
    CREATE TABLE IF NOT EXISTS migrations (
        number BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        needs BIGINT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
    )
"""
LOCK_SECONDS = 3.0
"""So long a step waits for a lock, then lets those pass that wait behind it, and tries again."""
LOCK_PAUSE_SECONDS = 1.0
LOCK_ATTEMPTS = 60
"""Then whoever holds the lock is not about to let it go: a backup, say."""
_NEEDS = re.compile(r"^-- needs: (\d{4})$", re.MULTILINE)
_NEEDED = "SELECT number FROM migrations WHERE needs > $1 ORDER BY number DESC LIMIT 1"
_MADE_AT_ONCE = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateObjectError,
)
"""Two have made the same table at the same moment: PostgreSQL tells one of them so."""


class _Applied(Exception):
    """Somebody else was first with a step, and has finished."""


class Migration(NamedTuple):
    """One step."""

    number: int
    name: str
    """Of its file, without the ending: ``0001_mail``."""
    needs: int
    """The newest step that a Pillarbox must know to work with the tables after this one."""
    statements: tuple[str, ...]


def known() -> tuple[Migration, ...]:
    """All steps that this Pillarbox knows, in order."""
    folder = files("pillarbox.database") / "migrations"
    found = sorted(
        (entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    )
    return tuple(
        Migration(
            int(name[:4]),
            name.removesuffix(".sql"),
            needs_of(text, int(name[:4])),
            statements_of(text),
        )
        for name, text in found
    )


def needs_of(text: str, number: int) -> int:
    """What the text of the step of that *number* says it needs."""
    said = _NEEDS.search(text)
    return int(said[1]) if said else number


def statements_of(text: str) -> tuple[str, ...]:
    """The statements of a file: each ends with a semicolon at the end of a line; lines that begin
    with ``--`` are comments.
    """
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    parts = "\n".join(lines).split(";\n")
    return tuple(part.strip().rstrip(";") for part in parts if part.strip().rstrip(";"))


async def applied(database: Database) -> frozenset[int]:
    """The numbers of what has been applied.

    Raises:
        DatabaseUnavailable: it cannot be asked.
    """
    try:
        rows = await database.fetch("SELECT number FROM migrations")
    except asyncpg.UndefinedTableError:
        return frozenset()
    return frozenset(row[0] for row in rows)


async def migrate(database: Database) -> list[Migration]:
    """Apply what is missing; what this call has applied.

    Raises:
        DatabaseUnavailable: it cannot be asked, or was brought up to date by a newer Pillarbox.
    """
    await must_not_be_newer(database)
    await _make_table(database)
    done = await applied(database)
    return [step for step in known() if step.number not in done and await _apply(database, step)]


async def must_be_current(database: Database) -> None:
    """See to it that the tables are those of this Pillarbox.

    Raises:
        DatabaseUnavailable: they are not, or it cannot be asked.
    """
    await must_not_be_newer(database)
    done = await applied(database)
    missing = [step.name for step in known() if step.number not in done]
    if missing:
        raise DatabaseUnavailable(
            f"database {database.name} has not been brought up to date ({', '.join(missing)}): "
            "run `pillarbox cluster migrate`",
            temporary=False,
        )


async def must_not_be_newer(database: Database) -> None:
    """See to it that no newer Pillarbox has changed the tables so that this one cannot work with them.

    Raises:
        DatabaseUnavailable: one has, or it cannot be asked.
    """
    try:
        rows = await database.fetch(_NEEDED, max(step.number for step in known()))
    except asyncpg.UndefinedTableError:
        return
    for (number,) in rows:
        raise DatabaseUnavailable(
            f"database {database.name} has migration {number}, which this Pillarbox does not "
            "know: install the newer Pillarbox that applied it",
            temporary=False,
        )


async def _make_table(database: Database) -> None:
    try:
        await database.change(_TABLE)
    except _MADE_AT_ONCE:
        await database.change(_TABLE)


async def _apply(database: Database, step: Migration) -> bool:
    """Whether it was us."""

    async def work(transaction: Transaction) -> bool:
        try:
            await transaction.fetch(
                "INSERT INTO migrations (number, name, needs) VALUES ($1, $2, $3)",
                step.number,
                step.name,
                step.needs,
            )
        except asyncpg.UniqueViolationError as error:
            raise _Applied from error
        await transaction.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS * 1000:.0f}ms'")
        for statement in step.statements:
            await transaction.fetch(statement)
        return True

    for _ in range(LOCK_ATTEMPTS):
        try:
            return await database.transaction(work)
        except _Applied:
            return False
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise DatabaseUnavailable(
                f"database {database.name}: {step.name} was undone, as what is there does not allow it: "
                f"{words(error)}",
                temporary=False,
            ) from error
    raise DatabaseUnavailable(
        f"database {database.name}: {step.name} needs a table for itself, and others hold it: see "
        "pg_stat_activity (a backup, a long query), and run `pillarbox cluster migrate` again"
    )
