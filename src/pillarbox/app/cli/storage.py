"""Opening the accounts and the store for a command, on the same files (or the same database) as a
running server.

Root becomes the store's user first (:func:`pillarbox.app.privileges.enter_store`), so that
nothing a command creates is closed to the server. A command that only looks or changes
does not create a store: a wrong ``store.path`` is an error, not an empty post office.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from pillarbox.app import logs
from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.config import Config
from pillarbox.app.privileges import enter_store
from pillarbox.app.wire_up import Engine, look_at_store, open_accounts, open_store
from pillarbox.auth.accounts import Accounts

COMMAND_PATIENCE_SECONDS = 10.0
"""So long a command waits for another process that keeps it from writing, and says so. Shorter
than the server's patience: it ends with a sentence and can be given again."""


@contextmanager
def accounts_of(
    config: Config, *, create: bool = False, make_file: bool = False
) -> Iterator[Accounts]:
    """The accounts; made when *create* says so, else the store and they must be there. To
    *make_file* makes no store, but the accounts' file in it: devices need it, also those of users
    whom only other sources know.

    Raises:
        CommandFailed: there is no store, or it is not this user's to open.
        ConfigError: root cannot become the store's user.
    """
    enter(config, create=create)
    accounts = open_accounts(config, create=create or make_file)
    try:
        yield accounts
    finally:
        accounts.close()


@asynccontextmanager
async def store_of(config: Config, *, look: bool = False) -> AsyncIterator[Engine]:
    """The store, open; within :func:`accounts_of`, which has seen to the folder.

    To *look* changes nothing on the disk; ``check`` then changes what it is asked to repair.
    """
    if look:
        store = await look_at_store(config)
    else:
        store = await open_store(
            config,
            patience=COMMAND_PATIENCE_SECONDS,
            speaks=False,  # the command ends with the same sentence, if it needs that part
        )
    try:
        yield store
    finally:
        await store.close()


def enter(config: Config, *, create: bool = False) -> None:
    """Become who may work on the store; from here on nothing is root's. (In a cluster there is nothing
    on this machine that could be.)

    Raises: as :func:`accounts_of`.
    """
    logs.configure(level="warning")  # what engines have to say goes to stderr
    if config.store.is_shared:
        return
    path = config.store.path
    try:
        there = path.is_dir()
    except PermissionError:
        raise CommandFailed(
            f"the folder {path} (store.path) is closed to this user: run this as root, or as the "
            "user that the server runs as",
            ExitCode.USAGE,
        ) from None
    if found := not_a_folder(path):
        raise CommandFailed(
            f"{found} (store.path) is not a folder: name the folder of mail and accounts",
            ExitCode.USAGE,
        )
    if not (there or create):
        begins = "pillarbox serve" if config.auth.sources else "pillarbox user add NAME"
        raise CommandFailed(
            f"there is no post office at {path} (store.path): name its configuration with --config, "
            f"or begin one with `{begins}`",
            ExitCode.USAGE,
        )
    enter_store(config)
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        raise CommandFailed(
            f"the disk of {path} (store.path) is mounted read-only: commands need to write there, "
            "locks and the like, even to look",
        )
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        owner = _owner(path.stat().st_uid)
        raise CommandFailed(
            f"the folder {path} (store.path) belongs to {owner}: run this as root or as {owner}",
            ExitCode.USAGE,
        )


def not_a_folder(path: Path) -> Path | None:
    """What keeps *path* from being a folder: itself, or something above it; None: nothing."""
    standing = next(part for part in (path, *path.parents) if os.path.lexists(part))
    try:
        return None if standing.is_dir() else standing
    except PermissionError:
        return None


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
