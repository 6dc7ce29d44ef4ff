"""Nothing that a client says can put a secret into a log, or break the log's lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.redact import redact
from pillarbox.wire.states import State

SECRET = b"hunter2hunter2"
OUTSIDE_SASL = [state for state in State if state is not State.SASL]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    "line",
    [
        b"PASS " + SECRET,
        b"pass " + SECRET,
        b"PASS  " + SECRET,
        b"PASS one two " + SECRET,
        b"AUTH PLAIN " + SECRET,
        b"auth plain " + SECRET,
        b"AUTH PLAIN  " + SECRET,
        b"AUTH  PLAIN " + SECRET,
        b"APOP mrose " + SECRET,
        b"PAS " + SECRET,
        b"PASSWORD " + SECRET,
        b"PASS\t" + SECRET,
        b" PASS " + SECRET,
        b"PASS" + SECRET,
        SECRET,
        SECRET + b" PASS",
        b"LOGIN mrose " + SECRET,
        b"APOP  mrose " + SECRET,
        b"PASS\0" + SECRET,
        b"USER mrose\rPASS " + SECRET,
    ],
)
def test_the_secret_is_not_there(line: bytes, state: State) -> None:
    assert SECRET.decode() not in redact(line, state)
    assert SECRET.decode() not in redact(line + b"\r\n", state)


@given(st.binary(max_size=60))
def test_inside_an_exchange_nothing_is_shown(line: bytes) -> None:
    """The length is not, either: it would tell the password's."""
    assert redact(line, State.SASL) == redact(b"", State.SASL)


@given(line=st.binary(max_size=400), state=st.sampled_from(list(State)))
def test_a_log_line_is_printable_and_short(line: bytes, state: State) -> None:
    shown = redact(line, state)
    assert shown.isascii()
    assert shown.isprintable() or shown == ""
    assert len(shown) <= 500


@pytest.mark.parametrize("state", OUTSIDE_SASL)
@pytest.mark.parametrize("line", [b"RETR 1", b"USER mrose", b"TOP 1 0", b"STAT", b"CAPA", b"QUIT"])
def test_what_is_no_secret_is_shown(line: bytes, state: State) -> None:
    assert redact(line + b"\r\n", state) == line.decode()
