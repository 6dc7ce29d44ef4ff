"""The tables, made and brought up to date by plain SQL files.

Each file of ``migrations`` is one transaction, which begins by claiming its number. When several
nodes start at once the others wait for whoever was first, and find it done. What was applied
is never changed: a later file changes the tables. It takes away nothing that the Pillarbox before uses,
whose nodes go on until each has been replaced.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

import asyncpg

from pillarbox.database.database import Database, Transaction
from pillarbox.database.errors import DatabaseUnavailable

_TABLE = """
    CREATE TABLE IF NOT EXISTS migrations (
        number BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
    )
"""
_MADE_AT_ONCE = (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError)
"""Two have made the same table at the same moment: PostgreSQL tells one of them so."""


class Migration(NamedTuple):
    """One step."""

    number: int
    name: str
    """Of its file, without the ending: ``0001_mail``."""
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
        Migration(int(name[:4]), name.removesuffix(".sql"), statements_of(text))
        for name, text in found
    )


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
    """See to it that the tables are those of this Pillarbox, and that what everything rests on holds:
    a transaction sees one moment.

    Raises:
        DatabaseUnavailable: they are not, it does not, or it cannot be asked.
    """
    await _must_show_one_moment(database)
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
    """See to it that no newer Pillarbox has changed the tables.

    Raises:
        DatabaseUnavailable: one has, or it cannot be asked.
    """
    unknown = await applied(database) - {step.number for step in known()}
    if unknown:
        raise DatabaseUnavailable(
            f"database {database.name} has migration {max(unknown)}, which this Pillarbox does not "
            "know: install the newer Pillarbox that applied it",
            temporary=False,
        )


async def _must_show_one_moment(database: Database) -> None:
    """A pooler between us and the database may swallow what is said when a connection begins."""
    ((isolation,),) = await database.fetch("SELECT current_setting('transaction_isolation')")
    if isolation in {"read committed", "read uncommitted"}:
        raise DatabaseUnavailable(
            f"database {database.name} isolates transactions by {isolation!r}, though we ask for more: "
            "connect to the database itself, not to a pooler that ignores startup parameters",
            temporary=False,
        )


async def _make_table(database: Database) -> None:
    try:
        await database.change(_TABLE)
    except _MADE_AT_ONCE:
        await database.change(_TABLE)


async def _apply(database: Database, step: Migration) -> bool:
    """Whether it was us."""

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(
            "INSERT INTO migrations (number, name) VALUES ($1, $2)", step.number, step.name
        )
        for statement in step.statements:
            await transaction.fetch(statement)

    try:
        await database.transaction(work)
    except asyncpg.UniqueViolationError:  # somebody else was first, and has finished
        return False
    return True
