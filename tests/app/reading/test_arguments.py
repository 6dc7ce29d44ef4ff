"""The quick way to read the command line, and Typer's, agree; what is not in order is Typer's."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from pillarbox.app.cli import app, read
from pillarbox.app.exits import ExitCode
from pillarbox.app.reading.arguments import quick_wish
from pillarbox.app.reading.wish import ReadWish


@pytest.mark.parametrize(
    "arguments",
    [
        ["read"],
        ["read", "--no-browser"],
        ["read", "--end-with-stdin"],
        ["read", "--no-browser", "--browser"],
        ["read", "--library", "a/b/"],
        ["read", "--library=./a//b"],
        ["read", "--library="],
        ["read", "--library", "a", "--library", "--reindex"],
        ["read", "--port", "0"],
        ["read", "--port=65535", "--reindex"],
        ["read", "--port", "0080"],
        ["read", "--listen", "[::1]:80", "--certificate", "c.pem", "--key", "k/../k.pem"],
        ["read", "--password-command", "pass show page", "--new-password"],
        ["read", "--password-command=a=b", "--state", "s/"],
        ["--config", "x.toml", "read", "--reindex"],
        ["-c", "x.toml", "--set", "a.b=c", "--set=d.e=f", "--debug", "read", "--state="],
    ],
)
def test_both_ways_understand_the_same(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    understood: list[ReadWish] = []

    def do(wish: ReadWish, make_parts: Any) -> ExitCode:
        del make_parts
        understood.append(wish)
        return ExitCode.DONE

    monkeypatch.setattr(read, "do_read", do)
    monkeypatch.delenv("PILLARBOX_DEBUG", raising=False)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    quick = quick_wish(arguments, {})
    assert quick is not None
    assert [quick.wish] == understood
    assert quick.debug == ("--debug" in arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fetch"],
        ["--help"],
        ["--nonsense", "read"],
        ["read", "--help"],
        ["read", "-h"],
        ["read", "work"],
        ["read", "--"],
        ["read", "--nonsense"],
        ["read", "--reindex=yes"],
        ["read", "--library"],
        ["read", "--port", "65536"],
        ["read", "--port", "-1"],
        ["read", "--port", "x"],
        ["read", "--port", "1" * 5000],
        ["read", "--port", "\N{ARABIC-INDIC DIGIT ONE}"],
        ["read", "--port", "1", "--listen", "127.0.0.1:2"],
    ],
)
def test_the_rest_is_typers(arguments: list[str]) -> None:
    assert quick_wish(arguments, {}) is None


def test_completion_is_typers() -> None:
    assert quick_wish(["read"], {"_PILLARBOX_COMPLETE": "complete_bash"}) is None


def test_debug_by_the_environment() -> None:
    quick = quick_wish(["read"], {"PILLARBOX_DEBUG": "1"})
    assert quick is not None
    assert quick.debug
