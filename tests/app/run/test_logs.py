"""The log: one line an event, nothing forged, nothing secret, nobody stopped by it."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from pillarbox.app import logs

Configure = Callable[..., Callable[[], list[str]]]


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Configure]:
    """Configures logs into a file; call it to read the lines."""
    file = tmp_path / "log"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions

    def configure(form: logs.Format, level: logs.Level = "info") -> Callable[[], list[str]]:
        logs.configure(form, level, fd=descriptor)
        return lambda: file.read_text().splitlines()

    yield configure
    os.close(descriptor)
    structlog.reset_defaults()
    root.handlers[:], root.level = before[:2]
    logging.raiseExceptions = before[2]
    logging.captureWarnings(capture=False)


def test_a_line_of_text(lines: Configure) -> None:
    read = lines("text")
    structlog.get_logger("pillarbox.server").info(
        "session ended", user="alice", octets=12, seconds=0.25, view=None, to=["a", "b"]
    )
    (line,) = read()
    time, rest = line.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert rest == (
        "info    pillarbox.server: session ended user=alice octets=12 seconds=0.25 view=- to=a,b"
    )


def test_a_line_of_json(lines: Configure) -> None:
    read = lines("json")
    structlog.get_logger("pillarbox.server").warning("refused", peer="::1", count=3)
    found = json.loads(read()[0])
    del found["time"]
    assert found == {
        "level": "warning",
        "logger": "pillarbox.server",
        "event": "refused",
        "peer": "::1",
        "count": 3,
    }


HOSTILE = [
    "eve\n2026-01-01T00:00:00.000Z info pillarbox.server: session ended user=alice",
    "eve reason=quit",
    "eve\x1b[2J",
    "eve\r",
    "\udcff\udc80",
    "\u202eeve",
    'eve"',
    "",
]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_client_cannot_forge_a_line(lines: Configure, form: logs.Format, name: str) -> None:
    read = lines(form)
    structlog.get_logger("pillarbox.server").info("refused", user=name, reason="password")
    (line,) = read()
    assert line.isascii()
    assert line.isprintable()
    if form == "text":
        assert line.endswith(" reason=password")
        assert json.loads(line.split(" user=", 1)[1].removesuffix(" reason=password")) == name
    else:
        assert json.loads(line)["user"] == name


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("key", ["password", "new_password", "client_secret", "token", "passwd"])
def test_what_is_called_a_secret_is_not_written(
    lines: Configure, form: logs.Format, key: str
) -> None:
    read = lines(form)
    structlog.get_logger("pillarbox.auth").error("oops", **{key: "s3kr1t", "user": "alice"})
    assert "s3kr1t" not in read()[0]
    assert "alice" in read()[0]


def test_the_level_is_kept(lines: Configure) -> None:
    read = lines("text", "warning")
    log = structlog.get_logger("pillarbox.level")
    log.debug("no")
    log.info("no")
    log.warning("yes")
    assert len(read()) == 1


def test_a_traceback_stays_on_its_line(lines: Configure) -> None:
    read = lines("text")
    try:
        int("broken\nin two")
    except ValueError:
        structlog.get_logger("pillarbox.server").exception("command failed")
    (line,) = read()
    assert "ValueError: invalid literal" in line


def test_libraries_are_routed_in(lines: Configure) -> None:
    read = lines("json")
    logging.getLogger("asyncio").warning("socket %s\nlost", 7)
    logging.getLogger("uvicorn.error").info("not worth a line")
    (line,) = map(json.loads, read())
    assert (line["logger"], line["level"]) == ("asyncio", "warning")
    assert line["event"] == "socket 7\nlost"


@pytest.mark.parametrize("final", [False, True])
def test_a_log_that_cannot_be_written_stops_nobody(final: bool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    logs.configure("text", fd=writer, final=final)
    try:
        structlog.get_logger(f"pillarbox.broken.{final}").info("into the void")
    finally:
        os.close(writer)
        structlog.reset_defaults()
