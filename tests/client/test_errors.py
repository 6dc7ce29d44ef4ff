"""The errors of the client: which one it is, and what it says."""

from __future__ import annotations

import pytest

from pillarbox.client.errors import (
    MAX_QUOTED,
    ClientError,
    InUse,
    LoginDelayed,
    Refused,
    ServerTrouble,
    SignInRefused,
    refusal,
    sign_in_refusal,
)
from pillarbox.wire.replies import Code
from pillarbox.wire.verbs import Verb

KINDS = [
    (Code.IN_USE, InUse, InUse),
    (Code.LOGIN_DELAY, LoginDelayed, LoginDelayed),
    (Code.SYS_TEMP, ServerTrouble, ServerTrouble),
    (Code.SYS_PERM, ServerTrouble, ServerTrouble),
    (Code.AUTH, Refused, SignInRefused),
    (Code.UTF8, Refused, SignInRefused),
    (None, Refused, SignInRefused),
]


@pytest.mark.parametrize(("code", "kind", "at_sign_in"), KINDS)
def test_the_code_decides_which_error_it_is(
    code: Code | None, kind: type[Refused], at_sign_in: type[ClientError]
) -> None:
    error = refusal(Verb.RETR, code, "no")
    assert type(error) is kind
    assert (error.verb, error.code, error.text) == (Verb.RETR, code, "no")
    assert type(sign_in_refusal(Verb.PASS, code, "no")) is at_sign_in


@pytest.mark.parametrize(("code", "temporary"), [(Code.SYS_TEMP, True), (Code.SYS_PERM, False)])
def test_trouble_is_temporary_unless_the_server_says_it_is_not(code: Code, temporary: bool) -> None:
    error = refusal(Verb.STAT, code, "disk")
    assert isinstance(error, ServerTrouble)
    assert error.temporary is temporary


def test_a_sentence_says_what_was_refused_and_what_the_server_said() -> None:
    assert (
        str(refusal(Verb.TOP, None, "no such message"))
        == 'the server refused TOP: it said "no such message"'
    )
    assert str(refusal(Verb.TOP, None, " ")) == "the server refused TOP"
    assert "poll less often" in str(refusal(Verb.PASS, Code.LOGIN_DELAY, "wait"))


def test_a_refused_sign_in_says_what_to_check() -> None:
    assert str(SignInRefused(None, "bad login")) == (
        'the server refused the sign-in (it said "bad login"); check the user name and password'
    )


def test_a_hostile_text_reaches_no_terminal_as_it_came() -> None:
    text = "\x1b[2J\r\nroot# " + "x" * 5000
    for error in (refusal(Verb.RETR, None, text), sign_in_refusal(Verb.PASS, None, text)):
        assert str(error).isprintable()
        assert len(str(error)) < MAX_QUOTED + 150
        assert error.text == text
