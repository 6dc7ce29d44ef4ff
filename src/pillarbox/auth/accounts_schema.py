"""What is in an accounts file, and how an older one becomes one of today.

Version 1 had the accounts and their counter. Version 2 adds tables beside them and changes none,
so that a server of the older version that has the file open goes on reading it. An older file
is brought up to date by whoever opens it first, in one transaction under the writer's lock:
it is of the one version or of the other, whatever happens.
"""

from __future__ import annotations

import sqlite3

from pillarbox.auth.kept_secrets import INSERT, new_secrets

APPLICATION_ID = 0x50424131
"""Marks the file as ours: "PBA1"."""

SCHEMA_VERSION = 2

_ACCOUNTS = (
    """
    CREATE TABLE account (
        name TEXT NOT NULL PRIMARY KEY,
        verifier TEXT NOT NULL,
        disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
        quota_octets INTEGER NOT NULL DEFAULT 0 CHECK (quota_octets >= 0),
        apop_secret BLOB,
        generation INTEGER NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE TABLE counter (last_generation INTEGER NOT NULL)",
    "INSERT INTO counter VALUES (0)",
)

# Users are named, not referred to: those of other sources have devices and rules, too.
_DEVICES = (
    """
    CREATE TABLE device (
        user TEXT NOT NULL,
        device TEXT NOT NULL,
        digest BLOB NOT NULL UNIQUE,
        scram_sha1 TEXT,
        scram_sha256 TEXT,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (user, device)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE app_passwords_only (user TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID",
    """
    CREATE TABLE scram (
        user TEXT NOT NULL,
        hash_name TEXT NOT NULL,
        keys TEXT NOT NULL,
        PRIMARY KEY (user, hash_name)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE secret (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)


def write_schema(connection: sqlite3.Connection) -> None:
    """Make a new file ours. Within the caller's transaction."""
    for statement in _ACCOUNTS:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    _add_devices(connection)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Give a file of an older version what it lacks; nothing if somebody was faster. Within the
    caller's transaction.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 1:
        _add_devices(connection)


def _add_devices(connection: sqlite3.Connection) -> None:
    for statement in _DEVICES:
        connection.execute(statement)
    connection.executemany(INSERT, new_secrets().items())
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
