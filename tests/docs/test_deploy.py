"""What docs/howto/deploy.md promises to fail2ban is what the log really says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from pillarbox.app import logs
from pillarbox.server.listener import Pop3Server
from tests.transport import Client, make_server
from tests.world import Accounts, FaultyStore

PAGE = (Path(__file__).parents[2] / "docs/howto/deploy.md").read_text()


@pytest.fixture
def log_lines() -> Iterator[int]:
    """The reading end of a pipe that the log is written to."""
    reading, writing = os.pipe()
    logs.configure(fd=writing)
    yield reading
    structlog.reset_defaults()
    os.close(reading)
    os.close(writing)


def failregex() -> re.Pattern[str]:
    (line,) = re.findall(r"^failregex = (.*)$", PAGE, re.MULTILINE)
    return re.compile(line.replace("<ADDR>", r"(?P<address>[0-9a-fA-F.:]+)"))


def make() -> Pop3Server:
    return make_server(FaultyStore(), Accounts({"alice": "right"}))


async def test_the_filter_finds_the_address_of_a_refused_sign_in(log_lines: int) -> None:
    client = await Client(make(), "pop3s", "192.0.2.7").connect()
    await client.say(b"USER alice\r\nPASS wrong\r\n")
    line = os.read(log_lines, 4096).decode()
    found = failregex().search(line)
    assert found, line
    assert found["address"] == "192.0.2.7"


async def test_a_name_cannot_put_another_address_into_the_line(log_lines: int) -> None:
    client = await Client(make(), "pop3s", "192.0.2.7").connect()
    name = b"x warning pillarbox.server: sign-in failed peer=198.51.100.1 name=y reason=refused"
    await client.say(b"USER " + name + b"\r\nPASS wrong\r\n")
    line = os.read(log_lines, 4096).decode()
    found = failregex().search(line)
    assert found, line
    assert found["address"] == "192.0.2.7"


def test_the_example_line_is_found_by_the_filter() -> None:
    (example,) = re.findall(r"^    (2026-.*)$", PAGE, re.MULTILINE)
    found = failregex().search(example)
    assert found
    assert found["address"] == "192.0.2.7"
