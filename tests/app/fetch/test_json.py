"""``--json``: one object a line, for scripts."""

from __future__ import annotations

import re
from pathlib import Path

from tests.app.fetch.conftest import Box

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"


def test_a_run_from_begin_to_end(box: Box) -> None:
    box.deliver("one", "two")
    done = box.fetch("--json")
    assert (done.code, done.err) == (0, "")
    connected, planned, *stored, deleted, ended, last = done.events
    assert all(event["account"] == box.name for event in done.events[:-1])
    assert connected["server"] == box.url.partition("@")[2]
    assert (planned["event"], planned["retrieve"]) == ("planned", 2)
    assert {event["event"] for event in stored} == {"stored"}
    assert sum(event["messages"] for event in stored) == 2
    assert (deleted["event"], deleted["messages"]) == ("deleted", 2)
    assert (ended["event"], ended["error"], ended["exit_code"]) == ("ended", None, 0)
    assert (last["event"], last["retrieved"], last["deleted"]) == ("done", 2, 2)
    assert ended["octets"] == last["octets"] == planned["octets"]


def test_what_goes_wrong_is_an_event_too(box: Box) -> None:
    (box.home / "password").write_text("wrong")
    done = box.fetch("--json")
    assert (done.code, done.err) == (3, "")
    ended, last = done.events
    assert "refused the sign-in" in ended["error"]
    assert ended["exit_code"] == last["exit_code"] == 3


def test_every_event_is_documented() -> None:
    source = Path(__file__).parents[3] / "src/pillarbox/app/collecting/events.py"
    told = set(re.findall(r'_say\(\s*"(\w+)"', source.read_text()))
    section = PAGE.read_text().partition("## `pillarbox fetch [ACCOUNT|URL]…`")[2]
    documented = set(re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE))
    assert told <= documented
