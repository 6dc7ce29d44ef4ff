"""`pillarbox read` as a process, and a browser without scripts that comes in."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

PATIENCE = 120.0
"""Seconds; the tests fail long before if nothing comes."""


class Reader:
    """Of the library ``home/library``, with the configuration ``home/pillarbox.toml``."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        (home / "pillarbox.toml").touch()
        with (home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command(home, *options),
                env=environment(home),
                cwd=home,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.fullmatch(r"Your mail: ((https?://[^/]+)/enter\?token=\S+)\n", line)
        if not found:
            raise AssertionError(f"{self.end(signal.SIGKILL)} {line}{self.log}")
        self.entrance, self.address = found.groups()

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """The exit code."""
        self._process.send_signal(number)
        assert self._process.stdout is not None
        self._process.stdout.read()
        code = self._process.wait(PATIENCE)
        self._process.stdout.close()
        return code

    @property
    def running(self) -> bool:
        return self._process.poll() is None


def command(home: Path, *options: str) -> list[str]:
    config = ["--config", str(home / "pillarbox.toml")]
    told = ["--library", str(home / "library"), "--state", str(home / "state"), "--no-browser"]
    return [sys.executable, "-m", "pillarbox", *config, "read", *told, *options]


def environment(home: Path) -> dict[str, str]:
    """No settings from outside, and no keyring that asks somebody."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PILLARBOX_", "XDG_"))}
    return kept | {
        "HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


def run(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`pillarbox read` that ends by itself."""
    return subprocess.run(
        command(home, *options),
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@contextmanager
def reading(home: Path, *options: str) -> Iterator[Reader]:
    """A reader, which is ended."""
    reader = Reader(home, *options)
    try:
        yield reader
    finally:
        if reader.running:
            reader.end()


@contextmanager
def inside(reader: Reader, entrance: str = "", *, verify: object = True) -> Iterator[httpx.Client]:
    """A browser that has come in by an entrance, the reader's own if none is named."""
    with httpx.Client(
        base_url=reader.address,
        follow_redirects=True,
        headers={"Origin": reader.address},
        timeout=PATIENCE,
        trust_env=False,
        verify=verify,  # type: ignore[arg-type] # as httpx takes it
    ) as browser:
        assert browser.get(entrance or reader.entrance).status_code == 200
        yield browser


def post(
    browser: httpx.Client, path: str, fields: Mapping[str, str | Sequence[str]]
) -> httpx.Response:
    """A form of a page, sent with its token."""
    page = browser.get("/settings").text
    (token,) = re.findall(r'<meta name="csrf" content="([^"]+)">', page)
    return browser.post(path, data={"csrf": token, **fields})
