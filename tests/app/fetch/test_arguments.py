"""The quick way to read the command line, and Typer's, agree; what is not in order is Typer's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pillarbox.app.cli import app, fetch
from pillarbox.app.collecting.arguments import OPTIONS, quick_wish, with_interval
from pillarbox.app.collecting.wish import Wish
from pillarbox.app.exits import ExitCode

EVERY_OPTION = [
    word
    for option in OPTIONS
    for word in ([option.spelling, "17"] if option.metavar else [option.spelling])
]


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch"],
        ["fetch", "work", "home"],
        ["fetch", "pop3s://a@b", "--to", "maildir:x"],
        ["fetch", "--to=maildir:x=y", "pop3s://a@b", "--keep"],
        ["fetch", "--to", "a", "--to", "b"],
        ["fetch", "--to", "--keep"],
        ["fetch", "--to="],
        ["fetch", "--", "--to", "work"],
        ["fetch", "--watch"],
        ["fetch", "--watch", "work"],
        ["fetch", "--watch", "60", "work"],
        ["fetch", "--watch=60.5", "--keep"],
        ["fetch", "--watch", "--keep"],
        ["fetch", "work", "--", "--watch"],
        ["fetch", "fetch"],
        ["--config", "x.toml", "fetch"],
        ["--config=x.toml", "--set", "a.b=c", "--set=d.e=f", "--debug", "fetch", "work"],
        ["-c", "x.toml", "fetch"],
        ["fetch", *EVERY_OPTION, "work"],
    ],
)
def test_both_ways_understand_the_same(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    understood: list[Wish] = []

    def do(wish: Wish) -> ExitCode:
        understood.append(wish)
        return ExitCode.DONE

    monkeypatch.setattr(fetch, "do_fetch", do)
    monkeypatch.delenv("PILLARBOX_DEBUG", raising=False)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert [quick_wish(arguments, {})] == understood


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve"],
        ["user", "add", "fetch"],
        ["--help"],
        ["--version", "fetch"],
        ["--config"],
        ["--set"],
        ["fetch", "--help"],
        ["fetch", "-h"],
        ["fetch", "--nonsense"],
        ["fetch", "--keep=yes"],
        ["fetch", "--to"],
        ["fetch", "login", "work"],
        ["fetch", "login"],
        ["fetch", "--kee"],
    ],
)
def test_the_rest_is_typers(arguments: list[str]) -> None:
    assert quick_wish(arguments, {}) is None


def test_completion_is_typers() -> None:
    assert quick_wish(["fetch"], {"_PILLARBOX_COMPLETE": "complete_bash"}) is None


@pytest.mark.parametrize(
    ("value", "debug"), [("1", True), ("true", True), ("0", False), ("", False), ("no", False)]
)
def test_debug_by_the_environment(value: str, debug: bool) -> None:
    assert quick_wish(["fetch"], {"PILLARBOX_DEBUG": value}) == Wish(debug=debug)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ([], []),
        (["--watch"], ["--watch=300"]),
        (["--watch", "60"], ["--watch=60"]),
        (["--watch", "x"], ["--watch=300", "x"]),
        (["--watch", "--watch", "60"], ["--watch=300", "--watch=60"]),
        (["--", "--watch"], ["--", "--watch"]),
    ],
)
def test_the_seconds_of_watch_can_be_left_out(given: list[str], whole: list[str]) -> None:
    assert with_interval(given) == whole


def test_completion_knows_the_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pillarbox.toml").write_text('[accounts.work]\nurl = "pop3s://a@b"\n')
    monkeypatch.chdir(tmp_path)
    env: dict[str, Any] = {
        "_PILLARBOX_COMPLETE": "complete_bash",
        "COMP_WORDS": "pillarbox fetch w",
        "COMP_CWORD": "2",
    }
    result = CliRunner().invoke(app, [], env=env, prog_name="pillarbox")
    assert "work" in result.output.split()
