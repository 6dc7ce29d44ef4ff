"""Lines that were understood before are understood the same again, and hold no secret."""

from __future__ import annotations

import pytest

from pillarbox.wire import commands
from pillarbox.wire.commands import REMEMBERED_LINES, Command, parse
from pillarbox.wire.errors import CommandRefused
from pillarbox.wire.states import State
from pillarbox.wire.verbs import Verb

NUMBERED = [
    (b"RETR 7", Command(Verb.RETR, 7)),
    (b"retr  7 ", Command(Verb.RETR, 7)),
    (b"DELE 7", Command(Verb.DELE, 7)),
    (b"LIST 7", Command(Verb.LIST, 7)),
    (b"UIDL 7", Command(Verb.UIDL, 7)),
    (b"TOP 7 0", Command(Verb.TOP, 7, 0)),
    (b"TOP 7 10", Command(Verb.TOP, 7, 10)),
]


@pytest.mark.parametrize(("line", "command"), NUMBERED)
def test_the_second_time_means_what_the_first_did(line: bytes, command: Command) -> None:
    for _ in range(3):
        assert parse(line, State.TRANSACTION)[1] == command


@pytest.mark.parametrize("line", [line for line, _ in NUMBERED] + [b"STAT", b"NOOP"])
def test_what_is_known_is_still_refused_before_the_sign_in(line: bytes) -> None:
    parse(line, State.TRANSACTION)
    with pytest.raises(CommandRefused):
        parse(line, State.AUTHORIZATION)


@pytest.mark.parametrize(
    "line", [b"RETR 0", b"RETR x", b"RETR 1 2", b"RETR 1\0", b"RETR " + b"9" * 11]
)
def test_what_was_refused_is_refused_again(line: bytes) -> None:
    for _ in range(3):
        with pytest.raises(CommandRefused):
            parse(line, State.TRANSACTION)


def test_a_bounded_number_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_understood", {})
    for number in range(1, 2 * REMEMBERED_LINES):
        assert parse(b"RETR %d" % number, State.TRANSACTION)[1].number == number
    assert len(commands._understood) == REMEMBERED_LINES


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (b"USER someone", State.AUTHORIZATION),
        (b"PASS a secret", State.NAMED),
        (b"PASS 1", State.NAMED),
        (b"APOP someone c4c9334bac560ecc979e58001b3e22fb", State.AUTHORIZATION),
        (b"AUTH PLAIN AGEAYg==", State.AUTHORIZATION),
    ],
)
def test_no_secret_is_remembered(line: bytes, state: State) -> None:
    parse(line, state)
    assert line not in commands._understood
