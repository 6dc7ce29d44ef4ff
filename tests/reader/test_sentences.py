"""What other parts say is said on pages so that a person there can follow it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pillarbox
from pillarbox.client.errors import Insecure, InvalidSetting
from pillarbox.client.tls import TlsSettings
from pillarbox.reader.outbox.troubles import trouble
from pillarbox.reader.sentences import as_sentence, reworded


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("the server is gone; try again", "The server is gone; try again."),
        ("mail.example.org:995 is gone", "mail.example.org:995 is gone."),
        ("Is it there?", "Is it there?"),
        ("", ""),
    ],
)
def test_sentences(text: str, sentence: str) -> None:
    assert as_sentence(text) == sentence


def texts(tree: ast.Module) -> Iterator[str]:
    """All that the program could say, with X for what is put in; docstrings are nothing to users."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
                else "X"
                for part in node.values
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings | parts
        ):
            yield node.value


TABLE = "reader/sentences.py"
# An option, or the command as one has to type it: that there is such a program may be said.
ONLY_THERE = re.compile(r"--[a-z]|: pillarbox fetch|`pillarbox --debug fetch")


@pytest.mark.parametrize(
    ("part", "some"), [("client", 10), ("fetch", 2), ("sasl", 0), ("reader", 0)]
)
def test_no_hint_names_an_option_of_the_command_line(part: str, some: int) -> None:
    """Whatever these may say, on a page nobody is told to give ``--timeout``."""
    root = Path(pillarbox.__file__).parent
    seen = 0
    for file in root.glob(f"{part}/**/*.py"):
        if file == root / TABLE:
            continue
        for text in texts(ast.parse(file.read_text())):
            if ONLY_THERE.search(text) and " " in text.strip():
                seen += 1
                said = reworded(text).replace("`pillarbox --debug read`", "")
                assert not ONLY_THERE.search(said), f"{file}: {text}"
    assert seen >= some


def test_a_wrong_pin_is_said_to_who_sends_without_an_option() -> None:
    """By the outbox, whose errors come from the client, too."""
    with pytest.raises(Insecure) as caught:
        TlsSettings(fingerprint="AB" * 32).check_pin(b"another certificate")
    assert "--fingerprint" in str(caught.value)
    said = str(trouble(caught.value, "mail.example.org:465"))
    assert "--" not in said
    assert "enter it as the one to trust: " in said
    assert said[0].isupper()
    said = str(
        trouble(
            InvalidSetting(
                "there is no password for alice; give one with --password-stdin or --password-command, or put it into the keyring"
            ),
            "x",
        )
    )
    assert said == "There is no password for alice; enter it."


@pytest.mark.parametrize("part", ["client", "fetch"])
def test_a_page_has_no_urls_of_servers(part: str) -> None:
    """It has fields for servers and their protection: what begins with pop3:// is nowhere there."""
    root = Path(pillarbox.__file__).parent
    said = [
        reworded(text)
        for file in root.glob(f"{part}/**/*.py")
        for text in texts(ast.parse(file.read_text()))
        if " " in text.strip()
    ]
    assert [
        each for each in said if re.search(r"\bpop3s?://|into the URL|the URL begins", each)
    ] == []
