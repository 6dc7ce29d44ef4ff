"""The player itself: it must fail when the dialogue is different, and say where."""

from __future__ import annotations

import pytest

from pillarbox.testing.transcript import TranscriptSyntaxError, message_of, parse, unescape
from pillarbox.testing.transcript_player import (
    TranscriptMismatch,
    body_on_the_line,
    play,
    without_a_loop,
)
from tests.transcripts.core_stage import CoreStage
from tests.transcripts.corpus import TRANSCRIPTS


def failure(dialogue: str) -> str:
    (transcript,) = parse(f"== a dialogue\n{dialogue}", "here.txt")
    with pytest.raises(TranscriptMismatch) as caught:
        without_a_loop(play(transcript, CoreStage()))
    return str(caught.value)


def test_a_different_line_is_marked_with_expected_and_got() -> None:
    shown = failure("S: +OK *\nC: USER mrose\nS: -ERR no\nC: QUIT\nS: +OK*")
    assert "a dialogue\n(here.txt, line 4)" in shown
    assert (
        "    C: USER mrose\n  > S: -ERR no\n      expected: -ERR no\n      got:      +OK" in shown
    )
    assert shown.endswith("C: QUIT\n    S: +OK*")


@pytest.mark.parametrize(
    ("dialogue", "got"),
    [
        ("S: +OK *\nS: +OK again", "silence"),
        ("S: +OK *\nC: QUIT\nS: +OK*\nS: +OK*", "the end of the connection"),
        ("S: +OK *\nC: NOOP\nC: NOOP\nS: -ERR*", "-ERR"),
        ("S: +OK *\nS: <close>", "the connection is open"),
        ("S: +OK *\nC: CAPA\nS: +OK*\nS: <lines with NONSENSE>", "UIDL"),
        ("S: +OK *\nC: CAPA\nS: +OK*\nS: <lines with TOP; without UIDL>", "UIDL"),
        ("S: +OK *\nC: NOOP\nS: <silence>", "-ERR"),
        ("S (bytes): +OK\\r\\n", "+OK "),
    ],
)
def test_each_kind_of_difference(dialogue: str, got: str) -> None:
    assert got in failure(dialogue)


def test_a_body_that_differs() -> None:
    given = "given: signed in\ngiven: a message of 60 octets\ngiven: a message of 61 octets\n"
    assert "expected: Subject" in failure(given + "C: RETR 1\nS: +OK*\nS: <message 2>")


def test_a_maildrop_that_differs() -> None:
    given = "given: signed in\ngiven: 2 messages of 60 octets\n"
    shown = failure(given + "C: DELE 1\nS: +OK*\nC: QUIT\nS: +OK*\nthen maildrop holds: 1, 2")
    assert "expected: 1, 2 (of 2 given)" in shown
    assert "got:      2 (of 2 given)" in shown


def test_a_name_stands_for_one_word() -> None:
    given = "given: signed in\ngiven: 2 messages of 60 octets\n"
    assert "got:      +OK 2 " in failure(given + "C: UIDL 1\nS: +OK 1 {a}\nC: UIDL 2\nS: +OK 2 {a}")


@pytest.mark.parametrize(
    "line",
    ["given: nonsense", "X: what", "then maildrop holds: all", "meanwhile: it rains", "S- +OK"],
)
def test_what_the_format_does_not_know_is_an_error(line: str) -> None:
    with pytest.raises(TranscriptSyntaxError, match=r"here\.txt, line 2"):
        parse(f"== a dialogue\n{line}", "here.txt")


@pytest.mark.parametrize("octets", [24, 25, 26, 40, 92, 93, 94, 95, 120, 160, 161, 162, 200, 5000])
def test_made_up_messages_have_the_octets_they_are_given(octets: int) -> None:
    if octets == 24:  # the header alone has 22, a line end 2
        assert message_of(octets, 1).endswith(b"\r\n\r\n\r\n")
    assert len(message_of(octets, 1)) == octets


def test_escapes() -> None:
    assert unescape(r"\0\r\n\t\s\xe4\\a") == b"\0\r\n\t \xe4\\a"


def test_the_bodies_that_are_expected() -> None:
    content = b"A: b\n\n.\n..x"
    assert body_on_the_line(content) == b"A: b\r\n\r\n..\r\n...x\r\n"
    assert body_on_the_line(content, 0) == b"A: b\r\n\r\n"
    assert body_on_the_line(content, 1) == b"A: b\r\n\r\n..\r\n"
    assert body_on_the_line(b"") == b""


def test_every_transcript_has_a_title_of_its_own() -> None:
    titles = [transcript.title for transcript in TRANSCRIPTS]
    assert len(set(titles)) == len(titles)
    assert len(titles) > 80
