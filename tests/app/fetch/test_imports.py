"""A poll with nothing new is quick because it imports little: what it must not import."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.fetch.conftest import Box

HOOK = (
    "import atexit, sys\n"
    "atexit.register(lambda: print(*sorted(sys.modules), sep='\\n', file=open('modules', 'w')))\n"
)

HEAVY = {
    "argon2",
    "click",
    "cryptography",
    "difflib",
    "email",
    "http",
    "importlib.metadata",
    "json",
    "keyring",
    "msgspec",
    "rich",
    "structlog",
    "typer",
    "urllib.request",
    "uvloop",
    "pillarbox.app.cli.root",
    "pillarbox.app.collecting.bars",
    "pillarbox.app.collecting.tokens",
    "pillarbox.app.config.settings",
    "pillarbox.fetch.destinations.lmtp",
    "pillarbox.fetch.oauth.web",
    "pillarbox.fetch.watch",
    "pillarbox.server",
    "pillarbox.delivery",
    "pillarbox.store",
}


@pytest.fixture
def hook(box: Box) -> dict[str, str]:
    folder = box.home / "hook"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK)
    return {"PYTHONPATH": str(folder)}


def imported(home: Path) -> set[str]:
    return set((home / "modules").read_text().split())


def test_a_poll_by_url(box: Box, hook: dict[str, str]) -> None:
    assert box.fetch("--keep").code == 0
    done = box.run("fetch", box.url, *box.usual, f"--state={box.home}/state", env=hook)
    assert (done.code, done.out, done.err) == (0, "", "")
    found = imported(box.home)
    assert "pillarbox.fetch.run" in found
    assert found.isdisjoint(HEAVY | {"tomllib", "platformdirs"})


def test_what_a_poll_costs(box: Box, record_property: Callable[[str, object], None]) -> None:
    """Told, not asserted. Bytecode is kept, as where a package is installed."""
    cached = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(box.home / "cache")}
    figures = []
    for _ in range(3):
        before = os.times()
        assert box.run("fetch", box.url, *box.usual, env=cached).code == 0
        after = os.times()
        figures.append(
            after.children_user
            - before.children_user
            + after.children_system
            - before.children_system
        )
    record_property("measured", f"a poll with nothing new: {min(figures):.2f} s of CPU")


def test_a_poll_of_the_configuration(box: Box, hook: dict[str, str]) -> None:
    box.configure(f'[defaults]\nto = "maildir:Mail"\n[accounts.a]\n{box.account}')
    assert box.run("fetch", env=hook).code == 0
    found = imported(box.home)
    assert "tomllib" in found
    assert found.isdisjoint(HEAVY)


def test_mail_that_comes_into_a_log_needs_no_more(box: Box, hook: dict[str, str]) -> None:
    box.deliver("one")
    assert box.run("fetch", box.url, *box.usual, env=hook).code == 0
    assert imported(box.home).isdisjoint(HEAVY)
    assert box.stored == ["one"]
