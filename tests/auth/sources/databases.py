"""PostgreSQL and MariaDB, as Debian packages them, each with a database of its own in a folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.postoffice import HOST
from tests.realservers.server import (
    open_folder,
    running,
    wait_until_it_listens,
    write_certificate,
)

PASSWORD = "the service's own"
"""Of the user ``pillarbox``, in both."""
UNCERTIFIED = "127.0.0.2"
"""They listen here, too, and their certificates do not say so."""


class SqlServer(ABC):
    """A database that can be stopped and started, and runs as nobody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.authority = write_certificate(folder / "server.pem")
        (folder / "server.pem").chmod(0o600)
        self._settings: Mapping[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            os.chown(folder / "server.pem", nobody.pw_uid, nobody.pw_gid)
            self._settings = {"user": "nobody", "group": nobody.pw_gid, "extra_groups": []}
        self._running = ExitStack()

    @property
    @abstractmethod
    def url(self) -> str:
        """For :class:`DatabaseUrl`."""

    @abstractmethod
    def make(self) -> None:
        """A new database, not started."""

    @abstractmethod
    def command(self) -> list[str]:
        """How it is started."""

    @abstractmethod
    def run(self, statements: str) -> str:
        """Do this as the database's administrator; returns what it prints."""

    def start(self) -> None:
        log = self.folder / "log"
        process = self._running.enter_context(running(self.command(), log, **self._settings))
        self.process = process
        wait_until_it_listens(process, (HOST, self.port), log)

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All its processes stand still. Those of PostgreSQL are no group."""
        main = self.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def _do(self, command: list[str], statements: str = "") -> str:
        done = subprocess.run(
            command,
            input=statements,
            text=True,
            capture_output=True,
            cwd=self.folder,
            **self._settings,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed: str = done.stdout
        return printed


class PostgreSqlServer(SqlServer):
    @property
    def url(self) -> str:
        return f"postgresql://pillarbox@localhost:{self.port}/mail"

    def make(self) -> None:
        programs = postgresql_programs()
        assert programs is not None
        self._programs = programs
        self._do([str(programs / "initdb"), "-D", "data", "-U", "admin", "-A", "trust", "-N"])
        (self.folder / "data" / "pg_hba.conf").write_text(
            "local all admin trust\nhost all pillarbox 127.0.0.0/8 scram-sha-256\n"
        )

    def command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": f"{HOST},{UNCERTIFIED}",
            "unix_socket_directories": self.folder,
            "ssl": "on",
            "ssl_cert_file": self.folder / "server.pem",
            "ssl_key_file": self.folder / "server.pem",
            "fsync": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *options]

    def run(self, statements: str, database: str = "mail") -> str:
        program = str(self._programs / "psql")
        command = [program, "-qtAX", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        return self._do([*command, "-p", str(self.port), "-U", "admin", database], statements)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # waits for no client, unlike SIGTERM
        super().stop()

    def start(self) -> None:
        super().start()
        while True:  # it listens before it answers
            try:
                self.run("SELECT 1", "postgres")
            except AssertionError:
                assert self.process.poll() is None
            else:
                return


class MariaDbServer(SqlServer):
    @property
    def url(self) -> str:
        return f"mysql://pillarbox@localhost:{self.port}/mail"

    def make(self) -> None:
        self._do(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={self.folder}/data",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ]
        )

    def start(self) -> None:
        super().start()
        socket, log = str(self.folder / "socket"), self.folder / "log"
        wait_until_it_listens(self.process, socket, log)  # which it makes behind its port

    def command(self) -> list[str]:
        return [
            "/usr/sbin/mariadbd",
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            f"--port={self.port}",
            f"--bind-address={HOST},{UNCERTIFIED}",
            f"--ssl-cert={self.folder}/server.pem",
            f"--ssl-key={self.folder}/server.pem",
            "--innodb-flush-log-at-trx-commit=0",
            "--skip-name-resolve",
        ]

    def run(self, statements: str, database: str = "mail") -> str:
        command = ["mariadb", "--no-defaults", "-uroot", f"-S{self.folder}/socket", "-BN"]
        return self._do([*command, database], statements)


def postgresql_programs() -> Path | None:
    """The folder of the newest PostgreSQL that is installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: float(path.parent.name), default=None)


@contextmanager
def postgresql() -> Iterator[PostgreSqlServer]:
    """Start it with the empty database ``mail``; it ends with the block."""
    if postgresql_programs() is None:
        pytest.skip("PostgreSQL is not installed on this machine: see scripts/system-packages")
    with open_folder() as folder:
        server = PostgreSqlServer(folder)
        server.make()
        server.start()
        try:
            server.run(
                f"CREATE ROLE pillarbox LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}';"
                "CREATE DATABASE mail ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'",
                "postgres",
            )
            yield server
        finally:
            server.stop()


@contextmanager
def mariadb() -> Iterator[MariaDbServer]:
    """Start it with the empty database ``mail``; it ends with the block."""
    if not Path("/usr/sbin/mariadbd").exists():
        pytest.skip("MariaDB is not installed on this machine: see scripts/system-packages")
    with open_folder() as folder:
        server = MariaDbServer(folder)
        server.make()
        server.start()
        try:
            server.run(
                "CREATE DATABASE mail CHARACTER SET utf8mb4;"
                f"CREATE USER pillarbox@'%' IDENTIFIED BY '{PASSWORD.replace(chr(39), chr(39) * 2)}';"
                "GRANT SELECT ON mail.* TO pillarbox@'%'",
                "mysql",
            )
            yield server
        finally:
            server.stop()
