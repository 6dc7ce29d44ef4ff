"""``pillarbox read`` as a process, and its page over HTTP: as a browser has it, on one connection that is kept."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

_ENTRANCE = re.compile(r"http://\S+/enter\?token=\S+")
_CSRF = re.compile(r'<meta name="csrf" content="([^"]+)">')
PATIENCE = 120
"""Seconds for a reply."""


@dataclass
class Reading:
    """A reader that runs."""

    process: subprocess.Popen[str]
    entrance: str
    started: float
    """Milliseconds from its beginning until it said its address."""
    _cookie: str = ""
    _csrf: str = ""
    _line: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._line = http.client.HTTPConnection(urlsplit(self.entrance).netloc, timeout=PATIENCE)

    @property
    def pid(self) -> int:
        return self.process.pid

    def come_in(self) -> None:
        """By the address that lets in once."""
        url = urlsplit(self.entrance)
        reply = self._ask("GET", f"{url.path}?{url.query}")
        cookies = reply.headers.get_all("Set-Cookie") or []
        self._cookie = "; ".join(each.partition(";")[0] for each in cookies)

    def get(self, path: str, **asked: object) -> str:
        """The whole page."""
        self._ask("GET", f"{path}?{urlencode(asked)}" if asked else path)
        return self._text

    def do(self, path: str, fields: Sequence[tuple[str, str]]) -> str:
        """A change; the id by which it can be undone."""
        if not self._csrf:
            found = _CSRF.search(self.get("/settings"))
            assert found is not None
            self._csrf = found[1]
        form = {"Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true"}
        reply = self._ask("POST", path, urlencode([("csrf", self._csrf), *fields]), form)
        found = re.search(r'"id": "([^"]*)"', reply.headers.get("HX-Trigger", ""))
        return found[1] if found else ""

    def _ask(
        self, method: str, path: str, body: str | None = None, more: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        own = {"Cookie": self._cookie, "Sec-Fetch-Site": "same-origin"}
        self._line.request(method, path, body, own | dict(more or {}))
        reply = self._line.getresponse()
        self._text = reply.read().decode("utf-8")
        if reply.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {reply.status}\n{self._text}")
        return reply


@contextmanager
def reading(root: Path) -> Iterator[Reading]:
    """A reader of the library in the folder *root*, with no account and a home of its own; it has said its address."""
    home = root / "home"
    home.mkdir(exist_ok=True)
    # As installed: with bytecode, which the first start writes.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("XDG_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pillarbox", "read", "--no-browser", "--library", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=kept | {"HOME": str(home)},
    )
    try:
        assert process.stdout is not None
        found = _ENTRANCE.search(process.stdout.readline())
        if found is None:
            raise RuntimeError("The reader did not start.")
        yield Reading(process, found[0], (time.perf_counter() - began) * 1000)
    finally:
        process.terminate()
        process.communicate()
