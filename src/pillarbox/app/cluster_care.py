"""What operators do with a cluster as a whole: its tables, and a look at its parts.

Nothing is asked that would take longer for more mail.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncpg

from pillarbox.app.config import Config
from pillarbox.app.exits import CommandFailed
from pillarbox.app.wire_up_cluster import object_settings, open_database
from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.database import Database, DatabaseUnavailable
from pillarbox.database.migrate import migrate, must_be_current
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.owner import adopt, problem_of
from pillarbox.store.cluster.tables import Tables

MOST_COUNTED = 100_000
"""Objects that are counted; of more it is said that there are more."""

_PROCESSES = """
    SELECT node, pid, alive_until > clock_timestamp() FROM processes WHERE pid <> 0 ORDER BY node, pid
"""
_BY_BYTES = "SELECT 'Z' < 'a'"
_OTHER_ORDER = (
    "the database orders names as its locale does, which is the system's and changes with it: after an update, or "
    "on another standby, names would not be found. Make the database with LOCALE 'C' while it is empty "
    "(docs/howto/cluster.md)"
)
_WAITING = f"""
    SELECT count(*) FROM (SELECT 1 FROM objects WHERE refs = 0 LIMIT {MOST_COUNTED + 1}) AS unused
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class Migrated:
    """The tables are up to date."""

    applied: list[str]
    """Names of the steps that were missing."""
    warning: str | None = None
    """What will be a problem one day."""


@dataclass(frozen=True, slots=True)
class Part:
    """The database, or the object store."""

    name: str
    problem: str | None = None
    """None: it answers, and is as it should be."""


@dataclass(frozen=True, slots=True)
class Process:
    """One that has had a maildrop open; a worker mostly, or a command."""

    node: str
    process: int
    """Its number there."""
    alive: bool
    """Whether what it has locked is still its own."""


@dataclass(slots=True)
class Status:
    """What there is to be seen of a cluster."""

    database: Part
    objects: Part | None
    """None: all bodies are in the database."""
    processes: list[Process] = field(default_factory=list)
    objects_to_remove: int = 0
    """Bodies of messages that are gone, and those of deliveries that were broken off; at most
    :data:`MOST_COUNTED` and one."""

    @property
    def is_well(self) -> bool:
        return not any(part and part.problem for part in (self.database, self.objects))


async def migrate_tables(config: Config) -> Migrated:
    """Make the tables, or bring them up to date.

    Raises:
        ConfigError: the password's file cannot be read.
        CommandFailed: the database is away, or does not let us.
    """
    with _told():
        # Of a large table a step may take hours.
        async with open_database(config, statement_seconds=math.inf) as database:
            applied = [step.name for step in await migrate(database)]
            by_bytes = (await database.fetch(_BY_BYTES))[0][0]
            return Migrated(applied, None if by_bytes else _OTHER_ORDER)


async def adopt_objects(config: Config) -> str:
    """Mark the object store's place as this database's; where it is.

    Raises:
        ConfigError: the file of a password or a key cannot be read.
        CommandFailed: one of the two is away, or there is no object store.
    """
    settings = object_settings(config)
    if settings is None:
        raise CommandFailed("store.objects is not set: all bodies are in the database")
    objects = Objects(settings)
    try:
        with _told():
            async with open_database(config) as database:
                await must_be_current(database)
                await adopt(Tables(database), objects)
    except StoreUnavailable as error:
        raise CommandFailed(str(error)) from error
    finally:
        await objects.close()
    return objects.name


async def look_at_cluster(config: Config) -> Status:
    """Ask all parts.

    Raises:
        ConfigError: the file of a password or a key cannot be read.
        CommandFailed: the database went away in the middle.
    """
    with _told():
        async with open_database(config) as database:
            part = await _database_of(database)
            asked = database if part.problem is None else None
            found = Status(part, await _objects_of(config, asked))
            if found.database.problem is None:
                rows = await database.fetch(_PROCESSES)
                found.processes = [Process(*row) for row in rows]
                found.objects_to_remove = (await database.fetch(_WAITING))[0][0]
        return found


async def _database_of(database: Database) -> Part:
    try:
        await must_be_current(database)
    except DatabaseUnavailable as error:
        return _part(f"database {database.name}", str(error))
    return Part(f"database {database.name}")


async def _objects_of(config: Config, database: Database | None) -> Part | None:
    """*database*: None if it cannot be asked whose they are."""
    settings = object_settings(config)
    if settings is None:
        return None
    objects = Objects(settings)
    try:
        await objects.probe()
        problem = await problem_of(Tables(database), objects) if database is not None else None
    except StoreUnavailable as error:
        problem = str(error)
    finally:
        await objects.close()
    return _part(f"object store {objects.name}", problem)


def _part(name: str, problem: str | None) -> Part:
    """The name is shown with the problem, so it is not said twice."""
    return Part(name, problem.removeprefix(f"{name}: ") if problem is not None else None)


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with the database, as the sentence that ends the command."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise CommandFailed(str(error)) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise CommandFailed(
            f"the database does not let its user do that ({error}): make the user the owner of the "
            "database, or grant it CREATE on the schema"
        ) from error
