"""The database and the object store, each with an account of what it spends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.cluster.postgres import PostgresServer, postgres_server
from tests.cluster.seaweedfs import SeaweedFs, seaweedfs_server

from bench.accounting import Account, open_account

IN_EARNEST = {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "autovacuum_naptime": "10s",
}
"""Where this PostgreSQL differs from its defaults: as an operator would have it, and nothing less safe."""


@dataclass(frozen=True)
class Database:
    """A PostgreSQL that runs."""

    server: PostgresServer
    account: Account

    @property
    def version(self) -> str:
        return str(self.server.run("SHOW server_version")[0][0])

    def log_bytes(self) -> int:
        """Bytes of write-ahead log since it was made."""
        statement = "SELECT (pg_current_wal_insert_lsn() - '0/0')::BIGINT"
        return int(self.server.run(statement)[0][0])

    def checkpoint(self) -> None:
        """From now on the first change to each page has the log keep the page, whole."""
        self.server.run("CHECKPOINT")

    def room(self, name: str) -> dict[str, int]:
        """Bytes of each table of a database, with its indexes."""
        rows = self.server.run(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
            name,
        )
        return {table: int(size) for table, size in rows}

    def vacuum(self, name: str) -> None:
        """Room that dead rows take is free again, for rows to come."""
        self.server.run("VACUUM ANALYZE", name)


@dataclass(frozen=True)
class ObjectStore:
    """A SeaweedFS that runs."""

    server: SeaweedFs
    account: Account


@contextmanager
def open_database() -> Iterator[Database]:
    """One that syncs."""
    with open_account("database") as account, postgres_server(IN_EARNEST) as server:
        account.adopt(server.pid)
        yield Database(server, account)


@contextmanager
def open_object_store() -> Iterator[ObjectStore]:
    """Three volume servers; two copies of everything."""
    with open_account("objects") as account, seaweedfs_server() as server:
        for daemon in (server.master, *server.volumes, server.filer, server.gateway):
            account.adopt(daemon.process.pid)
        yield ObjectStore(server, account)
