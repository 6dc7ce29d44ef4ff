"""What only a cluster has, from a configuration. Its libraries are an extra: imported where there is
a cluster, by :mod:`.wire_up` and the commands of ``pillarbox cluster``.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config
from pillarbox.app.importing import database_journal
from pillarbox.app.importing.database_journal import DatabaseJournal
from pillarbox.app.secret_file import secret_in
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.cluster import open_cluster_accounts
from pillarbox.auth.passwords import Passwords
from pillarbox.database import Database
from pillarbox.store.cluster.engine import ClusterStore, open_cluster
from pillarbox.store.cluster.objects import ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings

_FILES = {"sslrootcert", "sslcert", "sslkey"}
"""Options of the database's URL."""


def database_url(config: Config) -> str:
    """``store.database``, with the password of its file.

    Raises:
        ConfigError: that cannot be read, or a file with a certificate.
    """
    url = config.store.database or ""
    for key, names in parse_qs(urlsplit(url).query).items():
        if key in _FILES:
            _must_be_readable(config, key, names[0])
    password = secret_in(
        config, "store.database_password_file", config.store.database_password_file
    )
    if password is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}password={quote(password, safe='')}"


def _must_be_readable(config: Config, key: str, name: str) -> None:
    """Said before anything is connected: the library would say no more than that there is no file."""
    try:
        Path(name).read_bytes()
    except OSError as error:
        problem = f"{key} names {name}, which cannot be read by this process: {error.strerror}"
        raise ConfigError([Fault(str(config.file or ""), "store.database", problem)]) from None


def object_settings(config: Config) -> ObjectSettings | None:
    """``store.objects`` and ``[store.s3]``; None: all bodies are in the database.

    Raises:
        ConfigError: a key's file cannot be read.
    """
    s3 = config.store_s3
    if config.store.objects is None:
        return None
    access_key = s3.access_key or secret_in(config, "store.s3.access_key_file", s3.access_key_file)
    secret_key = s3.secret_key or secret_in(config, "store.s3.secret_key_file", s3.secret_key_file)
    return ObjectSettings(
        url=config.store.objects,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key=access_key,
        secret_key=secret_key,
        authority=_authority(config),
    )


def _authority(config: Config) -> bytes | None:
    path = config.store_s3.ca
    if path is None:
        return None
    try:
        text = path.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text.decode("ascii"))
    except (ssl.SSLError, ValueError):
        problem = f"{path} holds no certificates that can be understood (PEM)"
        raise ConfigError([Fault(str(config.file or ""), "store.s3.ca", problem)]) from None
    except OSError as error:
        problem = f"{path} cannot be read by this process: {error.strerror}"
        raise ConfigError([Fault(str(config.file or ""), "store.s3.ca", problem)]) from None
    return text


def cluster_settings(config: Config) -> ClusterSettings:
    """What the engine is told.

    Raises:
        ConfigError: a password's file cannot be read.
    """
    store = config.store
    return ClusterSettings(
        database=database_url(config),
        connections=store.connections,
        lease_seconds=store.lease_seconds,
        inline_bytes=store.inline_octets,
        node=socket.gethostname(),
        objects=object_settings(config),
    )


async def open_store(config: Config, *, serves: bool) -> ClusterStore:
    """As :func:`pillarbox.app.wire_up.open_store`."""
    store = await open_cluster(
        cluster_settings(config), default_holds=config.retention.default_view_holds
    )
    if serves:
        store.begin()
    return store


def open_accounts(config: Config, passwords: Passwords, *, create: bool, serves: bool) -> Accounts:
    """As :func:`pillarbox.app.wire_up.open_accounts`."""
    return open_cluster_accounts(
        database_url(config), passwords=passwords, create=create, serving=serves
    )


@asynccontextmanager
async def journal_of(config: Config, user: str) -> AsyncIterator[DatabaseJournal]:
    """As :func:`pillarbox.app.wire_up.journal_of`."""
    async with open_database(config) as database, DatabaseJournal(database, user) as journal:
        yield journal


async def forget_imports(config: Config, user: str) -> None:
    """As :func:`pillarbox.app.wire_up.forget_imports`."""
    async with open_database(config) as database:
        await database_journal.forget_imports(database, user)


@asynccontextmanager
async def open_database(
    config: Config, *, statement_seconds: float | None = None
) -> AsyncIterator[Database]:
    """The database for a command: one connection. *statement_seconds*: see :class:`Database`.

    Raises:
        ConfigError: the password's file cannot be read.
    """
    database = Database(database_url(config), connections=1, statement_seconds=statement_seconds)
    try:
        yield database
    finally:
        await database.close()
