"""A post office, the way to it that can be cut, and a reader that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page

from tests.ports import free_port
from tests.postoffice import HOST, PASSWORD, PostOffice

_URL = re.compile(r"http://\S+/enter\?token=\S+")
_TESTS = Path(__file__).parents[3]


class Way:
    """A TCP connection to another port, that can be cut: the network of an account."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """The network is there."""
        self._server = await asyncio.start_server(self._pass_on, HOST, self.port)

    async def cut(self) -> None:
        """It is gone, and so are all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        if server is not None:
            await server.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, self._target)
        self._writers |= {writer, back}
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._writers -= {writer, back}
            writer.transport.abort()
            back.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


class NotStarted(AssertionError):
    """The reader ended before it had said where it is."""


class Reading:
    """``pillarbox read`` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = folder / "library"
        self.config = folder / "pillarbox.toml"
        self.module = "pillarbox"
        """What is run with Pillarbox's own arguments."""
        self.arguments: tuple[str, ...] = ()
        """More of them."""
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._log = folder / "reader.log"

    @property
    def home(self) -> str:
        return f"http://{HOST}:{self.port}"

    def hold(self, seconds: float) -> None:
        """What is sent waits so long before it leaves by itself."""
        self.library.mkdir(exist_ok=True)
        (self.library / "settings.json").write_text(json.dumps({"hold_seconds": seconds}))

    async def start(self) -> str:
        """Start it; the address that lets in."""
        return await asyncio.to_thread(self._start)

    def _start(self) -> str:
        folders = {
            f"XDG_{name}_HOME": str(self.folder / name) for name in ("DATA", "STATE", "CONFIG")
        }
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "PILLARBOX_"))
        } | folders
        environment |= {
            "HOME": str(self.folder),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PYTHONPATH": str(_TESTS),
        }
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", self.module, "read", "--no-browser"),
                    *("--port", str(self.port), "--library", str(self.library)),
                    *self.arguments,
                ],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := _URL.search(line):
                return found.group(0)
        raise NotStarted(f"the reader did not start:\n{self._log.read_text()}")

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    def send_signal(self, sign: signal.Signals) -> None:
        """At this very moment; if it still runs."""
        if self._process is not None:
            self._process.send_signal(sign)

    async def ended(self) -> int:
        """Wait until it has; its exit code."""
        process, self._process = self._process, None
        assert process is not None
        return await asyncio.to_thread(_waited_for, process)

    async def stop(self) -> int:
        return await self._end(signal.SIGTERM)

    async def _end(self, sign: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(sign)
        return await asyncio.to_thread(_waited_for, process)

    @property
    def log(self) -> str:
        return self._log.read_text()


def _waited_for(process: subprocess.Popen[str]) -> int:
    code = process.wait()
    assert process.stdout is not None
    process.stdout.close()
    return code


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[Reading]:
    """A reader, not started yet."""
    reader = Reading(folder)
    try:
        yield reader
    finally:
        await reader.kill()


def configured(reader: Reading, office: PostOffice, *, smtp: int, account: str = "alice") -> None:
    """Give *reader* an account of *office*, whose mail leaves by the port *smtp*."""
    password = reader.folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    reader.config.write_text(
        f"""[accounts.{account}]
url = "pop3s://{account}@localhost:{office.addresses["pop3s"].port}"
ca = "{office.authority}"
password_command = "cat '{password}'"
to = "reader"
keep = true
from = "{account}@example.org"
smtp = "smtp://localhost:{smtp}"
smtp_auth = false
"""
    )


async def settled(page: Page) -> None:
    """What htmx and scripts have asked for is there."""
    await page.wait_for_load_state("networkidle")
